"""Seasons, closing days and special days."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from holdfast.catalogue import calendars
from holdfast.catalogue.model import Opening, SpecialDay

DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))
MONTH_DAYS = st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda day: day.strftime("%m-%d"))
TIMES = st.times().map(lambda found: found.replace(second=0, microsecond=0))


def opening(**changes: object) -> Opening:
    given: dict[str, object] = {
        "season": "all", "from_day": "01-01", "to_day": "12-31", "opens": time(9), "closes": time(17), "last_entry": time(16),
    }  # fmt: skip
    return Opening(**(given | changes))  # type: ignore[arg-type]


@given(DAYS, MONTH_DAYS, MONTH_DAYS)
def test_a_season_and_its_complement_share_the_year(day: date, first: str, last: str) -> None:
    year = calendars.days_of_year("01-01", "12-31")
    inside = calendars.days_of_year(first, last)
    assert calendars.in_season(day, first, last) == (day.strftime("%m-%d") in inside)
    outside = [d for d in year if d not in inside]
    if outside:
        after = year[(year.index(last) + 1) % 366]
        before = year[(year.index(first) - 1) % 366]
        assert sorted(calendars.days_of_year(after, before)) == outside


@given(DAYS, st.lists(st.integers(1, 7), max_size=6))
def test_a_venue_is_closed_on_its_closing_days_and_only_then(day: date, closed: list[int]) -> None:
    assert calendars.is_open([opening(closed_weekdays=closed)], [], day) == (day.isoweekday() not in closed)


@given(DAYS, st.booleans())
def test_a_special_day_wins_over_weekday_and_season(day: date, open_: bool) -> None:
    always_closed = opening(closed_weekdays=[1, 2, 3, 4, 5, 6, 7])
    assert calendars.is_open([always_closed], [SpecialDay(day, open_)], day) == open_
    assert not calendars.is_open([always_closed], [SpecialDay(day + timedelta(days=1), True)], day)


@given(DAYS, TIMES, TIMES, TIMES, TIMES)
def test_a_slot_is_cut_to_the_opening_hours(day: date, opens: time, closes: time, starts: time, ends: time) -> None:
    hours = calendars.hours_on([opening(opens=opens, closes=closes, last_entry=closes)], [], day)
    assert isinstance(hours, calendars.Hours)
    left = calendars.within(hours, day, starts, ends)
    if left:
        assert hours.opens <= left[0] < left[1]
        assert left[1] <= hours.closes or hours.round_the_clock
        assert left[1] - left[0] <= timedelta(days=1)


def test_a_winter_season_runs_over_the_turn_of_the_year() -> None:
    winter, summer = (
        opening(season="winter", from_day="11-01", to_day="03-31"),
        opening(season="summer", from_day="04-01", to_day="10-31"),
    )
    seasons = {
        day: calendars.season_on([winter, summer], day)
        for day in (date(2026, 12, 31), date(2027, 1, 1), date(2027, 4, 1))
    }
    assert [found.season for found in seasons.values() if found] == ["winter", "winter", "summer"]


def test_a_day_nobody_described_is_closed_and_says_so() -> None:
    found = calendars.hours_on([opening(from_day="04-01", to_day="10-31")], [], date(2027, 1, 1))
    assert isinstance(found, calendars.Closed)
    assert found.reason == {"zh": "当日没有开放时间。", "en": "There are no opening hours for this day."}


def test_a_special_day_may_have_hours_of_its_own() -> None:
    day = date(2027, 5, 1)
    special = SpecialDay(day, True, time(7), time(21), time(19))
    assert calendars.hours_on([opening()], [special], day) == calendars.Hours(
        datetime.combine(day, time(7)), datetime.combine(day, time(21)), datetime.combine(day, time(19)), "all"
    )


def test_a_night_slot_of_a_place_that_never_closes_ends_the_next_morning() -> None:
    day = date(2027, 5, 1)
    hours = calendars.hours_on([opening(opens=time(), closes=time(), last_entry=time())], [], day)
    assert isinstance(hours, calendars.Hours)
    assert hours.round_the_clock
    assert calendars.within(hours, day, time(16), time(5)) == (
        datetime.combine(day, time(16)),
        datetime.combine(day + timedelta(1), time(5)),
    )


def test_a_closed_weekday_is_named_in_both_languages() -> None:
    found = calendars.hours_on([opening(closed_weekdays=[1])], [], date(2027, 4, 5))
    assert found == calendars.Closed({"zh": "每周一不开放。", "en": "Closed on Mondays."})
