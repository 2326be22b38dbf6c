"""Partners: those who supply what we sell, and those who sell what we have.

Each program of a partner has a token of its own; a partner that is switched off is refused at once. A reseller's orders
are written to an account of its own, so they are found, changed and refunded like everybody's.

A supplier vouches for products: they are sold only while its word holds, silence closes their sale by itself, and what is
booked stays booked whatever it says.
"""

from . import (
    asks,
    bars,
    client_pull,
    client_store,
    demo,
    feeds,
    freshness,
    health,
    limits,
    links,
    registration,
    statements,
    uploads,
)
from .asks_model import BAR_WORDS, Ask, Bar, Wanted
from .client import SupplierFull, SupplierSilent
from .feeds_model import Message, News, NotSupplied, PriceNews, PriceNewsOver, Receipt, SuppliedByOther, Supply, Way
from .health import disable, enable
from .limits_model import Terms
from .model import Partner, PartnerExists, PartnerSignInNeeded, PartnerToken, PartnerTokenUnknown, PartnerUnknown
from .registration import account_of, end_token, every, make_token, of_token, register, require, tokens

__all__ = [
    "BAR_WORDS",
    "Ask",
    "Bar",
    "Message",
    "News",
    "NotSupplied",
    "Partner",
    "PartnerExists",
    "PartnerSignInNeeded",
    "PartnerToken",
    "PartnerTokenUnknown",
    "PartnerUnknown",
    "PriceNews",
    "PriceNewsOver",
    "Receipt",
    "SuppliedByOther",
    "SupplierFull",
    "SupplierSilent",
    "Supply",
    "Terms",
    "Wanted",
    "Way",
    "account_of",
    "asks",
    "bars",
    "client_pull",
    "client_store",
    "demo",
    "disable",
    "enable",
    "end_token",
    "every",
    "feeds",
    "freshness",
    "health",
    "limits",
    "links",
    "make_token",
    "of_token",
    "register",
    "registration",
    "require",
    "statements",
    "tokens",
    "uploads",
]
