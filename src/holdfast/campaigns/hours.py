"""When a version is offered that has weekdays or hours: whether at a moment, in which windows, and for how long in each hour of a day.

All figures that are shares or paces are of this time alone: what nobody could get says nothing about who gets it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from . import facts
from .model import Schedule

HOURS = 24
_DAY, _HOUR, _MIDNIGHT = timedelta(days=1), timedelta(hours=1), time(0)
MARK = timedelta(minutes=5)
"""So finely the database knows when orders were placed (``campaigns.mark``): five minutes that begin in a window count to it."""
Window = tuple[datetime, datetime]
"""From, and until (not included), in UTC."""


class Open(msgspec.Struct, frozen=True):
    """Of each hour of the day in Shanghai: on how many days it was offered in it, and for how many seconds on such a day."""

    days: list[int]
    seconds: list[int]


def has_clock(schedule: Schedule) -> bool:
    """It is not offered all the time between its first and its last moment."""
    return schedule.weekdays is not None or schedule.hours is not None


def is_open(schedule: Schedule, here: datetime) -> bool:
    """Whether clocks of the schedule's zone show a weekday and an hour at which it is offered. `here`: the moment in that zone."""
    if schedule.weekdays is not None and here.isoweekday() not in schedule.weekdays:
        return False
    hours, clock = schedule.hours, here.time()
    if hours is None:
        return True
    if hours.since < hours.until:
        return hours.since <= clock < hours.until
    return clock >= hours.since or clock < hours.until


def windows(schedule: Schedule, since: datetime, until: datetime) -> list[Window]:
    """The windows between two moments, in order, those that touch joined; none for a zone that nobody knows."""
    if not facts.is_zone(schedule.time_zone):
        return []
    zone = ZoneInfo(schedule.time_zone)
    found: list[Window] = []
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    while day <= last:
        for opens, closes in _of_day(schedule, day):
            first = max(since, datetime.combine(day, opens, zone)).astimezone(UTC)
            end = datetime.combine(day, closes, zone) if closes else datetime.combine(day + _DAY, _MIDNIGHT, zone)
            end = min(until, end).astimezone(UTC)
            if first >= end:
                continue
            if found and found[-1][1] >= first:
                found[-1] = (found[-1][0], end)
            else:
                found.append((first, end))
        day += _DAY
    return found


def _of_day(schedule: Schedule, day: date) -> Iterator[tuple[time, time | None]]:
    """Clock times of a day; None: until its end."""
    if schedule.weekdays is not None and day.isoweekday() not in schedule.weekdays:
        return
    hours = schedule.hours
    if hours is None:
        yield _MIDNIGHT, None
    elif hours.since < hours.until:
        yield hours.since, hours.until
    else:
        if hours.until > _MIDNIGHT:
            yield _MIDNIGHT, hours.until
        yield hours.since, None


def opened(schedule: Schedule, since: datetime, until: datetime) -> Open:
    """How long it is offered in each hour of the day between two moments."""
    days: list[set[date]] = [set() for _ in range(HOURS)]
    seconds, home = [0.0] * HOURS, ZoneInfo(facts.HOME)
    for opens, closes in windows(schedule, since, until):
        at = opens.astimezone(home)
        while at < closes:
            end = min(at.replace(minute=0, second=0, microsecond=0) + _HOUR, closes)
            days[at.hour].add(at.date())
            seconds[at.hour] += (end - at).total_seconds()
            at = end.astimezone(home)
    return Open([len(one) for one in days], [round(s / max(1, len(one))) for s, one in zip(seconds, days, strict=True)])
