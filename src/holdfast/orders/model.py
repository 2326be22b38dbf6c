"""Types, transitions, pure decisions and problems of orders."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from holdfast.campaigns.model import Grant
from holdfast.kit.money import Money
from holdfast.kit.problems import Conflict, Invalid, NotFound, TooMany

from .discounts_model import Discount


class State(StrEnum):
    """Where an order stands. Every change is an event; nothing is ever deleted."""

    HELD = "held"
    AWAITING_PAYMENT = "awaiting_payment"
    CONFIRMED = "confirmed"
    USED = "used"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.HELD: frozenset(
        {State.AWAITING_PAYMENT, State.CONFIRMED, State.CANCELLED, State.EXPIRED}
    ),  # confirmed: on account
    State.AWAITING_PAYMENT: frozenset({State.CONFIRMED, State.CANCELLED, State.EXPIRED}),
    State.CONFIRMED: frozenset({State.USED, State.CANCELLED}),
    State.USED: frozenset({State.CONFIRMED}),  # an admission was a mistake and was undone
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset({State.CONFIRMED}),  # paid too late, and the places were still free
}
UNPAID = (State.HELD, State.AWAITING_PAYMENT)


class TravellerInput(msgspec.Struct, frozen=True):
    """A traveller as typed."""

    name: str
    document_type: str
    document: str


class BasketLine(msgspec.Struct, frozen=True):
    """So many tickets of one price in one slot. `quoted_minor` is the unit price that was shown, if one was."""

    slot_id: UUID
    price_id: str
    quantity: int
    travellers: list[TravellerInput] = []
    quoted_minor: int | None = None


class Basket(msgspec.Struct, frozen=True):
    """What a traveller wants, all or nothing, and the phone that gets the messages.

    `quoted_total_minor` is the price of it all that was shown, if one was: it may become less until it is booked, never more.
    """

    lines: list[BasketLine]
    phone: str
    code: str = ""
    quoted_total_minor: int | None = None


class PlacingLine(msgspec.Struct, frozen=True):
    """A checked line on its way into the batch."""

    seq: int
    slot_id: UUID
    price_id: str
    quantity: int
    quoted_minor: int | None
    people: int
    document_types: list[str]


class KeptLine(PlacingLine, frozen=True, kw_only=True):
    """A line that comes back after it was lost without fault: a ticket costs `kept_minor` at most.

    `off_minor` is taken off by grants that come along from the first order (0 by gifts alone); None when there are none.
    """

    kept_minor: int
    off_minor: int | None = None


class PlacingTraveller(msgspec.Struct, frozen=True):
    """A checked traveller, sealed: bytea columns in PostgreSQL's hex notation."""

    seq: int
    line_seq: int
    slot_id: UUID
    name: str
    name_masked: str
    document_type: str
    document: str
    document_index: str
    document_last4: str


class PlaceRequest(msgspec.Struct, frozen=True):
    """A booking ready to be decided: everything that needs no database is done."""

    account_id: UUID
    key: str
    body_hash: str
    order_id: UUID
    number: str
    phone: str | None
    phone_index: str
    phone_masked: str
    locale: str
    channel: str
    actor: str
    lines: list[PlacingLine]
    travellers: list[PlacingTraveller]
    code: str = ""
    quoted_total_minor: int | None = None
    epoch: int | None = None
    grants: list[Grant] | None = None
    """What campaigns give it, priced with the offers of `epoch`; see `orders.offers`."""


class Placed(msgspec.Struct, frozen=True):
    """The answer to a booking, remembered under its key. `expires_at` is null for a free order, which is confirmed."""

    order_id: UUID
    number: str
    state: State
    amount_minor: int
    currency: str
    expires_at: datetime | None


class Line(msgspec.Struct, frozen=True):
    """A line with what its slot and price are called."""

    seq: int
    slot_id: UUID
    venue_id: str
    venue_name: dict[str, str]
    product_name: dict[str, str]
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    ticket_name: dict[str, str]
    quantity: int
    places: int
    unit_minor: int
    live: bool
    venue_kind: str = ""
    discount_minor: int = 0
    """What campaigns took off, all tickets together."""


class TravellerView(msgspec.Struct, frozen=True):
    """A traveller as everybody but an audited reveal sees them."""

    seq: int
    line_seq: int
    name_masked: str
    document_type: str
    document_last4: str
    document_tag: str

    @property
    def document_masked(self) -> str:
        return f"••••{self.document_last4}"


class Event(msgspec.Struct, frozen=True):
    """One thing that happened to an order."""

    seq: int
    kind: str
    at: datetime
    actor: str
    details: dict[str, Any]


class OrderRow(msgspec.Struct, frozen=True):
    """An order as its table holds it."""

    id: UUID
    number: str
    account_id: UUID
    state: State
    amount_minor: int
    currency: str
    phone_masked: str
    locale: str
    channel: str
    placed_at: datetime
    expires_at: datetime | None
    confirmed_at: datetime | None
    intent_id: UUID | None
    ticket_version: int = 1
    granted: bool = False
    """Campaigns have granted something to it."""


class Order(msgspec.Struct, frozen=True):
    """An order with everything a page or an API answer needs."""

    row: OrderRow
    lines: list[Line]
    travellers: list[TravellerView]
    events: list[Event]
    redacted: bool = False
    discounts: list[Discount] = []
    """What campaigns took off it, and what they gave with it."""

    @property
    def number(self) -> str:
        return self.row.number

    @property
    def state(self) -> State:
        return self.row.state

    @property
    def is_card(self) -> bool:
        """Whether cards are bought with it: there is no visit then, and no ticket."""
        return any(line.venue_kind == "card" for line in self.lines)

    @property
    def with_card(self) -> bool:
        """Whether a card pays the visits."""
        return self.row.channel == "card"

    @property
    def total(self) -> Money:
        return Money(self.row.amount_minor, self.row.currency)


class OrderUnknown(NotFound):
    """We find no such order for you."""

    safe = "Orders are never deleted. If you paid, the order exists."
    next_step = (
        "Check the number on your message; sign in with the phone you booked with, or look it up by number and phone."
    )


class SlotUnknown(NotFound):
    """This slot does not exist."""

    next_step = "Choose a slot from the calendar of the attraction."


class PriceUnknown(NotFound):
    """This ticket is not sold for that day."""

    next_step = "Choose one of the tickets shown for the slot."


class SlotFull(Conflict):
    """There are not enough places left in this slot."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Choose another slot or day; the calendar shows where places are left."


class SlotClosed(Conflict):
    """This slot is closed at the moment."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Choose another slot or day."


class NotYetOnSale(Conflict):
    """This slot is not on sale yet."""

    next_step = "Come back at the time shown; no place is sold before it."


class SaleOver(Conflict):
    """The sale for this slot has ended."""

    next_step = "Choose a later slot or another day."


class SaleUnconfirmed(Conflict):
    """The supplier has not confirmed its places lately, so this is not sold at the moment."""

    safe = "Nothing was booked and nothing was charged. What is booked already stays booked."
    next_step = "Try again later, or choose another place; sale opens again as soon as the supplier answers."


class PriceChanged(Conflict):
    """The price has changed since you saw it."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Look at the new price and book again if it suits you."


class DocumentAlreadyBooked(Conflict):
    """One of these documents already has a booking there that day."""

    safe = "The existing booking stands."
    next_step = "Look at your orders, or choose another day for this person."


class TooManyThatDay(Conflict):
    """Your account has reached the number of tickets allowed there that day."""

    next_step = "Book fewer tickets, or another day."


class DocumentTwice(Invalid):
    """The same document is entered for two people."""

    safe = "Nothing was booked; everything you typed is still there."
    next_step = "Give each person their own document."


class DocumentNotAccepted(Invalid):
    """The attraction does not accept this kind of document."""

    safe = "Nothing was booked; everything you typed is still there."
    next_step = "Choose one of the accepted kinds of document."


class TravellersIncomplete(Invalid):
    """Each ticket needs the name and document of one person."""

    safe = "Nothing was booked; everything you typed is still there."
    next_step = "Enter as many people as you chose tickets."


class TooManyPerOrder(Invalid):
    """These are more tickets than one order may hold."""

    next_step = "Book fewer tickets in this order."


class TooManyCompanions(Invalid):
    """Companions come with somebody who has a ticket of their own, and only so many of them."""

    safe = "Nothing was booked; everything you typed is still there."
    next_step = "Choose the ticket they come along with, or fewer of them."


class NothingChosen(Invalid):
    """No ticket is chosen."""

    next_step = "Choose at least one ticket."


class MixedCurrencies(Invalid):
    """One order cannot hold prices in different currencies."""

    next_step = "Place one order for each currency."


class PaymentInDoubt(Conflict):
    """We are checking with the payment provider whether this order was paid."""

    safe = "Your places stay held until we know. Please do not pay again."
    next_step = "Wait a moment; the order's page shows the answer by itself."


class NotCancellable(Conflict):
    """This order can no longer be cancelled here."""

    safe = "The order stands as it was."
    next_step = "Look at the order's page for what is possible now."


class NotPayable(Conflict):
    """This order does not wait for a payment."""

    safe = "You were not charged by this request."
    next_step = "Look at the order's page: it says what happened."


class LookupTooOften(TooMany):
    """Too many tries to find this order."""

    safe = "The order itself is untouched."
    next_step = "Wait a few minutes, or sign in with the phone you booked with."


def may_become(state: State, wanted: State) -> bool:
    """Whether the transition table allows it."""
    return wanted in TRANSITIONS[state]
