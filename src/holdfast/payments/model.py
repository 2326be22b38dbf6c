"""Types, the state table and the pure decision about observations."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, Invalid, NotFound, Unavailable

from .providers.base import Observation, PaymentState


class IntentState(StrEnum):
    """An intent is open until money has come, time has run out, or its order was cancelled.

    `deferred`: what is paid for is given already, against the promise to pay until `due_at`; else like `open`.
    """

    OPEN = "open"
    DEFERRED = "deferred"
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


WANTING = (IntentState.OPEN, IntentState.DEFERRED)
"""States in which money is still wanted: the first right sum wins."""
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
    due_at: datetime | None
    created_at: datetime

    @property
    def payable_until(self) -> datetime:
        """A promise may be kept until it is due; else the time of the held places counts."""
        return max(self.expires_at, self.due_at) if self.due_at else self.expires_at


class Attempt(msgspec.Struct, frozen=True):
    """One try to get the money of an intent through one provider, under one merchant reference."""

    id: UUID
    intent_id: UUID
    provider: str
    method: str
    adapter_version: str
    merchant_ref: str
    amount_minor: int
    currency: str
    state: AttemptState
    role: Role | None
    provider_ref: str | None
    code_url: str | None
    pay_url: str | None
    client_secret: str | None
    provider_txn: str | None
    paid_minor: int | None
    paid_currency: str | None
    paid_at: datetime | None
    error_code: str | None
    created_at: datetime
    expires_at: datetime
    queries: int
    abandoned_at: datetime | None
    route: dict[str, Any]
    """Why this way and version, and what its charge needs again when it is sent again."""

    @property
    def is_open(self) -> bool:
        """Whether money may still come by it."""
        return self.state in OPEN_STATES


class RefundRow(msgspec.Struct, frozen=True):
    """Money on its way back. `source`: what was earned by an order, or money that nobody asked for."""

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
    provider_refund: str | None
    receipt_id: UUID | None
    source: str
    journal_id: UUID | None
    requested_by: str


class PaymentView(msgspec.Struct, frozen=True):
    """What an order's pages say about its payment. The attempt shown is the winner, else the newest not given up."""

    intent_id: UUID
    state: IntentState
    in_doubt: bool
    attempt_state: AttemptState | None
    provider: str | None
    method: str | None
    code_url: str | None
    pay_url: str | None
    client_secret: str | None
    merchant_ref: str | None
    error_code: str | None
    started_at: datetime | None
    expires_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    abandoned: list[str]
    """Providers at which an attempt that was given up could still be paid."""
    refunds: list[RefundRow]


class Key(msgspec.Struct, frozen=True):
    """What health is kept of: one operation of one way to pay through one version of its adapter."""

    provider: str
    method: str
    version: str
    operation: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.method} {self.operation} ({self.version})"


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
    next_step = "Try again in a moment, or choose another way to pay."


class ChannelResting(Unavailable):
    """This way to pay does not answer at the moment, so we do not offer it."""

    safe = "Your places stay held; this request charged nothing."
    next_step = "Choose another way to pay. We try this one every few seconds and offer it again when it answers."


class ChannelUnknown(Invalid):
    """We do not know this way to pay."""

    safe = "Nothing was charged."
    next_step = "Choose one of the ways that the payment page shows."


class StillChecking(Conflict):
    """The payment you began may have been made: we are asking the provider."""

    safe = "Your places stay held while we check. Please do not pay again."
    next_step = "Wait for the answer, which this page shows by itself. If it takes long, you may pay another way all the same: if both arrive, one goes back by itself."


class DeferralRefused(Conflict):
    """Paying later is not possible for this order now."""

    safe = "Your places stay held for the time shown; nothing was charged."
    next_step = "Choose one of the ways to pay that the page shows, or come to the desk."


class RefundTooMuch(Conflict):
    """That is more than is left of this payment."""

    safe = "Nothing was refunded by this request."
    next_step = "Ask for at most the amount that is left."


class RefundNotByHand(Conflict):
    """The provider still works on this refund: giving it by hand could give it twice."""

    safe = "Nothing was changed."
    next_step = "Wait for the provider's last word; by hand only what it calls abnormal."


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
        shown = seen.code_url or seen.pay_url or seen.client_secret or state is AttemptState.AWAITING_USER
        return AttemptState.AWAITING_USER if shown else AttemptState.SUBMITTED
    if seen.state is PaymentState.NOT_FOUND and now > payable_until:
        return AttemptState.CLOSED
    return state if state is AttemptState.AWAITING_USER else AttemptState.UNKNOWN


QUERY_PAUSES_S = (2, 5, 10, 30, 60, 180, 300, 600, 1800)
PROBE = "HP"
"""So begin the references of synthetic charges, which belong to no payment."""
DESK = "desk"
"""The channel that needs nobody: money in the hand, recorded by staff. It is never asked."""


def next_query_at(state: AttemptState, queries: int, now: datetime, provider: str = "") -> datetime | None:
    """When to ask the provider next: soon while a person waits, ever more rarely later, never once it is final."""
    if state not in OPEN_STATES or provider == DESK:
        return None
    return now + timedelta(seconds=QUERY_PAUSES_S[min(queries, len(QUERY_PAUSES_S) - 1)])


def priority(state: AttemptState, intent: IntentState, *, abandoned: bool) -> int:
    """Whom to ask about first (payments.md §6.5): 0 in doubt and holding places, 1 open, 2 hardly any news to come."""
    if intent not in WANTING or abandoned:
        return 2
    return 0 if state is AttemptState.UNKNOWN else 1
