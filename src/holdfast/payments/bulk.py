"""Bulk resolution: after an outage, the bill of a past day answers for hundreds of payments that would each be a question.

Only open attempts that stand in a fetched bill are taken, the most valuable first; what no bill knows goes on being asked.
"""

from __future__ import annotations

import asyncio

import msgspec

from holdfast.kit import clock, log
from holdfast.kit.db import Db, ReadTx, Tx

from . import bills, bulk_store, channels, reconciliation_store, resolver
from .bulk_store import Told
from .observations import observe
from .reconciliation_inquiries import is_learnt, observation_of, outcome

BULK_MIN = 200
"""So many open attempts at once are resolved by bill, before single questions."""
ETA_MAX_S = 300.0
"""So are fewer, when asking about each would take longer than this."""
BATCH = 200
LANES = 4


class Bulk(msgspec.Struct, frozen=True):
    """How the bills help with a provider's backlog."""

    provider: str
    told: int
    """Open attempts that a fetched bill knows as paid: resolved without a question."""
    past: int
    """Open attempts of days whose bill is there: what of them it does not tell goes on being asked."""


async def progress(tx: ReadTx) -> list[Bulk]:
    """For each provider, how much of its backlog its bills can answer."""
    return [await _bulk(tx, name) for name in channels.METHODS]


async def _bulk(tx: ReadTx, provider: str) -> Bulk:
    last = await bulk_store.last_fetched(tx, provider)
    if last is None:
        return Bulk(provider, 0, 0)
    return Bulk(provider, *await bulk_store.counts(tx, provider, bills.window(provider, last)[1]))


async def resolve(db: Db) -> int:
    """Applies the bills to what is open, where there is much of it; how many attempts were resolved."""
    return sum([await _resolve(db, backlog) for backlog in await db.read(resolver.progress)])


async def _resolve(db: Db, backlog: resolver.Backlog) -> int:
    found = await db.read(_bulk, backlog.provider)
    is_slow = backlog.eta_s is None or backlog.eta_s > ETA_MAX_S
    if not found.told or (found.past < BULK_MIN and not is_slow):
        return 0
    return await apply(db, backlog.provider)


async def apply(db: Db, provider: str) -> int:
    """Takes over every payment that a fetched bill has and we do not, batch after batch; how many."""
    total = 0
    while told := await db.read(bulk_store.told, provider, BATCH):
        lanes = asyncio.Semaphore(LANES)
        done = await asyncio.gather(*(_one(db, one, lanes) for one in told))
        total += sum(done)
        if not all(done):  # what could not be taken over would come again at once: reconciliation notes it
            break
    if total:
        log.get().info("resolver.by_bill", provider=provider, resolved=total)
    return total


async def _one(db: Db, told: Told, lanes: asyncio.Semaphore) -> bool:
    async with lanes:
        return await db.run(_take_over, told)


async def _take_over(tx: Tx, told: Told) -> bool:
    attempt = await observe(tx, told.attempt_id, observation_of(told.row))
    if not is_learnt(attempt, told.row):
        return False
    await reconciliation_store.note_learnt(tx, told.row, attempt.id, clock.now(), outcome(attempt))
    return True
