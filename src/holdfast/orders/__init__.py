"""The deal: orders compose accounts, catalogue, inventory and payments.

States: held → awaiting_payment → confirmed → used | cancelled | expired, every change an event, nothing ever deleted.
Promises: a booking is one commit; equal keys get equal answers; an order is always findable; an in-doubt payment keeps
its places; what cancelling gives back is what was shown; a change never loses the old places before the new are certain.
"""

from . import (
    benefits,
    changes,
    invoices,
    jobs,  # noqa: F401 - whoever imports a domain can emit news for it
)
from .after_sale_model import Change, ChangeState, ChangeUnknown, NotChangeable, QuoteChanged
from .cancellation import cancel, quote
from .change_quotes import ChangeQuote
from .checkout import may_promise, pay, promise, ways
from .lookup import by_link, link_token, look_up, mine, payment_of, require
from .model import (
    Basket,
    BasketLine,
    Event,
    Line,
    NotCancellable,
    Order,
    OrderUnknown,
    Placed,
    PlaceRequest,
    State,
    TravellerInput,
    TravellerView,
)
from .placing import group_commit, place_many, prepare
from .policies import Quote, Share, Terms, Why
from .refunding import refund
from .tickets import (
    Ticket,
    TicketInvalid,
    admits_at,
    calendar_file,
    is_void,
    public_keys,
    tickets,
    verify,
    voids,
)

__all__ = [
    "Basket",
    "BasketLine",
    "Change",
    "ChangeQuote",
    "ChangeState",
    "ChangeUnknown",
    "Event",
    "Line",
    "NotCancellable",
    "NotChangeable",
    "Order",
    "OrderUnknown",
    "PlaceRequest",
    "Placed",
    "Quote",
    "QuoteChanged",
    "Share",
    "State",
    "Terms",
    "Ticket",
    "TicketInvalid",
    "TravellerInput",
    "TravellerView",
    "Why",
    "admits_at",
    "benefits",
    "by_link",
    "calendar_file",
    "cancel",
    "changes",
    "group_commit",
    "invoices",
    "is_void",
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
    "quote",
    "refund",
    "require",
    "tickets",
    "verify",
    "voids",
    "ways",
]
