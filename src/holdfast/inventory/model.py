"""The nouns of the inventory: slots, the policies that decide their capacity, and what a traveller sees of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from holdfast.catalogue.model import Price, Provenance, Text
from holdfast.kit.money import Money

PolicyKind = Literal["absolute", "percent", "closed", "paused", "inside", "entry_paused", "lifted"]
SlotState = Literal["open", "closed", "paused"]
DayState = Literal["open", "closed", "sold-out", "not-yet", "past", "unconfirmed"]
SaleState = Literal["open", "sold-out", "not-yet", "over", "paused", "closed", "unconfirmed"]

DAY_STATES: dict[str, str] = {
    "open": "places left",
    "sold-out": "sold out",
    "not-yet": "not yet on sale",
    "closed": "closed",
    "past": "sale is over",
    "unconfirmed": "not confirmed by the supplier",
}
"""State of a day in the calendar → its English label, translated by the surface."""

SALE_STATES: dict[str, str] = {
    "open": "on sale",
    "sold-out": "sold out",
    "not-yet": "not yet on sale",
    "over": "sale is over",
    "paused": "sale is stopped for now",
    "closed": "closed",
    "unconfirmed": "not confirmed by the supplier",
}
"""State of a slot's sale → its English label, translated by the surface."""


class Policy(msgspec.Struct, frozen=True):
    """A dated rule on a day's capacity: of one product, or of the whole venue when `product_id` is None.

    `value` is places (absolute), basis points (percent) or people at once (inside). No `weekdays` means every day; no
    `to_date` means from then on; with a `day_type` only on the `days` that are marked so; with a `code` only of that slot.
    Where a policy and the one it supersedes both apply, only the newer counts; ``lifted`` leaves nothing in its place.
    """

    id: UUID
    venue_id: str
    product_id: str | None
    from_date: date
    to_date: date | None
    kind: PolicyKind
    value: int = 0
    weekdays: list[int] = []
    reason: Text = {}
    authority: str = ""
    provenance: Provenance = Provenance()
    supersedes: UUID | None = None
    issued_at: datetime | None = None
    origin: str = ""
    code: str | None = None
    day_type: str | None = None
    days: list[date] = []
    document_no: str = ""
    made_by: str = ""
    until_at: datetime | None = None


class Slot(msgspec.Struct, frozen=True):
    """One time of entry on one date: counters, sale window, state. Moments are points in time (UTC)."""

    id: UUID
    product_id: str
    venue_id: str
    visit_date: date
    code: str
    starts_at: datetime
    ends_at: datetime
    sale_opens_at: datetime
    sale_closes_at: datetime
    state: SlotState
    reason: Text
    capacity: int
    overcommitted: int
    taken: int
    set_aside: int = 0
    """Free places that only a desk or another allotment may sell."""
    fresh_until: datetime | None = None
    """So long the supplier's word holds. None: we know ourselves."""

    @property
    def places_left(self) -> int:
        return max(0, self.capacity - self.taken - self.set_aside)

    def is_vouched(self, now: datetime) -> bool:
        return self.fresh_until is None or self.fresh_until > now


class Generated(msgspec.Struct, frozen=True):
    """What `slots.generate` did: new slots; slots with another time, window or capacity; slots that were closed,
    paused (sale stopped, also because more is sold than the capacity allows) or opened again."""

    created: int = 0
    changed: int = 0
    closed: int = 0
    paused: int = 0
    reopened: int = 0


class Day(msgspec.Struct, frozen=True):
    """One day of a venue's calendar. `opens_at` tells when sale begins, for ``not-yet``; `reason` why it is closed."""

    date: date
    state: DayState
    places_left: int = 0
    lowest: Money | None = None
    opens_at: datetime | None = None
    reason: Text = {}


class SlotView(msgspec.Struct, frozen=True):
    """A slot as a traveller sees it, in the venue's zone, with the prices of that day."""

    id: UUID
    product_id: str
    product_name: Text
    code: str
    name: Text
    date: date
    starts_at: datetime
    ends_at: datetime
    places_left: int
    capacity: int
    sale: SaleState
    sale_opens_at: datetime
    sale_closes_at: datetime
    reason: Text
    prices: list[Price]
