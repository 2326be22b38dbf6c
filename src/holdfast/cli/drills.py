"""``holdfast drill [NAME]``: practise a disaster on a throw-away installation, with a report."""

from __future__ import annotations

import argparse
import ast
import importlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from holdfast.drills import scenarios
from holdfast.drills.report import Options, Report
from holdfast.kit.i18n import translate

from . import drill_page


def register(commands: Any) -> None:
    """The subcommand of this file."""
    drill = commands.add_parser("drill", help="practise a disaster on a throw-away installation; without a name: list")
    drill.add_argument("name", nargs="?", default="", metavar="NAME")
    drill.add_argument("--size", type=int, help="how much of it: people, as a rule")
    drill.add_argument("--seconds", type=float, help="how long the disturbance lasts")
    drill.add_argument("--seed", type=int, default=1, help="decides who does what (default 1)")
    drill.add_argument("--json", action="store_true", help="print nothing but the figures")
    drill.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write a page with pictures, complete in itself"
    )
    drill.add_argument("--keep", action="store_true", help="keep the installation afterwards, to look around in it")
    drill.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Runs ``drills/scenarios/NAME.py: main(options)``; its exit code is 0 when every goal is met."""
    known = dict(_scenarios())
    if not given.name:
        for name, sentence in known.items():
            print(f"{name:16}  {sentence}")
        return 0
    if given.name not in known:
        sys.stderr.write(f"holdfast: there is no drill {given.name!r}; there is {', '.join(known)}\n")
        return 2
    if (given.size is not None and given.size < 1) or (given.seconds is not None and given.seconds <= 0):
        sys.stderr.write("holdfast: --size and --seconds must be above 0\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up after ourselves also then
    module = importlib.import_module(f"{scenarios.__name__}.{given.name.replace('-', '_')}")
    report: Report = module.main(
        Options(size=given.size, seconds=given.seconds, seed=given.seed, keep=given.keep, quiet=given.json)
    )
    if given.report:
        given.report.write_text(drill_page.page(report), encoding="utf-8")
    if given.json:
        sys.stdout.write(msgspec.json.encode(report.for_machines()).decode() + "\n")
    else:
        print(_words(report, given.report))
    return 0 if report.passed else 1


def _scenarios() -> Iterator[tuple[str, str]]:
    """The scenarios, and the first lines of their docstrings."""
    for path in sorted(Path(scenarios.__path__[0]).glob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in module.body):
            yield path.stem.replace("_", "-"), (ast.get_docstring(module) or "").partition("\n")[0]


def _words(report: Report, written: Path | None) -> str:
    """The report in the terminal: moments, figures, goals, and what was found."""
    lines = [translate(report.title, "en"), ""]
    lines += [f"{moment.at_s:8.1f} s  {translate(moment.what, 'en', **moment.values)}" for moment in report.moments]
    lines += ["", *(f"{name:40} {value:>14,.10g}" for name, value in report.figures.items()), ""]
    lines += [f"{'met' if goal.met else 'NOT MET':8} {goal.sentence} ({goal.value:,.10g})" for goal in report.goals]
    lines += ["", *report.findings] if report.findings else []
    lines += ["", f"seed {report.seed}, {report.elapsed_s:.0f} s in all"]
    lines += [f"kept in {report.home}"] if report.home else []
    lines += [f"report: {written}"] if written else []
    return "\n".join(lines)
