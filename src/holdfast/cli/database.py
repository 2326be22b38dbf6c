"""``holdfast migrate | check | database``: the schema, the invariants, the embedded server."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from typing import Any

import msgspec

import holdfast
from holdfast.kit import checks, embedded, schema, settings
from holdfast.kit.db import Db
from holdfast.kit.server import database_url

DOMAINS_WITH_CHECKS = (
    "ledger",
    "changes",
    "notices",
    "accounts",
    "inventory",
    "passes",
    "payments",
    "campaigns",
    "orders",
    "partners",
    "support",
)


def register(commands: Any) -> None:
    """The subcommands of this file."""
    commands.add_parser("migrate", help="bring the database's schema up to date").set_defaults(run=migrate)
    check = commands.add_parser("check", help="ask the live database whether every invariant holds")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=run_checks)
    database = commands.add_parser("database", help="the embedded PostgreSQL")
    database.add_argument("action", choices=["start", "stop", "status"])
    database.set_defaults(run=embedded_server)


def migrate(given: argparse.Namespace) -> int:
    """Applies what is missing."""
    applied = schema.apply(database_url())
    print("\n".join(applied) if applied else "nothing to do: the schema is current")
    return 0


def load_checks() -> None:
    """Makes every domain's invariants known to the registry."""
    for domain in DOMAINS_WITH_CHECKS:
        importlib.import_module(f"{holdfast.__name__}.{domain}.checks")


def run_checks(given: argparse.Namespace) -> int:
    """Prints each invariant as a sentence with its result; exit 1 if one does not hold."""
    load_checks()
    results = asyncio.run(_checked(database_url()))
    failed = [result for result in results if not result.holds]
    if given.json:
        figures = {result.sentence: len(result.offenders) for result in results}
        sys.stdout.write(
            msgspec.json.encode({"name": "check", "passed": not failed, "figures": figures}).decode() + "\n"
        )
        return 1 if failed else 0
    for result in results:
        print(f"{'holds' if result.holds else 'BROKEN':6}  {result.sentence}  ({result.elapsed_s * 1000:.0f} ms)")
        for offender in result.offenders[:5]:
            print(f"        {offender}")
    print(f"\n{len(results) - len(failed)} of {len(results)} invariants hold")
    return 1 if failed else 0


async def _checked(url: str) -> list[checks.Result]:
    db = await Db(url, size=1).open()
    try:
        return await checks.run_all(db)
    finally:
        await db.close()


def embedded_server(given: argparse.Namespace) -> int:
    """Starts, stops or describes the embedded server of this home."""
    home = settings.current().home
    if given.action == "start":
        print(embedded.start(home))
    elif given.action == "stop":
        embedded.stop(home)
        print("stopped")
    else:
        found = embedded.status(home)
        print(
            f"PostgreSQL {found.version}, pid {found.pid}, data in {found.data}\n{found.url}"
            if found
            else "not running"
        )
        return 0 if found else 1
    return 0
