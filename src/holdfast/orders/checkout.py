"""Checkout: from a held order to a payment under way."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from holdfast import payments
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, Tx
from holdfast.kit.i18n import pick
from holdfast.kit.money import Money

from . import store
from .model import UNPAID, NotPayable, Order, OrderUnknown, State

TIME_TO_PAY = timedelta(minutes=10)
"""At least this long after the payment is started; a hold is extended for it once."""


async def pay(db: Db, actor: Actor, order: Order) -> payments.PaymentView:
    """Starts the payment of an order the caller has required, or finds the one under way.

    NotPayable when the order is paid, over, or free. The view tells what the provider answered; an unknown answer is
    not an error: the resolver asks on.
    """
    intent_id = await db.run(_begin, actor, order.row.id)
    try:
        await payments.pay(db, intent_id)
    except payments.IntentOver as over:
        raise NotPayable from over
    return await db.read(payments.view, intent_id)


async def _begin(tx: Tx, actor: Actor, order_id: UUID) -> UUID:
    row = await store.locked(tx, order_id)
    if row is None:
        raise OrderUnknown
    now = clock.now()
    if row.state not in UNPAID or row.expires_at is None or row.expires_at <= now:
        raise NotPayable(state=row.state)
    if row.intent_id is not None:
        return row.intent_id
    expires_at = max(row.expires_at, now + TIME_TO_PAY)
    lines = (await store.lines(tx, [order_id]))[order_id]
    description = f"{pick(lines[0].venue_name, row.locale)} {row.number}"
    intent_id = await payments.want(
        tx, f"order:{order_id}", Money(row.amount_minor, row.currency), description, expires_at
    )
    await store.set_intent(tx, order_id, intent_id)
    await store.set_state(tx, order_id, State.AWAITING_PAYMENT, expires_at=expires_at, confirmed_at=None)
    await store.add_event(tx, order_id, "payment_started", now, str(actor), {})
    return intent_id
