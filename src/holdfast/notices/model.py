"""Types of notices."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, Invalid, NotFound, Unavailable


class Message(msgspec.Struct, frozen=True):
    """A message as its recipient gets it."""

    id: UUID
    channel: str
    recipient: str
    recipient_masked: str
    template: str
    locale: str
    subject: str
    body: str
    created_at: datetime
    sent_at: datetime | None


class Row(msgspec.Struct, frozen=True):
    """A message as its table holds it: recipient and body sealed."""

    id: UUID
    channel: str
    recipient: bytes
    recipient_masked: str
    template: str
    locale: str
    subject: str
    body: bytes
    created_at: datetime
    sent_at: datetime | None


class GatewayDown(Unavailable):
    """The message could not be handed over."""

    next_step = "It is tried again by itself; you can also ask for a new code."


class SubscriptionState(StrEnum):
    """Where a subscription stands. An ended one stays as a record; its address may be subscribed anew."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class Subscription(msgspec.Struct, frozen=True):
    """Who is told what at which address. `reason` says why it is paused or ended."""

    id: UUID
    url: str
    description: str
    events: list[str]
    state: SubscriptionState
    reason: str | None
    state_since: datetime
    failing_since: datetime | None
    contact: bytes | None
    contact_masked: str | None
    contact_locale: str
    created_at: datetime


class Health(msgspec.Struct, frozen=True):
    """How a subscription fares: deliveries tried in the last hour, those of them that arrived, and what still waits."""

    subscription_id: UUID
    tried: int
    delivered: int
    waiting: int
    oldest_waiting_at: datetime | None

    @property
    def share_bp(self) -> int | None:
        """The share that arrived, in basis points; None when nothing was tried."""
        return self.delivered * 10_000 // self.tried if self.tried else None


class Due(msgspec.Struct, frozen=True):
    """A delivery that this process has claimed for one attempt. `secrets` are sealed, the newest first."""

    delivery_id: int
    number: int
    step: int
    event_id: UUID
    subscription_id: UUID
    url: str
    failing: bool
    body: str
    secrets: list[bytes]


class Outcome(msgspec.Struct, frozen=True):
    """What came of one attempt: a status and the beginning of the answer, or the reason why there is none."""

    due: Due
    at: datetime
    elapsed_ms: int
    status: int | None = None
    error: str | None = None
    answer: str | None = None
    next_due_at: datetime | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The receiver wants nothing more at this address (410)."""
        return self.status == 410


class Delivery(msgspec.Struct, frozen=True):
    """One event on its way to one subscription, with what came of the last attempt."""

    id: int
    event_id: UUID
    type: str
    subject: str
    subscription_id: UUID
    url: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    last_status: int | None
    last_error: str | None


class Attempt(msgspec.Struct, frozen=True):
    """One attempt. Without `elapsed_ms` it is under way, or its process ended before it could say what came of it."""

    number: int
    started_at: datetime
    elapsed_ms: int | None
    status: int | None
    error: str | None
    answer: str | None


class SubscriptionUnknown(NotFound):
    """There is no such subscription."""


class DeliveryUnknown(NotFound):
    """There is no such delivery."""


class SubscriptionOver(Conflict):
    """This subscription has ended."""

    safe = "Nothing was changed."
    next_step = "Add the address again; that makes a new subscription with a new secret."


class AddressSubscribed(Conflict):
    """This address is subscribed already."""

    safe = "The subscription there is stands as it is."
    next_step = "Use it, or end it first."


class SubscriptionInvalid(Invalid):
    """The subscription cannot be made as entered."""

    safe = "Nothing was changed."
    next_step = "Correct the marked fields and send again."
