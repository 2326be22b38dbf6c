"""The channels at a glance: how each is, and what its last calls say; for people who ask now."""

from __future__ import annotations

from datetime import datetime

import msgspec

from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import channels, health, health_store
from .health import ChannelState
from .health_store import Outcome, Rollout, Switch
from .model import Key


class ChannelHealth(msgspec.Struct, frozen=True):
    """One operation of one way to pay through one version: its state, and its last calls (at most 125 of 15 minutes)."""

    provider: str
    method: str
    version: str
    operation: str
    state: str
    """healthy, degraded, returning or down."""
    since: datetime | None
    """None: never anything but healthy."""
    reason: str
    share: int
    """To how many of a hundred payers it is offered."""
    calls: int
    failed: int
    p95_ms: int | None


class Overview(msgspec.Struct, frozen=True):
    """All channels that were used of late or are not healthy, and what staff have set."""

    channels: list[ChannelHealth]
    switches: list[Switch]
    rollouts: list[Rollout]


def p95(calls: list[Outcome]) -> int | None:
    """The time within which 95 of 100 calls were answered; None without calls."""
    ordered = sorted(call.elapsed_ms for call in calls)
    return ordered[-(-len(ordered) * 95 // 100) - 1] if ordered else None


async def look(tx: ReadTx) -> Overview:
    """How the channels are now. A way to pay that nobody has used is listed as healthy, without calls."""
    now = clock.now()
    since = now - health.WINDOW_TIME
    rows = {row.key: row for row in await health_store.channels(tx)}
    usual = {
        Key(provider, method, channels.VERSIONS[provider][0], "create")
        for provider in channels.configured()
        for method in channels.METHODS[provider]
    }
    found = []
    for key in sorted(usual | set(rows) | set(await health_store.active(tx, since)), key=str):
        row = rows.get(key)
        calls = await health_store.window(tx, key, since, health.WINDOW)
        found.append(
            ChannelHealth(
                provider=key.provider,
                method=key.method,
                version=key.version,
                operation=key.operation,
                state=row.state if row else ChannelState.HEALTHY,
                since=row.since if row else None,
                reason=row.reason if row else "",
                share=row.share if row else 100,
                calls=len(calls),
                failed=sum(health.is_failure(call.outcome_class) for call in calls),
                p95_ms=p95(calls),
            )
        )
    return Overview(found, await health_store.switches(tx, now), await health_store.rollouts(tx))
