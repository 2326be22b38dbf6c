"""Transactions: committed whole or not at all, tried again when the database asks, honest when it is away."""

from __future__ import annotations

import asyncio
import time

import psycopg
import pytest
from psycopg import errors

from holdfast.kit import embedded, idempotency, txstate
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.idempotency import KeyReused
from holdfast.kit.problems import DatabaseUnavailable
from tests import world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def table(db):
    """A table with one number in it."""
    await db.run(_make)
    return db


async def _make(tx: Tx) -> None:
    await tx.execute("create table kit.scratch (id int primary key, n int not null)")
    await tx.execute("insert into kit.scratch values (1, 0), (2, 0)")


async def number(db: Db, row: int = 1) -> int:
    return await world.value(db, "select n from kit.scratch where id = %(id)s", id=row)


async def add(tx: Tx, row: int = 1) -> None:
    await tx.execute("update kit.scratch set n = n + 1 where id = %(id)s", id=row)


async def test_a_command_that_raises_has_done_nothing(table):
    async def command(tx: Tx) -> None:
        await add(tx)
        raise KeyError("no")

    with pytest.raises(KeyError):
        await table.run(command)
    assert await number(table) == 0


@pytest.mark.parametrize("trouble", [errors.SerializationFailure, errors.DeadlockDetected])
async def test_a_command_is_run_again_whole_when_the_database_asks_for_it(table, trouble):
    tries = 0

    async def command(tx: Tx) -> int:
        nonlocal tries
        tries += 1
        await add(tx)
        if tries < 3:
            raise trouble
        return tries

    assert await table.run(command) == 3
    assert await number(table) == 1


async def test_a_command_that_never_gets_through_is_an_honest_absence(table):
    async def command(tx: Tx) -> None:
        await add(tx)
        raise errors.DeadlockDetected

    with pytest.raises(DatabaseUnavailable):
        await table.run(command)
    assert await number(table) == 0


async def test_a_real_deadlock_is_resolved_and_both_commands_count(table):
    met = asyncio.Barrier(2)

    async def crossing(tx: Tx, first: int, second: int) -> None:
        await add(tx, first)
        if met.n_waiting < 2 and not met.broken and await number_of_tries() <= 2:
            await met.wait()
        await add(tx, second)

    tries = 0

    async def number_of_tries() -> int:
        nonlocal tries
        tries += 1
        return tries

    await asyncio.gather(table.run(crossing, 1, 2), table.run(crossing, 2, 1))
    assert (await number(table, 1), await number(table, 2)) == (2, 2)


async def test_a_lock_that_does_not_come_is_an_honest_absence(table, database_url):
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("update kit.scratch set n = 7 where id = 1")

        async def hurried(tx: Tx) -> None:
            await tx.execute("set local lock_timeout = '50ms'")
            await add(tx)

        with pytest.raises(DatabaseUnavailable):
            await table.run(hurried)
        await other.rollback()
    assert await number(table) == 0


async def test_a_reading_sees_one_moment_and_cannot_write(table):
    async with table.reading() as tx:
        before = await tx.value("select n from kit.scratch where id = 1")
        await asyncio.create_task(_elsewhere(table))
        assert await tx.value("select n from kit.scratch where id = 1") == before
        with pytest.raises(errors.ReadOnlySqlTransaction):
            await Tx(tx._connection).execute("update kit.scratch set n = 9")
    assert await number(table) == 1


async def _elsewhere(db: Db) -> None:
    """Another request: its own task, its own transaction."""
    txstate.in_transaction.set(False)
    await db.run(add)


async def test_within_a_transaction_no_other_may_be_opened(table):
    async def command(tx: Tx) -> None:
        await table.run(add)

    with pytest.raises(AssertionError, match="transaction is open"):
        await table.run(command)
    assert not txstate.in_transaction.get()


async def test_connections_that_the_server_cut_are_replaced(table, database_url):
    """As after a restart: some requests get an honest absence, then all is well again, without being told to."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other:
        await other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
    absences = 0
    for _ in range(15):
        try:
            await table.run(add)
        except DatabaseUnavailable:
            absences += 1
    assert absences <= 10
    assert await number(table) == 15 - absences


async def test_without_a_server_the_answer_is_honest_and_soon_and_its_return_is_noticed():
    with embedded.temporary(durable=False) as url:
        db = await Db(url, size=3).open()
        assert await world.value(db, "select 1") == 1
        embedded.kill(url.home)
        began = time.monotonic()
        for _ in range(6):
            with pytest.raises(DatabaseUnavailable):
                await world.value(db, "select 1")
        assert time.monotonic() - began < 5 + 4 * 0.5 + 2, "only the first may be kept waiting"
        await asyncio.to_thread(embedded.start, url.home)
        began = time.monotonic()
        assert await world.value(db, "select 1") == 1
        assert time.monotonic() - began < 2
        await db.close()


async def test_every_name_must_say_its_schema(table):
    with pytest.raises(errors.UndefinedTable):
        await world.value(table, "select n from scratch")


async def test_rows_become_what_is_asked_for(table):
    async def ask(tx: ReadTx) -> list[object]:
        return [
            await tx.values("select n from kit.scratch order by id"),
            await tx.tuples("select id, n from kit.scratch order by id"),
            await tx.dicts("select id from kit.scratch where id = 1"),
            await tx.value("select n from kit.scratch where id = 99"),
            await tx.maybe(dict, "select id from kit.scratch where id = 99"),
        ]

    assert await table.read(ask) == [[0, 0], [(1, 0), (2, 0)], [{"id": 1}], None, None]


async def test_advisory_locks_are_taken_in_order_and_keep_others_out(table):
    order: list[str] = []

    async def slow(tx: Tx, name: str) -> None:
        await lock(tx, "b", "a", "a")
        order.append(f"{name} in")
        await asyncio.sleep(0.05)
        order.append(f"{name} out")

    await asyncio.gather(table.run(slow, "x"), table.run(slow, "y"))
    assert [step.split()[1] for step in order] == ["in", "out", "in", "out"]


async def test_a_remembered_reply_is_given_again_and_another_body_refused(db):
    scope = world.ids.uuid7()
    assert await db.read(idempotency.recall, scope, "k", b"body") is None
    await db.run(idempotency.remember, scope, "k", b"body", {"answer": 1})
    assert await db.read(idempotency.recall, scope, "k", b"body") == {"answer": 1}
    assert await db.read(idempotency.recall, world.ids.uuid7(), "k", b"body") is None
    with pytest.raises(KeyReused):
        await db.read(idempotency.recall, scope, "k", b"other")
    with pytest.raises(errors.UniqueViolation):
        await db.run(idempotency.remember, scope, "k", b"body", {"answer": 2})
