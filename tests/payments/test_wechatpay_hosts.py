"""Two hosts and two versions of the WeChat Pay adapter: what is repeated, what stays in doubt, who signs."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
import pytest

from holdfast.kit import clock, http
from holdfast.payments.providers import wechatpay_errors
from holdfast.payments.providers.base import OutcomeClass, PaymentState, RefundState
from holdfast.payments.providers.wechatpay import VERSIONS, WeChatPay, load_config

from .conftest import QUICK
from .merchant import charge, number, paid, refund_of

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
async def adapter(sim):
    """Makes adapters with another configuration, or of another version."""
    async with http.client() as client:

        def made(version: str = VERSIONS[0], **changes: object) -> WeChatPay:
            config = msgspec.structs.replace(load_config(sim.config()), **changes)
            return WeChatPay(config, client, QUICK, version=version)

        yield made


def asked(sim, kind: str) -> list[str]:
    """The paths of the requests of one kind, as the simulator saw them."""
    entries = sim.http.get("/_sim/journal").json()["entries"]
    return [entry["path"] for entry in entries if entry["kind"] == kind]


async def test_a_host_out_of_reach_is_replaced_at_once_by_the_other_and_then_spared_for_a_while(adapter, sim):
    provider, ref = adapter(base_url=NOWHERE), number()
    for attempt in range(2):
        seen, call = await provider.create(charge(ref))
        assert (seen.state, call.outcome_class) == (PaymentState.AWAITING_USER, OutcomeClass.OK)
        assert call.host == urlsplit(sim.url).netloc
        assert provider._calls._by_preference()[0].origin == sim.url, attempt
    assert asked(sim, "create") == ["/backup/v3/pay/transactions/native"] * 2
    clock.move(timedelta(seconds=61))
    assert provider._calls._by_preference()[0].origin == NOWHERE


async def test_a_gateways_page_is_answered_by_the_other_host_under_the_same_number(provider, sim):
    sim.script({"fault": "html_502", "host": "primary"})
    ref = await paid(provider, sim)
    assert (await provider.query(ref))[0].state is PaymentState.SUCCEEDED
    assert (await provider.refund(refund_of(ref)))[0].state is RefundState.PROCESSING
    assert [order["out_trade_no"] for order in sim.http.get("/_sim/truth").json()["orders"]] == [ref]
    assert asked(sim, "create") == ["/v3/pay/transactions/native", "/backup/v3/pay/transactions/native"]
    assert len(asked(sim, "query")) == 1
    sim.script({"fault": "html_502", "host": "backup"})
    seen, call = await provider.query(ref)
    assert (seen.state, call.http_status) == (PaymentState.SUCCEEDED, 200)
    assert provider._calls._other_first_until is None


async def test_two_gateways_pages_are_unknown(provider, sim):
    sim.script({"fault": "html_502"})
    seen, call = await provider.create(charge(number()))
    assert (seen.state, call.error_code, call.outcome_class) == (
        PaymentState.UNKNOWN,
        "http-502",
        OutcomeClass.UNKNOWN_OUTCOME,
    )
    assert len(asked(sim, "create")) == 2


async def test_a_page_from_one_host_stays_in_doubt_when_the_other_is_out_of_reach(adapter, sim):
    sim.script({"fault": "html_502"})
    seen, call = await adapter(backup_url=NOWHERE).create(charge(number()))
    assert (seen.error_code, call.outcome_class, call.http_status) == ("http-502", OutcomeClass.UNKNOWN_OUTCOME, 502)


@pytest.mark.parametrize("fault", ["lost_response", "reset", "system_error", "hang"])
async def test_what_was_sent_is_not_sent_to_the_other_host(provider, sim, fault):
    sim.script({"fault": fault, "host": "primary", "seconds": 0.9})
    seen, _ = await provider.create(charge(number()))
    assert seen.state is PaymentState.UNKNOWN
    sim.script()
    await provider.query(number())
    assert not any(path.startswith("/backup") for path in asked(sim, "create"))


async def test_without_a_second_host_there_is_none(adapter, sim):
    seen, call = await adapter(base_url=NOWHERE, backup_url="").query(number())
    assert (seen.state, call.outcome_class, call.host) == (
        PaymentState.UNKNOWN,
        OutcomeClass.TECHNICAL,
        "127.0.0.1:1",
    )


async def test_each_version_asks_for_its_own_signature_and_believes_both(adapter, sim, receiver):
    by_certificate, by_public_key = adapter(VERSIONS[0]), adapter(VERSIONS[1])
    assert not by_certificate._keys.asked_serial.startswith("PUB_KEY_ID_")
    assert by_public_key._keys.asked_serial.startswith("PUB_KEY_ID_")
    for placing, other in ((by_certificate, by_public_key), (by_public_key, by_certificate)):
        ref = await paid(placing, sim, url=receiver.url)
        headers, raw = receiver.next()
        assert headers["wechatpay-serial"] == placing._keys.asked_serial
        for reading in (placing, other):
            assert reading.notification(headers, raw).observation.merchant_ref == ref
            assert (await reading.query(ref))[0].state is PaymentState.SUCCEEDED
    agents = {entry["agent"] for entry in sim.http.get("/_sim/journal").json()["entries"] if "agent" in entry}
    assert agents == {"holdfast-wechatpay/apiv3.1", "holdfast-wechatpay/apiv3.2"}
    with pytest.raises(ValueError, match="has the versions"):
        adapter("apiv2")


async def test_when_certificates_are_no_longer_served_only_the_public_key_works(adapter, sim):
    sim.script({"fault": "cert_mode_gone"})
    seen, call = await adapter(VERSIONS[0]).create(charge(number()))
    assert (seen.state, seen.error_code, call.http_status) == (PaymentState.UNKNOWN, "SYSTEM_ERROR", 500)
    assert (await adapter(VERSIONS[1]).create(charge(number())))[0].state is PaymentState.AWAITING_USER


async def test_a_fault_may_strike_one_version_alone(adapter, sim):
    sim.script({"fault": "system_error", "agent": "holdfast-wechatpay/apiv3.2"})
    assert (await adapter(VERSIONS[0]).create(charge(number())))[0].state is PaymentState.AWAITING_USER
    assert (await adapter(VERSIONS[1]).create(charge(number())))[0].error_code == "SYSTEM_ERROR"


async def test_after_a_change_of_keys_the_old_certificate_serves_until_its_time_is_over(adapter, sim, receiver):
    before = adapter()
    ref = await paid(before, sim, url=receiver.url)
    receiver.next()
    sim.http.post("/_sim/keys/rotate").raise_for_status()
    assert (await before.query(ref))[0].state is PaymentState.SUCCEEDED
    after = adapter()
    assert after._keys.asked_serial != before._keys.asked_serial
    assert len(load_config(sim.config()).platform_keys) == 3
    await before.refund(refund_of(ref, url=receiver.url))
    headers, raw = receiver.next()
    assert headers["wechatpay-serial"] == after._keys.asked_serial
    assert after.notification(headers, raw).refund_observation.refund_ref == f"R{ref}"
    sim.advance(86_401)
    seen, call = await before.query(ref)
    assert (seen.state, seen.error_code, call.outcome_class) == (
        PaymentState.UNKNOWN,
        "unknown-serial",
        OutcomeClass.TECHNICAL,
    )
    assert (await adapter().query(ref))[0].state is PaymentState.SUCCEEDED
    assert len(load_config(sim.config()).platform_keys) == 2


async def test_every_code_that_is_reported_stands_in_the_dictionary_with_a_sentence(provider):
    for code, rule in provider.errors.items():
        assert rule.says.endswith("."), code
        assert rule.says[0].isupper(), code
    assert provider.errors["SYSTEM_ERROR"].outcome is OutcomeClass.UNKNOWN_OUTCOME
    assert "SYSTEM_ERROR" not in wechatpay_errors.CLASSES
    known = wechatpay_errors.NOT_FOUND | wechatpay_errors.CLOSED | wechatpay_errors.REFUSED | wechatpay_errors.NO_BILL
    assert known <= set(wechatpay_errors.CLASSES)
