"""The outbox at work: news for later, for nobody, for another version; and the worker's loop, with and without a database."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta

import pytest

from holdfast.kit import clock, jobs
from holdfast.kit.db import Db
from tests import world

pytestmark = pytest.mark.anyio


@pytest.fixture
def heard():
    """A topic with two subscribers of this test: what the first one heard, and how to make it fail."""
    got: list[dict[str, object]] = []
    trouble: list[Exception] = []

    async def first(db: Db, payload: dict[str, object]) -> None:
        if trouble:
            raise trouble.pop(0)
        got.append(payload)

    async def second(db: Db, payload: dict[str, object]) -> None:
        pass

    jobs.on("test.happened")(first)
    jobs.on("test.happened")(second)
    yield got, trouble
    del jobs.SUBSCRIBERS["test.happened"]


async def rows(db: Db) -> int:
    return await world.value(db, "select count(*) from kit.outbox")


async def test_news_reaches_each_subscriber_and_is_gone(db, heard):
    await db.run(jobs.emit, "test.happened", {"n": 1})
    assert await rows(db) == 2
    await jobs.drain(db)
    assert heard[0] == [{"n": 1}]
    assert await rows(db) == 0


async def test_news_without_a_subscriber_leaves_nothing(db):
    await db.run(jobs.emit, "test.nobody_listens", {})
    assert await rows(db) == 0


async def test_news_for_later_waits_for_its_time(db, heard):
    await db.run(jobs.emit, "test.happened", {"n": 1}, due_at=clock.now() + timedelta(minutes=5))
    await jobs.drain(db)
    assert heard[0] == []
    clock.move(timedelta(minutes=6))
    await jobs.drain(db)
    assert heard[0] == [{"n": 1}]


async def test_a_subscriber_that_fails_is_asked_again_later_and_the_other_is_not(db, heard):
    got, trouble = heard
    trouble.append(RuntimeError("no"))
    await db.run(jobs.emit, "test.happened", {"n": 1})
    await jobs.drain(db)
    assert got == []
    assert await rows(db) == 1
    assert "no" in await world.value(db, "select error from kit.outbox")
    clock.move(timedelta(seconds=2))
    await jobs.drain(db)
    assert got == [{"n": 1}]
    assert await rows(db) == 0


async def test_a_row_nobody_here_handles_stays_for_somebody_who_does(db, heard):
    """Old and new versions run side by side: the old one does not know every subscriber."""
    await db.run(jobs.emit, "test.happened", {"n": 1})
    known = jobs.SUBSCRIBERS["test.happened"]
    jobs.SUBSCRIBERS["test.happened"] = {}
    await jobs.drain(db)
    assert await rows(db) == 2
    jobs.SUBSCRIBERS["test.happened"] = known
    clock.move(timedelta(minutes=1))
    await jobs.drain(db)
    assert heard[0] == [{"n": 1}]


@pytest.fixture
def turns():
    """A timetable of this test alone; how often each of its two entries ran."""
    kept = dict(jobs.TIMETABLE)
    jobs.TIMETABLE.clear()
    ran = {"steady": 0, "broken": 0}

    async def steady(db: Db) -> None:
        ran["steady"] += 1

    async def broken(db: Db) -> None:
        ran["broken"] += 1
        raise RuntimeError("always")

    jobs.every(60)(steady)
    jobs.every(60)(broken)
    yield ran
    jobs.TIMETABLE.clear()
    jobs.TIMETABLE.update(kept)


async def test_the_timetable_runs_each_entry_once_for_all_workers_and_survives_a_broken_one(
    db, database_url, turns, heard
):
    stop = asyncio.Event()
    async with world.another_process(database_url) as other:
        working = [asyncio.create_task(jobs.work(pool, stop, pause_s=0.02)) for pool in (db, other)]
        await world.until(lambda: _is(turns, {"steady": 1, "broken": 1}))
        await db.run(jobs.emit, "test.happened", {"n": 1})
        await world.until(lambda: _heard(heard[0]))
        assert turns == {"steady": 1, "broken": 1}
        clock.move(timedelta(seconds=61))
        await world.until(lambda: _is(turns, {"steady": 2, "broken": 2}))
        stop.set()
        await asyncio.gather(*working)


async def _is(turns: dict[str, int], expected: dict[str, int]) -> bool:
    return turns == expected


async def _heard(got: list[dict[str, object]]) -> bool:
    return bool(got)


async def test_a_worker_without_a_database_waits_and_stops_when_told():
    absent = await Db("postgresql://127.0.0.1:1/nothing", size=1).open()
    absent._absent_until = float("inf")
    stop = asyncio.Event()
    working = asyncio.create_task(jobs.work(absent, stop, pause_s=0.01))
    await asyncio.sleep(0.3)
    assert not working.done()
    stop.set()
    await asyncio.wait_for(working, 5)
    await absent.close()


def test_the_site_knows_every_subscriber_that_the_worker_knows():
    """A process that emits news writes a row for each subscriber it knows: one it does not know would never hear."""
    told = [
        subprocess.check_output(
            [
                sys.executable,
                "-c",
                f"import {module}; from holdfast.kit import jobs; print(sorted(jobs.names().items()))",
            ]
        )
        for module in ("holdfast.main", "holdfast.worker")
    ]
    assert told[0] == told[1]
    assert b"payment.paid" in told[0]
