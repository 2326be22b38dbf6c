"""Callbacks: stored with the event they tell of, and sent by the provider's schedule until the merchant accepts them."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable

import msgspec

from holdfast.kit import http

from . import times
from .faults import EXTRAS
from .journal import Journal
from .memory import Memory
from .simulation import Options

IN_FLIGHT_MAX = 64
ROUND_S = 0.05
SCHEMA = """
create table if not exists callbacks (
    seq integer primary key, id text not null, operation text not null, subject text not null, url text not null,
    body blob not null, signer text not null, kind text not null, tries integer not null default 0,
    due_at real, outcome text not null, status integer
) strict;
create index if not exists callbacks_due on callbacks (due_at) where due_at is not null;
create index if not exists callbacks_extra on callbacks (id) where kind <> '' and due_at is not null;
create index if not exists callbacks_fresh on callbacks (subject) where due_at is not null and tries = 0;
"""
"""Part of the schema of every provider's memory."""


class Letter(msgspec.Struct, frozen=True):
    """Something to tell the merchant. `subject`: the order or refund number; `signer`: what the provider makes of it."""

    id: str
    operation: str
    """``callback`` or ``refund_callback``."""
    subject: str
    url: str
    body: bytes
    signer: str = ""


class Callback(msgspec.Struct, frozen=True):
    """A row of `callbacks`. `kind` is empty for the genuine one, else the fault that it is. `due_at` None: done with."""

    seq: int
    id: str
    operation: str
    subject: str
    url: str
    body: bytes
    signer: str
    kind: str
    tries: int
    due_at: float | None
    outcome: str
    status: int | None


class Manners(msgspec.Struct, frozen=True):
    """How a provider calls back."""

    waits_s: tuple[float, ...]
    """Between tries, as the provider documents them."""
    timeout_s: float
    is_accepted: Callable[[int, bytes], bool]
    """Whether an answer (status, body) ends the tries."""
    dressed: Callable[[Callback], tuple[bytes, dict[str, str]]]
    """The bytes and headers of one try, signed at this moment, and spoilt as `kind` says."""


def store(db: sqlite3.Connection, letter: Letter, faults: dict[str, float]) -> None:
    """Put a callback where the courier finds it, inside the transaction of the event it tells of."""
    due_at = times.now() + faults.get("late_callback", 0.0)
    waiting = [(kind, due_at, "waiting") for kind in EXTRAS if kind in faults]
    genuine = ("", None, "dropped") if "drop_callback" in faults else ("", due_at, "waiting")
    for kind, due, outcome in [*waiting, genuine, *([genuine] if "double_callback" in faults else [])]:
        db.execute(
            "insert into callbacks (id, operation, subject, url, body, signer, kind, due_at, outcome)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                letter.id,
                letter.operation,
                letter.subject,
                letter.url,
                letter.body,
                letter.signer,
                kind,
                due,
                outcome,
            ),
        )


class Courier:
    """Sends the callbacks of one provider."""

    def __init__(self, provider: str, memory: Memory, journal: Journal, options: Options, manners: Manners) -> None:
        self._provider, self._memory, self._journal, self._options = provider, memory, journal, options
        self._manners = manners
        self._in_flight: set[int] = set()
        self._client = http.client()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()

    def wake(self) -> None:
        """Something was stored: look at once."""
        self._wake.set()

    async def run(self, each_round: Callable[[], None]) -> None:
        """Send what is due, until cancelled; `each_round` does what else the provider does in time."""
        async with self._client, asyncio.TaskGroup() as group:
            while True:
                each_round()
                due = self._due()
                if not due and not self._in_flight:
                    self._idle.set()
                for callback in due:
                    self._in_flight.add(callback.seq)
                    group.create_task(self._deliver(callback))
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), ROUND_S)

    async def until_idle(self) -> None:
        """Until everything that is due at this moment was done: no callback waits, and none is under way."""
        self._idle.clear()
        self.wake()
        await self._idle.wait()

    async def deliver_now(self, subject: str) -> None:
        """Try everything that waits about one order or refund, once, before going on."""
        query = "select * from callbacks where subject = ? and due_at is not null and tries = 0 order by seq"
        for row in self._memory.db.execute(query, (subject,)).fetchall():
            callback = Callback(**dict(row))
            if callback.seq not in self._in_flight:
                self._in_flight.add(callback.seq)
                await self._deliver(callback)

    def counts(self) -> dict[str, int]:
        """How many callbacks stand how: waiting, delivered, given up, dropped, ``<extra> accepted``, ``<extra> refused``."""
        rows = self._memory.db.execute("select outcome, count(*) from callbacks group by outcome")
        return {row[0]: row[1] for row in rows}

    def _due(self) -> list[Callback]:
        room = IN_FLIGHT_MAX - len(self._in_flight)
        if room <= 0:
            return []
        query = (
            "select * from callbacks c where due_at <= ? and (kind <> '' or not exists"
            " (select 1 from callbacks e where e.id = c.id and e.kind <> '' and e.due_at is not null))"
            " order by due_at, seq limit ?"
        )
        rows = self._memory.db.execute(query, (times.now(), IN_FLIGHT_MAX)).fetchall()
        return [Callback(**dict(row)) for row in rows if row["seq"] not in self._in_flight][:room]

    async def _deliver(self, callback: Callback) -> None:
        body, headers = self._manners.dressed(callback)
        status, answer, reason = None, b"", ""
        try:
            got = await http.send(
                self._client, "POST", callback.url, body=body, headers=headers, timeout_s=self._manners.timeout_s
            )
            status, answer = got.status, got.body
        except http.NoAnswer as silence:
            reason = silence.reason
        finally:
            self._in_flight.discard(callback.seq)
            self.wake()
        self._note(callback, status, status is not None and self._manners.is_accepted(status, answer), reason)

    def _note(self, callback: Callback, status: int | None, accepted: bool, reason: str) -> None:
        """Write down how a try went and when the next one is due."""
        due_at, outcome = None, "delivered" if accepted else "given up"
        if callback.kind:
            outcome = f"{callback.kind} {'accepted' if accepted else 'refused'}"
        elif not accepted and callback.tries < len(self._manners.waits_s):
            due_at = times.now() + self._manners.waits_s[callback.tries] / self._options.speed
            outcome = "waiting"
        with self._memory.writing() as db:
            db.execute(
                "update callbacks set tries = tries + 1, due_at = ?, outcome = ?, status = ? where seq = ?",
                (due_at, outcome, status, callback.seq),
            )
        self._journal.add(
            callback.operation,
            provider=self._provider,
            id=callback.id,
            subject=callback.subject,
            url=callback.url,
            attempt=callback.tries + 1,
            status=status,
            reason=reason,
            outcome=outcome,
        )
