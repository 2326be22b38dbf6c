"""Group commit: bookings that come together share a transaction, and nobody pays for a neighbour's trouble."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from holdfast import orders
from holdfast.kit import faults
from holdfast.kit.db import Batch, Db
from holdfast.kit.problems import DatabaseUnavailable, Overloaded
from tests import world
from tests.world import outcomes, request

pytestmark = pytest.mark.anyio


async def test_bookings_that_come_together_share_a_commit(db):
    slot = await world.open_slot(db, places=100)
    mei = await world.traveller(db)
    place = orders.group_commit(db, lanes=2)
    placed = await asyncio.gather(*(place(request(mei, world.basket(slot))) for _ in range(60)))
    assert len({order.number for order in placed}) == 60
    assert place.requests == 60
    assert place.flushes <= 6
    assert await world.places_left(db, slot) == 40


async def test_a_lone_booking_waits_for_nobody(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    place = orders.group_commit(db, lanes=2)
    placed = await place(request(mei, world.basket(slot)))
    assert (await world.order_of(db, mei, placed.number)).state is orders.State.HELD
    assert (place.flushes, place.requests) == (1, 1)


async def test_a_booking_the_database_cannot_take_fails_alone(db):
    """A phone that is no bytea breaks the whole statement; its neighbours are decided one by one."""
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    place = orders.group_commit(db, lanes=1)
    good = [request(mei, world.basket(slot)) for _ in range(4)]
    bad = request(mei, world.basket(slot))
    bad = type(bad)(**{name: getattr(bad, name) for name in bad.__struct_fields__ if name != "phone"}, phone="\\xzz")
    results = await asyncio.gather(*map(place, [*good[:2], bad, *good[2:]]), return_exceptions=True)
    assert [getattr(result, "state", "broken") for result in results] == ["held", "held", "broken", "held", "held"]
    assert await world.places_left(db, slot) == 6


async def test_a_crash_after_the_commit_loses_no_answer(db):
    """The batch is written, the answer is lost inside: asking again finds what was decided, and decides nothing new."""
    slot = await world.open_slot(db, places=3)
    mei = await world.traveller(db)
    place = orders.group_commit(db, lanes=1)
    faults.arm("orders.place.after_commit=error")
    results = await asyncio.gather(*(place(request(mei, world.basket(slot))) for _ in range(3)))
    assert outcomes(results) == ["held"] * 3
    assert await world.places_left(db, slot) == 0


@pytest.mark.parametrize("point", ["orders.place.before_flush", "orders.place.after_commit"])
async def test_a_crash_around_the_commit_books_nothing_twice(db, point):
    slot = await world.open_slot(db, places=3)
    mei = await world.traveller(db)
    place = orders.group_commit(db, lanes=1)
    faults.arm(f"{point}=error")
    results = await asyncio.gather(*(place(request(mei, world.basket(slot))) for _ in range(3)))
    assert outcomes(results) == ["held"] * 3
    assert await world.value(db, "select count(*) from orders.orders") == 3


async def test_a_traveller_who_goes_away_keeps_what_was_decided_and_harms_nobody(db):
    slot = await world.open_slot(db, places=3)
    mei = await world.traveller(db)
    place = orders.group_commit(db, lanes=1)
    gone, stays = request(mei, world.basket(slot), "gone"), request(mei, world.basket(slot))
    leaving = asyncio.create_task(place(gone))
    staying = asyncio.create_task(place(stays))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).state is orders.State.HELD
    assert (await world.place(db, gone)).number == gone.number
    assert await world.places_left(db, slot) == 1


async def test_bookings_without_a_database_are_told_so_and_can_be_sent_again():
    absent = await Db("postgresql://127.0.0.1:1/nothing", size=1).open()
    absent._absent_until = float("inf")
    place = orders.group_commit(absent, lanes=1)
    results = await asyncio.gather(*(place(_dummy()) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, DatabaseUnavailable) for result in results)
    assert results[0].fields["retry_after_s"] > 0
    await absent.close()


def _dummy() -> orders.PlaceRequest:
    slot = world.SlotWorld(world.ids.uuid7(), "p", "v", "p", "c", 1, world.clock.now())
    return request(world.Person(world.ids.uuid7(), "", ""), world.basket(slot))


@dataclass
class Till:
    """A flush under the test's control."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    batches: list[list[int]] = field(default_factory=list)

    async def __call__(self, requests):
        self.batches.append(list(requests))
        await self.open.wait()
        if any(request < 0 for request in requests):
            raise ValueError(requests)
        return [request * 10 for request in requests]


async def test_what_waits_is_taken_together_up_to_the_limit():
    till = Till()
    batch = Batch(till, limit=3, lanes=1, depth=100)
    asked = [asyncio.create_task(batch(n)) for n in range(8)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    till.open.set()
    assert await asyncio.gather(*asked) == [n * 10 for n in range(8)]
    assert [len(taken) for taken in till.batches] == [3, 3, 2]


async def test_past_its_depth_a_batch_says_at_once_when_to_come_again():
    till = Till()
    batch = Batch(till, limit=1, lanes=1, depth=2)
    asked = [asyncio.create_task(batch(n)) for n in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    extra = [asyncio.create_task(batch(n)) for n in range(3)]
    refused = [result for result in await _now(extra) if isinstance(result, Overloaded)]
    assert refused
    assert refused[0].fields == {"retry_after_s": 2}
    till.open.set()
    assert await asyncio.gather(*asked[:2]) == [0, 10]
    await asyncio.gather(*asked, *extra, return_exceptions=True)


async def _now(tasks):
    """What is answered without waiting."""
    for _ in range(3):
        await asyncio.sleep(0)
    return [task.exception() for task in tasks if task.done()]


async def test_after_a_failure_only_the_guilty_request_gets_the_error_and_the_lane_lives_on():
    till = Till()
    till.open.set()
    batch = Batch(till, limit=10, lanes=1, depth=100)
    results = await asyncio.gather(batch(1), batch(-1), batch(2), return_exceptions=True)
    assert results[0] == 10
    assert isinstance(results[1], ValueError)
    assert results[2] == 20
    assert await batch(3) == 30


async def test_who_asks_again_at_once_finds_the_lane_free(db: Db) -> None:
    """Nobody else asks: an answer must not have to wait for the next request."""
    place, slot = orders.group_commit(db, lanes=1), await world.open_slot(db)
    asked = world.request(await world.traveller(db), world.basket(slot))

    async def twice() -> list[orders.Placed]:
        return [await place(asked), await place(asked)]

    first, second = await asyncio.wait_for(twice(), 10)
    assert first == second
