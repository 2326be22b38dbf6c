"""The resolver: whatever is not final is asked about until it is, at the pace that each provider allows.

Each provider has a token bucket (a fifth of what it documents, unless set otherwise) and its own lanes, so that one
that hangs delays no other. Most urgent first: in doubt and holding places, or somebody waiting; then what is open;
last what can hardly bring news. When a provider answers again after an outage, its doubts are due at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from holdfast.kit import clock, log, settings
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Unavailable

from . import attempts, channels, health_store, receipts, refunds, refunds_store, store
from .health import ChannelState

LEASE = timedelta(seconds=60)
LANES = 20
"""Questions under way at once, to each provider."""
RATES = {"wechatpay": 60.0, "alipay": 20.0, "stripe": 20.0}
"""Questions a second: a fifth of the documented limits (WeChat Pay 300, Alipay and Stripe about 100)."""
BURST_S = 2.0
QUIET_RATE = 2.0
"""Questions a second to a provider whose questions fail: enough to notice its return."""


class Backlog(msgspec.Struct, frozen=True):
    """What is open at one provider, and how long it will take."""

    provider: str
    in_doubt: int
    waiting: int
    """Shown to their payer and not paid yet: nothing is wrong with them."""
    refunds: int
    second_receipts: int
    oldest_doubt: datetime | None
    rate_per_s: float
    """What the plan allows now."""
    asked_last_minute: int
    state: str
    """How the provider's questions are answered: healthy, degraded, down, returning."""

    @property
    def eta_s(self) -> float | None:
        """Seconds until every doubt has been asked about once; None while the provider does not answer."""
        if self.state == ChannelState.DOWN:
            return None
        return (self.in_doubt + self.refunds + self.second_receipts) / self.rate_per_s


def rate_of(provider: str) -> float:
    """Questions a second that the plan allows: `HOLDFAST_RESOLVER_RATES`, else a fifth of what the provider documents."""
    given = dict(part.split("=", 1) for part in settings.current().resolver_rates.split(",") if "=" in part)
    return float(given.get(provider, RATES[provider]))


async def resolve(db: Db, provider: str = "") -> int:
    """One round: asks about what is due, as much as each provider's plan allows; how many things were taken up.

    With a name: at that provider alone. A round ends with its slowest question, so each provider has rounds of its own.
    """
    return sum(await asyncio.gather(*(_resolve(db, name) for name in ([provider] if provider else channels.METHODS))))


async def _resolve(db: Db, provider: str) -> int:
    down = await db.read(_questions_down, provider)
    rate = min(QUIET_RATE, rate_of(provider)) if down else rate_of(provider)
    doubts, owed, second = await db.run(_take, provider, rate)
    lanes = asyncio.Semaphore(LANES)

    async def one(step: Callable[[Db, UUID], Awaitable[object]], thing: UUID) -> None:
        async with lanes:
            try:
                await step(db, thing)
            except Unavailable as reason:  # comes again when its lease ends
                log.get().warning("resolver.postponed", step=step.__qualname__, id=str(thing), reason=reason.code)
            except Exception as error:  # so does this; one that breaks does not keep the others from being asked about
                log.get().error("resolver.failed", step=step.__qualname__, id=str(thing), exc_info=error)

    await asyncio.gather(
        *(one(attempts.ask, thing) for thing in doubts),
        *(one(refunds.pursue, thing) for thing in owed),
        *(one(receipts.ask, thing) for thing in second),
    )
    return len(doubts) + len(owed) + len(second)


async def _questions_down(tx: ReadTx, provider: str) -> bool:
    """Whether questions to a provider fail, by whatever method they were paid."""
    rows = [row for row in await health_store.channels(tx) if row.provider == provider and row.operation == "query"]
    return any(row.state == ChannelState.DOWN for row in rows)


async def _take(tx: Tx, provider: str, rate: float) -> tuple[list[UUID], list[UUID], list[UUID]]:
    """Due attempts, refunds and second receipts of a provider, within its plan. A third is kept for refunds while both wait."""
    now = clock.now()
    burst = max(rate * BURST_S, 1.0)
    allowed = await health_store.refill(tx, provider, rate, burst, now, int(burst))
    if allowed <= 0:
        return [], [], []
    lease = now + LEASE
    second = await refunds_store.due_receipts(tx, provider, now, lease, allowed)
    owed = await refunds_store.due_refunds(tx, provider, now, lease, max(1, (allowed - len(second)) // 3))
    left = allowed - len(second) - len(owed)
    doubts = await store.due_attempts(tx, provider, now, lease, left) if left > 0 else []
    left -= len(doubts)
    if left > 0:
        owed += await refunds_store.due_refunds(tx, provider, now, lease, left)
        unspent = allowed - len(second) - len(owed) - len(doubts)
        await health_store.give_back(tx, provider, unspent)
    return doubts, owed, second


async def progress(tx: ReadTx) -> list[Backlog]:
    """How much is open at each provider, how fast it is asked about, and when it will have been."""
    found = []
    for provider in channels.METHODS:
        state = ChannelState.DOWN if await _questions_down(tx, provider) else ChannelState.HEALTHY
        rate = min(QUIET_RATE, rate_of(provider)) if state is ChannelState.DOWN else rate_of(provider)
        counts = await store.backlog(tx, provider, clock.now() - timedelta(minutes=1))
        found.append(Backlog(provider=provider, rate_per_s=rate, state=state, **counts))
    return found
