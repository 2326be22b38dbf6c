"""Changing to another date or time: never without a place, never for another sum than was shown, never twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders, payments
from holdfast.kit import clock, faults, jobs
from holdfast.orders import changes, staff_lookup
from holdfast.orders.after_sale_model import (
    BenefitInvalid,
    ChangeUnderWay,
    ChangeUnknown,
    NotChangeable,
    PartNotPossible,
    QuoteChanged,
)
from holdfast.orders.changes import Wish
from holdfast.orders.model import DocumentAlreadyBooked, SlotClosed, SlotFull, TooManyThatDay
from tests import world

from .after_sale import STAFF, fees_minor, held_minor, kinds, other_day, paid, rule, take

pytestmark = pytest.mark.anyio


async def change(db, mei, order, slot, quoted=0):
    return await changes.change(db, mei.actor, order, Wish(slot.slot_id, quoted))


async def quoted(db, order, slot):
    return await db.read(changes.quote, order, slot.slot_id)


async def slots_of(db, mei, order):
    return [line.slot_id for line in (await world.order_of(db, mei, order.number)).lines]


async def test_a_visit_moves_to_another_day_with_its_people(db):
    slot = await world.open_slot(db, places=2)
    there = await other_day(db, slot, places=2)
    mei, order = await paid(db, slot, people=2)
    old = orders.verify(orders.tickets(order)[0].code, orders.public_keys())
    done = await change(db, mei, order, there)
    assert (done.state, done.due_minor) == (orders.ChangeState.DONE, 0)
    after = await world.order_of(db, mei, order.number)
    assert [(line.slot_id, line.quantity, line.live) for line in after.lines] == [(there.slot_id, 2, True)]
    assert [person.document_tag for person in after.travellers] == [p.document_tag for p in order.travellers]
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (2, 0)
    assert await db.read(orders.is_void, old)
    [new, _] = [orders.verify(one.code, orders.public_keys()) for one in orders.tickets(after)]
    assert new.not_before == int(there.starts_at.timestamp())
    assert not await db.read(orders.is_void, new)
    assert kinds(after)[-1] == "changed"


async def test_a_change_to_another_time_of_the_same_day_keeps_the_documents_booked(db):
    slot = await world.open_slot(db)
    later = await world.open_slot(db, beside=slot)
    wang = world.visitor()
    mei = await world.traveller(db)
    placed = await world.place(db, world.request(mei, world.basket(slot, visitors=[wang])))
    order = await world.order_of(db, mei, placed.number)
    await take(db, await db.run(orders.checkout._begin, mei.actor, order.row.id))
    await change(db, mei, order, later)
    with pytest.raises(DocumentAlreadyBooked):
        await world.place(db, world.request(mei, world.basket(slot, visitors=[wang])))


async def test_a_cheaper_day_gives_the_difference_back_by_itself(db):
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=4000)
    mei, order = await paid(db, slot, people=2)
    found = await quoted(db, order, there)
    assert (found.old_minor, found.new_minor, found.due_minor) == (12_000, 8000, -4000)
    await change(db, mei, order, there, -4000)
    assert (await world.order_of(db, mei, order.number)).row.amount_minor == 8000
    assert await held_minor(db, order) == 8000


async def test_a_dearer_day_is_held_beside_the_old_one_until_it_is_paid(db):
    slot = await world.open_slot(db, places=2)
    there = await other_day(db, slot, price_minor=9000, places=2)
    mei, order = await paid(db, slot, people=2)
    begun = await change(db, mei, order, there, 6000)
    assert begun.state is orders.ChangeState.AWAITING_PAYMENT
    assert await slots_of(db, mei, order) == [slot.slot_id]
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (0, 0)
    assert await change(db, mei, order, there, 6000) == begun
    await take(db, begun.intent_id)
    after = await world.order_of(db, mei, order.number)
    assert [line.slot_id for line in after.lines] == [there.slot_id]
    assert after.row.amount_minor == await held_minor(db, order) == 18_000
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (2, 0)
    assert kinds(after)[-2:] == ["change_begun", "changed"]
    assert await db.read(staff_lookup.numbers, [begun.intent_id]) == {begun.intent_id: order.number}


async def test_what_is_not_paid_in_time_leaves_the_visit_as_it_was(db):
    slot = await world.open_slot(db, places=1, starts_in=timedelta(days=3))
    there = await other_day(db, slot, price_minor=9000, places=1)
    mei, order = await paid(db, slot)
    begun = await change(db, mei, order, there, 3000)
    clock.move(timedelta(minutes=16))
    assert await changes.sweep(db) == 1
    assert await slots_of(db, mei, order) == [slot.slot_id]
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (0, 1)
    after = await world.order_of(db, mei, order.number)
    assert (after.state, after.row.amount_minor) == (orders.State.CONFIRMED, 6000)
    assert kinds(after)[-1] == "change_lapsed"
    assert [one.code for one in orders.tickets(after)] == [one.code for one in orders.tickets(order)]
    with pytest.raises(payments.IntentOver):
        await db.run(payments.take_at_desk, STAFF, begun.intent_id, "too late")
    again = await change(db, mei, order, there, 3000)
    assert (again.seq, again.state) == (2, orders.ChangeState.AWAITING_PAYMENT)


async def test_a_change_under_way_can_be_given_up_and_stands_in_the_way_of_others(db):
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=9000)
    elsewhere = await world.open_slot(db, beside=slot)
    mei, order = await paid(db, slot, people=2)
    await change(db, mei, order, there, 6000)
    with pytest.raises(ChangeUnderWay):
        await change(db, mei, order, elsewhere)
    with pytest.raises(PartNotPossible):
        await orders.cancel(db, mei.actor, order, [1], 6000)
    await changes.withdraw(db, mei.actor, order)
    with pytest.raises(ChangeUnknown):
        await changes.withdraw(db, mei.actor, order)
    assert await world.places_left(db, there) == 10
    await orders.cancel(db, mei.actor, order, [1], 6000)


async def test_cancelling_ends_the_change_under_way_and_frees_both_places(db):
    slot = await world.open_slot(db, places=1)
    there = await other_day(db, slot, price_minor=9000, places=1)
    mei, order = await paid(db, slot)
    begun = await change(db, mei, order, there, 3000)
    await orders.cancel(db, mei.actor, order, quoted_minor=6000)
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (1, 1)
    with pytest.raises(payments.IntentOver):
        await db.run(payments.take_at_desk, STAFF, begun.intent_id, "too late")


async def test_cancelling_after_a_dearer_change_gives_both_payments_back(db):
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=9000)
    mei, order = await paid(db, slot)
    await take(db, (await change(db, mei, order, there, 3000)).intent_id)
    await orders.cancel(db, mei.actor, order, quoted_minor=9000)
    found = await world.value(db, "select array_agg(amount_minor order by amount_minor) from payments.refunds")
    assert found == [3000, 6000]
    assert await held_minor(db, order) == 0


async def test_the_fee_of_the_rule_is_kept_and_charged_once(db):
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=5000)
    await rule(db, slot, minutes_before_start=60, change_fee_minor=300)
    mei, order = await paid(db, slot, people=2)
    assert (await quoted(db, order, there)).due_minor == 10_000 + 600 - 12_000
    await change(db, mei, order, there, -1400)
    assert await fees_minor(db, "change") == 600
    assert await held_minor(db, order) == 10_000
    back = await changes.change(db, mei.actor, order, Wish(slot.slot_id, 12_000 + 600 - 10_000))
    await take(db, back.intent_id)
    assert await fees_minor(db, "change") == 1200
    assert await held_minor(db, order) == 12_000


async def test_too_late_or_not_allowed_is_said(db):
    slot = await world.open_slot(db, starts_in=timedelta(hours=5))
    there = await other_day(db, slot)
    mei, order = await paid(db, slot)
    await rule(db, slot, minutes_before_start=0, change_allowed=False)
    with pytest.raises(NotChangeable) as raised:
        await quoted(db, order, there)
    assert raised.value.fields == {"reason": "not-allowed"}
    await rule(db, slot, minutes_before_start=0, change_minutes_before_start=6 * 60)
    with pytest.raises(NotChangeable) as raised:
        await change(db, mei, order, there)
    assert raised.value.fields["reason"] == "too-late"


async def test_a_slot_that_the_house_closed_is_changed_whenever_and_for_no_fee(db):
    slot = await world.open_slot(db, starts_in=timedelta(hours=5))
    there = await other_day(db, slot)
    mei, order = await paid(db, slot)
    await rule(db, slot, minutes_before_start=6 * 60, change_fee_minor=900, change_allowed=False)
    await world.set_slot(db, slot, state="closed")
    await change(db, mei, order, there)


@pytest.mark.parametrize("of_the_order", [True, False])
async def test_a_granted_free_change_waives_the_fee_and_the_last_moment_once(db, of_the_order):
    slot = await world.open_slot(db, starts_in=timedelta(hours=5))
    there = await other_day(db, slot)
    mei, order = await paid(db, slot)
    await rule(db, slot, minutes_before_start=6 * 60, change_fee_minor=900)
    whose = {"order_id": order.row.id} if of_the_order else {"account_id": mei.account_id}
    until = clock.now() + timedelta(days=30)
    await db.run(orders.benefits.grant, STAFF, reason="sign-in was down", expires_at=until, **whose)
    found = await quoted(db, order, there)
    assert (found.fee_minor, found.benefit) == (0, True)
    await change(db, mei, order, there)
    assert await fees_minor(db, "change") == 0
    assert await db.read(orders.benefits.of_order, order.row) == []
    assert await world.value(db, "select count(*) from kit.audit where action = 'order.benefit'") == 1


async def test_a_benefit_is_not_lost_with_a_change_that_lapses_and_not_used_by_two_orders(db):
    slot = await world.open_slot(db, starts_in=timedelta(days=3))
    there = await other_day(db, slot, price_minor=9000)
    await rule(db, slot, minutes_before_start=0, change_fee_minor=900)
    mei, order = await paid(db, slot)
    until = clock.now() + timedelta(days=30)
    await db.run(orders.benefits.grant, STAFF, reason="outage", expires_at=until, account_id=mei.account_id)
    await change(db, mei, order, there, 3000)
    assert await db.read(orders.benefits.of_order, order.row) == []
    await changes.withdraw(db, mei.actor, order)
    assert len(await db.read(orders.benefits.of_order, order.row)) == 1
    with pytest.raises(BenefitInvalid):
        await db.run(orders.benefits.grant, STAFF, reason=" ", expires_at=until, account_id=mei.account_id)


async def test_what_stands_in_the_way_of_the_new_slot_is_said_as_in_placing(db):
    slot = await world.open_slot(db)
    full = await other_day(db, slot, places=1)
    closed = await other_day(db, slot, days=2)
    await world.set_slot(db, closed, state="closed")
    elsewhere = await world.open_slot(db)
    mei, order = await paid(db, slot, people=2)
    for target, problem in ((full, SlotFull), (closed, SlotClosed), (elsewhere, NotChangeable), (slot, NotChangeable)):
        with pytest.raises(problem):
            await change(db, mei, order, target)
    assert await slots_of(db, mei, order) == [slot.slot_id]


async def test_a_document_with_another_booking_that_day_cannot_move_there(db):
    slot = await world.open_slot(db)
    there = await other_day(db, slot)
    wang = world.visitor()
    mei = await world.traveller(db)
    here, taken = [
        await world.place(db, world.request(mei, world.basket(one, visitors=[wang]))) for one in (slot, there)
    ]
    order = await world.order_of(db, mei, here.number)
    await take(db, await db.run(orders.checkout._begin, mei.actor, order.row.id))
    with pytest.raises(DocumentAlreadyBooked):
        await change(db, mei, order, there)
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, taken.number))
    await change(db, mei, order, there)


async def test_the_limit_of_tickets_a_day_holds_for_changes_too(db):
    slot = await world.open_slot(db, per_account_day=2)
    there = await other_day(db, slot)
    mei, order = await paid(db, slot, people=2)
    await world.place(db, world.request(mei, world.basket(there)))
    with pytest.raises(TooManyThatDay) as raised:
        await change(db, mei, order, there)
    assert raised.value.fields == {"left": 1}


async def test_a_price_that_has_changed_since_it_was_shown_is_refused(db):
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=4000)
    mei, order = await paid(db, slot)
    with pytest.raises(QuoteChanged) as raised:
        await change(db, mei, order, there, 0)
    assert raised.value.fields["due_minor"] == -2000


async def test_a_change_asked_for_again_is_the_same_change(db):
    slot = await world.open_slot(db, places=1)
    there = await other_day(db, slot, price_minor=4000, places=1)
    mei, order = await paid(db, slot)
    found = await asyncio.gather(*(change(db, mei, order, there, -2000) for _ in range(4)))
    assert len({one.id for one in found}) == 1
    assert await held_minor(db, order) == 4000
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (1, 0)


async def test_an_order_that_is_not_paid_is_not_changed(db):
    slot = await world.open_slot(db)
    there = await other_day(db, slot)
    mei, order = await world.held_order(db, slot)
    with pytest.raises(NotChangeable) as raised:
        await change(db, mei, order, there)
    assert raised.value.fields == {"state": "held"}


async def test_the_last_place_of_the_new_slot_goes_to_one_of_those_who_want_it(db, database_url):
    slot = await world.open_slot(db, places=20)
    there = await other_day(db, slot, places=1)
    changing = [await paid(db, slot) for _ in range(5)]
    booking = [world.request(await world.traveller(db), world.basket(there)) for _ in range(5)]
    async with world.another_process(database_url) as other:
        results = await asyncio.gather(
            *(change(other if n % 2 else db, mei, order, there) for n, (mei, order) in enumerate(changing)),
            *(world.place(other, one) for one in booking),
            return_exceptions=True,
        )
    won = [one for one in results if not isinstance(one, Exception)]
    assert len(won) == 1, results
    assert all(isinstance(one, SlotFull) for one in results if isinstance(one, Exception)), results
    assert await world.places_left(db, there) == 0


async def test_people_who_change_places_with_each_other_do_not_wait_in_a_circle(db, database_url):
    slot = await world.open_slot(db, places=6)
    there = await other_day(db, slot, places=6)
    here = [await paid(db, slot) for _ in range(3)]
    others = [await paid(db, there) for _ in range(3)]
    async with world.another_process(database_url) as second:
        await asyncio.gather(
            *(change(db, mei, order, there) for mei, order in here),
            *(change(second, mei, order, slot) for mei, order in others),
        )
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (3, 3)


async def test_changing_and_cancelling_at_once_ends_one_way_and_the_books_agree(db, database_url):
    slot = await world.open_slot(db, places=20)
    there = await other_day(db, slot, price_minor=4000, places=20)
    async with world.another_process(database_url) as other:
        for n in range(6):
            mei, order = await paid(db, slot)
            await asyncio.gather(
                change(db, mei, order, there, -2000),
                orders.cancel(other, mei.actor, order, quoted_minor=6000 if n % 2 else 4000),
                return_exceptions=True,
            )
            after = await world.order_of(db, mei, order.number)
            expected = after.row.amount_minor if after.state is orders.State.CONFIRMED else 0
            assert await held_minor(db, order) == expected


async def test_paying_the_difference_and_cancelling_at_once_loses_no_money(db, database_url):
    slot = await world.open_slot(db, places=20)
    there = await other_day(db, slot, price_minor=9000, places=20)
    async with world.another_process(database_url) as other:
        for _ in range(6):
            mei, order = await paid(db, slot)
            begun = await change(db, mei, order, there, 3000)
            await asyncio.gather(
                take(db, begun.intent_id),
                orders.cancel(other, mei.actor, order, quoted_minor=6000),
                changes.withdraw(other, mei.actor, order),
                return_exceptions=True,
            )
            await jobs.drain(db)
            after = await world.order_of(db, mei, order.number)
            assert await held_minor(db, order) == (
                after.row.amount_minor if after.state is orders.State.CONFIRMED else 0
            )


@pytest.mark.parametrize("point", ["orders.change.before_commit", "orders.change.held"])
async def test_a_change_cut_off_before_its_commit_has_done_nothing(db, point):
    slot = await world.open_slot(db, places=1)
    there = await other_day(db, slot, price_minor=4000 if point.endswith("commit") else 9000, places=1)
    mei, order = await paid(db, slot)
    due = -2000 if point.endswith("commit") else 3000
    faults.arm(f"{point}=crash@1")
    with pytest.raises(faults.Crashed):
        await change(db, mei, order, there, due)
    assert await slots_of(db, mei, order) == [slot.slot_id]
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (0, 1)
    assert await held_minor(db, order) == 6000
    await change(db, mei, order, there, due)


async def test_a_paid_change_that_was_cut_off_takes_place_when_the_news_is_worked_on_again(db):
    slot = await world.open_slot(db, places=1)
    there = await other_day(db, slot, price_minor=9000, places=1)
    mei, order = await paid(db, slot)
    begun = await change(db, mei, order, there, 3000)
    faults.arm("orders.change.completed=crash@1")
    with pytest.raises(BaseException):  # noqa: B017 - as when the process dies
        await take(db, begun.intent_id)
    assert await slots_of(db, mei, order) == [slot.slot_id]
    faults.arm("")
    await world.hurry(db)
    await jobs.drain(db)
    assert await slots_of(db, mei, order) == [there.slot_id]
