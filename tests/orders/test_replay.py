"""Replay: the same key gives the same answer, for ever, in every process; another body under it is refused."""

from __future__ import annotations

import asyncio

import pytest

from holdfast import orders
from holdfast.kit.idempotency import KeyReused
from tests import world
from tests.world import outcomes, place, place_many, request

pytestmark = pytest.mark.anyio


async def orders_written(db) -> int:
    return await world.value(db, "select count(*) from orders.orders")


async def test_the_same_request_again_gets_the_same_order(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    wanted = world.basket(slot)
    first = await place(db, request(mei, wanted, "k"))
    assert await place(db, request(mei, wanted, "k")) == first
    assert await orders_written(db) == 1
    assert await world.places_left(db, slot) == 9


async def test_another_body_under_a_used_key_is_refused_and_the_first_order_stands(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    await place(db, request(mei, world.basket(slot), "k"))
    with pytest.raises(KeyReused):
        await place(db, request(mei, world.basket(slot, people=2), "k"))
    assert await orders_written(db) == 1


async def test_the_same_key_of_another_account_is_another_request(db):
    slot = await world.open_slot(db)
    mei, li = await world.traveller(db), await world.traveller(db)
    first, second = (
        await place(db, request(mei, world.basket(slot), "k")),
        await place(db, request(li, world.basket(slot), "k")),
    )
    assert first.number != second.number
    results = await place_many(db, request(mei, world.basket(slot), "j"), request(li, world.basket(slot), "j"))
    assert outcomes(results) == ["held", "held"]


async def test_twins_in_one_batch_get_one_order(db):
    slot = await world.open_slot(db, places=1)
    mei = await world.traveller(db)
    wanted = world.basket(slot)
    results = await place_many(
        db,
        request(mei, wanted, "k"),
        request(mei, wanted, "k"),
        request(mei, world.basket(slot), "k"),
        request(mei, wanted, "k"),
    )
    assert outcomes(results) == ["held", "held", "key-reused", "held"]
    assert results[0] == results[1] == results[3]
    assert await orders_written(db) == 1


async def test_twins_in_two_processes_get_one_order(db, database_url):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    async with world.another_process(database_url) as other:
        here, there = orders.group_commit(db, lanes=2), orders.group_commit(other, lanes=2)
        for n in range(8):
            wanted = world.basket(slot, people=1)
            twins = await asyncio.gather(here(request(mei, wanted, f"k{n}")), there(request(mei, wanted, f"k{n}")))
            assert twins[0] == twins[1]
    assert await orders_written(db) == 8


async def test_a_problem_is_remembered_too(db):
    slot = await world.open_slot(db, places=1)
    mei, li = await world.traveller(db), await world.traveller(db)
    placed = await place(db, request(mei, world.basket(slot)))
    wanted = world.basket(slot)
    [first] = await place_many(db, request(li, wanted, "k"))
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, placed.number))
    [again] = await place_many(db, request(li, wanted, "k"))
    assert first.code == again.code == "slot-full"
    assert first.fields == again.fields
    assert outcomes(await place_many(db, request(li, wanted, "k2"))) == ["held"]


async def test_a_refused_reuse_of_a_key_is_not_remembered(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    wanted = world.basket(slot)
    first = await place(db, request(mei, wanted, "k"))
    for _ in range(2):
        assert outcomes(await place_many(db, request(mei, world.basket(slot), "k"))) == ["key-reused"]
    assert await place(db, request(mei, wanted, "k")) == first


async def test_the_answer_of_a_key_stays_what_it_was_when_the_order_has_gone_on(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    wanted = world.basket(slot)
    first = await place(db, request(mei, wanted, "k"))
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, first.number))
    assert await place(db, request(mei, wanted, "k")) == first
    assert (await world.order_of(db, mei, first.number)).state is orders.State.CANCELLED


async def test_the_phone_and_the_quoted_price_are_part_of_the_body(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    wanted = world.basket(slot)
    await place(db, request(mei, wanted, "k"))
    for changed in (
        orders.Basket(wanted.lines, world.phone_number()),
        orders.Basket([world.line(slot, visitors=wanted.lines[0].travellers, quoted_minor=6000)], wanted.phone),
    ):
        assert outcomes(await place_many(db, request(mei, changed, "k"))) == ["key-reused"]
