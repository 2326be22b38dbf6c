"""Desks, the places set aside for them, and the rules that set them aside."""

from __future__ import annotations

import re
from datetime import date, datetime
from uuid import UUID

import msgspec

from holdfast.catalogue.model import Text
from holdfast.kit.problems import Conflict, InvalidInput, NotFound

CODE = re.compile(r"[0-9A-HJKMNPQRSTVWXY]{2}").fullmatch
RETURN_MINUTES_MAX = 525_600


class Desk(msgspec.Struct, frozen=True):
    """A counter with people: of one venue, or of all when `venue_id` is None."""

    code: str
    name: str
    venue_id: str | None
    on_paper_since: datetime | None
    is_drill: bool
    made_by: str
    made_at: datetime
    retired_at: datetime | None


class AllotmentRule(msgspec.Struct, frozen=True):
    """`percent_bp` of every slot of a venue for a desk; what is unused returns `return_minutes` before the slot begins."""

    id: UUID
    desk: str
    venue_id: str
    percent_bp: int
    return_minutes: int
    reason: str
    made_by: str
    made_at: datetime


class Allotment(msgspec.Struct, frozen=True):
    """Places of one slot for one desk. `left` may be sold by it; after `returned_at` nothing."""

    id: UUID
    slot_id: UUID
    desk: str
    places: int
    used: int
    returns_at: datetime
    returned_at: datetime | None
    rule_id: UUID | None

    @property
    def left(self) -> int:
        return 0 if self.returned_at else self.places - self.used


class AllottedSlot(msgspec.Struct, frozen=True):
    """A slot as a desk sees it: public places, what is set aside for this desk and for everybody else."""

    slot_id: UUID
    venue_id: str
    venue_name: Text
    product_id: str
    product_name: Text
    code: str
    slot_name: Text
    time_zone: str
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    state: str
    capacity: int
    taken: int
    set_aside: int
    places: int
    used: int
    returns_at: datetime | None
    returned_at: datetime | None
    by_rule: bool

    @property
    def public(self) -> int:
        """What anybody may buy."""
        return max(0, self.capacity - self.taken - self.set_aside)

    @property
    def left(self) -> int:
        """What this desk may still sell of its own."""
        return 0 if self.returned_at or self.returns_at is None else self.places - self.used


class DeskUnknown(NotFound):
    """There is no such desk."""

    next_step = "Look at the list of desks; codes have two characters."


class DeskTaken(Conflict):
    """Another desk has this code already, or had it once."""

    safe = "Nothing was changed."
    next_step = "Choose another code: slips that are out begin with it."


class DeskInvalid(InvalidInput):
    """This desk cannot be made as it is."""

    safe = "Nothing was changed."
    next_step = "Correct the marked fields."


class AllotmentTooLarge(Conflict):
    """There are not so many free places in this slot."""

    safe = "Nothing was changed. What is sold stays sold."
    next_step = "Set aside at most what is free; the page shows how much that is."


class AllotmentInUse(Conflict):
    """The desk has sold more of its places already."""

    safe = "Nothing was changed. What is sold stays sold."
    next_step = "It cannot be lowered below what is sold; the page shows how much that is."


class AllotmentSpent(Conflict):
    """The desk has not so many places left in this slot."""

    safe = "Nothing was booked and nothing was charged."
    next_step = "Ask a supervisor to set more places aside, or sell from the public ones."
