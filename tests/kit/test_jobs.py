"""The outbox delivers until it has succeeded; the timetable runs once per turn, whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from holdfast.kit import clock, jobs
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import DatabaseUnavailable

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    subscribers, timetable = dict(jobs.SUBSCRIBERS), dict(jobs.TIMETABLE)
    jobs.SUBSCRIBERS.clear()
    jobs.TIMETABLE.clear()
    yield
    jobs.SUBSCRIBERS.clear()
    jobs.TIMETABLE.clear()
    jobs.SUBSCRIBERS.update(subscribers)
    jobs.TIMETABLE.update(timetable)


async def _waiting(db: Db) -> list[dict[str, Any]]:
    async with db.reading() as tx:
        return await tx.dicts("select topic, subscriber, attempts, error, parked_at from kit.outbox order by id")


async def test_every_subscriber_is_served_on_its_own(db: Db) -> None:
    heard: list[str] = []

    @jobs.on("thing.happened")
    async def good(db: Db, payload: dict[str, Any]) -> None:
        heard.append(f"good {payload['n']}")

    @jobs.on("thing.happened")
    async def bad(db: Db, payload: dict[str, Any]) -> None:
        heard.append("bad")
        raise RuntimeError("not today")

    await db.run(jobs.emit, "thing.happened", {"n": 1})
    await jobs.deliver(db)
    assert sorted(heard) == ["bad", "good 1"]
    [left] = await _waiting(db)
    assert left["subscriber"].endswith("bad")
    assert "not today" in left["error"]
    await jobs.deliver(db)
    assert heard.count("bad") == 1, "a failed row waits"
    clock.move(timedelta(minutes=1))
    await jobs.deliver(db)
    assert heard.count("bad") == 2


async def test_news_of_a_transaction_that_fails_is_no_news(db: Db) -> None:
    @jobs.on("thing.happened")
    async def listener(db: Db, payload: dict[str, Any]) -> None: ...

    async def failing(tx: Tx) -> None:
        await jobs.emit(tx, "thing.happened", {})
        raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError):
        await db.run(failing)
    assert await _waiting(db) == []


async def test_a_row_that_keeps_failing_is_parked_and_kept(db: Db) -> None:
    @jobs.on("thing.happened")
    async def broken(db: Db, payload: dict[str, Any]) -> None:
        raise ValueError("never")

    await db.run(jobs.emit, "thing.happened", {})
    for _ in range(jobs.ATTEMPTS_MAX):
        await jobs.deliver(db)
        clock.move(timedelta(minutes=15))
    assert await jobs.deliver(db) == 0
    [row] = await _waiting(db)
    assert row["parked_at"] is not None


async def test_what_is_only_unavailable_is_never_parked(db: Db) -> None:
    @jobs.on("thing.happened")
    async def waiting(db: Db, payload: dict[str, Any]) -> None:
        raise DatabaseUnavailable

    await db.run(jobs.emit, "thing.happened", {})
    for _ in range(jobs.ATTEMPTS_MAX + 3):
        await jobs.deliver(db)
        clock.move(timedelta(minutes=15))
    [row] = await _waiting(db)
    assert row["parked_at"] is None


async def test_a_crashed_worker_s_rows_come_back_when_the_lease_ends(db: Db) -> None:
    heard: list[int] = []

    @jobs.on("thing.happened")
    async def listener(db: Db, payload: dict[str, Any]) -> None:
        heard.append(1)

    await db.run(jobs.emit, "thing.happened", {})
    assert len(await db.run(jobs._claim, 10)) == 1, "claimed by a worker that dies now"
    await jobs.deliver(db)
    assert heard == []
    clock.move(jobs.LEASE + timedelta(seconds=1))
    await jobs.deliver(db)
    assert heard == [1]


async def test_two_workers_share_the_rows_and_double_none(db: Db) -> None:
    heard: list[int] = []

    @jobs.on("thing.happened")
    async def listener(db: Db, payload: dict[str, Any]) -> None:
        heard.append(payload["n"])

    async def many(tx: Tx) -> None:
        for n in range(60):
            await jobs.emit(tx, "thing.happened", {"n": n})

    await db.run(many)
    while sum(await asyncio.gather(jobs.deliver(db, 7), jobs.deliver(db, 7), jobs.deliver(db, 7))):
        pass
    assert sorted(heard) == list(range(60))


async def test_a_turn_of_the_timetable_is_taken_once(db: Db) -> None:
    @jobs.every(60)
    async def tidy(db: Db) -> None: ...

    names = list(jobs.TIMETABLE)
    taken = await asyncio.gather(*(db.run(jobs._take_turns, names) for _ in range(5)))
    assert sum(len(turn) for turn in taken) == 1
    clock.move(timedelta(seconds=61))
    assert await db.run(jobs._take_turns, names) == names
