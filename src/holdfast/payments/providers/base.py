"""What every provider is asked and what it reports, in words that belong to no provider.

An adapter never raises for what a provider does to a call: silence, nonsense and bad signatures are observations with
state `unknown`, and only a signed answer or a signed callback may say anything else. Amounts are integer minor units.
Error codes in capitals are the provider's, lower-case ones (``timeout``, ``unsigned``) are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec


class Source(StrEnum):
    """Where an observation comes from."""

    RESPONSE = "response"
    CALLBACK = "callback"
    QUERY = "query"
    CLOSE = "close"
    REFUND = "refund"
    BILL = "bill"


class PaymentState(StrEnum):
    """What the provider says of a payment. `not_found` is no failure: a lost request may still arrive."""

    AWAITING_USER = "awaiting_user"
    SUCCEEDED = "succeeded"
    CLOSED = "closed"
    FAILED = "failed"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


class RefundState(StrEnum):
    """What the provider says of a refund. `unknown` and `not_found` are asked again under the same number."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CLOSED = "closed"
    ABNORMAL = "abnormal"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


class OutcomeClass(StrEnum):
    """How a call went, for health and routing."""

    OK = "ok"
    """Answered as the protocol says, including "there is no such order"."""
    USER = "user"
    """The payer's doing: paid already, closed already, still typing the password."""
    DECLINE = "decline"
    """Refused by a rule or for lack of funds."""
    CONFIG = "config"
    """Our request or our contract is wrong; repeating it does not help, page someone."""
    TECHNICAL = "technical"
    """Failed, and surely without effect: never sent, or only a question."""
    RATE_LIMIT = "rate_limit"
    UNKNOWN_OUTCOME = "unknown_outcome"
    """May or may not have taken effect: query before anything else."""


class Charge(msgspec.Struct, frozen=True):
    """Money to be asked for. `merchant_ref` is unique for ever and never sent with other parameters."""

    merchant_ref: str
    amount_minor: int
    currency: str
    description: str
    expires_at: datetime | None
    """The provider refuses payment from then on; set it on every charge that holds something for sale."""
    notify_url: str


class Refund(msgspec.Struct, frozen=True):
    """Money to be given back. A refund that got no answer is sent again under the same `refund_ref`."""

    refund_ref: str
    merchant_ref: str
    amount_minor: int
    total_minor: int
    """The amount of the whole payment."""
    currency: str
    reason: str
    notify_url: str | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing learnt about a payment. Fields the provider did not tell are None."""

    source: Source
    state: PaymentState
    merchant_ref: str
    provider_txn: str | None = None
    amount_minor: int | None = None
    """What the order was over; compare this with ours."""
    payer_minor: int | None = None
    """What the payer paid after the provider's own coupons; for information."""
    currency: str | None = None
    occurred_at: datetime | None = None
    code_url: str | None = None
    error_code: str | None = None
    raw_digest: str | None = None
    """SHA-256 of the bytes this was read from, hex."""
    refunded: bool = False
    """Some of it was given back since; it was paid all the same."""


class RefundObservation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing learnt about a refund."""

    source: Source
    state: RefundState
    refund_ref: str
    merchant_ref: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    provider_refund: str | None = None
    occurred_at: datetime | None = None
    error_code: str | None = None
    raw_digest: str | None = None


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call to a provider, without its content."""

    operation: str
    started_at: datetime
    elapsed_ms: int
    http_status: int | None
    """None when no answer came."""
    outcome_class: OutcomeClass
    error_code: str | None = None


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A callback whose sender is proven. Exactly one of the two observations is set."""

    dedupe_key: str
    kind: str
    """The provider's event name."""
    observation: Observation | None = None
    refund_observation: RefundObservation | None = None


class Forged(Exception):
    """A callback that is not proven to come from the provider, or not meant for us. Answer 4xx; count it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Probe(Forged):
    """The provider tests whether we check signatures. Answer 4xx, raise no alarm."""


class Provider(Protocol):
    """One provider behind one version of its adapter."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Of the adapter: a dimension of health and of gray release."""
        ...

    async def create(self, charge: Charge) -> tuple[Observation, CallRecord]:
        """Ask for money. Repeating an identical charge is safe."""
        ...

    async def query(self, merchant_ref: str) -> tuple[Observation, CallRecord]: ...

    async def close(self, merchant_ref: str) -> tuple[Observation, CallRecord]:
        """Make the payment impossible. Refused as paid: state `unknown` and the provider's code; query next."""
        ...

    async def refund(self, refund: Refund) -> tuple[RefundObservation, CallRecord]:
        """Give money back. A refusal is `unknown` with its code; the call's class says whether to mend or to repeat."""
        ...

    async def query_refund(self, refund_ref: str) -> tuple[RefundObservation, CallRecord]: ...

    def notification(self, headers: Mapping[str, str], raw: bytes) -> Notification:
        """What a callback says. Forged when it is not proven; never touches the network."""
        ...
