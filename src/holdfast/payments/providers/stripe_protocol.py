"""Stripe as a protocol: configuration, webhook signatures, message shapes, what its words for states mean.

Source: Stripe API reference and guides (https://docs.stripe.com/), version 2026-10-28.endive, read 2026-11. No network.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from holdfast.kit import clock

from .base import Forged, PaymentState, RefundState

API_VERSION = "2026-10-28.endive"
"""What the `stripe` package of our lock is written for; pinned, so that the account's default changes nothing."""
SKEW_S = 300
NEWS = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "charge.refunded",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
"""The events that our webhook endpoint is to be registered for."""
MODES = {"sk_live_": True, "rk_live_": True, "sk_test_": False, "rk_test_": False}


class StripeConfig(msgspec.Struct, frozen=True):
    """A merchant's keys; JSON of this shape is the configuration file."""

    secret_key: str
    """``sk_…`` or a restricted ``rk_…`` that may write payment intents and refunds and read charges and balance."""
    publishable_key: str
    """For the payer's browser; no secret."""
    webhook_secret: str
    """``whsec_…`` of our endpoint; it signs what we are told."""
    api_base: str = "https://api.stripe.com"
    script_url: str = "https://js.stripe.com/v3/"
    """Stripe.js, which the card page loads."""

    def __repr__(self) -> str:
        return f"StripeConfig(publishable_key={self.publishable_key!r}, api_base={self.api_base!r}, secrets hidden)"

    @property
    def livemode(self) -> bool | None:
        """Whether the keys move real money; None when they do not say."""
        return next((live for prefix, live in MODES.items() if self.secret_key.startswith(prefix)), None)


def verify(secret: str, headers: Mapping[str, str], raw: bytes) -> None:
    """Forged unless the secret signed these bytes within the last or next 300 s. Header names in lower case.

    ``Stripe-Signature: t=1716000000,v1=…``, several ``v1`` while a secret is being replaced. The SDK's own check
    accepts any time in the future; this one does not.
    """
    parts = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not signatures:
        raise Forged("unsigned")
    timestamp = times[0]
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Forged("bad-timestamp")
    if abs(clock.now().timestamp() - int(timestamp)) >= SKEW_S:
        raise Forged("stale")
    expected = hmac.new(secret.encode(), f"{timestamp}.".encode() + raw, sha256).hexdigest()
    if not any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in signatures):
        raise Forged("bad-signature")


Minor = Annotated[int, Meta(ge=0, le=10**12)]
Signed = Annotated[int, Meta(ge=-(10**12), le=10**12)]
Seconds = Annotated[int, Meta(ge=0, le=10**11)]
Id = Annotated[str, Meta(pattern=r"^[a-z]{2,5}_[A-Za-z0-9_]{1,200}\Z")]
"""Theirs: a kind and a body. Ids become parts of addresses, so nothing else passes."""


class Labels(msgspec.Struct, frozen=True):
    """The metadata we put on payments and refunds; Stripe copies a payment's onto its charges."""

    merchant_ref: str = ""
    refund_ref: str = ""


class CardError(msgspec.Struct, frozen=True):
    """Why the last try failed: the issuer's word where there is one."""

    code: str | None = None
    decline_code: str | None = None


class Charge(msgspec.Struct, frozen=True):
    """One receipt of a payment intent, or one failed try."""

    id: Id
    status: str
    amount: Minor
    currency: str
    created: Seconds
    amount_captured: Minor = 0
    amount_refunded: Minor = 0
    payment_intent: str | None = None
    failure_code: str | None = None
    metadata: Labels | None = None

    @property
    def labels(self) -> Labels:
        return self.metadata or Labels()


class PaymentIntent(msgspec.Struct, frozen=True):
    """A payment as answers and events show it. `latest_charge` is an id unless we asked for more."""

    id: Id
    status: str
    amount: Minor
    currency: str
    created: Seconds
    amount_received: Minor = 0
    client_secret: str | None = None
    latest_charge: str | Charge | None = None
    last_payment_error: CardError | None = None
    metadata: Labels | None = None

    @property
    def labels(self) -> Labels:
        return self.metadata or Labels()


class Refund(msgspec.Struct, frozen=True):
    """A refund as answers and events show it."""

    id: Id
    amount: Minor
    currency: str
    created: Seconds
    status: str | None = None
    charge: str | None = None
    payment_intent: str | None = None
    failure_reason: str | None = None
    metadata: Labels | None = None

    @property
    def labels(self) -> Labels:
        return self.metadata or Labels()


class PaymentIntents(msgspec.Struct, frozen=True):
    """A page of a list or of a search."""

    data: list[PaymentIntent]
    has_more: bool = False
    next_page: str | None = None


class Refunds(msgspec.Struct, frozen=True):
    """A page of a list."""

    data: list[Refund]
    has_more: bool = False


class Endpoint(msgspec.Struct, frozen=True):
    """An address that is told events."""

    url: str
    status: str = "enabled"


class Endpoints(msgspec.Struct, frozen=True):
    """A page of the list; an account has at most sixteen."""

    data: list[Endpoint]


class Subject(msgspec.Struct, frozen=True):
    """The object of an event: read by its kind, later."""

    object: msgspec.Raw


class Kind(msgspec.Struct, frozen=True):
    """What an object is."""

    object: str


class Event(msgspec.Struct, frozen=True):
    """The envelope of a webhook."""

    id: str
    type: str
    created: Seconds
    livemode: bool
    data: Subject


class StateOnly(msgspec.Struct, frozen=True):
    """The payment intent inside a refusal that is about its state."""

    id: str
    status: str = ""


class Complaint(msgspec.Struct, frozen=True):
    """Inside ``{"error": …}``."""

    type: str
    code: str | None = None
    decline_code: str | None = None
    message_code: str | None = None
    """Undocumented; all that tells a refund refused for want of funds from a mistake of ours."""
    payment_intent: StateOnly | None = None


class Failure(msgspec.Struct, frozen=True):
    """The body of an answer that is not 2xx."""

    error: Complaint

    @property
    def code(self) -> str:
        """The most telling of their words."""
        said = self.error
        return (said.decline_code or said.code or said.message_code or said.type)[:64]


STATUSES = {
    "requires_payment_method": PaymentState.AWAITING_USER,  # new, or declined: another card may be tried
    "requires_confirmation": PaymentState.AWAITING_USER,
    "requires_action": PaymentState.AWAITING_USER,
    "processing": PaymentState.AWAITING_USER,
    "succeeded": PaymentState.SUCCEEDED,
    "canceled": PaymentState.CLOSED,
}
"""Of payment intents. `requires_capture` is not among them: we never ask for money to be held back."""
PRECEDENCE = ("succeeded", "processing", "requires_action", "requires_confirmation", "requires_payment_method")
REFUND_STATUSES = {
    "pending": RefundState.PROCESSING,
    "requires_action": RefundState.PROCESSING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.ABNORMAL,  # the bank sent it back to our balance: it must reach the payer another way
    "canceled": RefundState.CLOSED,
}

Shape = TypeVar("Shape")


def read(raw: bytes | msgspec.Raw, kind: type[Shape]) -> Shape | None:
    """JSON of a known shape, or None for anything else at all: nonsense, wrong types, bottomless nesting."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def moment(seconds: int) -> datetime:
    """A time of theirs: whole seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def foremost(found: list[PaymentIntent], merchant_ref: str) -> PaymentIntent | None:
    """The one that bears our reference; of several (a key lives 24 hours) the one that is nearest to money."""
    ours = [intent for intent in found if intent.labels.merchant_ref == merchant_ref]
    ranks = {status: rank for rank, status in enumerate(PRECEDENCE)}
    return min(ours, key=lambda intent: ranks.get(intent.status, len(ranks)), default=None)
