"""Types and problems of restrictions and of the breaker that keeps them from falling on everybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, Invalid


class Restriction(msgspec.Struct, frozen=True):
    """Somebody's way to sign in rests on unknown devices, until it ends by itself."""

    id: UUID
    scope: str
    account_id: UUID | None
    reason: str
    release_id: str
    incident_id: UUID | None
    created_at: datetime
    expires_at: datetime


class Group(msgspec.Struct, frozen=True):
    """Restrictions of one scope, reason and release. `in_force` of them have not ended by themselves."""

    scope: str
    reason: str
    release_id: str
    written: int
    in_force: int
    accounts: int
    first_at: datetime
    last_at: datetime
    ends_at: datetime


class Selection(msgspec.Struct, frozen=True):
    """Which restrictions are meant: of a release, written from a moment on and before another; all when nothing is said."""

    release: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether anything is said."""
        return (self.release, self.since, self.until) != (None, None, None)


class Preview(msgspec.Struct, frozen=True):
    """What voiding a selection would do."""

    groups: Sequence[Group]
    written: int
    in_force: int


class Breaker(msgspec.Struct, frozen=True):
    """Whether a way to sign in is held to be broken for everybody, since when and why."""

    method: str
    is_open: bool
    changed_at: datetime
    reason: str
    evidence: dict[str, Any]
    rests_until: datetime | None


class SelectionMissing(Invalid):
    """Say which restrictions are meant: of a release, or of a time."""

    safe = "Nothing was voided."
    next_step = "Give a release, or a time from or to; look at the preview first."


class SelectionChanged(Conflict):
    """There are more restrictions now than in the preview."""

    safe = "Nothing was voided."
    next_step = "Look at the new preview, then void again."


class BreakerClosed(Conflict):
    """This breaker is closed."""

    safe = "Nothing was changed."
    next_step = "Look at the page again."
