"""The resolver: whatever is not final is asked about until it is, with ever longer pauses and a bounded pace."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from holdfast.kit import clock, log
from holdfast.kit.db import Db
from holdfast.kit.problems import Unavailable

from . import attempts, refunds, store

LEASE = timedelta(seconds=60)
AT_ONCE = 20


async def resolve(db: Db, limit: int = 200) -> int:
    """Asks about everything that is due; how many attempts and refunds were taken up."""
    now = clock.now()
    asked = await db.run(store.due_attempts, now, now + LEASE, limit)
    owed = await db.run(store.due_refunds, now, now + LEASE, limit)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(step: str, thing: UUID) -> None:
        async with gate:
            try:
                await (attempts.ask(db, thing) if step == "ask" else refunds.pursue(db, thing))
            except Unavailable as reason:  # comes again when its lease ends
                log.get().warning("resolver.postponed", step=step, id=str(thing), reason=reason.code)
            except Exception as error:  # so does this; one that breaks does not keep the others from being asked about
                log.get().error("resolver.failed", step=step, id=str(thing), exc_info=error)

    await asyncio.gather(*(one("ask", thing) for thing in asked), *(one("refund", thing) for thing in owed))
    return len(asked) + len(owed)
