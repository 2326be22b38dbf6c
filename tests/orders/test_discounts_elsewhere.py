"""Discounts where other things happen to an order: cards, cuts of capacity, gates, the desk."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from holdfast import orders, passes
from holdfast.kit import clock
from holdfast.orders import assisted_money, displacement_choices, displacement_run
from tests import cards, gates, world

from . import cuts, discounting
from .after_sale import STAFF, held_minor, other_day, take

pytestmark = pytest.mark.anyio


async def paid_placed(db, mei, placed):
    await take(db, await db.run(orders.checkout._begin, mei.actor, placed.order_id))
    return await world.order_of(db, mei, placed.number)


# Cards


async def test_each_card_is_worth_what_was_paid_for_it_and_comes_back_for_that(db):
    slots = [await world.open_slot(db)]
    product = await cards.on_sale(db, slots, price="100")
    ten = await discounting.campaign(db)
    mei = await world.traveller(db)
    basket = await cards.basket(db, product, cards=2)
    placed = await discounting.place(db, world.request(mei, basket), ten.grant(2001))
    order = await paid_placed(db, mei, placed)
    first, second = await db.read(passes.cards.of_order, order.row.id)
    assert sorted([first.row.paid_minor, second.row.paid_minor]) == [8999, 9000]
    assert order.row.amount_minor == 17_999
    back = []
    for seq in (1, 2):
        async with db.reading() as tx:
            found = await orders.quote(tx, await orders.require(tx, mei.account_id, order.number), [seq])
        back.append(found.refund_minor)
        await orders.cancel(db, mei.actor, await world.order_of(db, mei, order.number), [seq], found.refund_minor)
        left = await world.order_of(db, mei, order.number)
        assert await held_minor(db, order) == (0 if left.state is orders.State.CANCELLED else left.row.amount_minor)
    assert back == [8999, 9000]
    assert await discounting.codes(db) == {}


# Cuts


async def cut_order(db, *, hours=0):
    """A discounted order in a slot that is closed by an authority."""
    slot = await world.open_slot(db, places=10)
    dear = await other_day(db, slot, price_minor=9000)
    ten = await discounting.campaign(db)
    mei = await world.traveller(db)
    placed = await discounting.place(db, world.request(mei, world.basket(slot, people=2)), ten.grant(1201))
    order = await paid_placed(db, mei, placed)
    cut = await cuts.stopped(db, slot, 0, hours=hours)
    proposal = await cuts.approved(db, cut)
    await displacement_run.run(db, cut.id)
    return slot, dear, mei, order, proposal


async def test_a_cut_gives_back_what_was_paid_and_previews_it_so(db):
    _slot, _dear, mei, order, proposal = await cut_order(db)
    assert proposal.preview["refunds"] == [{"currency": "CNY", "amount_minor": 10_799}]
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.CANCELLED
    assert await held_minor(db, order) == 0
    assert await discounting.codes(db) == {}


async def test_who_is_moved_by_the_house_pays_nothing_more_and_keeps_the_benefit(db):
    slot, dear, mei, order, _proposal = await cut_order(db, hours=2)
    await displacement_choices.move(db, mei.actor, order, slot.slot_id, dear.slot_id)
    after = await world.order_of(db, mei, order.number)
    assert (after.lines[0].slot_id, after.row.amount_minor, after.lines[0].discount_minor) == (
        dear.slot_id,
        10_799,
        1201,
    )
    assert await held_minor(db, order) == 10_799
    assert await discounting.codes(db) == {"5010": 1201, "2060": 1201}


# Gates


async def test_when_some_have_been_inside_the_others_get_what_was_paid_for_them(db):
    slot = await world.open_slot(db, starts_in=-timedelta(minutes=5), closes_in=timedelta(hours=1))
    ten = await discounting.campaign(db)
    mei = await world.traveller(db)
    placed = await discounting.place(db, world.request(mei, world.basket(slot, people=3)), ten.grant(1000))
    order = await paid_placed(db, mei, placed)
    first = orders.tickets(order)[0]
    north = await gates.gate(db, slot.venue_id)
    [answer] = await gates.admit(db, north, gates.by_code(1, first))
    assert answer.recorded
    await world.set_slot(db, slot, state="closed")
    others = [person.seq for person in order.travellers][1:]
    async with db.reading() as tx:
        found = await orders.quote(tx, await orders.require(tx, mei.account_id, order.number), others)
    assert found.refund_minor == 2 * 6000 - 333 - 333
    await orders.cancel(db, mei.actor, order, others, found.refund_minor)
    after = await world.order_of(db, mei, order.number)
    assert (after.row.amount_minor, after.lines[0].discount_minor) == (6000 - 334, 334)
    assert await discounting.codes(db) == {"5010": 334, "2060": 334}


# The desk


async def test_the_desk_takes_what_the_order_costs(db):
    slot = await world.open_slot(db)
    ten = await discounting.campaign(db, "merchant")
    mei = await world.traveller(db)
    wanted = msgspec.structs.replace(world.request(mei, world.basket(slot)), channel="desk", actor=str(STAFF))
    placed = await discounting.place(db, wanted, ten.grant(600))
    await db.run(lambda tx: assisted_money.settle(tx, STAFF, placed.order_id, paid=True, note="cash"))
    order = await world.order_of(db, mei, placed.number)
    assert (order.state, order.row.amount_minor, await held_minor(db, order)) == (orders.State.CONFIRMED, 5400, 5400)
    slip = await db.read(orders.assisted.slip, order.number)
    assert slip.row.amount_minor == 5400
    assert await discounting.codes(db) == {"2020": -600, "2060": 600}
    clock.reset()
