"""Bookings that a supplier is to answer, and why a product is not sold whatever its clock says."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from holdfast.catalogue.model import Text

BAR_WORDS: dict[str, str] = {
    "unanswered": "bookings were not answered in time",
    "refused": "a guest or a booking was turned away",
    "off": "the partner is switched off",
    "staff": "stopped by staff",
}
"""Kind of bar → English words, translated by the surface."""


class Wanted(msgspec.Struct, frozen=True):
    """A booking of one night or sitting, to be asked about. `once` names it, so that asking again is the same."""

    once: str
    kind: Literal["booking", "standing"]
    product_id: str
    order_number: str
    visit_date: date
    code: str
    starts_at: datetime
    places: int


class Ask(msgspec.Struct, frozen=True):
    """A booking that a partner is to answer. cannot: somebody of ours settles it with the traveller."""

    id: UUID
    kind: Literal["booking", "standing"]
    partner_id: str
    product_id: str
    product_name: Text
    slot_name: Text
    order_number: str
    visit_date: date
    code: str
    starts_at: datetime
    time_zone: str
    places: int
    asked_at: datetime
    due_at: datetime
    answer: Literal["have", "cannot", "withdrawn"] | None
    answered_at: datetime | None
    answered_by: str
    note: str
    settled_at: datetime | None
    settled_by: str

    def is_late(self, now: datetime) -> bool:
        return self.answer is None and self.due_at <= now


class Bar(msgspec.Struct, frozen=True):
    """Since when and why a product is not sold whatever its clock says."""

    id: UUID
    product_id: str
    partner_id: str
    kind: Literal["unanswered", "refused", "off", "staff"]
    note: str
    began_at: datetime
    began_by: str
