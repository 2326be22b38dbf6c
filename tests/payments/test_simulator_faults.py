"""The simulated WeChat Pay misbehaves exactly as a scenario says, and our adapter is not taken in."""

from __future__ import annotations

import anyio
import pytest

from holdfast.kit import http
from holdfast.payments.providers.base import Forged, OutcomeClass, PaymentState, Probe, RefundState
from holdfast.payments.providers.wechatpay import WeChatPay, load_config

from .conftest import QUICK, SimulatorProcess
from .merchant import charge, number, paid, refund_of
from .test_wechatpay import settled

pytestmark = pytest.mark.anyio

COUNTERFEITS = {
    "forged_callback": "bad-signature",
    "tampered_callback": "bad-signature",
    "stale_callback": "stale",
    "unknown_serial": "unknown-serial",
    "probe": "probe",
}


@pytest.mark.parametrize(("fault", "reason"), COUNTERFEITS.items())
async def test_a_counterfeit_comes_once_and_the_genuine_callback_follows(provider, sim, receiver, fault, reason):
    sim.script({"fault": fault})
    receiver.statuses.put(401)
    ref = await paid(provider, sim, url=receiver.url)
    told, refused = [], []
    for _ in range(2):
        try:
            told.append(provider.notification(*receiver.next()).observation.merchant_ref)
        except Forged as forged:
            refused.append((type(forged), forged.reason))
    assert (told, refused) == ([ref], [(Probe if fault == "probe" else Forged, reason)])
    assert receiver.silent_for(0.3)
    assert sim.callbacks() == {f"{fault} refused": 1, "delivered": 1}


async def test_counterfeits_come_even_when_the_genuine_callback_is_lost(provider, sim, receiver):
    sim.script({"fault": "forged_callback"}, {"fault": "drop_callback"})
    receiver.statuses.put(401)
    await paid(provider, sim, url=receiver.url)
    with pytest.raises(Forged):
        provider.notification(*receiver.next())
    assert receiver.silent_for(0.3)
    assert sim.callbacks() == {"forged_callback refused": 1, "dropped": 1}


async def test_a_huge_callback_is_huge_and_genuine(provider, sim, receiver):
    sim.script({"fault": "huge_callback"})
    ref = await paid(provider, sim, url=receiver.url)
    received = [receiver.next() for _ in range(2)]
    assert max(len(one.raw) for one in received) > http.RESPONSE_BYTES_MAX
    assert {provider.notification(*one).observation.merchant_ref for one in received} == {ref}


async def test_a_wrong_currency_is_reported_as_it_was_told(provider, sim, receiver):
    sim.script({"fault": "wrong_currency"})
    ref = await paid(provider, sim, url=receiver.url)
    assert provider.notification(*receiver.next()).observation.currency == "USD"
    assert (await provider.query(ref))[0].currency == "USD"
    assert sim.order(ref)["currency"] == "CNY"


@pytest.mark.parametrize(("fault", "code"), [("new_enum", "trade-state:ACCEPTED"), ("renamed_field", "unreadable")])
async def test_a_new_version_of_the_interface_is_unknown_never_paid(provider, sim, receiver, fault, code):
    sim.script({"fault": fault})
    ref = await paid(provider, sim, url=receiver.url)
    seen = provider.notification(*receiver.next()).observation
    assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, code)
    seen, _ = await provider.query(ref)
    assert (seen.state, seen.error_code) == (PaymentState.UNKNOWN, code)
    sim.script()
    assert (await provider.query(ref))[0].state is PaymentState.SUCCEEDED


async def test_a_payer_may_type_for_ever(provider, sim, merchant):
    ref = number()
    asked, _ = await provider.create(charge(ref))
    sim.script({"fault": "userpaying"})
    path = f"/v3/pay/transactions/out-trade-no/{ref}?mchid={merchant.config.mchid}"
    assert merchant.send("GET", path).json()["trade_state"] == "NOTPAY"
    sim.http.get("/wallet", params={"code_url": asked.code_url}, follow_redirects=True)
    assert merchant.send("GET", path).json()["trade_state"] == "USERPAYING"
    sim.pay(ref)
    assert (await provider.query(ref))[0].state is PaymentState.AWAITING_USER
    sim.script()
    assert (await provider.query(ref))[0].state is PaymentState.SUCCEEDED


async def test_a_slow_refund_settles_by_the_clock(provider, sim):
    ref = await paid(provider, sim)
    sim.script({"fault": "slow_refund", "seconds": 3 * 86400})
    await provider.refund(refund_of(ref))
    sim.advance(2 * 86400)
    assert (await provider.query_refund(f"R{ref}"))[0].state is RefundState.PROCESSING
    sim.advance(86400 + 1)
    assert (await settled(provider, f"R{ref}")).state is RefundState.SUCCEEDED


async def test_a_day_of_retries_passes_in_moments_when_the_clock_is_moved(provider, sim, receiver):
    for _ in range(20):
        receiver.statuses.put(500)
    await paid(provider, sim, url=receiver.url)
    with anyio.fail_after(20):
        while sim.callbacks() != {"given up": 1}:
            sim.advance(21_600 / 100)
            await anyio.sleep(0.05)
    assert receiver.inbox.qsize() == 16


async def test_too_many_requests_are_refused_and_counted_by_operation(provider, sim):
    sim.http.post("/_sim/scenario", json={"steps": [], "qps": 2}).raise_for_status()
    ref = number()
    seen = [(await provider.query(ref))[1].outcome_class for _ in range(8)]
    assert seen.count(OutcomeClass.RATE_LIMIT) >= 3
    assert seen.count(OutcomeClass.OK) >= 2
    assert (await provider.create(charge(ref)))[0].state is PaymentState.AWAITING_USER


async def test_rates_can_be_limited_from_the_start(tmp_path):
    sim = SimulatorProcess(tmp_path / "state", more=("--qps", "1"))
    try:
        async with http.client() as client:
            provider = WeChatPay(load_config(sim.config()), client, QUICK)
            codes = {(await provider.query(number()))[1].error_code for _ in range(4)}
        assert codes == {"ORDER_NOT_EXIST", "FREQUENCY_LIMITED"}
    finally:
        sim.stop()


async def test_a_fault_of_another_provider_strikes_nobody_here(provider, sim):
    sim.script({"fault": "system_error", "provider": "alipay"})
    assert (await provider.create(charge(number())))[0].state is PaymentState.AWAITING_USER
    assert sim.http.get("/_sim/scenario").json()["steps"][0]["struck"] == 0


def test_control_says_what_it_does_not_know(sim):
    assert sim.http.get("/_sim/config?provider=paypal").status_code == 404
    assert sim.http.post("/_sim/keys/rotate?provider=paypal").status_code == 404
    assert sim.http.post("/_sim/refunds/none", json={"status": "SUCCESS"}).status_code == 404
    assert sim.http.post("/_sim/clock", json={"advance_s": -1}).status_code == 422
    sim.http.post("/_sim/clock", json={"advance_s": 5}).raise_for_status()
    assert sim.http.post("/_sim/clock", json={"advance_s": 5}).json()["advanced_s"] == 10
    sim.http.post("/_sim/reset").raise_for_status()
    assert sim.http.post("/_sim/clock", json={"advance_s": 0}).json()["advanced_s"] == 0
