"""A provider's memory: one SQLite file, committed to disk before anything is answered, so a kill loses nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Memory:
    """The open file. Used from one thread at a time; every change goes through `writing`.

    Not `durable`: the host's crash may lose it, and writing waits for no disk.
    """

    def __init__(self, path: Path, schema: str, *, durable: bool = True) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("pragma journal_mode = wal")
        self.db.execute(f"pragma synchronous = {'full' if durable else 'off'}")
        self.db.execute("pragma foreign_keys = on")
        self.db.executescript(schema)

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

    def forget(self, *tables: str) -> None:
        """Empty these tables, in this order."""
        with self.writing() as db:
            for table in tables:
                db.execute(f"delete from {table}")

    def close(self) -> None:
        self.db.close()
