"""The simulator's memory: one SQLite file, committed to disk before anything is answered, so a kill loses nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec

from holdfast.kit import clock

from .keys import Identity, new_identity

BEIJING = timezone(timedelta(hours=8))
SCHEMA = """
create table if not exists identity (only integer primary key check (only = 1), json text not null);
create table if not exists orders (
    out_trade_no text primary key, token text not null unique, request text not null, description text not null,
    total integer not null, currency text not null, notify_url text not null, attach text not null,
    serial text not null, created_at real not null, expires_at real not null, closed_at real,
    transaction_id text unique, paid_at real, paid_total integer, payer_total integer, openid text
) strict;
create table if not exists refunds (
    out_refund_no text primary key, refund_id text not null unique, out_trade_no text not null references orders,
    request text not null, amount integer not null, notify_url text not null, serial text not null,
    status text not null, created_at real not null, settles_at real, success_at real
) strict;
create index if not exists refunds_of_order on refunds (out_trade_no);
create index if not exists refunds_due on refunds (settles_at) where status = 'PROCESSING';
create table if not exists callbacks (
    seq integer primary key, id text not null, operation text not null, subject text not null, url text not null,
    body blob not null, serial text not null, probe integer not null default 0, tries integer not null default 0,
    due_at real, outcome text not null default 'waiting', status integer
) strict;
create index if not exists callbacks_due on callbacks (due_at) where due_at is not null;
"""


class State:
    """The open file. Used from one thread; every change goes through `writing`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "simulator.sqlite3"
        path.touch(mode=0o600)
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = full")
        self.db.execute("pragma foreign_keys = on")
        self.db.executescript(SCHEMA)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when the block ends; rolled back when it raises."""
        self.db.execute("begin immediate")
        try:
            yield self.db
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    def identity(self) -> Identity:
        """The identity of this state, made at the first start."""
        with self.writing() as db:
            row = db.execute("select json from identity").fetchone()
            if row is not None:
                return msgspec.json.decode(row["json"], type=Identity)
            fresh = new_identity()
            db.execute("insert into identity values (1, ?)", (msgspec.json.encode(fresh).decode(),))
            return fresh

    def reset(self) -> None:
        """Forget everything but the identity."""
        with self.writing() as db:
            for table in ("callbacks", "refunds", "orders"):
                db.execute(f"delete from {table}")

    def close(self) -> None:
        self.db.close()


def now() -> float:
    """Seconds since 1970, by the clock a drill may move."""
    return clock.now().timestamp()


def beijing(moment: float) -> str:
    """A time as the protocol writes it: ``2018-06-08T10:34:56+08:00``."""
    return datetime.fromtimestamp(moment, UTC).astimezone(BEIJING).isoformat(timespec="seconds")
