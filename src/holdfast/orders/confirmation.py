"""Confirmation: what happens to an order when its money comes, in time, late, or too late."""

from __future__ import annotations

from uuid import UUID

from psycopg import errors

from holdfast import payments
from holdfast.kit import clock, faults, jobs
from holdfast.kit.actor import system
from holdfast.kit.db import Db, Tx
from holdfast.kit.money import Money

from . import cards, changes, lookup, messages, news, pins, promises, store
from .model import OrderRow, State, may_become

CONFIRMED = faults.declare("orders.confirm.before_commit", "an order is confirmed, not yet committed")
_ACTOR = str(system("confirmation"))


async def confirm(tx: Tx, intent_id: UUID, attempt_id: UUID) -> None:
    """The order's intent is paid: confirm it. Again: nothing. Places are held, so nothing can stand in the way.

    An order ends only after its intent, so it cannot be over here; if it were, its money would go back. What was paid for
    a change completes that.
    """
    if await changes.complete(tx, intent_id, attempt_id):
        return
    row = await store.by_intent_locked(tx, intent_id)
    assert row is not None, f"no order for intent {intent_id}"
    if row.state in (State.CONFIRMED, State.USED):
        await promises.kept(tx, intent_id)
        return
    if row.state is not State.AWAITING_PAYMENT:
        await _return_money(tx, row, attempt_id)
        return
    await _confirm(tx, row, {})
    faults.point(CONFIRMED)


async def _confirm(tx: Tx, row: OrderRow, details: dict[str, bool]) -> None:
    assert may_become(row.state, State.CONFIRMED)
    now = clock.now()
    await store.set_state(tx, row.id, State.CONFIRMED, expires_at=None, confirmed_at=now)
    await store.add_event(tx, row.id, "confirmed", now, _ACTOR, details)
    await cards.issue(tx, row)
    await jobs.emit(tx, "order.confirmed", {"order_id": str(row.id)})


async def accept_late(db: Db, intent_id: UUID, attempt_id: UUID) -> None:
    """Money came after the order had expired: keep the promise if the places are still free, else give it back.

    An order that its traveller cancelled is never revived, nor is a change that was not paid in time.
    """
    if await db.run(changes.complete, intent_id, attempt_id):
        return
    try:
        await db.run(_reinstate, intent_id, attempt_id)
    except (errors.CheckViolation, errors.UniqueViolation, _TooLate, payments.IntentOver):
        await db.run(_give_back, intent_id, attempt_id)


class _TooLate(Exception):
    """The order cannot be revived."""


async def _reinstate(tx: Tx, intent_id: UUID, attempt_id: UUID) -> None:
    row = await store.by_intent_locked(tx, intent_id)
    if row is None:
        raise _TooLate
    if row.state is State.CONFIRMED:  # by an earlier run of this job, or by other money: that raises IntentOver
        await payments.reinstate(tx, intent_id, attempt_id)
        return
    lines = (await store.lines(tx, [row.id]))[row.id]
    revivable = row.state in (State.EXPIRED, State.AWAITING_PAYMENT)
    if not revivable or any(line.ends_at <= clock.now() for line in lines):
        raise _TooLate
    await store.retake(tx, row.id)
    await payments.reinstate(tx, intent_id, attempt_id)
    await _confirm(tx, row, {"late": True})


async def _give_back(tx: Tx, intent_id: UUID, attempt_id: UUID) -> None:
    row = await store.by_intent_locked(tx, intent_id)
    assert row is not None, f"no order for intent {intent_id}"
    await _return_money(tx, row, attempt_id)


async def _return_money(tx: Tx, row: OrderRow, attempt_id: UUID) -> None:
    if await payments.refund(tx, attempt_id, row.amount_minor, "late payment") is None:
        return
    money = Money(row.amount_minor, row.currency)
    await store.add_event(tx, row.id, "late_payment_refunded", clock.now(), _ACTOR, {"amount": str(money)})
    await messages.tell(tx, row, "payment-refunded", amount=str(money))


async def tell_confirmed(db: Db, order_id: UUID) -> None:
    """Sends the traveller the link to the tickets, once."""
    await db.run(_tell_confirmed, order_id)


async def _tell_confirmed(tx: Tx, order_id: UUID) -> None:
    row = await store.locked(tx, order_id)
    assert row is not None
    if any(event.kind == "tickets_sent" for event in await store.events(tx, order_id)):
        return
    await news.tell(tx, [row], State.CONFIRMED)
    is_card = any(line.venue_kind == "card" for line in (await store.lines(tx, [order_id]))[order_id])
    template = "card-ready" if is_card else "order-confirmed"
    await messages.tell(tx, row, template, pin=pins.show(row.number), link=lookup.link(row.number))
    await store.add_event(tx, order_id, "tickets_sent", clock.now(), _ACTOR, {})
