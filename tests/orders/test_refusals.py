"""Refusals: each thing that stands in the way has its own name, takes nothing, and leaves its neighbours alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import orders
from holdfast.kit import ids
from holdfast.kit.problems import REGISTRY
from tests import world
from tests.world import outcomes, place, place_many, request

pytestmark = pytest.mark.anyio


async def refused(db, wanted: orders.Basket) -> dict[str, object]:
    """The problem of a basket, in a batch whose other booking must go through."""
    fine = await world.open_slot(db)
    mei = await world.traveller(db)
    results = await place_many(db, request(mei, wanted), request(mei, world.basket(fine)))
    assert outcomes(results)[1] == "held", "a neighbour was harmed"
    assert outcomes(results)[0] in REGISTRY, results[0]
    return {"code": results[0].code, **results[0].fields}


def one(*lines: orders.BasketLine) -> orders.Basket:
    return orders.Basket(list(lines), world.phone_number())


async def test_a_price_that_changed_since_it_was_seen_is_told_with_both_amounts(db):
    slot = await world.open_slot(db, price_minor=6000)
    found = await refused(db, one(world.line(slot, quoted_minor=5000)))
    assert found == {"code": "price-changed", "price_id": slot.price_id, "quoted_minor": 5000, "amount_minor": 6000}
    mei = await world.traveller(db)
    assert (await place(db, request(mei, one(world.line(slot, quoted_minor=6000))))).amount_minor == 6000


async def test_a_slot_not_yet_on_sale_says_when(db):
    slot = await world.open_slot(db, opens_in=timedelta(hours=2))
    found = await refused(db, world.basket(slot))
    assert found["code"] == "not-yet-on-sale"
    assert found["slot_id"] == str(slot.slot_id)
    assert "sale_opens_at" in found


async def test_a_slot_whose_sale_is_over_is_refused(db):
    slot = await world.open_slot(db, closes_in=timedelta(seconds=-1))
    assert await refused(db, world.basket(slot)) == {"code": "sale-over", "slot_id": str(slot.slot_id)}


@pytest.mark.parametrize("state", ["closed", "paused"])
async def test_a_slot_that_is_closed_or_paused_says_why(db, state):
    slot = await world.open_slot(db, state=state)
    found = await refused(db, world.basket(slot))
    assert found == {"code": "slot-closed", "slot_id": str(slot.slot_id), "reason": {"zh": "维护", "en": "Maintenance"}}


async def test_a_slot_that_does_not_exist_is_unknown(db):
    slot = await world.open_slot(db)
    nowhere = ids.uuid7()
    basket = one(orders.BasketLine(nowhere, slot.price_id, 1, [world.visitor()]))
    assert await refused(db, basket) == {"code": "slot-unknown", "slot_id": str(nowhere)}


async def test_a_price_of_nothing_of_another_product_or_out_of_season_is_unknown(db):
    slot, other = await world.open_slot(db), await world.open_slot(db)
    day = slot.starts_at.astimezone(world.ZONE).date()
    another = (day + timedelta(days=40)).strftime("%m-%d")
    await db.run(world.add_price, "off-season", slot.product_id, 100, from_day=another, to_day=another)
    for price_id in ("no-such-price", other.price_id, "off-season"):
        found = await refused(db, one(world.line(slot, price_id=price_id)))
        assert found == {"code": "price-unknown", "price_id": price_id}


async def test_more_tickets_than_an_order_may_hold_are_refused_over_all_its_lines(db):
    slot = await world.open_slot(db, max_per_order=3)
    beside = await world.open_slot(db, beside=slot, max_per_order=3)
    found = await refused(db, world.basket(slot, people=4))
    assert found == {"code": "too-many-per-order", "asked": 4, "allowed": 3}
    found = await refused(db, one(world.line(slot, 2), world.line(beside, 2)))
    assert found == {"code": "too-many-per-order", "asked": 4, "allowed": 3}


async def test_the_limit_per_order_counts_each_product_for_itself(db):
    here, there = await world.open_slot(db, max_per_order=2), await world.open_slot(db, max_per_order=2)
    mei = await world.traveller(db)
    assert (await place(db, request(mei, world.basket(here, there, people=2)))).state is orders.State.HELD


async def test_prices_in_different_currencies_make_no_order(db):
    yuan, dollars = await world.open_slot(db), await world.open_slot(db, currency="HKD")
    assert await refused(db, world.basket(yuan, dollars)) == {"code": "mixed-currencies"}


async def test_a_real_name_ticket_needs_its_traveller(db):
    slot = await world.open_slot(db)
    found = await refused(db, one(world.line(slot, 2, visitors=[])))
    assert found == {"code": "travellers-incomplete", "line": 1, "needed": 2}


async def test_a_ticket_without_names_needs_no_traveller_and_admits_the_party(db):
    slot = await world.open_slot(db, real_name=False, price_minor=0)
    mei = await world.traveller(db)
    placed = await place(db, request(mei, one(world.line(slot, 3, visitors=[]))))
    [ticket] = orders.tickets(await world.order_of(db, mei, placed.number))
    assert ticket.admits == 3


async def test_a_kind_of_document_that_the_attraction_does_not_take_is_refused_and_the_kinds_it_takes_are_named(db):
    slot = await world.open_slot(db, documents=["cn_resident_id"])
    passport = world.visitor("Jane Smith", "E12345678", "passport")
    found = await refused(db, one(world.line(slot, visitors=[passport])))
    assert found == {"code": "document-not-accepted", "line": 1, "accepted": ["cn_resident_id"]}


async def test_an_order_that_names_no_ticket_is_refused_by_the_database_too(db):
    slot = await world.open_slot(db)
    mei = await world.traveller(db)
    whole = request(mei, world.basket(slot))
    empty = type(whole)(
        **{**{name: getattr(whole, name) for name in whole.__struct_fields__}, "lines": [], "travellers": []}
    )
    assert outcomes(await place_many(db, empty)) == ["nothing-chosen"]


async def test_of_several_problems_the_first_line_speaks(db):
    closed, late = await world.open_slot(db, state="closed"), await world.open_slot(db, closes_in=timedelta(seconds=-1))
    assert (await refused(db, world.basket(closed, late)))["code"] == "slot-closed"
    assert (await refused(db, world.basket(late, closed)))["code"] == "sale-over"
