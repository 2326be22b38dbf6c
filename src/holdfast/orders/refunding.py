"""Refunding: staff give back an order's money, part of it or all that is left. All of it ends the order."""

from __future__ import annotations

from uuid import UUID

from holdfast import payments
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Tx
from holdfast.kit.money import Money

from . import after_sale_store, cancellation, card_visits, invoices, messages, news, store
from .model import OrderRow, OrderUnknown, State, may_become


async def refund(tx: Tx, actor: Actor, intent_id: UUID, amount_minor: int | None, reason: str) -> UUID:
    """Gives back `amount_minor` of what an order was paid, or all that is left; the refund's id.

    When nothing is left of any of its payments, an order that was not used is cancelled and its places go back. RefundTooMuch names what is
    left; OrderUnknown when the payment is no order's.
    """
    order_id = await after_sale_store.of_any_intent(tx, intent_id)
    row = await store.locked(tx, order_id) if order_id else None
    if row is None:
        raise OrderUnknown
    before = await payments.left_minor(tx, intent_id)
    refund_id = await payments.give_back(tx, actor, intent_id, amount_minor, reason)
    after = await payments.left_minor(tx, intent_id)
    money = Money(before - after, row.currency)
    await store.add_event(
        tx, row.id, "refund_requested", clock.now(), str(actor), {"amount": str(money), "reason": reason}
    )
    await messages.tell(tx, row, "refund-begun", amount=str(money))
    await invoices.after_refund(tx, row)
    if row.state is State.CONFIRMED and not any(left for _intent, left in await cancellation.lefts(tx, row)):
        await _end(tx, actor, row)
    return refund_id


async def _end(tx: Tx, actor: Actor, row: OrderRow) -> None:
    assert may_become(row.state, State.CANCELLED)
    await store.set_state(tx, row.id, State.CANCELLED, expires_at=None, confirmed_at=None)
    await store.add_event(tx, row.id, "cancelled", clock.now(), str(actor), {"refunded": True})
    await card_visits.cancel_all(tx, actor, row.id)
    await cancellation.end_with(tx, row.id, actor)
    await store.release(tx, row.id)
    await news.tell(tx, [row], State.CANCELLED)
