"""``holdfast where routes | events | jobs | checks | problems | faults``: what there is and where it lives."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path
from typing import Any

from starlette.routing import Route

import holdfast
from holdfast import api, octo, web, worker
from holdfast.kit import checks, faults, jobs, problems

from .database import load_checks

TOPICS = ("routes", "events", "jobs", "checks", "problems", "faults")


def register(commands: Any) -> None:
    """The subcommands of this file."""
    where = commands.add_parser(
        "where", help="list routes, events, jobs, checks, problems or fault points with their place"
    )
    where.add_argument("topic", choices=TOPICS)
    where.set_defaults(run=show)


def show(given: argparse.Namespace) -> int:
    """Prints one list."""
    assert worker.work is not None  # its imports have registered every job
    load_checks()
    for line in sorted(_LISTS[given.topic]()):
        print(line)
    return 0


def _place(thing: Any) -> str:
    """``orders/jobs.py:17`` below the package."""
    thing = inspect.unwrap(thing)
    file = Path(inspect.getsourcefile(thing) or "").relative_to(Path(holdfast.__file__).parent)
    return f"{file}:{inspect.getsourcelines(thing)[1]}"


def _routes() -> list[str]:
    declared = [
        f"{e.path:45} {e.method:6} {'+'.join(e.roles) or e.who:10} {e.summary}  [{_place(e.handler)}]"
        for e in api.endpoints()
    ]
    pages = [
        f"{route.path:45} {','.join(sorted((route.methods or set()) - {'HEAD'})):6} page       [{_place(route.endpoint)}]"
        for route in web.routes
        if isinstance(route, Route)
    ]
    octo_ones = [
        f"{octo.ROOT + one.path:45} {one.method:6} {'anyone' if one.open_door else 'partner':10} {one.summary}  [{_place(one.handler)}]"
        for one in octo.operations()
    ]
    return declared + octo_ones + pages


def _events() -> list[str]:
    return [f"{topic:20} → {name}" for topic, names in jobs.names().items() for name in names]


def _jobs() -> list[str]:
    return [
        f"every {seconds:>6g} s  {name}  [{_place(handler)}]" for name, (seconds, handler) in jobs.TIMETABLE.items()
    ]


def _checks() -> list[str]:
    return [f"{sentence}  [{_place(query)}]" for sentence, query in checks.REGISTRY.items()]


def _problems() -> list[str]:
    return [f"{kind.status} {code:28} {kind.title}  [{_place(kind)}]" for code, kind in problems.REGISTRY.items()]


def _faults() -> list[str]:
    return [f"{name:34} {where}" for name, where in faults.POINTS.items()]


_LISTS = {
    "routes": _routes, "events": _events, "jobs": _jobs, "checks": _checks, "problems": _problems, "faults": _faults,
}  # fmt: skip
