"""What the commands share: a database opened around a piece of work, and who sits at the terminal."""

from __future__ import annotations

import argparse
import asyncio
import getpass
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from holdfast import notices, payments
from holdfast.kit import actor
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db
from holdfast.kit.server import database_url

T = TypeVar("T")
Do = Callable[[Db, argparse.Namespace], Awaitable[str]]
"""A command that says what it has done."""

CONNECTIONS = 5


def with_database(work: Callable[[Db], Awaitable[T]]) -> T:
    """Runs `work` with a small pool of connections, and closes all that it has opened."""
    url = database_url()

    async def run() -> T:
        db = await Db(url, size=CONNECTIONS).open()
        try:
            return await work(db)
        finally:
            await payments.close_channels()
            await notices.close_webhooks()
            await db.close()

    return asyncio.run(run())


def verb(actions: Any, name: str, text: str, do: Do) -> argparse.ArgumentParser:
    """A subcommand that prints what `do` says."""
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text)

    def run(given: argparse.Namespace) -> int:
        print(with_database(lambda db: do(db, given)))
        return 0

    parser.set_defaults(run=run)
    return parser


def who() -> Actor:
    """Who sits at this host's terminal, for the audit trail."""
    name = "nobody"
    with suppress(OSError, KeyError):
        name = getpass.getuser()
    return actor.system(f"command line of {name}")
