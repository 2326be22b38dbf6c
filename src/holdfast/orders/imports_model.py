"""Imports of what was taken on paper: what a line says, what can stand in its way, and what can be done about it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from holdfast.kit.problems import Conflict, InvalidInput, NotFound

from .model import BasketLine, PlaceRequest
from .slips_model import Slip

PEOPLE_NAMED_MAX = 5
"""Persons that one slip has room for."""


class Named(msgspec.Struct, frozen=True):
    """A person as written."""

    name: str = ""
    document_type: str = ""
    document: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.name or self.document)


class Written(msgspec.Struct, frozen=True):
    """A slip as somebody wrote it: nothing is judged yet."""

    slip: str = ""
    seal: str = ""
    venue: str = ""
    date: str = ""
    slot: str = ""
    ticket: str = ""
    people: str = ""
    phone: str = ""
    payment: str = ""
    amount: str = ""
    taken_at: str = ""
    note: str = ""
    persons: list[Named] = []


class Row(msgspec.Struct, frozen=True):
    """A line of a file or of a device. `row` is where it stands there; `is_drill`: it was taken for practice."""

    row: int
    written: Written
    is_drill: bool = False


class Verdict(msgspec.Struct):
    """What is to be done with a line. `request` stands when nothing is in the way; `lend` places are over the slot's."""

    key: str
    result: str
    problem: str = ""
    details: dict[str, Any] = {}
    warnings: list[dict[str, Any]] = []
    pad_id: UUID | None = None
    content_hash: bytes = b""
    visit_date: date | None = None
    taken_at: datetime | None = None
    known: Slip | None = None
    kept: bool = False
    """It waits with a correction that people made: what comes again does not write over that."""
    request: PlaceRequest | None = None
    lines: list[BasketLine] = []
    slot_id: UUID | None = None
    places: int = 0
    draw: int = 0
    lend: int = 0
    total_minor: int = 0
    currency: str = "CNY"
    is_paid: bool = False
    order_number: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """A line and what became of it: new, same, conflict or practised; `slip_id` is None in a dry run."""

    row: int
    key: str
    result: str
    problem: str
    details: dict[str, Any]
    warnings: list[dict[str, Any]]
    order_number: str = ""
    slip_id: UUID | None = None


class Report(msgspec.Struct, frozen=True):
    """An import, line by line. `import_id` is None for a dry run."""

    desk: str
    name: str
    outcomes: list[Outcome]
    import_id: UUID | None = None
    made_at: datetime | None = None

    def count(self, result: str) -> int:
        return sum(one.result == result for one in self.outcomes)

    @property
    def problems(self) -> dict[str, int]:
        """How many lines each kind of conflict stopped."""
        found: dict[str, int] = {}
        for one in self.outcomes:
            if one.problem:
                found[one.problem] = found.get(one.problem, 0) + 1
        return found


class Way(NamedTuple):
    """A kind of conflict: what it is, what to do, and the ways out, the proposed one first."""

    title: str
    advice: str
    acts: tuple[str, ...]


CONFLICTS: dict[str, Way] = {
    "slip-unreadable": Way(
        "The number of the slip is missing or misread.",
        "Compare it with the paper: two characters, five digits, one more. Without any number a supervisor may book it.",
        ("correct", "honour:unnumbered", "decline"),
    ),
    "slip-unknown": Way(
        "This slip is not one that we gave out as it stands here.",
        "Look at the paper. If it is ours, a supervisor honours it; if the number or seal was copied wrongly, correct it.",
        ("honour:unsealed", "correct", "decline"),
    ),
    "slip-void": Way(
        "This slip was declared spoiled or lost, and came back all the same.",
        "Look at the paper and ask who took it. If somebody was promised a place on it, it counts.",
        ("honour:void", "decline"),
    ),
    "slip-differs": Way(
        "This slip came before with other words on it.",
        "Compare both with the paper. The first one counts; if these are two parties, the second is booked as well.",
        ("keep", "honour:again"),
    ),
    "fields": Way(
        "Some of what was written cannot be read.",
        "Correct the marked fields from the paper, or call the phone on it.",
        ("correct", "decline"),
    ),
    "unknown-item": Way(
        "There is no such place, time or ticket.",
        "Choose what was meant; what comes nearest is shown.",
        ("correct", "decline"),
    ),
    "document": Way(
        "A document number cannot be right.",
        "Call the person and correct it. If nobody can be reached, book without it: the document is looked at on entry.",
        ("correct", "honour:no-document", "decline"),
    ),
    "travellers-missing": Way(
        "Fewer people are named than tickets were promised.",
        "Their places are booked all the same; the others are asked for their documents on entry.",
        ("honour:incomplete", "correct", "decline"),
    ),
    "person-day": Way(
        "Somebody on this slip has a booking there that day already.",
        "It is the same visit, most likely: the slip is closed with that booking. If the number was copied wrongly, correct it.",
        ("existing", "correct", "decline"),
    ),
    "slot-closed": Way(
        "This time is closed now.",
        "Move the party to another time and tell them; a supervisor may keep the promise if they can be let in.",
        ("move", "honour:closed", "decline"),
    ),
    "slot-full": Way(
        "The places of this time are sold. The promise on paper is honoured.",
        "A supervisor books it over the limit, which stops sale of this time, or moves the party to another time and tells them.",
        ("honour:overbook", "move", "decline"),
    ),
    "amount-differs": Way(
        "The money taken is not what it costs.",
        "Correct the sum if it was misread. Else it is booked as unpaid: the desk settles the difference with the visitor.",
        ("correct", "honour:unpaid", "decline"),
    ),
}
"""Code → conflict, in English; each is a promise somebody has on paper, so none is dropped."""

SUPERVISED = frozenset({"unnumbered", "unsealed", "void", "again", "closed", "overbook"})
"""What only a supervisor allows."""

ACTS = {
    "correct": "Correct it",
    "existing": "Close it with the booking there is",
    "keep": "The first one counts",
    "move": "Move to {time}",
    "decline": "Do not book it",
    "honour:unnumbered": "Book it without a number",
    "honour:unsealed": "The paper is ours: book it",
    "honour:void": "Book it all the same",
    "honour:again": "Book this one as well",
    "honour:no-document": "Book without this document",
    "honour:incomplete": "Book all places",
    "honour:closed": "Keep the promise",
    "honour:overbook": "Book over the limit",
    "honour:unpaid": "Book as unpaid",
}
"""Act → what its button says."""

RESULTS = {
    "new": "order made",
    "same": "there already",
    "conflict": "to be decided",
    "practised": "practice",
}
"""Result of a line → word."""

STATES = {
    "booked": "order made",
    "open": "to be decided",
    "existing": "another booking serves",
    "declined": "not booked",
    "void": "void",
    "practised": "practice",
}
"""State of a slip → word."""


class ImportFileUnreadable(InvalidInput):
    """This file cannot be read as a list of slips."""

    safe = "Nothing was imported; the file is as it was."
    next_step = "Begin with the template, and save it as CSV (UTF-8)."


class ImportUnknown(NotFound):
    """There is no such import."""

    next_step = "Look at the list of imports."


class DecisionNotPossible(Conflict):
    """This is not one of the ways out of this conflict."""

    safe = "Nothing was changed; the slip still waits."
    next_step = "Choose one of the ways shown with it."


class DecisionNeedsSupervisor(Conflict):
    """Only a supervisor may decide this."""

    safe = "Nothing was changed; the slip still waits."
    next_step = "Ask somebody of operations to look at it."


class CorrectionInvalid(InvalidInput):
    """It cannot be booked like this yet."""

    safe = "Nothing was booked; what was on the slip is kept."
    next_step = "Correct the marked fields."
