"""Watching: how each channel and the resolver have done in the last hour, minute by minute, for people who look at it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import channels, health, health_store, resolver, routing, watching_store
from .health import ChannelState
from .health_store import ChannelRow, Rollout, Switch
from .model import Key
from .resolver import Backlog
from .watching_store import Asked, ChannelEvent, Due, ErrorCount, Funnel, Minute

__all__ = [
    "Board", "ChannelEvent", "Due", "ErrorCount", "Funnel", "Hour", "Lane", "Minute", "Queue", "board", "differing", "errors", "events", "not_well",
    "queues",
]  # fmt: skip
MINUTES = 60
FUNNEL_TIME = timedelta(hours=3)
EVENTS_TIME = timedelta(days=1)
EVENTS_MAX, ERRORS_MAX, DUE_MAX = 100, 40, 6


class Hour(msgspec.Struct, frozen=True):
    """One channel's calls in each of the last 60 minutes, the oldest first; the present minute is the last."""

    since: datetime
    calls: list[int]
    failed: list[int]
    p95_ms: list[int | None]
    """None in a minute without a call."""

    @property
    def worst_ms(self) -> int | None:
        """The p95 of the slowest minute."""
        return max((one for one in self.p95_ms if one is not None), default=None)


class Lane(msgspec.Struct, frozen=True):
    """One way to pay through one version of its adapter: how it is now, and how its calls went."""

    provider: str
    method: str
    version: str
    state: str
    """healthy, degraded, down, returning, or off (switched off by staff)."""
    since: datetime | None
    reason: str
    share: int
    """To how many of a hundred payers it is offered by its own health; 0 while it is off."""
    serves: int
    """To how many of a hundred payments this version is given."""
    switch: Switch | None
    others: list[ChannelRow]
    """Its other operations that are not well."""
    hour: Hour
    funnel: Funnel | None


class Board(msgspec.Struct, frozen=True):
    """All channels of this installation at one moment."""

    at: datetime
    lanes: list[Lane]
    switches: list[Switch]
    rollouts: list[Rollout]


class Queue(msgspec.Struct, frozen=True):
    """What is open at one provider, how that and the questions went in the last hour, and whom it is asked about next."""

    backlog: Backlog
    since: datetime
    doubts: list[int]
    """How many were in doubt at the end of each minute."""
    asked: list[int]
    """Questions asked in each minute."""
    due: list[Due]


async def board(tx: ReadTx) -> Board:
    """How everything is now."""
    now = clock.now()
    rows = await health_store.channels(tx)
    switches = await health_store.switches(tx, now)
    rollouts = {one.provider: one for one in await health_store.rollouts(tx)}
    hours = by_channel(await watching_store.minutes(tx, _since(now), sorted(health.FAILURES)), now)
    funnels = {
        (one.provider, one.method, one.version): one for one in await watching_store.funnels(tx, now - FUNNEL_TIME)
    }
    lanes = []
    for provider in channels.configured():
        for version in channels.VERSIONS[provider]:
            serves = serves_of(rollouts.get(provider), provider, version)
            for method in channels.METHODS[provider]:
                name = (provider, method, version)
                if not serves and name not in hours and name not in funnels:
                    continue
                lanes.append(_lane(rows, switches, name, serves, hours.get(name) or _empty(now), funnels.get(name)))
    return Board(now, lanes, switches, list(rollouts.values()))


def _lane(
    rows: list[ChannelRow], switches: list[Switch], name: tuple[str, str, str], serves: int, hour: Hour, funnel: Funnel | None
) -> Lane:  # fmt: skip
    provider, method, version = name
    mine = {row.operation: row for row in rows if row.key == Key(provider, method, version, row.operation)}
    row = mine.pop("create", None)
    off = next((one for one in switches if one.provider == provider and one.method in (None, method)), None)
    state = "off" if off else row.state if row else str(ChannelState.HEALTHY)
    share = 0 if off else row.share if row else 100
    return Lane(
        provider=provider, method=method, version=version, state=state, share=share, serves=serves, switch=off,
        since=off.at if off else row.since if row else None, reason=off.reason if off else row.reason if row else "",
        others=[one for one in mine.values() if one.state != ChannelState.HEALTHY], hour=hour, funnel=funnel,
    )  # fmt: skip


def serves_of(rollout: Rollout | None, provider: str, version: str) -> int:
    """To how many of a hundred new payments a version is given."""
    if rollout is None:
        return 100 if version == channels.VERSIONS[provider][0] else 0
    new = 0 if rollout.tripped_at else {"primary": 100, "canary": rollout.percent}.get(rollout.mode, 0)
    return {rollout.version: new, rollout.baseline: 100 - new}.get(version, 0)


def by_channel(found: Iterable[Minute], now: datetime) -> dict[tuple[str, str, str], Hour]:
    """Minutes by channel, each at its place; minutes without calls are there too."""
    since = _since(now)
    hours: dict[tuple[str, str, str], Hour] = defaultdict(lambda: _empty(now))
    for one in found:
        at = place(since, one.minute)
        if at is not None:
            hour = hours[one.provider, one.method, one.version]
            hour.calls[at], hour.failed[at], hour.p95_ms[at] = one.calls, one.failed, one.p95_ms
    return dict(hours)


def _empty(now: datetime) -> Hour:
    return Hour(_since(now), [0] * MINUTES, [0] * MINUTES, [None] * MINUTES)


def _since(now: datetime) -> datetime:
    """The begin of the oldest of the last 60 minutes."""
    return now.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)


def place(since: datetime, minute: datetime) -> int | None:
    """Which of the 60 minutes it is; None for one outside."""
    at = int((minute - since).total_seconds() // 60)
    return at if 0 <= at < MINUTES else None


async def errors(tx: ReadTx, provider: str) -> list[ErrorCount]:
    """The error codes of the last hour, the most frequent first."""
    return await watching_store.errors(tx, _since(clock.now()), provider, ERRORS_MAX)


async def differing(tx: ReadTx, rollout: Rollout, limit: int) -> tuple[int, int]:
    """Of the last answers of a new version beside the old one: how many, and how many said something else."""
    return await watching_store.shadows(tx, rollout.provider, rollout.version, limit)


async def events(tx: ReadTx) -> list[ChannelEvent]:
    """How channels changed in the last day, newest first."""
    return await watching_store.events(tx, clock.now() - EVENTS_TIME, EVENTS_MAX)


async def queues(tx: ReadTx) -> list[Queue]:
    """For each provider of this installation: what is open, and how the work on it goes."""
    now = clock.now()
    happened = await watching_store.asked(tx, _since(now))
    configured = channels.configured()
    return [
        _queue(backlog, [one for one in happened if one.provider == backlog.provider], now,
               await watching_store.due(tx, backlog.provider, DUE_MAX))
        for backlog in await resolver.progress(tx) if backlog.provider in configured
    ]  # fmt: skip


def _queue(backlog: Backlog, happened: list[Asked], now: datetime, due: list[Due]) -> Queue:
    since = _since(now)
    asked, more = [0] * MINUTES, [0] * MINUTES
    for one in happened:
        at = place(since, one.minute)
        if at is not None:
            asked[at], more[at] = one.asked, one.more
    return Queue(backlog, since, backwards(backlog.in_doubt, more), asked, due)


def backwards(last: int, more: list[int]) -> list[int]:
    """The levels at the end of each step, from the last level and what each step added."""
    levels, level = [], last
    for step in reversed(more):
        levels.append(max(0, level))
        level -= step
    return levels[::-1]


async def not_well(tx: ReadTx) -> int:
    """How many ways to pay are down, degraded, returning or switched off."""
    now = clock.now()
    known = {(p, m) for p in channels.configured() for m in channels.METHODS[p]}
    off = {
        (one.provider, method)
        for one in await health_store.switches(tx, now)
        for method in channels.METHODS.get(one.provider, ())
        if one.method in (None, method)
    }
    ill = {
        (row.provider, row.method) for row in await health_store.channels(tx)
        if row.operation == "create" and row.state in routing.RANK and row.state != ChannelState.HEALTHY
    }  # fmt: skip
    return len((off | ill) & known)
