"""Finding payments: by any number that somebody has in hand, by what is wrong with them, and page by page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import orders, payments
from holdfast.kit import clock
from holdfast.payments import search
from holdfast.payments.search import Filters
from tests import world

pytestmark = pytest.mark.anyio


async def found(db, **wanted) -> list[str]:
    page = await db.read(search.find, Filters(**wanted))
    return [str(one.id) for one in page.items]


async def test_any_number_that_somebody_has_in_hand_finds_the_payment(db, sim):
    slot = await world.open_slot(db)
    mei, order = await world.paid_order(db, sim, slot)
    _, another = await world.held_order(db, slot)
    await orders.pay(db, mei.actor, another)
    view = await world.payment_of(db, mei, order)
    await db.run(orders.refund, mei.actor, view.intent_id, 1000, "in part")
    await world.until_quiet(db)
    refund_ref = await world.value(db, "select refund_ref from payments.refunds")
    txn = await world.value(db, "select provider_txn from payments.attempts where provider_txn is not null")
    for text in (
        view.merchant_ref, view.merchant_ref.lower(), txn, refund_ref.lower(), f"order:{order.row.id}", str(order.row.id),
        str(order.row.id).upper(),
    ):  # fmt: skip
        assert await found(db, text=text) == [str(view.intent_id)], text
    for text in ("nothing", view.merchant_ref[:-1], "%", "order:"):
        assert await found(db, text=text) == [], text
    [one] = (await db.read(search.find, Filters(state="paid"))).items
    assert (one.refunded_minor, one.refunding_minor, one.attempts) == (1000, 0, 1)


async def test_doubts_and_money_that_did_not_fit_are_found(db, sim):
    slot = await world.open_slot(db)
    doubtful, doubted = await world.held_order(db, slot)
    sim.script({"fault": "lost_response"})
    view = await orders.pay(db, doubtful.actor, doubted)
    assert await found(db, unknown=True) == [str(view.intent_id)]
    sim.script()
    mei, order = await world.held_order(db, slot)
    wrong = await orders.pay(db, mei.actor, order)
    sim.pay(wrong.merchant_ref, amount=5000)
    await world.until_quiet(db)
    await world.work_once(db)
    await world.until_quiet(db)
    assert await found(db, conflicted=True) == [str(wrong.intent_id)]
    assert await found(db, conflicted=True, provider="alipay") == []
    assert await found(db, unknown=True) == []
    whole = await db.read(search.detail, wrong.intent_id)
    assert [attempt.role for attempt in whole.attempts] == ["conflicted"]
    assert [refund.amount_minor for refund in whole.refunds] == [5000]


async def test_pages_continue_where_the_last_one_ended(db, sim):
    slot, mei = await world.open_slot(db, places=20), await world.traveller(db)
    begun = clock.now()
    for _ in range(5):
        placed = await world.place(db, world.request(mei, world.basket(slot)))
        await orders.pay(db, mei.actor, await world.order_of(db, mei, placed.number), payments.Wish("alipay", "page"))
    seen, before = [], None
    while True:
        page = await db.read(search.find, Filters(since=begun), before=before, limit=2)
        seen += [one.id for one in page.items]
        before = page.before
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert await found(db, until=begun - timedelta(minutes=1)) == []
    with pytest.raises(payments.IntentUnknown):
        await db.read(search.detail, mei.account_id)
    with pytest.raises(search.RefundUnknown):
        await db.read(search.refund, mei.account_id)
