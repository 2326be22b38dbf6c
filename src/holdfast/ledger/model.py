"""The nouns of the ledger, its problems, and the pure decisions about legs and shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID
from zlib import crc32

import msgspec

from holdfast.kit.problems import Conflict, Invalid, NotFound

Side = Literal["D", "C"]
"""Debit or credit."""
AMOUNT_MAX = 2**63 - 1
SHARDS = 16
"""How many rows share the clearing account of a provider: a row takes one transaction at a time."""


class Phase(StrEnum):
    """A single journal counts at once; a pending one is a claim that a post carries out or a void gives up."""

    SINGLE = "single"
    PENDING = "pending"
    POST = "post"
    VOID = "void"


class Account(msgspec.Struct, frozen=True):
    """An account by its name: a code of the chart (``2010``), whose it is (``order:…``), and its currency (ISO 4217)."""

    code: str
    owner: str
    currency: str


class Leg(msgspec.Struct, frozen=True):
    """One side of a journal: so much to the debit or credit of an account. ValueError for what is no amount."""

    account: Account
    side: Side
    amount_minor: int

    def __post_init__(self) -> None:
        if not 0 < self.amount_minor <= AMOUNT_MAX:
            raise ValueError(f"{self.amount_minor} is not an amount of a leg: zero and less are left out")


def debit(account: Account, amount_minor: int) -> Leg:
    """A leg to the debit of an account."""
    return Leg(account, "D", amount_minor)


def credit(account: Account, amount_minor: int) -> Leg:
    """A leg to the credit of an account."""
    return Leg(account, "C", amount_minor)


class Entry(msgspec.Struct, frozen=True):
    """A leg as it is written."""

    account: Account
    side: Side
    amount_minor: int


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: legs that balance, under a key, about a subject (``intent:<uuid>``).

    A post, void or reversal has kind, subject and legs from the journal it answers (a reversal with sides exchanged).
    `number` tells the order in which journals took effect. `resolution` is what became of a pending journal.
    """

    id: UUID
    number: int
    kind: str
    phase: Phase
    key: str
    subject: str
    details: dict[str, Any]
    effective_at: datetime
    recorded_at: datetime
    pending_id: UUID | None
    resolution: Phase | None
    reverses: UUID | None
    reversed_by: UUID | None
    entries: list[Entry]


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """The four counters, in minor units, and the side on which they normally stand."""

    normal: Side
    debits_posted: int = 0
    credits_posted: int = 0
    debits_pending: int = 0
    credits_pending: int = 0

    @property
    def amount_minor(self) -> int:
        """What is posted, on the normal side; negative on the other."""
        posted = self.debits_posted - self.credits_posted
        return posted if self.normal == "D" else -posted

    @property
    def leaving_minor(self) -> int:
        """What is pending against the normal side: promised, not yet gone."""
        return self.credits_pending if self.normal == "D" else self.debits_pending

    @property
    def available_minor(self) -> int:
        """What is posted and not leaving; pending money that would come is not there yet."""
        return self.amount_minor - self.leaving_minor


class Balance(Counters, frozen=True, kw_only=True):
    """The counters of one account, or of an owner's shards together."""

    account: Account


class Total(Counters, frozen=True, kw_only=True):
    """The counters of all accounts of one code and currency together."""

    code: str
    name_en: str
    name_zh: str
    currency: str
    accounts: int


class OpenBalance(msgspec.Struct, frozen=True):
    """An account with money still on it. The oldest money is taken to leave first.

    `since` is when the oldest money that is still there came; `waiting_since` the same of money that is not even
    leaving, or None when all of it is.
    """

    account: Account
    amount_minor: int
    available_minor: int
    since: datetime
    waiting_since: datetime | None


class Difference(msgspec.Struct, frozen=True):
    """A counter that is not the sum of its entries."""

    account: Account
    counter: str
    kept_minor: int
    entries_minor: int


class GuardBroken(Conflict):
    """There is not enough money for this."""

    safe = "Nothing was booked by this request; all that was booked before stands."
    next_step = "Look at what is left and what is already on its way; ask for no more than that."


class KeyReusedOtherwise(Conflict):
    """This key already names another journal."""

    safe = "The first journal under this key stands as it is."
    next_step = "Use a new key for new content; repeat the old content unchanged."


class AlreadyResolved(Conflict):
    """This claim was already carried out or given up."""

    safe = "What was decided first stands; nothing was booked twice."
    next_step = "Look at the journal that resolved it."


class AlreadyReversed(Conflict):
    """This journal was already undone."""

    safe = "It was undone once; nothing was booked twice."
    next_step = "Look at the journal that undid it."


class JournalNotPending(Conflict):
    """This journal is not a claim that waits to be resolved."""

    next_step = "Post or void pending journals; undo others by a reversal."


class JournalNotPosted(Conflict):
    """Only what was posted can be undone."""

    next_step = "Give up a pending journal by a void."


class JournalUnknown(NotFound):
    """There is no such journal."""


class AccountUnknown(Invalid):
    """The chart of accounts has no such code."""


class Unbalanced(Invalid):
    """Debits and credits of this journal differ."""

    safe = "Nothing was booked by this request; all that was booked before stands."


def in_order(legs: Sequence[Leg]) -> list[Leg]:
    """Debits first, each side by name: two writings of one journal look the same."""
    return sorted(
        legs,
        key=lambda leg: (
            leg.side == "C",
            leg.account.code,
            leg.account.owner,
            leg.account.currency,
            leg.amount_minor,
        ),
    )


def require_balance(legs: Sequence[Leg]) -> None:
    """Unbalanced when there is nothing, or when the sides differ in a currency."""
    off: Counter[str] = Counter()
    for leg in legs:
        off[leg.account.currency] += leg.amount_minor if leg.side == "D" else -leg.amount_minor
    differing = {currency: minor for currency, minor in off.items() if minor}
    if differing or not off:
        raise Unbalanced(off_minor=differing)


def shard(owner: str, of: UUID) -> str:
    """The owner of the row that takes what belongs to `of`: always the same one of 16 (``wechatpay#07``)."""
    return f"{owner}#{crc32(of.bytes) % SHARDS:02d}"
