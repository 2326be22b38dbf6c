"""Background work: the outbox that carries news upwards, and the timetable of what repeats.

A command emits ``payment.paid`` in its transaction; `emit` writes one row per subscriber, so each is tried until it has
succeeded, on its own. Workers claim due rows in batches (``for update skip locked``) under a lease; a crashed worker's
rows come back when the lease ends. Handlers are flows: they get `Db`, open their own transactions, and must be
idempotent, because a crash after their commit and before the row's deletion runs them again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from . import clock, log
from .checks import Offenders, check
from .db import Db, ReadTx, Tx
from .problems import Unavailable

Handler = Callable[[Db, dict[str, Any]], Awaitable[None]]
Repeated = Callable[[Db], Awaitable[Any]]
SUBSCRIBERS: dict[str, dict[str, Handler]] = {}
TIMETABLE: dict[str, tuple[float, Repeated]] = {}
LEASE = timedelta(seconds=60)
ATTEMPTS_MAX = 12


class Due(msgspec.Struct, frozen=True):
    """An outbox row that a worker has claimed."""

    id: int
    topic: str
    subscriber: str
    payload: dict[str, Any]
    attempts: int


def on(topic: str) -> Callable[[Handler], Handler]:
    """Subscribes a handler to a topic. Its module-qualified name identifies it in the outbox: renaming it is a migration."""

    def register(handler: Handler) -> Handler:
        SUBSCRIBERS.setdefault(topic, {})[_name(handler)] = handler
        return handler

    return register


def every(seconds: float) -> Callable[[Repeated], Repeated]:
    """Runs a flow again and again, once per installation, not once per worker."""

    def register(handler: Repeated) -> Repeated:
        TIMETABLE[_name(handler)] = (seconds, handler)
        return handler

    return register


def _name(handler: Callable[..., Any]) -> str:
    return f"{handler.__module__.removeprefix('holdfast.')}.{handler.__name__}"


async def emit(tx: Tx, topic: str, payload: dict[str, Any], *, due_at: datetime | None = None) -> None:
    """News for the subscribers of a topic, in the transaction that made it true. No subscriber, no row."""
    for subscriber in SUBSCRIBERS.get(topic, {}):
        await tx.execute(
            """insert into kit.outbox (topic, subscriber, payload, emitted_at, due_at)
               values (%(topic)s, %(subscriber)s, %(payload)s, %(now)s, %(due)s)""",
            topic=topic, subscriber=subscriber, payload=Jsonb(payload), now=clock.now(), due=due_at or clock.now(),
        )  # fmt: skip


async def _claim(tx: Tx, limit: int) -> list[Due]:
    return await tx.rows(
        Due,
        """update kit.outbox o set due_at = %(lease)s, attempts = attempts + 1
           from (select id from kit.outbox where due_at <= %(now)s and parked_at is null
                 order by due_at limit %(limit)s for update skip locked) due
           where o.id = due.id returning o.id, o.topic, o.subscriber, o.payload, o.attempts""",
        now=clock.now(), lease=clock.now() + LEASE, limit=limit,
    )  # fmt: skip


async def _finish(tx: Tx, ids: list[int]) -> None:
    await tx.execute("delete from kit.outbox where id = any(%(ids)s)", ids=ids)


async def _postpone(tx: Tx, due: Due, error: str, *, final: bool) -> None:
    pause = timedelta(seconds=min(600, 0.5 * 2**due.attempts))
    await tx.execute(
        """update kit.outbox set due_at = %(due)s, error = %(error)s, parked_at = %(parked)s where id = %(id)s""",
        id=due.id, due=clock.now() + pause, error=error[:2000], parked=clock.now() if final else None,
    )  # fmt: skip


async def _handle(db: Db, due: Due) -> bool:
    """Runs one row's subscriber; True when the row is done. A row that keeps failing is parked, never dropped."""
    handler = SUBSCRIBERS.get(due.topic, {}).get(due.subscriber)
    try:
        if handler is None:
            raise LookupError(f"nobody here handles {due.topic} for {due.subscriber}")
        await handler(db, due.payload)
    except Exception as error:
        final = due.attempts >= ATTEMPTS_MAX and not isinstance(error, Unavailable)
        log.get().warning("outbox.failed", topic=due.topic, subscriber=due.subscriber, error=repr(error), parked=final)
        await db.run(_postpone, due, repr(error), final=final)
        return False
    return True


async def deliver(db: Db, limit: int = 100) -> int:
    """Claims what is due and runs it, side by side; the number of rows taken."""
    claimed = await db.run(_claim, limit)
    if claimed:
        done = await asyncio.gather(*(_handle(db, due) for due in claimed))
        await db.run(_finish, [due.id for due, ok in zip(claimed, done, strict=True) if ok])
    return len(claimed)


async def drain(db: Db) -> None:
    """Runs the outbox to empty, in tests and drills."""
    while await deliver(db):
        pass


async def _take_turns(tx: Tx, names: list[str]) -> list[str]:
    """The names whose turn has come; their next turn is set at once, so one worker of many gets each."""
    await tx.execute(
        """insert into kit.timetable (name, due_at) select unnest(%(names)s::text[]), %(now)s on conflict do nothing""",
        names=names, now=clock.now(),
    )  # fmt: skip
    taken: list[str] = await tx.values(
        """select name from kit.timetable where name = any(%(names)s) and due_at <= %(now)s
           for update skip locked""",
        names=names, now=clock.now(),
    )  # fmt: skip
    for name in taken:
        await tx.execute(
            "update kit.timetable set due_at = %(due)s, started_at = %(now)s where name = %(name)s",
            name=name, now=clock.now(), due=clock.now() + timedelta(seconds=TIMETABLE[name][0]),
        )  # fmt: skip
    return taken


async def _repeat(db: Db, name: str) -> None:
    started = time.perf_counter()
    try:
        await TIMETABLE[name][1](db)
    except Exception as error:
        log.get().warning("timetable.failed", name=name, error=repr(error))
    else:
        log.get().debug("timetable.done", name=name, elapsed_s=round(time.perf_counter() - started, 3))


async def work(db: Db, stop: asyncio.Event, *, pause_s: float = 0.2) -> None:
    """The worker's loop: outbox and timetable until `stop`; a missing database is waited for."""
    running: set[asyncio.Task[None]] = set()
    busy: set[str] = set()
    while not stop.is_set():
        taken = 0
        try:
            taken = await deliver(db)
            free = [name for name in TIMETABLE if name not in busy]
            for name in await db.run(_take_turns, free):
                busy.add(name)
                task = asyncio.create_task(_repeat(db, name))
                running.add(task)
                task.add_done_callback(running.discard)
                task.add_done_callback(lambda _, name=name: busy.discard(name))  # type: ignore[misc]
        except Unavailable:
            log.get().warning("worker.waiting", reason="database unavailable")
        if not taken:
            await _sleep(stop, pause_s)
    await asyncio.gather(*running, return_exceptions=True)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    waiter = asyncio.create_task(stop.wait())
    await asyncio.wait([waiter], timeout=seconds)
    waiter.cancel()


@check("No news was given up after failing again and again")
async def nothing_is_parked(tx: ReadTx) -> Offenders:
    """Parked rows wait for a person: mend the cause, then clear ``parked_at``."""
    return await tx.dicts(
        "select id, topic, subscriber, attempts, error from kit.outbox where parked_at is not null limit 100"
    )


def names(topics: Iterable[str] = ()) -> dict[str, list[str]]:
    """Topic → subscribers, for `holdfast where events`."""
    return {topic: sorted(found) for topic, found in SUBSCRIBERS.items() if not topics or topic in topics}
