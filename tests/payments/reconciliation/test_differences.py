"""A day compared three ways: what agrees is silent, what differs is noted once, and stays until it is settled."""

from __future__ import annotations

import msgspec
import pytest

from holdfast.payments import bills, channels, reconciliation
from holdfast.payments.reconciliation_model import KINDS

from . import days

pytestmark = pytest.mark.anyio


async def test_a_day_on_which_all_agree_leaves_nothing_to_do(db, sim, day):
    for _ in range(3):
        await days.paid(db, sim)
    days.to_bill(sim, day)
    report = await reconciliation.reconcile(db, "wechatpay", day)
    assert report.items == []
    figures = report.bill.figures["CNY"]
    assert (figures.bill_rows, figures.matched_rows, figures.ours_count) == (3, 3, 3)
    assert figures.bill_minor == figures.ours_minor == figures.ledger_minor == figures.matched_minor == 18_000


@pytest.mark.parametrize(
    ("fault", "kind", "ours", "theirs"),
    [
        ("bill_missing_row", "missing_at_provider", 6000, None),
        ("bill_extra_row", "foreign_row", None, 6000),
        ("bill_wrong_amount", "amount_differs", 6000, 6001),
        ("bill_double_row", "duplicate_row", 0, 6000),
    ],
)
async def test_each_mistake_of_a_bill_is_one_difference(db, sim, day, fault, kind, ours, theirs):
    ref = await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": fault})
    [item] = await days.compared(db, day)
    assert (item.kind, item.ours_minor, item.theirs_minor, item.state) == (kind, ours, theirs, "open")
    assert (item.merchant_ref == ref) == (kind != "foreign_row")
    assert KINDS[kind].advice
    sim.script()


async def test_a_day_with_one_missing_one_extra_one_wrong_and_one_double_row(db, sim, day):
    missing, wrong, double, right = [await days.paid(db, sim) for _ in range(4)]
    days.to_bill(sim, day)
    found, _call = await (await channels.current().get("wechatpay")).bill(day)
    rows = {row.merchant_ref: row for row in found.rows}
    await db.run(
        bills.store,
        msgspec.structs.replace(
            found,
            rows=[
                msgspec.structs.replace(rows[wrong], amount_minor=5999),
                rows[double],
                msgspec.structs.replace(
                    rows[right], merchant_ref="NOBODYS1", provider_txn="42000000000000000000000001"
                ),
                rows[double],
                rows[right],
            ],
        ),
    )
    report = await reconciliation.reconcile(db, "wechatpay", day)
    assert days.brief(report.items) == [
        ("amount_differs", wrong, 6000, 5999, "open"),
        ("duplicate_row", double, 0, 6000, "open"),
        ("foreign_row", "NOBODYS1", None, 6000, "open"),
        ("missing_at_provider", missing, 6000, None, "open"),
    ]
    asked = {item.merchant_ref: item.answer for item in report.items}
    assert asked[missing].startswith("succeeded 60.00 CNY")
    assert asked[wrong].startswith("succeeded 60.00 CNY")
    figures = report.bill.figures["CNY"]
    assert (figures.bill_rows, figures.matched_rows, figures.bill_minor) == (5, 2, 4 * 6000 + 5999)
    assert figures.ledger_minor == figures.ours_minor == 4 * 6000
    assert sum(item.off_minor for item in report.items) == figures.bill_minor - figures.ledger_minor


async def test_comparing_again_changes_nothing(db, sim, day):
    for _ in range(2):
        await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": "bill_double_row"}, {"fault": "bill_extra_row"})
    await days.compared(db, day)
    before = await days.everything(db)
    await days.compared(db, day)
    await reconciliation.run_all(db)
    assert await days.everything(db) == before


async def test_money_that_only_the_bill_knows_is_taken_over(db, sim, day):
    sim.script({"fault": "drop_callback"}, {"fault": "html_502", "match": "query"})
    ref, *_ = await days.begun(db)
    sim.pay(ref)
    sim.script({"fault": "html_502", "match": "query"})
    days.to_bill(sim, day)
    [item] = await days.compared(db, day)
    assert (item.kind, item.merchant_ref, item.resolution, item.note) == (
        "unknown_to_us", ref, "auto", "taken over: winner",
    )  # fmt: skip
    sim.script()


async def test_fees_are_booked_once(db, sim, day):
    for _ in range(2):
        await days.paid(db, sim, price_minor=10_000)
    days.to_bill(sim, day)
    await days.compared(db, day)
    await days.compared(db, day)
    assert await days.balance(db, "5020") == 120  # 0.6 % of each
    assert await days.balance(db, "1010") == 20_000 - 120
    figures = (await db.read(reconciliation.day_report, "wechatpay", day)).bill.figures["CNY"]
    assert figures.fees_minor == 120


async def test_days_are_the_providers(db, sim, day):
    assert bills.day_of("wechatpay", bills.window("wechatpay", day)[0]) == day
    assert bills.day_of("stripe", bills.window("stripe", day)[0]) == day
