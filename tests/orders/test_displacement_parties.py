"""Parties of a cut: not paid yet, with other visits, inside already, in a closed place, choosing at the same moment."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from holdfast import orders, payments
from holdfast.inventory.policies import Plan, Wish
from holdfast.kit import clock, faults
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import Problem
from holdfast.orders import (
    checkout,
    confirmation,
    displacement,
    displacement_capacity,
    displacement_choices,
    displacement_model,
    displacement_parting,
    displacement_run,
)
from holdfast.orders.displacement_model import verdicts
from tests import world

from . import cuts

pytestmark = pytest.mark.anyio


async def order_of(db: Db, number: str) -> orders.Order:
    async with db.reading() as tx:
        return await orders.lookup.whole(tx, await orders.store.by_number(tx, number))


async def paid(db: Db, person: world.Person, basket: orders.Basket) -> orders.Placed:
    placed = await world.place(db, world.request(person, basket))

    async def pay(tx: Tx) -> None:
        intent_id = await checkout._begin(tx, cuts.LIN, placed.order_id)
        attempt = await payments.take_at_desk(tx, cuts.LIN, intent_id, "cash")
        await confirmation.confirm(tx, intent_id, attempt.id)

    await db.run(pay)
    clock.move(timedelta(seconds=1))
    return placed


async def test_who_has_not_paid_gives_way_first_and_is_told(db: Db) -> None:
    slot = await world.open_slot(db, places=4, real_name=False)
    held = [
        await world.place(db, world.request(await world.traveller(db), orders.Basket([world.line(slot, 1, visitors=[])], world.phone_number())))
        for _ in range(2)
    ]  # fmt: skip
    first = (await world.traveller(db)).actor
    await db.run(checkout._begin, first, held[0].order_id)  # the payment has begun, nobody was asked for money yet
    numbers = await cuts.many_paid(db, [slot], 2, most=1)
    cut = await cuts.stopped(db, slot, 50)
    proposal = await cuts.approved(db, cut)
    assert (proposal.preview["unpaid"], proposal.preview["gives_way"]["orders"]) == ({"orders": 2, "places": 2}, 0)
    assert (await displacement_run.run(db, cut.id)).step == "done"
    assert [one.outcome for one in await cuts.parties(db, cut)] == ["kept", "kept", "freed", "freed"]
    assert await cuts.told(db, "cut-freed") == dict.fromkeys((one.number for one in held), 1)
    assert await cuts.told(db, "cut-kept") == dict.fromkeys(numbers, 1)
    assert {(await order_of(db, one.number)).state for one in held} == {orders.State.CANCELLED}


async def test_only_the_visit_that_is_cut_leaves_an_order_and_its_people_stay_elsewhere(db: Db) -> None:
    there, elsewhere = await world.open_slot(db, places=2), await world.open_slot(db, places=5, price_minor=2500)
    await paid(db, await world.traveller(db), world.basket(there))
    mei = await world.traveller(db)
    placed = await paid(db, mei, world.basket(there, elsewhere))
    cut = await cuts.stopped(db, there, 50)
    await cuts.approved(db, cut)
    assert (await displacement_run.run(db, cut.id)).step == "done"
    order = await world.order_of(db, mei, placed.number)
    assert (order.state, [line.slot_id for line in order.lines]) == (orders.State.CONFIRMED, [elsewhere.slot_id])
    assert (order.row.amount_minor, len(order.travellers)) == (2500, 1)
    [party] = [one for one in await cuts.parties(db, cut) if one.number == placed.number]
    assert (party.outcome, party.refund_minor) == ("refunded", 6000)
    assert await cuts.told(db, "cut-refunded") == {placed.number: 1}


async def test_named_people_move_together_and_pay_nothing_more(db: Db) -> None:
    slot = await world.open_slot(db, places=2)
    await paid(db, await world.traveller(db), world.basket(slot))
    mei = await world.traveller(db)
    placed = await paid(db, mei, world.basket(slot))
    cut = await cuts.stopped(db, slot, 50, hours=6)
    await cuts.approved(db, cut)
    await displacement_run.run(db, cut.id)
    order = await world.order_of(db, mei, placed.number)
    async with db.reading() as tx:
        [choice] = await displacement_choices.of_order(tx, order)
    assert choice.held is not None
    await displacement_choices.move(db, mei.actor, order, slot.slot_id, choice.held.to_slot)
    with pytest.raises(displacement_model.ChoiceOver):
        await displacement_choices.move(db, mei.actor, order, slot.slot_id, choice.held.to_slot)
    moved = await world.order_of(db, mei, placed.number)
    assert (moved.lines[0].slot_id, moved.row.amount_minor, len(moved.travellers)) == (choice.held.to_slot, 6000, 1)
    assert moved.row.ticket_version == order.row.ticket_version + 1
    assert (await displacement_run.run(db, cut.id)).step == "done"


async def test_a_closure_gives_everybody_everything_back(db: Db) -> None:
    slot = await world.open_slot(db, places=4, real_name=False)
    numbers = await cuts.many_paid(db, [slot], 3, most=1)
    cut = await cuts.stopped(db, slot, 0, kind="closed", value=0)
    await cuts.approved(db, cut)
    assert (await displacement_run.run(db, cut.id)).step == "done"
    assert await cuts.told(db, "cut-refunded") == dict.fromkeys(numbers, 1)
    assert await world.value(db, "select taken from inventory.slots where id = %(id)s", id=slot.slot_id) == 0


async def test_a_change_that_touches_bookings_is_refused_as_an_ordinary_one(db: Db) -> None:
    slot = await world.open_slot(db, places=4, real_name=False)
    await cuts.many_paid(db, [slot], 3, most=1)
    plan = Plan(policies=[cuts.limit(slot, 50)])
    shown = await displacement_capacity.try_out(db, cuts.LIN, plan, "ordered today")
    assert (shown.touched.over, shown.touched.places, shown.touched.orders, shown.touched.money) == (
        1,
        3,
        3,
        [("CNY", 18000)],
    )
    with pytest.raises(displacement_capacity.MustBeACut):
        await displacement_capacity.carry_out(db, cuts.LIN, plan, "ordered today", shown.hash)
    with pytest.raises(displacement_capacity.MustBeACut):
        await displacement_capacity.propose(db, cuts.LIN, plan, "ordered today")
    assert await world.value(db, "select count(*) from inventory.policies") == 0
    more = Plan(policies=[Wish(slot.venue_id, "absolute", cuts.day_of(slot), value=9000, reason=cuts.GROUND)])
    bigger = await displacement_capacity.try_out(db, cuts.LIN, more, "more people")
    assert bigger.effect.over_places == 0


async def test_a_held_cut_goes_no_further_until_it_may(db: Db) -> None:
    slot = await world.open_slot(db, places=4, real_name=False)
    await cuts.many_paid(db, [slot], 4, most=1)
    cut = await cuts.stopped(db, slot, 50)
    await cuts.approved(db, cut)
    await db.run(displacement.hold, cuts.LIN, cut.id, "wait", is_held=True)
    assert (await displacement_run.run(db, cut.id)).step == "freeing"
    await db.run(displacement.hold, cuts.LIN, cut.id, "go on", is_held=False)
    assert (await displacement_run.run(db, cut.id)).step == "done"


async def test_choices_and_two_runners_at_once_treat_nobody_twice(db: Db, database_url: str) -> None:
    """The deadline has passed in the very moment in which many choose: each party ends once, whoever was first."""
    slot = await world.open_slot(db, places=40, real_name=False)
    numbers = await cuts.many_paid(db, [slot], 40, most=2)
    cut = await cuts.stopped(db, slot, 30, hours=1)
    await cuts.approved(db, cut)
    await displacement_run.run(db, cut.id)
    clock.move(timedelta(hours=1, minutes=1))
    rnd = random.Random(11)

    async def chooses(number: str) -> None:
        order = await order_of(db, number)
        try:
            async with db.reading() as tx:
                [choice] = await displacement_choices.of_order(tx, order)
            if rnd.random() < 0.5 or not choice.others:
                await displacement_choices.give_back(db, cuts.LIN, order, slot.slot_id)
            else:
                await displacement_choices.move(db, cuts.LIN, order, slot.slot_id, choice.others[0].slot_id)
        except Problem:
            return

    async with world.another_process(database_url) as other:
        await asyncio.gather(
            displacement_run.run(db, cut.id),
            displacement_run.run(other, cut.id),
            *(chooses(one) for one in numbers[::2]),
        )
        done = await displacement_run.run(other, cut.id)
    assert done.step == "done"
    found = await cuts.parties(db, cut)
    assert {one.outcome for one in found} <= {"kept", "moved", "refunded"}
    kept = sum(one.places for one in found if one.outcome == "kept")
    taken = await world.value(db, "select taken from inventory.slots where id = %(id)s", id=slot.slot_id)
    assert taken == kept <= 12
    told = await cuts.told(db, "cut-kept") + await cuts.told(db, "cut-refunded%") + await cuts.told(db, "order-changed")
    assert told == dict.fromkeys(numbers, 1)


async def test_a_crash_before_the_commit_leaves_a_party_as_it_was(db: Db) -> None:
    slot = await world.open_slot(db, places=2, real_name=False)
    await cuts.many_paid(db, [slot], 2, most=1)
    cut = await cuts.stopped(db, slot, 50)
    await cuts.approved(db, cut)
    faults.arm(f"{displacement_parting.PARTED}=error")
    with pytest.raises(faults.FaultInjected):
        await displacement_run.run(db, cut.id)
    assert [one.outcome for one in await cuts.parties(db, cut)] == [None, None]
    assert await cuts.told(db) == {}
    faults.arm("")
    assert (await displacement_run.run(db, cut.id)).step == "done"


def test_the_order_fills_the_room_and_never_splits_a_party() -> None:
    rows = [(cuts.ids.uuid7(), places, False) for places in (3, 4, 2, 1)]
    found = verdicts(rows, 6, closed=False)
    assert [found[order] for order, *_ in rows] == ["keeps", "gives_way", "keeps", "keeps"]
    inside = [(rows[0][0], 3, True), *rows[1:]]
    assert list(verdicts(inside, 0, closed=False).values()) == ["keeps", "gives_way", "gives_way", "gives_way"]
    assert set(verdicts(rows, 99, closed=True).values()) == {"gives_way"}
