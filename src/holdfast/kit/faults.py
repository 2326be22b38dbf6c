"""Named fault points: places where a drill or test may stop, delay or break the program. Inert unless armed.

Arm them with ``HOLDFAST_FAULTS="orders.place.before_commit=kill@3,payments.pay.sent=hold:/tmp/mark"``:
``kill`` sends SIGKILL to this process, ``hold:<file>`` writes the file and freezes until killed, ``error`` raises,
``crash`` raises what no handler catches, ``sleep:<seconds>`` waits. ``@n`` means: at the n-th time, not before; ``@n+``
from then on every time.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

POINTS: dict[str, str] = {}
"""Every fault point of the program: name → where it stands."""
_armed: dict[str, tuple[str, int, bool]] = {}
_hits: dict[str, int] = {}


class FaultInjected(Exception):
    """Raised by an armed point of kind ``error``; surfaces treat it as the unexpected failure it imitates."""


class Crashed(BaseException):
    """Raised by an armed point of kind ``crash``: as when the process dies, nothing that runs handles it."""


def declare(name: str, where: str) -> str:
    """Declare a point once, at import; `point` refuses names nobody declared."""
    POINTS[name] = where
    return name


def arm(script: str) -> None:
    """Arm the points of a script, in the notation of the module's docstring; an empty script disarms all."""
    _armed.clear()
    _hits.clear()
    for part in filter(None, (piece.strip() for piece in script.split(","))):
        name, _, action = part.partition("=")
        kind, _, nth = action.partition("@")
        _armed[name] = (kind, int(nth.rstrip("+") or 1), nth.endswith("+"))


def point(name: str) -> None:
    """Stand here; do what a drill has armed, usually nothing."""
    if not _armed:
        return
    if name not in POINTS:
        raise KeyError(f"fault point {name} is not declared")
    armed = _armed.get(name)
    if armed is None:
        return
    _hits[name] = _hits.get(name, 0) + 1
    action, nth, lasts = armed
    if _hits[name] != nth and not (lasts and _hits[name] > nth):
        return
    kind, _, argument = action.partition(":")
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "hold":
        Path(argument).write_text(str(os.getpid()))
        while True:
            time.sleep(3600)
    elif kind == "sleep":
        time.sleep(float(argument))
    elif kind == "error":
        raise FaultInjected(name)
    elif kind == "crash":
        raise Crashed(name)
    else:
        raise ValueError(f"unknown fault {action!r}")


arm(os.environ.get("HOLDFAST_FAULTS", ""))
