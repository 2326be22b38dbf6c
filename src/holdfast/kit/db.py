"""The database: transactions whose type tells what they may do, retries at the edge, and group commit.

`ReadTx` selects; `Tx` also writes. Only the edge opens them: ``await db.run(orders.cancel, actor, ref)``. `Db.run`
runs a command again after a serialisation failure or deadlock, so a command must be re-runnable by construction.
`Batch` makes one transaction of what arrives while the last one is on its way.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, LiteralString, ParamSpec, TypeVar, cast

import msgspec
import psycopg
from psycopg import AsyncConnection, AsyncCursor, errors
from psycopg.rows import dict_row, scalar_row, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from . import log, txstate
from .problems import DatabaseUnavailable, Overloaded, Problem

P = ParamSpec("P")
T = TypeVar("T")
Q = TypeVar("Q")
R = TypeVar("R")

RETRIES = 3
PATIENCE_S = 5.0
"""How long to wait for one of the pool's connections."""
ABSENT_PATIENCE_S = 0.5
"""The same when the server did not answer a moment ago."""
SESSION = "-c search_path= -c lock_timeout=3s -c statement_timeout=60s -c timezone=UTC -c jit=off -c idle_in_transaction_session_timeout=60s"
UniqueViolation = errors.UniqueViolation


def _rows_of(kind: type[T]) -> Callable[[AsyncCursor[Any]], Callable[[Sequence[Any]], T]]:
    """A row factory that gives checked values of `kind`: columns by name, enums from their text."""

    def factory(cursor: AsyncCursor[Any]) -> Callable[[Sequence[Any]], T]:
        names = [column.name for column in cursor.description or ()]
        return lambda values: msgspec.convert(dict(zip(names, values, strict=True)), kind)

    return factory


class ReadTx:
    """An open transaction that may select. SQL is a literal; parameters are named."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    async def rows(self, kind: type[T], sql: LiteralString, **parameters: Any) -> list[T]:
        """All rows, each made into a `kind` from its columns by name."""
        async with self._connection.cursor(row_factory=_rows_of(kind)) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchall()

    async def maybe(self, kind: type[T], sql: LiteralString, **parameters: Any) -> T | None:
        """The first row or None."""
        async with self._connection.cursor(row_factory=_rows_of(kind)) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchone()

    async def dicts(self, sql: LiteralString, **parameters: Any) -> list[dict[str, Any]]:
        """All rows as dictionaries; for reports and checks, where no type waits for them."""
        async with self._connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchall()

    async def tuples(self, sql: LiteralString, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows as tuples, in the order of the columns."""
        async with self._connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchall()

    async def values(self, sql: LiteralString, **parameters: Any) -> list[Any]:
        """The first column of all rows."""
        async with self._connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchall()

    async def value(self, sql: LiteralString, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        async with self._connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchone()


class Tx(ReadTx):
    """An open transaction that may also write."""

    async def execute(self, sql: LiteralString, **parameters: Any) -> int:
        """Runs a statement without result; the number of rows it touched."""
        async with self._connection.cursor() as cursor:
            await cursor.execute(sql, parameters)
            return cursor.rowcount

    async def execute_many(self, sql: LiteralString, rows: Sequence[dict[str, Any]]) -> None:
        """The same statement for many rows, pipelined."""
        async with self._connection.cursor() as cursor:
            await cursor.executemany(sql, rows)


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Q, R]):
    request: Q
    answer: asyncio.Future[R]


class Batch(Generic[Q, R]):
    """Group commit: a lane takes all that waits, up to `limit`, as soon as its last flush has returned.

    No timer: a lone request waits for nothing. If a flush fails, its requests are tried one by one, so that one bad
    request cannot harm its neighbours. Past `depth` waiting requests, new ones get Overloaded at once.
    """

    def __init__(
        self, flush: Callable[[Sequence[Q]], Awaitable[Sequence[R | Problem]]], *, limit: int, lanes: int, depth: int
    ) -> None:
        self._flush = flush
        self._limit, self._lanes, self._depth = limit, lanes, depth
        self._waiting: deque[_Waiting[Q, R]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self.flushes = 0
        self.requests = 0

    async def __call__(self, request: Q) -> R:
        """The answer to one request; raises its problem."""
        if len(self._waiting) >= self._depth:
            raise Overloaded(retry_after_s=2)
        waiting: _Waiting[Q, R] = _Waiting(request, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if len(self._running) < self._lanes:
            lane = asyncio.create_task(self._lane())
            self._running.add(lane)
            lane.add_done_callback(self._running.discard)
        return await waiting.answer

    async def _lane(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._limit))]
            self.flushes += 1
            self.requests += len(taken)
            try:
                answers = await self._flush([waiting.request for waiting in taken])
            except Exception as error:
                await self._one_by_one(taken, error)
                continue
            for waiting, answer in zip(taken, answers, strict=True):
                _settle(waiting.answer, answer)
        # Here and not when the task is done: who asks again at once must find the lane free, or waits for somebody else's request.
        self._running.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _one_by_one(self, taken: list[_Waiting[Q, R]], error: Exception) -> None:
        """The neighbours of a failed request get their own transaction; an absent database fails all at once."""
        log.get().warning("batch.failed", size=len(taken), error=repr(error))
        for position, waiting in enumerate(taken):
            if waiting.answer.done():
                continue
            try:
                [answer] = await self._flush([waiting.request])
            except DatabaseUnavailable as absent:
                for rest in taken[position:]:
                    _settle(rest.answer, absent)
                return
            except Exception as single:
                if not waiting.answer.done():
                    waiting.answer.set_exception(single)
            else:
                _settle(waiting.answer, answer)


def _settle(answer: asyncio.Future[R], result: R | Problem) -> None:
    if answer.done():  # the asker has gone; what was decided stays decided
        return
    if isinstance(result, Problem):
        answer.set_exception(result)
    else:
        answer.set_result(result)


class Db:
    """A pool of connections and the ways to use one."""

    def __init__(self, url: str, *, size: int = 10) -> None:
        self.url = url
        self._absent_until = 0.0
        self._pool = AsyncConnectionPool(
            url,
            min_size=min(2, size),
            max_size=size,
            open=False,
            timeout=PATIENCE_S,
            reconnect_timeout=0,
            reconnect_failed=self._note_absence,
            kwargs={"options": SESSION, "autocommit": True},
            check=None,
        )

    def _note_absence(self, pool: AsyncConnectionPool[Any]) -> None:
        """Nobody answered there: for a moment, who asks is told so soon. Each one who waits has the server tried again."""
        self._absent_until = time.monotonic() + 2 * PATIENCE_S

    async def open(self) -> Db:
        await self._pool.open()
        return self

    async def close(self) -> None:
        await self._pool.close()

    async def run(self, command: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a command in one transaction and commits; again, at most three times, if the database asks for it."""

        async def once() -> T:
            async with self._connection() as connection, connection.transaction():
                return await command(Tx(connection), *args, **kwargs)

        return await _until_serialised(once)

    async def run_one(
        self, command: Callable[Concatenate[Tx, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs a command of exactly one statement, which is then its own transaction.

        Spares the round trips of BEGIN and COMMIT, during which its locks would wait for this process.
        """

        async def once() -> T:
            async with self._connection() as connection:
                return await command(Tx(connection), *args, **kwargs)

        return await _until_serialised(once)

    async def read(self, query: Callable[Concatenate[ReadTx, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs one query; its statements share no snapshot (use `reading` for that)."""
        async with self._connection() as connection:
            return await query(ReadTx(connection), *args, **kwargs)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadTx]:
        """A read-only transaction in which all selects see one moment: what a page is made from."""
        async with self._connection() as connection, connection.transaction():
            await connection.execute("set transaction isolation level repeatable read, read only")
            yield ReadTx(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A pooled connection; absence of the database becomes DatabaseUnavailable, whatever it looked like."""
        txstate.assert_none_open()
        token = txstate.in_transaction.set(True)
        try:
            patience_s = ABSENT_PATIENCE_S if time.monotonic() < self._absent_until else PATIENCE_S
            async with self._pool.connection(patience_s) as connection:
                yield connection
            self._absent_until = 0.0
        except (PoolTimeout, errors.LockNotAvailable, errors.QueryCanceled) as error:
            raise DatabaseUnavailable(retry_after_s=2) from error
        except psycopg.OperationalError as error:
            if isinstance(error, (errors.SerializationFailure, errors.DeadlockDetected)):
                raise
            raise DatabaseUnavailable(retry_after_s=2) from error
        except psycopg.InterfaceError as error:
            raise DatabaseUnavailable(retry_after_s=2) from error
        finally:
            txstate.in_transaction.reset(token)


async def _until_serialised(once: Callable[[], Awaitable[T]]) -> T:
    """Again after a serialisation failure or deadlock, with growing pauses, then DatabaseUnavailable."""
    for tries in range(1, RETRIES + 1):
        try:
            return await once()
        except (errors.SerializationFailure, errors.DeadlockDetected) as error:
            if tries == RETRIES:
                raise DatabaseUnavailable(retry_after_s=1) from error
            await asyncio.sleep(0.01 * 2**tries)
    raise AssertionError("unreachable")


async def lock(tx: Tx, *names: str) -> None:
    """Takes advisory locks on names until the transaction ends; once per transaction, in sorted order."""
    for name in sorted(set(names)):
        await tx.execute("select pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", name=name)
