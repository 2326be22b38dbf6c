"""``holdfast catalogue plan | import``: what a catalogue file would change, and changing it."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from holdfast import catalogue, inventory
from holdfast.kit import actor, clock
from holdfast.kit.db import Db
from holdfast.kit.server import database_url


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("catalogue", help="venues, products, prices, opening days and slots")
    actions = noun.add_subparsers(dest="action", required=True)
    for action, text in (
        ("plan", "a dry run: show what an import would change"),
        ("import", "apply a file, then make its slots"),
    ):
        verb = actions.add_parser(action, help=text)
        verb.add_argument("path", nargs="?", help="a JSON file or a folder of CSV files; none: the demo catalogue")
        verb.add_argument("--retire-missing", action="store_true", help="retire what the file does not mention")
        verb.set_defaults(run=plan if action == "plan" else apply)


def plan(given: argparse.Namespace) -> int:
    """Prints what an import would change; writes nothing."""
    print(asyncio.run(_change(given, dry=True)))
    return 0


def apply(given: argparse.Namespace) -> int:
    """Imports the file in one transaction, then makes the slots of the coming days."""
    print(asyncio.run(_change(given, dry=False)))
    return 0


async def _change(given: argparse.Namespace, *, dry: bool) -> str:
    file = catalogue.read(Path(given.path)) if given.path else catalogue.demo()
    db = await Db(database_url(), size=1).open()
    try:
        if dry:
            return str(await db.read(catalogue.plan, file, retire_missing=given.retire_missing))
        who = actor.system("command line")
        done = await db.run(catalogue.apply, who, file, retire_missing=given.retire_missing)
        made = await db.run(inventory.generate, who, today=clock.now().date())
        return f"{done}\nslots: {made}"
    finally:
        await db.close()
