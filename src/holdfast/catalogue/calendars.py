"""When a venue is open: seasons, closing days and special days. Pure; times are the venue's own clock.

A venue without hours for a day is closed on it: nothing is sold for a day that nobody has described.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from holdfast.kit.i18n import both

from .model import Opening, Price, SpecialDay, Text

CLOSED_WEEKDAYS = (
    "Closed on Mondays.",
    "Closed on Tuesdays.",
    "Closed on Wednesdays.",
    "Closed on Thursdays.",
    "Closed on Fridays.",
    "Closed on Saturdays.",
    "Closed on Sundays.",
)
_LEAP_YEAR = [(date(2000, 1, 1) + timedelta(days=n)).strftime("%m-%d") for n in range(366)]


class Hours(msgspec.Struct, frozen=True):
    """One day's opening. Moments are naive, on the venue's clock; `closes` may lie on the next day."""

    opens: datetime
    closes: datetime
    last_entry: datetime
    season: str

    @property
    def round_the_clock(self) -> bool:
        return self.closes - self.opens == timedelta(days=1)


class Closed(msgspec.Struct, frozen=True):
    """Not open that day, and why, in both languages."""

    reason: Text


def in_season(day: date, from_day: str, to_day: str) -> bool:
    """Whether the day lies in the inclusive range of days of the year; the range may run over the turn of the year."""
    month_day = day.strftime("%m-%d")
    if from_day <= to_day:
        return from_day <= month_day <= to_day
    return month_day >= from_day or month_day <= to_day


def season_on(openings: Sequence[Opening], day: date) -> Opening | None:
    """The season of that day; the first when the data claims the day twice."""
    return next((opening for opening in openings if in_season(day, opening.from_day, opening.to_day)), None)


def hours_on(openings: Sequence[Opening], special_days: Sequence[SpecialDay], day: date) -> Hours | Closed:
    """The hours of that day, or why there are none. A special day wins over season and weekday."""
    season = season_on(openings, day)
    special = next((special for special in special_days if special.day == day), None)
    if special and not special.is_open:
        return Closed(special.reason or both("Closed on this day."))
    if special and special.opens is not None and special.closes is not None:
        last = special.last_entry if special.last_entry is not None else special.closes
        return _hours(day, special.opens, special.closes, last, season.season if season else "special")
    if season is None:
        return Closed(both("There are no opening hours for this day."))
    if special is None and day.isoweekday() in season.closed_weekdays:
        return Closed(both(CLOSED_WEEKDAYS[day.weekday()]))
    return _hours(day, season.opens, season.closes, season.last_entry, season.season)


def is_open(openings: Sequence[Opening], special_days: Sequence[SpecialDay], day: date) -> bool:
    """Whether the venue is open at some time of that day."""
    return isinstance(hours_on(openings, special_days, day), Hours)


def span(day: date, starts: time, ends: time) -> tuple[datetime, datetime]:
    """Two clock times as moments of that day; an end at or before the start lies on the next day."""
    first = datetime.combine(day, starts)
    second = datetime.combine(day, ends)
    return first, second if second > first else second + timedelta(days=1)


def within(hours: Hours, day: date, starts: time, ends: time) -> tuple[datetime, datetime] | None:
    """A timeslot cut to the day's hours; None when nothing of it is left. A slot before opening may belong to the
    small hours after midnight, when the venue is open then."""
    first, second = span(day, starts, ends)
    if second <= hours.opens:
        first, second = first + timedelta(days=1), second + timedelta(days=1)
    first, second = max(first, hours.opens), min(second, _latest(hours))
    return (first, second) if first < second else None


def prices_on(prices: Sequence[Price], day: date) -> list[Price]:
    """The prices valid for a visit on that day, in their order."""
    valid = [price for price in prices if in_season(day, price.from_day, price.to_day)]
    return sorted(valid, key=lambda price: (price.position, price.id))


def days_of_year(from_day: str, to_day: str) -> list[str]:
    """Every ``MM-DD`` of an inclusive range, which may run over the turn of the year; 29 February included."""
    if from_day <= to_day:
        return [day for day in _LEAP_YEAR if from_day <= day <= to_day]
    return [day for day in _LEAP_YEAR if day >= from_day or day <= to_day]


def at(moment: datetime, time_zone: str) -> datetime:
    """A moment of the venue's clock as a point in time. A clock time that occurs twice is the first of the two."""
    return moment.replace(tzinfo=ZoneInfo(time_zone))


def _hours(day: date, opens: time, closes: time, last_entry: time, season: str) -> Hours:
    first, last = span(day, opens, closes)
    entry = datetime.combine(day, last_entry)
    if entry < first or (entry == first and last - first == timedelta(days=1)):
        entry += timedelta(days=1)
    return Hours(first, last, entry, season)


def _latest(hours: Hours) -> datetime:
    """Round the clock has no end that a slot could run into: the next day's hours follow at once."""
    if hours.round_the_clock:
        return hours.closes + timedelta(days=1)
    return hours.closes
