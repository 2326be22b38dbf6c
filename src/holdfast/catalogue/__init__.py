"""Catalogue: what can be visited, what is sold there, what it costs, and where every figure comes from.

A venue has seasons with hours, special days, products with timeslots and prices, and facts with their provenance:
sourced (with a link), derived from a source, or illustrative. Nothing is ever deleted; what is no longer offered is
retired, and orders still find its name.

Promises: an import says beforehand what it would change, changes exactly that in one transaction, and changes nothing
when it is run again; a file with mistakes gets all of them listed at once and imports nothing.
"""

from . import calendars, card_prices, imports, supplier_prices, uploads, venues
from .imports import apply, demo, plan, read
from .model import (
    KINDS,
    City,
    Fact,
    Opening,
    Price,
    Product,
    Provenance,
    Source,
    SpecialDay,
    Timeslot,
    Venue,
    VenueCard,
    VenueUnknown,
)
from .search import cities, kinds, search

__all__ = [
    "KINDS",
    "City",
    "Fact",
    "Opening",
    "Price",
    "Product",
    "Provenance",
    "Source",
    "SpecialDay",
    "Timeslot",
    "Venue",
    "VenueCard",
    "VenueUnknown",
    "apply",
    "calendars",
    "card_prices",
    "cities",
    "demo",
    "imports",
    "kinds",
    "plan",
    "read",
    "search",
    "supplier_prices",
    "uploads",
    "venues",
]
