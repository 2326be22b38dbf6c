"""The simulator: strict where the provider is, honest in its truth, and nothing lost by a kill."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from holdfast.kit import http
from holdfast.payments.providers.base import Charge, PaymentState
from holdfast.payments.providers.wechatpay import WeChatPay, load_config
from holdfast.payments.providers.wechatpay_protocol import Keys

from .merchant import NATIVE, REFUNDS, Merchant, number


def test_requests_that_are_not_signed_as_documented_are_refused(merchant, sim):
    order = merchant.order(number())
    genuine = merchant._keys.authorization("POST", NATIVE, json.dumps(order, ensure_ascii=False).encode())
    stale = int(time.time()) - 301
    for authorization in (
        "",
        "Bearer abc",
        genuine.replace("WECHATPAY2", "WECHATPAY1"),
        genuine.replace(merchant.config.mchid, "1900000000"),
        genuine.replace(merchant.config.serial, "0" * 40),
        genuine[:-9] + 'AAAAAAA="',
        genuine.replace('timestamp="', f'timestamp="{stale}",was="'),
        merchant._keys.authorization("GET", NATIVE, b""),
        merchant._keys.authorization("POST", f"{NATIVE}?x=1", b"{}"),
    ):
        answer = merchant.send("POST", NATIVE, order, Authorization=authorization)
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
        Keys(merchant.config).verify(answer.headers, answer.content)
    assert merchant.send("POST", NATIVE, order, Accept="text/html").status_code == 406
    assert merchant.send("POST", NATIVE, order, **{"Content-Type": "text/plain"}).status_code == 415
    assert sim.http.get("/_sim/truth").json()["orders"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "space in it"},
        {"out_trade_no": "newline\n"},
        {"description": ""},
        {"description": "长" * 128},
        {"amount": {"total": 0}},
        {"amount": {"total": 60.5}},
        {"amount": {"total": "6000"}},
        {"amount": {"total": 6000, "currency": "USD"}},
        {"notify_url": "http://127.0.0.1/notify?order=1"},
        {"notify_url": "http://[half"},
        {"notify_url": "ftp://example.com/x"},
        {"time_expire": "2018-06-08 10:34:56"},
        {"time_expire": "2018-06-08T10:34:56"},
        {"time_expire": "2018-06-08T10:34:56+08:00"},
        {"mchid": "1900000000"},
        {"total_fee": 6000},
    ],
)
def test_parameters_of_the_wrong_shape_are_refused(merchant, changes):
    answer = merchant.send("POST", NATIVE, merchant.order(number()) | changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


def test_another_appid_does_not_match(merchant):
    answer = merchant.send("POST", NATIVE, merchant.order(number(), appid="wx0000000000000000"))
    assert (answer.status_code, answer.json()["code"]) == (400, "APPID_MCHID_NOT_MATCH")


def test_a_number_is_ordered_again_only_with_the_same_parameters(merchant):
    ref = number()
    first = merchant.send("POST", NATIVE, merchant.order(ref)).json()
    assert merchant.send("POST", NATIVE, merchant.order(ref)).json() == first
    answer = merchant.send("POST", NATIVE, merchant.order(ref, description="别的"))
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


def test_the_protocol_is_also_served_below_wechat(merchant):
    ref = number()
    assert merchant.send("POST", f"/wechat{NATIVE}", merchant.order(ref)).status_code == 200
    path = f"/v3/pay/transactions/out-trade-no/{ref}?mchid={merchant.config.mchid}"
    assert merchant.send("GET", f"/wechat{path}").json() == merchant.send("GET", path).json()


@pytest.mark.anyio
async def test_the_adapter_takes_a_base_url_with_a_path(sim):
    config = msgspec.structs.replace(load_config(sim.config()), base_url=f"{sim.url}/wechat/")
    async with http.client() as client:
        charge = Charge("pipe|star*_-09", 1, "CNY", "x", None, "http://127.0.0.1:9/notify")
        seen, _ = await WeChatPay(config, client).create(charge)
        assert seen.state is PaymentState.AWAITING_USER
        seen, _ = await WeChatPay(config, client).query("pipe|star*_-09")
        assert seen.state is PaymentState.AWAITING_USER


def test_refunds_never_exceed_what_was_paid(merchant, sim):
    ref = merchant.paid()

    def asked(refund_ref: str, refunded: int, **changes: object):
        answer = merchant.send("POST", REFUNDS, merchant.refund(ref, refund_ref, refunded) | changes)
        return answer.status_code, answer.json().get("code")

    assert asked("A", 4_000) == (200, None)
    assert asked("A", 4_000) == (200, None)
    assert asked("A", 3_000) == (400, "INVALID_REQUEST")
    assert asked("B", 2_001) == (400, "INVALID_REQUEST")
    assert asked("B", 2_000, amount={"refund": 2_000, "total": 7_000, "currency": "CNY"}) == (400, "INVALID_REQUEST")
    assert asked("B", 2_000, transaction_id=sim.order(ref)["transaction_id"]) == (400, "PARAM_ERROR")
    assert asked("B", 2_000) == (200, None)
    assert asked("C", 1) == (400, "INVALID_REQUEST")
    assert asked("D", 1, out_trade_no=number()) == (404, "RESOURCE_NOT_EXISTS")
    unpaid = number()
    merchant.send("POST", NATIVE, merchant.order(unpaid))
    assert asked("E", 1, out_trade_no=unpaid) == (400, "INVALID_REQUEST")
    assert sum(given["amount"] for given in sim.order(ref)["refunds"]) == 6_000


def test_an_order_takes_fifty_refunds(merchant):
    ref = merchant.paid()
    answers = [merchant.send("POST", REFUNDS, merchant.refund(ref, f"N{n}", 1)).status_code for n in range(51)]
    assert answers == [200] * 50 + [400]


def test_an_order_past_its_time_cannot_be_paid(merchant, sim):
    ref, soon = number(), datetime.now(UTC) + timedelta(seconds=1.2)
    body = merchant.order(ref, time_expire=soon.isoformat(timespec="milliseconds"))
    code_url = merchant.send("POST", NATIVE, body).json()["code_url"]
    assert sim.order(ref)["state"] == "NOTPAY"
    time.sleep(1.3)
    assert sim.order(ref)["state"] == "CLOSED"
    assert sim.http.post(f"/_sim/pay/{ref}").status_code == 409
    page = sim.http.get("/wallet", params={"code_url": code_url}, follow_redirects=True)
    assert "Too late / 订单已过期" in page.text


def test_a_callback_is_repeated_until_it_is_accepted(merchant, sim, receiver):
    for status in (500, 302):
        receiver.statuses.put(status)
    merchant.paid(notify_url=receiver.url)
    tries = [receiver.next() for _ in range(3)]
    assert len({json.loads(attempt.raw)["id"] for attempt in tries}) == 1
    assert len({attempt.headers["wechatpay-nonce"] for attempt in tries}) == 3
    assert receiver.silent_for(0.5)
    outcomes = [
        entry["outcome"] for entry in sim.http.get("/_sim/journal").json()["entries"] if entry["kind"] == "callback"
    ]
    assert outcomes == ["waiting", "waiting", "delivered"]


def test_callbacks_are_dropped_and_late_when_the_scenario_says_so(merchant, sim, receiver):
    sim.script({"fault": "drop_callback", "count": 1}, {"fault": "late_callback", "seconds": 0.6})
    merchant.paid(notify_url=receiver.url)
    assert receiver.silent_for(0.3)
    merchant.paid(notify_url=receiver.url)
    started = time.monotonic()
    receiver.next()
    assert 0.3 < time.monotonic() - started < 3
    assert sim.http.get("/_sim/truth").json()["callbacks"]["dropped"] == 1


def test_a_kill_loses_nothing(own_simulator, receiver):
    sim, merchant = own_simulator, Merchant(own_simulator)
    receiver.statuses.put(500)
    ref = merchant.paid(notify_url=receiver.url)
    receiver.next()
    merchant.send("POST", REFUNDS, merchant.refund(ref, "R1", 1_000)).raise_for_status()
    merchant.send("POST", NATIVE, merchant.order(number())).raise_for_status()
    before, config = sim.http.get("/_sim/truth").json()["orders"], sim.config()
    sim.kill()
    sim.start()
    after = sim.http.get("/_sim/truth").json()["orders"]
    for order in (*before, *after):
        for refund in order["refunds"]:
            del refund["status"], refund["success_at"]
    assert len(after) == 2
    assert after == before
    assert sim.config() == config
    assert json.loads(receiver.next().raw)["event_type"] == "TRANSACTION.SUCCESS"
    assert [entry["kind"] for entry in sim.http.get("/_sim/journal").json()["entries"]].count("create") == 2


def test_the_dice_are_seeded(merchant, sim):
    def fate() -> list[int]:
        sim.script({"fault": "system_error", "match": "query", "share": 0.5}, seed=42)
        path = f"/v3/pay/transactions/out-trade-no/nothing?mchid={merchant.config.mchid}"
        return [merchant.send("GET", path).status_code for _ in range(20)]

    first = fate()
    assert set(first) == {404, 500}
    assert fate() == first
    assert sim.http.get("/_sim/scenario").json()["steps"][0]["struck"] == first.count(500)
    assert sim.http.delete("/_sim/scenario").json() == {"steps": []}


@pytest.mark.parametrize(
    "step",
    [
        {"fault": "gremlins"},
        {"fault": "query_lag", "match": "create"},
        {"fault": "hang", "share": 1.5},
        {"fault": "hang", "often": True},
        {"fault": "hang", "provider": "paypal"},
        {"fault": "probe", "provider": "alipay"},
        {"fault": "hang", "host": "third"},
    ],
)
def test_a_scenario_with_a_mistake_is_refused(sim, step):
    answer = sim.http.post("/_sim/scenario", json={"steps": [step]})
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_the_journal_shows_requests_and_no_secrets(merchant, sim):
    sim.script({"fault": "drop_callback"})
    merchant.paid()
    entries = sim.http.get("/_sim/journal?last=2").json()["entries"]
    assert [entry["kind"] for entry in entries] == ["create", "payment"]
    assert entries[0]["path"] == NATIVE
    text = sim.http.get("/_sim/journal").text
    assert "signature=" not in text
    assert merchant.config.apiv3_key not in text


def test_a_payment_may_be_over_another_amount(merchant, sim):
    ref = number()
    merchant.send("POST", NATIVE, merchant.order(ref))
    sim.pay(ref, amount=5_999)
    assert (sim.order(ref)["amount"], sim.order(ref)["paid_amount"]) == (6_000, 5_999)
    assert sim.http.post("/_sim/pay/none").status_code == 404
