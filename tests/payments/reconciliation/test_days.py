"""Days: the provider's midnight decides, bills come in the morning, and the day after asks once more."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from holdfast import payments
from holdfast.kit import clock
from holdfast.payments import bills, reconciliation
from holdfast.payments.providers.base import Bill, BillRow
from holdfast.payments.reconciliation_model import BillNotReady
from tests import world

from . import days

pytestmark = pytest.mark.anyio


async def test_a_payment_belongs_to_the_day_on_which_the_provider_took_it(db, sim, day):
    midnight = datetime.combine(day + timedelta(days=1), time(), days.BEIJING)
    sim.advance(days.until(midnight) - 120)
    before, *_ = await days.begun(db)
    after, *_ = await days.begun(db)
    sim.advance(days.until(midnight) - 0.9)
    sim.pay(before)
    sim.advance(max(0.0, days.until(midnight)) + 0.05)
    sim.pay(after)
    await world.until_quiet(db)
    paid_at = await world.value(db, "select paid_at from payments.attempts where merchant_ref = %(ref)s", ref=before)
    assert paid_at.astimezone(days.BEIJING).time() == time(23, 59, 59)
    days.to_bill(sim, day + timedelta(days=1))
    await reconciliation.run_all(db)
    for one in (day, day + timedelta(days=1)):
        report = await db.read(reconciliation.day_report, "wechatpay", one)
        assert report.items == []
        assert report.bill.figures["CNY"].matched_rows == 1


async def test_a_bill_is_not_asked_for_before_it_is_made(db, sim, day):
    await days.paid(db, sim)
    sim.advance(days.until(bills.ready_at("wechatpay", day)) - 300)
    asked = await days.calls(db, "bill")
    with pytest.raises(BillNotReady):
        await reconciliation.reconcile(db, "wechatpay", day)
    await reconciliation.run_all(db)
    assert await days.calls(db, "bill") == asked
    sim.advance(400)
    await reconciliation.run_all(db)
    assert (await db.read(reconciliation.day_report, "wechatpay", day)).bill.state == "fetched"


async def test_a_bill_that_is_late_or_spoilt_is_tried_again(db, sim, day):
    await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": "bill_wrong_total", "count": 1}, {"fault": "no_statement", "count": 2})
    await reconciliation.run_all(db)
    bill = (await db.read(reconciliation.day_report, "wechatpay", day)).bill
    assert bill.state in ("wanted", "missing")
    assert bill.reconciled_at is None
    for _ in range(3):
        sim.advance(3700)
        await reconciliation.run_all(db)
    report = await db.read(reconciliation.day_report, "wechatpay", day)
    assert (report.bill.state, report.items) == ("fetched", [])


async def test_a_day_with_payments_and_no_bill_is_a_difference_until_the_bill_comes(db, sim, day):
    await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": "no_statement"})
    await reconciliation.run_all(db)
    assert await db.read(reconciliation.queue) == []  # the morning is young
    days.to_bill(sim, day + timedelta(days=1))
    await reconciliation.run_all(db)
    [item] = await db.read(reconciliation.queue)
    assert (item.kind, item.day, item.ours_minor) == ("bill_missing", day, 6000)
    sim.script()
    report = await reconciliation.reconcile(db, "wechatpay", day)
    assert [(one.kind, one.resolution) for one in report.items] == [("bill_missing", "auto")]
    assert report.bill.figures["CNY"].matched_rows == 1


async def test_what_the_bill_of_the_next_day_brings_is_settled_by_itself(db, sim, day):
    ref = await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": "bill_missing_row", "count": 1})
    [item] = await days.compared(db, day)
    assert item.kind == "missing_at_provider"
    sim.script()
    following = day + timedelta(days=1)
    days.to_bill(sim, following)
    row = BillRow(
        merchant_ref=ref, provider_txn=item.provider_txn, amount_minor=6000, currency="CNY", fee_minor=36,
        occurred_at=clock.now(),
    )  # fmt: skip
    await db.run(bills.store, Bill(provider="wechatpay", day=following, rows=[row], digest="0" * 64))
    sim.script({"fault": "html_502", "match": "bill"})
    await reconciliation.run_all(db)
    assert (await db.read(reconciliation.require, item.id)).resolution == "auto"
    assert await db.read(reconciliation.queue) == []
    sim.script()


async def test_what_is_still_missing_on_the_day_after_stays_open(db, sim, day):
    await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": "bill_missing_row"})
    [item] = await days.compared(db, day)
    days.to_bill(sim, day + timedelta(days=1))
    asked = (await db.read(reconciliation.require, item.id)).asked_at
    await reconciliation.run_all(db)
    found = await db.read(reconciliation.require, item.id)
    assert found.is_open
    assert found.asked_at > asked  # once more
    sim.script()


async def test_a_bill_that_was_changed_adds_to_what_is_stored_and_is_a_difference(db, sim, day):
    first, second = await days.paid(db, sim), await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": "bill_missing_row", "count": 1})
    assert days.brief(await days.compared(db, day)) == [("missing_at_provider", first, 6000, None, "open")]
    stored = (await days.everything(db))["rows"]
    days.to_bill(sim, day + timedelta(days=1))
    await reconciliation.run_all(db)
    report = await db.read(reconciliation.day_report, "wechatpay", day)
    assert days.brief(report.items) == [
        ("bill_changed", None, 6000, 12_000, "open"),
        ("missing_at_provider", first, 6000, None, "auto"),
    ]
    rows = (await days.everything(db))["rows"]
    assert [row["merchant_ref"] for row in rows] == [second, first]
    assert rows[0] == stored[0] | {"fees_journal": rows[0]["fees_journal"]}
    assert await days.balance(db, "5020") == 72


@pytest.mark.parametrize(("provider", "method"), [("alipay", "qr"), ("stripe", "card")])
async def test_other_providers_are_compared_the_same_way(db, sim, provider, method):
    day = bills.day_of(provider, clock.now()) + timedelta(days=1)
    sim.advance(days.until(bills.window(provider, day)[0]) + 3600)
    ref, *_ = await days.begun(db, payments.Wish(provider, method))
    sim.pay(ref)
    await world.until_quiet(db)
    days.to_bill(sim, day, provider)
    await reconciliation.run_all(db)
    report = await db.read(reconciliation.day_report, provider, day)
    assert report.items == []
    figures = report.bill.figures["CNY"]
    assert (figures.bill_minor, figures.ours_minor, figures.ledger_minor, figures.matched_rows) == (6000, 6000, 6000, 1)
    assert await days.balance(db, "5020", provider) == figures.fees_minor > 0
