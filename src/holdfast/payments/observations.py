"""Observations: the one way by which anything a provider says changes a payment.

Responses, callbacks, queries and bills all end here. The function is monotonic, locked and idempotent; any confirmed
money is booked first, even on a dead intent, and what nobody asked for goes back by itself.
"""

from __future__ import annotations

from uuid import UUID

from holdfast.kit import clock, faults, jobs
from holdfast.kit.db import Tx

from . import refunds, store
from .model import Attempt, AttemptState, Intent, IntentState, IntentUnknown, Role, next_query_at, next_state
from .providers.base import CallRecord, Observation

RECORDED = faults.declare(
    "payments.observe.before_commit", "an observation is written with its consequences, not committed"
)


async def observe(tx: Tx, attempt_id: UUID, seen: Observation, call: CallRecord | None = None) -> Attempt:
    """Applies an observation to its attempt and the attempt to its intent; the attempt as it is then.

    Emits ``payment.paid`` for the winner and ``payment.late`` for money after the intent had ended; money that came
    twice or in another amount is refunded from here.
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
        await store.insert_call(tx, attempt_id, call)
    state = next_state(attempt.state, seen, payable_until=attempt.expires_at, now=now)
    newly_paid = state is AttemptState.SUCCEEDED and attempt.state is not AttemptState.SUCCEEDED
    role = _role(intent, attempt, seen) if newly_paid else attempt.role
    queries = 0 if state is not attempt.state else attempt.queries + 1
    await store.update_attempt(
        tx, attempt_id, state=state, role=role, seen=seen, code_url=seen.code_url or attempt.code_url, queries=queries,
        next_query_at=next_query_at(state, queries, now),
    )  # fmt: skip
    await store.insert_observation(tx, attempt_id, seen, attempt.state, state, now)
    if newly_paid:
        await _book(tx, intent, attempt, role, seen)
    faults.point(RECORDED)
    found = await store.attempt(tx, attempt_id)
    assert found is not None
    return found


def _role(intent: Intent, attempt: Attempt, seen: Observation) -> Role:
    """What money that has just come is: the winner is the first of the right amount on an open intent."""
    if (seen.amount_minor, seen.currency) != (attempt.amount_minor, attempt.currency):
        return Role.CONFLICTED
    if intent.state is IntentState.PAID:
        return Role.DUPLICATE
    return Role.WINNER if intent.state is IntentState.OPEN else Role.LATE


async def _book(tx: Tx, intent: Intent, attempt: Attempt, role: Role | None, seen: Observation) -> None:
    """The consequences of money that has come."""
    news = {"intent_id": str(intent.id), "attempt_id": str(attempt.id), "reference": intent.reference}
    if role is Role.WINNER:
        await store.set_intent_state(tx, intent.id, IntentState.PAID, clock.now())
        await jobs.emit(tx, "payment.paid", news)
    elif role is Role.LATE:
        await jobs.emit(tx, "payment.late", news)
    elif role is Role.DUPLICATE:
        await refunds.request(tx, attempt.id, attempt.amount_minor, "duplicate")
    else:
        await store.set_conflicted(tx, intent.id)
        if seen.amount_minor:
            await refunds.request(tx, attempt.id, seen.amount_minor, "wrong amount")
