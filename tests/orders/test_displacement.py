"""Capacity below what is sold: sale stops at once, the effect is known before, everybody is treated once and told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import changes, orders
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.orders import displacement, displacement_choices, displacement_run
from holdfast.orders.displacement_model import CutOver, NothingOver
from tests import world

from . import cuts

pytestmark = pytest.mark.anyio


async def test_stopping_the_sale_needs_one_person_and_takes_nothing_away(db: Db) -> None:
    slot = await world.open_slot(db, places=10, real_name=False)
    [number] = await cuts.many_paid(db, [slot], 1)
    cut = await cuts.stopped(db, slot, 30)
    person = await world.traveller(db)
    with pytest.raises(orders.model.SlotClosed) as closed:
        await world.place(db, world.request(person, world.basket(slot, people=1)))
    assert closed.value.fields["reason"]["en"] == cuts.GROUND["en"]
    assert await world.value(db, "select state from orders.orders where number = %(n)s", n=number) == "confirmed"
    await db.run(displacement.give_up, cuts.LIN, cut.id, "it was for another place")
    await world.place(db, world.request(person, world.basket(slot, people=1)))
    with pytest.raises(CutOver):
        await displacement.propose(db, cuts.LIN, cut.id, "after all")


async def test_a_cut_that_touches_nobody_is_none(db: Db) -> None:
    slot = await world.open_slot(db, places=10, real_name=False)
    await cuts.many_paid(db, [slot], 3)
    cut = await cuts.stopped(db, slot, 30)
    with pytest.raises(NothingOver):
        await displacement.propose(db, cuts.LIN, cut.id, "ordered this morning")
    assert (await cuts.cut_of(db, cut)).step == "stopped"


async def test_the_order_decides_and_money_goes_back(db: Db) -> None:
    slot = await world.open_slot(db, places=10, real_name=False, max_per_order=5)
    numbers = await cuts.many_paid(db, [slot], 10, most=2)
    cut = await cuts.stopped(db, slot, 30)
    proposal = await cuts.approved(db, cut)
    assert proposal.preview["keeps"]["places"] == 3
    assert proposal.preview["refunds"] == [{"currency": "CNY", "amount_minor": 7 * 6000}]
    done = await displacement_run.run(db, cut.id)
    assert done.step == "done"
    found = {one.number: one for one in await cuts.parties(db, cut)}
    kept = [number for number in numbers if found[number].outcome == "kept"]
    assert sum(found[number].places for number in kept) == 3
    assert kept == numbers[: len(kept)] or max(found[n].position for n in kept[:-1]) < found[kept[-1]].position
    assert sum(one.refund_minor for one in found.values()) == 7 * 6000
    assert await cuts.told(db) == dict.fromkeys(numbers, 1)
    assert await world.places_left(db, slot) == 0


async def test_volunteers_go_first_and_the_others_stay(db: Db) -> None:
    slot = await world.open_slot(db, places=4, real_name=False)
    numbers = await cuts.many_paid(db, [slot], 4, most=1)
    cut = await cuts.stopped(db, slot, 50, hours=6)
    await cuts.approved(db, cut)
    assert (await displacement_run.run(db, cut.id)).step == "waiting"
    assert await cuts.told(db, "cut-choice") == dict.fromkeys(numbers, 1)
    first, second, _third, last = [await _order(db, number) for number in numbers]
    async with db.reading() as tx:
        [choice] = await displacement_choices.of_order(tx, last)
        [early] = await displacement_choices.of_order(tx, first)
    assert (choice.is_open, choice.kept_now, early.kept_now) == (True, False, True)
    assert choice.held is not None
    await displacement_choices.move(db, cuts.LIN, first, slot.slot_id, early.others[0].slot_id)
    await displacement_choices.give_back(db, cuts.LIN, second, slot.slot_id)
    done = await displacement_run.run(db, cut.id)
    assert done.step == "done"
    outcomes = [(one.outcome, one.chosen) for one in await cuts.parties(db, cut)]
    assert outcomes == [("moved", True), ("refunded", True), ("kept", False), ("kept", False)]
    assert await world.value(db, "select sum(set_aside)::int from inventory.slots") == 0


async def _order(db: Db, number: str) -> orders.Order:
    async with db.reading() as tx:
        return await orders.lookup.whole(tx, await orders.store.by_number(tx, number))


async def test_who_does_not_answer_is_decided_about_after_the_deadline(db: Db) -> None:
    slot = await world.open_slot(db, places=4, real_name=False)
    numbers = await cuts.many_paid(db, [slot], 4, most=1)
    cut = await cuts.stopped(db, slot, 50, hours=6)
    await cuts.approved(db, cut)
    await displacement_run.run(db, cut.id)
    clock.move(timedelta(hours=6, minutes=1))
    assert (await displacement_run.run(db, cut.id)).step == "done"
    found = {one.number: one.outcome for one in await cuts.parties(db, cut)}
    assert [found[number] for number in numbers] == ["kept", "kept", "refunded", "refunded"]


async def test_reverting_keeps_who_is_left_and_asks_who_lost_first(db: Db) -> None:
    slot = await world.open_slot(db, places=4, real_name=False)
    numbers = await cuts.many_paid(db, [slot], 4, most=1)
    cut = await cuts.stopped(db, slot, 50)
    proposal = await cuts.approved(db, cut)
    await displacement_run.run(db, cut.id)
    await db.run(changes.revert, cuts.LIN, proposal.id, "the authority took it back")
    assert await cuts.told(db, "cut-return") == dict.fromkeys(numbers[2:], 1)
    assert await world.value(db, "select set_aside from inventory.slots where id = %(id)s", id=slot.slot_id) == 2
    order = await _order(db, numbers[2])
    async with db.reading() as tx:
        [choice] = await displacement_choices.of_order(tx, order)
    assert choice.back is not None
    again = await orders.displacement_returns.take_back(db, cuts.LIN, order, choice.back.id)
    found = await _order(db, again)
    assert (found.state, found.lines[0].slot_id, found.row.account_id) == (
        orders.State.HELD, slot.slot_id, order.row.account_id,
    )  # fmt: skip
    clock.move(timedelta(hours=23))
    await orders.displacement_returns.lapse(db)
    assert await world.value(db, "select set_aside from inventory.slots where id = %(id)s", id=slot.slot_id) == 0
