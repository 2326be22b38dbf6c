"""Cancellation of an order that is not paid, or was free: its places go back at once."""

from __future__ import annotations

from uuid import UUID

from holdfast import payments
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, Tx

from . import news, store
from .model import UNPAID, NotCancellable, Order, OrderUnknown, PaymentInDoubt, State, may_become


async def cancel(db: Db, actor: Actor, order: Order) -> None:
    """Cancels an order the caller has required. A started payment is closed at its provider first.

    PaymentInDoubt while the provider does not say whether money came; NotCancellable when it came, or is used or over.
    """
    settled = None
    while intent_id := await db.run(_cancel, actor, order.row.id, settled):
        settlement = await payments.settle(db, intent_id, payments.IntentState.CANCELLED)
        if settlement is payments.Settlement.PAID:
            raise NotCancellable(reason="paid")
        if settlement is payments.Settlement.IN_DOUBT:
            raise PaymentInDoubt
        settled = intent_id


async def _cancel(tx: Tx, actor: Actor, order_id: UUID, settled: UUID | None) -> UUID | None:
    """Cancels, or answers which payment must be settled first: one may have been started since the caller looked."""
    row = await store.locked(tx, order_id)
    if row is None:
        raise OrderUnknown
    if row.state is State.CANCELLED:
        return None
    if row.state is State.AWAITING_PAYMENT and row.intent_id != settled:
        return row.intent_id
    free = row.state is State.CONFIRMED and row.amount_minor == 0
    if free:
        lines = (await store.lines(tx, [order_id]))[order_id]
        free = all(line.starts_at > clock.now() for line in lines)
    if row.state not in UNPAID and not free:
        raise NotCancellable(state=row.state)
    assert may_become(row.state, State.CANCELLED)
    await store.set_state(tx, order_id, State.CANCELLED, expires_at=None, confirmed_at=None)
    await store.add_event(tx, order_id, "cancelled", clock.now(), str(actor), {})
    await store.release(tx, order_id)
    await news.tell(tx, [row], State.CANCELLED)
    return None
