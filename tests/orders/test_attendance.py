"""Attendance: what a gate did becomes the order's story, what was used is not given back, and who did not come is counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import orders, passes
from holdfast.kit import clock, jobs
from holdfast.orders import attendance
from holdfast.orders.after_sale_model import NotChangeable
from tests import cards, gates, staff, world
from tests.gates import admit, by_code, visit

pytestmark = pytest.mark.anyio


@pytest.fixture
async def slot(db):
    return await gates.open_now(db)


@pytest.fixture
async def north(db, slot):
    return await gates.gate(db, slot.venue_id)


async def only_order(db, mei):
    [order] = await db.read(orders.mine, mei.account_id)
    return await world.order_of(db, mei, order.number)


def kinds(order):
    return [event.kind for event in order.events]


async def test_an_order_is_used_when_all_its_tickets_were_admitted(db, slot, north):
    mei, [first, second] = await visit(db, (slot, 2))
    await admit(db, north, by_code(1, first))
    await jobs.drain(db)
    order = await only_order(db, mei)
    assert (order.state, kinds(order)[-1]) == (orders.State.CONFIRMED, "admitted")
    assert order.events[-1].details["ticket"] == 1
    await admit(db, north, by_code(2, second))
    await jobs.drain(db)
    order = await only_order(db, mei)
    assert (order.state, kinds(order)[-3:]) == (orders.State.USED, ["admitted", "admitted", "used"])


async def test_the_news_of_an_admission_may_come_twice(db, slot, north):
    mei, [ticket] = await visit(db, (slot, 1))
    [answer] = await admit(db, north, by_code(1, ticket))
    await jobs.drain(db)
    news = {
        "order_number": answer.number, "ticket": 1, "line_seq": 1, "traveller_seq": 1, "at": clock.now().isoformat(),
        "device": str(north.id), "counter": 1, "offline": False, "people": 1, "venue_id": slot.venue_id,
    }  # fmt: skip
    await db.run(attendance.note_admitted, news)
    order = await only_order(db, mei)
    assert kinds(order).count("admitted") == kinds(order).count("used") == 1


async def test_who_was_let_in_is_not_given_back_and_the_others_may_still_leave(db, slot, north):
    mei, [first, _second] = await visit(db, (slot, 2))
    clock.move(-timedelta(minutes=20))  # let in early, before the slot begins
    [answer] = await admit(db, north, by_code(1, first))
    assert answer.verdict == "valid"
    await jobs.drain(db)
    order = await only_order(db, mei)
    for travellers in (None, [1], [1, 2]):
        with pytest.raises(orders.NotCancellable) as refused:
            await orders.cancel(db, mei.actor, order, travellers, quoted_minor=0)
        assert refused.value.fields["reason"] == "used"
    await orders.cancel(db, mei.actor, order, [2], quoted_minor=0)
    order = await only_order(db, mei)
    assert [one.seq for one in order.travellers] == [1]
    assert order.state is orders.State.USED


async def test_a_visit_that_was_used_is_not_changed(db, slot, north):
    other = await world.open_slot(db, price_minor=0, beside=slot)
    mei, [first, _second] = await visit(db, (slot, 2))
    clock.move(-timedelta(minutes=20))
    await admit(db, north, by_code(1, first))
    await jobs.drain(db)
    order = await only_order(db, mei)
    async with db.reading() as tx:
        with pytest.raises(NotChangeable) as refused:
            await orders.changes.quote(tx, order, other.slot_id, slot.slot_id)
    assert refused.value.fields["reason"] == "used"


async def listed(db, venue_id, since=None):
    async with db.reading() as tx:
        return await attendance.gate_list(tx, venue_id, since)


async def test_the_list_has_every_ticket_once_and_then_only_what_happened(db, slot, north):
    _, [stays] = await visit(db, (slot, 1))
    mei, [_mine] = await visit(db, (slot, 1))
    await world.held_order(db, await world.open_slot(db, beside=slot))
    whole = await listed(db, slot.venue_id)
    assert whole.whole
    assert [len(one.tickets) for one in whole.orders] == [1, 1]
    await jobs.drain(db)
    ticket = whole.orders[0].tickets[0]
    assert (ticket.starts, ticket.ends) == (
        int(slot.starts_at.timestamp()),
        int((slot.starts_at + timedelta(hours=2)).timestamp()),
    )
    clock.move(timedelta(minutes=5))
    assert (await listed(db, slot.venue_id, clock.now())).orders == []
    mark = clock.now()
    clock.move(timedelta(minutes=5))
    await admit(db, north, by_code(1, stays))
    await jobs.drain(db)
    news = await listed(db, slot.venue_id, mark)
    assert not news.whole
    [used] = news.orders
    assert used.tickets[0].used is not None
    moment, where = used.tickets[0].used
    assert (abs(moment - clock.now().timestamp()) < 60, where) == (True, "North gate")
    clock.move(-timedelta(hours=2))
    await orders.cancel(db, mei.actor, await only_order(db, mei), quoted_minor=0)
    [gone] = [one for one in (await listed(db, slot.venue_id)).orders if not one.tickets]
    assert gone.number == (await only_order(db, mei)).number
    assert gone.version == 2


async def test_a_party_of_a_card_enters_together(db, slot):
    mei, card = await cards.active(db, await cards.on_sale(db, [slot], party={"adults": 2}), adults=1)
    await cards.reserve(db, mei, card, [slot])
    [order] = (await listed(db, slot.venue_id)).orders
    assert [one.group for one in order.tickets] == [1, 1]


async def test_the_list_on_paper_shows_slots_and_masks_people(db, slot, north):
    _, [ticket] = await visit(db, (slot, 1))
    await admit(db, north, by_code(1, ticket))
    async with db.reading() as tx:
        [line] = await attendance.printed(tx, slot.venue_id, slot.starts_at.astimezone(world.ZONE).date())
    assert (line.holder, line.document[:4], line.used_at is not None) == ("王**", "••••", True)
    await jobs.drain(db)


async def test_who_did_not_come_is_counted_after_the_slot_and_nobody_else(db, slot, north):
    _, [came] = await visit(db, (slot, 1))
    absent, _ = await visit(db, (slot, 2))
    left, _ = await visit(db, (slot, 1))
    clock.move(-timedelta(hours=2))
    await orders.cancel(db, left.actor, await only_order(db, left), quoted_minor=0)
    clock.move(timedelta(hours=2))
    await admit(db, north, by_code(1, came))
    await jobs.drain(db)
    assert await attendance.note_no_shows(db) == 0
    clock.move(timedelta(hours=3, minutes=1))  # two of the slot, one of grace
    assert await attendance.note_no_shows(db) == 2
    assert await attendance.note_no_shows(db) == 0
    day = slot.starts_at.astimezone(world.ZONE).date()
    assert [await db.read(passes.no_shows_of, one.account_id, day) for one in (absent, left)] == [2, 0]
    shows = await db.read(passes.shows, slot.venue_id, day, day)
    assert (shows[day].admitted, shows[day].no_shows, shows[day].rate_bp) == (1, 2, 6666)


async def test_no_shows_are_counted_for_the_person_over_all_their_accounts(db, slot, north):
    absent, _ = await visit(db, (slot, 1))
    other = await world.traveller(db)
    await world.same_person(db, absent, other)
    _, [came] = await visit(db, (slot, 1))
    await admit(db, north, by_code(1, came))
    await jobs.drain(db)
    clock.move(timedelta(hours=4))
    await attendance.note_no_shows(db)
    assert await db.read(passes.no_shows_of, other.account_id, slot.starts_at.date() - timedelta(days=1)) == 1


async def test_a_venue_without_a_gate_in_use_has_no_no_shows(db, slot):
    await visit(db, (slot, 1))
    clock.move(timedelta(hours=9))
    assert await attendance.note_no_shows(db) == 0


async def test_a_gate_that_is_still_offline_is_waited_for_and_sets_it_right_when_it_comes_too_late(db, slot, north):
    silent = await gates.gate(db, slot.venue_id, "Silent gate")
    await db.run(passes.devices.heard, silent.id, 1, synced=True)
    mei, [late] = await visit(db, (slot, 1))
    _, [came] = await visit(db, (slot, 1))
    then = clock.now()
    await admit(db, north, by_code(1, came))
    await jobs.drain(db)
    clock.move(timedelta(hours=4))
    assert await attendance.note_no_shows(db) == 0
    clock.move(timedelta(hours=24))
    assert await attendance.note_no_shows(db) == 1
    [told] = await admit(db, silent, by_code(1, late, offline_at=then))
    assert told.verdict == "valid"
    await jobs.drain(db)
    assert await db.read(passes.no_shows_of, mei.account_id, slot.starts_at.date() - timedelta(days=1)) == 0


async def test_two_visits_of_one_order_are_used_one_by_one(db, slot, north):
    there = await world.open_slot(db, price_minor=0, starts_in=timedelta(days=1))
    mei, tickets = await visit(db, (slot, 1), (there, 1))
    await admit(db, north, by_code(1, tickets[0]))
    await jobs.drain(db)
    order = await only_order(db, mei)
    assert order.state is orders.State.CONFIRMED
    await orders.cancel(db, mei.actor, order, [2], quoted_minor=0)
    await db.run(passes.admissions.undo, staff.TEST, north.id, 1, "wrong person")
    await jobs.drain(db)
    assert (await only_order(db, mei)).state is orders.State.CONFIRMED
