"""Backtests: what exactly a content would have done to recorded orders, kept by the hashes of content and data.

The orders themselves are read one domain above (`orders.backtest`): here stand the figures, how they are gathered, the forecast
that comes from them, and what is kept. `Tally` takes one order after the other, so that any number of them fits.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from holdfast.kit.db import ReadTx, Tx

from . import simulation_store as store
from .guards import Forecast
from .hours import Open
from .simulation_model import BacktestMissing, BacktestStale, Case, Day, Result, Simulation

ENGINE = "1"
"""Moves when the same content could give other figures for the same orders."""
HOME = ZoneInfo("Asia/Shanghai")
EXTREMES, BEST, NEAREST = 10, 5, 5
HOURS = 24


class Tally:
    """Gathers orders into a `Result`: figures as sums, cases as the few that are shown."""

    def __init__(self, first: date, last: date, opened: Open | None = None) -> None:
        """Orders of these days; `opened`: how long it is offered in each hour of them, None: at all times."""
        self._opened = opened
        self._days = {first + timedelta(days=n): [0, 0, 0] for n in range((last - first).days + 1)}
        self._hours = [0] * HOURS
        self._minutes: Counter[int] = Counter()
        self._count = self._offered = self._matched = self._limited = self._unpaid = 0
        self._log_sum = self._log_squares = 0.0
        self._given = 0
        self._people: dict[UUID, list[int]] = {}
        self._extreme: list[tuple[int, int, Case]] = []
        self._best: list[tuple[int, int, Case]] = []
        self._nearest: list[tuple[int, int, Case]] = []
        self._outside: list[tuple[int, int, Case]] = []
        self._stacked: list[tuple[int, int, Case]] = []
        self._outside_count = self._stacked_count = 0

    def used_by(self, person: UUID) -> int:
        """So often a person would have got it until now."""
        return self._people.get(person, [0, 0])[0]

    def add(self, case: Case, person: UUID, *, matches: bool, is_limited: bool, is_offered: bool = True) -> None:
        """One order with a price, in the order of time. `is_limited`: the person had it often enough, so it is not granted;
        `is_offered`: it was placed at a weekday and an hour at which it is offered."""
        self._count += 1
        self._offered += is_offered
        local = case.placed_at.astimezone(HOME)
        day = self._days.setdefault(local.date(), [0, 0, 0])
        day[0] += 1
        if is_limited:
            self._limited += 1
            return
        if not matches:
            self._keep(self._nearest, NEAREST, -len(case.missed), case)
            return
        self._matched += 1
        day[1] += 1
        self._unpaid += not case.is_paid
        amount = case.discount_minor
        day[2] += amount
        self._hours[local.hour] += amount
        self._minutes[int(case.placed_at.timestamp()) // 60] += amount
        had = self._people.setdefault(person, [0, 0])
        had[0] += 1
        had[1] += amount
        if amount > 0:
            self._given += 1
            self._log_sum += math.log(amount)
            self._log_squares += math.log(amount) ** 2
        self._keep(self._extreme, EXTREMES, amount, case)
        self._keep(self._best, BEST, case.list_minor, case)

    def note_outside(self, case: Case) -> None:
        """The envelope forbids what this order would have got."""
        self._outside_count += 1
        self._keep(self._outside, BEST, case.discount_minor, case)

    def note_stacked(self, case: Case) -> None:
        """Others that run now would have given something as well; the case has all of it."""
        self._stacked_count += 1
        share = case.discount_minor * 10_000 // case.list_minor if case.list_minor else 0
        self._keep(self._stacked, BEST, share, case)

    def _keep(self, kept: list[tuple[int, int, Case]], most: int, weight: int, case: Case) -> None:
        """The heaviest few; of equals, the later ones."""
        entry = (weight, self._count, case)
        if len(kept) < most:
            heapq.heappush(kept, entry)
        elif kept[0] < entry:
            heapq.heapreplace(kept, entry)

    def result(self) -> Result:
        """The figures of all that was added."""
        mean = self._log_sum / self._given if self._given else None
        spread = None
        if mean is not None:
            spread = math.sqrt(max(0.0, self._log_squares / self._given - mean**2))
        money = sorted(minor for _times, minor in self._people.values())
        days = [len(self._days)] * HOURS if self._opened is None else self._opened.days
        return Result(
            orders=self._count, matched=self._matched, limited=self._limited, unpaid=self._unpaid,
            share=self._matched / self._offered if self._offered else 0.0, log_mean=mean, log_sd=spread,
            total_minor=sum(self._hours), most_minor=max((weight for weight, _n, _case in self._extreme), default=0),
            hourly_minor=[round(minor / max(1, on)) for minor, on in zip(self._hours, days, strict=True)],
            peak_minute_minor=max(self._minutes.values(), default=0),
            days=[Day(at, *figures) for at, figures in sorted(self._days.items())], people=len(self._people),
            per_person=sorted(Counter(times for times, _minor in self._people.values()).items()),
            people_minor=[_quantile(money, share) for share in (0.5, 0.9, 0.99, 1.0)] if money else [],
            extreme=_heaviest(self._extreme), best=_heaviest(self._best), nearest=_heaviest(self._nearest),
            offered=self._offered, open_s=[] if self._opened is None else self._opened.seconds,
            outside=self._outside_count, outside_cases=_heaviest(self._outside), stacked=self._stacked_count,
            stacked_cases=_heaviest(self._stacked),
        )  # fmt: skip


def _heaviest(kept: list[tuple[int, int, Case]]) -> list[Case]:
    return [case for _weight, _n, case in sorted(kept, key=lambda one: one[:2], reverse=True)]


def _quantile(ordered: list[int], share: float) -> int:
    """The smallest value that at least this share of all does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def forecast(result: Result, *, share_bp: int | None, cap_minor: int, sample: int = 1) -> Forecast:
    """What to expect from now on: the past, or as many orders as were declared (`share_bp` of those placed while it is offered),
    money in proportion.

    `cap_minor`: the most one order gets; `sample`: the figures are of one person in so many.
    """
    share = result.share if share_bp is None else share_bp / 10_000
    times = sample * (share / result.share if result.share else 0.0)
    hourly = [round(minor * times) for minor in result.hourly_minor]
    return Forecast(share, result.log_mean, result.log_sd, hourly, cap_minor, result.open_s)


async def keep(tx: Tx, made: Simulation) -> None:
    """Writes a backtest down."""
    await store.insert(tx, made)


async def latest(tx: ReadTx, content_hash: bytes) -> Simulation | None:
    """The newest backtest of a content; None when there is none."""
    return await store.latest(tx, content_hash)


async def require(tx: ReadTx, content_hash: bytes) -> Simulation:
    """The newest backtest of a content, less than a day old. BacktestMissing, BacktestStale."""
    found = await store.latest(tx, content_hash)
    if found is None:
        raise BacktestMissing
    if not found.is_fresh:
        raise BacktestStale(made_at=found.made_at)
    return found


async def of_hash(tx: ReadTx, result_hash: bytes) -> Simulation:
    """The backtest that an approval rests on. BacktestMissing."""
    found = await store.of_hash(tx, result_hash)
    if found is None:
        raise BacktestMissing
    return found
