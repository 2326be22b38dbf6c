"""Accounts are joined while their owners book: rows moved table by table beside ours, on the same load.

Moving is done as the trackers of such systems tell it: one UPDATE per table that somebody thought of, then the absorbed
phone signs in to the account that stays. Orders that were being placed at that moment, and those of sessions that a
server still remembers for a moment, land on the absorbed account, where nobody finds them; a request that is sent again because its
answer got lost books again, since its key was remembered for the other account. Ours asserts that two accounts are one
person, moves nothing, and is undone in the end.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

import holdfast.accounts.checks
import holdfast.inventory.checks
import holdfast.orders.checks  # noqa: F401 - the invariants that are asked
from holdfast import accounts, orders
from holdfast.drills import account_merge_store as store
from holdfast.drills.report import Goal, Options, Report, Table, begun
from holdfast.kit import actor, checks, embedded, ids, schema
from holdfast.kit.actor import Actor
from holdfast.kit.db import Batch, Db

NAME = "account-merge"
TITLE = "Accounts are joined while their owners book"
LEAD = (
    "Twelve people with two accounts each go on booking while their accounts are joined: first by moving rows table by table, "
    "as in the published failure, then by asserting that two accounts are one person. Afterwards everybody looks for their orders."
)
COMPARED = (
    ("orders acknowledged", "acknowledged"),
    ("orders that their owner no longer finds", "left_behind"),
    ("of these, placed while rows were moved", "left_in_flight"),
    ("of these, placed in a session still remembered", "left_old_session"),
    ("requests sent again that booked again", "booked_twice"),
    ("orders seen twice", "seen_twice"),
    ("orders that undoing gives to the wrong account", "undo_wrong"),
    ("slowest joining (ms)", "slowest_ms"),
)
TILES = (
    ("orders acknowledged", "ours_acknowledged"),
    ("lost by moving rows", "moving_left_behind"),
    ("lost by ours", "ours_left_behind"),
    ("booked twice by moving rows", "moving_booked_twice"),
)
WHY = {"in-flight": "placed while rows were moved", "old-session": "placed in a session still remembered"}
MUST_BE_ZERO = {
    "left_behind": "Everybody finds every order they were told of",
    "booked_twice": "A request that is sent again books once",
    "seen_twice": "No order is shown twice",
    "undo_wrong": "Undoing gives every order back to the account it was booked with",
    "broken": "Every invariant holds",
}
SECONDS = 10.0
SHOWN = 200
PEOPLE = 12
REMEMBERED_S = 0.3
"""So long a server believes what it knows of a session; `accounts.Doorkeeper` believes it for three seconds."""
PAUSE_S = 0.02
ALL = 1_000_000
DRILL = actor.system("account-merge drill")
Joining = Callable[[Db, "Someone"], Awaitable[None]]


class Someone(NamedTuple):
    """A person with two accounts: the one they keep and the other."""

    first: UUID
    second: UUID


class Acknowledged(NamedTuple):
    """An order that somebody was told of, when its request began, and in whose session."""

    number: str
    someone: Someone
    account_id: UUID
    began: float


class LeftBehind(NamedTuple):
    """An order that its owner no longer finds, and why: ``in-flight`` or ``old-session``."""

    number: str
    why: str


class Played(NamedTuple):
    """What came of one way of joining."""

    acknowledged: list[Acknowledged]
    left_behind: list[LeftBehind]
    booked_twice: int
    """Requests that were sent again with their key and booked again."""
    seen_twice: int
    slowest_ms: float
    moved_back_wrong: int
    """Orders that an undo cannot give back to the account they were booked with."""
    broken: int
    """Invariants that do not hold."""


def main(options: Options) -> Report:
    """Runs both ways, each for the asked seconds, on a PostgreSQL of its own. Its goals hold for ours; moving must lose some."""
    report = begun(NAME, TITLE, LEAD, options)
    began = time.monotonic()
    moving, ours = examine(options.seconds or SECONDS, options.seed)
    report.figures = figures(moving, ours)
    report.goals = _goals(report.figures)
    report.tiles = [(title, figure, "") for title, figure in TILES]
    compared = [(says, name) for says, name in COMPARED if f"moving_{name}" in report.figures]
    report.tables = [
        Table(
            "Side by side",
            ["", "Rows moved", "Ours"],
            [[says, report.figures[f"moving_{name}"], report.figures[f"ours_{name}"]] for says, name in compared],
        ),
        Table(
            "Orders that moving rows leaves behind",
            ["Order", "Why"],
            [[one.number, WHY[one.why]] for one in moving.left_behind[:SHOWN]],
            folded=True,
        ),
    ]
    report.findings = [f"ours lost {one.number} ({one.why})" for one in ours.left_behind]
    report.elapsed_s = report.figures["elapsed_s"] = round(time.monotonic() - began, 1)
    return report


def examine(seconds: float, seed: int) -> tuple[Played, Played]:
    """Both ways with everything that was seen, also the numbers of the orders that moving leaves behind."""
    with embedded.temporary(durable=False) as url:
        schema.apply(url)
        return asyncio.run(_both(url, seconds, seed))


def figures(moving: Played, ours: Played) -> dict[str, float]:
    """Flat numbers."""
    found: dict[str, float] = {}
    for name, played in (("moving", moving), ("ours", ours)):
        why = Counter(one.why for one in played.left_behind)
        found |= {
            f"{name}_acknowledged": len(played.acknowledged),
            f"{name}_left_behind": len(played.left_behind),
            f"{name}_left_in_flight": why["in-flight"],
            f"{name}_left_old_session": why["old-session"],
            f"{name}_booked_twice": played.booked_twice,
            f"{name}_seen_twice": played.seen_twice,
            f"{name}_undo_wrong": played.moved_back_wrong,
            f"{name}_slowest_ms": round(played.slowest_ms, 1),
            f"{name}_broken": played.broken,
        }
    return found | {"people": PEOPLE}


def _goals(found: dict[str, float]) -> list[Goal]:
    """What must hold for ours, and that the drill was one: moving rows must have lost something."""
    goals = [Goal(f"ours_{name}", sentence, found[f"ours_{name}"]) for name, sentence in MUST_BE_ZERO.items()]
    return [
        *goals,
        Goal(
            "ours_acknowledged",
            "People booked while their accounts were joined",
            found["ours_acknowledged"],
            1,
            least=True,
        ),
        Goal("moving_left_behind", "Moving rows leaves orders behind", found["moving_left_behind"], 1, least=True),
    ]


async def _both(url: str, seconds: float, seed: int) -> tuple[Played, Played]:
    db = await Db(url, size=12).open()
    try:
        slot = await db.run(store.make_slot)
        moving = await Play(db, slot, seconds, seed, moves=True).whole(_move)
        ours = await Play(db, slot, seconds, seed, moves=False).whole(_assert)
    finally:
        await db.close()
    return moving, ours


async def _move(db: Db, someone: Someone) -> None:
    """Table by table, each in a transaction of its own."""
    for move in store.MOVES:
        await db.run(move, someone.second, someone.first)


async def _assert(db: Db, someone: Someone) -> None:
    await db.run(accounts.merge, DRILL, someone.first, someone.second, evidence={"means": "drill"})


class Play:
    """People who book with both accounts while these are joined; everything is decided by the seed but the timing."""

    def __init__(self, db: Db, slot: store.Slot, seconds: float, seed: int, *, moves: bool) -> None:
        self.db, self.slot, self.seconds, self.moves = db, slot, seconds, moves
        self.random = random.Random(seed)
        self.place: Batch[orders.PlaceRequest, orders.Placed] = orders.group_commit(db, lanes=4, limit=16)
        self.told: list[Acknowledged] = []
        self.joined: dict[Someone, tuple[float, float]] = {}
        self.again: dict[tuple[Someone, UUID], tuple[str, str]] = {}
        self.until = 0.0

    async def whole(self, joining: Joining) -> Played:
        """Booking, joining, asking again, and what is found afterwards."""
        people = [Someone(*await self.db.run(store.open_accounts)) for _ in range(PEOPLE)]
        self.until = time.monotonic() + self.seconds
        moments = [self.seconds * self.random.uniform(0.2, 0.8) for _ in people]
        bookings = [self._books(someone, account) for someone in people for account in someone]
        joinings = [self._joins(joining, one, after) for one, after in zip(people, moments, strict=True)]
        await asyncio.gather(*bookings, *joinings)
        twice = await self._ask_again()
        left, seen_twice = await self._search(people)
        wrong = await self._undo(people)
        broken = 0 if self.moves else sum(not one.holds for one in await checks.run_all(self.db))
        slowest = max(ended - began for began, ended in self.joined.values()) * 1000
        return Played(self.told, left, twice, seen_twice, slowest, wrong, broken)

    def _account(self, someone: Someone, session: UUID) -> UUID:
        """Whom a server takes a session for: when rows are moved, the account that stays, as soon as it has noticed."""
        joined = self.joined.get(someone)
        noticed = joined is not None and time.monotonic() > joined[1] + REMEMBERED_S
        return someone.first if self.moves and noticed else session

    def _request(self, account: UUID, key: str) -> orders.PlaceRequest:
        basket = orders.Basket([orders.BasketLine(self.slot.id, self.slot.price_id, 1)], "+8613800138000")
        by = Actor("traveller", account)
        return orders.prepare(account_id=account, key=key, basket=basket, locale="en", channel="web", actor=by)

    async def _books(self, someone: Someone, session: UUID) -> None:
        while time.monotonic() < self.until:
            key, began = ids.uuid7().hex, time.monotonic()
            placed = await self.place(self._request(self._account(someone, session), key))
            self.told.append(Acknowledged(placed.number, someone, session, began))
            if someone not in self.joined:
                self.again[someone, session] = (key, placed.number)
            await asyncio.sleep(self.random.uniform(0, PAUSE_S))

    async def _joins(self, joining: Joining, someone: Someone, after_s: float) -> None:
        await asyncio.sleep(after_s)
        began = time.monotonic()
        await joining(self.db, someone)
        self.joined[someone] = (began, time.monotonic())

    async def _ask_again(self) -> int:
        """The last request before joining, sent again as if its answer had got lost; how many booked anew."""
        await asyncio.sleep(REMEMBERED_S * 1.1)
        twice = 0
        for (someone, session), (key, number) in self.again.items():
            placed = await self.place(self._request(self._account(someone, session), key))
            twice += placed.number != number
        return twice

    async def _search(self, people: list[Someone]) -> tuple[list[LeftBehind], int]:
        """What people no longer find with either phone, and what they find twice."""
        left, twice = [], 0
        for someone in people:
            phones = (someone.first,) if self.moves else someone  # a moved phone signs in to the account that stays
            told = [one for one in self.told if one.someone == someone]
            for account in phones:
                async with self.db.reading() as tx:
                    seen = Counter(order.number for order in await orders.mine(tx, account, limit=ALL))
                twice += sum(seen[one.number] > 1 for one in told)
                left += [LeftBehind(one.number, self._why(one)) for one in told if not seen[one.number]]
        return left, twice

    def _why(self, one: Acknowledged) -> str:
        """Placed while rows were being moved, or afterwards in a session that was still believed."""
        return "in-flight" if one.began <= self.joined[one.someone][1] else "old-session"

    async def _undo(self, people: list[Someone]) -> int:
        """Parts everybody; how many orders are then not with the account in whose session they were booked."""
        if not self.moves:
            for someone in people:
                for link in await self.db.read(accounts.joined, someone.first):
                    await self.db.run(accounts.undo, DRILL, link.id, "drill")
        wrong = 0
        for someone in people:
            for account in someone:
                async with self.db.reading() as tx:
                    seen = {order.number for order in await orders.mine(tx, account, limit=ALL)}
                wrong += sum(one.number not in seen for one in self.told if one.account_id == account)
        return wrong
