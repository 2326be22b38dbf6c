"""Observations: the one way by which anything a provider says changes a payment.

Responses, callbacks, queries, bills and the desk all end here. The function is monotonic, locked and idempotent; any
confirmed money is booked first, even on a dead intent, and what nobody asked for goes back by itself.
"""

from __future__ import annotations

from uuid import UUID

from holdfast.kit import clock, faults, jobs, log
from holdfast.kit.db import Tx

from . import bookings, health_store, news, receipts, refunds, store
from .model import (
    WANTING,
    Attempt,
    AttemptState,
    Intent,
    IntentState,
    IntentUnknown,
    Role,
    next_query_at,
    next_state,
    priority,
)
from .providers.base import CallRecord, Observation, PaymentState, Source

RECORDED = faults.declare(
    "payments.observe.before_commit", "an observation is written with its consequences, not committed"
)
__all__ = ["observe"]


async def observe(tx: Tx, attempt_id: UUID, seen: Observation, call: CallRecord | None = None) -> Attempt:
    """Applies an observation to its attempt and the attempt to its intent; the attempt as it is then.

    Emits ``payment.paid`` for the winner and ``payment.late`` for money after the intent had ended; money that came
    twice, too much or in another currency is refunded from here.
    """
    before = await store.attempt(tx, attempt_id)
    if before is None:
        raise IntentUnknown
    intent = await store.intent_locked(tx, before.intent_id)
    attempt = await store.attempt_locked(tx, attempt_id)
    assert intent is not None
    assert attempt is not None
    now = clock.now()
    if call is not None:
        await health_store.insert_call(
            tx, call, provider=attempt.provider, method=attempt.method, version=attempt.adapter_version, attempt_id=attempt.id
        )  # fmt: skip
    if note := await _unfit(tx, intent, attempt, seen):
        await store.insert_observation(tx, attempt_id, seen, attempt.state, attempt.state, now, note)
        faults.point(RECORDED)
        return attempt
    state = next_state(attempt.state, seen, payable_until=attempt.expires_at, now=now)
    newly_paid = state is AttemptState.SUCCEEDED and attempt.state is not AttemptState.SUCCEEDED
    role = _role(intent, attempt, seen) if newly_paid else attempt.role
    queries = 0 if state is not attempt.state else attempt.queries + 1
    await store.update_attempt(
        tx, attempt_id, state=state, role=role, seen=seen, queries=queries,
        priority=priority(state, intent.state, abandoned=attempt.abandoned_at is not None),
        next_query_at=next_query_at(state, queries, now, attempt.provider),
    )  # fmt: skip
    await store.insert_observation(tx, attempt_id, seen, attempt.state, state, now)
    if newly_paid:
        assert role is not None
        await _book(tx, intent, attempt, role, seen)
    faults.point(RECORDED)
    found = await store.attempt(tx, attempt_id)
    assert found is not None
    return found


async def _unfit(tx: Tx, intent: Intent, attempt: Attempt, seen: Observation) -> str | None:
    """Why a success must not be applied to its attempt as it stands; None for all that may."""
    if seen.state is not PaymentState.SUCCEEDED:
        return None
    if seen.amount_minor is None or not seen.currency:
        await store.ask_soon(tx, attempt.id, clock.now())
        return "a success without its sum: asked about"
    if seen.provider_txn is not None:
        owner = await store.owner_of_txn(tx, attempt.provider, seen.provider_txn)
        if owner not in (None, attempt.id):
            log.get().error("payment.receipt_of_another", attempt_id=str(attempt.id), owner=str(owner))
            return "this receipt belongs to another attempt"
        if attempt.state is AttemptState.SUCCEEDED and attempt.provider_txn not in (None, seen.provider_txn):
            await receipts.suspect(tx, intent, attempt, seen)
            return "a second receipt: asked about by its number"
    fits = (seen.amount_minor, seen.currency) == (attempt.amount_minor, attempt.currency)
    if attempt.state is not AttemptState.SUCCEEDED and not fits and seen.source is Source.CALLBACK:
        await store.ask_soon(tx, attempt.id, clock.now())
        return "another sum than asked for: believed only when asked about"
    return None


def _role(intent: Intent, attempt: Attempt, seen: Observation) -> Role:
    """What money that has just come is: the winner is the first of at least the right amount on an intent that wants it."""
    assert seen.amount_minor is not None
    if seen.currency != attempt.currency or seen.amount_minor < attempt.amount_minor:
        return Role.CONFLICTED
    if intent.state is IntentState.PAID:
        return Role.DUPLICATE
    return Role.WINNER if intent.state in WANTING else Role.LATE


async def _book(tx: Tx, intent: Intent, attempt: Attempt, role: Role, seen: Observation) -> None:
    """The consequences of money that has come: the books first, then what it means."""
    assert seen.amount_minor is not None
    assert seen.currency is not None
    at = seen.occurred_at or clock.now()
    if seen.amount_minor == 0:
        await store.set_conflicted(tx, intent.id)
        return
    await bookings.received(tx, intent, attempt, role, seen.amount_minor, seen.currency, at)
    told = {"intent_id": str(intent.id), "attempt_id": str(attempt.id), "reference": intent.reference}
    if role is Role.WINNER:
        await store.set_intent_state(tx, intent.id, IntentState.PAID, clock.now())
        await jobs.emit(tx, "payment.paid", told)
        await news.paid(tx, intent, attempt)
        if seen.amount_minor > intent.amount_minor:
            await store.set_conflicted(tx, intent.id)
            await refunds.request(tx, attempt.id, seen.amount_minor - intent.amount_minor, "excess", source="unapplied")
    elif role is Role.LATE:
        await jobs.emit(tx, "payment.late", told)
        await news.late(tx, intent, attempt)
    elif role is Role.DUPLICATE:
        await refunds.request(tx, attempt.id, seen.amount_minor, "duplicate")
    else:
        await store.set_conflicted(tx, intent.id)
        await refunds.request(tx, attempt.id, seen.amount_minor, "wrong amount")
