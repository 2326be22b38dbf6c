"""The mass-lock breaker: when a way to sign in fails for everybody, nobody is restricted for it.

A verifier that a release broke fails for all; then failures say nothing about those who fail. Each way to sign in has a breaker,
kept in the database. It opens when fewer than half as many get in as usual at this hour (`attempts_model.fails_for_everybody`),
or when restrictions are being written faster than the cap. While it is open no failure counts against a credential and no
restriction is written; limits per network stay. It closes by itself when people get in again.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import msgspec

from holdfast import notices
from holdfast.kit import actor, audit, clock, log
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

from . import attempts_store, restrictions_store
from .attempts_model import TRIES_MIN, Method, Window, fails_for_everybody, has_recovered, normal_of
from .restrictions_model import Breaker, BreakerClosed

MINUTE, FIVE = timedelta(minutes=1), timedelta(minutes=5)
WEEK = timedelta(days=7, hours=1)
BY_HAND_REST = timedelta(minutes=10)
"""So long a breaker that somebody closed does not open by itself."""
SHARE_OF_TIME = 20
"""Looking through full windows takes at most a twentieth of the time; whether they can be full is asked after every failure."""
FAILS, FLOOD, RECOVERED, BY_HAND = (
    "fails-for-everybody",
    "too-many-restrictions",
    "people get in again",
    "closed by hand",
)
WATCH = actor.system("sign-in-breaker")
_due: dict[tuple[str, Method], float] = {}


async def consider(db: Db, method: Method) -> None:
    """Stands behind every failure: opens the breaker if the last minutes say so."""
    key = (db.url, method)
    if time.monotonic() < _due.get(key, 0):
        return
    started = time.monotonic()
    _due[key] = started + 5  # one look at a time
    looked = True
    try:
        looked = await db.run(judge, method)
    finally:
        now = time.monotonic()
        _due[key] = now + min(5.0, SHARE_OF_TIME * (now - started)) if looked else 0


async def judge(tx: Tx, method: Method) -> bool:
    """Opens a closed breaker, or closes an open one, by what happened since it last changed; false if it was too little to look at."""
    now = clock.now()
    known = await restrictions_store.breaker(tx, method)
    is_open = known is not None and known.is_open
    since = max(now - FIVE, known.changed_at) if known else now - FIVE
    if not is_open and not await attempts_store.has_tries(tx, method, since, TRIES_MIN):
        return False
    windows = await attempts_store.windows(tx, method, minute=max(now - MINUTE, since), five=since)
    normal = normal_of(await attempts_store.hours(tx, method, now - WEEK, now.hour))
    if known is not None and is_open:
        if any(has_recovered(window, normal, now - known.changed_at) for window in windows):
            await _close(tx, WATCH, method, RECOVERED, _evidence(windows[-1], normal), None)
        return True
    broken = next((window for window in windows if fails_for_everybody(window, normal)), None)
    if broken:
        await trip(tx, method, FAILS, _evidence(broken, normal))
    return True


def _evidence(window: Window, normal: float) -> dict[str, Any]:
    return {**msgspec.structs.asdict(window), "normal": round(normal, 4)}


async def is_open(tx: ReadTx, method: Method) -> bool:
    """Whether failures of this way say nothing about those who fail."""
    found = await restrictions_store.breaker(tx, method)
    return found is not None and found.is_open


async def states(tx: ReadTx) -> list[Breaker]:
    """The breakers that were ever open, with why and since when."""
    return await restrictions_store.breakers(tx)


async def troubled(tx: ReadTx) -> list[Method]:
    """The ways to sign in that are held to be broken, for pages that offer another."""
    return [Method(one.method) for one in await restrictions_store.breakers(tx) if one.is_open]


async def trip(tx: Tx, method: Method, reason: str, evidence: dict[str, Any]) -> None:
    """Opens the breaker: alarm, audit trail and an event, once."""
    if not await restrictions_store.open_breaker(tx, method, reason=reason, evidence=evidence, at=clock.now()):
        return
    log.get().error("sign_in.breaker_open", method=method.value, reason=reason, **evidence)
    await audit.record(tx, WATCH, "sign-in.breaker-open", f"sign-in:{method}", reason=reason, **evidence)
    await _publish(tx, method, "open", reason)


async def close(tx: Tx, actor: Actor, method: Method, *, reason: str) -> None:
    """Somebody knows better: closed, and left so for ten minutes. BreakerClosed."""
    if not await _close(tx, actor, method, BY_HAND, {"why": reason}, clock.now() + BY_HAND_REST):
        raise BreakerClosed


async def _close(
    tx: Tx, actor: Actor, method: Method, reason: str, evidence: dict[str, Any], rests_until: datetime | None
) -> bool:
    if not await restrictions_store.close_breaker(
        tx, method, reason=reason, evidence=evidence, at=clock.now(), rests_until=rests_until
    ):
        return False
    log.get().warning("sign_in.breaker_closed", method=method.value, reason=reason)
    await audit.record(tx, actor, "sign-in.breaker-closed", f"sign-in:{method}", reason=reason, **evidence)
    await _publish(tx, method, "closed", reason)
    return True


async def _publish(tx: Tx, method: Method, state: str, reason: str) -> None:
    data = {"method": method.value, "state": state, "reason": reason}
    await notices.publish(tx, "sign_in.breaker_changed", data, subject=f"sign-in:{method}")


async def watch(db: Db) -> None:
    """The timetable's look at every way; mostly to close what has recovered."""
    for method in Method:
        await db.run(judge, method)
