"""``holdfast bench [NAME ...]``: measurements, one file each in ``bench/`` of the checkout."""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[3]


def register(commands: Any) -> None:
    """The subcommand of this file."""
    bench = commands.add_parser("bench", help="measure; without a name: list what can be measured", prefix_chars="\0")
    bench.add_argument("arguments", nargs=argparse.REMAINDER, metavar="NAME ...")
    bench.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Runs ``bench/NAME.py: main(argv)``; its exit code is 0 when every goal is met."""
    if not (CHECKOUT / "pyproject.toml").exists() or not (CHECKOUT / "bench").is_dir():
        sys.stderr.write("holdfast: benches are part of a checkout; get the sources and run `make bench` there\n")
        return 2
    benches = dict(_benches())
    if not given.arguments:
        for name, sentence in benches.items():
            print(f"{name:12}  {sentence}")
        return 0
    name, *rest = given.arguments
    if name not in benches:
        sys.stderr.write(f"holdfast: there is no bench {name!r}; there is {', '.join(benches) or 'none'}\n")
        return 2
    sys.path.insert(0, str(CHECKOUT))
    return int(importlib.import_module(f"bench.{name}").main(rest))


def _benches() -> Iterator[tuple[str, str]]:
    """The files of ``bench/`` that have a `main`, and the first line of their docstrings."""
    for path in sorted((CHECKOUT / "bench").glob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in module.body):
            yield path.stem, (ast.get_docstring(module) or "").partition("\n")[0]
