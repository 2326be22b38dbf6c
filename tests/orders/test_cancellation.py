"""Cancellation without money: places and documents go back at once, once, and the order stays to be seen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders
from holdfast.kit import clock
from holdfast.orders import expiry
from holdfast.orders.model import NotCancellable, NotPayable
from tests import world
from tests.world import place, request

pytestmark = pytest.mark.anyio


async def test_a_held_order_is_cancelled_and_its_places_are_free_again(db):
    slot = await world.open_slot(db, places=2)
    mei, order = await world.held_order(db, slot, people=2)
    await orders.cancel(db, mei.actor, order)
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.CANCELLED
    assert [event.kind for event in after.events] == ["placed", "cancelled"]
    assert after.events[-1].actor == str(mei.actor)
    assert not any(line.live for line in after.lines)
    assert await world.places_left(db, slot) == 2


async def test_cancelling_twice_or_at_the_same_time_gives_places_back_once(db):
    slot = await world.open_slot(db, places=2)
    mei, order = await world.held_order(db, slot)
    await asyncio.gather(*(orders.cancel(db, mei.actor, order) for _ in range(4)))
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, order.number))
    assert await world.places_left(db, slot) == 2
    assert [e.kind for e in (await world.order_of(db, mei, order.number)).events] == ["placed", "cancelled"]


async def test_a_free_order_can_be_cancelled_until_its_visit_begins(db):
    slot = await world.open_slot(db, price_minor=0)
    mei = await world.traveller(db)
    early, late = [await place(db, request(mei, world.basket(slot))) for _ in range(2)]
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, early.number))
    assert (await world.order_of(db, mei, early.number)).state is orders.State.CANCELLED
    clock.move(timedelta(days=1, minutes=1))
    with pytest.raises(NotCancellable):
        await orders.cancel(db, mei.actor, await world.order_of(db, mei, late.number))
    assert (await world.order_of(db, mei, late.number)).state is orders.State.CONFIRMED


async def test_a_cancelled_order_has_no_tickets_and_cannot_be_paid(db):
    slot = await world.open_slot(db)
    mei, order = await world.held_order(db, slot)
    await orders.cancel(db, mei.actor, order)
    after = await world.order_of(db, mei, order.number)
    assert orders.tickets(after) == []
    with pytest.raises(NotPayable):
        await orders.pay(db, mei.actor, after)


async def test_an_expired_order_cannot_be_cancelled(db):
    slot = await world.open_slot(db)
    mei, order = await world.held_order(db, slot)
    clock.move(timedelta(minutes=16))
    await expiry.sweep(db)
    with pytest.raises(NotCancellable):
        await orders.cancel(db, mei.actor, order)
