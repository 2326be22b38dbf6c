"""Alternatives: where a party finds places when what it wanted is full or closed. Nothing is held by looking.

Three kinds, each the nearest first: other times of that day at the same venue, other days at the same venue, and venues of
the same kind nearby on that day or the next to it. Only slots that take the whole party in one order.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import alternatives_store as store
from .alternatives_store import Alternative
from .model import SlotUnknown

DAYS_BEFORE, DAYS_AFTER = 7, 21
NEARBY_DAYS = 2
NEARBY_KM = 60.0
SHOWN = 3


class Alternatives(msgspec.Struct, frozen=True):
    """What there is instead, by kind."""

    same_day: list[Alternative]
    other_days: list[Alternative]
    nearby: list[Alternative]

    @property
    def every(self) -> list[Alternative]:
        return self.same_day + self.other_days + self.nearby


async def alternatives(
    tx: ReadTx, slot_id: UUID, people: int, *, limit: int = SHOWN, now: datetime | None = None
) -> Alternatives:
    """Other times, days and venues for so many people instead of this slot, at most `limit` of each. SlotUnknown."""
    at, people = now or clock.now(), max(1, people)
    wanted = await store.wanted(tx, slot_id)
    if wanted is None:
        raise SlotUnknown(slot_id=slot_id)
    first, last = (
        wanted.visit_date - timedelta(days=DAYS_BEFORE),
        wanted.visit_date + timedelta(days=DAYS_AFTER),
    )
    here = await store.at_venue(tx, wanted, first, last, people, at)
    near = await store.nearby(tx, wanted, NEARBY_DAYS, NEARBY_KM, people, at, limit)
    return Alternatives(same_day(wanted, here)[:limit], other_days(wanted, here)[:limit], near)


def same_day(wanted: store.Wanted, found: list[Alternative]) -> list[Alternative]:
    """The other times of that day: of the same product first, then the nearest in time."""
    those = [one for one in found if one.visit_date == wanted.visit_date]
    return sorted(those, key=lambda one: (one.product_id != wanted.product_id, abs(one.starts_at - wanted.starts_at)))


def other_days(wanted: store.Wanted, found: list[Alternative]) -> list[Alternative]:
    """Of each other day the time nearest to that of the clock which was wanted, the nearest days first, later before earlier."""
    best: dict[date, Alternative] = {}
    for one in sorted(found, key=lambda one: (one.product_id != wanted.product_id, _apart(wanted, one))):
        if one.visit_date != wanted.visit_date:
            best.setdefault(one.visit_date, one)
    away = {day: (day - wanted.visit_date).days for day in best}
    return [best[day] for day in sorted(best, key=lambda day: (abs(away[day]), away[day] < 0))]


def _apart(wanted: store.Wanted, one: Alternative) -> timedelta:
    """How far apart two times are by the clock, whatever their days."""
    days = timedelta(days=(one.visit_date - wanted.visit_date).days)
    return abs(one.starts_at - days - wanted.starts_at)
