"""Planning, pure: load, curves of bookings, a forecast with its past error, and what the figures suggest.

The forecast of a day is what is booked for it, plus what on the same weekday usually still came from that many days before,
times how this day runs against those (pick-up, Weatherford and Kimes, 2003). It never says less than what is booked, nor
more than the places there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import msgspec

LEADS = 31
"""Days before the visit that curves show: 0 to 30."""
PEERS = 8
"""So many earlier days of the same weekday say what is usual."""
PEERS_MIN = 3
TESTED_DAYS = 28
TESTED_LEADS = (1, 3, 7, 14)
PACE_MIN, PACE_MAX = 0.5, 2.0
PACE_FROM = 10
"""Below so many places booked on usual days, the pace of a day says nothing."""
ENOUGH_DAYS = 6
FULL, EMPTY = 0.97, 0.35
OFTEN = 0.6
MISSING = 0.15


class SlotDay(msgspec.Struct, frozen=True):
    """A slot on one date. `waited`: places that people waited for and have not got."""

    date: date
    product_id: str
    product_name: dict[str, str]
    code: str
    slot_name: dict[str, str]
    starts: str
    state: str
    capacity: int
    sold: int
    set_aside: int
    waited: int

    @property
    def load(self) -> float | None:
        return self.sold / self.capacity if self.capacity else None


class Pickup(msgspec.Struct, frozen=True):
    """What was booked and given back for one date so many days before it."""

    date: date
    days_before: int
    booked: int
    given_back: int
    expired: int


class VenueLoad(msgspec.Struct, frozen=True):
    """A venue in the list: days past and days to come."""

    venue_id: str
    name: dict[str, str]
    city: dict[str, str]
    kind: str
    past_capacity: int
    past_sold: int
    next_capacity: int
    next_sold: int
    full_slots: int
    waiting: int


class Forecast(msgspec.Struct, frozen=True):
    """What a day will come to. `usual` is what such days came to; `pace` how this one runs against them; None: unknown."""

    date: date
    lead: int
    booked: int
    expected: int
    usual: int | None
    pace: float | None
    capacity: int


class Error(msgspec.Struct, frozen=True):
    """How wrong the forecast was so many days ahead: mean of the absolute error in percent of what came, over `days` days.

    `naive` is the same for somebody who says that every day comes to what its weekday usually does.
    """

    lead: int
    percent: float | None
    naive: float | None
    days: int


class Suggestion(msgspec.Struct, frozen=True):
    """What the figures suggest for a time of entry, and the evidence. `kind`: full, empty, shift or missing."""

    kind: str
    starts: str = ""
    slot_name: dict[str, str] = {}
    weekend: bool | None = None
    days: int = 0
    hits: int = 0
    load: float = 0.0
    waited: int = 0
    product_id: str = ""
    other: str = ""
    """The time that is empty where this one is full."""


Curves = dict[date, list[int]]
"""Date of the visit → places booked, less those given back, as known at the end of the day so many days before."""


def curves(rows: Iterable[Pickup]) -> Curves:
    """For each date the places that stood 0, 1, 2, … days before; 0 is what it came to."""
    steps: dict[date, list[int]] = defaultdict(lambda: [0] * (LEADS + 1))
    for row in rows:
        steps[row.date][min(row.days_before, LEADS)] += row.booked - row.given_back
    found: Curves = {}
    for day, step in steps.items():
        standing, total = [0] * LEADS, step[LEADS]
        for lead in range(LEADS - 1, -1, -1):
            total += step[lead]
            standing[lead] = total
        found[day] = standing
    return found


def peers(known: Curves, day: date, before: date) -> list[list[int]]:
    """The curves of the last days of the same weekday that were over; of all weekdays, where too few were."""
    over = sorted((one for one in known if one < before), reverse=True)
    same = [known[one] for one in over if one.weekday() == day.weekday()][:PEERS]
    return same if len(same) >= PEERS_MIN else [known[one] for one in over[: 7 * PEERS_MIN]]


def forecast(known: Curves, day: date, today: date, capacity: int) -> Forecast:
    """What `day` will come to, as of the end of `today`, by what was known then."""
    lead = max(0, (day - today).days)
    booked = known[day][min(lead, LEADS - 1)] if day in known else 0
    alike = peers(known, day, today)
    if len(alike) < PEERS_MIN:
        return Forecast(day, lead, booked, booked, None, None, capacity)
    at = min(lead, LEADS - 1)
    usual = sum(curve[0] for curve in alike) / len(alike)
    then = sum(curve[at] for curve in alike) / len(alike)
    pace = min(PACE_MAX, max(PACE_MIN, booked / then)) if then >= PACE_FROM else None
    expected = round(booked + max(0.0, usual - then) * (pace or 1.0))
    expected = max(booked, min(expected, capacity) if capacity else expected)
    return Forecast(day, lead, booked, expected, round(usual), pace, capacity)


def backtest(known: Curves, today: date, capacities: Mapping[date, int]) -> list[Error]:
    """The forecast of each of the last days, as it would have been made so many days before, against what came."""
    tested = [today - timedelta(days=n) for n in range(1, TESTED_DAYS + 1)]
    found = []
    for lead in TESTED_LEADS:
        errors, naive = [], []
        for day in tested:
            came = known[day][0] if day in known else 0
            made = forecast(known, day, day - timedelta(days=lead), capacities.get(day, 0))
            if came > 0 and made.usual is not None:
                errors.append(abs(made.expected - came) / came)
                naive.append(abs(made.usual - came) / came)
        percent = [round(100 * sum(one) / len(one), 1) if one else None for one in (errors, naive)]
        found.append(Error(lead, percent[0], percent[1], len(errors)))
    return found


def typical(known: Curves, days: Iterable[date]) -> list[float | None]:
    """How much of what such days came to stood so many days before, in percent: the pooled share."""
    those = [known[day] for day in days if day in known and known[day][0] > 0]
    total = sum(curve[0] for curve in those)
    return [100 * sum(curve[lead] for curve in those) / total if total else None for lead in range(LEADS)]


def suggestions(slots: Sequence[SlotDay], missing: float | None = None) -> list[Suggestion]:
    """What the past days of a venue suggest: times that are regularly full or empty, on working days and at weekends apart.

    Where one time of a product is full and another of it is empty, places may be shifted. `missing`: the part that did not come.
    """
    groups: dict[tuple[str, str, bool], list[SlotDay]] = defaultdict(list)
    for slot in slots:
        if slot.capacity and slot.state != "closed":
            groups[slot.product_id, slot.code, slot.date.weekday() >= 5].append(slot)
    found = []
    for (_product, _code, weekend), days in groups.items():
        if len(days) < ENOUGH_DAYS:
            continue
        load = sum(day.sold for day in days) / sum(day.capacity for day in days)
        full = sum((day.load or 0) >= FULL for day in days)
        empty = sum((day.load or 0) < EMPTY for day in days)
        waited = sum(day.waited for day in days)
        last = days[-1]
        kind, hits = ("full", full) if full / len(days) >= OFTEN else ("empty", empty)
        if hits / len(days) >= OFTEN:
            found.append(
                Suggestion(kind, last.starts, last.slot_name, weekend, len(days), hits, load, waited, last.product_id)
            )
    shifts = [
        msgspec.structs.replace(one, kind="shift", other=other.starts)
        for one in found
        for other in found
        if (one.kind, other.kind) == ("full", "empty")
        and (one.product_id, one.weekend) == (other.product_id, other.weekend)
    ]
    moved = {(one.product_id, starts, one.weekend) for one in shifts for starts in (one.starts, one.other)}
    kept = [one for one in found if (one.product_id, one.starts, one.weekend) not in moved]
    absent = [Suggestion("missing", load=missing)] if missing is not None and missing >= MISSING else []
    return shifts + sorted(kept, key=lambda one: (one.kind != "full", -one.hits / one.days)) + absent
