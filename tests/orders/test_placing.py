"""Placing: bookings are decided in the order of their arrival, whole or not at all, and no place is sold twice."""

from __future__ import annotations

import asyncio

import pytest

from holdfast import orders
from holdfast.kit.problems import Problem
from tests import world
from tests.world import outcomes, place, place_many, request

pytestmark = pytest.mark.anyio


async def test_a_booking_holds_its_places_and_says_until_when(db):
    slot = await world.open_slot(db, places=5, price_minor=6000)
    mei = await world.traveller(db)
    placed = await place(db, request(mei, world.basket(slot, people=2)))
    assert (placed.state, placed.amount_minor, placed.currency) == (orders.State.HELD, 12000, "CNY")
    assert await world.places_left(db, slot) == 3
    order = await world.order_of(db, mei, placed.number)
    assert order.row.expires_at == placed.expires_at
    assert [event.kind for event in order.events] == ["placed"]
    assert [person.name_masked for person in order.travellers] == ["王**", "王**"]


async def test_the_last_place_of_a_batch_is_sold_once_to_who_came_first(db):
    slot = await world.open_slot(db, places=1)
    people = [await world.traveller(db) for _ in range(3)]
    asked = [request(person, world.basket(slot)) for person in people]
    results = await place_many(db, *asked)
    assert outcomes(results) == ["held", "slot-full", "slot-full"]
    assert results[1].fields == {"slot_id": str(slot.slot_id), "asked": 1, "places_left": 0}
    assert await world.places_left(db, slot) == 0


async def test_a_big_party_that_does_not_fit_is_refused_and_smaller_ones_behind_it_still_fit(db):
    slot = await world.open_slot(db, places=5)
    mei = await world.traveller(db)
    sizes = [3, 4, 2, 1]
    results = await place_many(db, *[request(mei, world.basket(slot, people=size)) for size in sizes])
    assert outcomes(results) == ["held", "slot-full", "held", "slot-full"]
    assert results[1].fields["places_left"] == 2
    assert results[3].fields["places_left"] == 0


async def test_an_order_over_several_slots_is_booked_whole(db):
    morning = await world.open_slot(db, places=3)
    elsewhere = await world.open_slot(db, places=2, price_minor=2500)
    mei = await world.traveller(db)
    placed = await place(db, request(mei, world.basket(morning, elsewhere, people=2)))
    assert placed.amount_minor == 2 * 6000 + 2 * 2500
    assert [await world.places_left(db, slot) for slot in (morning, elsewhere)] == [1, 0]


async def test_an_order_of_which_one_slot_is_full_takes_nothing_anywhere(db):
    roomy, tight = await world.open_slot(db, places=9), await world.open_slot(db, places=1)
    mei = await world.traveller(db)
    results = await place_many(
        db, request(mei, world.basket(roomy, tight, people=2)), request(mei, world.basket(roomy, tight))
    )
    assert outcomes(results) == ["slot-full", "held"]
    assert results[0].fields["slot_id"] == str(tight.slot_id)
    assert [await world.places_left(db, slot) for slot in (roomy, tight)] == [8, 0]


async def test_two_lines_of_one_order_in_one_slot_are_counted_together(db):
    slot = await world.open_slot(db, places=3)
    mei = await world.traveller(db)
    results = await place_many(
        db,
        request(mei, orders.Basket([world.line(slot, 2), world.line(slot, 2)], world.phone_number())),
        request(mei, orders.Basket([world.line(slot, 2), world.line(slot, 1)], world.phone_number())),
    )
    assert outcomes(results) == ["slot-full", "held"]
    assert results[0].fields["asked"] == 4


async def test_a_ticket_that_uses_no_place_is_sold_in_a_full_slot(db):
    slot = await world.open_slot(db, places=1)
    await db.run(world.add_price, "guide", slot.product_id, 1000, uses_place=False)
    mei = await world.traveller(db)
    await place(db, request(mei, world.basket(slot)))
    audio = orders.Basket([world.line(slot, 1, price_id="guide")], world.phone_number())
    assert (await place(db, request(mei, audio))).amount_minor == 1000
    assert await world.places_left(db, slot) == 0


async def test_a_free_order_is_confirmed_at_once_and_gets_its_tickets_by_message(db):
    slot = await world.open_slot(db, price_minor=0)
    mei = await world.traveller(db)
    wanted = world.basket(slot)
    placed = await place(db, request(mei, wanted))
    assert (placed.state, placed.expires_at, placed.amount_minor) == (orders.State.CONFIRMED, None, 0)
    await world.until_quiet(db)
    order = await world.order_of(db, mei, placed.number)
    assert [event.kind for event in order.events] == ["placed", "confirmed", "tickets_sent"]
    assert order.row.confirmed_at is not None
    [message] = await world.messages(db, wanted.phone)
    assert message.template == "order-confirmed"
    assert f"/orders/{placed.number}?token={orders.link_token(placed.number)}" in message.body


async def test_only_the_free_orders_of_a_mixed_batch_are_confirmed(db):
    free, paid = await world.open_slot(db, price_minor=0), await world.open_slot(db)
    mei = await world.traveller(db)
    results = await place_many(
        db,
        request(mei, world.basket(paid)),
        request(mei, world.basket(free)),
        request(mei, world.basket(free, paid)),
    )
    assert outcomes(results) == ["held", "confirmed", "held"]
    assert (
        await world.value(
            db, "select count(distinct payload ->> 'order_id') from kit.outbox where topic = 'order.confirmed'"
        )
        == 1
    )


async def test_two_processes_never_sell_the_same_place(db, database_url):
    slot = await world.open_slot(db, places=7)
    mei = await world.traveller(db)
    asked = [request(mei, world.basket(slot)) for _ in range(20)]
    async with world.another_process(database_url) as other:
        pools = [db, other]
        results = await asyncio.gather(
            *(world.place_many(pools[n % 2], *asked[n : n + 2]) for n in range(0, len(asked), 2))
        )
    decided = [outcome for batch in results for outcome in outcomes(batch)]
    assert decided.count("held") == 7
    assert decided.count("slot-full") == 13
    assert await world.places_left(db, slot) == 0


async def test_two_processes_booking_the_same_slots_in_opposite_order_do_not_block_each_other(db, database_url):
    here, there = await world.open_slot(db, places=200), await world.open_slot(db, places=200)
    mei = await world.traveller(db)
    forth = [request(mei, world.basket(here, there)) for _ in range(40)]
    back = [request(mei, world.basket(there, here)) for _ in range(40)]
    async with world.another_process(database_url) as other:
        results = await asyncio.gather(
            *(world.place_many(db, *forth[n : n + 4]) for n in range(0, 40, 4)),
            *(world.place_many(other, *back[n : n + 4]) for n in range(0, 40, 4)),
        )
    assert all(outcome == "held" for batch in results for outcome in outcomes(batch))
    assert [await world.places_left(db, slot) for slot in (here, there)] == [120, 120]


async def test_a_batch_of_many_is_one_transaction_and_answers_in_order(db):
    slot = await world.open_slot(db, places=100)
    mei = await world.traveller(db)
    asked = [request(mei, world.basket(slot)) for _ in range(100)]
    results = await place_many(db, *asked)
    assert [result.number for result in results] == [wanted.number for wanted in asked]
    assert not any(isinstance(result, Problem) for result in results)
    assert await world.value(db, "select count(distinct xmin::text) from orders.orders") == 1
