"""``holdfast desk add | set-aside | list | template | import``: desks, and what was taken on paper."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from holdfast import inventory, orders
from holdfast.kit import ids
from holdfast.kit.db import Db
from holdfast.kit.problems import NotFound
from holdfast.orders.imports_model import CONFLICTS, Outcome, Report

from .terminal import who, with_database


class FileMissing(NotFound):
    """There is no such file."""

    next_step = "Check the path, and that you may read it."


def register(commands: Any) -> None:
    """The subcommands of this file."""
    noun = commands.add_parser("desk", help="desks, and bookings that were taken on paper")
    actions = noun.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="a new desk")
    add.add_argument("code", help="two letters or digits that are not misread; every slip begins with it")
    add.add_argument("name")
    add.add_argument("--venue", help="the one venue it serves; none: all of them")
    add.set_defaults(run=make)
    rule = actions.add_parser("set-aside", help="set a part of every slot of a venue aside for a desk")
    rule.add_argument("code")
    rule.add_argument("venue")
    rule.add_argument("percent", type=int, help="of each slot's capacity")
    rule.add_argument(
        "--return-minutes", type=int, default=0, help="before a slot begins its unused places return to sale"
    )
    rule.add_argument("--reason", required=True, help="kept in the audit trail")
    rule.set_defaults(run=set_aside)
    actions.add_parser("list", help="the desks, and what waits at each").set_defaults(run=show)
    template = actions.add_parser("template", help="print the CSV file to fill in")
    template.add_argument("--language", choices=("zh", "en"), default="zh")
    template.set_defaults(run=print_template)
    bring = actions.add_parser("import", help="book what stands in a file of slips; again changes nothing")
    bring.add_argument("file", help="CSV in UTF-8, UTF-16 or GBK, with the template's columns")
    bring.add_argument("--desk", required=True, help="code of the desk, such as GG")
    bring.add_argument("--dry-run", action="store_true", help="say what would become of each line; write nothing")
    bring.set_defaults(run=bring_in)


def make(given: argparse.Namespace) -> int:
    """A desk, ready to be given places and slips."""

    async def run(db: Db) -> None:
        made = await db.run(inventory.allotments.make_desk, who(), given.code, given.name, given.venue)
        print(
            f"{made.code} {made.name}: give it places with `holdfast desk set-aside`, print slips at /console/desk/paper"
        )

    with_database(run)
    return 0


def set_aside(given: argparse.Namespace) -> int:
    """A rule, and the slots of the coming month at once."""

    async def run(db: Db) -> None:
        await db.run(
            inventory.allotments.set_rule,
            who(),
            given.code,
            given.venue,
            given.percent * 100,
            given.return_minutes,
            given.reason,
        )
        print(f"{await inventory.allotments.apply_rules(db)} slots follow it")

    with_database(run)
    return 0


def print_template(given: argparse.Namespace) -> int:
    """The template, as Excel opens it."""
    sys.stdout.buffer.write(orders.imports.template(given.language))
    return 0


def show(given: argparse.Namespace) -> int:
    """One line for each desk."""
    with_database(_show)
    return 0


def bring_in(given: argparse.Namespace) -> int:
    """Imports a file, or says what that would do; exit 1 while something waits for people."""

    path = Path(given.file)
    try:
        content = path.read_bytes()
    except OSError as reason:
        raise FileMissing(file=given.file) from reason
    rows, by = orders.imports.read(content), who()

    async def run(db: Db) -> Report:
        desk = await db.read(inventory.allotments.require, given.desk)
        if given.dry_run:
            return await orders.imports.dry_run(db, by, desk.code, path.name, rows)
        return await orders.imports.run(db, by, desk.code, path.name, rows, content=content)

    report = with_database(run)
    _print(report, dry=given.dry_run)
    return 1 if report.count("conflict") else 0


async def _show(db: Db) -> None:
    async with db.reading() as tx:
        for desk in await inventory.allotments.desks(tx):
            found = await orders.slips.figures(tx, desk.code)
            state = "on paper" if desk.on_paper_since else "practice" if desk.is_drill else "ready"
            print(
                f"{desk.code} {desk.name:24} {state:9} {desk.venue_id or 'every venue':28} "
                f"slips given out {found.printed}, came back {found.came}, to be decided {found.open}"
            )


def _print(report: Report, *, dry: bool) -> None:
    """Conflicts line by line, then the sums."""
    for one in report.outcomes:
        if one.problem:
            print(f"line {one.row:5} {orders.slips.show(one.key):16} {one.problem:18} {_words(one)}")
    said = {
        "new": "would be booked" if dry else "booked",
        "same": "there already",
        "conflict": "to be decided",
        "practised": "practice",
    }
    print(
        ", ".join(f"{report.count(result)} {word}" for result, word in said.items())
        + f" of {len(report.outcomes)} lines"
    )
    if report.import_id:
        print(f"decide at /console/desk/paper/imports/{report.import_id}")


def _words(one: Outcome) -> str:
    errors = [f"{error['field']}: {error['message']['en']}" for error in one.details.get("errors", [])]
    order = one.details.get("order")
    extra = errors or ([f"order {ids.show_code(order)}"] if order else [])
    return " ".join([CONFLICTS[one.problem].title, *extra])
