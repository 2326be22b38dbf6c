"""WeChat Pay's trade bills: what was booked on a day in Beijing, believed only when it fits itself."""

from __future__ import annotations

import gzip
import hashlib
from datetime import date, datetime, timedelta

import httpx2
import msgspec
import pytest

from holdfast.kit import clock, http
from holdfast.payments.providers import wechatpay_bills as bills
from holdfast.payments.providers.base import OutcomeClass, RefundState
from holdfast.payments.providers.wechatpay import BEIJING, WeChatPay, load_config
from holdfast.payments.simulator.wechatpay.keys import Keys, new_identity

from .merchant import charge, number, paid, refund_of
from .test_wechatpay import settled

pytestmark = pytest.mark.anyio


def today() -> date:
    return clock.now().astimezone(BEIJING).date()


def until(moment: datetime) -> float:
    return (moment - clock.now()).total_seconds()


@pytest.fixture
def day(sim):
    """A day in Beijing that has just begun, by both clocks."""
    tomorrow = datetime.combine(today() + timedelta(days=1), datetime.min.time(), BEIJING)
    sim.advance(until(tomorrow) + 60)
    return today()


def to_readiness(sim, day: date) -> None:
    """On to 10:00 of the day after."""
    sim.advance(until(datetime.combine(day + timedelta(days=1), datetime.min.time(), BEIJING) + timedelta(hours=10)))


async def test_a_bill_tells_payments_and_refunds_of_a_day_with_their_fees(provider, sim, day):
    ref = await paid(provider, sim, description="游船, 两位`,`1.00,`\n与茶")
    await provider.refund(refund_of(ref))
    assert (await settled(provider, f"R{ref}")).state is RefundState.SUCCEEDED
    sim.script({"fault": "refund_processing"})
    await provider.refund(msgspec.structs.replace(refund_of(ref, 100), refund_ref="slow"))
    sim.advance(5)
    other = await paid(provider, sim, amount_minor=60)
    await provider.create(charge(number()))
    to_readiness(sim, day)
    sim.http.post("/_sim/refunds/slow").raise_for_status()
    bill, call = await provider.bill(day)
    assert (bill.provider, bill.day, len(bill.digest), call.outcome_class, call.operation) == (
        "wechatpay",
        day,
        64,
        OutcomeClass.OK,
        "bill",
    )
    shown = [
        (row.merchant_ref, row.refund_ref, row.amount_minor, row.fee_minor, row.currency, row.status)
        for row in bill.rows
    ]
    assert shown == [
        (ref, None, 12_800, 77, "CNY", None),
        (ref, f"R{ref}", 2_800, 17, "CNY", RefundState.SUCCEEDED),
        (ref, "slow", 100, 1, "CNY", RefundState.PROCESSING),  # as it stood when the bill was made
        (other, None, 60, 0, "CNY", None),
    ]
    truth = sim.order(ref)
    assert {row.provider_txn for row in bill.rows if row.merchant_ref == ref} == {truth["transaction_id"]}
    assert [row.provider_refund for row in bill.rows if row.is_refund] == [
        refund["refund_id"] for refund in truth["refunds"]
    ]
    assert all(row.occurred_at.astimezone(BEIJING).date() == day for row in bill.rows)
    assert (await provider.bill(day))[0].digest == bill.digest


async def test_both_receipts_of_an_order_paid_twice_stand_in_the_bill(provider, sim, day):
    ref = await paid(provider, sim)
    second = sim.pay(ref, again=True)["transaction_id"]
    to_readiness(sim, day)
    bill, _ = await provider.bill(day)
    assert [row.merchant_ref for row in bill.rows] == [ref, ref]
    assert bill.rows[1].provider_txn == second


async def test_a_bill_that_is_not_made_yet_and_a_day_without_anything_are_no_failures(provider, sim, day):
    await paid(provider, sim)
    sim.advance(until(datetime.combine(day + timedelta(days=1), datetime.min.time(), BEIJING)) + 9 * 3600)
    bill, call = await provider.bill(day)
    assert (bill, call.error_code, call.outcome_class) == (None, "STATEMENT_CREATING", OutcomeClass.OK)
    bill, call = await provider.bill(day - timedelta(days=1))
    assert (bill, call.error_code, call.outcome_class) == (None, "NO_STATEMENT_EXIST", OutcomeClass.OK)
    to_readiness(sim, day)
    sim.script({"fault": "no_statement", "count": 1})
    assert (await provider.bill(day))[1].error_code == "NO_STATEMENT_EXIST"
    assert (await provider.bill(day))[0] is not None
    for strange in (today(), day - timedelta(days=400)):
        bill, call = await provider.bill(strange)
        assert (bill, call.error_code, call.outcome_class) == (None, "INVALID_REQUEST", OutcomeClass.CONFIG)


@pytest.mark.parametrize(
    ("fault", "amounts"),
    [
        ("bill_missing_row", [60]),
        ("bill_extra_row", [12_800, 60, 12_800]),
        ("bill_wrong_amount", [12_801, 60]),
        ("bill_double_row", [12_800, 12_800, 60]),
    ],
)
async def test_a_bill_that_is_wrong_but_fits_itself_is_for_reconciliation(provider, sim, day, fault, amounts):
    await paid(provider, sim)
    sim.advance(5)
    await paid(provider, sim, amount_minor=60)
    to_readiness(sim, day)
    sim.script({"fault": fault, "count": 1})
    bill, _ = await provider.bill(day)
    assert [row.amount_minor for row in bill.rows] == amounts
    assert [row.amount_minor for row in (await provider.bill(day))[0].rows] == [12_800, 60]


@pytest.mark.parametrize("fault", ["bill_wrong_hash", "bill_wrong_total"])
async def test_a_bill_that_does_not_fit_itself_is_refused(provider, sim, day, fault):
    await paid(provider, sim)
    to_readiness(sim, day)
    sim.script({"fault": fault})
    bill, call = await provider.bill(day)
    assert (bill, call.error_code, call.outcome_class) == (None, "bill-inconsistent", OutcomeClass.TECHNICAL)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("system_error", "SYSTEM_ERROR"),
        ("lost_response", "connection-lost"),
        ("html_502", "http-502"),
        ("bad_signature", "bad-signature"),
        ("truncated_json", "unreadable"),
        ("rate_limit", "FREQUENCY_LIMITED"),
    ],
)
async def test_a_bill_that_could_not_be_had_is_no_empty_bill(provider, sim, day, fault, code):
    await paid(provider, sim)
    to_readiness(sim, day)
    sim.script({"fault": fault})
    bill, call = await provider.bill(day)
    assert (bill, call.error_code) == (None, code)
    assert call.outcome_class in (OutcomeClass.TECHNICAL, OutcomeClass.RATE_LIMIT)


HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
PAID = (
    "`2026-03-01 23:59:59,`wx1,`1900,`0,`,`42001,`T1,`o1,`NATIVE,`SUCCESS,`OTHERS,`CNY,`1.00,`0.00,`0,`0,`0.00,`0.00,`,`,"
    "`船票,`,`0.01000,`0.60%,`1.00,`0.00,`"
)
TOTALS = "`1,`1.00,`0.00,`0.00,`0.01000,`1.00,`0.00"
DAY = date(2026, 3, 1)


def written(*lines: str) -> bytes:
    return "\ufeff".encode() + "".join(f"{line}\r\n" for line in lines).encode()


def test_columns_are_found_by_name_wherever_they_stand():
    columns, fields = HEADER.split(","), PAID[1:].split(",`")
    turned = written(
        ",".join(["新列", *columns[::-1]]), "`?," + ",".join(f"`{field}" for field in fields[::-1]), SUMMARY, TOTALS
    )
    for content in (turned, written(HEADER, PAID, SUMMARY, TOTALS)):
        [row] = bills.read(content, "1900", DAY)
        assert (row.merchant_ref, row.provider_txn, row.amount_minor, row.fee_minor) == ("T1", "42001", 100, 1)
    assert bills.read(written(HEADER, SUMMARY, "`0,`0.00,`0.00,`0.00,`0.00,`0.00,`0.00"), "1900", DAY) == []


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((HEADER, PAID, SUMMARY, TOTALS.replace("`1,", "`2,")), "bill-inconsistent"),
        ((HEADER, PAID, PAID, SUMMARY, TOTALS), "bill-inconsistent"),
        ((HEADER, PAID, SUMMARY, TOTALS.replace("`0.01000", "`0.02000")), "bill-inconsistent"),
        ((HEADER, PAID.replace("`1900", "`1901"), SUMMARY, TOTALS), "bill-inconsistent"),
        ((HEADER, PAID.replace("03-01", "03-02"), SUMMARY, TOTALS), "bill-inconsistent"),
        ((HEADER, PAID.replace("SUCCESS", "HALFPAID"), SUMMARY, TOTALS), "bill-unreadable"),
        ((HEADER, PAID.replace("0.01000", "0.01500"), SUMMARY, TOTALS), "bill-unreadable"),
        ((HEADER, PAID.replace(",`CNY", ""), SUMMARY, TOTALS), "bill-unreadable"),
        ((HEADER.replace("订单金额,申请", "申请"), PAID, SUMMARY, TOTALS), "bill-unreadable"),
        ((HEADER, PAID, SUMMARY, TOTALS, PAID), "bill-unreadable"),
        ((HEADER, PAID), "bill-unreadable"),
        (("<html>",), "bill-unreadable"),
        ((), "bill-unreadable"),
    ],
)
def test_a_file_that_is_no_bill_is_refused(lines, code):
    with pytest.raises(bills.Refused) as caught:
        bills.read(written(*lines), "1900", DAY)
    assert caught.value.code == code


def test_an_archive_is_opened_whole_or_not_at_all():
    content = written(HEADER, PAID, SUMMARY, TOTALS)
    packed, sha1 = gzip.compress(content), hashlib.sha1(content).hexdigest()
    assert bills.opened(packed, sha1.upper()) == content
    for raw, code in ((packed[:-20], "bill-unreadable"), (content, "bill-unreadable"), (b"", "bill-unreadable")):
        with pytest.raises(bills.Refused, match=code):
            bills.opened(raw, sha1)


async def test_our_signature_goes_to_no_other_host():
    keys, asked = Keys(new_identity()), []

    async def platform(scope, receive, send):
        asked.append(scope["path"])
        link = {"hash_type": "SHA1", "hash_value": "0" * 40, "download_url": "http://elsewhere/v3/billdownload/file"}
        body = msgspec.json.encode(link)
        headers = keys.platform_headers(keys.certificate_serial, body)
        shown = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": shown})
        await send({"type": "http.response.body", "body": body})

    async with http.client(transport=httpx2.ASGITransport(platform)) as client:
        provider = WeChatPay(load_config(msgspec.json.encode(keys.config("http://platform"))), client)
        bill, call = await provider.bill(DAY)
    assert (bill, call.error_code, asked) == (None, "foreign-download-url", ["/v3/bill/tradebill"])
