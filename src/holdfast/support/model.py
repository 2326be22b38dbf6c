"""Types, transitions and problems of support."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import msgspec

from holdfast import orders
from holdfast.kit.problems import Conflict, NotFound, TooMany

from .priorities import Money, Reason

WORDS_MAX = 4000
PEOPLE_MAX = 10_000
NUMBER_CHARACTERS = 6
"""And a check character: shorter than an order's number and than a PIN, so that nobody takes one for the other."""


class Kind(StrEnum):
    """What a case is about."""

    MISSING_ORDER = "missing_order"
    CHARGED = "charged"
    PAYMENT = "payment"
    CHANGE = "change"
    REFUND = "refund"
    TICKETS = "tickets"
    ENTRY = "entry"
    ACCOUNT = "account"
    OTHER = "other"


class State(StrEnum):
    """Where a case stands, and so who has the next word."""

    OPEN = "open"
    WAITING_FOR_TRAVELLER = "waiting_for_traveller"
    ANSWERED = "answered"
    CLOSED = "closed"


STATES: dict[State, frozenset[State]] = {
    State.OPEN: frozenset({State.WAITING_FOR_TRAVELLER, State.ANSWERED, State.CLOSED}),
    State.WAITING_FOR_TRAVELLER: frozenset({State.OPEN, State.ANSWERED, State.WAITING_FOR_TRAVELLER, State.CLOSED}),
    State.ANSWERED: frozenset({State.OPEN, State.ANSWERED, State.WAITING_FOR_TRAVELLER, State.CLOSED}),
    State.CLOSED: frozenset({State.OPEN}),  # the traveller wrote again
}
Channel = Literal["web", "api", "phone", "desk"]
Author = Literal["traveller", "staff", "system"]


class NewCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case as somebody opens it. Whoever calls has had the phone proven, or is staff.

    `order` is one that the person may see; `order_number` what they typed without proof. `page` and `finding` become
    evidence.
    """

    kind: Kind
    words: str
    phone: str
    locale: str
    channel: Channel
    key: str
    account_id: UUID | None = None
    order: orders.Order | None = None
    order_number: str = ""
    people: int = 1
    page: dict[str, str] = {}
    finding: orders.Finding | None = None


class Opened(msgspec.Struct, frozen=True):
    """A case that exists now; `again` when this request had made it before."""

    id: UUID
    number: str
    again: bool = False


class Case(msgspec.Struct, frozen=True):
    """A case as its table holds it. `waiting_since` and `sla_due_at` are set while people owe an answer."""

    id: UUID
    number: str
    kind: Kind
    order_id: UUID | None
    order_number: str | None
    intent_id: UUID | None
    account_id: UUID | None
    phone_masked: str
    locale: str
    channel: Channel
    people: int
    state: State
    priority: int
    reasons: list[Reason]
    trip_at: datetime | None
    money: Money
    assigned_to: UUID | None
    assigned_name: str | None
    opened_at: datetime
    waiting_since: datetime | None
    sla_due_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None


class Message(msgspec.Struct, frozen=True):
    """One message. Of the system: an English sentence for `i18n`. Empty: erased as the law asks."""

    seq: int
    author: Author
    actor: str
    name: str
    """Of the colleague, else empty."""
    body: str
    at: datetime


class Evidence(msgspec.Struct, frozen=True):
    """What the program knew when it was attached."""

    seq: int
    kind: str
    content: dict[str, Any]
    at: datetime


class Rating(msgspec.Struct, frozen=True):
    """How content the traveller was, 1 to 5, and why."""

    score: int
    words: str
    at: datetime


class Story(msgspec.Struct, frozen=True):
    """A case with everything in it."""

    case: Case
    messages: list[Message]
    evidence: list[Evidence]
    rating: Rating | None


class CaseUnknown(NotFound):
    """We find no such case for you."""

    safe = "Cases are never deleted."
    next_step = "Use the link from the message, or sign in with the phone you opened it with."


class CaseClosed(Conflict):
    """This case is closed."""

    safe = "Everything written in it stays."
    next_step = "Write a message: that opens it again."


class TooManyCases(TooMany):
    """Many cases were opened with this phone in a short time."""

    safe = "The cases you opened are all being looked at."
    next_step = "Add what is new to one of them, or wait until the time shown."
