"""Looking at what runs: money against the forecast and the line where it stops, how far each watch is from stopping it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import running_store as store
from .incidents_store import Granted
from .live import HOME, today
from .model import CampaignUnknown
from .running_store import Row

STEPS = 48
LONGEST, SHORTEST = timedelta(hours=24), timedelta(minutes=30)
SHOWN = 10


class Point(msgspec.Struct, frozen=True):
    """Sums since the picture begins, minor units: spent, forecast, and where the pace would stop it (None: not watched)."""

    at: datetime
    spent_minor: int
    forecast_minor: int | None
    stop_minor: int | None


class Watched(msgspec.Struct, frozen=True):
    """How far something is: `value` of `most`. `name`: share, size, pace (watches that stop it); stage, stage_count, budget,
    count, day (bounds that it stays within). Money in minor units."""

    name: str
    value: float
    most: float

    @property
    def part(self) -> float:
        """Between 0 and 1."""
        return min(1.0, max(0.0, self.value / self.most)) if self.most else 1.0


class Board(msgspec.Struct, frozen=True):
    """All that a look at a campaign shows."""

    row: Row
    points: list[Point]
    watches: list[Watched]
    bounds: list[Watched]
    last: list[Granted]


async def board(tx: ReadTx, campaign_id: str) -> Board:
    """How the newest version of a campaign does. CampaignUnknown when none was started."""
    row = await store.row(tx, campaign_id, today())
    if row is None:
        raise CampaignUnknown
    now = clock.now()
    until = now if row.is_live else min(now, row.state_since + timedelta(seconds=1))
    since = max(row.starts_at, until - LONGEST)
    since = min(since, until - SHORTEST)
    step = (until - since) / STEPS
    spent = await store.spending(tx, row.version_id, since, step.total_seconds())
    points = course(row, spent, since, step)
    return Board(row, points, watches(row, now), bounds(row), await store.grants(tx, row.version_id, SHOWN))


def course(row: Row, spent: dict[int, int], since: datetime, step: timedelta) -> list[Point]:
    """Sums over time, with the forecast and the line at which the bucket of the pace would be empty."""
    points = [Point(since, 0, 0 if row.pace_minor else None, row.pace_depth if row.pace_minor else None)]
    total, expected = 0, 0.0
    for n in range(STEPS):
        at = since + step * (n + 1)
        total += spent.get(n, 0)
        if row.pace_minor is not None and at > row.starts_at:
            expected += pace_per_s(row, since + step * (n + 0.5)) * step.total_seconds()
        points.append(
            Point(
                at, total, None if row.pace_minor is None else round(expected),
                None if row.pace_minor is None or row.pace_depth is None else round(row.pace_depth + row.pace_factor * expected),
            )
        )  # fmt: skip
    return points


def pace_per_s(row: Row, at: datetime) -> float:
    """Forecast of spending at a moment, minor units a second: as ``campaigns.pace_per_s`` in the database."""
    if row.pace_minor is None:
        return 0.0
    factors = [
        float(one["factor"])
        for one in row.pushes
        if datetime.fromisoformat(one["from"]) <= at < datetime.fromisoformat(one["until"])
    ]
    return row.pace_minor[(at + HOME).hour] / 3600 * max(factors, default=1.0)


def watches(row: Row, now: datetime) -> list[Watched]:
    """The watches, each between rest and its stop. Of the pace: how empty its bucket is, as it stands now."""
    found = []
    if row.share_limit is not None:
        found.append(Watched("share", row.share_sum, row.share_limit))
    if row.size_limit is not None:
        found.append(Watched("size", row.size_sum, row.size_limit))
    if row.pace_depth is not None:
        tokens = float(row.pace_depth) if row.tokens is None else row.tokens
        if row.tokens_at is not None and row.is_live:
            refilled = row.pace_factor * pace_per_s(row, now) * max(0.0, (now - row.tokens_at).total_seconds())
            tokens = min(float(row.pace_depth), tokens + refilled)
        found.append(Watched("pace", row.pace_depth - tokens, row.pace_depth))
    return found


def bounds(row: Row) -> list[Watched]:
    """What it stays within, the narrowest first."""
    wanted: Sequence[tuple[str, int, int | None]] = (
        ("stage", row.stage_used_minor, row.stage_minor),
        ("stage_count", row.stage_used_count, row.stage_count),
        ("day", row.day_used_minor, row.day_minor),
        ("count", row.used_count, row.budget_count),
        ("budget", row.used_minor, row.budget_minor),
    )
    return [Watched(name, used, most) for name, used, most in wanted if most is not None]
