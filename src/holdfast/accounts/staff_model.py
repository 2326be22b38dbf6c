"""Types and problems of staff: the people at the desk, and the programs they answer for."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec

from holdfast.kit import settings
from holdfast.kit.actor import Actor
from holdfast.kit.problems import Conflict, Denied, Invalid, NotFound, TooMany

IDLE = timedelta(minutes=30)
"""A session that was not used for so long is over."""


class Role(StrEnum):
    """What a member of staff may do; the values are stored, and named by endpoints and by sections of the console."""

    SUPPORT = "support"
    DESK = "desk"
    FINANCE = "finance"
    OPERATIONS = "operations"
    MARKETING = "marketing"
    ENGINEER = "engineer"


class Staff(msgspec.Struct, frozen=True):
    """A member of staff who has proven it, or a program with a token of theirs; `roles` are those that count here."""

    id: UUID
    login: str
    name: str
    roles: tuple[Role, ...]

    @property
    def actor(self) -> Actor:
        return Actor("staff", self.id, self.login)

    def may(self, *roles: str) -> bool:
        """Whether one of these roles is held; true when none is asked for."""
        return not roles or any(role in self.roles for role in roles)


class StaffSession(msgspec.Struct, frozen=True):
    """Whose console this is. It ends at `expires_at`, or half an hour after it was last used."""

    staff: Staff
    device: str
    created_at: datetime
    expires_at: datetime
    token_hash: bytes


class StaffSignedIn(msgspec.Struct, frozen=True):
    """A session has begun. The token is shown once and stored only as its digest."""

    token: str
    staff: Staff
    expires_at: datetime


class StaffDevice(msgspec.Struct, frozen=True):
    """A live session in its owner's list."""

    device: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    token_hash: bytes

    @property
    def ends_at(self) -> datetime:
        """When it ends if it is not used again."""
        return min(self.seen_at + IDLE, self.expires_at)


class Member(msgspec.Struct, frozen=True):
    """A staff account as engineers see it. `ready`: password and authenticator are set."""

    id: UUID
    login: str
    name: str
    roles: tuple[Role, ...]
    active: bool
    inactive_reason: str | None
    ready: bool
    created_at: datetime
    signed_in_at: datetime | None
    sessions: int
    tokens: int

    @property
    def staff(self) -> Staff:
        return Staff(self.id, self.login, self.name, self.roles)


class SetupLink(msgspec.Struct, frozen=True):
    """A link with which somebody sets password and authenticator, once, within a day. Stored only as a digest."""

    code: str
    login: str
    expires_at: datetime

    @property
    def url(self) -> str:
        return f"{settings.current().base_url}/console/setup/{self.code}"


class Setup(msgspec.Struct, frozen=True):
    """What the set-up page shows: whose account it is and the secret to scan."""

    login: str
    name: str
    secret: str
    expires_at: datetime

    @property
    def uri(self) -> str:
        """The secret as authenticator apps read it (Key URI format: SHA-1, six digits, 30 seconds)."""
        return f"otpauth://totp/Holdfast:{quote(self.login)}?" + urlencode(
            {"secret": self.secret, "issuer": "Holdfast"}
        )


class ApiToken(msgspec.Struct, frozen=True):
    """A program's token as its owner sees it."""

    id: UUID
    name: str
    roles: tuple[Role, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class NewApiToken(msgspec.Struct, frozen=True):
    """A token that was just made: shown once and stored only as its digest."""

    token: str
    id: UUID
    name: str
    roles: tuple[Role, ...]
    expires_at: datetime


class TrailEntry(msgspec.Struct, frozen=True):
    """A line of the audit trail; `name` is the staff member's, empty for travellers and for the program itself."""

    id: int
    at: datetime
    actor: str
    name: str
    login: str
    action: str
    subject: str
    details: dict[str, Any]


def tidy_login(typed: str) -> str:
    """A login as it is stored: NFKC, small letters, no blanks around it."""
    return unicodedata.normalize("NFKC", typed[:400]).strip().lower()


def in_order(roles: Sequence[str]) -> list[str]:
    """Roles by their place in `Role`, each once. ValueError for one that does not exist."""
    given = {Role(role) for role in roles}
    return [role.value for role in Role if role in given]


def subject(login: str) -> str:
    """What the audit trail calls an account."""
    return f"staff:{login}"


class StaffSignInNeeded(Denied):
    """This is for staff who are signed in."""

    status = 401
    safe = "Nothing was changed."
    next_step = "Sign in at /console; programs send an API token of a member of staff."


class StaffSignInWrong(Denied):
    """Login, password and code do not fit together."""

    status = 401
    safe = "Nothing is locked by this."
    next_step = "Check all three. Each code counts once: if this one was used a moment ago, wait for the next."


class StaffSignInPaused(TooMany):
    """There were many tries to sign in from here."""

    safe = "The account is not locked: from elsewhere one can sign in."
    next_step = "Wait until the time shown, then try again. An engineer can send a new set-up link."


class RoleMissing(Denied):
    """Your roles do not include this."""

    safe = "Nothing was changed."
    next_step = "Ask an engineer to give you the role if your work needs it."


class StaffUnknown(NotFound):
    """There is no such staff account."""

    next_step = "Look at the list of staff; logins are written in small letters."


class LoginTaken(Conflict):
    """There already is a staff account with this login."""

    safe = "Nothing was changed."
    next_step = "Change the roles of the account there is, or send its owner a new set-up link."


class LastEngineer(Conflict):
    """This is the last engineer who can sign in."""

    safe = "Nothing was changed."
    next_step = "Make somebody else an engineer first; without one nobody could manage staff."


class StaffInactive(Conflict):
    """This staff account is switched off."""

    safe = "Nothing was changed."
    next_step = "Switch it on again first."


class SetupOver(NotFound):
    """This set-up link is used up or too old."""

    safe = "Nothing was changed."
    next_step = "Ask an engineer for a new one; it is valid for a day and counts once."


class SetupCodeWrong(Invalid):
    """This is not the code that the authenticator shows now."""

    safe = "Nothing was changed; the link still counts."
    next_step = "Type the six digits it shows now. If they never fit, check that the phone's clock is right."


class PasswordUnfit(Invalid):
    """This password cannot be used."""

    safe = "Nothing was changed; the link still counts."
    next_step = "Choose another; four random words make a good one."


class TokenUnknown(NotFound):
    """There is no such API token, or it has ended."""

    next_step = "Look at the list of tokens of this account."


class DemoRefused(Denied):
    """Demo accounts do not exist in production."""

    safe = "Nothing was changed."
    next_step = "Leave out the password: the set-up link lets people choose their own."
