"""Allotments: places set aside for a desk by rule or by hand; they return by themselves, and never more is sold than there is."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import inventory, orders
from holdfast.inventory import allotments_model
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem
from tests import invariants, staff, world

pytestmark = pytest.mark.anyio
allotments = inventory.allotments


@pytest.fixture
async def db(db: Db):
    yield db
    await invariants.require(db)


async def desk(db: Db, code: str = "GG") -> str:
    made = await db.run(allotments.make_desk, staff.TEST, code, "East gate", None)
    return made.code


async def counters(db: Db, slot: world.SlotWorld) -> tuple[int, int, int]:
    """Public places, set aside, left to the desk GG."""
    left = (await db.read(allotments.left, "GG", [slot.slot_id])).get(slot.slot_id, 0)
    [public] = [
        await world.value(
            db, "select capacity - taken - set_aside from inventory.slots where id = %(id)s", id=slot.slot_id
        )
    ]
    aside = await world.value(db, "select set_aside from inventory.slots where id = %(id)s", id=slot.slot_id)
    return public, aside, left


async def test_a_rule_sets_aside_its_part_of_every_slot_and_again_changes_nothing(db: Db) -> None:
    slot = await world.open_slot(db, places=50)
    other = await world.open_slot(db, places=21, beside=slot)
    code = await desk(db)
    await db.run(allotments.set_rule, staff.TEST, code, slot.venue_id, 500, 60, "five percent")
    assert await allotments.apply_rules(db) == 2
    assert await counters(db, slot) == (47, 3, 3)
    assert await counters(db, other) == (19, 2, 2)
    assert await allotments.apply_rules(db) == 0


async def test_a_rule_leaves_sold_places_and_places_set_by_hand_alone(db: Db) -> None:
    slot = await world.open_slot(db, places=10)
    full = await world.open_slot(db, places=1, beside=slot)
    mei = await world.traveller(db)
    await world.place(db, world.request(mei, world.basket(full)))
    code = await desk(db)
    await db.run(allotments.set_places, staff.TEST, code, slot.slot_id, 6, "school class")
    await db.run(allotments.set_rule, staff.TEST, code, slot.venue_id, 2000, 60, "a fifth")
    await allotments.apply_rules(db)
    assert await counters(db, slot) == (4, 6, 6)
    assert await counters(db, full) == (0, 0, 0)


async def test_another_rule_takes_the_place_of_the_first_and_its_end_gives_the_places_back(db: Db) -> None:
    slot = await world.open_slot(db, places=40)
    code = await desk(db)
    await db.run(allotments.set_rule, staff.TEST, code, slot.venue_id, 500, 60, "first")
    await allotments.apply_rules(db)
    second = await db.run(allotments.set_rule, staff.TEST, code, slot.venue_id, 2500, 60, "second")
    await allotments.apply_rules(db)
    assert await counters(db, slot) == (30, 10, 10)
    await db.run(allotments.draw, code, {slot.slot_id: 0})
    assert await db.run(allotments.end_rule, staff.TEST, second.id, "over") == 10
    assert await counters(db, slot) == (40, 0, 0)
    assert await db.read(allotments.rules) == []


async def test_rules_that_are_made_and_ended_at_once_leave_one_and_its_places(db: Db) -> None:
    slot = await world.open_slot(db, places=40)
    code = await desk(db)
    first = await db.run(allotments.set_rule, staff.TEST, code, slot.venue_id, 500, 60, "first")
    await asyncio.gather(
        *(db.run(allotments.set_rule, staff.TEST, code, slot.venue_id, 2500, 60, f"again {n}") for n in range(5)),
        *(allotments.apply_rules(db) for _ in range(3)),
        db.run(allotments.end_rule, staff.TEST, first.id, "over"),
    )
    [rule] = await db.read(allotments.rules)
    await allotments.apply_rules(db)
    assert await counters(db, slot) == (30, 10, 10)
    assert await db.run(allotments.end_rule, staff.TEST, rule.id, "over") == 10


async def test_a_supervisor_raises_as_far_as_places_are_free_and_lowers_as_far_as_none_are_sold(db: Db) -> None:
    slot = await world.open_slot(db, places=10)
    mei = await world.traveller(db)
    await world.place(db, world.request(mei, world.basket(slot, people=4)))
    code = await desk(db)
    with pytest.raises(allotments_model.AllotmentTooLarge) as refused:
        await db.run(allotments.set_places, staff.TEST, code, slot.slot_id, 7, "too many")
    assert refused.value.fields == {"free": 6, "most": 6}
    await db.run(allotments.set_places, staff.TEST, code, slot.slot_id, 6, "all of them")
    with pytest.raises(Problem, match="slot-full"):
        await world.place(db, world.request(mei, world.basket(slot)))
    await sell(db, slot, mei, 2)
    with pytest.raises(allotments_model.AllotmentInUse):
        await db.run(allotments.set_places, staff.TEST, code, slot.slot_id, 1, "too few")
    await db.run(allotments.set_places, staff.TEST, code, slot.slot_id, 3, "fewer")
    assert await counters(db, slot) == (3, 1, 1)


async def sell(db: Db, slot: world.SlotWorld, person: world.Person, people: int) -> orders.Placed | Problem:
    """The desk GG sells places of its own."""

    async def one(tx):
        await allotments.draw(tx, "GG", {slot.slot_id: people})
        [placed] = await orders.place_many(tx, [world.request(person, world.basket(slot, people=people))])
        if isinstance(placed, Problem):
            raise placed
        return placed

    return await db.run(one)


async def test_what_is_unused_returns_by_itself_but_not_while_the_desk_is_on_paper(db: Db) -> None:
    slot = await world.open_slot(db, places=10)
    code = await desk(db)
    await db.run(allotments.set_places, staff.TEST, code, slot.slot_id, 4, "outage", clock.now() + timedelta(hours=1))
    mei = await world.traveller(db)
    await sell(db, slot, mei, 1)
    assert await allotments.return_due(db) == 0
    await db.run(allotments.set_on_paper, staff.TEST, code, True, "no network")
    clock.move(timedelta(hours=2))
    assert await allotments.return_due(db) == 0
    assert await counters(db, slot) == (6, 3, 3)
    await db.run(allotments.set_on_paper, staff.TEST, code, False, "network is back")
    assert await allotments.return_due(db) == 3
    assert await counters(db, slot) == (9, 0, 0)
    with pytest.raises(allotments_model.AllotmentSpent):
        await db.run(allotments.draw, code, {slot.slot_id: 1})


async def test_a_desk_and_the_public_racing_for_a_slot_sell_every_place_once(db: Db, database_url: str) -> None:
    slot = await world.open_slot(db, places=20)
    code = await desk(db)
    await db.run(allotments.set_places, staff.TEST, code, slot.slot_id, 8, "outage")
    people = [await world.traveller(db) for _ in range(10)]
    async with world.another_process(database_url) as other:
        door = orders.group_commit(other, lanes=2, limit=8)
        online = [door(world.request(people[n % 10], world.basket(slot))) for n in range(25)]
        desks = [sell(db, slot, people[n % 10], 1) for n in range(15)]
        results = await asyncio.gather(*online, *desks, return_exceptions=True)
    assert sum(isinstance(one, orders.Placed) for one in results[:25]) == 12
    assert sum(isinstance(one, orders.Placed) for one in results[25:]) == 8
    assert {one.code for one in results if isinstance(one, Problem)} == {"slot-full", "allotment-spent"}
    assert await world.places_left(db, slot) == 0


async def test_a_desk_is_named_by_two_characters_that_are_not_misread(db: Db) -> None:
    with pytest.raises(allotments_model.DeskInvalid) as refused:
        await db.run(allotments.make_desk, staff.TEST, "O1", "x", None)
    assert [error["field"] for error in refused.value.errors] == ["code", "name"]
    await desk(db)
    with pytest.raises(allotments_model.DeskTaken):
        await desk(db)
    with pytest.raises(allotments_model.DeskUnknown):
        await db.read(allotments.require, "XX")
