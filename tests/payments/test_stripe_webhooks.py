"""Stripe's webhooks: ours and the SDK's opinion of the simulator's, and forgeries of every kind."""

from __future__ import annotations

import hmac
import json
import time
from datetime import timedelta
from hashlib import sha256

import anyio
import msgspec
import pytest
import stripe

from holdfast.kit import clock, http
from holdfast.payments.providers.base import Forged, PaymentState, RefundState, Source
from holdfast.payments.providers.stripe import StripeCards, load_config

from .conftest import QUICK, Received
from .merchant import charge, number
from .test_stripe import refund_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cards(sim, receiver):
    """Our adapter; the simulator tells the receiver what happens."""
    async with http.client() as client:
        adapter = StripeCards(load_config(sim.config("stripe")), client, QUICK)
        assert await adapter.announce(receiver.url)
        yield adapter
        bearer = {"Authorization": f"Bearer {adapter.config.secret_key}"}
        for known in sim.http.get("/stripe/v1/webhook_endpoints", headers=bearer).json()["data"]:
            sim.http.delete(f"/stripe/v1/webhook_endpoints/{known['id']}", headers=bearer)


def event(kind: str, about: dict[str, object], **more: object) -> bytes:
    content = {"id": "evt_1", "type": kind, "created": 1_790_000_000, "livemode": False, "data": {"object": about}}
    return json.dumps(content | more).encode()


def signed(secret: str, raw: bytes, at: float | None = None, scheme: str = "v1") -> dict[str, str]:
    moment = str(int(clock.now().timestamp() if at is None else at))
    signature = hmac.new(secret.encode(), f"{moment}.".encode() + raw, sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},{scheme}={signature}"}


INTENT = {
    "object": "payment_intent",
    "id": "pi_1",
    "status": "succeeded",
    "amount": 500,
    "amount_received": 500,
    "currency": "cny",
    "created": 1_789_999_000,
    "latest_charge": "ch_1",
    "metadata": {"merchant_ref": "T1"},
}


async def test_a_payment_is_told_and_our_adapter_and_the_sdk_believe_it(cards, sim, receiver):
    await cards.create(charge(ref := number()))
    sim.pay(ref)
    told = receiver.next()
    notice = cards.notification(told.headers, told.raw)
    seen = notice.observation
    assert (notice.kind, seen.state, seen.source) == (
        "payment_intent.succeeded",
        PaymentState.SUCCEEDED,
        Source.CALLBACK,
    )
    assert (seen.merchant_ref, seen.amount_minor, seen.currency) == (ref, 12_800, "CNY")
    assert seen.provider_txn == sim.order(ref)["transaction_id"]
    assert abs(seen.occurred_at - clock.now()) < timedelta(seconds=10)
    by_sdk = stripe.Webhook.construct_event(told.raw, told.headers["stripe-signature"], cards.config.webhook_secret)
    assert (by_sdk.id, by_sdk.type, by_sdk.data.object.id) == (notice.dedupe_key, notice.kind, seen.provider_ref)
    assert cards.acknowledgement.status == 200


async def test_a_refund_is_told_when_it_is_accepted_and_when_it_ends(cards, sim, receiver):
    asked, _ = await cards.create(charge(ref := number()))
    sim.pay(ref)
    receiver.next()
    await cards.refund(refund_of(ref, provider_ref=asked.provider_ref))
    told = [cards.notification(*receiver.next()) for _ in range(2)]
    accepted, ended = sorted(told, key=lambda notice: notice.kind)
    assert (accepted.kind, accepted.observation.state, accepted.observation.refunded) == (
        "charge.refunded",
        PaymentState.SUCCEEDED,
        True,
    )
    seen = ended.refund_observation
    assert (ended.kind, seen.state, seen.refund_ref, seen.merchant_ref, seen.amount_minor) == (
        "refund.updated",
        RefundState.SUCCEEDED,
        f"R{ref}",
        ref,
        2_800,
    )


async def test_declines_challenges_and_cancellations_are_told(cards, sim, receiver):
    asked, _ = await cards.create(charge(ref := number()))
    for method, kind, code in (
        ("pm_card_chargeDeclined", "payment_intent.payment_failed", "generic_decline"),
        ("pm_card_authenticationRequired", "payment_intent.requires_action", None),
    ):
        form = {
            "key": cards.config.publishable_key,
            "client_secret": asked.client_secret,
            "payment_method": method,
        }
        sim.http.post(f"/stripe/v1/payment_intents/{asked.provider_ref}/confirm", data=form)
        notice = cards.notification(*receiver.next())
        assert (notice.kind, notice.observation.state) == (kind, PaymentState.AWAITING_USER)
        assert notice.observation.error_code == code
    await cards.close(ref, asked.provider_ref)
    notice = cards.notification(*receiver.next())
    assert (notice.kind, notice.observation.state) == ("payment_intent.canceled", PaymentState.CLOSED)


async def test_a_dispute_is_for_a_person(cards, sim, receiver):
    asked, _ = await cards.create(charge(number()))
    form = {
        "key": cards.config.publishable_key,
        "client_secret": asked.client_secret,
        "payment_method": "pm_card_createDispute",
    }
    sim.http.post(f"/stripe/v1/payment_intents/{asked.provider_ref}/confirm", data=form).raise_for_status()
    told = {notice.kind: notice for notice in (cards.notification(*receiver.next()) for _ in range(2))}
    dispute = told["charge.dispute.created"]
    assert (dispute.observation, dispute.refund_observation) == (None, None)


async def test_webhooks_come_twice_late_and_again_until_they_are_accepted(cards, sim, receiver):
    await cards.create(charge(ref := number()))
    sim.script({"fault": "double_callback", "match": "callback"}, {"fault": "late_callback", "match": "callback"})
    sim.pay(ref)
    assert receiver.silent_for(0.3)
    for status in (500, 301, 200, 200):
        receiver.statuses.put(status)
    sim.advance(11)
    first, second = receiver.next(), receiver.next()
    assert first.raw == second.raw
    sim.advance(3)  # 300 s, a hundred times faster
    again = [receiver.next(), receiver.next()]
    ids = {cards.notification(*told).dedupe_key for told in (first, second, *again)}
    assert len(ids) == 1
    assert receiver.silent_for(0.3)
    assert sim.callbacks() == {"delivered": 2}


async def test_a_dropped_webhook_never_comes_and_an_early_one_comes_before_the_answer(cards, sim, receiver):
    await cards.create(charge(ref := number()))
    sim.script({"fault": "drop_callback", "match": "callback"})
    sim.pay(ref)
    assert receiver.silent_for(0.3)
    sim.script({"fault": "callback_before_response", "match": "create"})
    asked, _ = await cards.create(charge(early := number()))
    told = receiver.inbox.get_nowait()
    assert cards.notification(*told).observation.merchant_ref == early
    assert asked.state is PaymentState.AWAITING_USER


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("forged_callback", "bad-signature"),
        ("tampered_callback", "bad-signature"),
        ("stale_callback", "stale"),
    ],
)
async def test_false_webhooks_are_refused_and_the_true_one_follows(cards, sim, receiver, fault, reason):
    await cards.create(charge(ref := number()))
    sim.script({"fault": fault, "match": "callback"})
    sim.pay(ref)
    told = sorted((receiver.next(), receiver.next()), key=lambda one: _reason(cards, one))
    assert [_reason(cards, one) for one in told] == ["", reason]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(told[1].raw, told[1].headers["stripe-signature"], cards.config.webhook_secret)


def _reason(cards: StripeCards, told: Received) -> str:
    try:
        cards.notification(told.headers, told.raw)
    except Forged as forged:
        return forged.reason
    return ""


async def test_what_a_webhook_says_is_reported_as_said(cards, sim, receiver):
    for fault, state, amount, currency in (
        ("wrong_amount", PaymentState.SUCCEEDED, 12_801, "CNY"),
        ("wrong_currency", PaymentState.SUCCEEDED, 12_800, "USD"),
        ("new_enum", PaymentState.UNKNOWN, 12_800, "CNY"),
        ("renamed_field", PaymentState.UNKNOWN, None, None),
    ):
        await cards.create(charge(ref := number()))
        sim.script({"fault": fault, "match": "callback"})
        sim.pay(ref)
        seen = cards.notification(*receiver.next()).observation
        assert (seen.state, seen.amount_minor, seen.currency) == (state, amount, currency)


async def test_a_huge_webhook_is_refused_or_read_but_never_breaks_anything(cards, sim, receiver):
    await cards.create(charge(ref := number()))
    sim.script({"fault": "huge_callback", "match": "callback"})
    sim.pay(ref)
    sizes = sorted((receiver.next(), receiver.next()), key=lambda told: len(told.raw))
    assert len(sizes[1].raw) > 2**22
    assert cards.notification(*sizes[1]).observation.merchant_ref == ref


async def test_a_rolled_secret_signs_beside_the_old_one_for_a_day(cards, sim, receiver):
    await cards.create(charge(ref := number()))
    fresh = sim.http.post("/_sim/keys/rotate", params={"provider": "stripe"}).json()["webhook_secret"]
    assert load_config(sim.config("stripe")).webhook_secret == fresh
    sim.pay(ref)
    told = receiver.next()
    assert told.headers["stripe-signature"].count("v1=") == 2
    async with http.client() as client:
        renewed = StripeCards(msgspec.structs.replace(cards.config, webhook_secret=fresh), client, QUICK)
        for adapter in (cards, renewed):
            assert adapter.notification(*told).observation.merchant_ref == ref
        sim.advance(86_401)
        await renewed.create(charge(later := number()))
        sim.pay(later)
        told = receiver.next()
        assert renewed.notification(*told).observation.merchant_ref == later
        assert _reason(cards, told) == "bad-signature"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "unsigned"),
        ({"stripe-signature": ""}, "unsigned"),
        ({"stripe-signature": "v1=aa"}, "unsigned"),
        ({"stripe-signature": "t=1"}, "unsigned"),
        ({"stripe-signature": "t=1,t=2,v1=aa"}, "unsigned"),
        ({"stripe-signature": "t=x,v1=aa"}, "bad-timestamp"),
        ({"stripe-signature": "t=١٢,v1=aa"}, "bad-timestamp"),
        ({"stripe-signature": f"t={'9' * 40},v1=aa"}, "bad-timestamp"),
        ({"stripe-signature": "t=1,v1=aa"}, "stale"),
    ],
)
async def test_headers_of_every_wrong_shape_are_forged(cards, headers, reason):
    with pytest.raises(Forged) as forged:
        cards.notification(headers, event("payment_intent.succeeded", INTENT))
    assert forged.value.reason == reason


async def test_signatures_that_do_not_fit_are_forged(cards):
    raw, secret = event("payment_intent.succeeded", INTENT), cards.config.webhook_secret
    assert cards.notification(signed(secret, raw), raw).observation.provider_txn == "ch_1"
    for headers, body, reason in (
        (signed("whsec_other", raw), raw, "bad-signature"),
        (signed(secret, raw, scheme="v0"), raw, "unsigned"),
        (signed(secret, raw), raw + b" ", "bad-signature"),
        ({"Stripe-Signature": signed(secret, raw)["Stripe-Signature"] + "é"}, raw, "bad-signature"),
        (signed(secret, raw, time.time() - 301), raw, "stale"),
        (signed(secret, raw, time.time() + 301), raw, "stale"),
        (signed(secret, raw, time.time() + 86_400), raw, "stale"),
    ):
        with pytest.raises(Forged) as forged:
            cards.notification(headers, body)
        assert forged.value.reason == reason


async def test_the_window_follows_the_clock_and_the_sdk_believes_the_future(cards):
    raw, secret = event("payment_intent.succeeded", INTENT), cards.config.webhook_secret
    tomorrow = signed(secret, raw, time.time() + 86_400)
    stripe.Webhook.construct_event(raw, tomorrow["Stripe-Signature"], secret)
    clock.move(timedelta(days=1))
    assert cards.notification(tomorrow, raw).kind == "payment_intent.succeeded"


async def test_proven_nonsense_is_parked_and_what_is_not_ours_bears_no_observation(cards):
    secret = cards.config.webhook_secret

    def told(raw: bytes):
        return cards.notification(signed(secret, raw), raw)

    for body in (b"", b"[]", b"\xff", b'{"id":"evt_1"}', b"[" * 100_000):
        with pytest.raises(Forged) as forged:
            told(body)
        assert forged.value.reason == "not-an-event"
    with pytest.raises(Forged) as forged:
        told(event("payment_intent.succeeded", INTENT, livemode=True))
    assert forged.value.reason == "other-mode"

    parked = told(event("payment_intent.succeeded", {**INTENT, "amount": "500"})).observation
    assert (parked.state, parked.error_code) == (PaymentState.UNKNOWN, "unreadable")
    incomplete = told(event("payment_intent.succeeded", {**INTENT, "latest_charge": None})).observation
    assert (incomplete.state, incomplete.error_code) == (PaymentState.UNKNOWN, "incomplete")
    odd = told(event("refund.updated", {"object": "refund", "id": "../../x"})).refund_observation
    assert (odd.state, odd.error_code) == (RefundState.UNKNOWN, "unreadable")
    for foreign in (
        event("payment_intent.succeeded", {**INTENT, "metadata": {}}),
        event("refund.updated", {"object": "refund", "id": "re_1", "amount": 1, "currency": "cny", "created": 1}),
        event("customer.created", {"object": "customer", "id": "cus_1"}),
        event("charge.dispute.created", {"object": "dispute", "id": "du_1"}),
        event("payment_intent.succeeded", {"id": "pi_1"}),
    ):
        notice = told(foreign)
        assert (notice.observation, notice.refund_observation, notice.dedupe_key) == (None, None, "evt_1")


async def test_an_address_that_does_not_answer_is_tried_for_three_days(cards, sim, receiver):
    await cards.create(charge(ref := number()))
    for _ in range(20):
        receiver.statuses.put(500)
    sim.pay(ref)
    for _ in range(100):
        if sim.callbacks() == {"given up": 1}:
            break
        await anyio.sleep(0.05)
        sim.advance(432)  # twelve hours, a hundred times faster
    assert receiver.inbox.qsize() == 10
