"""Recounting: whether what was granted is what the version says, reckoned a second time by other means.

Pure, and shares nothing with `pricing`: it reads a version as JSON, as the table holds it, and a reservation with its trace. List
prices and tickets of the lines are what the catalogue said inside the booking, not what pricing was told. Whoever changes one of
the two by mistake is found by the other before the next stage.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec

Json = dict[str, Any]


class Kept(msgspec.Struct, frozen=True):
    """A reservation as its table has it. `others`: the lines of everything else that was granted to the same order."""

    order_id: UUID
    order_number: str
    amount_minor: int
    lines: list[Json]
    label: dict[str, str]
    gift: Json | None
    code: str | None
    trace: Json
    made_at: datetime
    others: list[list[Json]]


def faults(content: Json, label: dict[str, str], kept: Kept) -> list[str]:
    """What is not as the version says: amount, lines, prices, conditions, label, code, gift, time. Empty: all of it is right."""
    found = [
        name
        for name, right in (
            ("prices", _has_prices(kept)),
            ("lines", sum(line["amount_minor"] for line in kept.lines) == kept.amount_minor),
            ("conditions", _holds(content, kept)),
            ("label", kept.label == label),
            ("code", (kept.code is None) == (content.get("codes", {"type": "none"})["type"] == "none")),
            ("gift", kept.gift == _gift(content["effect"])),
            ("time", _is_in_time(content["schedule"], kept.made_at)),
        )
        if not right
    ]
    if "prices" not in found and not _is_right_amount(content["effect"], kept):
        found.append("amount")
    return found


def _has_prices(kept: Kept) -> bool:
    return all(
        isinstance(line.get("listed_minor"), int)
        and isinstance(line.get("tickets"), int)
        and 0 <= line["amount_minor"] <= line["listed_minor"]
        for line in kept.lines
    )


def _gift(effect: Json) -> Json | None:
    if effect["type"] != "gift":
        return None
    return {"benefit": effect["benefit"], "quantity": effect.get("quantity", 1)}


def _is_in_time(schedule: Json, at: datetime) -> bool:
    return datetime.fromisoformat(schedule["from_at"]) <= at < datetime.fromisoformat(schedule["until_at"])


# Money


def _is_right_amount(effect: Json, kept: Kept) -> bool:
    """Each line gets its part, to less than a minor unit; less only where something else has taken all the rest of its price."""
    parts = [_part(effect, line) for line in kept.lines]
    whole = sum(parts, Fraction(0))
    wanted = _wanted(effect, whole)
    short = False
    for line, part in zip(kept.lines, parts, strict=True):
        ideal = wanted * part / whole if whole else Fraction(0)
        own = line["amount_minor"]
        if abs(own - ideal) < 1:
            continue
        if own > ideal or own + _taken_by_others(kept, line["seq"]) != line["listed_minor"]:
            return False
        short = True
    return short or kept.amount_minor == wanted or _is_used_up(kept, wanted)


def _part(effect: Json, line: Json) -> Fraction:
    """In which proportion a line has a part in it: by its price, or by what each of its tickets may get."""
    listed, tickets = Fraction(line["listed_minor"]), Fraction(line["tickets"])
    unit = listed / tickets if tickets else Fraction(0)
    match effect["type"]:
        case "amount" if effect["per"] == "ticket":
            return tickets * min(Fraction(effect["amount_minor"]), unit)
        case "fixed_price":
            return tickets * max(Fraction(0), unit - Fraction(effect["price_minor"]))
        case "gift":
            return Fraction(0)
    return listed


def _wanted(effect: Json, whole: Fraction) -> int:
    """What all lines together get."""
    match effect["type"]:
        case "percent":
            found = int(whole * effect["share_bp"] / 10_000)
        case "amount" if effect["per"] == "order":
            found = min(effect["amount_minor"], int(whole))
        case _:
            found = int(whole)
    cap = effect.get("cap_minor")
    return found if cap is None else min(found, cap)


def _taken_by_others(kept: Kept, seq: int) -> int:
    return sum(int(line["amount_minor"]) for lines in kept.others for line in lines if line["seq"] == seq)


def _is_used_up(kept: Kept, wanted: int) -> bool:
    """By less than a minor unit a line: the whole of some line went to this and others."""
    return kept.amount_minor < wanted and any(
        line["amount_minor"] + _taken_by_others(kept, line["seq"]) == line["listed_minor"] for line in kept.lines
    )


# Conditions


def _holds(content: Json, kept: Kept) -> bool:
    """The trace is of the version's own conditions, each verdict follows from what was found, and all of them hold."""
    scope, when = content.get("scope"), content.get("when")
    told, about = kept.trace.get("scope"), kept.trace.get("when")
    if scope is None or when is None or not isinstance(told, list) or about is None:
        return False
    seqs = sorted(seq for one in told for seq in one["lines"])
    if seqs != sorted(line["seq"] for line in kept.lines):
        return False
    listed = {line["seq"]: line for line in kept.lines}
    return _follows(when, about, _sums(kept)) and all(
        _follows(scope, one, _units([listed[seq] for seq in one["lines"]])) for one in told
    )


def _sums(kept: Kept) -> dict[str, list[Any]]:
    """Facts of the basket that the booking itself knows."""
    return {
        "scope_minor": [sum(line.get("listed_minor") or 0 for line in kept.lines)],
        "scope_tickets": [sum(line.get("tickets") or 0 for line in kept.lines)],
    }


def _units(lines: list[Json]) -> dict[str, list[Any]]:
    """Facts of lines that the booking itself knows."""
    return {
        "unit_minor": [(line.get("listed_minor") or 0) // (line.get("tickets") or 1) for line in lines],
        "line_tickets": [line.get("tickets") for line in lines],
    }


def _follows(node: Json, told: Json, known: dict[str, list[Any]]) -> bool:
    """A node that the trace says holds does hold, by what was found and by what the booking knows."""
    return told.get("verdict") == "true" and _agrees(node, told, known)


def _agrees(node: Json, told: Json, known: dict[str, list[Any]]) -> bool:
    """The verdict that was noted is the one that follows."""
    if told.get("op") != node["op"]:
        return False
    holds = bool(told["verdict"] == "true")
    if node["op"] == "everything":
        return holds
    if node["op"] in ("all_of", "any_of"):
        parts = told.get("parts", [])
        if len(parts) != len(node["parts"]) or not all(
            _agrees(part, said, known) for part, said in zip(node["parts"], parts, strict=True)
        ):
            return False
        verdicts = [said["verdict"] for said in parts]
        return holds == ("true" in verdicts if node["op"] == "any_of" else set(verdicts) == {"true"})
    if told.get("field") != node["field"]:
        return False
    if node["field"] in known:
        return holds == all(_test(node, value) for value in known[node["field"]])
    if "got" not in told:  # of the person, and not written down
        return True
    return holds == all(_test(node, value) for value in _values(told["got"]))


def _values(got: Any) -> Iterator[Any]:
    """What was found: of several lines that differ, each."""
    yield from got if isinstance(got, list) else [got]


def _test(node: Json, value: Any) -> bool:
    if value is None:
        return False
    match node["op"]:
        case "in":
            return bool(value in node["values"])
        case "not_in":
            return bool(value not in node["values"])
        case "eq":
            return bool(value == node["value"])
        case "gte":
            return bool(value >= node["value"])
        case "lt" | "count_lt":
            return bool(value < node["value"])
        case "between":
            return bool(node["least"] <= value <= node["most"])
        case "date_between":
            return bool(node["first"] <= value <= node["last"])
        case "local_time_between":
            since, until, clock = (time.fromisoformat(one) for one in (node["since"], node["until"], value))
            return bool(since <= clock < until if since < until else clock >= since or clock < until)
        case "is_true":
            return bool(value is True)
        case "is_false":
            return bool(value is False)
    return False
