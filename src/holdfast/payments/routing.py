"""Routing: which ways to pay are offered to whom, and which version of an adapter serves.

The payer picks the wallet, we cannot silently take another: routing orders, hides and explains. What does not answer is
not offered; when nothing answers, the least bad is, beside the promise to pay later.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import channels, health, health_store, rollouts
from .health import ChannelState
from .health_store import ChannelRow, Switch
from .model import DESK, ChannelResting, ChannelUnknown, Key

RANK = {ChannelState.HEALTHY: 0, ChannelState.RETURNING: 1, ChannelState.DEGRADED: 2, ChannelState.DOWN: 3}


class Offer(msgspec.Struct, frozen=True):
    """One way to pay, as one payer is shown it. `offered` false: `reason` says why, `since` when that began."""

    provider: str
    method: str
    version: str
    state: str
    """healthy, degraded, returning, down, or off (switched off by staff)."""
    offered: bool
    reason: str = ""
    since: datetime | None = None
    least_bad: bool = False
    """Nothing answers; this is the one that fails least."""


class Route(msgspec.Struct, frozen=True):
    """Where an attempt goes, and why: kept with the attempt."""

    provider: str
    method: str
    version: str
    why: dict[str, Any]


async def offers(tx: ReadTx, intent_id: UUID) -> list[Offer]:
    """All ways to pay of this installation for one payment, the best first. At least one is offered unless staff forbid all."""
    now = clock.now()
    rows = {row.key: row for row in await health_store.channels(tx)}
    switches = await health_store.switches(tx, now)
    found = []
    for provider in channels.configured():
        rollout = await health_store.rollout(tx, provider)
        version = rollouts.version_for(rollout, provider, intent_id)
        for method in channels.METHODS[provider]:
            if rollout and version != rollout.baseline and _is_down(rows, provider, method, version):
                version = rollout.baseline  # a new version that is not well serves nobody
            found.append(_offer(rows, switches, intent_id, provider, method, version))
    found.sort(
        key=lambda offer: (not offer.offered, RANK.get(ChannelState(offer.state), 4) if offer.state != "off" else 5)
    )
    if not any(offer.offered for offer in found):
        found = await _least_bad(tx, found)
    return found


def _judgement(rows: dict[Key, ChannelRow], provider: str, method: str, version: str) -> ChannelRow | None:
    """How a way to pay is: as its charges go; one that makes no call to begin, as the worst of what we hear of its provider."""
    other = channels.JUDGED_BY.get((provider, method))
    if other is None:
        return rows.get(Key(provider, method, version, "create"))
    heard = [rows.get(Key(provider, other, version, "create"))]
    heard += [rows.get(Key(provider, way, version, "query")) for way in (method, other)]
    known = [row for row in heard if row is not None]
    return max(known, key=lambda row: RANK[ChannelState(row.state)], default=None)


def _is_down(rows: dict[Key, ChannelRow], provider: str, method: str, version: str) -> bool:
    row = _judgement(rows, provider, method, version)
    return row is not None and row.state == ChannelState.DOWN


def _offer(
    rows: dict[Key, ChannelRow], switches: list[Switch], intent_id: UUID, provider: str, method: str, version: str
) -> Offer:
    off = next((one for one in switches if one.provider == provider and one.method in (None, method)), None)
    if off is not None:
        return Offer(provider, method, version, "off", offered=False, reason="switched-off", since=off.at)
    row = _judgement(rows, provider, method, version)
    if row is None or row.state == ChannelState.HEALTHY:
        return Offer(provider, method, version, ChannelState.HEALTHY, offered=True)
    offered = row.state == ChannelState.DEGRADED or (
        row.state == ChannelState.RETURNING and rollouts.bucket(f"return:{provider}", intent_id) < row.share
    )
    return Offer(provider, method, version, row.state, offered=offered, reason=row.reason, since=row.since)


async def _least_bad(tx: ReadTx, found: list[Offer]) -> list[Offer]:
    """Of what staff have not forbidden, the way whose last calls failed least."""
    shares = {}
    for offer in found:
        if offer.state == "off":
            continue
        method = channels.JUDGED_BY.get((offer.provider, offer.method), offer.method)
        key = Key(offer.provider, method, offer.version, "create")
        calls = await health_store.window(tx, key, clock.now() - health.WINDOW_TIME, 20)
        failed = [health.is_failure(call.outcome_class) for call in calls]
        shares[offer] = sum(failed) / len(failed) if failed else 0.0
    if not shares:
        return found
    best = min(shares, key=lambda offer: (RANK[ChannelState(offer.state)], shares[offer]))
    lifted = msgspec.structs.replace(best, offered=True, least_bad=True)
    return [lifted, *(offer for offer in found if offer != best)]


async def choose(tx: ReadTx, intent_id: UUID, provider: str, method: str) -> Route:
    """The route of a payer's choice; of an empty one, the best there is.

    ChannelUnknown for a way this installation has not; ChannelResting, with what is offered instead, for one that is down.
    """
    if provider == DESK:
        return Route(DESK, DESK, channels.VERSIONS[DESK][0], {"state": "healthy"})
    ways = await offers(tx, intent_id)
    offered = [offer for offer in ways if offer.offered]
    if not provider:
        wanted = [offer for offer in offered if method in ("", offer.method)]
        if not wanted:
            raise ChannelResting(offered=[], retry_after_s=health.PROBE_EVERY.seconds)
        chosen = wanted[0]
    else:
        named = [offer for offer in ways if offer.provider == provider and method in ("", offer.method)]
        if not named:
            raise ChannelUnknown(
                provider=provider, method=method, known=[f"{one.provider}/{one.method}" for one in ways]
            )
        chosen = named[0]
        if not chosen.offered:
            instead = [f"{offer.provider}/{offer.method}" for offer in offered]
            raise ChannelResting(
                provider=provider, method=chosen.method, offered=instead, retry_after_s=health.PROBE_EVERY.seconds
            )
    why = {
        "state": chosen.state,
        "least_bad": chosen.least_bad,
        "offered": [f"{o.provider}/{o.method}" for o in offered],
    }
    return Route(chosen.provider, chosen.method, chosen.version, why)


async def all_down(tx: ReadTx, intent_id: UUID) -> bool:
    """Whether no online way to pay answers, or staff have switched all off: the hour of the promise to pay."""
    return all(offer.least_bad or not offer.offered for offer in await offers(tx, intent_id))
