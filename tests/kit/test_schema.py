"""The schema obeys the ladder, too, and migrations may be run by anybody at any time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from holdfast.kit import ids, schema
from holdfast.kit.db import Db
from tests.conftest import database

LADDER = (
    "kit",
    "ledger",
    "changes",
    "notices",
    "admission",
    "accounts",
    "catalogue",
    "inventory",
    "passes",
    "payments",
    "campaigns",
    "partners",
    "orders",
    "support",
)


@pytest.mark.anyio
async def test_foreign_keys_point_down(db: Db) -> None:
    async with db.reading() as tx:
        keys = await tx.tuples(
            """select c.conname, f.nspname, t.nspname from pg_constraint c
               join pg_class fc on fc.oid = c.conrelid join pg_namespace f on f.oid = fc.relnamespace
               join pg_class tc on tc.oid = c.confrelid join pg_namespace t on t.oid = tc.relnamespace
               where c.contype = 'f'"""
        )
    assert len(keys) > 10
    upward = [key for key in keys if LADDER.index(key[2]) > LADDER.index(key[1])]
    assert not upward


def test_migrations_may_run_at_once_and_again(server: str) -> None:
    name = f"migrating_{ids.uuid7().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = database(server, name)
        with ThreadPoolExecutor(4) as pool:
            applied = list(pool.map(schema.apply, [url] * 4))
        assert sorted(map(len, applied))[:3] == [0, 0, 0]
        assert schema.pending(url) == []
        assert schema.apply(url) == []
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
