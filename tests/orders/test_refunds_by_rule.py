"""Cancelling what was paid: the refund is the one that was shown, some may leave while others stay, and fees are booked."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders
from holdfast.kit import clock, faults
from holdfast.orders.after_sale_model import PartNotPossible, QuoteChanged, TravellersUnknown
from holdfast.orders.model import NotCancellable
from tests import world

from .after_sale import HALF_LATER, STAFF, fees_minor, held_minor, kinds, paid, rule

pytestmark = pytest.mark.anyio


async def quoted(db, mei, order, travellers=None):
    async with db.reading() as tx:
        return await orders.quote(tx, await orders.require(tx, mei.account_id, order.number), travellers)


async def test_a_paid_order_is_cancelled_with_the_refund_that_was_shown(db):
    slot = await world.open_slot(db, places=3)
    mei, order = await paid(db, slot, people=2)
    found = await quoted(db, mei, order)
    assert (found.refund_minor, found.kept_minor, found.whole) == (12_000, 0, True)
    assert found.holds_until == slot.starts_at
    await orders.cancel(db, mei.actor, order, quoted_minor=12_000)
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.CANCELLED
    assert kinds(after)[-2:] == ["refund_requested", "cancelled"]
    assert await world.places_left(db, slot) == 3
    assert await held_minor(db, order) == 0
    assert orders.tickets(after) == []
    [message, *_] = await world.messages(db, await phone_of(db, order))
    assert message.template == "order-cancelled"
    assert "¥120.00" in message.body


async def phone_of(db, order):
    return await db.read(orders.store.phone, order.row.id)


async def test_after_the_free_time_the_rule_keeps_its_part_and_that_is_booked_as_earned(db):
    slot = await world.open_slot(db, starts_in=timedelta(hours=20))
    await rule(db, slot, **HALF_LATER)
    mei, order = await paid(db, slot)
    found = await quoted(db, mei, order)
    assert (found.refund_minor, found.kept_minor, found.shares[0].why) == (3000, 3000, orders.Why.PART)
    await orders.cancel(db, mei.actor, order, quoted_minor=3000)
    assert await held_minor(db, order) == 0
    assert await fees_minor(db, "cancellation") == 3000
    assert kinds(await world.order_of(db, mei, order.number))[-3:] == ["refund_requested", "fee_kept", "cancelled"]


async def test_who_is_too_late_gets_nothing_back_but_can_still_free_the_place(db):
    slot = await world.open_slot(db, starts_in=timedelta(hours=20))
    await rule(db, slot, minutes_before_start=24 * 60)
    mei, order = await paid(db, slot)
    await orders.cancel(db, mei.actor, order, quoted_minor=0)
    assert await fees_minor(db, "cancellation") == 6000
    assert await world.places_left(db, slot) == 10


async def test_what_the_house_closed_goes_back_whole_whenever(db):
    slot = await world.open_slot(db, starts_in=timedelta(hours=1))
    await rule(db, slot, minutes_before_start=24 * 60)
    mei, order = await paid(db, slot)
    await world.set_slot(db, slot, state="closed")
    clock.move(timedelta(hours=2))
    found = await quoted(db, mei, order)
    assert (found.refund_minor, found.shares[0].why) == (6000, orders.Why.CLOSED)
    await orders.cancel(db, mei.actor, order, quoted_minor=6000)


async def test_what_has_begun_is_not_cancelled_any_more(db):
    slot = await world.open_slot(db, starts_in=timedelta(hours=1))
    mei, order = await paid(db, slot)
    clock.move(timedelta(hours=1, minutes=1))
    with pytest.raises(NotCancellable) as raised:
        await orders.cancel(db, mei.actor, order, quoted_minor=0)
    assert raised.value.fields == {"reason": "started"}


async def test_a_quote_that_no_longer_holds_is_refused_with_the_new_one(db):
    slot = await world.open_slot(db, starts_in=timedelta(hours=25))
    await rule(db, slot, **HALF_LATER)
    mei, order = await paid(db, slot)
    shown = await quoted(db, mei, order)
    clock.move(timedelta(hours=2))
    with pytest.raises(QuoteChanged) as raised:
        await orders.cancel(db, mei.actor, order, quoted_minor=shown.refund_minor)
    assert raised.value.fields == {"refund_minor": 3000, "kept_minor": 3000, "currency": "CNY"}
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED
    with pytest.raises(NotCancellable):
        await orders.cancel(db, mei.actor, order)


async def test_one_of_three_leaves_and_the_others_go_on(db):
    slot = await world.open_slot(db, places=3)
    mei, order = await paid(db, slot, people=3)
    before = orders.tickets(order)
    who = order.travellers[1]
    found = await quoted(db, mei, order, [who.seq])
    assert (found.refund_minor, found.whole) == (6000, False)
    await orders.cancel(db, mei.actor, order, [who.seq], 6000)
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.CONFIRMED
    assert (after.row.amount_minor, after.lines[0].quantity) == (12_000, 2)
    assert [person.seq for person in after.travellers] == [1, 3]
    assert await world.places_left(db, slot) == 1
    assert await held_minor(db, order) == 12_000
    assert {code.code for code in orders.tickets(after)}.isdisjoint(code.code for code in before)
    assert kinds(after)[-1] == "part_cancelled"


async def test_the_document_of_who_left_may_be_booked_again_that_day(db):
    slot = await world.open_slot(db, places=3)
    wang = world.visitor()
    mei = await world.traveller(db)
    other = await world.open_slot(db, beside=slot)
    placed = await world.place(db, world.request(mei, world.basket(slot, visitors=[wang, world.visitor()])))
    order = await world.order_of(db, mei, placed.number)
    with pytest.raises(PartNotPossible):
        await orders.cancel(db, mei.actor, order, [1], 6000)
    from .after_sale import take

    await take(db, await db.run(orders.checkout._begin, mei.actor, order.row.id))
    await orders.cancel(db, mei.actor, order, [1], 6000)
    await world.place(db, world.request(mei, world.basket(other, visitors=[wang])))


async def test_leaving_one_after_another_ends_the_order_with_the_last(db):
    slot = await world.open_slot(db, places=3)
    mei, order = await paid(db, slot, people=3)
    for seq in (2, 1, 3):
        await orders.cancel(db, mei.actor, order, [seq], 6000)
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.CANCELLED
    assert await held_minor(db, order) == 0
    assert await world.places_left(db, slot) == 3


async def test_who_is_not_in_the_order_cannot_leave_it(db):
    mei, order = await paid(db, await world.open_slot(db), people=2)
    for wrong in ([], [7], [1, 7]):
        with pytest.raises(TravellersUnknown):
            await orders.cancel(db, mei.actor, order, wrong, 6000)


async def test_two_tabs_taking_the_same_traveller_off_give_the_money_back_once(db):
    mei, order = await paid(db, await world.open_slot(db), people=3)
    results = await asyncio.gather(
        *(orders.cancel(db, mei.actor, order, [1], 6000) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in results) == ["NoneType", *["TravellersUnknown"] * 3]
    assert await held_minor(db, order) == 12_000


async def test_two_tabs_cancelling_give_the_money_back_once(db):
    slot = await world.open_slot(db, places=2)
    mei, order = await paid(db, slot, people=2)
    await asyncio.gather(*(orders.cancel(db, mei.actor, order, quoted_minor=12_000) for _ in range(4)))
    assert await world.value(db, "select sum(amount_minor) from payments.refunds") == 12_000
    assert await world.places_left(db, slot) == 2


async def test_what_staff_gave_back_before_is_taken_into_account(db):
    mei, order = await paid(db, await world.open_slot(db), people=2)
    await db.run(orders.refund, STAFF, order.row.intent_id, 2000, "a long wait")
    assert (await quoted(db, mei, order)).refund_minor == 10_000
    await orders.cancel(db, mei.actor, order, quoted_minor=10_000)
    assert await held_minor(db, order) == 0


async def test_a_cancellation_cut_off_before_its_commit_has_done_nothing(db):
    slot = await world.open_slot(db, places=2)
    mei, order = await paid(db, slot, people=2)
    for people in (None, [1]):
        faults.arm("orders.cancel.before_commit=crash@1")
        with pytest.raises(faults.Crashed):
            await orders.cancel(db, mei.actor, order, people, 12_000 if people is None else 6000)
        after = await world.order_of(db, mei, order.number)
        assert (after.state, after.row.amount_minor) == (orders.State.CONFIRMED, 12_000)
        assert await held_minor(db, order) == 12_000
        assert await world.places_left(db, slot) == 0


async def test_a_gate_that_is_offline_knows_which_codes_are_void(db):
    slot = await world.open_slot(db)
    mei, order = await paid(db, slot, people=2)
    old = orders.verify(orders.tickets(order)[0].code, orders.public_keys())
    assert not await db.read(orders.is_void, old)
    await orders.cancel(db, mei.actor, order, [2], 6000)
    new = orders.verify(orders.tickets(await world.order_of(db, mei, order.number))[0].code, orders.public_keys())
    assert (await db.read(orders.is_void, old), await db.read(orders.is_void, new)) == (True, False)
    assert await db.read(orders.voids, slot.venue_id) == {order.number: 2}
    assert (old.version, new.version) == (1, 2)
    await orders.cancel(db, mei.actor, order, quoted_minor=6000)
    assert await db.read(orders.is_void, new)
    assert await db.read(orders.voids, slot.venue_id) == {order.number: 3}
