"""Rollouts: a new version of an adapter goes shadow → canary → primary, and trips back by itself.

Shadow: it answers questions beside the old one, and only its answers are compared. Canary: a stable share of payments.
Primary: all. A trip sends new attempts to the old version at once, without a deployment; attempts under way keep the
version they began with. What was intended and that it tripped are kept apart: automation never rewrites the intention.
"""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from holdfast.kit import audit, clock, log
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import Invalid, Unavailable

from . import channels, health_store
from .health_store import Rollout
from .model import Attempt, Key
from .providers.base import CallRecord, Observation

MODES = ("off", "shadow", "canary", "primary")
SHADOWS = 125
SHADOWS_MIN, SHADOWS_DIFFER = 20, 0.02


class RolloutImpossible(Invalid):
    """This version cannot be rolled out like that."""

    safe = "Nothing was changed."
    next_step = "Name a version that the adapter has, a mode (off, shadow, canary, primary) and a share from 1 to 100."


def bucket(salt: str, of: UUID) -> int:
    """A stable number from 0 to 99: the same payment falls on the same side every time."""
    return int.from_bytes(sha256(f"{salt}:{of}".encode()).digest()[:4], "big") % 100


def serves(rollout: Rollout | None, intent_id: UUID) -> bool:
    """Whether the new version serves this payment."""
    if rollout is None or rollout.tripped_at is not None:
        return False
    if rollout.mode == "primary":
        return True
    return rollout.mode == "canary" and bucket(rollout.version, intent_id) < rollout.percent


def version_for(rollout: Rollout | None, provider: str, intent_id: UUID) -> str:
    """The version that a new attempt uses."""
    if rollout is None:
        return channels.VERSIONS[provider][0]
    return rollout.version if serves(rollout, intent_id) else rollout.baseline


async def change(tx: Tx, actor: Actor, provider: str, version: str, mode: str, percent: int, reason: str) -> None:
    """Sets how a new version serves; also how a trip is cleared. RolloutImpossible names what does not fit."""
    known = channels.VERSIONS.get(provider, ())
    if version not in known or mode not in MODES or not 0 <= percent <= 100 or (mode == "canary" and percent == 0):
        raise RolloutImpossible(provider=provider, versions=list(known), modes=list(MODES))
    baseline = next((one for one in known if one != version), version)
    if baseline == version:
        raise RolloutImpossible(provider=provider, versions=list(known), modes=list(MODES))
    await health_store.set_rollout(
        tx, provider=provider, version=version, baseline=baseline, mode=mode, percent=percent, by=str(actor),
        reason=reason, at=clock.now(),
    )  # fmt: skip
    await audit.record(
        tx, actor, "payments.rollout", provider, version=version, mode=mode, percent=percent, reason=reason
    )


async def trip_if_new(tx: Tx, key: Key, reason: str) -> None:
    """A channel of a new version is not well: nobody is sent there any more."""
    if await health_store.trip_rollout(tx, key.provider, key.version, clock.now(), f"{key.operation}: {reason}"):
        log.get().error("rollout.tripped", channel=str(key), reason=reason)


async def shadow(db: Db, attempt: Attempt, served: Observation) -> None:
    """Asks the new version what the old one was just asked, and keeps whether both saw the same. Changes no payment."""
    rollout = await db.read(health_store.rollout, attempt.provider)
    if rollout is None or rollout.mode != "shadow" or rollout.tripped_at or attempt.adapter_version != rollout.baseline:
        return
    try:
        adapter = await channels.current().get(attempt.provider, rollout.version)
        seen, call = await adapter.query(attempt.merchant_ref, attempt.provider_ref)
    except Unavailable:
        return
    await db.run(_compare, rollout, attempt, served, seen)
    key = Key(attempt.provider, attempt.method, rollout.version, "query")
    await db.run(_note, key, call)


async def _note(tx: Tx, key: Key, call: CallRecord) -> None:
    await health_store.insert_call(tx, call, provider=key.provider, method=key.method, version=key.version)


async def _compare(tx: Tx, rollout: Rollout, attempt: Attempt, served: Observation, seen: Observation) -> None:
    ours, theirs = _essence(served), _essence(seen)
    await health_store.insert_shadow(
        tx, provider=attempt.provider, version=rollout.version, attempt_id=attempt.id, same=ours == theirs, served=ours,
        shadowed=theirs, at=clock.now(),
    )  # fmt: skip
    window = await health_store.shadow_window(tx, attempt.provider, rollout.version, SHADOWS)
    if len(window) >= SHADOWS_MIN and window.count(False) / len(window) > SHADOWS_DIFFER:
        key = Key(attempt.provider, attempt.method, rollout.version, "query")
        await trip_if_new(tx, key, f"{window.count(False)} of {len(window)} answers differ")


def _essence(seen: Observation) -> str:
    """What must be the same in both versions' eyes."""
    return f"{seen.state} {seen.amount_minor} {seen.currency} {seen.provider_txn}"
