"""Problems: what can go wrong, as facts of one of six kinds.

A domain declares one class per fact, below its kind::

    class SlotFull(Conflict):
        \"\"\"No places left in this slot.\"\"\"
        next_step = "Choose another slot; the calendar shows where places are left."

The docstring is the title, the class name gives the code (``slot-full``), keyword arguments become the problem's
fields (RFC 9457 extension members). Surfaces render problems; nothing else knows about HTTP.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

KINDS: dict[str, type[Problem]] = {}
REGISTRY: dict[str, type[Problem]] = {}


class Problem(Exception):
    """Something the asker must know. Never raised itself, nor are its six kinds: declare a fact below one of them."""

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    safe: ClassVar[str] = ""
    """What is safe: an English sentence, translated by the surface; empty when nothing was at stake."""
    next_step: ClassVar[str] = ""
    """What to do next: an English sentence, translated by the surface."""

    def __init__(self, **fields: Any) -> None:
        if type(self) is Problem or type(self) in KINDS.values():
            raise TypeError(f"{type(self).__name__} is a kind; raise a fact declared below it")
        super().__init__(self.code, fields)
        self.fields = fields

    def __init_subclass__(cls, *, kind: int | None = None) -> None:
        super().__init_subclass__()
        if kind is not None:
            cls.status = kind
            KINDS[cls.__name__] = cls
            return
        if not cls.__doc__:
            raise TypeError(f"{cls.__name__} needs a docstring: it is the problem's title")
        cls.title = cls.__doc__.strip().splitlines()[0]
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        other = REGISTRY.setdefault(cls.code, cls)
        if other is not cls and other.__module__ != cls.__module__:
            raise TypeError(f"problem code {cls.code} is declared twice: {other.__module__} and {cls.__module__}")

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Per-field messages of an Invalid problem: ``[{"field", "code", "message": {"en", "zh"}, ...}]``."""
        found = self.fields.get("errors")
        return found if isinstance(found, list) else []


class NotFound(Problem, kind=404):
    """Not there, or not yours to see."""


class Denied(Problem, kind=403):
    """Not allowed; 401 when the asker is signed out (a fact may set ``status``)."""


class Conflict(Problem, kind=409):
    """The world moved: full, expired, already done."""


class Invalid(Problem, kind=422):
    """The request is malformed or breaks a stated rule; may carry per-field ``errors``."""


class TooMany(Problem, kind=429):
    """Asked too often; carries ``retry_after_s``."""


class Unavailable(Problem, kind=503):
    """Cannot be done now; carries ``retry_after_s`` when we know."""


class InvalidInput(Invalid):
    """Some of what you entered needs a correction."""

    safe = "Everything you typed is still there; nothing was booked or charged."
    next_step = "Correct the marked fields and send again."


class DatabaseUnavailable(Unavailable):
    """We cannot reach our records right now."""

    safe = "Nothing you did before is lost. A request that got no answer may be sent again: it counts once."
    next_step = "Wait a few seconds and try again."


class Overloaded(Unavailable):
    """More people are booking than we can answer at this moment."""

    safe = "You were not charged and nothing was booked by this request."
    next_step = "Try again after the time shown; places already held stay held."


def from_code(code: str, fields: dict[str, Any]) -> Problem:
    """The problem of a remembered reply, rebuilt. KeyError for a code nobody declares."""
    return REGISTRY[code](**fields)
