"""The simulated Alipay: strict where the provider is, honest in its truth, and understood by an SDK we did not write."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from alipay import AliPay as ForeignSdk
from alipay.exceptions import AliPayException, AliPayValidationError

from holdfast.kit import clock

from .alipay_app import GATEWAY, App, scanned
from .merchant import number

PRECREATE, PAGE, QUERY = "alipay.trade.precreate", "alipay.trade.page.pay", "alipay.trade.query"
CLOSE, CANCEL, REFUND = "alipay.trade.close", "alipay.trade.cancel", "alipay.trade.refund"
BILL = "alipay.data.dataservice.bill.downloadurl.query"


@pytest.fixture
def app(sim):
    return App(sim)


@pytest.fixture
def beijing(monkeypatch):
    """The foreign SDK writes the host's local time, which Alipay takes for Beijing's."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def foreign(app, receiver, beijing):
    """python-alipay-sdk, an SDK by others, as independent witness."""
    receiver.body = b"success"
    sdk = ForeignSdk(
        appid=app.config.app_id,
        app_notify_url=receiver.url,
        app_private_key_string=app.config.private_key_pem,
        alipay_public_key_string=app.config.alipay_public_key_pem,
    )
    sdk._gateway = app.config.gateway
    return sdk


def verified(foreign, receiver) -> dict[str, str]:
    """The next notice, when the SDK finds it signed by Alipay."""
    fields = dict(parse_qsl(receiver.next().raw.decode()))
    signature = fields.pop("sign")
    assert foreign.verify(fields, signature)
    return fields


def test_a_foreign_sdk_takes_a_payment_by_code_and_gives_it_back(foreign, sim, receiver):
    ref = number()
    asked = foreign.api_alipay_trade_precreate("外来 SDK {1}", ref, "9.90")
    assert (asked["code"], asked["out_trade_no"]) == ("10000", ref)
    with_no_trade = [foreign.api_alipay_trade_query(ref), foreign.api_alipay_trade_close(ref)]
    assert [answer["sub_code"] for answer in with_no_trade] == ["ACQ.TRADE_NOT_EXIST"] * 2
    scanned(sim, asked["qr_code"])
    assert foreign.api_alipay_trade_query(ref)["trade_status"] == "WAIT_BUYER_PAY"

    trade_no = sim.pay(ref)["transaction_id"]
    notice = verified(foreign, receiver)
    assert (notice["trade_no"], notice["total_amount"], notice["trade_status"]) == (trade_no, "9.90", "TRADE_SUCCESS")
    assert foreign.api_alipay_trade_query(trade_no=trade_no)["buyer_pay_amount"] == "9.90"
    assert foreign.api_alipay_trade_close(ref)["sub_code"] == "ACQ.TRADE_STATUS_ERROR"

    given = foreign.api_alipay_trade_refund("4.00", out_trade_no=ref, out_request_no=f"R{ref}")
    assert (given["fund_change"], given["refund_fee"]) == ("Y", "4.00")
    again = foreign.api_alipay_trade_refund("4.00", out_trade_no=ref, out_request_no=f"R{ref}")
    assert (again["fund_change"], again["refund_fee"]) == ("N", "4.00")
    notice = verified(foreign, receiver)
    assert (notice["trade_status"], notice["out_biz_no"], notice["refund_fee"]) == ("TRADE_SUCCESS", f"R{ref}", "4.00")
    found = foreign.api_alipay_trade_fastpay_refund_query(f"R{ref}", out_trade_no=ref)
    assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", "4.00")
    assert "refund_status" not in foreign.api_alipay_trade_fastpay_refund_query("R0", out_trade_no=ref)


def test_a_foreign_sdk_sends_a_browser_to_the_page_and_closes(foreign, sim):
    ref = number()
    query = foreign.api_alipay_trade_page_pay("票 & 更多", ref, "9.90", return_url="http://127.0.0.1:8000/back")
    assert sim.http.get(f"{GATEWAY}?{query}").status_code == 400  # titles may not have an ampersand
    query = foreign.api_alipay_trade_page_pay("游船票", ref, "9.90", return_url="http://127.0.0.1:8000/back")
    page = sim.http.get(f"{GATEWAY}?{query}", follow_redirects=True)
    assert "¥9.90" in page.text
    policy = page.headers["content-security-policy"]
    assert policy.endswith("form-action 'self' http://127.0.0.1:8000")  # else browsers would not go back by themselves
    assert foreign.api_alipay_trade_close(ref)["code"] == "10000"
    assert foreign.api_alipay_trade_query(ref)["trade_status"] == "TRADE_CLOSED"
    assert "Closed / 订单已关闭" in sim.http.get(page.url).text
    paid = number()
    query = foreign.api_alipay_trade_page_pay("游船票", paid, "9.90", return_url="http://127.0.0.1:8000/back")
    path = sim.http.get(f"{GATEWAY}?{query}").headers["location"]
    back = dict(parse_qsl(sim.http.post(path, data={"action": "pay"}).headers["location"].partition("?")[2]))
    signature = back.pop("sign")
    assert foreign.verify(back, signature)


def test_a_foreign_sdk_fetches_the_bill(foreign, sim, app):
    ref = app.paid()
    day = clock.now() + timedelta(hours=8)
    # The SDK reads the host's clock, so what happened must lie in the past: the simulator is one day ahead, and so
    # is a request that it refuses for its time.
    sim.advance(86400 + 12 * 3600)
    with pytest.raises(AliPayException, match="invalid-timestamp"):
        foreign.server_api(BILL, {"bill_type": "trade", "bill_date": f"{day:%Y-%m-%d}"})
    stamp = f"{clock.now() + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"
    answer = foreign.server_api(BILL, {"bill_type": "trade", "bill_date": f"{day:%Y-%m-%d}"}, timestamp=stamp)
    content = sim.http.get(answer["bill_download_url"]).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert ref in archive.read(archive.namelist()[0]).decode("gbk")


def test_a_foreign_sdk_notices_bad_signatures_and_refusals(foreign, sim, receiver, app):
    sim.script({"fault": "bad_signature"})
    with pytest.raises(AliPayValidationError):
        foreign.api_alipay_trade_query(number())
    for fault, expected in {"unsigned": "ACQ.TRADE_NOT_EXIST", "rate_limit": "40005"}.items():
        sim.script({"fault": fault})
        with pytest.raises(AliPayException, match=expected):
            foreign.api_alipay_trade_query(number())
    sim.script({"fault": "forged_callback"}, {"fault": "tampered_callback"})
    app.paid(receiver.url)
    outcomes = []
    for _ in range(3):
        fields = dict(parse_qsl(receiver.next().raw.decode()))
        signature = fields.pop("sign")
        outcomes.append(foreign.verify(fields, signature))
    assert sorted(outcomes) == [False, False, True]


def test_calls_that_are_not_signed_as_documented_are_refused_unsigned(app, sim):
    genuine = app.signed(PRECREATE, app.order(number()))
    for changes, sub_code in [
        ({"sign": ""}, "isv.missing-signature"),
        ({"sign": "AAAA"}, "isv.invalid-signature"),
        ({"sign": genuine["sign"][4:] + "AAA="}, "isv.invalid-signature"),
        ({"biz_content": genuine["biz_content"].replace("60.00", "0.01")}, "isv.invalid-signature"),
        ({"notify_url": "http://127.0.0.1:1/"}, "isv.invalid-signature"),
        ({"app_id": "2021000000000000"}, "isv.invalid-app-id"),
        ({"app_id": ""}, "isv.missing-app-id"),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"timestamp": ""}, "isv.missing-timestamp"),
        ({"version": ""}, "isv.missing-version"),
        ({"method": "alipay.trade.close"}, "isv.invalid-signature"),
    ]:
        answer = app.send(genuine | changes).json()
        assert set(answer) == {"error_response"}
        assert answer["error_response"]["sub_code"] == sub_code
    assert app.send(genuine, "charset=latin-1").json()["error_response"]["sub_code"] == "isv.invalid-charset"
    assert app.send(genuine, "charset=utf-8&method=x").json()["error_response"]["sub_code"] == "isv.invalid-parameter"
    assert app.call("alipay.trade.pay", {})["sub_code"] == "isv.invalid-method"
    assert sim.http.get("/_sim/truth").json()["orders"] == []


@pytest.mark.parametrize("hours", [-8, 0.25, 8])
def test_a_time_that_is_not_beijings_present_is_refused(app, hours):
    clock.move(timedelta(hours=hours))
    assert app.call(QUERY, {"out_trade_no": "T1"})["sub_code"] == "isv.invalid-timestamp"
    clock.reset()
    assert app.call(QUERY, {"out_trade_no": "T1"})["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_a_form_is_read_as_gbk_unless_its_address_names_the_charset(app, sim):
    fields = app.signed(PRECREATE, app.order(number()))
    answer = sim.http.post(GATEWAY, data=fields).json()
    assert answer["error_response"]["sub_code"] == "isv.invalid-signature"
    by_get = sim.http.get(GATEWAY, params=fields).json()
    assert by_get["alipay_trade_precreate_response"]["code"] == "10000"
    assert sim.http.post(f"{GATEWAY}?charset=utf-8", json=fields).json()["error_response"]["code"] == "40001"


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": ""},
        {"out_trade_no": "x" * 65},
        {"out_trade_no": "with-hyphen"},
        {"out_trade_no": "newline\n"},
        {"total_amount": "0.00"},
        {"total_amount": "0.001"},
        {"total_amount": "1,000.00"},
        {"total_amount": "-1.00"},
        {"total_amount": 60},
        {"total_amount": "9999999999.00"},
        {"subject": ""},
        {"subject": "长" * 257},
        {"subject": "a/b"},
        {"subject": "a=b"},
        {"subject": "a&b"},
        {"time_expire": "2026-11-22T10:00:00+08:00"},
        {"time_expire": "2018-06-08 10:34:56"},
        {"timeout_express": "1.5h"},
        {"total_fee": "60.00"},
    ],
)
def test_parameters_of_the_wrong_shape_are_refused(app, changes):
    answer = app.call(PRECREATE, app.order(number(), **changes))
    assert (answer["code"], answer["sub_code"]) == ("40004", "ACQ.INVALID_PARAMETER")


@pytest.mark.parametrize("url", ["http://[half", "ftp://example.com/x", "/notify", "http://127.0.0.1:0/"])
def test_addresses_must_be_complete(app, url):
    assert app.call(PRECREATE, app.order(number()), notify_url=url)["sub_code"] == "ACQ.INVALID_PARAMETER"


def test_a_number_is_placed_again_only_with_the_same_content(app):
    ref = number()
    first = app.call(PRECREATE, app.order(ref, time_expire=f"{clock.now() + timedelta(hours=9):%Y-%m-%d %H:%M:%S}"))
    assert app.call(PRECREATE, app.order(ref, timeout_express="30m")) == first
    for changes in ({"subject": "别的"}, {"total_amount": "60.01"}):
        assert app.call(PRECREATE, app.order(ref, **changes))["sub_code"] == "ACQ.CONTEXT_INCONSISTENT"


def test_a_trade_is_named_by_one_of_its_numbers_and_alipays_comes_first(app, sim):
    ref, other = app.paid(), app.paid()
    trade_no = sim.order(ref)["transaction_id"]
    assert app.call(QUERY, {"trade_no": trade_no, "out_trade_no": other})["out_trade_no"] == ref
    assert app.call(QUERY, {})["sub_code"] == "ACQ.INVALID_PARAMETER"


def test_refunds_never_exceed_what_was_paid(app, sim):
    ref = app.paid()

    def asked(refund_ref: str, amount: str, **changes: str) -> str:
        content = {"out_trade_no": ref, "out_request_no": refund_ref, "refund_amount": amount} | changes
        answer = app.call(REFUND, content)
        return answer.get("sub_code") or answer["fund_change"]

    assert asked("A", "40.00") == "Y"
    assert asked("A", "40.00") == "N"
    assert asked("A", "30.00") == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert asked("B", "20.01") == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert asked("B", "20.00") == "Y"
    assert asked("C", "0.01") == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert asked("D", "0.01", out_trade_no=number()) == "ACQ.TRADE_NOT_EXIST"
    unpaid = app.placed()
    assert asked("E", "0.01", out_trade_no=unpaid) == "ACQ.TRADE_NOT_EXIST"
    assert sum(given["amount"] for given in sim.order(ref)["refunds"]) == 6_000


def test_a_refund_in_processing_ends_as_told_or_in_its_time(app, sim):
    ref = app.paid()
    sim.script({"fault": "slow_refund", "seconds": 600, "count": 1}, {"fault": "refund_processing"})
    for refund_ref in ("SLOW", "HELD"):
        content = {"out_trade_no": ref, "out_request_no": refund_ref, "refund_amount": "10.00"}
        assert app.call(REFUND, content)["fund_change"] == "N"
    sim.advance(601)
    deadline = time.monotonic() + 3
    while [given["status"] for given in sim.order(ref)["refunds"]] != ["SUCCESS", "PROCESSING"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert sim.http.post("/_sim/refunds/HELD", json={"status": "ABNORMAL"}).json() == {"status": "ABNORMAL"}
    assert sim.http.post("/_sim/refunds/HELD", json={"status": "SUCCESS"}).status_code == 409
    assert sim.http.post("/_sim/refunds/NONE", json={}).status_code == 404


def test_a_cancellation_closes_what_is_unpaid_and_gives_back_what_is_paid(app, sim):
    unknown, waiting, paid = number(), app.placed(), app.paid()
    scanned(sim, app.call(PRECREATE, app.order(waiting))["qr_code"])
    answers = [app.call(CANCEL, {"out_trade_no": ref}) for ref in (unknown, waiting, paid, paid)]
    assert [answer.get("action") for answer in answers] == [None, "close", "refund", None]
    assert {answer["retry_flag"] for answer in answers} == {"N"}
    assert [sim.order(ref)["state"] for ref in (waiting, paid)] == ["TRADE_CLOSED"] * 2
    assert [given["amount"] for given in sim.order(paid)["refunds"]] == [6_000]


def test_a_notice_is_repeated_by_the_documented_schedule(app, sim, receiver):
    app.paid(receiver.url)
    for tried, wait in enumerate((240, 600, 600, 3_600, 7_200, 21_600, 54_000, 86_400), start=1):
        receiver.next()
        deadline = time.monotonic() + 3
        while len(_tries(sim)) < tried:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        if wait < 86_400:
            sim.advance(wait / 100 - 1.5)
            assert receiver.silent_for(0.2)
            sim.advance(1.5)
    sim.advance(86_400)
    assert receiver.silent_for(0.3)
    assert [entry["outcome"] for entry in _tries(sim)] == ["waiting"] * 7 + ["given up"]


def _tries(sim) -> list[dict[str, object]]:
    entries = sim.http.get("/_sim/journal").json()["entries"]
    return [entry for entry in entries if entry["kind"] == "callback"]


def test_a_kill_loses_nothing(own_simulator, receiver):
    sim, app = own_simulator, App(own_simulator)
    ref = app.paid(receiver.url)
    receiver.next()
    app.call(REFUND, {"out_trade_no": ref, "out_request_no": "R1", "refund_amount": "10.00"})
    app.placed()
    before, config = sim.http.get("/_sim/truth").json()["orders"], sim.config("alipay")
    sim.kill()
    sim.start()
    assert sim.http.get("/_sim/truth").json()["orders"] == before
    assert len(before) == 2
    assert sim.config("alipay") == config
    receiver.body = b"success"
    told = set()
    while told != {None, "R1"}:  # the payment's notice and the refund's
        told.add(dict(parse_qsl(receiver.next().raw.decode())).get("out_biz_no"))


def test_too_many_requests_a_second_are_limited(app, sim):
    sim.http.post("/_sim/scenario", json={"steps": [], "qps": 2}).raise_for_status()
    answers = [app.call(QUERY, {"out_trade_no": "T1"})["code"] for _ in range(8)]
    assert set(answers) == {"40004", "40005"}


def test_a_payer_pays_a_code_once(app, sim):
    ref, back = number(), "http://127.0.0.1:8000/orders/7K3QF?lang=zh&x=1"
    code_url = app.call(PRECREATE, app.order(ref, subject="<b>船票<b>"))["qr_code"]
    path = scanned(sim, code_url)
    shown = sim.http.get("/wallet", params={"code_url": code_url, "return": back}, follow_redirects=True).text
    for expected in ("&lt;b&gt;船票", "¥60.00", "Pay / 支付", "支付宝 Alipay", "Simulator – no real money"):
        assert expected in shown
    declined = sim.http.post(path, data={"action": "decline", "return": back})
    assert "Not paid / 未支付" in declined.text
    assert sim.order(ref)["state"] == "WAIT_BUYER_PAY"
    done = sim.http.post(path, data={"action": "pay", "return": back}, follow_redirects=True)
    trade_no = sim.order(ref)["transaction_id"]
    for expected in ("Paid / 支付成功", trade_no, back.replace("&", "&amp;")):
        assert expected in done.text
    again = sim.http.post(path, data={"action": "pay"})
    assert again.status_code == 409
    assert "Already paid / 该订单已支付" in again.text
    assert [receipt["transaction_id"] for receipt in sim.order(ref)["receipts"]] == [trade_no]


def test_pages_that_lead_nowhere_say_so(app, sim):
    assert sim.http.get("/alipay/pay/none").status_code == 404
    assert sim.http.post("/alipay/pay/none", data={"action": "pay"}).status_code == 404
    unknown = sim.http.get("/wallet", params={"code_url": "https://qr.alipay.com/bax0"}, follow_redirects=True)
    assert "Unknown code" in unknown.text
    code_url = app.call(PRECREATE, app.order(number()))["qr_code"]
    sim.advance(2 * 3600)
    late = sim.http.get("/wallet", params={"code_url": code_url}, follow_redirects=True)
    assert "Too late / 订单已过期" in late.text
    assert sim.http.post(late.url.path, data={"action": "pay"}).status_code == 409


def test_a_page_order_is_opened_within_a_day_and_returns_to_this_machine_only(app, sim):
    order = app.order(number(), product_code="FAST_INSTANT_TRADE_PAY")
    fields = app.signed(PAGE, order, return_url="https://example.com/")
    path = sim.http.get(GATEWAY, params=fields).headers["location"]
    done = sim.http.post(path, data={"action": "pay"}, follow_redirects=True)
    assert done.url.path == path
    assert "Back to the merchant" not in done.text
    wrong = app.signed(PAGE, app.order(number(), product_code="QUICK_WAP_PAY"))
    assert "product_code" in sim.http.get(GATEWAY, params=wrong).text
    stale = app.signed(PAGE, app.order(number(), product_code="FAST_INSTANT_TRADE_PAY"))
    sim.advance(86_401)
    assert "isv.invalid-timestamp" in sim.http.get(GATEWAY, params=stale).text
    sim.script({"fault": "html_502", "match": "create", "provider": "alipay"})
    assert sim.http.get(GATEWAY, params=stale).status_code == 502


def test_a_payment_may_be_over_another_amount_and_come_twice(app, sim):
    ref = app.placed()
    assert sim.order(ref)["state"] == "NOT_SCANNED"
    assert sim.http.post(f"/_sim/pay/{ref}", json={"again": True}).status_code == 409
    sim.pay(ref, amount=5_999, payer_amount=5_000)
    sim.pay(ref, again=True)
    told = sim.order(ref)
    assert (told["amount"], told["paid_amount"], told["payer_amount"]) == (6_000, 11_999, 11_000)
    assert len({receipt["transaction_id"] for receipt in told["receipts"]}) == 2
    assert told["provider"] == "alipay"
