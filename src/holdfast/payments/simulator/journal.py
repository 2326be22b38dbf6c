"""The journal: the last requests, answers, payments and callbacks. Kept beside the state, for people to read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from . import times

ENTRIES_MAX = 5000
TEXT_MAX = 4000


class Journal:
    """A bounded list in a SQLite file. It survives a kill, but not a power failure: the truth is elsewhere."""

    def __init__(self, directory: Path) -> None:
        self._db = sqlite3.connect(directory / "journal.sqlite3", isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = off")
        self._db.execute("create table if not exists entries (seq integer primary key, json text not null) strict")

    def add(self, kind: str, **facts: object) -> None:
        """Note something. Bytes become text; nothing secret may be passed."""
        shown = {name: _text(fact) for name, fact in facts.items()}
        entry = {"at": times.beijing(times.now()), "kind": kind, **shown}
        done = self._db.execute("insert into entries (json) values (?)", (msgspec.json.encode(entry).decode(),))
        if done.lastrowid is not None and done.lastrowid % 500 == 0:
            self._db.execute("delete from entries where seq <= ?", (done.lastrowid - ENTRIES_MAX,))

    def last(self, entries: int = ENTRIES_MAX) -> list[msgspec.Raw]:
        """The newest entries as JSON, oldest of them first."""
        rows = self._db.execute("select json from entries order by seq desc limit ?", (min(entries, ENTRIES_MAX),))
        return [msgspec.Raw(row[0].encode()) for row in reversed(rows.fetchall())]

    def clear(self) -> None:
        self._db.execute("delete from entries")

    def close(self) -> None:
        self._db.close()


def _text(fact: object) -> object:
    if isinstance(fact, bytes):
        fact = fact.decode(errors="replace")
    return fact[:TEXT_MAX] if isinstance(fact, str) else fact
