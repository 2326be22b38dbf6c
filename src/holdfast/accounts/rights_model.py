"""Types and problems of the rights people have over their data."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, NotFound, TooMany


class Foreseen(msgspec.Struct, frozen=True):
    """What an erasure does to things of one kind: `says` and `law` are English sentences, translated by the surface.

    Without `law` the things go; with it they stay, until a day where one is known, without what identifies anybody.
    """

    kind: str
    count: int
    says: str
    law: str = ""
    until: date | None = None


class Obstacle(msgspec.Struct, frozen=True):
    """Something that must be over before an erasure: what it is about, and what to do. `path` leads there."""

    code: str
    subject: str
    says: str
    next_step: str
    path: str = ""


class Erased(msgspec.Struct, frozen=True):
    """Whose data go: the accounts, blind indexes of what identified them, and since when they are closed."""

    accounts: list[UUID]
    contacts: list[bytes]
    closed_at: datetime


class Progress(msgspec.Struct, frozen=True):
    """What one step of an erasure did, and how much cannot be erased yet."""

    done: int
    waiting: int = 0


class ExportState(StrEnum):
    """A copy is asked for, can be fetched, or is gone."""

    ASKED = "asked"
    READY = "ready"
    ENDED = "ended"


class Export(msgspec.Struct, frozen=True):
    """A copy of somebody's data, without its content. `accounts` is whose data are in it."""

    id: UUID
    account_id: UUID
    accounts: list[UUID]
    state: ExportState
    asked_at: datetime
    built_at: datetime | None
    expires_at: datetime | None
    size_bytes: int | None
    fetched: int


class Scope(StrEnum):
    """What is to be erased: one account, or all accounts that are one person."""

    ACCOUNT = "account"
    PERSON = "person"


class ErasureState(StrEnum):
    """Waiting until the owner can no longer change their mind; erasing cannot be stopped."""

    WAITING = "waiting"
    WITHDRAWN = "withdrawn"
    ERASING = "erasing"
    DONE = "done"


class Erasure(msgspec.Struct, frozen=True):
    """An erasure that was asked for, and how far it is. `counts` is how many things of each kind were erased."""

    id: UUID
    account_id: UUID
    accounts: list[UUID]
    scope: Scope
    state: ErasureState
    asked_at: datetime
    due_at: datetime
    postponed: int
    closed_at: datetime | None
    finished_at: datetime | None
    done: list[str]
    counts: dict[str, int]


class Preview(msgspec.Struct, frozen=True):
    """What an erasure would do now. It can be asked for when nothing stands in its way."""

    scope: Scope
    accounts: list[UUID]
    goes: list[Foreseen]
    stays: list[Foreseen]
    obstacles: list[Obstacle]


class Purpose(StrEnum):
    """What somebody may agree to."""

    TERMS = "terms"
    MARKETING = "marketing"


class Consent(msgspec.Struct, frozen=True):
    """That somebody agreed to a version of a text, and when they took it back."""

    account_id: UUID
    purpose: str
    version: str
    text_digest: bytes
    place: str
    given_at: datetime
    withdrawn_at: datetime | None


class ExportTooOften(TooMany):
    """You have asked for several copies of your data today."""

    safe = "The copies there are can be fetched until the time shown."
    next_step = "Fetch the newest one, or ask again tomorrow."


class ExportUnknown(NotFound):
    """There is no such copy of your data."""

    safe = "Your data are as they were."
    next_step = "Ask for a new copy on the page of your data."


class ExportNotReady(Conflict):
    """This copy is still being made."""

    safe = "Nothing is lost; you get a message when it is ready."
    next_step = "Look again in a minute."


class ExportOver(Conflict):
    """This copy can no longer be fetched."""

    safe = "Your data are as they were."
    next_step = "Ask for a new copy: it contains what is there now."


class ErasureBlocked(Conflict):
    """Your data cannot be erased yet."""

    safe = "Nothing was erased."
    next_step = "Settle what is listed, then ask again."

    def __init__(self, obstacles: list[dict[str, Any]] | None = None, **fields: Any) -> None:
        super().__init__(obstacles=obstacles or [], **fields)


class ErasureUnderWay(Conflict):
    """You have asked for this already."""

    safe = "Nothing more will be erased than you asked for."
    next_step = "Look at the page of your data: it says when it happens, and you can take it back until then."


class ErasureOver(Conflict):
    """There is no erasure that could be taken back."""

    next_step = "Look at the page of your data for how it stands."


class ConsentNeeded(Conflict):
    """Your orders rest on these terms, so they cannot be taken back alone."""

    safe = "Nothing was changed."
    next_step = "To end the agreement, have your data erased: that closes the account."
