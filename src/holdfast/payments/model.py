"""Types, the state table and the pure decision about observations."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, NotFound, Unavailable

from .providers.base import Observation, PaymentState


class IntentState(StrEnum):
    """An intent is open until money has come, time has run out, or its order was cancelled."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    """`unknown` is a state of its own: the provider may or may not have acted. `succeeded` is never left."""

    CREATED = "created"
    SUBMITTED = "submitted"
    AWAITING_USER = "awaiting_user"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CLOSED = "closed"


OPEN_STATES = (AttemptState.CREATED, AttemptState.SUBMITTED, AttemptState.AWAITING_USER, AttemptState.UNKNOWN)


class Role(StrEnum):
    """What became of money that came: one winner per intent; everything else goes back by itself."""

    WINNER = "winner"
    DUPLICATE = "duplicate"
    LATE = "late"
    CONFLICTED = "conflicted"


class Intent(msgspec.Struct, frozen=True):
    """That so much money is wanted for one thing, named by an opaque reference."""

    id: UUID
    reference: str
    amount_minor: int
    currency: str
    description: str
    state: IntentState
    conflicted: bool
    expires_at: datetime
    paid_at: datetime | None


class Attempt(msgspec.Struct, frozen=True):
    """One try to get the money of an intent through one provider, under one merchant reference."""

    id: UUID
    intent_id: UUID
    provider: str
    method: str
    merchant_ref: str
    amount_minor: int
    currency: str
    state: AttemptState
    role: Role | None
    code_url: str | None
    provider_txn: str | None
    paid_minor: int | None
    paid_currency: str | None
    paid_at: datetime | None
    error_code: str | None
    created_at: datetime
    expires_at: datetime
    queries: int


class RefundRow(msgspec.Struct, frozen=True):
    """Money on its way back."""

    id: UUID
    attempt_id: UUID
    refund_ref: str
    amount_minor: int
    currency: str
    reason: str
    state: str
    error_code: str | None
    created_at: datetime
    finished_at: datetime | None
    queries: int


class PaymentView(msgspec.Struct, frozen=True):
    """What an order's pages say about its payment."""

    state: IntentState
    in_doubt: bool
    attempt_state: AttemptState | None
    method: str | None
    code_url: str | None
    merchant_ref: str | None
    error_code: str | None
    expires_at: datetime
    paid_at: datetime | None
    refunds: list[RefundRow]


class Settlement(StrEnum):
    """What the providers finally said about an intent whose time is over."""

    PAID = "paid"
    OVER = "over"
    IN_DOUBT = "in_doubt"


class IntentUnknown(NotFound):
    """There is no such payment."""


class IntentOver(Conflict):
    """This payment is no longer open."""

    safe = "You were not charged by this request."
    next_step = "Look at the order's page: it says what happened."


class ChannelUnavailable(Unavailable):
    """We cannot reach the payment provider right now."""

    safe = "Your places stay held; this request charged nothing."
    next_step = "Try again in a moment."


def next_state(state: AttemptState, seen: Observation, *, payable_until: datetime, now: datetime) -> AttemptState:
    """Where an observation takes an attempt. Monotonic: money once seen is never unseen (payments.md §5, R3).

    "Not found" ends an attempt only when its charge can no longer be paid: a lost request may still arrive before.
    """
    if state is AttemptState.SUCCEEDED or seen.state is PaymentState.SUCCEEDED:
        return AttemptState.SUCCEEDED
    if state in (AttemptState.CLOSED, AttemptState.FAILED):
        return state
    if seen.state is PaymentState.CLOSED:
        return AttemptState.CLOSED
    if seen.state is PaymentState.FAILED and state is not AttemptState.AWAITING_USER:
        return AttemptState.FAILED  # a charge that was shown to the payer ends only by query or close
    if seen.state is PaymentState.AWAITING_USER:
        return (
            AttemptState.AWAITING_USER
            if seen.code_url or state is AttemptState.AWAITING_USER
            else AttemptState.SUBMITTED
        )
    if seen.state is PaymentState.NOT_FOUND and now > payable_until:
        return AttemptState.CLOSED
    return state if state is AttemptState.AWAITING_USER else AttemptState.UNKNOWN


QUERY_PAUSES_S = (2, 5, 10, 30, 60, 180, 300, 600, 1800)


def next_query_at(state: AttemptState, queries: int, now: datetime) -> datetime | None:
    """When to ask the provider next: soon while a person waits, ever more rarely later, never once it is final."""
    if state not in OPEN_STATES:
        return None
    return now + timedelta(seconds=QUERY_PAUSES_S[min(queries, len(QUERY_PAUSES_S) - 1)])
