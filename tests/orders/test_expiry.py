"""Expiry of what nobody began to pay: on time, once, set-based, and never of what was confirmed meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders
from holdfast.kit import clock, faults
from holdfast.orders import expiry
from holdfast.orders.model import NotPayable
from tests import world
from tests.world import place, place_many, request

pytestmark = pytest.mark.anyio


async def test_a_hold_lasts_a_quarter_of_an_hour_and_then_its_places_are_free(db):
    slot = await world.open_slot(db, places=1)
    mei, order = await world.held_order(db, slot)
    clock.move(timedelta(minutes=14, seconds=59))
    assert await expiry.sweep(db) == 0
    assert await world.places_left(db, slot) == 0
    clock.move(timedelta(seconds=2))
    assert await expiry.sweep(db) == 1
    after = await world.order_of(db, mei, order.number)
    assert (after.state, after.row.expires_at) == (orders.State.EXPIRED, None)
    assert [event.kind for event in after.events] == ["placed", "expired"]
    assert await world.places_left(db, slot) == 1
    assert await expiry.sweep(db) == 0


async def test_the_documents_of_an_expired_hold_are_free_too(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    wang = world.visitor()
    await place(db, request(mei, world.basket(slot, visitors=[wang])))
    clock.move(timedelta(minutes=16))
    await expiry.sweep(db)
    await place(db, request(mei, world.basket(slot, visitors=[wang])))


async def test_many_holds_over_many_slots_end_in_one_sweep_by_several_workers(db, database_url):
    slots = [await world.open_slot(db, places=500) for _ in range(3)]
    mei = await world.traveller(db)
    await place_many(db, *[request(mei, world.basket(slots[n % 3], slots[(n + 1) % 3])) for n in range(700)])
    clock.move(timedelta(minutes=16))
    async with world.another_process(database_url) as other:
        swept = await asyncio.gather(expiry.sweep(db), expiry.sweep(other), expiry.sweep(db))
    assert sum(swept) == 700
    assert [await world.places_left(db, slot) for slot in slots] == [500, 500, 500]


async def test_a_free_order_never_expires(db):
    slot = await world.open_slot(db, price_minor=0, starts_in=timedelta(days=5))
    mei = await world.traveller(db)
    placed = await place(db, request(mei, world.basket(slot)))
    clock.move(timedelta(days=2))
    await expiry.sweep(db)
    assert (await world.order_of(db, mei, placed.number)).state is orders.State.CONFIRMED


async def test_a_crash_before_the_commit_of_a_sweep_expires_nothing_and_the_next_sweep_does(db):
    slot = await world.open_slot(db, places=1)
    await world.held_order(db, slot)
    clock.move(timedelta(minutes=16))
    faults.arm("orders.expire.before_commit=error")
    with pytest.raises(faults.FaultInjected):
        await expiry.sweep(db)
    assert await world.places_left(db, slot) == 0
    assert await expiry.sweep(db) == 1
    assert await world.places_left(db, slot) == 1


async def test_an_order_whose_time_is_over_cannot_be_paid_even_before_the_sweep(db):
    slot = await world.open_slot(db)
    mei, order = await world.held_order(db, slot)
    clock.move(timedelta(minutes=16))
    with pytest.raises(NotPayable):
        await orders.pay(db, mei.actor, order)
