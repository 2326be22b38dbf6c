"""What the pages of desks say of slips, conflicts and decisions."""

from __future__ import annotations

from typing import Any

from holdfast.kit import ids
from holdfast.orders import imports_decisions, slips
from holdfast.orders.imports_model import ACTS, CONFLICTS, RESULTS, STATES
from holdfast.orders.slips_model import Slip

__all__ = ["ACTS", "CONFLICTS", "RESULTS", "STATES", "acts_of", "error_of_field", "minutes", "order_shown", "shown"]

TONES = {
    "booked": "ok",
    "open": "warn",
    "existing": "info",
    "declined": "bad",
    "void": "",
    "practised": "info",
    "new": "ok",
    "same": "info",
    "conflict": "warn",
}
"""State of a slip or result of a line → tone of its badge."""

WHY = {
    "number": "What stands there is no number of ours.",
    "other-desk": "It is the number of another desk.",
    "not-given-out": "No pad with this number was given out.",
    "called-back": "Its pad was called back.",
    "seal-missing": "The seal, six characters beside the number, is missing.",
    "seal-wrong": "The seal does not belong to this number.",
    "venue": "The place is not known: write its name as on the site.",
    "slot": "The time does not name one slot of that day.",
    "ticket": "The ticket is not sold for that day.",
}
"""Particulars of a conflict → sentence."""

FIELDS = {
    "slip": "Slip",
    "seal": "Seal",
    "venue": "Place to visit",
    "date": "Day of the visit",
    "slot": "Time",
    "ticket": "Ticket",
    "people": "People",
    "phone": "Phone",
    "payment": "Payment",
    "amount": "Amount",
    "note": "Note",
}
"""Field of a slip → what its form calls it."""

PADS = {"paper": "paper", "device": "device"}


def shown(number: str) -> str:
    """A slip's number for eyes; what came without one says so by a dash."""
    return "–" if number.startswith("?") else slips.show(number)


def acts_of(slip: Slip) -> list[tuple[str, str, str, bool]]:
    """What may be decided: the act, its words, the time in them if there is one, and whether it takes a supervisor."""
    times = {str(one["id"]): str(one["begins"]) for one in slip.details.get("options", []) if "id" in one}
    found = []
    for act in imports_decisions.ways_out(slip):
        kind, _colon, what = act.partition(":")
        label = ACTS[kind if kind == "move" else act]
        found.append((act, label, times.get(what, ""), imports_decisions.needs_supervisor(act)))
    return found


def order_shown(details: dict[str, Any]) -> str:
    """The number of the order that a conflict speaks of; empty when it names none."""
    code = ids.read_code(str(details.get("order") or ""))
    return ids.show_code(code) if code else ""


def error_of_field(field: str) -> str:
    """``persons[1].document`` → the person it is about, counted from one; empty for plain fields."""
    if not field.startswith("persons["):
        return ""
    return str(int(field[len("persons[") :].partition("]")[0]) + 1)


def minutes(seconds: float | None) -> str:
    """``3:07`` of minutes and seconds; a dash where it has not come so far."""
    return "–" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
