"""Types and problems of accounts that are one person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast import changes
from holdfast.kit.problems import Conflict, Denied, Invalid, NotFound, TooMany, Unavailable

CAP = 20
"""Accounts of one person at most: more are an agency or a shared phone, and somebody should look."""
FRESH = timedelta(minutes=10)
"""How long a proof counts."""
DORMANT = timedelta(days=90)
"""A phone that signed in last before that may belong to somebody else by now: numbers are given out again."""
NOT_ME_TTL = timedelta(hours=24)
NOT_ME = "not-me"

DIFFERENCES = {
    "together": "Each phone signs in as before, and from both you find all orders and tickets.",
    "messages": "Messages about an order still go to the phone it was booked with.",
    "sign-out": "“Sign out on every device” ends the sessions of both accounts.",
    "limits": "Limits per person, such as tickets a day, count both accounts together.",
    "new": "New orders belong to the account whose phone you signed in with, so undoing this splits them rightly.",
}
"""What will look different afterwards, in the order in which it is told."""


class Known(msgspec.Struct, frozen=True):
    """An account as its owner and staff recognise it."""

    id: UUID
    masked: str
    created_at: datetime
    locale: str


class Link(msgspec.Struct, frozen=True):
    """Two accounts that somebody asserted to be one person."""

    id: UUID
    a: UUID
    b: UUID
    evidence: dict[str, Any]
    made_by: str
    made_at: datetime
    approved_by: str | None
    ended_at: datetime | None
    end_reason: str | None
    a_masked: str
    b_masked: str


class Row(msgspec.Struct, frozen=True):
    """One kind of thing on both sides: how many, and what they add up to (minor units of `currency`, if it is money)."""

    kind: str
    name: str
    currency: str
    left_count: int
    left_minor: int
    right_count: int
    right_minor: int

    @property
    def count(self) -> int:
        return self.left_count + self.right_count

    @property
    def minor(self) -> int:
        return self.left_minor + self.right_minor


def lasting(rows: list[Row]) -> list[Row]:
    """The rows without live sessions."""
    return [row for row in rows if row.kind != "sessions"]


class Excess(msgspec.Struct, frozen=True):
    """A limit per person that both sides together exceed. What was given stays; only new things are refused."""

    limit: str
    subject: str
    count: int
    allowed: int


class Crossed(msgspec.Struct, frozen=True):
    """Something that one side did with what belongs to the other. `did` is the event's kind."""

    kind: str
    subject: str
    did: str
    by: str
    at: datetime


class Preview(msgspec.Struct, frozen=True):
    """What a merge brings together: the accounts of both sides, what each has, and what will look different."""

    left: list[Known]
    right: list[Known]
    rows: list[Row]
    exceeded: list[Excess]
    differences: list[str]

    @property
    def shown(self) -> str:
        """The hash that a confirmation is bound to."""
        return changes.hashed(self.lasting).hex()

    @property
    def lasting(self) -> Preview:
        """Without what comes and goes with every sign-in."""
        return msgspec.structs.replace(self, rows=lasting(self.rows))


class Parting(msgspec.Struct, frozen=True):
    """What ending a link gives to whom. `joined_still`: other links keep both together, and nothing will look different."""

    link: Link
    left: list[Known]
    right: list[Known]
    rows: list[Row]
    crossed: list[Crossed]
    joined_still: bool

    @property
    def shown(self) -> str:
        """The hash that a confirmation is bound to."""
        return changes.hashed(
            [self.link.id, self.left, self.right, lasting(self.rows), self.crossed, self.joined_still]
        ).hex()


class Merged(msgspec.Struct, frozen=True):
    """A merge that was done: the link, and the accounts of the two sides as they were."""

    link_id: UUID
    left: list[UUID]
    right: list[UUID]


class Parted(msgspec.Struct, frozen=True):
    """A merge that was undone, and how many sessions that ended."""

    link_id: UUID
    left: list[UUID]
    right: list[UUID]
    joined_still: bool
    sessions_ended: int = 0


class AlreadyOnePerson(Conflict):
    """These accounts are one person already."""

    safe = "Nothing was changed: all orders are found from both phones."
    next_step = "Look at the list of your joined accounts."


class NoSuchAccount(NotFound):
    """There is no such account."""

    safe = "Nothing was changed."
    next_step = "Check the phone number; an account is opened by signing in with a phone for the first time."


class NothingToJoin(Conflict):
    """This phone has no account of its own, so there is nothing to join."""

    safe = "Nothing was changed; your orders are where they were."
    next_step = "Check whether the orders you miss were booked with another phone."


class ContactMissing(Conflict):
    """Your account has neither a phone nor an e-mail address to which we could send a code."""

    safe = "Nothing was changed."
    next_step = "Add a phone to your account first; then join it with the other."


class ProofMissing(Denied):
    """Both phones must be proven within the last ten minutes."""

    safe = "Nothing was changed."
    next_step = "Ask for new codes; one is sent to each phone."


class TooManyMergeCodes(TooMany):
    """Too many codes were asked for to join accounts."""

    safe = "Nothing was changed; the last codes still count."
    next_step = "Use the newest codes, or ask again after the time shown."


class ClusterTooLarge(Conflict):
    """These would be more accounts than one person may have."""

    safe = "Nothing was changed. A colleague of ours will look at it."
    next_step = "If this is a shared phone or an agency, write to us: there are better ways than joining accounts."


class MergeWouldLose(Unavailable):
    """Joining these accounts did not show everything that both have, so it was not done."""

    safe = "Nothing was changed: every order is where it was. We have been told of it."
    next_step = "Please try again later; your orders are found with the phone they were booked with."


class LinkUnknown(NotFound):
    """There is no such joining of accounts of yours."""

    safe = "Nothing was changed."
    next_step = "Look at the list of your joined accounts."


class LinkOver(Conflict):
    """These accounts are separate already."""

    safe = "Nothing was changed; each account has its own orders."
    next_step = "Look at the list of your joined accounts."


class NotMeOver(Conflict):
    """This link was valid for a day."""

    safe = "Nothing was changed."
    next_step = "Sign in: under Account, Joined accounts, it can still be undone."


class SamePhone(Invalid):
    """This is a phone of the account you are signed in with."""

    safe = "Nothing was changed."
    next_step = "Enter the other phone, with which you booked before."
