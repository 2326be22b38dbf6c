"""Callbacks of WeChat Pay: believed when proven, refused when not, unknown when they make no sense."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from holdfast.kit import clock, http
from holdfast.payments.providers.base import Forged, PaymentState, Probe, RefundState, Source
from holdfast.payments.providers.wechatpay import WeChatPay, load_config
from holdfast.payments.simulator.wechatpay.keys import Keys, new_identity

from .merchant import charge, number, paid, refund_of

pytestmark = pytest.mark.anyio


async def test_a_callback_tells_of_the_payment(provider, sim, receiver):
    ref = await paid(provider, sim, url=receiver.url)
    notice = provider.notification(*receiver.next())
    seen = notice.observation
    assert (notice.kind, notice.refund_observation, len(notice.dedupe_key)) == ("TRANSACTION.SUCCESS", None, 36)
    assert (seen.source, seen.state, seen.merchant_ref) == (Source.CALLBACK, PaymentState.SUCCEEDED, ref)
    assert (seen.amount_minor, seen.currency, seen.provider_txn) == (12_800, "CNY", sim.order(ref)["transaction_id"])


async def test_a_wrong_amount_is_reported_as_it_was_told(provider, sim, receiver):
    sim.script({"fault": "wrong_amount"})
    ref = await paid(provider, sim, url=receiver.url)
    assert provider.notification(*receiver.next()).observation.amount_minor == 12_801
    assert (await provider.query(ref))[0].amount_minor == 12_801
    assert sim.order(ref)["paid_amount"] == 12_800


async def test_a_query_may_lag_behind_the_callback(provider, sim, receiver):
    sim.script({"fault": "query_lag", "seconds": 60})
    ref = await paid(provider, sim, url=receiver.url)
    assert provider.notification(*receiver.next()).observation.state is PaymentState.SUCCEEDED
    assert (await provider.query(ref))[0].state is PaymentState.AWAITING_USER
    sim.script()
    assert (await provider.query(ref))[0].state is PaymentState.SUCCEEDED


async def test_the_callback_may_come_before_the_response(provider, sim, receiver):
    sim.script({"fault": "callback_before_response"})
    ref = number()
    await provider.create(charge(ref, url=receiver.url))
    assert receiver.inbox.qsize() == 1
    assert provider.notification(*receiver.next()).observation.merchant_ref == ref
    seen, _ = await provider.refund(refund_of(ref, url=receiver.url))
    assert receiver.inbox.qsize() == 1
    assert seen.state is RefundState.PROCESSING  # the answer was written before, and read after
    assert provider.notification(*receiver.next()).refund_observation.state is RefundState.SUCCEEDED


async def test_a_doubled_callback_has_one_key(provider, sim, receiver):
    sim.script({"fault": "double_callback"})
    await paid(provider, sim, url=receiver.url)
    first, second = (provider.notification(*receiver.next()) for _ in range(2))
    assert first.dedupe_key == second.dedupe_key


async def test_forged_callbacks_are_refused(provider, sim, receiver):
    await paid(provider, sim, url=receiver.url)
    headers, raw = receiver.next()
    provider.notification(headers, raw)

    def refused(headers: dict[str, str], raw: bytes, provider: WeChatPay = provider) -> str:
        with pytest.raises(Forged) as caught:
            provider.notification(headers, raw)
        return caught.value.reason

    stranger = Keys(new_identity())
    forged = stranger.platform_headers(stranger.public_key_id, raw)
    assert refused({name.lower(): value for name, value in forged.items()}, raw) == "unknown-serial"
    own_serial = {"Wechatpay-Serial": headers["wechatpay-serial"]}
    assert refused(forged | own_serial, raw) == "bad-signature"  # a wrong key under the right name
    assert refused(headers, raw.replace(b"TRANSACTION.SUCCESS", b"TRANSACTION.SUCCES5")) == "bad-signature"
    for name in ("timestamp", "nonce", "signature", "serial"):
        assert refused({key: value for key, value in headers.items() if key != f"wechatpay-{name}"}, raw) == "unsigned"
    for strange in ("soon", "-1", "１７６３７８０４６３", "9" * 400):
        assert refused(headers | {"wechatpay-timestamp": strange}, raw) == "bad-timestamp"

    config = load_config(sim.config())
    for other in ({"mchid": "1900000001"}, {"appid": "wx0000000000000000"}):
        neighbour = WeChatPay(msgspec.structs.replace(config, **other), provider._calls._client)
        assert refused(headers, raw, neighbour) == "other-merchant"
    sealed = WeChatPay(msgspec.structs.replace(config, apiv3_key="0" * 32), provider._calls._client)
    assert refused(headers, raw, sealed) == "undecipherable"

    clock.move(timedelta(seconds=310))
    assert refused(headers, raw) == "stale"
    clock.move(timedelta(seconds=-620))
    assert refused(headers, raw) == "stale"


async def test_a_probe_is_refused_without_being_a_forgery_to_count(provider, sim, receiver):
    sim.script({"fault": "probe"})
    receiver.statuses.put(401)
    await paid(provider, sim, url=receiver.url)
    seen = {type(outcome) for outcome in (_outcome(provider, *receiver.next()) for _ in range(2))}
    assert seen == {Probe, str}


def _outcome(provider, headers, raw):
    try:
        return provider.notification(headers, raw).kind
    except Forged as forged:
        return forged


@pytest.mark.parametrize(
    ("plain", "state", "code"),
    [
        ({"trade_state": "SUCCESS"}, "unknown", "incomplete"),
        ({"trade_state": "SUCCESS", "transaction_id": "42", "amount": {"total": "1"}}, "unknown", "unreadable"),
        ({"trade_state": "SUCCESS", "transaction_id": "42", "amount": {"total": 1.5}}, "unknown", "unreadable"),
        ({"trade_state": "HALFPAID", "amount": {"total": 1}}, "unknown", "trade-state:HALFPAID"),
        ({"trade_state": "REVOKED", "new_field": {"of": "next year"}}, "closed", None),
        ({"trade_state": "PAYERROR"}, "failed", None),
        ({}, "unknown", "unreadable"),
    ],
)
async def test_a_proven_callback_that_makes_no_sense_is_unknown(plain, state, code):
    keys = Keys(new_identity())
    async with http.client() as client:
        provider = WeChatPay(load_config(msgspec.json.encode(keys.config("http://127.0.0.1:1"))), client)
        identity = keys.identity
        content = msgspec.json.encode({"mchid": identity.mchid, "appid": identity.appid, "out_trade_no": "T1"} | plain)
        raw = msgspec.json.encode(
            {"id": "e1", "event_type": "TRANSACTION.SUCCESS", "resource": keys.sealed("transaction", content)}
        )
        seen = provider.notification(keys.platform_headers(keys.certificate_serial, raw), raw).observation
    assert (seen.state, seen.error_code) == (state, code)
