"""Expiry: holds that nobody paid give their places back, but only after the payment provider was asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from holdfast import payments
from holdfast.kit import clock, faults, log
from holdfast.kit.actor import system
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import Unavailable

from . import messages, news, store
from .model import State

SWEPT = faults.declare("orders.expire.before_commit", "holds are released, not yet committed")
DOUBT_EXTENSION = timedelta(minutes=1)
BATCH = 500
AT_ONCE = 20
_ACTOR = str(system("expiry"))


async def sweep(db: Db) -> int:
    """Ends the holds whose time is over; how many orders were looked at. Those with a payment are asked about first."""
    looked_at = 0
    while True:
        count, to_ask = await db.run(_expire_unstarted)
        looked_at += count
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(_end(db, gate, order_id, intent_id) for order_id, intent_id in to_ask))
        if count < BATCH:
            return looked_at


async def _expire_unstarted(tx: Tx) -> tuple[int, list[tuple[UUID, UUID]]]:
    """Releases holds without any payment, set-based; the others are pushed back a minute and returned to be asked about."""
    now = clock.now()
    rows = await store.expired_unpaid(tx, now, BATCH)
    plain = [row for row in rows if row.intent_id is None]
    started = [(row.id, row.intent_id) for row in rows if row.intent_id is not None]
    if plain:
        await store.expire_many(tx, [row.id for row in plain], now, _ACTOR)
        await news.tell(tx, plain, State.EXPIRED)
    if started:
        await store.postpone_expiry(tx, [order_id for order_id, _ in started], now + DOUBT_EXTENSION)
    faults.point(SWEPT)
    return len(rows), started


async def _end(db: Db, gate: asyncio.Semaphore, order_id: UUID, intent_id: UUID) -> None:
    """Asks the provider, then lets the order go, or keeps it: paid, or still in doubt."""
    try:
        async with gate:
            settlement = await payments.settle(db, intent_id)
    except Unavailable as reason:  # the order is due again in a minute; the others must not wait for it
        log.get().warning("expiry.postponed", order_id=str(order_id), reason=reason.code)
        return
    if settlement is payments.Settlement.OVER:
        await db.run(_expire, order_id)
    elif settlement is payments.Settlement.IN_DOUBT:
        await db.run(_note_doubt, order_id)


async def _expire(tx: Tx, order_id: UUID) -> None:
    row = await store.locked(tx, order_id)
    if row is not None and row.state is State.AWAITING_PAYMENT:
        await store.expire_many(tx, [order_id], clock.now(), _ACTOR)
        await news.tell(tx, [row], State.EXPIRED)
        await messages.tell(tx, row, "order-expired")


async def _note_doubt(tx: Tx, order_id: UUID) -> None:
    """The hold is longer because the outcome is unknown; said once in the order's story."""
    row = await store.locked(tx, order_id)
    if row is None or row.state is not State.AWAITING_PAYMENT:
        return
    if not any(event.kind == "payment_in_doubt" for event in await store.events(tx, order_id)):
        await store.add_event(tx, order_id, "payment_in_doubt", clock.now(), _ACTOR, {})
