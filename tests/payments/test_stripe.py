"""Our Stripe adapter against the simulator, over real connections."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import NamedTuple

import anyio
import msgspec
import pytest

from holdfast.kit import clock, http, settings, txstate
from holdfast.payments.providers.base import OutcomeClass, PaymentState, Refund, RefundState, Source
from holdfast.payments.providers.stripe import StripeCards, load_config

from .conftest import QUICK
from .merchant import charge, number

pytestmark = pytest.mark.anyio

UNKNOWN, TECHNICAL = OutcomeClass.UNKNOWN_OUTCOME, OutcomeClass.TECHNICAL


class Mishap(NamedTuple):
    fault: str
    code: str
    deed: OutcomeClass
    question: OutcomeClass
    done: bool
    """Whether what was asked happened all the same."""


MISHAPS = [
    Mishap("hang", "timeout", UNKNOWN, TECHNICAL, True),
    Mishap("reset", "connection-lost", UNKNOWN, TECHNICAL, False),
    Mishap("lost_response", "connection-lost", UNKNOWN, TECHNICAL, True),
    Mishap("html_502", "http-502", UNKNOWN, TECHNICAL, False),
    Mishap("system_error", "api_error", UNKNOWN, TECHNICAL, False),
    Mishap("rate_limit", "rate_limit", OutcomeClass.RATE_LIMIT, OutcomeClass.RATE_LIMIT, False),
    Mishap("truncated_json", "unreadable", UNKNOWN, TECHNICAL, True),
]
BY_FAULT = pytest.mark.parametrize("mishap", MISHAPS, ids=[mishap.fault for mishap in MISHAPS])


@pytest.fixture
async def cards(sim):
    """Our adapter, pointed at the simulator."""
    async with http.client() as client:
        yield StripeCards(load_config(sim.config("stripe")), client, QUICK)


def refund_of(ref: str, amount: int = 2_800, **more: object) -> Refund:
    return Refund(f"R{ref}", ref, amount, 12_800, "CNY", "行程取消", **more)


async def paid(cards: StripeCards, sim) -> tuple[str, str]:
    """Our number of a paid charge, and Stripe's."""
    asked, _ = await cards.create(charge(ref := number()))
    sim.pay(ref)
    return ref, asked.provider_ref


async def test_a_payment_is_asked_for_paid_found_and_partly_refunded(cards, sim):
    ref = number()
    asked, call = await cards.create(charge(ref))
    assert (asked.state, asked.source, call.outcome_class) == (
        PaymentState.AWAITING_USER,
        Source.RESPONSE,
        OutcomeClass.OK,
    )
    assert asked.provider_ref.startswith("pi_")
    assert asked.client_secret.startswith(f"{asked.provider_ref}_secret_")
    waiting, _ = await cards.query(ref, asked.provider_ref)
    assert (waiting.state, waiting.client_secret) == (PaymentState.AWAITING_USER, asked.client_secret)

    sim.pay(ref)
    found, _ = await cards.query(ref, asked.provider_ref)
    assert (found.state, found.amount_minor, found.currency) == (PaymentState.SUCCEEDED, 12_800, "CNY")
    assert found.provider_txn == sim.order(ref)["transaction_id"]
    assert abs(found.occurred_at - clock.now()) < timedelta(seconds=10)
    assert (found.refunded, found.client_secret, len(found.raw_digest)) == (False, None, 64)

    accepted, call = await cards.refund(refund_of(ref, provider_ref=asked.provider_ref))
    assert (accepted.state, accepted.amount_minor, call.outcome_class) == (
        RefundState.PROCESSING,
        2_800,
        OutcomeClass.OK,
    )
    again, _ = await cards.refund(refund_of(ref, provider_ref=asked.provider_ref))
    assert again.provider_refund == accepted.provider_refund
    await anyio.sleep(0.4)
    settled, _ = await cards.query_refund(f"R{ref}", ref, accepted.provider_refund)
    assert (settled.state, settled.merchant_ref) == (RefundState.SUCCEEDED, ref)
    by_ours, _ = await cards.query_refund(f"R{ref}", ref)
    assert by_ours.provider_refund == accepted.provider_refund
    after, _ = await cards.query(ref, asked.provider_ref)
    assert (after.state, after.refunded) == (PaymentState.SUCCEEDED, True)


async def test_a_receipt_is_found_by_its_number(cards, sim):
    ref, provider_ref = await paid(cards, sim)
    txn = sim.order(ref)["transaction_id"]
    seen, _ = await cards.query_txn(txn)
    assert (seen.state, seen.merchant_ref, seen.provider_ref, seen.provider_txn, seen.amount_minor) == (
        PaymentState.SUCCEEDED,
        ref,
        provider_ref,
        txn,
        12_800,
    )
    absent, call = await cards.query_txn("ch_unknown")
    assert (absent.state, call.outcome_class) == (PaymentState.NOT_FOUND, OutcomeClass.OK)


async def test_a_declined_card_leaves_the_payment_payable_with_the_issuers_word(cards, sim):
    ref = number()
    asked, _ = await cards.create(charge(ref))
    form = {
        "key": cards.config.publishable_key,
        "client_secret": asked.client_secret,
        "payment_method": "pm_card_chargeDeclinedInsufficientFunds",
    }
    assert sim.http.post(f"/stripe/v1/payment_intents/{asked.provider_ref}/confirm", data=form).status_code == 402
    seen, _ = await cards.query(ref, asked.provider_ref)
    assert (seen.state, seen.error_code) == (PaymentState.AWAITING_USER, "insufficient_funds")
    assert cards.errors["insufficient_funds"].outcome is OutcomeClass.DECLINE
    assert seen.client_secret == asked.client_secret
    [failed] = sim.http.get("/stripe/v1/charges", headers=_bearer(cards)).json()["data"]
    receipt, _ = await cards.query_txn(failed["id"])
    assert (receipt.state, receipt.provider_txn) == (PaymentState.AWAITING_USER, None)


def _bearer(cards: StripeCards) -> dict[str, str]:
    return {"Authorization": f"Bearer {cards.config.secret_key}"}


async def test_a_lost_answer_is_found_by_our_number_at_once_and_later(cards, sim):
    sim.script({"fault": "lost_response", "match": "create", "count": 1})
    ref = number()
    lost, _ = await cards.create(charge(ref))
    assert (lost.state, lost.provider_ref) == (PaymentState.UNKNOWN, None)
    found, _ = await cards.query(ref)
    assert (found.state, found.client_secret is not None) == (PaymentState.AWAITING_USER, True)
    again, _ = await cards.create(charge(ref))
    assert again.provider_ref == found.provider_ref
    for later_s in (120, 7_200):  # found by the search, then no longer in the list
        sim.advance(later_s)
        found, _ = await cards.query(ref)
        assert found.provider_ref == again.provider_ref
    absent, call = await cards.query(number())
    assert (absent.state, call.outcome_class) == (PaymentState.NOT_FOUND, OutcomeClass.OK)


async def test_the_list_is_read_page_by_page(cards, sim):
    ref = number()
    await cards.create(charge(ref))
    for at in range(105):
        form = {"amount": str(100 + at), "currency": "cny"}
        sim.http.post("/stripe/v1/payment_intents", data=form, headers=_bearer(cards)).raise_for_status()
    found, _ = await cards.query(ref)
    assert (found.state, found.merchant_ref) == (PaymentState.AWAITING_USER, ref)


async def test_of_two_payments_under_one_number_the_paid_one_counts(cards, sim):
    ref, first = await paid(cards, sim)
    sim.advance(90_000)
    second, _ = await cards.create(charge(ref))
    assert second.provider_ref != first
    found, _ = await cards.query(ref)
    assert (found.state, found.provider_ref) == (PaymentState.SUCCEEDED, first)


async def test_closing_makes_payment_impossible_and_a_paid_charge_refuses(cards, sim):
    ref = number()
    asked, _ = await cards.create(charge(ref))
    closed, call = await cards.close(ref, asked.provider_ref)
    assert (closed.state, closed.source, call.outcome_class) == (PaymentState.CLOSED, Source.CLOSE, OutcomeClass.OK)
    again, call = await cards.close(ref, asked.provider_ref)
    assert (again.state, call.outcome_class) == (PaymentState.CLOSED, OutcomeClass.USER)
    assert (await cards.query(ref, asked.provider_ref))[0].state is PaymentState.CLOSED

    bought, provider_ref = await paid(cards, sim)
    refused, call = await cards.close(bought, provider_ref)
    assert (refused.state, refused.error_code) == (PaymentState.UNKNOWN, "payment_intent_unexpected_state")
    assert call.outcome_class is OutcomeClass.USER

    nameless = number()
    await cards.create(charge(nameless))
    assert (await cards.close(nameless))[0].state is PaymentState.CLOSED
    assert (await cards.close(number()))[0].state is PaymentState.NOT_FOUND


@BY_FAULT
async def test_a_charge_is_in_doubt_unless_it_surely_did_not_leave(cards, sim, mishap):
    sim.script({"fault": mishap.fault, "match": "create", "count": 1, "seconds": 1})
    ref = number()
    seen, call = await cards.create(charge(ref))
    assert (seen.state, seen.error_code, seen.merchant_ref) == (PaymentState.UNKNOWN, mishap.code, ref)
    assert (call.outcome_class, call.operation) == (mishap.deed, "create")
    assert call.host == sim.url.removeprefix("http://")
    if mishap.fault == "hang":
        await anyio.sleep(0.5)
    asked, _ = await cards.query(ref)
    assert asked.state is (PaymentState.AWAITING_USER if mishap.done else PaymentState.NOT_FOUND)


@BY_FAULT
async def test_a_question_leaves_nothing_in_doubt(cards, sim, mishap):
    ref, provider_ref = await paid(cards, sim)
    sim.script({"fault": mishap.fault, "match": "query", "count": 1, "seconds": 1})
    seen, call = await cards.query(ref, provider_ref)
    assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, mishap.code)
    assert call.outcome_class is mishap.question


@BY_FAULT
async def test_a_search_that_fails_does_not_mean_there_is_nothing(cards, sim, mishap):
    sim.script({"fault": mishap.fault, "match": "query", "count": 1, "seconds": 1})
    for ask in (cards.query, cards.close):
        seen, _ = await ask(number())
        sim.script({"fault": mishap.fault, "match": "query", "count": 1, "seconds": 1})
        assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, mishap.code)


@BY_FAULT
async def test_a_refund_in_doubt_is_asked_about_and_sent_once(cards, sim, mishap):
    ref, provider_ref = await paid(cards, sim)
    sim.script({"fault": mishap.fault, "match": "refund", "count": 1, "seconds": 1})
    seen, call = await cards.refund(refund_of(ref, provider_ref=provider_ref))
    assert (seen.state, seen.error_code, call.outcome_class) == (RefundState.UNKNOWN, mishap.code, mishap.deed)
    if mishap.fault == "hang":
        await anyio.sleep(0.5)
    asked, _ = await cards.query_refund(f"R{ref}", ref)
    assert (asked.state is RefundState.NOT_FOUND) is not mishap.done
    if (
        mishap.fault == "system_error"
    ):  # the failure is kept under the key; the payment's refunds show that nothing was done
        again, _ = await cards.refund(refund_of(ref, provider_ref=provider_ref))
        assert again.state in (RefundState.PROCESSING, RefundState.SUCCEEDED)
    await cards.refund(refund_of(ref, provider_ref=provider_ref))
    assert [given["amount"] for given in sim.order(ref)["refunds"]] == [2_800]


async def test_a_refund_refused_for_want_of_funds_goes_out_under_the_same_number_after_a_top_up(cards, sim):
    ref, _ = await paid(cards, sim)
    txn = sim.order(ref)["transaction_id"]
    sim.script({"fault": "refund_not_enough", "match": "refund"})
    for _ in range(3):
        seen, call = await cards.refund(refund_of(ref, provider_txn=txn))
        assert (seen.state, seen.error_code) == (RefundState.UNKNOWN, "insufficient_balance_for_refund")
        assert (call.outcome_class, cards.errors[seen.error_code].page) == (OutcomeClass.DECLINE, True)
    sim.script()
    for _ in range(2):
        seen, _ = await cards.refund(refund_of(ref, provider_txn=txn))
        assert seen.state in (RefundState.PROCESSING, RefundState.SUCCEEDED)
    assert len(sim.order(ref)["refunds"]) == 1


async def test_a_refund_finds_its_charge_by_our_number_and_says_when_there_is_none(cards, sim):
    ref, _ = await paid(cards, sim)
    seen, _ = await cards.refund(refund_of(ref))
    assert seen.state is RefundState.PROCESSING
    lost, _ = await cards.refund(refund_of(number()))
    assert (lost.state, lost.error_code) == (RefundState.UNKNOWN, "payment-not-found")
    unpaid = number()
    await cards.create(charge(unpaid))
    early, call = await cards.refund(refund_of(unpaid))
    assert (early.state, early.error_code, call.outcome_class) == (
        RefundState.UNKNOWN,
        "payment_intent_unexpected_state",
        OutcomeClass.USER,
    )


@pytest.mark.parametrize(
    ("status", "state", "code"),
    [
        ("ABNORMAL", RefundState.ABNORMAL, "expired_or_canceled_card"),
        ("CLOSED", RefundState.CLOSED, "merchant_request"),
    ],
)
async def test_a_refund_may_end_badly(cards, sim, status, state, code):
    ref, provider_ref = await paid(cards, sim)
    sim.script({"fault": "refund_processing", "match": "refund"})
    await cards.refund(refund_of(ref, provider_ref=provider_ref))
    sim.http.post(f"/_sim/refunds/R{ref}", json={"status": status}).raise_for_status()
    seen, _ = await cards.query_refund(f"R{ref}", ref)
    assert (seen.state, seen.error_code) == (state, code)
    assert code in cards.errors


@pytest.mark.parametrize(
    ("fault", "state", "amount", "currency"),
    [
        ("wrong_amount", PaymentState.SUCCEEDED, 12_801, "CNY"),
        ("wrong_currency", PaymentState.SUCCEEDED, 12_800, "USD"),
        ("new_enum", PaymentState.UNKNOWN, 12_800, "CNY"),
        ("renamed_field", PaymentState.UNKNOWN, None, None),
        ("query_lag", PaymentState.AWAITING_USER, 12_800, "CNY"),
    ],
)
async def test_what_stripe_says_is_reported_as_said(cards, sim, fault, state, amount, currency):
    ref, provider_ref = await paid(cards, sim)
    sim.script({"fault": fault, "match": "query"})
    seen, _ = await cards.query(ref, provider_ref)
    assert (seen.state, seen.amount_minor, seen.currency) == (state, amount, currency)


async def test_definite_refusals_of_a_new_charge_are_failures(cards, sim):
    seen, call = await cards.create(charge(number(), amount_minor=49, currency="USD"))
    assert (seen.state, seen.error_code, call.outcome_class) == (
        PaymentState.FAILED,
        "amount_too_small",
        OutcomeClass.CONFIG,
    )
    async with http.client() as client:
        wrong = msgspec.structs.replace(cards.config, secret_key="sk_test_wrong")
        seen, call = await StripeCards(wrong, client, QUICK).create(charge(number()))
    assert (seen.state, seen.error_code) == (PaymentState.FAILED, "invalid_request_error")
    assert call.http_status == 401


async def test_a_number_that_was_sent_with_other_parameters_stays_in_doubt(cards, sim):
    ref = number()
    await cards.create(charge(ref))
    seen, call = await cards.create(charge(ref, amount_minor=1_000))
    assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, "idempotency_error")
    assert call.outcome_class is OutcomeClass.CONFIG


async def test_an_answer_about_another_payment_is_not_believed(cards, sim):
    ref, provider_ref = await paid(cards, sim)
    seen, _ = await cards.query(number(), provider_ref)
    assert (seen.state, seen.error_code, seen.amount_minor) == (PaymentState.UNKNOWN, "mismatch", None)
    given, _ = await cards.refund(refund_of(ref))
    other, _ = await cards.query_refund("RX", ref, given.provider_refund)
    assert (other.state, other.error_code) == (RefundState.UNKNOWN, "mismatch")
    unknown, _ = await cards.query_refund(f"R{ref}", ref, "re_unknown")
    assert unknown.state is RefundState.NOT_FOUND


async def test_what_never_left_is_technical(cards, sim):
    async with http.client() as client:
        lonely = StripeCards(msgspec.structs.replace(cards.config, api_base="http://127.0.0.1:9"), client, QUICK)
        seen, call = await lonely.create(charge(number()))
        bill, billed = await lonely.bill(clock.now().date() - timedelta(days=2))
    assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, "connect-failed")
    assert (call.outcome_class, call.http_status) == (OutcomeClass.TECHNICAL, None)
    assert (bill, billed.error_code) == (None, "connect-failed")


async def test_nothing_is_called_inside_a_transaction(cards):
    token = txstate.in_transaction.set(True)
    try:
        with pytest.raises(AssertionError):
            await cards.query(number())
    finally:
        txstate.in_transaction.reset(token)


async def test_requests_name_the_adapters_version_and_nothing_of_this_machine(cards, sim, monkeypatch):
    monkeypatch.setenv("CODEX_CI", "1")  # the package would tell
    async with http.client() as client:
        newer = StripeCards(cards.config, client, QUICK, version="2026-11")
        await newer.create(charge(number()))
        sim.script({"fault": "html_502", "match": "create", "agent": "holdfast-stripe/2026-11"})
        struck, _ = await newer.create(charge(number()))
        spared, _ = await cards.create(charge(number()))
    assert (struck.state, spared.state) == (PaymentState.UNKNOWN, PaymentState.AWAITING_USER)
    assert (newer.version, cards.version) == ("2026-11", "2026-10")
    agents = {
        entry["agent"].split()[0] for entry in sim.http.get("/_sim/journal").json()["entries"] if "agent" in entry
    }
    assert agents == {"holdfast-stripe/2026-11", "holdfast-stripe/2026-10"}
    assert "AIAgent" not in json.dumps(sim.http.get("/_sim/journal").json())


async def test_the_address_for_news_is_registered_once(cards, sim, receiver):
    assert await cards.announce(receiver.url)
    assert await cards.announce(receiver.url)
    known = sim.http.get("/stripe/v1/webhook_endpoints", headers=_bearer(cards)).json()["data"]
    [ours] = [one for one in known if one["url"] == receiver.url]
    assert "charge.dispute.created" in ours["enabled_events"]
    sim.http.delete(f"/stripe/v1/webhook_endpoints/{ours['id']}", headers=_bearer(cards)).raise_for_status()


async def test_secrets_are_not_shown_and_production_wants_https(monkeypatch):
    config = load_config(b'{"secret_key":"sk_live_x","publishable_key":"pk_live_y","webhook_secret":"whsec_z"}')
    assert (config.api_base, config.script_url) == ("https://api.stripe.com", "https://js.stripe.com/v3/")
    assert "sk_live_x" not in repr(config)
    assert "whsec_z" not in repr(config)
    production = msgspec.structs.replace(settings.current(), env="prod")
    monkeypatch.setattr(settings, "current", lambda: production)
    with pytest.raises(ValueError, match="https"):
        StripeCards(msgspec.structs.replace(config, api_base="http://127.0.0.1:1"), http.client())
    with pytest.raises(msgspec.ValidationError):
        load_config(b'{"secret_key":"sk"}')
