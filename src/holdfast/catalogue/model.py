"""The nouns of the catalogue: venues, what they sell, when they are open, and where every figure comes from.

Bilingual texts are ``{"zh": …, "en": …}``. Days of the year are ``MM-DD``; a range of them may run over the turn of the
year. Clock times are the venue's own; a closing time at or before the opening time lies on the next day.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Literal, get_args

import msgspec

from holdfast.kit.money import Money
from holdfast.kit.problems import InvalidInput, NotFound

Text = dict[str, str]
Status = Literal["sourced", "derived", "illustrative"]
STATUSES: tuple[str, ...] = get_args(Status)

KINDS: dict[str, str] = {
    "museum": "Museum",
    "heritage": "Heritage site",
    "park": "Park",
    "garden": "Garden",
    "nature": "Nature",
    "wildlife": "Wildlife",
    "theme-park": "Theme park",
    "show": "Show",
    "hotel": "Hotel",
    "restaurant": "Restaurant",
    "card": "City card",
    "other": "Other sight",
}
"""Kind of venue → its English name, translated by the surface."""
ESTABLISHMENTS = ("hotel", "restaurant", "card")
"""Kinds that are looked for apart from the sights."""

STATUS_LABELS: dict[str, str] = {"sourced": "sourced", "derived": "derived", "illustrative": "illustrative"}
"""How well a figure is supported → the word for it, translated by the surface."""


class VenueUnknown(NotFound):
    """There is no such place in our catalogue."""

    next_step = "Search by name or city; the place may have another address now."


class CatalogueFileUnreadable(InvalidInput):
    """This catalogue file cannot be imported as it is."""

    safe = "Nothing was imported."
    next_step = "Correct the marked places in the file and try again; all of them are listed."


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a figure comes from: `status`, the id of a `Source`, the date of that source, a bilingual note."""

    status: Status | Literal[""] = ""
    source: str = ""
    as_of: str = ""
    note: Text = {}


class Source(msgspec.Struct, frozen=True):
    """A published text that figures rest on, and what we think of it."""

    id: str
    what: str
    url: str
    quality: str = ""
    as_of: str = ""


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A published figure or rule with its provenance. `label` says what it is; `value` is a number, text or bilingual text."""

    fact: str
    label: Text
    value: int | float | str | bool | Text
    status: Status
    source: str = ""
    as_of: str = ""
    note: Text = {}


class Opening(msgspec.Struct, frozen=True):
    """Hours of one season. Inclusive days of the year; closed on these ISO weekdays (Monday = 1)."""

    season: str
    from_day: str
    to_day: str
    opens: time
    closes: time
    last_entry: time
    closed_weekdays: list[int] = []
    provenance: Provenance = Provenance()


class SpecialDay(msgspec.Struct, frozen=True):
    """One date that differs: closed, or open although its weekday is closed; with its own hours or the season's."""

    day: date
    is_open: bool
    opens: time | None = None
    closes: time | None = None
    last_entry: time | None = None
    reason: Text = {}


class Timeslot(msgspec.Struct, frozen=True):
    """A time of entry: its part of the product's day in basis points, limited further by a capacity of its own."""

    code: str
    starts: time
    ends: time
    share_bp: int
    capacity: int | None = None
    name: Text = {}
    provenance: Provenance = Provenance()


class Price(msgspec.Struct, frozen=True):
    """What one ticket costs, in its season. A price that uses no place counts against no slot (free children)."""

    id: str
    product_id: str
    ticket: str
    name: Text
    amount_minor: int
    currency: str
    from_day: str
    to_day: str
    uses_place: bool
    position: int
    provenance: Provenance = Provenance()

    @property
    def money(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Product(msgspec.Struct, frozen=True):
    """What is sold: entry by timeslot, with its rules. `provenance` names the origin of each rule by field name."""

    id: str
    venue_id: str
    name: Text
    real_name: bool
    documents: list[str]
    max_per_order: int
    once_per_document_day: bool
    per_account_day: int | None
    release_days: int
    release_time: time
    same_day_sale: bool
    cancel_rule: dict[str, Any]
    notice_minutes: int | None = None
    """Sale closes so many minutes before a slot begins; None: at the last entry."""
    provenance: dict[str, Provenance] = {}
    retired_at: datetime | None = None
    timeslots: list[Timeslot] = []
    prices: list[Price] = []


class Venue(msgspec.Struct, frozen=True):
    """A place that can be visited, with all that is on sale there and the sources its figures name."""

    id: str
    name: Text
    city: Text
    province: str
    kind: str
    summary: Text
    latitude: float | None
    longitude: float | None
    time_zone: str
    facts: list[Fact]
    updated_at: datetime
    retired_at: datetime | None = None
    openings: list[Opening] = []
    special_days: list[SpecialDay] = []
    products: list[Product] = []
    sources: dict[str, Source] = {}

    def product(self, product_id: str) -> Product | None:
        return next((product for product in self.products if product.id == product_id), None)


class VenueCard(msgspec.Struct, frozen=True):
    """A venue in a list. `lowest` is its cheapest ticket that takes a place, in any season; None when nothing is on sale."""

    id: str
    name: Text
    city: Text
    province: str
    kind: str
    summary: Text
    latitude: float | None
    longitude: float | None
    lowest: Money | None = None
    retired_at: datetime | None = None


class City(msgspec.Struct, frozen=True):
    """A city in which something can be visited."""

    name: Text
    venues: int
