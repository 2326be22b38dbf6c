"""What both sides of a merge have: domains above say how to count it, accounts compares.

    @accounts.counted("orders")
    async def orders_of(tx: ReadTx, groups: accounts.Groups) -> list[accounts.Tally]: ...

A query counts for several groups of accounts in one statement, so that all of them see the same moment: whatever is
booked meanwhile cannot make them differ. After a merge, *union = left + right* must hold for each kind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

from .merging_model import Crossed, Excess, Row

LEFT, RIGHT, UNION = "left", "right", "union"
SHOWN_MOST = 100_000
"""Orders of an account that a preview counts: the newest."""
CHECKED_MOST = 500
"""Orders of an account that are counted again inside the merge: the newest. Which accounts belong together is compared whole."""


class Groups(msgspec.Struct, frozen=True):
    """Pairs of side and account, as two lists of the same length, and how many things of an account to count at most."""

    sides: list[str]
    accounts: list[UUID]
    most: int


class Tally(msgspec.Struct, frozen=True):
    """How many things of a kind a side has, and their sum in minor units; no currency where it is not money."""

    side: str
    kind: str
    name: str
    currency: str
    count: int
    sum_minor: int


Counted = Callable[[ReadTx, Groups], Awaitable[list[Tally]]]
Limited = Callable[[ReadTx, list[UUID], list[UUID]], Awaitable[list[Excess]]]
CrossedBy = Callable[[ReadTx, list[UUID], list[UUID], datetime], Awaitable[list[Crossed]]]
COUNTED: dict[str, Counted] = {}
LIMITED: dict[str, Limited] = {}
CROSSED: dict[str, CrossedBy] = {}


def counted(name: str) -> Callable[[Counted], Counted]:
    """Registers what a domain counts for previews and for the check inside a merge."""

    def register(query: Counted) -> Counted:
        COUNTED[name] = query
        return query

    return register


def limited(name: str) -> Callable[[Limited], Limited]:
    """Registers a limit per person: ``query(tx, left, right)`` gives what both together exceed."""

    def register(query: Limited) -> Limited:
        LIMITED[name] = query
        return query

    return register


def crossed(name: str) -> Callable[[CrossedBy], CrossedBy]:
    """Registers what one side may have done with things of the other: ``query(tx, left, right, since)``."""

    def register(query: CrossedBy) -> CrossedBy:
        CROSSED[name] = query
        return query

    return register


async def tally(tx: ReadTx, most: int, sides: dict[str, Sequence[UUID]]) -> list[Tally]:
    """Everything that is registered, counted for each side."""
    groups = Groups(
        [side for side, accounts in sides.items() for _ in accounts],
        [account for accounts in sides.values() for account in accounts],
        most,
    )
    return [found for query in COUNTED.values() for found in await query(tx, groups)]


async def exceeded(tx: ReadTx, left: list[UUID], right: list[UUID]) -> list[Excess]:
    """Every limit per person that both together exceed."""
    return [found for query in LIMITED.values() for found in await query(tx, left, right)]


async def crossings(tx: ReadTx, left: list[UUID], right: list[UUID], since: datetime) -> list[Crossed]:
    """What was done across the two sides."""
    return [found for query in CROSSED.values() for found in await query(tx, left, right, since)]


def side_by_side(tallies: Sequence[Tally]) -> list[Row]:
    """Left beside right, in the order of kinds and names."""
    sums = _sums(tallies)
    return [
        Row(*key, *sides.get(LEFT, (0, 0)), *sides.get(RIGHT, (0, 0)))
        for key, sides in sorted(sums.items())
        if sides.keys() & {LEFT, RIGHT}
    ]


def lost(tallies: Sequence[Tally]) -> list[str]:
    """The kinds for which the union is not left and right together; none when nothing is lost."""
    wrong = []
    for (kind, name, currency), sides in _sums(tallies).items():
        parts = [sides.get(side, (0, 0)) for side in (LEFT, RIGHT)]
        if sides.get(UNION, (0, 0)) != (parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]):
            wrong.append(" ".join(filter(None, (kind, name, currency))))
    return wrong


def _sums(tallies: Sequence[Tally]) -> dict[tuple[str, str, str], dict[str, tuple[int, int]]]:
    found: dict[tuple[str, str, str], dict[str, tuple[int, int]]] = {}
    for one in tallies:
        sides = found.setdefault((one.kind, one.name, one.currency), {})
        count, minor = sides.get(one.side, (0, 0))
        sides[one.side] = (count + one.count, minor + one.sum_minor)
    return found
