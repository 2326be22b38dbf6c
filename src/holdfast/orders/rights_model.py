"""What orders hold about a person, as a copy of their data tells it. The types are the documentation of the form."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec


class HeldLine(msgspec.Struct, frozen=True):
    """Tickets of one price in one slot; `discount_minor`: what campaigns took off, all tickets together. `part` is ``left`` when they were cancelled or changed, `live` while they hold places."""

    venue: dict[str, str]
    product: dict[str, str]
    ticket: dict[str, str]
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    quantity: int
    unit_minor: int
    discount_minor: int
    currency: str
    part: str
    live: bool


class HeldTraveller(msgspec.Struct, frozen=True):
    """A visitor as entered. `document` is empty when its number was removed some weeks after the visit."""

    name: str
    document_type: str
    document: str
    document_last4: str
    visit_date: date
    part: str


class HeldEvent(msgspec.Struct, frozen=True):
    """Something that happened to an order. Which colleague did it is not told."""

    at: datetime
    kind: str
    done_by: str
    details: dict[str, Any]


class HeldOrder(msgspec.Struct, frozen=True):
    """An order with everything in it."""

    order_id: UUID
    number: str
    account_id: UUID
    state: str
    amount_minor: int
    currency: str
    phone: str
    locale: str
    channel: str
    placed_at: datetime
    confirmed_at: datetime | None
    erased_at: datetime | None
    lines: list[HeldLine]
    travellers: list[HeldTraveller]
    events: list[HeldEvent]


class HeldChange(msgspec.Struct, frozen=True):
    """A change to another slot, done or not, and what it cost."""

    order_number: str
    state: str
    due_minor: int
    fee_minor: int
    currency: str
    asked_at: datetime
    ended_at: datetime | None


class HeldInvoice(msgspec.Struct, frozen=True):
    """An invoice, blue or red, and to whom it was made out."""

    order_number: str
    kind: str
    state: str
    number: str | None
    buyer_kind: str
    buyer_title: str
    buyer_code: str
    email: str
    total_minor: int
    currency: str
    requested_at: datetime
    issued_at: datetime | None


class HeldBenefit(msgspec.Struct, frozen=True):
    """Something granted out of goodwill."""

    kind: str
    reason: str
    granted_at: datetime
    expires_at: datetime
    used_at: datetime | None


class HeldDiscount(msgspec.Struct, frozen=True):
    """What a campaign took off one of the orders: the label that was shown, the code that was typed, and what became of it."""

    order_number: str
    campaign_id: str
    label: dict[str, str]
    amount_minor: int
    currency: str
    code: str | None
    state: str
    made_at: datetime


class HeldDecision(msgspec.Struct, frozen=True):
    """What was decided about a benefit that was a mistake. kept: it stays, and the person was told so; abuse: decided on `evidence`."""

    campaign_id: str
    decision: str
    order_number: str | None
    evidence: str | None
    at: datetime


class Look(msgspec.Struct, frozen=True):
    """That a colleague had a masked field shown in clear: which, why, and as whom they did it. `traveller` 0: the order's phone."""

    at: datetime
    number: str
    field: str
    traveller: int
    reason: str
    roles: list[str]
