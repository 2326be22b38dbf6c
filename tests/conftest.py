"""Every test has a real PostgreSQL: a database of its own, cloned from a migrated template.

The server is `HOLDFAST_DATABASE_URL` if set, else a temporary embedded one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

os.environ["HOLDFAST_ENV"] = "test"
os.environ.setdefault("HOLDFAST_HOME", tempfile.mkdtemp(prefix="holdfast-test-"))

import psycopg
import pytest
from psycopg import sql

from holdfast.kit import clock, embedded, faults, ids, schema
from holdfast.kit.db import Db


def database(server: str, name: str) -> str:
    """The URL of another database of the same server."""
    parts = urlsplit(server)
    return urlunsplit(parts._replace(path=f"/{name}"))


SLOW_FIRST = ("browser", "races", "drills", "bench")
"""Folders whose files take longest: begun first, so that no process is left alone with them in the end.

A folder's files stand together: what is made once for a folder, as the browser's installation, is made once a process.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow folders first; otherwise as they stand."""
    items.sort(
        key=lambda item: next((n for n, name in enumerate(SLOW_FIRST) if name in item.path.parts), len(SLOW_FIRST))
    )


ROOM_IN_MEMORY = 4 << 30
"""Bytes that must be free there before a cluster is put into memory: two processes, a gigabyte or so each."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server where databases may be created."""
    given = os.environ.get("HOLDFAST_DATABASE_URL")
    if given:
        yield given
    else:
        with embedded.temporary(durable=False, within=_in_memory()) as url:
            yield url


def _in_memory() -> Path | None:
    """A directory in memory with room for a cluster: a database is cloned there several times as fast."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_IN_MEMORY:
        return memory
    return None


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """The name of a migrated, empty database to clone."""
    name = f"template_{ids.uuid7().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        schema.apply(database(server, name))
        yield name
        connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))


@contextmanager
def clone(server: str, template: str) -> Iterator[str]:
    """The URL of a database of one's own, as the template is; gone afterwards."""
    name = f"test_{ids.uuid7().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        yield database(server, name)
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(server: str, template: str) -> Iterator[str]:
    """A database of this test alone."""
    with clone(server, template) as url:
        yield url


@pytest.fixture(scope="module")
async def shared(server: str, template: str) -> AsyncIterator[Db]:
    """A database for all tests of a module that do not disturb each other."""
    with clone(server, template) as url:
        opened = await Db(url, size=10).open()
        yield opened
        await opened.close()


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Db]:
    """The pool on this test's database."""
    opened = await Db(database_url, size=10).open()
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def _steady_ground() -> Iterator[None]:
    """The clock and the fault points are as they should be before and after each test."""
    yield
    clock.reset()
    faults.arm("")
