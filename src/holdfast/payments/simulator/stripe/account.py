"""The account: its keys, and a memory of everything it has, each thing as the very object that answers show."""

from __future__ import annotations

import secrets
import sqlite3
import string
from typing import Any

import msgspec

from holdfast.payments.simulator import callbacks, times
from holdfast.payments.simulator.memory import Memory

Obj = dict[str, Any]
ALPHABET = string.ascii_letters + string.digits
OLD_SECRET_S = 86400
"""How long a replaced webhook secret signs beside the new one."""
SCHEMA = (
    """
create table if not exists identity (only integer primary key check (only = 1), json text not null);
create table if not exists objects (
    seq integer primary key, id text not null unique, kind text not null, number text not null, owner text not null,
    created real not null, json text not null, aside text not null
) strict;
create index if not exists objects_of_kind on objects (kind, created);
create index if not exists objects_by_number on objects (number) where number <> '';
create index if not exists objects_of_owner on objects (owner, kind) where owner <> '';
create table if not exists keys (
    key text primary key, path text not null, fingerprint text not null, request text not null, created real not null,
    status integer not null, body blob not null, subject text not null
) strict;
"""
    + callbacks.SCHEMA
)


class Identity(msgspec.Struct, frozen=True):
    """Made at the first start."""

    id: str
    secret_key: str
    publishable_key: str
    webhook_secret: str
    old_webhook_secret: str = ""
    old_until: float = 0.0


def token(prefix: str, length: int = 24) -> str:
    """``pi_3…``: an id as theirs look."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(length))}"


def identity(memory: Memory) -> Identity:
    """The identity of this memory, made at the first start."""
    with memory.writing() as db:
        row = db.execute("select json from identity").fetchone()
        if row is not None:
            return msgspec.json.decode(row["json"], type=Identity)
        fresh = Identity(
            id=token("acct", 16),
            secret_key=token("sk_test", 40),
            publishable_key=token("pk_test", 40),
            webhook_secret=token("whsec", 32),
        )
        db.execute("insert into identity values (1, ?)", (msgspec.json.encode(fresh).decode(),))
        return fresh


def rolled(memory: Memory, known: Identity) -> Identity:
    """A new webhook secret; the old one signs beside it for a day."""
    fresh = msgspec.structs.replace(
        known,
        webhook_secret=token("whsec", 32),
        old_webhook_secret=known.webhook_secret,
        old_until=times.now() + OLD_SECRET_S,
    )
    with memory.writing() as db:
        db.execute("update identity set json = ?", (msgspec.json.encode(fresh).decode(),))
    return fresh


def add(db: sqlite3.Connection, thing: Obj, *, number: str = "", owner: str = "", **aside: object) -> Obj:
    """Remember a new object. `number`: the merchant's own; `owner`: the id it belongs to; `aside`: what is not shown."""
    db.execute(
        "insert into objects (id, kind, number, owner, created, json, aside) values (?, ?, ?, ?, ?, ?, ?)",
        (thing["id"], thing["object"], number, owner, times.now(), _json(thing), _json(aside)),
    )
    return thing


def keep(db: sqlite3.Connection, thing: Obj, **aside: object) -> Obj:
    """Remember what has become of an object; `aside` is merged into what is not shown."""
    db.execute(
        "update objects set json = ?, aside = json_patch(aside, ?) where id = ?",
        (_json(thing), _json(aside), thing["id"]),
    )
    return thing


def drop(db: sqlite3.Connection, number: str) -> None:
    """Forget the object of that id."""
    db.execute("delete from objects where id = ?", (number,))


def find(db: sqlite3.Connection, kind: str, number: str) -> Obj | None:
    """The object of that id, or the newest with that number of the merchant's."""
    row = db.execute(
        "select json from objects where kind = ? and (id = ? or (number = ? and number <> '')) order by seq desc limit 1",
        (kind, number, number),
    ).fetchone()
    return None if row is None else _read(row["json"])


def get(db: sqlite3.Connection, kind: str, number: str) -> Obj | None:
    """The object of that id."""
    row = db.execute("select json from objects where kind = ? and id = ?", (kind, number)).fetchone()
    return None if row is None else _read(row["json"])


def anything(db: sqlite3.Connection, number: str) -> Obj | None:
    """The object of that id, of whatever kind."""
    row = db.execute("select json from objects where id = ?", (number,)).fetchone()
    return None if row is None else _read(row["json"])


def aside(db: sqlite3.Connection, number: str) -> Obj:
    """What is remembered of an object and not shown."""
    row = db.execute("select aside from objects where id = ?", (number,)).fetchone()
    return {} if row is None else _read(row["aside"])


def owned(db: sqlite3.Connection, kind: str, owner: str) -> list[Obj]:
    """The objects of a kind that belong to another, oldest first."""
    rows = db.execute("select json from objects where owner = ? and kind = ? order by seq", (owner, kind))
    return [_read(row["json"]) for row in rows]


def every(db: sqlite3.Connection, kind: str) -> list[Obj]:
    """All objects of a kind, oldest first."""
    rows = db.execute("select json from objects where kind = ? order by seq", (kind,))
    return [_read(row["json"]) for row in rows]


def due(db: sqlite3.Connection) -> list[str]:
    """Ids of the refunds whose time to settle has come."""
    query = (
        "select id from objects where kind = 'refund' and json_extract(json, '$.status') = 'pending'"
        " and json_extract(aside, '$.settles_at') <= ? order by seq limit 100"
    )
    return [row["id"] for row in db.execute(query, (times.now(),))]


def _json(content: object) -> str:
    return msgspec.json.encode(content).decode()


def _read(content: str) -> Obj:
    found: Obj = msgspec.json.decode(content)
    return found
