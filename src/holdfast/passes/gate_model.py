"""Types and problems of the gate: devices, shifts, rules of entry, and who went in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from holdfast.kit import settings
from holdfast.kit.problems import Conflict, Denied, NotFound


class Verdict(StrEnum):
    """What the gate says of a ticket; a closed list, the same at the server and on a device without a network."""

    VALID = "valid"
    USED = "used"
    TOO_EARLY = "too-early"
    TOO_LATE = "too-late"
    WRONG_VENUE = "wrong-venue"
    REVOKED = "revoked"
    """Cancelled, changed, or replaced by a newer code."""
    UNPAID = "unpaid"
    WAIT = "wait"
    """Entry is paused, or as many are inside as may be at once: the ticket is good and not used up. Online only."""
    UNKNOWN = "unknown"
    COUNTER_REUSED = "counter-reused"
    """A device sent something else under a number that it had used: nothing was recorded."""


class Ruling(StrEnum):
    """What staff decide about a conflict. Nobody who was let in is punished by any of them."""

    LET_BE = "let-be"
    WATCH = "watch"
    DESK = "desk"


class Rules(msgspec.Struct, frozen=True):
    """Rules of entry of a venue, in minutes.

    Entry is possible `early_minutes` before the slot begins and `late_minutes` after it ends. Where exits are counted,
    who is inside is what went in today less what went out; elsewhere people are taken to stay `stay_minutes`.
    Nobody counts as not having come before `grace_minutes` after the slot.
    """

    early_minutes: int = 30
    late_minutes: int = 30
    exits_counted: bool = False
    stay_minutes: int = 120
    grace_minutes: int = 60


USUAL = Rules()


class Device(msgspec.Struct, frozen=True):
    """A shared device at a gate, as the console shows it. `staff_name` is who is on duty there; empty when nobody is."""

    id: UUID
    venue_id: str
    venue_name: dict[str, str]
    name: str
    agent: str
    made_at: datetime
    enrolled_at: datetime | None
    seen_at: datetime | None
    synced_at: datetime | None
    pending: int
    revoked_at: datetime | None
    revoked_reason: str | None
    staff_name: str
    today: int
    """People it let in since midnight."""
    missing: int
    """Numbers it skipped: passages that it recorded and that have not come."""


class Enrolment(msgspec.Struct, frozen=True):
    """A link that makes a phone or tablet a gate, once, within an hour. Stored only as a digest."""

    device_id: UUID
    name: str
    code: str
    until: datetime

    @property
    def url(self) -> str:
        return f"{settings.current().base_url}/gate#enrol={self.code}"


class Enrolled(msgspec.Struct, frozen=True):
    """A device that was just enrolled. The token is shown once and stored only as its digest."""

    token: str
    device_id: UUID
    name: str
    venue_id: str


class Known(msgspec.Struct, frozen=True):
    """A device that has shown its token, where it stands, and who is on duty there; `shift_id` is None when nobody is."""

    id: UUID
    name: str
    venue_id: str
    venue_name: dict[str, str]
    time_zone: str
    shift_id: UUID | None = None
    staff_name: str | None = None
    shift_ends_at: datetime | None = None


class Shift(msgspec.Struct, frozen=True):
    """Who is on duty at a device, until when."""

    id: UUID
    name: str
    ends_at: datetime


class Passage(msgspec.Struct, frozen=True):
    """One recorded entry or exit. A refused ticket leaves none, unless a device without a network had let somebody in."""

    device_id: UUID
    counter: int
    device_name: str
    kind: str
    venue_id: str
    venue_name: dict[str, str]
    order_number: str | None
    ticket: int | None
    people: int
    at: datetime
    recorded_at: datetime
    offline: bool
    insisted: bool
    verdict: Verdict
    counts: bool
    staff_name: str
    undone_at: datetime | None
    undone_reason: str | None
    ruling: Ruling | None
    ruling_note: str | None

    @property
    def key(self) -> str:
        """How addresses name it."""
        return f"{self.device_id}.{self.counter}"


class Dispute(msgspec.Struct, frozen=True):
    """A passage against the rules, found when it was uploaded, and the admission that had used the ticket, if one had."""

    late: Passage
    rival: Passage | None


class Shows(msgspec.Struct, frozen=True):
    """People who were expected at a venue on a day, and those of them who did not come."""

    admitted: int
    no_shows: int

    @property
    def rate_bp(self) -> int:
        """No-shows in basis points of those expected; 0 when nobody was."""
        expected = self.admitted + self.no_shows
        return self.no_shows * 10_000 // expected if expected else 0


class GateSignInNeeded(Denied):
    """This device is not enrolled as a gate, or no longer."""

    status = 401
    safe = "What it recorded stays on it and can be uploaded when it is enrolled again."
    next_step = "Make a new link in the console under Gates and open it on this device."


class ShiftNeeded(Denied):
    """Nobody is signed in at this gate."""

    safe = "What was recorded is kept and uploaded."
    next_step = "Sign in at the gate with login, password and code."


class EnrolmentOver(NotFound):
    """This link for a gate is used up or too old."""

    safe = "Nothing was changed."
    next_step = "Make a new one in the console under Gates; it is valid for an hour and counts once."


class GateUnknown(NotFound):
    """There is no such gate device."""

    next_step = "Look at the list of gates."


class GateRevoked(Conflict):
    """This device is switched off already."""

    safe = "Nothing was changed."
    next_step = "Make a new device if the gate is needed again."


class AdmissionUnknown(NotFound):
    """There is no such admission."""

    next_step = "Look at the list of admissions under Gates."


class AdmissionUndone(Conflict):
    """This admission was undone already, or never counted."""

    safe = "Nothing was changed."
    next_step = "Look at the list of admissions under Gates."


class DisputeOver(Conflict):
    """Somebody has decided about this already."""

    safe = "The decision stands as it was made."
    next_step = "Look at the list of conflicts under Gates."
