"""Intents: that so much money is wanted for one thing, until it has come or its time is over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from holdfast.kit import clock, ids
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.money import Money

from . import bookings, refunds_store, store
from .model import (
    OPEN_STATES,
    WANTING,
    Attempt,
    AttemptState,
    IntentOver,
    IntentState,
    IntentUnknown,
    PaymentView,
    Role,
)


async def want(tx: Tx, reference: str, money: Money, description: str, expires_at: datetime) -> UUID:
    """Opens the one intent of a reference, such as an order's id."""
    intent_id = ids.uuid7()
    await store.insert_intent(
        tx, intent_id=intent_id, reference=reference, amount_minor=money.amount_minor, currency=money.currency,
        description=description, expires_at=expires_at, at=clock.now(),
    )  # fmt: skip
    return intent_id


async def view(tx: ReadTx, intent_id: UUID) -> PaymentView:
    """What there is to say about a payment. The attempt shown is the winner, else the newest."""
    intent = await store.intent(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    attempts = await store.attempts(tx, intent_id)
    current = [attempt for attempt in attempts if attempt.abandoned_at is None]
    shown = _shown(attempts)
    payable = shown is not None and shown.state is AttemptState.AWAITING_USER
    return PaymentView(
        intent_id=intent_id,
        state=intent.state,
        in_doubt=any(attempt.state is AttemptState.UNKNOWN for attempt in current) and intent.state in WANTING,
        attempt_state=shown.state if shown else None,
        provider=shown.provider if shown else None,
        method=shown.method if shown else None,
        code_url=shown.code_url if shown and payable else None,
        pay_url=shown.pay_url if shown and payable else None,
        client_secret=shown.client_secret if shown and payable else None,
        merchant_ref=shown.merchant_ref if shown else None,
        error_code=shown.error_code if shown else None,
        started_at=shown.created_at if shown else None,
        expires_at=intent.payable_until,
        due_at=intent.due_at if intent.state is IntentState.DEFERRED else None,
        paid_at=intent.paid_at,
        abandoned=sorted({one.provider for one in attempts if one.abandoned_at and one.is_open}),
        refunds=await refunds_store.of_intent(tx, intent_id),
    )


def _shown(attempts: list[Attempt]) -> Attempt | None:
    """The winner; else the newest that was not given up for another; else the newest."""
    winners = [attempt for attempt in attempts if attempt.role is Role.WINNER]
    current = [attempt for attempt in attempts if attempt.abandoned_at is None]
    shown = winners or current or attempts
    return shown[-1] if shown else None


async def look(tx: Tx, intent_id: UUID) -> None:
    """Somebody waits in front of it: what is in doubt is asked about first."""
    await store.look(tx, intent_id, clock.now())


async def close(tx: Tx, intent_id: UUID, state: IntentState) -> IntentState | None:
    """Ends an open intent if no attempt of it can still be paid; None while one may be, else the state it has.

    Once ended, money that comes all the same is late: see `observations`.
    """
    intent = await store.intent_locked(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    if intent.state not in WANTING:
        return intent.state
    if any(attempt.state in OPEN_STATES for attempt in await store.attempts(tx, intent_id)):
        return None
    await store.set_intent_state(tx, intent_id, state, None)
    return state


async def reinstate(tx: Tx, intent_id: UUID, attempt_id: UUID) -> None:
    """Accepts late money after all: its attempt becomes the winner of the ended intent.

    Again: nothing. Raises IntentOver when another attempt has won meanwhile, or when the money is on its way back.
    """
    intent = await store.intent_locked(tx, intent_id)
    attempt = await store.attempt(tx, attempt_id)
    if intent is None or attempt is None:
        raise IntentUnknown
    if attempt.role is Role.WINNER:
        return
    if intent.state is IntentState.PAID or await refunds_store.promised(tx, attempt_id, "unapplied"):
        raise IntentOver
    await bookings.reapplied(tx, intent, attempt)
    await store.set_role(tx, attempt_id, Role.WINNER)
    await store.set_intent_state(tx, intent_id, IntentState.PAID, clock.now())
