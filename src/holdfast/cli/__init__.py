"""The commands: ``holdfast --help``. One file per noun; each registers its subcommands and their functions."""

from __future__ import annotations

import argparse
import sys

from holdfast.kit.embedded import EmbeddedUnavailable
from holdfast.kit.i18n import translate
from holdfast.kit.problems import Problem

from . import (
    accounts,
    benches,
    campaigns,
    capacity,
    cards,
    catalogue,
    codes,
    database,
    desk,
    drills,
    gates,
    honour,
    ledger,
    partners,
    payments,
    processes,
    staff,
    tickets,
    tour,
    webhooks,
    where,
)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Exit 0: done; 1: the thing asked for is not so; 2: the command line is wrong; 3: a problem."""
    parser = argparse.ArgumentParser(prog="holdfast", description="Reservation and payment for travel.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for noun in (
        processes,
        database,
        catalogue,
        capacity,
        campaigns,
        accounts,
        payments,
        ledger,
        honour,
        desk,
        codes,
        tickets,
        cards,
        gates,
        partners,
        staff,
        webhooks,
        benches,
        drills,
        tour,
        where,
    ):
        noun.register(commands)
    given = parser.parse_args(arguments)
    try:
        return int(given.run(given) or 0)
    except Problem as problem:
        _tell(problem)
        return 3
    except EmbeddedUnavailable as reason:
        sys.stderr.write(f"holdfast: {reason}\n")
        return 3
    except KeyboardInterrupt:
        return 130


def _tell(problem: Problem) -> None:
    """A problem in the terminal: title, what is safe, what to do, and each error on a line."""
    parts = [problem.title, problem.safe, problem.next_step]
    sys.stderr.write("holdfast: " + " ".join(translate(part, "en") for part in parts if part) + "\n")
    for error in problem.errors:
        sys.stderr.write(f"  {error['field']}: {error['message']['en']}\n")
    rest = {name: value for name, value in problem.fields.items() if name != "errors"}
    if rest:
        sys.stderr.write(f"  {rest}\n")
