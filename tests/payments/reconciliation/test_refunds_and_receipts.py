"""Money that went back, and money that came twice: a bill's word about a refund is a snapshot, about a receipt it is proof."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import ledger, payments
from holdfast.kit import clock
from holdfast.kit.actor import system
from holdfast.payments import bills, reconciliation
from holdfast.payments.providers.base import Bill, BillRow, RefundState
from tests import world

from . import days

pytestmark = pytest.mark.anyio
STAFF = system("test")


async def refunded(db, ref: str, amount: int):
    """Staff give back part of a payment; the refund's id."""
    intent_id = await world.value(db, "select intent_id from payments.attempts where merchant_ref = %(ref)s", ref=ref)
    return await db.run(payments.give_back, STAFF, intent_id, amount, "a shorter tour")


async def refund_ref(db, refund_id) -> str:
    return await world.value(db, "select refund_ref from payments.refunds where id = %(id)s", id=refund_id)


async def test_refunds_of_the_day_agree(db, sim, day):
    ref = await days.paid(db, sim)
    await refunded(db, ref, 2500)
    await world.until_quiet(db)
    days.to_bill(sim, day)
    report = await reconciliation.reconcile(db, "wechatpay", day)
    assert report.items == []
    figures = report.bill.figures["CNY"]
    assert (figures.bill_minor, figures.ours_minor, figures.ledger_minor, figures.matched_rows) == (3500, 3500, 3500, 2)
    assert await days.balance(db, "5020") == 36 - 15  # the fee of what was paid, less that of what went back


async def test_a_refund_that_ends_on_a_later_day_is_no_difference_on_either(db, sim, day):
    ref = await days.paid(db, sim)
    sim.script({"fault": "refund_processing"})
    refund_id = await refunded(db, ref, 2500)
    await world.work_once(db)
    days.to_bill(sim, day)
    report = await reconciliation.reconcile(db, "wechatpay", day)
    assert report.items == []
    assert report.bill.figures["CNY"].matched_rows == 1  # the other row waits
    sim.http.post(f"/_sim/refunds/{await refund_ref(db, refund_id)}", json={"status": "SUCCESS"}).raise_for_status()
    await world.until_quiet(db)
    following = day + timedelta(days=1)
    days.to_bill(sim, following)
    await reconciliation.run_all(db)
    assert await db.read(reconciliation.queue) == []
    assert (await db.read(reconciliation.day_report, "wechatpay", day)).bill.figures["CNY"].matched_rows == 2


async def test_a_refund_that_the_bill_knows_as_given_is_asked_about(db, sim, day):
    ref = await days.paid(db, sim)
    sim.script({"fault": "drop_callback"}, {"fault": "html_502", "match": "query_refund"})
    refund_id = await refunded(db, ref, 2500)
    await world.work_once(db)
    assert await world.value(db, "select state from payments.refunds") != "succeeded"
    await world.until(lambda: _given(sim, ref))
    days.to_bill(sim, day)
    sim.script()
    items = await days.compared(db, day)
    assert days.brief(items) == [("refund_status", ref, 2500, 2500, "auto")]
    assert await world.value(db, "select state from payments.refunds where id = %(id)s", id=refund_id) == "succeeded"


async def test_a_refund_that_the_bill_lacks_and_one_that_is_not_ours_stay_open(db, sim, day):
    ref = await days.paid(db, sim)
    refund_id = await refunded(db, ref, 2500)
    await world.until_quiet(db)
    days.to_bill(sim, day)
    found, _ = await (await _adapter()).bill(day)
    rows = [row for row in found.rows if not row.is_refund]
    stranger = BillRow(
        merchant_ref=ref, provider_txn=rows[0].provider_txn, refund_ref="BYHAND1", amount_minor=300, currency="CNY",
        status=RefundState.SUCCEEDED,
    )  # fmt: skip
    await db.run(bills.store, Bill(provider="wechatpay", day=day, rows=[*rows, stranger], digest="1" * 64))
    items = await days.compared(db, day)
    assert days.brief(items) == [
        ("refund_missing", ref, 2500, None, "open"),
        ("refund_unknown", ref, None, 300, "open"),
    ]
    missing = next(item for item in items if item.kind == "refund_missing")
    assert missing.refund_id == refund_id
    assert missing.answer.startswith("succeeded 25.00 CNY")


async def test_a_refund_of_another_sum_is_a_difference(db, sim, day):
    ref = await days.paid(db, sim)
    await refunded(db, ref, 2500)
    await world.until_quiet(db)
    days.to_bill(sim, day)
    found, _ = await (await _adapter()).bill(day)
    rows = [_with(row, amount_minor=2600) if row.is_refund else row for row in found.rows]
    await db.run(bills.store, Bill(provider="wechatpay", day=day, rows=rows, digest="2" * 64))
    assert days.brief(await days.compared(db, day)) == [("refund_amount_differs", ref, 2500, 2600, "open")]


async def test_a_second_receipt_in_the_bill_goes_back_by_itself(db, sim, day):
    ref = await days.paid(db, sim)
    sim.script({"fault": "drop_callback"})
    sim.pay(ref, again=True)
    days.to_bill(sim, day)
    [item] = await days.compared(db, day)
    assert (item.kind, item.theirs_minor, item.resolution, item.note) == (
        "second_receipt", 6000, "auto", "a second payment: goes back",
    )  # fmt: skip
    sim.script()
    await world.until_quiet(db)
    assert [(one["amount"], one["status"]) for one in sim.order(ref)["refunds"]] == [(6000, "SUCCESS")]
    days.to_bill(sim, clock.now().astimezone(days.BEIJING).date())
    await reconciliation.run_all(db)
    assert await db.read(reconciliation.queue) == []


async def test_a_movement_of_the_ledger_that_no_bill_explains_is_a_difference(db, sim, day):
    await days.paid(db, sim)
    await db.run(_stray, 700)
    days.to_bill(sim, day)
    [item] = await days.compared(db, day)
    assert (item.kind, item.ours_minor, item.theirs_minor, item.ledger_minor) == ("ledger_differs", None, None, 700)
    assert item.subject.startswith("journal:")
    assert item.off_minor == -700


async def _stray(tx, amount: int) -> None:
    """Somebody books by hand."""
    legs = [
        ledger.debit(ledger.Account("1010", "wechatpay#03", "CNY"), amount),
        ledger.credit(ledger.Account("4010", "test", "CNY"), amount),
    ]
    await ledger.record(tx, "by_hand", "stray", legs, subject="test", at=clock.now())


async def _given(sim, ref: str) -> bool:
    return sim.order(ref)["refunds"][0]["status"] == "SUCCESS"


async def _adapter():
    from holdfast.payments import channels

    return await channels.current().get("wechatpay")


def _with(row: BillRow, **changes: object) -> BillRow:
    import msgspec

    return msgspec.structs.replace(row, **changes)
