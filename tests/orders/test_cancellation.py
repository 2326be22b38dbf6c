"""Cancellation without money: places and documents go back at once, once, and the order stays to be seen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders, payments
from holdfast.kit import clock, settings
from holdfast.orders import expiry
from holdfast.orders.after_sale_model import PartNotPossible
from holdfast.orders.model import NotCancellable, NotPayable
from tests import world
from tests.world import place, request

from .after_sale import kinds, promised

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


# Confirmed on the promise to pay


@pytest.fixture
def promises(monkeypatch):
    """Everybody may pay later, one visit at a time."""
    monkeypatch.setenv("HOLDFAST_DEFERRAL", "always")
    monkeypatch.setenv("HOLDFAST_DEFERRAL_PER_PERSON", "1")
    settings.current.cache_clear()
    yield
    monkeypatch.undo()
    settings.current.cache_clear()


async def test_a_visit_to_be_paid_later_is_cancelled_and_the_promise_ends_with_it(db, promises):
    slot = await world.open_slot(db, places=3)
    mei, order = await promised(db, slot, people=2)
    again = await world.order_of(db, mei, (await place(db, request(mei, world.basket(slot)))).number)
    with pytest.raises(payments.DeferralRefused):
        await orders.promise(db, mei.actor, again)
    await orders.cancel(db, mei.actor, order)
    await orders.cancel(db, mei.actor, order)
    after = await world.order_of(db, mei, order.number)
    assert (after.state, kinds(after)[-2:]) == (orders.State.CANCELLED, ["confirmed", "cancelled"])
    assert (await world.payment_of(db, mei, order)).state is payments.IntentState.CANCELLED
    assert await world.places_left(db, slot) == 2
    assert orders.tickets(after) == []
    with pytest.raises(NotPayable):
        await orders.pay(db, mei.actor, after)
    await orders.promise(db, mei.actor, again)
    await world.promise_over(db, order)
    await orders.promises.sweep(db)
    assert kinds(await world.order_of(db, mei, order.number)) == kinds(after), "nobody is told that it was not kept"
    assert (await world.order_of(db, mei, again.number)).state is orders.State.CONFIRMED


async def test_of_a_visit_to_be_paid_later_nobody_is_taken_off_and_none_is_cancelled_once_it_has_begun(db, promises):
    slot = await world.open_slot(db, places=2, starts_in=timedelta(hours=1))
    mei, order = await promised(db, slot, people=2)
    with pytest.raises(PartNotPossible):
        await orders.cancel(db, mei.actor, order, [1])
    clock.move(timedelta(hours=1, minutes=1))
    with pytest.raises(NotCancellable):
        await orders.cancel(db, mei.actor, order)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED
    assert (await world.payment_of(db, mei, order)).state is payments.IntentState.DEFERRED
