"""Our WeChat Pay adapter against the simulator, over real connections."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import anyio
import httpx2
import msgspec
import pytest

from holdfast.kit import clock, http, settings, txstate
from holdfast.payments.providers.base import (
    OutcomeClass,
    PaymentState,
    RefundState,
    Source,
)
from holdfast.payments.providers.wechatpay import WeChatPay, load_config
from holdfast.payments.simulator.wechatpay.keys import Keys, new_identity

from .merchant import charge, number, paid, refund_of

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
    Mishap("system_error", "SYSTEM_ERROR", UNKNOWN, TECHNICAL, False),
    Mishap("rate_limit", "FREQUENCY_LIMITED", OutcomeClass.RATE_LIMIT, OutcomeClass.RATE_LIMIT, False),
    Mishap("unsigned", "unsigned", UNKNOWN, TECHNICAL, True),
    Mishap("bad_signature", "bad-signature", UNKNOWN, TECHNICAL, True),
]
BY_FAULT = pytest.mark.parametrize("mishap", MISHAPS, ids=[mishap.fault for mishap in MISHAPS])


async def test_a_payment_is_asked_for_paid_found_and_partly_refunded(provider, sim):
    ref = number()
    asked, call = await provider.create(charge(ref, expires_at=clock.now() + timedelta(minutes=15)))
    assert (asked.state, asked.source, call.outcome_class) == (
        PaymentState.AWAITING_USER,
        Source.RESPONSE,
        OutcomeClass.OK,
    )
    assert asked.code_url.startswith("weixin://wxpay/bizpayurl?pr=")
    waiting, _ = await provider.query(ref)
    assert waiting.state is PaymentState.AWAITING_USER

    sim.pay(ref, payer_amount=12_000)
    found, _ = await provider.query(ref)
    assert (found.state, found.amount_minor, found.payer_minor, found.currency) == (
        PaymentState.SUCCEEDED,
        12_800,
        12_000,
        "CNY",
    )
    assert found.provider_txn == sim.order(ref)["transaction_id"]
    assert abs(found.occurred_at - clock.now()) < timedelta(seconds=10)
    assert not found.refunded
    assert len(found.raw_digest) == 64

    accepted, _ = await provider.refund(refund_of(ref))
    assert accepted.state is RefundState.PROCESSING
    again, _ = await provider.refund(refund_of(ref))
    assert again.provider_refund == accepted.provider_refund
    done = await settled(provider, f"R{ref}")
    assert (done.state, done.amount_minor, done.currency, done.merchant_ref) == (
        RefundState.SUCCEEDED,
        2_800,
        "CNY",
        ref,
    )
    still_paid, _ = await provider.query(ref)
    assert (still_paid.state, still_paid.refunded) == (PaymentState.SUCCEEDED, True)


async def settled(provider: WeChatPay, refund_ref: str):
    """The refund once it is no longer in processing."""
    with anyio.fail_after(5):
        while True:
            seen, _ = await provider.query_refund(refund_ref)
            if seen.state is not RefundState.PROCESSING:
                return seen
            await anyio.sleep(0.05)


@BY_FAULT
async def test_a_mishap_while_asking_for_money_is_unknown(provider, sim, mishap):
    fault, code, deed, _, done = mishap
    sim.script({"fault": fault, "match": "create", "seconds": 1.0})
    ref = number()
    seen, call = await provider.create(charge(ref))
    assert (seen.state, seen.error_code, seen.code_url) == (PaymentState.UNKNOWN, code, None)
    assert (call.outcome_class, call.error_code) == (deed, code)
    if fault == "hang":
        await anyio.sleep(0.5)
    sim.script()
    later, _ = await provider.query(ref)
    assert later.state is (PaymentState.AWAITING_USER if done else PaymentState.NOT_FOUND)


@BY_FAULT
async def test_a_mishap_of_any_other_call_is_unknown_too(provider, sim, mishap):
    fault, code, deed, question, _ = mishap
    ref = await paid(provider, sim)
    sim.script({"fault": fault, "seconds": 1.0})
    for operation in (provider.query, provider.close):
        seen, call = await operation(ref)
        assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, code)
        assert call.outcome_class is (question if operation == provider.query else deed)
    seen, call = await provider.refund(refund_of(ref))
    assert (seen.state, seen.error_code, call.outcome_class) == (RefundState.UNKNOWN, code, deed)
    seen, call = await provider.query_refund(f"R{ref}")
    assert (seen.state, seen.error_code, call.outcome_class) == (RefundState.UNKNOWN, code, question)


async def test_half_an_answer_is_unknown_even_when_it_is_signed(provider, sim):
    ref = await paid(provider, sim)
    sim.script({"fault": "truncated_json"})
    for seen, call in (
        await provider.create(charge(number())),
        await provider.query(ref),
        await provider.refund(refund_of(ref)),
    ):
        assert (seen.state, seen.error_code) == ("unknown", "unreadable")
        assert call.outcome_class in (UNKNOWN, TECHNICAL)


async def test_after_a_lost_response_the_same_order_is_found_and_can_be_had_again(provider, sim):
    ref = number()
    sim.script({"fault": "lost_response", "match": "create", "count": 1})
    lost, call = await provider.create(charge(ref))
    assert (lost.state, call.http_status) == (PaymentState.UNKNOWN, None)
    assert (await provider.query(ref))[0].state is PaymentState.AWAITING_USER
    again, _ = await provider.create(charge(ref))
    assert again.state is PaymentState.AWAITING_USER
    assert len(sim.http.get("/_sim/truth").json()["orders"]) == 1


async def test_after_a_lost_refund_response_the_money_goes_back_once(provider, sim):
    ref = await paid(provider, sim)
    sim.script({"fault": "lost_response", "match": "refund", "count": 1})
    lost, _ = await provider.refund(refund_of(ref, 12_800))
    assert lost.state is RefundState.UNKNOWN
    again, _ = await provider.refund(refund_of(ref, 12_800))
    assert again.state in (RefundState.PROCESSING, RefundState.SUCCEEDED)
    assert [given["amount"] for given in sim.order(ref)["refunds"]] == [12_800]


async def test_a_provider_that_cannot_be_reached_was_surely_sent_nothing(sim):
    nowhere = {"base_url": "http://127.0.0.1:1", "backup_url": "http://127.0.0.1:1/backup"}
    config = msgspec.structs.replace(load_config(sim.config()), **nowhere)
    async with http.client() as client:
        seen, call = await WeChatPay(config, client).create(charge(number()))
    assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, "connect-failed")
    assert (call.outcome_class, call.http_status) == (TECHNICAL, None)


async def test_closing_is_repeatable_refused_when_paid_and_says_when_there_is_nothing(provider, sim):
    ref = number()
    await provider.create(charge(ref))
    for _ in range(2):
        seen, call = await provider.close(ref)
        assert (seen.state, call.http_status) == (PaymentState.CLOSED, 204)
    assert (await provider.query(ref))[0].state is PaymentState.CLOSED
    seen, call = await provider.create(charge(ref))
    assert (seen.state, seen.error_code, call.outcome_class) == (PaymentState.CLOSED, "ORDER_CLOSED", OutcomeClass.USER)

    seen, call = await provider.close(await paid(provider, sim))
    assert (seen.state, seen.error_code, call.outcome_class) == (PaymentState.UNKNOWN, "ORDERPAID", OutcomeClass.USER)
    seen, call = await provider.close(number())
    assert (seen.state, call.outcome_class) == (PaymentState.NOT_FOUND, OutcomeClass.OK)


async def test_absence_is_not_failure(provider):
    seen, call = await provider.query(number())
    assert (seen.state, seen.error_code, call.outcome_class) == (
        PaymentState.NOT_FOUND,
        "ORDER_NOT_EXIST",
        OutcomeClass.OK,
    )
    seen, _ = await provider.query_refund("R-none")
    assert (seen.state, seen.error_code) == (RefundState.NOT_FOUND, "RESOURCE_NOT_EXISTS")


async def test_refusals_are_told_apart_by_the_error_dictionary(provider, sim):
    seen, call = await provider.create(charge("no"))
    assert (seen.state, seen.error_code, call.outcome_class) == (
        PaymentState.FAILED,
        "PARAM_ERROR",
        OutcomeClass.CONFIG,
    )
    ref = number()
    await provider.create(charge(ref))
    seen, call = await provider.create(charge(ref, amount_minor=1))
    assert (seen.state, seen.error_code, call.outcome_class) == (
        PaymentState.UNKNOWN,
        "INVALID_REQUEST",
        OutcomeClass.CONFIG,
    )
    sim.pay(ref)
    seen, call = await provider.create(charge(ref))
    assert (seen.state, seen.error_code, call.outcome_class) == (PaymentState.UNKNOWN, "ORDERPAID", OutcomeClass.USER)


async def test_a_wrong_merchant_key_is_a_matter_of_configuration(sim):
    stranger = new_identity().merchant_key_pem
    config = msgspec.structs.replace(load_config(sim.config()), private_key_pem=stranger)
    async with http.client() as client:
        seen, call = await WeChatPay(config, client).create(charge(number()))
    assert (seen.state, seen.error_code, call.outcome_class) == (PaymentState.FAILED, "SIGN_ERROR", OutcomeClass.CONFIG)


async def test_a_platform_known_by_its_certificate_alone_is_believed(sim, receiver):
    full = load_config(sim.config())
    certificates = {serial: pem for serial, pem in full.platform_keys.items() if not serial.startswith("PUB_KEY_ID_")}
    async with http.client() as client:
        provider = WeChatPay(msgspec.structs.replace(full, platform_keys=certificates), client)
        ref = await paid(provider, sim, url=receiver.url)
        assert (await provider.query(ref))[0].state is PaymentState.SUCCEEDED
        assert provider.notification(*receiver.next()).observation.merchant_ref == ref


async def test_refunds_end_in_every_way(provider, sim, receiver):
    for told, state in (("SUCCESS", "succeeded"), ("ABNORMAL", "abnormal"), ("CLOSED", "closed")):
        ref = await paid(provider, sim)
        sim.script({"fault": "refund_processing"})
        await provider.refund(refund_of(ref, url=receiver.url))
        assert (await provider.query_refund(f"R{ref}"))[0].state is RefundState.PROCESSING
        sim.http.post(f"/_sim/refunds/R{ref}", json={"status": told}).raise_for_status()
        assert (await provider.query_refund(f"R{ref}"))[0].state == state
        notice = provider.notification(*receiver.next())
        assert (notice.kind, notice.observation) == (f"REFUND.{told}", None)
        seen = notice.refund_observation
        assert (seen.state, seen.refund_ref, seen.merchant_ref, seen.amount_minor) == (state, f"R{ref}", ref, 2_800)


async def test_an_empty_merchant_account_is_a_decline_to_be_repeated_under_the_same_number(provider, sim):
    ref = await paid(provider, sim)
    sim.script({"fault": "refund_not_enough", "count": 1})
    seen, call = await provider.refund(refund_of(ref))
    assert (seen.state, seen.error_code, call.outcome_class) == (
        RefundState.UNKNOWN,
        "NOT_ENOUGH",
        OutcomeClass.DECLINE,
    )
    assert (await provider.query_refund(f"R{ref}"))[0].state is RefundState.NOT_FOUND
    assert (await provider.refund(refund_of(ref)))[0].state is RefundState.PROCESSING


@pytest.fixture(scope="module")
def keys():
    return Keys(new_identity())


@pytest.mark.parametrize("status", [200, 204, 301, 400, 404, 503])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"<html>", b"[" * 100_000, b'{"code": "\xff"}', b'{"x":' * 50_000], ids=range(6)
)
async def test_nonsense_is_unknown_even_when_it_is_signed(keys, status, body):
    async def platform(scope, receive, send):
        headers = keys.platform_headers(keys.public_key_id, body)
        shown = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": shown})
        await send({"type": "http.response.body", "body": body})

    async with http.client(transport=httpx2.ASGITransport(platform)) as client:
        provider = WeChatPay(load_config(msgspec.json.encode(keys.config("http://platform"))), client)
        for seen, call in (
            await provider.create(charge(number())),
            await provider.query("T123456"),
            await provider.refund(refund_of("T123456")),
            await provider.query_refund("R1"),
        ):
            assert (seen.state, call.http_status) == ("unknown", status)
            assert call.outcome_class in (UNKNOWN, TECHNICAL)
            assert seen.error_code == call.error_code != ""


async def test_production_speaks_https_only_and_secrets_do_not_show(sim, monkeypatch):
    config = load_config(sim.config())
    assert config.apiv3_key not in repr(config)
    assert "PRIVATE" not in repr(config)
    production = msgspec.structs.replace(settings.current(), env="prod")
    monkeypatch.setattr(settings, "current", lambda: production)
    async with http.client() as client:
        with pytest.raises(ValueError, match="https"):
            WeChatPay(config, client)
        secure = msgspec.structs.replace(config, base_url="https://api.mch.weixin.qq.com")
        with pytest.raises(ValueError, match="https"):
            WeChatPay(secure, client)
        WeChatPay(msgspec.structs.replace(secure, backup_url="https://api2.mch.weixin.qq.com"), client)
        WeChatPay(msgspec.structs.replace(secure, backup_url=""), client)


async def test_nothing_is_sent_while_a_transaction_is_open(provider):
    token = txstate.in_transaction.set(True)
    try:
        with pytest.raises(AssertionError, match="transaction is open"):
            await provider.query(number())
    finally:
        txstate.in_transaction.reset(token)


async def test_the_client_refuses_floods_and_does_not_follow(receiver):
    async with http.client() as client:
        with pytest.raises(http.NoAnswer) as caught:
            await http.send(client, "GET", f"{receiver.origin}/large")
        assert (caught.value.reason, caught.value.sent) == ("too-large", True)
        answer = await http.send(client, "GET", f"{receiver.origin}/moved")
        assert (answer.status, answer.headers["location"]) == (302, "/large")
        with pytest.raises(http.NoAnswer) as caught:
            await http.send(client, "GET", "gopher://example")
        assert (caught.value.reason, caught.value.sent) == ("not-possible", False)
