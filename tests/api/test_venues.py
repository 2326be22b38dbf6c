"""Venues, calendars and slots over HTTP, on the demo city and on slots of our own."""

from __future__ import annotations

import pytest

from holdfast import catalogue, inventory
from holdfast.kit import clock
from holdfast.kit.actor import system
from tests import world

from .conftest import book, order_body, problem

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def demo(shared):
    """The demo catalogue with a month of slots."""
    await shared.run(catalogue.apply, system("test"), catalogue.demo())
    await shared.run(inventory.generate, system("test"))
    return shared


@pytest.fixture
def db(demo):
    return demo


async def test_cities_and_venues_are_found_in_both_languages(client, db):
    cities = (await client.get("/api/v1/cities")).json()
    assert {"zh": "北京", "en": "Beijing"} in [city["name"] for city in cities]
    for query in ("故宫", "palace museum", "ＰＡＬＡＣＥ"):
        answer = await client.get("/api/v1/venues", params={"text": query, "city": "北京"})
        assert answer.headers["cache-control"] == "public, max-age=2"
        assert "palace-museum" in [venue["id"] for venue in answer.json()["items"]]


async def test_every_venue_tells_its_prices_and_where_its_figures_come_from(client, db):
    for brief in (await client.get("/api/v1/venues")).json()["items"]:
        answer = await client.get(f"/api/v1/venues/{brief['id']}")
        assert answer.status_code == 200, answer.text
        venue = answer.json()
        sources = {source["id"] for source in venue["sources"]}
        assert {fact["source"] for fact in venue["facts"] if fact["source"]} <= sources
        assert all(set(price["name"]) == {"zh", "en"} for product in venue["products"] for price in product["prices"])


async def test_calendar_and_slots_agree_and_a_slot_can_be_booked(client, db):
    slot = await world.open_slot(db, places=3)
    month, day = slot.starts_at.astimezone(world.ZONE).strftime("%Y-%m %Y-%m-%d").split()
    here = f"/api/v1/venues/{slot.venue_id}"
    days = (await client.get(f"{here}/calendar", params={"month": month})).json()["days"]
    [today] = [found for found in days if found["date"] == day]
    assert (today["state"], today["places_left"], today["lowest"]["amount_minor"]) == ("open", 3, 6000)
    [found] = (await client.get(f"{here}/slots", params={"date": day})).json()["items"]
    assert (found["id"], found["sale"], found["places_left"]) == (str(slot.slot_id), "open", 3)
    assert found["prices"][0]["price"] == {"amount_minor": 6000, "currency": "CNY"}
    assert (await book(client, await world.traveller(db), order_body(slot, people=3))).status_code == 201
    [found] = (await client.get(f"{here}/slots", params={"date": day})).json()["items"]
    assert (found["sale"], found["places_left"]) == ("sold-out", 0)


async def test_a_party_finds_venues_with_room_for_all(client, db):
    slot = await world.open_slot(db, places=3)
    day = slot.starts_at.astimezone(world.ZONE).date().isoformat()

    async def found(people: int) -> dict[str, int]:
        items = (await client.get("/api/v1/venues", params={"date": day, "people": people})).json()["items"]
        return {venue["id"]: venue["places_left"] for venue in items}

    assert (await found(3)).get(slot.venue_id) == 3
    assert slot.venue_id not in await found(4)


@pytest.mark.parametrize("below", ["", "/calendar?month=2026-12", "/slots?date=2026-12-01"])
@pytest.mark.parametrize("venue_id", ["no-such-venue", "x" * 3000, "故宫", "..%2f"])
async def test_a_venue_that_never_was_is_a_problem(client, db, venue_id, below):
    answer = await client.get(f"/api/v1/venues/{venue_id}{below}")
    problem(answer, 404, "endpoint-unknown" if "%2f" in venue_id else "venue-unknown")


async def test_a_day_without_slots_is_an_empty_list(client, db):
    slot = await world.open_slot(db)
    answer = await client.get(f"/api/v1/venues/{slot.venue_id}/slots", params={"date": "2030-01-01"})
    assert answer.json() == {"items": []}
    assert clock.now().year < 2030
