"""Planning: what is rolled up is what orders say; curves, forecasts and suggestions follow from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from holdfast import orders
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.orders import expiry, planning, planning_model, planning_store
from holdfast.orders.planning_model import Curves, Pickup, SlotDay
from tests import world

MONDAY = date(2027, 5, 3)


@pytest.fixture
def _at_noon() -> None:
    clock.move(datetime(2027, 5, 3, 4, tzinfo=UTC) - clock.now())


def season(days: int = 70, until: date = MONDAY, *, ahead: int = 0, factor: float = 1.0) -> Curves:
    """Days of a place that is twice as full at weekends, booked evenly over the ten days before."""
    rows = []
    for back in range(-ahead + 1, days):
        day = until - timedelta(days=back)
        total = (200 if day.weekday() >= 5 else 100) * (factor if back < 1 else 1)
        lead_now = (day - until).days
        for lead in range(10):
            if lead >= lead_now:
                rows.append(Pickup(day, lead, round(total / 10), 0, 0))
    return planning_model.curves(rows)


def slot_days(
    code: str, loads: list[float], *, product: str = "entry", weekend: bool = False, waited: int = 0
) -> list[SlotDay]:
    days, at = [], MONDAY
    while len(days) < len(loads):
        at -= timedelta(days=1)
        if (at.weekday() >= 5) == weekend:
            days.append(at)
    return [
        SlotDay(day, product, {"en": product}, code, {"en": code}, code, "open", 100, round(100 * load), 0, waited)
        for day, load in zip(reversed(days), loads, strict=True)
    ]


def test_a_curve_counts_what_stood_and_not_what_was_given_back() -> None:
    found = planning_model.curves(
        [Pickup(MONDAY, 40, 5, 0, 0), Pickup(MONDAY, 7, 10, 0, 3), Pickup(MONDAY, 2, 0, 4, 0)]
    )
    assert (found[MONDAY][30], found[MONDAY][7], found[MONDAY][3], found[MONDAY][2], found[MONDAY][0]) == (
        5,
        15,
        15,
        11,
        11,
    )


def test_a_season_that_repeats_itself_is_foretold() -> None:
    known = season(ahead=10)
    for lead in range(1, 9):
        day = MONDAY + timedelta(days=lead)
        made = planning_model.forecast(known, day, MONDAY, 1000)
        assert made.expected == pytest.approx(200 if day.weekday() >= 5 else 100, abs=2)
        assert made.pace == pytest.approx(1.0)
    errors = planning_model.backtest(known, MONDAY, {})
    assert [error.lead for error in errors] == [1, 3, 7, 14]
    assert all(error.percent == 0 and error.days == 28 for error in errors)


def test_a_day_that_runs_faster_is_foretold_higher_and_never_above_its_places() -> None:
    known = season(ahead=10, factor=1.5)
    day = MONDAY + timedelta(days=3)
    assert planning_model.forecast(known, day, MONDAY, 1000).expected == pytest.approx(150, abs=3)
    assert planning_model.forecast(known, day, MONDAY, 120).expected == 120
    booked = known[day][3]
    assert planning_model.forecast(known, day, MONDAY, booked - 5).expected == booked


def test_without_a_past_nothing_is_foretold_but_what_is_booked() -> None:
    made = planning_model.forecast({MONDAY: [7] * 31}, MONDAY, MONDAY - timedelta(days=2), 100)
    assert (made.expected, made.usual, made.pace) == (7, None, None)
    assert planning_model.backtest({}, MONDAY, {})[0].percent is None


def test_the_error_is_that_of_days_unlike_the_others() -> None:
    known = season(days=70)
    odd = MONDAY - timedelta(days=5)
    known[odd] = [2 * value if lead < 1 else value for lead, value in enumerate(known[odd])]
    one_day = planning_model.backtest(known, MONDAY, {})[0]
    assert one_day.percent is not None
    assert 1 < one_day.percent < 5


def test_a_full_time_beside_an_empty_one_suggests_to_shift_places() -> None:
    found = planning_model.suggestions(
        slot_days("09:00", [1.0] * 7 + [0.5], waited=3) + slot_days("14:00", [0.2] * 8)
        + slot_days("09:00", [0.6] * 8, weekend=True) + slot_days("11:00", [1.0] * 3)
    )  # fmt: skip
    assert [(one.kind, one.starts, one.other, one.weekend, one.hits, one.days) for one in found] == [
        ("shift", "09:00", "14:00", False, 7, 8),
    ]  # fmt: skip
    assert found[0].waited == 24
    alone = planning_model.suggestions(slot_days("14:00", [0.2] * 8) + slot_days("09:00", [1.0] * 8, product="other"))
    assert [(one.kind, one.starts) for one in alone] == [("full", "09:00"), ("empty", "14:00")]


def test_many_who_do_not_come_are_a_suggestion_too() -> None:
    assert [one.kind for one in planning_model.suggestions([], 0.2)] == ["missing"]
    assert planning_model.suggestions([], 0.1) == []
    assert planning_model.suggestions([], None) == []


@pytest.mark.anyio
@pytest.mark.usefixtures("_at_noon")
async def test_what_is_rolled_up_is_what_orders_say(db: Db) -> None:
    slot = await world.open_slot(db, starts_in=timedelta(days=5), price_minor=0)
    other = await world.open_slot(db, starts_in=timedelta(days=5))
    mei = await world.traveller(db)
    kept = await world.place(db, world.request(mei, world.basket(slot, people=2)))
    given = await world.place(db, world.request(mei, world.basket(slot)))
    await world.held_order(db, other)
    clock.move(timedelta(days=2))
    await expiry.sweep(db)
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, given.number))
    await world.place(db, world.request(mei, world.basket(slot)))
    assert kept.state is orders.State.CONFIRMED
    assert await planning.refresh(db) > 0
    day = slot.starts_at.astimezone(world.ZONE).date()
    async with db.reading() as tx:
        found = await planning_store.pickups(tx, slot.venue_id, day, day)
        unpaid = await planning_store.pickups(tx, other.venue_id, day, day)
        assert await planning_store.differences(tx, [slot.slot_id, other.slot_id]) == []
    assert found == [Pickup(day, 5, 3, 0, 0), Pickup(day, 3, 1, 1, 0)]
    assert unpaid == [Pickup(day, 5, 0, 0, 1)]
    again = await planning.refresh(db, whole=True)
    assert again == await world.value(db, "select count(*) from orders.demand")


@pytest.mark.anyio
@pytest.mark.usefixtures("_at_noon")
async def test_a_venue_is_shown_with_its_slots_and_without_gate_data_says_so(db: Db) -> None:
    slot = await world.open_slot(db, places=4, price_minor=0)
    await world.place(db, world.request(await world.traveller(db), world.basket(slot, people=3)))
    await planning.refresh(db)
    day = slot.starts_at.astimezone(world.ZONE).date()
    async with db.reading() as tx:
        [venue] = await planning.venues(tx, MONDAY)
        shown = await planning.outlook(tx, slot.venue_id, MONDAY, MONDAY, day)
    assert (venue.next_capacity, venue.next_sold) == (4, 3)
    assert [(one.capacity, one.sold) for one in shown.slots] == [(4, 3)]
    assert not shown.gate.is_known
    assert shown.gate.missing is None
    assert [(one.channel, one.booked) for one in shown.channels] == [("web", 3)]
    assert [one.booked for one in shown.forecasts] == [3]
