"""The days after a drill: clocks move past the providers' bill times, promises and holds run out, bills are compared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from holdfast.kit import clock
from holdfast.kit.db import Db, ReadTx
from holdfast.kit.problems import Unavailable
from holdfast.payments import bills, channels, reconciliation

from . import store
from .instance import Instance
from .store import Open

DAYS_H = (36.0, 24.0)
"""First past the bill time of the day of the drill, wherever in it that was; then past that of what was mended since."""


class Reconciled(msgspec.Struct, frozen=True):
    """What the comparison with the bills gave."""

    days: int
    rows: int
    """Rows in the bills."""
    open: dict[str, int]
    """Kinds of differences that stand open, and how many."""
    mended: dict[str, int]
    """Kinds of differences that were settled by themselves."""


async def quiet(db: Db, limit_s: float, is_done: Callable[[Open], bool] = lambda now: now.is_quiet) -> float | None:
    """Waits until nothing is left to be done; seconds that took, None when it did not come to rest in time."""
    began = time.monotonic()
    calm = 0
    while time.monotonic() - began < limit_s:
        try:
            now = await db.read(store.still_open, clock.now())
        except Unavailable:
            now = None
        calm = calm + 1 if now is not None and is_done(now) else 0
        if calm == 2:
            return time.monotonic() - began
        await asyncio.sleep(0.5)
    return None


async def close(here: Instance, db: Db, limit_s: float) -> bool:
    """Lets the days pass; whether all came to rest: nothing can be paid any more, and every bill was compared."""
    rested = True
    for hours in DAYS_H:
        await asyncio.to_thread(_pass, here, hours)
        rested &= await quiet(db, limit_s, lambda now: now.is_quiet and not now.waiting) is not None
        rested &= await _until(lambda: db.read(_all_compared), limit_s)
    return rested


def _pass(here: Instance, hours: float) -> None:
    """Moves every clock, this process's too; the other processes get theirs by starting again."""
    here.advance(hours * 3600)
    clock.move(timedelta(hours=hours))
    for name in ("site", "worker"):
        here.restart(name)


async def _until(condition: Callable[[], Awaitable[bool]], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while not await condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.5)
    return True


async def _all_compared(tx: ReadTx) -> bool:
    """Whether the last bill that can be had of each provider was compared."""
    for provider in channels.METHODS:
        last = bills.last_ready(provider, clock.now())
        found = await reconciliation.calendar(tx, last, last, provider)
        if not found or any(
            one.state == "wanted" or (one.state == "fetched" and not one.reconciled_at) for one in found
        ):
            return False  # a day on which nothing happened has no bill
    return True


async def reconciled(db: Db) -> Reconciled:
    """What stands in the queue of differences."""
    async with db.reading() as tx:
        today = clock.now().date()
        days = await reconciliation.calendar(tx, today - timedelta(days=6), today + timedelta(days=1))
        stands = await reconciliation.open_counts(tx)
        settled = await reconciliation.queue(tx, state="resolved", limit=5000)
    found: dict[str, int] = {}
    for (provider, kind), count in stands.items():
        found[f"{provider} {kind}"] = count
    mended: dict[str, int] = {}
    for item in settled:
        mended[item.kind] = mended.get(item.kind, 0) + 1
    return Reconciled(days=len(days), rows=sum(one.row_count for one in days), open=found, mended=mended)
