"""The deal: orders compose accounts, catalogue, inventory and payments.

States: held → awaiting_payment → confirmed → used | cancelled | expired, every change an event, nothing ever deleted.
Promises: a booking is one commit; equal keys get equal answers; an order is always findable; an in-doubt payment keeps
its places; what cancelling gives back is what was shown; a change never loses the old places before the new are certain.
"""

from . import (
    audit,
    benefits,
    changes,
    finding,
    invoices,
    jobs,  # noqa: F401 - whoever imports a domain can emit news for it
    links,
    merging,  # noqa: F401 - and is heard when accounts are joined
    pins,
    proofs,
    reveal,
    rights,
)
from .after_sale_model import Change, ChangeState, ChangeUnknown, NotChangeable, QuoteChanged
from .cancellation import cancel, quote
from .change_quotes import ChangeQuote
from .checkout import may_promise, pay, promise, ways
from .finding_model import (
    Clues,
    Contact,
    Finding,
    FindingOver,
    Match,
    OrderLinkOver,
    OrderPage,
    PinWrong,
    SearchedTooOften,
    Wish,
)
from .lookup import by_link, fresh_token, link_token, look_up, mine, payment_of, require
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
    "Clues",
    "Contact",
    "Event",
    "Finding",
    "FindingOver",
    "Line",
    "Match",
    "NotCancellable",
    "NotChangeable",
    "Order",
    "OrderLinkOver",
    "OrderPage",
    "OrderUnknown",
    "PinWrong",
    "PlaceRequest",
    "Placed",
    "Quote",
    "QuoteChanged",
    "SearchedTooOften",
    "Share",
    "State",
    "Terms",
    "Ticket",
    "TicketInvalid",
    "TravellerInput",
    "TravellerView",
    "Why",
    "Wish",
    "admits_at",
    "audit",
    "benefits",
    "by_link",
    "calendar_file",
    "cancel",
    "changes",
    "finding",
    "fresh_token",
    "group_commit",
    "invoices",
    "is_void",
    "link_token",
    "links",
    "look_up",
    "may_promise",
    "mine",
    "pay",
    "payment_of",
    "pins",
    "place_many",
    "prepare",
    "promise",
    "proofs",
    "public_keys",
    "quote",
    "refund",
    "require",
    "reveal",
    "rights",
    "tickets",
    "verify",
    "voids",
    "ways",
]
