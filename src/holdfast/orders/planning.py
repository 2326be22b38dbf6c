"""Planning: how full venues are, how bookings come in, who does not come, what the next days will bring, what to change.

Figures are rolled up from orders every few minutes (`orders.demand`), so that a page never reads a million lines.
"""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

import msgspec

from holdfast import passes
from holdfast.kit import clock
from holdfast.kit.db import Db, ReadTx, Tx

from . import planning_model as model
from . import planning_store as store
from .planning_model import Curves, Error, Forecast, SlotDay, Suggestion, VenueLoad
from .planning_store import Channel

HISTORY_DAYS = 120
LOOK_BACK_DAYS, LOOK_AHEAD_DAYS = 28, 14
FORECAST_DAYS = 14
FRESH_DAYS = 3
"""Visits so many days ago may still change: gates upload, cancellations are noted."""
WINDOW_DAYS = 14
"""Rolled up in one transaction."""


class Gate(msgspec.Struct, frozen=True):
    """Who came and who did not. `absent` of nobody counted is not known: no gate told us."""

    admitted: int
    absent: int

    @property
    def is_known(self) -> bool:
        return self.admitted > 0

    @property
    def missing(self) -> float | None:
        return self.absent / (self.admitted + self.absent) if self.is_known else None


class Outlook(msgspec.Struct, frozen=True):
    """Everything about a venue: slots of the days looked at, curves, channels, gate, forecast with its error, suggestions."""

    today: date
    first: date
    last: date
    slots: list[SlotDay]
    curves: Curves
    channels: list[Channel]
    cancelled: int
    expired: int
    booked: int
    gate: Gate
    gate_days: dict[date, Gate]
    forecasts: list[Forecast]
    errors: list[Error]
    suggestions: list[Suggestion]
    made_at: datetime | None

    @property
    def capacities(self) -> dict[date, int]:
        return _sums(self.slots, "capacity")

    @property
    def sold(self) -> dict[date, int]:
        return _sums(self.slots, "sold")


def _sums(slots: list[SlotDay], of: str) -> dict[date, int]:
    found: dict[date, int] = {}
    for slot in slots:
        found[slot.date] = found.get(slot.date, 0) + int(getattr(slot, of))
    return found


async def refresh(db: Db, *, whole: bool = False) -> int:
    """Rolls demand up again: of visits to come and just over, or of all of them; rows written."""
    bounds = await db.read(store.span)
    if bounds is None:
        return 0
    first, last = bounds
    today = (clock.now() + timedelta(hours=8)).date()
    if not whole and await db.read(store.newest_round) is not None:
        first = max(first, today - timedelta(days=FRESH_DAYS))
    begun_at, begun, rows, at = clock.now(), time.perf_counter(), 0, first
    while at <= last:
        rows += await db.run(store.roll_up, at, min(last, at + timedelta(days=WINDOW_DAYS - 1)))
        at += timedelta(days=WINDOW_DAYS)
    await db.run(_note, begun_at, first, last, rows, int(1000 * (time.perf_counter() - begun)))
    return rows


async def _note(tx: Tx, begun_at: datetime, first: date, last: date, rows: int, took_ms: int) -> None:
    await store.note_round(tx, begun_at, first, last, rows, took_ms)


async def venues(tx: ReadTx, today: date) -> list[VenueLoad]:
    """Every venue with its load of the last four weeks and the next two, the fullest to come first."""
    return await store.loads(
        tx, today - timedelta(days=LOOK_BACK_DAYS), today, today + timedelta(days=LOOK_AHEAD_DAYS - 1)
    )


async def outlook(tx: ReadTx, venue_id: str, today: date, first: date, last: date) -> Outlook:
    """A venue between two dates. Curves and error rest on four months before today, whatever dates are looked at."""
    since, until = today - timedelta(days=HISTORY_DAYS), today + timedelta(days=FORECAST_DAYS - 1)
    known = model.curves(await store.pickups(tx, venue_id, min(first, since), max(last, until)))
    history = await store.slot_days(tx, venue_id, min(first, since), max(last, until))
    capacities = _sums(history, "capacity")
    shows = await passes.shows(tx, venue_id, first, min(last, today - timedelta(days=1)))
    days = {day: Gate(one.admitted, one.no_shows) for day, one in shows.items()}
    gate = Gate(sum(one.admitted for one in days.values()), sum(one.absent for one in days.values()))
    channels = await store.channels(tx, venue_id, first, last)
    recent = [slot for slot in history if today - timedelta(days=2 * LOOK_BACK_DAYS) <= slot.date < today]
    return Outlook(
        today=today,
        first=first,
        last=last,
        slots=[slot for slot in history if first <= slot.date <= last],
        curves=known,
        channels=channels,
        cancelled=sum(one.given_back for one in channels),
        expired=sum(one.expired for one in channels),
        booked=sum(one.booked for one in channels),
        gate=gate,
        gate_days=days,
        forecasts=[
            model.forecast(known, day, today, capacities[day])
            for day in (today + timedelta(days=n) for n in range(FORECAST_DAYS))
            if capacities.get(day)
        ],
        errors=model.backtest(known, today, capacities),
        suggestions=model.suggestions(recent, gate.missing),
        made_at=await store.newest_round(tx),
    )
