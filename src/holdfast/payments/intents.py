"""Intents: that so much money is wanted for one thing, until it has come or its time is over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from holdfast.kit import clock, ids
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.money import Money

from . import store
from .model import OPEN_STATES, Attempt, AttemptState, IntentOver, IntentState, IntentUnknown, PaymentView, Role


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
    shown = _shown(attempts)
    return PaymentView(
        state=intent.state,
        in_doubt=any(attempt.state is AttemptState.UNKNOWN for attempt in attempts)
        and intent.state is IntentState.OPEN,
        attempt_state=shown.state if shown else None,
        method=shown.provider if shown else None,
        code_url=shown.code_url if shown and shown.state is AttemptState.AWAITING_USER else None,
        merchant_ref=shown.merchant_ref if shown else None,
        error_code=shown.error_code if shown else None,
        expires_at=intent.expires_at,
        paid_at=intent.paid_at,
        refunds=await store.refunds_of_intent(tx, intent_id),
    )


def _shown(attempts: list[Attempt]) -> Attempt | None:
    winners = [attempt for attempt in attempts if attempt.role is Role.WINNER]
    shown = winners or attempts
    return shown[-1] if shown else None


async def close(tx: Tx, intent_id: UUID, state: IntentState) -> IntentState | None:
    """Ends an open intent if no attempt of it can still be paid; None while one may be, else the state it has.

    Once ended, money that comes all the same is late: see `observations`.
    """
    intent = await store.intent_locked(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    if intent.state is not IntentState.OPEN:
        return intent.state
    if any(attempt.state in OPEN_STATES for attempt in await store.attempts(tx, intent_id)):
        return None
    await store.set_intent_state(tx, intent_id, state, None)
    return state


async def reinstate(tx: Tx, intent_id: UUID, attempt_id: UUID) -> None:
    """Accepts late money after all: its attempt becomes the winner of the ended intent.

    Again: nothing. Raises IntentOver when another attempt has won meanwhile.
    """
    intent = await store.intent_locked(tx, intent_id)
    attempt = await store.attempt(tx, attempt_id)
    if intent is None or attempt is None:
        raise IntentUnknown
    if attempt.role is Role.WINNER:
        return
    if intent.state is IntentState.PAID:
        raise IntentOver
    await store.set_role(tx, attempt_id, Role.WINNER)
    await store.set_intent_state(tx, intent_id, IntentState.PAID, clock.now())
