"""Types and problems of finding orders by what a person knows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.problems import NotFound, TooMany

from .model import Order, State


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a person's orders to list; empty wishes fit all. `since` and `until` are days of the visit, both included."""

    state: State | None = None
    text: str = ""
    """Part of an attraction's name, or an order number."""
    since: date | None = None
    until: date | None = None


class OrderPage(msgspec.Struct, frozen=True):
    """A page of a person's orders: what is still to come, soonest first; then all others, latest visit first."""

    orders: list[Order]
    coming: int
    """How many of these are still to come; they stand first."""
    following: str
    """Where the next page begins; empty at the end."""


class Clues(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody knows of an order, read and found plausible. `phone` is E.164, `document_key` as of `Document`."""

    number: str = ""
    phone: str = ""
    document_type: str = ""
    document_key: str = ""
    reference: str = ""
    """Ours (HF…), the provider's number of the transaction, or of a charge."""
    amount_minor: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    """About when it was paid."""

    @property
    def is_empty(self) -> bool:
        """Nothing that could find anything: an amount and a time only count together."""
        paid = self.amount_minor is not None and self.since is not None
        return not (self.number or self.phone or self.document_key or self.reference or paid)


class Match(msgspec.Struct, frozen=True):
    """An order that fits. `ways`: number, document, phone, reference, amount."""

    order_id: UUID
    number: str
    ways: tuple[str, ...]


class Loose(msgspec.Struct, frozen=True):
    """A payment that fits and belongs to no order."""

    intent_id: UUID
    merchant_ref: str
    provider: str
    state: str
    amount_minor: int
    currency: str
    created_at: datetime


class Finding(msgspec.Struct, frozen=True):
    """What a search gave, with what was typed (documents and phones masked). It travels sealed until somebody has proven
    who they are."""

    typed: dict[str, Any]
    matches: list[Match]
    loose: list[Loose]
    at: datetime


class Candidate(msgspec.Struct, frozen=True):
    """An order that fits, with what proves that it is somebody's."""

    id: UUID
    number: str
    account_id: UUID
    state: State
    phone_index: bytes
    phone_masked: str
    phones: list[bytes]
    """Blind indexes of the phones of its account."""


class Contact(msgspec.Struct, frozen=True):
    """Where a code can be sent that proves a match. `key` names it without telling it; only its end is shown."""

    key: str
    ending: str


class PinWrong(NotFound):
    """This number and this PIN do not belong together."""

    safe = "The order itself is untouched."
    next_step = "Compare both with your tickets or the message, or use the phone you booked with."


class OrderLinkOver(NotFound):
    """This link was used already, or is older than a quarter of an hour."""

    safe = "The order itself is untouched."
    next_step = "Have another one sent to the phone you booked with."


class FindingOver(NotFound):
    """This search is too old."""

    safe = "Nothing is lost by it."
    next_step = "Search again with what you know."


class SearchedTooOften(TooMany):
    """Too many searches for a missing order."""

    safe = "Orders are never deleted: it does not go away while you wait."
    next_step = "Wait until the time shown, or ask people for help: they can search at once."
