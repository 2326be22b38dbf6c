"""Cards on committed data, through two processes at once: all of a basket or nothing, each last place once, no use twice."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

import pytest

from holdfast import orders, passes
from holdfast.kit.problems import Problem
from tests import cards, invariants, world

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ROUNDS = 10 if os.environ.get("HOLDFAST_RACES") == "long" else 2


async def _all(*wanted):
    """Everything at once; problems are answers."""
    return await asyncio.gather(*wanted, return_exceptions=True)


def _codes(results):
    assert all(isinstance(one, Problem | orders.Placed) for one in results), results
    return Counter(one.code if isinstance(one, Problem) else "placed" for one in results)


async def test_a_card_order_over_four_venues_is_all_or_nothing_and_the_last_place_of_each_is_sold_once(
    db, database_url
):
    async with world.another_process(database_url) as other:
        for _ in range(ROUNDS):
            sights = [await world.open_slot(db, places=1, starts_in=cards.starts(1)) for _ in range(4)]
            product = await cards.on_sale(db, sights)
            for slot in sights:
                await world.set_slot(db, slot, state="open", capacity=1)
            holders = [await cards.active(db, product) for _ in range(6)]
            baskets = [sights, sights[::-1], sights, sights[2:] + sights[:2], sights[::-1], sights]
            results = await _all(
                *(cards.reserve([db, other][n % 2], mei, card, baskets[n]) for n, (mei, card) in enumerate(holders))
            )
            assert _codes(results) == {"placed": 1, "slot-full": 5}
            assert [await world.places_left(db, slot) for slot in sights] == [0, 0, 0, 0]
            held = [
                sum(use.state is passes.UseState.HELD for use in (await cards.now(db, card)).uses)
                for _, card in holders
            ]
            assert sorted(held) == [0, 0, 0, 0, 0, 4]
    await invariants.require(db)


async def test_cards_and_money_do_not_share_a_last_place(db, database_url):
    async with world.another_process(database_url) as other:
        sights = [await world.open_slot(db, places=1, starts_in=cards.starts(1)) for _ in range(4)]
        product = await cards.on_sale(db, sights)
        for slot in sights:
            await world.set_slot(db, slot, state="open", capacity=1)
        mei, card = await cards.active(db, product)
        buyers = [await world.traveller(db) for _ in sights]
        results = await _all(
            cards.reserve(other, mei, card, sights),
            *(
                world.place(db, world.request(buyer, world.basket(slot)))
                for buyer, slot in zip(buyers, sights, strict=True)
            ),
        )
        by_card, by_money = results[0], results[1:]
        sold = sum(not isinstance(one, Problem) for one in by_money)
        assert (isinstance(by_card, orders.Placed), sold) in [(True, 0), (False, 4)] or (
            isinstance(by_card, Problem) and sold > 0
        )
        assert [await world.places_left(db, slot) for slot in sights].count(0) == (
            4 if isinstance(by_card, orders.Placed) else sold
        )
    await invariants.require(db)


async def test_a_card_is_never_used_twice(db, database_url):
    async with world.another_process(database_url) as other:
        for _ in range(ROUNDS):
            sights = [await world.open_slot(db, starts_in=cards.starts(1)) for _ in range(3)]
            mei, card = await cards.active(db, await cards.on_sale(db, sights))
            for slot in sights:
                await world.set_slot(db, slot, state="open", capacity=10)
            results = await _all(*(cards.reserve([db, other][n % 2], mei, card, sights) for n in range(8)))
            assert _codes(results) == {"placed": 1, "card-refuses": 7}
            assert len((await cards.now(db, card)).uses) == 3
            assert [await world.places_left(db, slot) for slot in sights] == [9, 9, 9]
    await invariants.require(db)


async def test_giving_the_card_back_and_booking_with_it_at_once_never_does_both(db, database_url):
    async with world.another_process(database_url) as other:
        for _ in range(ROUNDS):
            sights = [await world.open_slot(db, starts_in=cards.starts(1)) for _ in range(2)]
            mei, card = await cards.active(db, await cards.on_sale(db, sights))
            for slot in sights:
                await world.set_slot(db, slot, state="open", capacity=10)
            order = await world.order_of(db, mei, card.row.order_number)
            returned, *booked = await _all(
                orders.cancel(other, mei.actor, order, quoted_minor=card.row.paid_minor),
                *(cards.reserve(db, mei, card, [slot]) for slot in sights),
            )
            after = await cards.now(db, card)
            if returned is None:
                assert after.state is passes.CardState.REFUNDED
                assert {use.state for use in after.uses} <= {passes.UseState.RELEASED}
                assert all(isinstance(one, Problem) for one in booked)
            else:
                assert returned.fields["reason"] == "card-visits"
                assert after.state is passes.CardState.ACTIVE
    await invariants.require(db)
