"""Alipay's trade bill: what was paid and given back on a day, as the provider books it."""

from __future__ import annotations

import io
import zipfile
from datetime import date, timedelta, timezone

import pytest

from holdfast.kit import clock, http
from holdfast.payments.providers import alipay_bills
from holdfast.payments.providers.alipay import Alipay, load_config
from holdfast.payments.providers.base import OutcomeClass, RefundState

from .alipay_app import App, paid
from .conftest import QUICK
from .merchant import charge, number, refund_of

pytestmark = pytest.mark.anyio

BEIJING = timezone(timedelta(hours=8))
METHOD = "alipay.data.dataservice.bill.downloadurl.query"


@pytest.fixture
async def alipay(sim):
    async with http.client() as client:
        yield Alipay(load_config(sim.config("alipay")), client, QUICK | {"bill": 5.0})


def today() -> date:
    return clock.now().astimezone(BEIJING).date()


def to_next(sim, hour: int) -> None:
    """Move all clocks to that hour of Beijing's next day, or of this one when it is still to come."""
    now = clock.now().astimezone(BEIJING)
    then = now.replace(hour=hour, minute=1, second=0, microsecond=0)
    sim.advance(((then if then > now else then + timedelta(days=1)) - now).total_seconds())


@pytest.fixture
def noon(sim):
    """Beijing noon, so that a test's payments are all of one day."""
    to_next(sim, 12)


async def day_with_two_payments_and_a_refund(alipay, sim) -> tuple[date, list[str]]:
    day, refs = today(), [await paid(alipay, sim, description="西湖游船, 两位") for _ in range(2)]
    await alipay.create(charge(number()))
    await alipay.refund(refund_of(refs[0]))
    to_next(sim, 11)
    return day, refs


@pytest.mark.usefixtures("noon")
async def test_a_bill_names_payments_and_refunds_with_their_fees(alipay, sim):
    day, refs = await day_with_two_payments_and_a_refund(alipay, sim)
    bill, call = await alipay.bill(day)
    assert (call.outcome_class, call.error_code, bill.provider, bill.day) == (OutcomeClass.OK, None, "alipay", day)
    assert len(bill.digest) == 64
    first, second, given = bill.rows
    for ref, row in zip(refs, (first, second), strict=True):
        assert (row.merchant_ref, row.amount_minor, row.fee_minor, row.currency) == (ref, 12_800, 77, "CNY")
        assert (row.provider_txn, row.is_refund) == (sim.order(ref)["transaction_id"], False)
        assert row.occurred_at.astimezone(BEIJING).date() == day
    assert (given.merchant_ref, given.refund_ref, given.amount_minor) == (refs[0], f"R{refs[0]}", 2_800)
    assert (given.provider_txn, given.status, given.fee_minor) == (first.provider_txn, RefundState.SUCCEEDED, 16)


@pytest.mark.usefixtures("noon")
async def test_a_day_is_beijings_and_its_bill_comes_in_the_next_morning(alipay, sim):
    to_next(sim, 23)
    day = today()
    await paid(alipay, sim)
    none, call = await alipay.bill(day)
    assert (none, call.outcome_class, call.http_status) == (None, OutcomeClass.OK, None)
    sim.advance(3600)
    late = await paid(alipay, sim)
    none, call = await alipay.bill(day)
    assert (none, call.outcome_class, call.error_code) == (None, OutcomeClass.OK, "isp.bill_not_exist")
    to_next(sim, 11)
    bill, _ = await alipay.bill(day)
    assert [row.merchant_ref for row in bill.rows] != [late]
    assert len(bill.rows) == 1
    none, call = await alipay.bill(day - timedelta(days=1))
    assert (none, call.outcome_class) == (None, OutcomeClass.OK)


@pytest.mark.usefixtures("noon")
async def test_a_bill_that_contradicts_itself_is_refused(alipay, sim):
    day, _ = await day_with_two_payments_and_a_refund(alipay, sim)
    for fault in ("bill_wrong_hash", "bill_wrong_total"):
        sim.script({"fault": fault})
        none, call = await alipay.bill(day)
        assert (none, call.error_code, call.outcome_class) == (None, "bill-inconsistent", OutcomeClass.TECHNICAL)


@pytest.mark.usefixtures("noon")
async def test_a_false_row_in_a_consistent_bill_is_left_to_reconciliation(alipay, sim):
    day, refs = await day_with_two_payments_and_a_refund(alipay, sim)
    for fault, payments in {
        "bill_missing_row": [(refs[1], 12_800)],
        "bill_wrong_amount": [(refs[0], 12_801), (refs[1], 12_800)],
        "bill_double_row": [(refs[0], 12_800), (refs[0], 12_800), (refs[1], 12_800)],
    }.items():
        sim.script({"fault": fault})
        bill, _ = await alipay.bill(day)
        assert [(row.merchant_ref, row.amount_minor) for row in bill.rows if not row.is_refund] == payments
    sim.script({"fault": "bill_extra_row"})
    bill, _ = await alipay.bill(day)
    assert len([row for row in bill.rows if row.merchant_ref not in refs]) == 1


@pytest.mark.usefixtures("noon")
async def test_a_bill_that_cannot_be_had_now_is_no_bill(alipay, sim):
    day, _ = await day_with_two_payments_and_a_refund(alipay, sim)
    for fault, code in {
        "html_502": "http-502",
        "reset": "connection-lost",
        "lost_response": "connection-lost",
        "system_error": "ACQ.SYSTEM_ERROR",
        "unsigned": "unsigned",
        "bad_signature": "bad-signature",
        "truncated_json": "unreadable",
    }.items():
        sim.script({"fault": fault})
        none, call = await alipay.bill(day)
        assert (none, call.error_code, call.outcome_class) == (None, code, OutcomeClass.TECHNICAL)
    sim.script({"fault": "no_statement"})
    none, call = await alipay.bill(day)
    assert (none, call.error_code, call.outcome_class) == (None, "isp.bill_not_exist", OutcomeClass.OK)


@pytest.mark.usefixtures("noon")
async def test_the_address_of_a_file_is_good_for_thirty_seconds(alipay, sim):
    day, _ = await day_with_two_payments_and_a_refund(alipay, sim)
    url = App(sim).call(METHOD, {"bill_type": "trade", "bill_date": day.isoformat()})["bill_download_url"]
    content = sim.http.get(url).raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(content), metadata_encoding="gbk") as archive:
        names = archive.namelist()
        details = archive.read(names[0]).decode("gbk")
    assert [name.partition("_业务明细")[2] for name in names] == [".csv", "(汇总).csv"]
    header = next(line for line in details.splitlines() if not line.startswith("#"))
    assert len(header.split(",")) == 25
    assert details.count("\t,") > 10
    assert ",-28.00," in details
    assert "#退款合计：1笔，商家实收退款共-28.00元" in details
    sim.advance(31)
    assert sim.http.get(url).status_code == 403


def packed(details: str, summary: str, encoding: str = "gbk") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("1_业务明细.csv", details.encode(encoding))
        archive.writestr("1_业务明细(汇总).csv", summary.encode(encoding))
    return content.getvalue()


DETAILS = """#支付宝业务明细查询
支付宝交易号,商户订单号,业务类型,完成时间,订单金额（元）,商家实收（元）,退款批次号/请求号,服务费（元）
42\t,T1\t,交易,2026-11-22 10:00:00,1.00,0.90,\t,-0.01
42\t,T1\t,退款,2026-11-22 11:00:00,-0.50,-0.50,R1\t,0.00
#交易合计：1笔，商家实收共0.90元，商家优惠共0.10元
#退款合计：1笔，商家实收退款共-0.50元，商家优惠退款共0.00元
"""
SUMMARY = """#支付宝业务汇总查询
门店编号,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,服务费（元）
合计\t,1,1,0.50,0.40,-0.01
"""


def test_columns_are_found_by_name_and_sums_may_be_before_or_after_refunds():
    for summary in (SUMMARY, SUMMARY.replace("0.50,0.40", "1.00,0.90")):
        payment, refund = alipay_bills.read(packed(DETAILS, summary), date(2026, 11, 22)).rows
        assert (payment.amount_minor, payment.fee_minor, refund.amount_minor, refund.refund_ref) == (100, 1, 50, "R1")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        packed(DETAILS, SUMMARY)[:-30],
        packed(DETAILS, SUMMARY, "utf-8"),
        packed("", ""),
        packed(DETAILS, "门店编号"),
        packed(DETAILS.replace("交易,2026", "转账,2026"), SUMMARY),
        packed(DETAILS.replace(",1.00,0.90", ",-1.00,-0.90"), SUMMARY),
        packed(DETAILS.replace("-0.50,-0.50,R1", "0.50,0.50,R1"), SUMMARY),
        packed(DETAILS.replace(",R1\t", ",\t"), SUMMARY),
        packed(DETAILS.replace(",1.00,", ",1.0,"), SUMMARY),
        packed(DETAILS.replace("T1\t,交易", "\t,交易"), SUMMARY),
        packed(DETAILS.replace("#交易合计：1笔", "#交易合计：2笔"), SUMMARY),
        packed(DETAILS.replace("共0.90元", "共0.91元"), SUMMARY),
        packed(DETAILS.replace("#退款合计", "#"), SUMMARY),
        packed(DETAILS, SUMMARY.replace("合计", "一店")),
        packed(DETAILS, SUMMARY.replace(",1,1,", ",1,2,")),
        packed(DETAILS, SUMMARY.replace("0.40", "0.41")),
        packed(DETAILS, SUMMARY.replace("-0.01", "-0.02")),
    ],
    ids=range(19),
)
def test_what_is_no_whole_bill_is_refused(content):
    with pytest.raises(alipay_bills.Unfit):
        alipay_bills.read(content, date(2026, 11, 22))
