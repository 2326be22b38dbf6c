"""The last place, wanted by many through two processes at once, on committed data."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

import pytest

from holdfast import orders
from holdfast.kit.problems import Problem
from tests import invariants, world

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ROUNDS = 20 if os.environ.get("HOLDFAST_RACES") == "long" else 3


async def test_the_last_place_is_sold_once(db, database_url):
    mei = await world.traveller(db)
    async with world.another_process(database_url) as other:
        for _ in range(ROUNDS):
            slot = await world.open_slot(db, places=1)
            desks = [orders.group_commit(db, lanes=2, limit=4), orders.group_commit(other, lanes=2, limit=4)]
            asked = [world.request(mei, world.basket(slot)) for _ in range(50)]
            results = await asyncio.gather(*(desks[n % 2](one) for n, one in enumerate(asked)), return_exceptions=True)
            assert Counter(world.outcomes(results)) == {"held": 1, "slot-full": 49}
            [winner] = [result for result in results if not isinstance(result, Problem)]
            assert (await world.order_of(db, mei, winner.number)).state is orders.State.HELD
    await invariants.require(db)


async def test_every_place_of_a_rush_is_sold_and_none_twice_whatever_the_parties(db, database_url):
    slot = await world.open_slot(db, places=37)
    mei = await world.traveller(db)
    sizes = [1 + n % 4 for n in range(60)]
    async with world.another_process(database_url) as other:
        desks = [orders.group_commit(db, lanes=2, limit=8), orders.group_commit(other, lanes=2, limit=8)]
        asked = [world.request(mei, world.basket(slot, people=size)) for size in sizes]
        results = await asyncio.gather(*(desks[n % 2](one) for n, one in enumerate(asked)), return_exceptions=True)
    sold = sum(size for size, result in zip(sizes, results, strict=True) if not isinstance(result, Problem))
    assert set(world.outcomes(results)) == {"held", "slot-full"}
    assert sold == 37
    assert await world.places_left(db, slot) == 0
    await invariants.require(db)
