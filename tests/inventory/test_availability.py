"""What a traveller sees of places: by month, by week, by slot, by party."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from holdfast import catalogue, inventory
from holdfast.inventory.model import Day
from holdfast.kit import clock
from holdfast.kit.db import Db
from tests.catalogue.samples import garden as described
from tests.catalogue.samples import opening, price, product

from .conftest import MONDAY, bring, sell

pytestmark = pytest.mark.anyio


async def month(db: Db, first: date = MONDAY) -> dict[int, Day]:
    async with db.reading() as tx:
        return {day.date.day: day for day in await inventory.availability.month(tx, "garden", first)}


async def test_a_month_shows_past_open_and_not_yet(garden: Db) -> None:
    found = await month(garden)
    assert list(found) == list(range(1, 32))
    assert [found[day].state for day in (2, 3, 10, 11, 31)] == ["past", "open", "open", "not-yet", "not-yet"]
    assert (found[5].places_left, str(found[5].lowest)) == (100, "¥60.50")
    assert found[11].opens_at == datetime(2027, 5, 3, 16, tzinfo=UTC)


async def test_the_month_after_the_made_slots_is_not_yet_on_sale(garden: Db) -> None:
    assert {day.state for day in (await month(garden, date(2027, 8, 1))).values()} == {"not-yet"}
    assert {day.state for day in (await month(garden, date(2027, 4, 1))).values()} == {"past"}


async def test_a_closed_day_says_why(db: Db) -> None:
    special = {"day": "2027-05-05", "is_open": False, "reason": {"en": "Repairs"}}
    await bring(db, described(openings=[opening(closed_weekdays=[2])], special_days=[special]))
    found = await month(db)
    assert (found[4].state, found[4].reason["en"]) == ("closed", "Closed on Tuesdays.")
    assert (found[5].state, found[5].reason) == ("closed", {"en": "Repairs"})


async def test_a_full_day_is_sold_out_and_a_full_slot_is_not_a_full_day(garden: Db) -> None:
    day = MONDAY + timedelta(days=2)
    await sell(garden, day, "am", 60)
    assert (await month(garden))[5].places_left == 40
    await sell(garden, day, "pm", 40)
    assert ((await month(garden))[5].state, (await month(garden))[5].places_left) == ("sold-out", 0)


async def test_today_is_over_when_its_last_sale_is(garden: Db) -> None:
    assert (await month(garden))[3].places_left == 100
    clock.move(timedelta(hours=3))  # 13:00, the morning has gone
    assert (await month(garden))[3].places_left == 40
    clock.move(timedelta(hours=4))  # 17:00, last entry
    assert (await month(garden))[3].state == "past"


async def test_the_price_is_that_of_the_season(db: Db) -> None:
    seasons = [
        price(from_day="11-01", to_day="05-04", amount="20"),
        price(id="garden-peak", from_day="05-05", to_day="10-31"),
    ]
    await bring(db, described(products=[product(prices=seasons)]))
    found = await month(db)
    assert [str(found[day].lowest) for day in (4, 5)] == ["¥20.00", "¥60.50"]
    async with db.reading() as tx:
        [early, _] = await inventory.availability.day(tx, "garden", date(2027, 5, 4))
    assert [valid.id for valid in early.prices] == ["garden-adult"]


async def test_an_unknown_venue_has_no_calendar(db: Db) -> None:
    async with db.reading() as tx:
        with pytest.raises(catalogue.VenueUnknown):
            await inventory.availability.month(tx, "nowhere", MONDAY)
        assert await inventory.availability.day(tx, "nowhere", MONDAY) == []
        assert await inventory.availability.outlook(tx, ["nowhere"], MONDAY) == {}


async def test_the_outlook_is_the_month_cut_to_a_week(garden: Db) -> None:
    async with garden.reading() as tx:
        outlook = await inventory.availability.outlook(tx, ["garden", "garden", "nowhere"], MONDAY)
    assert outlook == {"garden": list((await month(garden)).values())[2:9]}


async def test_a_day_shows_its_slots_on_the_venues_clock(garden: Db) -> None:
    await sell(garden, MONDAY, "pm", 1)
    async with garden.reading() as tx:
        am, pm = await inventory.availability.day(tx, "garden", MONDAY)
    assert (am.code, f"{am.starts_at:%H:%M}", f"{am.ends_at:%H:%M}", am.product_name["en"]) == (
        "am",
        "08:00",
        "12:00",
        "Entry",
    )
    assert (am.places_left, am.capacity, am.sale) == (60, 60, "open")
    assert pm.places_left == 39
    assert [valid.id for valid in pm.prices] == ["garden-adult", "garden-child"]


async def test_every_slot_says_whether_and_why_it_can_be_had(garden: Db) -> None:
    await sell(garden, MONDAY + timedelta(days=1), "am", 60)
    pause = {
        "origin": "pause",
        "from_date": "2027-05-05",
        "to_date": "2027-05-05",
        "kind": "paused",
        "reason": {"en": "Fog"},
    }
    await bring(garden, described(policies=[*described()["policies"], pause]))
    states = {}
    async with garden.reading() as tx:
        for n in (0, 1, 2, 9):
            [am, _] = await inventory.availability.day(
                tx, "garden", MONDAY + timedelta(days=n), clock.now() + timedelta(hours=3)
            )
            states[n] = (am.sale, am.places_left, am.reason.get("en"))
    assert states == {
        0: ("over", 60, "Sale for this time is over."),
        1: ("sold-out", 0, None),
        2: ("paused", 0, "Fog"),
        9: ("not-yet", 60, None),
    }


async def test_a_party_finds_the_venues_where_it_fits_together(garden: Db) -> None:
    await sell(garden, MONDAY, "am", 55)
    async with garden.reading() as tx:
        assert await inventory.availability.room(tx, MONDAY, 5) == {"garden": 40}
        assert await inventory.availability.room(tx, MONDAY, 41) == {}
        assert await inventory.availability.room(tx, MONDAY + timedelta(days=20), 1) == {}


async def test_slots_are_found_by_their_ids(garden: Db) -> None:
    async with garden.reading() as tx:
        am, pm = await inventory.availability.day(tx, "garden", MONDAY)
        found = await inventory.slots.many(tx, [am.id, pm.id])
    assert {slot.code for slot in found.values()} == {"am", "pm"}
