"""Checkout: from a held order to a payment under way, or to a promise to pay when no way to pay answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from holdfast import payments
from holdfast.kit import clock, jobs
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, Tx, lock
from holdfast.kit.i18n import pick
from holdfast.kit.money import Money

from . import store
from .model import UNPAID, NotPayable, Order, OrderRow, OrderUnknown, State, may_become

TIME_TO_PAY = timedelta(minutes=10)
"""At least this long after the payment is started; a hold is extended for it once."""
TIME_TO_KEEP_A_PROMISE = timedelta(days=1)
"""At the longest; a visit before that is paid at the gate."""


async def pay(db: Db, actor: Actor, order: Order, wish: payments.Wish | None = None) -> payments.PaymentView:
    """Starts the payment of an order the caller has required, or finds the one under way.

    NotPayable when the order is paid, over, or free. The view tells what the provider answered; an unknown answer is
    not an error: the resolver asks on. StillChecking and ChannelResting as `payments.pay` says.
    """
    intent_id = await db.run(_begin, actor, order.row.id)
    try:
        await payments.pay(db, intent_id, wish or payments.Wish())
    except payments.IntentOver as over:
        raise NotPayable from over
    return await db.read(payments.view, intent_id)


async def ways(db: Db, order: Order) -> list[payments.Offer]:
    """The ways to pay an order, the best first, each with how it is. Before a payment was started, as for the order's id."""
    return await db.read(payments.offers, order.row.intent_id or order.row.id)


async def _begin(tx: Tx, actor: Actor, order_id: UUID) -> UUID:
    row = await store.locked(tx, order_id)
    if row is None:
        raise OrderUnknown
    now = clock.now()
    if row.state is State.CONFIRMED and row.intent_id is not None:
        return row.intent_id  # promised, perhaps: the intent knows whether it still wants money
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


async def may_promise(db: Db, order: Order) -> str:
    """Empty when this order may be confirmed now and paid later; else a word that says why not (`payments.may_defer`)."""
    if order.state not in UNPAID or not order.row.amount_minor or order.is_card:
        return "never"
    return await db.read(payments.may_defer, order.row.intent_id, order.row.amount_minor, order.row.currency)


async def promise(db: Db, actor: Actor, order: Order) -> None:
    """Confirms an order against the promise to pay at the gate or within a day. Again: nothing.

    DeferralRefused says which limit stands in the way; NotPayable when the order is over.
    """
    intent_id = await db.run(_begin, actor, order.row.id)
    try:
        await db.run(_promise, actor, order.row.id, intent_id)
    except payments.IntentOver as over:
        raise NotPayable from over


async def _promise(tx: Tx, actor: Actor, order_id: UUID, intent_id: UUID) -> None:
    await lock(tx, "payments.deferral")
    row = await store.locked(tx, order_id)
    assert row is not None
    if row.state is State.CONFIRMED:
        return
    if row.state is not State.AWAITING_PAYMENT:
        raise NotPayable(state=row.state)
    if any(line.venue_kind == "card" for line in (await store.lines(tx, [order_id]))[order_id]):
        raise payments.DeferralRefused(reason="never")  # a card that is not paid could be used up meanwhile
    if await store.promises(tx, row.account_id) >= payments.per_person():
        raise payments.DeferralRefused(reason="person-limit")
    now = clock.now()
    due_at = min(now + TIME_TO_KEEP_A_PROMISE, await _visit_ends(tx, row))
    await payments.defer(tx, intent_id, due_at)
    assert may_become(row.state, State.CONFIRMED)
    await store.set_state(tx, order_id, State.CONFIRMED, expires_at=None, confirmed_at=now)
    await store.add_event(tx, order_id, "confirmed", now, str(actor), {"deferred": True, "due_at": due_at.isoformat()})
    await jobs.emit(tx, "order.confirmed", {"order_id": str(order_id)})


async def _visit_ends(tx: Tx, row: OrderRow) -> datetime:
    return max(line.ends_at for line in (await store.lines(tx, [row.id]))[row.id])
