"""The commands: ``holdfast --help``. One file per noun; each registers its subcommands and their functions."""

from __future__ import annotations

import argparse
import importlib
import sys

from holdfast.kit.embedded import EmbeddedUnavailable
from holdfast.kit.i18n import translate
from holdfast.kit.problems import Problem

COMMANDS = {
    "run": "processes",
    "serve": "processes",
    "worker": "processes",
    "migrate": "database",
    "check": "database",
    "database": "database",
    "catalogue": "catalogue",
    "capacity": "capacity",
    "campaigns": "campaigns",
    "accounts": "accounts",
    "payments": "payments",
    "ledger": "ledger",
    "honour": "honour",
    "desk": "desk",
    "codes": "codes",
    "ticket": "tickets",
    "card": "cards",
    "gate": "gates",
    "partners": "partners",
    "staff": "staff",
    "webhooks": "webhooks",
    "bench": "benches",
    "drill": "drills",
    "tour": "tour",
    "where": "where",
}
"""Each command and the file that registers it: only the files that a command line names are loaded, for they bring the domains."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Exit 0: done; 1: the thing asked for is not so; 2: the command line is wrong; 3: a problem."""
    parser = argparse.ArgumentParser(prog="holdfast", description="Reservation and payment for travel.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    first = next(iter(sys.argv[1:] if arguments is None else arguments), "")
    files = [COMMANDS[first]] if first in COMMANDS else dict.fromkeys(COMMANDS.values())
    for name in files:
        importlib.import_module(f"{__name__}.{name}").register(commands)
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
