"""One booking per document, venue and day where that is the rule: in a batch, across batches, processes and slots."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders
from tests import world
from tests.world import outcomes, place, place_many, request

pytestmark = pytest.mark.anyio


def basket_for(slot: world.SlotWorld, *visitors: orders.TravellerInput) -> orders.Basket:
    return world.basket(slot, visitors=visitors)


async def test_a_document_is_booked_once_within_a_batch(db):
    slot = await world.open_slot(db)
    mei, li = await world.traveller(db), await world.traveller(db)
    wang = world.visitor()
    results = await place_many(
        db, request(mei, basket_for(slot, wang)), request(li, basket_for(slot, world.visitor(), wang))
    )
    assert outcomes(results) == ["held", "document-already-booked"]
    assert results[1].fields == {"traveller": 2}


async def test_a_document_is_booked_once_across_batches_and_slots_of_the_day(db):
    morning = await world.open_slot(db)
    afternoon = await world.open_slot(db, beside=morning)
    mei = await world.traveller(db)
    wang = world.visitor()
    await place(db, request(mei, basket_for(morning, wang)))
    assert outcomes(await place_many(db, request(mei, basket_for(afternoon, wang)))) == ["document-already-booked"]


async def test_the_same_document_may_visit_another_venue_or_another_day(db):
    wang, mei = world.visitor(), await world.traveller(db)
    for slot in (
        await world.open_slot(db),
        await world.open_slot(db),
        await world.open_slot(db, starts_in=timedelta(days=3)),
    ):
        await place(db, request(mei, basket_for(slot, wang)))


async def test_a_document_entered_twice_in_one_order_is_told_as_such(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    wang = world.visitor()
    assert outcomes(await place_many(db, request(mei, basket_for(slot, wang, wang)))) == ["document-twice"]


async def test_where_the_rule_does_not_hold_a_document_may_come_again(db):
    slot = await world.open_slot(db, once_per_document=False)
    mei = await world.traveller(db)
    wang = world.visitor()
    results = await place_many(db, request(mei, basket_for(slot, wang, wang)), request(mei, basket_for(slot, wang)))
    assert outcomes(results) == ["held", "held"]


async def test_a_refused_booking_does_not_claim_its_documents(db):
    slot = await world.open_slot(db, places=1)
    mei = await world.traveller(db)
    wang = world.visitor()
    results = await place_many(
        db, request(mei, basket_for(slot, wang, world.visitor())), request(mei, basket_for(slot, wang))
    )
    assert outcomes(results) == ["slot-full", "held"]


async def test_a_cancelled_or_expired_booking_frees_its_documents(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    wang = world.visitor()
    placed = await place(db, request(mei, basket_for(slot, wang)))
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, placed.number))
    assert outcomes(await place_many(db, request(mei, basket_for(slot, wang)))) == ["held"]


async def test_two_processes_book_a_document_once_even_in_different_slots(db, database_url):
    """The slots' locks do not help here: the unique index decides, and the batch tells the problem, not the constraint."""
    morning = await world.open_slot(db)
    afternoon = await world.open_slot(db, beside=morning)
    mei, li = await world.traveller(db), await world.traveller(db)
    async with world.another_process(database_url) as other:
        here, there = orders.group_commit(db, lanes=2), orders.group_commit(other, lanes=2)
        for _ in range(8):
            wang = world.visitor()
            results = await asyncio.gather(
                here(request(mei, basket_for(morning, wang))),
                there(request(li, basket_for(afternoon, wang))),
                return_exceptions=True,
            )
            assert sorted(outcomes(results)) == ["document-already-booked", "held"]


async def test_a_renewed_or_lower_case_number_is_the_same_document(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    number = "11010519491231002X"
    await place(db, request(mei, basket_for(slot, world.visitor(document=number))))
    again = request(mei, basket_for(slot, world.visitor("王 大明", f" {number.lower()} ")))
    assert outcomes(await place_many(db, again)) == ["document-already-booked"]
