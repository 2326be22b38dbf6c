"""Slots are made ahead, follow hours and policies, and never take anything away from anybody."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from holdfast import catalogue, inventory
from holdfast.inventory import jobs
from holdfast.inventory.model import Generated
from holdfast.kit import actor, clock
from holdfast.kit.db import Db, ReadTx
from tests.catalogue.samples import IMPORTER, opening, product
from tests.catalogue.samples import garden as described

from .conftest import MONDAY, bring, sell, slot

pytestmark = pytest.mark.anyio
SYSTEM = actor.system("test")
FRIDAY = MONDAY + timedelta(days=4)


def policy(origin: str, kind: str, value: int = 0, **changes: Any) -> dict[str, Any]:
    return {"origin": origin, "from_date": FRIDAY.isoformat(), "kind": kind, "value": value} | changes


def garden_with(*policies: dict[str, Any]) -> dict[str, Any]:
    return described(policies=[*described()["policies"], *policies])


async def count(db: Db, condition: str = "") -> int:
    async def ask(tx: ReadTx) -> int:
        return int(
            await tx.value("select count(*) from inventory.slots where state = %(s)s or %(s)s = ''", s=condition)
        )

    return await db.read(ask)


async def generate(db: Db, **options: Any) -> Generated:
    return await db.run(inventory.generate, SYSTEM, **options)


async def test_thirty_days_of_slots_are_made_with_the_import(db: Db) -> None:
    await bring(db, described())
    assert await count(db) == 60
    assert await generate(db) == Generated()


async def test_each_day_adds_the_slots_of_one_more(garden: Db) -> None:
    clock.move(timedelta(days=1))
    assert await generate(garden) == Generated(created=2)


async def test_a_product_released_early_has_its_slots_early(db: Db) -> None:
    await bring(db, described(products=[product(release_days=60)]))
    assert (await slot(db, MONDAY + timedelta(days=60), "am")).sale_opens_at < clock.now()


async def test_times_are_those_of_the_venues_clock(garden: Db) -> None:
    found = await slot(garden, FRIDAY, "am")
    assert found.starts_at == datetime(2027, 5, 7, 0, tzinfo=UTC)  # 08:00 in Shanghai
    assert found.sale_opens_at == datetime(2027, 4, 29, 16, tzinfo=UTC)  # midnight, seven days before
    assert found.sale_closes_at == found.ends_at
    assert (found.capacity, found.taken, found.state, found.reason) == (60, 0, "open", {})


async def test_the_clock_may_change_between_release_and_visit(db: Db) -> None:
    clock.move(datetime(2027, 3, 26, 12, tzinfo=UTC) - clock.now())
    await bring(db, described(time_zone="Europe/Berlin"))
    found = await slot(db, date(2027, 3, 29), "am")  # summer time began on the 28th
    assert found.starts_at == datetime(2027, 3, 29, 6, tzinfo=UTC)
    assert found.sale_opens_at == datetime(2027, 3, 21, 23, tzinfo=UTC)


async def test_sale_ends_the_evening_before_where_nothing_is_sold_on_the_day(db: Db) -> None:
    await bring(db, described(products=[product(same_day_sale=False)]))
    assert (await slot(db, FRIDAY, "pm")).sale_closes_at == datetime(2027, 5, 6, 16, tzinfo=UTC)


async def test_nothing_is_sold_after_the_last_entry(garden: Db) -> None:
    found = await slot(garden, FRIDAY, "pm")
    assert found.ends_at - found.sale_closes_at == timedelta(hours=1)


async def test_a_night_slot_ends_on_the_next_day_and_is_sold_until_then(db: Db) -> None:
    night = {"code": "night", "starts": "16:00", "ends": "05:00", "share_percent": "40"}
    always = opening(opens="00:00", closes="24:00", last_entry="24:00")
    await bring(db, described(openings=[always], products=[product(timeslots=[night])]))
    found = await slot(db, FRIDAY, "night")
    assert (found.starts_at, found.ends_at) == (
        datetime(2027, 5, 7, 8, tzinfo=UTC),
        datetime(2027, 5, 7, 21, tzinfo=UTC),
    )
    assert found.sale_closes_at == found.ends_at


async def test_closed_days_get_no_slots(db: Db) -> None:
    await bring(
        db, described(openings=[opening(closed_weekdays=[1])], special_days=[{"day": "2027-05-10", "is_open": True}])
    )
    days = [(await slot(db, MONDAY + timedelta(days=n), "am")).visit_date for n in (1, 7)]
    assert days == [date(2027, 5, 4), date(2027, 5, 10)]
    assert await count(db) == 60 - 2 * 4  # five Mondays, one of them a special day


async def test_a_lower_limit_reaches_every_unsold_slot(garden: Db) -> None:
    await bring(garden, garden_with(policy("cut", "percent", 30)))
    found = await slot(garden, FRIDAY, "am")
    assert (found.capacity, found.state) == (18, "open")
    assert (await slot(garden, FRIDAY - timedelta(days=1), "am")).capacity == 60


async def test_a_limit_below_what_is_sold_stops_sale_and_takes_nothing_away(garden: Db) -> None:
    await sell(garden, FRIDAY, "am", 50)
    await bring(garden, garden_with(policy("cut", "absolute", 50)))
    found = await slot(garden, FRIDAY, "am")
    assert (found.capacity, found.taken, found.overcommitted, found.state) == (30, 50, 20, "paused")
    assert found.reason["en"] == "More places are sold than may be sold now; sale is stopped."
    assert found.reason["zh"] == "已售数量超过现在的限量，已停止销售。"


async def test_when_enough_places_come_back_sale_goes_on(garden: Db) -> None:
    await sell(garden, FRIDAY, "am", 50)
    await bring(garden, garden_with(policy("cut", "absolute", 50)))
    await sell(garden, FRIDAY, "am", -25)
    assert await generate(garden) == Generated(reopened=1)
    found = await slot(garden, FRIDAY, "am")
    assert (found.capacity, found.taken, found.overcommitted, found.state, found.reason) == (30, 25, 0, "open", {})


async def test_a_closed_day_keeps_count_of_those_who_booked(garden: Db) -> None:
    await sell(garden, FRIDAY, "am", 7)
    await bring(
        garden,
        described(
            special_days=[{"day": FRIDAY.isoformat(), "is_open": False, "reason": {"en": "Storm", "zh": "暴风"}}]
        ),
    )
    found = await slot(garden, FRIDAY, "am")
    assert (found.state, found.reason, found.capacity, found.overcommitted, found.taken) == (
        "closed", {"en": "Storm", "zh": "暴风"}, 0, 7, 7,
    )  # fmt: skip
    await bring(garden, described(special_days=[]))
    found = await slot(garden, FRIDAY, "am")
    assert (found.state, found.capacity, found.overcommitted, found.taken) == ("open", 60, 0, 7)


async def test_a_pause_says_why_and_ends_with_its_dates(garden: Db) -> None:
    reason = {"en": "Too many people inside", "zh": "园内人数过多"}
    await bring(garden, garden_with(policy("pause", "paused", to_date=FRIDAY.isoformat(), reason=reason)))
    assert ((await slot(garden, FRIDAY, "am")).state, (await slot(garden, FRIDAY, "am")).reason) == ("paused", reason)
    assert (await slot(garden, FRIDAY + timedelta(days=1), "am")).state == "open"


async def test_a_slot_with_visitors_keeps_its_times(garden: Db) -> None:
    await sell(garden, FRIDAY, "am", 1)
    later = product(timeslots=[{"code": "am", "starts": "09:00", "ends": "11:00", "share_percent": "60"}])
    await bring(garden, described() | {"products": [later]})
    sold, unsold = await slot(garden, FRIDAY, "am"), await slot(garden, FRIDAY + timedelta(days=1), "am")
    assert sold.starts_at == datetime.combine(FRIDAY, time(0), UTC)
    assert unsold.starts_at == datetime.combine(FRIDAY + timedelta(days=1), time(1), UTC)


async def test_a_time_no_longer_offered_is_closed_for_new_visitors(garden: Db) -> None:
    await bring(garden, described() | {"products": [product(timeslots=[product()["timeslots"][0]])]})
    found = await slot(garden, FRIDAY, "pm")
    assert (found.state, found.reason["en"]) == ("closed", "This time is no longer offered.")


async def test_a_retired_venue_sells_nothing_more(garden: Db) -> None:
    entry = product(id="other-entry", prices=[], timeslots=[])
    await bring(garden, described() | {"id": "other", "products": [entry]})
    assert await count(garden, "open") == 0
    assert await count(garden, "closed") == 60


async def test_a_day_without_any_figure_sells_nothing_and_says_so(db: Db) -> None:
    await bring(db, described(policies=[]))
    found = await slot(db, FRIDAY, "am")
    assert (found.state, found.capacity, found.reason["en"]) == (
        "paused",
        0,
        "No capacity has been set for this day yet.",
    )


async def test_yesterday_is_never_touched(garden: Db) -> None:
    await sell(garden, MONDAY, "am", 3)
    before = await slot(garden, MONDAY, "am")
    clock.move(timedelta(days=1))
    await bring(garden, garden_with(policy("closed", "closed", from_date="2027-01-01")))
    assert await slot(garden, MONDAY, "am") == before
    assert (await slot(garden, MONDAY + timedelta(days=1), "am")).state == "closed"


async def test_the_timetable_keeps_slots_coming(garden: Db) -> None:
    clock.move(timedelta(days=3))
    await jobs.generate_slots(garden)
    assert await count(garden) == 66


async def test_two_who_generate_at_once_make_each_slot_once(garden: Db) -> None:
    clock.move(timedelta(days=2))
    made = await asyncio.gather(*(generate(garden) for _ in range(4)))
    assert sorted(found.created for found in made) == [0, 0, 0, 4]


async def test_one_venue_can_be_brought_in_step_alone(garden: Db) -> None:
    clock.move(timedelta(days=1))
    assert await generate(garden, venue_id="elsewhere") == Generated()
    assert await generate(garden, venue_id="garden") == Generated(created=2)


async def test_every_attraction_of_the_demo_can_be_booked_within_a_week(db: Db) -> None:
    await db.run(catalogue.apply, IMPORTER, catalogue.demo())
    async with db.reading() as tx:
        cards = await catalogue.search(tx)
        outlook = await inventory.availability.outlook(tx, [card.id for card in cards], MONDAY)
    assert len(outlook) == 25
    assert all(any(day.state == "open" for day in days) for days in outlook.values())


async def test_what_the_sources_say_is_what_is_sold(db: Db) -> None:
    await db.run(catalogue.apply, IMPORTER, catalogue.demo())
    tuesday = MONDAY + timedelta(days=1)

    async def ask(tx: ReadTx) -> dict[str, int]:
        return dict(
            await tx.tuples(
                "select product_id, sum(capacity)::int from inventory.slots where visit_date = %(d)s group by 1",
                d=tuesday,
            )
        )

    sold = await db.read(ask)
    assert sold["palace-museum-entry"] == 32_000  # 40,000 less the agencies' fifth
    assert (sold["mogao-caves-a"], sold["mogao-caves-b"]) == (6000, 12_000)
    assert sold["dujiangyan-panda-entry"] == 4000  # the online third of 12,000
    assert sold["humble-administrator-entry"] == 28_500  # 3,000 an hour bind, not 33,000 a day
    assert sold["lingyin-feilai-entry"] == 35_000
    assert sold["suzhou-museum-entry"] == 4200
