"""Tickets per person and day, counted over all accounts that are one person."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders
from tests import world
from tests.world import outcomes, place, place_many, request

pytestmark = pytest.mark.anyio


async def test_an_account_gets_its_tickets_of_the_day_and_no_more(db):
    slot = await world.open_slot(db, per_account_day=3)
    mei = await world.traveller(db)
    results = await place_many(db, *[request(mei, world.basket(slot, people=size)) for size in (2, 2, 1, 1)])
    assert outcomes(results) == ["held", "too-many-that-day", "held", "too-many-that-day"]
    assert results[1].fields == {"left": 1}
    assert results[3].fields == {"left": 0}


async def test_all_accounts_of_one_person_share_one_allowance(db):
    slot = await world.open_slot(db, per_account_day=2)
    mei, mei_again, li = [await world.traveller(db) for _ in range(3)]
    await world.same_person(db, mei, mei_again)
    results = await place_many(
        db,
        request(mei, world.basket(slot)),
        request(mei_again, world.basket(slot)),
        request(mei, world.basket(slot)),
        request(li, world.basket(slot, people=2)),
    )
    assert outcomes(results) == ["held", "held", "too-many-that-day", "held"]
    assert outcomes(await place_many(db, request(mei_again, world.basket(slot)))) == ["too-many-that-day"]


async def test_two_processes_do_not_give_one_person_twice_the_allowance(db, database_url):
    """Different slots of the day: only the lock on the person keeps the two apart."""
    morning = await world.open_slot(db, per_account_day=2)
    afternoon = await world.open_slot(db, beside=morning)
    mei, mei_again = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, mei_again)
    async with world.another_process(database_url) as other:
        results = await asyncio.gather(
            *(place_many(db, request(mei, world.basket(morning))) for _ in range(4)),
            *(place_many(other, request(mei_again, world.basket(afternoon))) for _ in range(4)),
        )
    decided = [outcome for batch in results for outcome in outcomes(batch)]
    assert decided.count("held") == 2
    assert decided.count("too-many-that-day") == 6


async def test_another_day_or_venue_has_its_own_allowance(db):
    mei = await world.traveller(db)
    today = await world.open_slot(db, per_account_day=1)
    for slot in (
        today,
        await world.open_slot(db, per_account_day=1),
        await world.open_slot(db, per_account_day=1, starts_in=timedelta(days=4)),
    ):
        await place(db, request(mei, world.basket(slot)))


async def test_a_cancelled_order_gives_its_allowance_back(db):
    slot = await world.open_slot(db, per_account_day=1)
    mei = await world.traveller(db)
    placed = await place(db, request(mei, world.basket(slot)))
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, placed.number))
    assert outcomes(await place_many(db, request(mei, world.basket(slot)))) == ["held"]
