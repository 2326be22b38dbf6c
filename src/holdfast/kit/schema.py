"""Plain SQL migrations in ``holdfast/migrations``, forward only, run by yoyo.

Each file sets `lock_timeout` first and names what it depends on.
"""

from __future__ import annotations

from importlib.resources import files

import psycopg
from yoyo import get_backend, read_migrations

FOLDER = str(files("holdfast") / "migrations")
_LOCK = 0x686F6C64  # "hold": one migration run at a time, also from several hosts


def apply(url: str) -> list[str]:
    """Applies what is missing, in order, each file in its own transaction; the ids of the files applied."""
    with psycopg.connect(url, autocommit=True) as guard:
        guard.execute("select pg_advisory_lock(%s)", [_LOCK])
        backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
        try:
            missing = backend.to_apply(read_migrations(FOLDER))
            applied = [migration.id for migration in missing]
            backend.apply_migrations(missing)
        finally:
            backend.connection.close()
    return applied


def pending(url: str) -> list[str]:
    """The ids of the files that this database still lacks."""
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        return [migration.id for migration in backend.to_apply(read_migrations(FOLDER))]
    finally:
        backend.connection.close()
