"""What every provider is asked and what it reports, in words that belong to no provider.

An adapter never raises for what a provider does to a call: silence, nonsense and bad signatures are observations with
state `unknown`, and only a signed answer or a signed callback may say anything else. Amounts are integer minor units.
Error codes in capitals are the provider's, lower-case ones (``timeout``, ``unsigned``) are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
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
    DESK = "desk"
    """A member of staff took the money or gave it back, and signed for it."""


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


class ErrorRule(msgspec.Struct, frozen=True):
    """What one of a provider's error codes means; the provider's whole dictionary can be read by staff."""

    outcome: OutcomeClass
    says: str
    """In plain English, for staff."""
    page: bool = False
    """Somebody must look: repeating it will not help."""


class Charge(msgspec.Struct, frozen=True):
    """Money to be asked for. `merchant_ref` is unique for ever and never sent with other parameters."""

    merchant_ref: str
    amount_minor: int
    currency: str
    description: str
    expires_at: datetime | None
    """The provider refuses payment from then on; set it on every charge that holds something for sale."""
    notify_url: str
    method: str = ""
    """One of the provider's `methods`; empty: its first."""
    return_url: str | None = None
    """Where the payer's browser comes back to, for methods that send it away."""
    payer_ip: str | None = None


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
    provider_ref: str | None = None
    """The provider's name for the payment, where it gave one when the charge was placed."""
    provider_txn: str | None = None
    """The provider's number of the receipt that is given back. Set: refund this receipt, and no other of the charge."""


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
    provider_ref: str | None = None
    """The provider's name for the charge, if it differs from ours and from the receipt's (Stripe: ``pi_…``)."""
    code_url: str | None = None
    """What the payer scans."""
    pay_url: str | None = None
    """Where the payer's browser goes to pay."""
    client_secret: str | None = None
    """What the provider's own script in the payer's browser needs (Stripe)."""
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
    host: str | None = None
    """Which of the provider's hosts was asked last."""


class BillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a provider's bill: a payment, or a refund (then `refund_ref` is set). Amounts are never negative."""

    merchant_ref: str
    provider_txn: str | None
    refund_ref: str | None = None
    provider_refund: str | None = None
    amount_minor: int
    currency: str
    fee_minor: int = 0
    """What the provider keeps of a payment; of a refund: what it gives back of its fee."""
    occurred_at: datetime | None = None
    status: RefundState | None = None
    """Of a refund when the bill was made: a snapshot that is never updated."""

    @property
    def is_refund(self) -> bool:
        return self.refund_ref is not None


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """All that a provider books for one of its days. Its checksum and its own totals have been compared with its rows."""

    provider: str
    day: date
    rows: list[BillRow]
    digest: str
    """SHA-256 of the file, hex."""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A callback whose sender is proven. At most one of the two observations is set; none: for a person to look at."""

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


class Acknowledgement(msgspec.Struct, frozen=True):
    """What a provider must read to stop repeating a callback that we have stored."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain"


class Provider(Protocol):
    """One provider behind one version of its adapter."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Of the adapter: a dimension of health and of gray release."""
        ...

    @property
    def methods(self) -> tuple[str, ...]:
        """The ways to pay, the usual one first; each is a dimension of health."""
        ...

    @property
    def acknowledgement(self) -> Acknowledgement: ...

    @property
    def exists_when_placed(self) -> bool:
        """Whether a charge exists at the provider once placed. False: only from the payer's scan on, so that "not found"
        proves nothing before the charge's time is over, and what nobody has scanned cannot be closed."""
        ...

    @property
    def found_by_resending(self) -> bool:
        """Whether sending a lost charge again, which is safe, is the best way to find it: one request instead of a search."""
        ...

    @property
    def errors(self) -> Mapping[str, ErrorRule]:
        """The error dictionary: what each of the provider's codes means."""
        ...

    async def create(self, charge: Charge) -> tuple[Observation, CallRecord]:
        """Ask for money. Repeating an identical charge is safe."""
        ...

    async def query(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]: ...

    async def query_txn(self, provider_txn: str) -> tuple[Observation, CallRecord]:
        """Ask about one receipt by the provider's number: is it a payment of its own?"""
        ...

    async def close(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]:
        """Make the payment impossible. Refused as paid: state `unknown` and the provider's code; query next."""
        ...

    async def refund(self, refund: Refund) -> tuple[RefundObservation, CallRecord]:
        """Give money back. A refusal is `unknown` with its code; the call's class says whether to mend or to repeat."""
        ...

    async def query_refund(
        self, refund_ref: str, merchant_ref: str = "", provider_refund: str | None = None
    ) -> tuple[RefundObservation, CallRecord]:
        """Ask how a refund stands. Some providers find it by our number alone, some need the charge's or theirs too."""
        ...

    async def bill(self, day: date) -> tuple[Bill | None, CallRecord]:
        """The bill of one of the provider's days (Beijing time for Chinese providers, UTC for Stripe).

        None with class `ok`: not made yet, or that day had nothing. None with another class: could not be had now.
        A bill whose checksum or totals do not fit its rows is refused: None, code ``bill-inconsistent``.
        """
        ...

    def notification(self, headers: Mapping[str, str], raw: bytes) -> Notification:
        """What a callback says. Forged when it is not proven; never touches the network."""
        ...
