"""Types and problems of backtests."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit import clock
from holdfast.kit.problems import Conflict

FRESH = timedelta(hours=24)
"""So long a backtest may be started upon."""


class Case(msgspec.Struct, frozen=True):
    """One recorded order: its list price and what it would have got.

    `stood`: what stood against it (an outcome of pricing, or ``envelope``); `missed`: tests of the conditions that did, with words.
    """

    number: str
    placed_at: datetime
    is_paid: bool
    list_minor: int
    discount_minor: int
    stood: str = ""
    missed: list[dict[str, Any]] = []

    @property
    def after_minor(self) -> int:
        return self.list_minor - self.discount_minor


class Day(msgspec.Struct, frozen=True):
    """A day in Shanghai: orders with a price, those that match, and what they would have got."""

    date: date
    orders: int
    matched: int
    minor: int


class Result(msgspec.Struct, frozen=True):
    """What a content would have done. Money in minor units; hours of a day in Shanghai.

    `share` of orders that match, of the `offered`: those placed at its weekdays and hours. `hourly_minor`: on the average day on
    which it is offered in that hour; `open_s`: for how many seconds of the hour then, empty when it is offered at all times.
    `limited`: orders that got nothing only because their person had used the benefit up. `unpaid`: of what matched, orders that were never paid.
    `outside`: orders whose discount the envelope forbids: each would have stopped the campaign. `stacked`: orders that would have
    got something from campaigns that run now as well; its cases show all discounts together.
    `per_person`: number of redemptions → people. `people_minor`: what a person gets: median, 90 and 99 of 100, the most.
    """

    orders: int
    matched: int
    limited: int
    unpaid: int
    share: float
    log_mean: float | None
    log_sd: float | None
    total_minor: int
    most_minor: int
    hourly_minor: list[int]
    peak_minute_minor: int
    days: list[Day]
    people: int
    per_person: list[tuple[int, int]]
    people_minor: list[int]
    extreme: list[Case]
    best: list[Case]
    nearest: list[Case]
    outside: int = 0
    outside_cases: list[Case] = []
    offered: int = 0
    open_s: list[int] = []
    stacked: int = 0
    stacked_cases: list[Case] = []

    @property
    def mean_minor(self) -> int:
        return round(self.total_minor / self.matched) if self.matched else 0

    @property
    def weeks(self) -> list[tuple[date, int]]:
        """Monday → minor units."""
        found: dict[date, int] = defaultdict(int)
        for day in self.days:
            found[day.date - timedelta(days=day.date.weekday())] += day.minor
        return sorted(found.items())


class Scope(msgspec.Struct, frozen=True):
    """What was tried: the orders of so many days, of one person in `sample`; dates moved by so many weeks; as if all had a code."""

    days: int
    sample: int = 1
    weeks_moved: int = 0
    with_code: bool = False


class Simulation(msgspec.Struct, frozen=True):
    """A backtest that was made: of which content, over which orders, by whom and when."""

    id: UUID
    content_hash: bytes
    dataset_hash: bytes
    engine: str
    scope: Scope
    from_at: datetime
    until_at: datetime
    orders: int
    result: Result
    result_hash: bytes
    made_by: str
    made_at: datetime

    @property
    def is_fresh(self) -> bool:
        """Whether it may still be started upon."""
        return clock.now() < self.made_at + FRESH


class BacktestMissing(Conflict):
    """This has not been tried on past orders yet."""

    safe = "Nothing was changed; the draft is kept."
    next_step = "Run the backtest first: it shows what the campaign would have done, and to whom."


class BacktestStale(Conflict):
    """The backtest is older than a day."""

    safe = "Nothing was changed."
    next_step = "Run the backtest again. What it shows then must be approved again."
