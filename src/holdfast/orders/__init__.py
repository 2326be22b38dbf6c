"""The deal: orders compose accounts, catalogue, inventory and payments.

States: held → awaiting_payment → confirmed → used | cancelled | expired, every change an event, nothing ever deleted.
Promises: a booking is one commit; equal keys get equal answers; an order is always findable; an in-doubt payment keeps
its places.
"""

from . import jobs  # noqa: F401 - whoever imports a domain can emit news for it
from .cancellation import cancel
from .checkout import may_promise, pay, promise, ways
from .lookup import by_link, link_token, look_up, mine, payment_of, require
from .model import (
    Basket,
    BasketLine,
    Event,
    Line,
    Order,
    OrderUnknown,
    Placed,
    PlaceRequest,
    State,
    TravellerInput,
    TravellerView,
)
from .placing import group_commit, place_many, prepare
from .refunding import refund
from .tickets import Ticket, TicketInvalid, admits_at, calendar_file, public_keys, tickets, verify

__all__ = [
    "Basket",
    "BasketLine",
    "Event",
    "Line",
    "Order",
    "OrderUnknown",
    "PlaceRequest",
    "Placed",
    "State",
    "Ticket",
    "TicketInvalid",
    "TravellerInput",
    "TravellerView",
    "admits_at",
    "by_link",
    "calendar_file",
    "cancel",
    "group_commit",
    "link_token",
    "look_up",
    "may_promise",
    "mine",
    "pay",
    "payment_of",
    "place_many",
    "prepare",
    "promise",
    "public_keys",
    "refund",
    "require",
    "tickets",
    "verify",
    "ways",
]
