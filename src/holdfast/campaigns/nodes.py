"""The nodes of conditions, and what can be wrong with them: `check`.

A closed vocabulary over the fields of `facts`; typed data, no expressions. There is no free "not": a field that is missing
is not "different".

    {"op": "all_of", "parts": [{"op": "in", "field": "city", "values": ["杭州"]}, {"op": "gte", "field": "unit_minor", "value": 20000}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any, Literal

import msgspec

from holdfast.kit.i18n import both

from .facts import BASKET_FIELDS, FIELDS, LINE_FIELDS, Field, Level, Type

DEPTH_MAX, NODES_MAX, LIST_MAX, TEXT_MAX = 4, 50, 500, 80
Value = str | int


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op"):
    """A condition. Its `op` is its tag in JSON."""


class AllOf(Node, frozen=True, tag="all_of"):
    """Every part holds. Without parts it is a mistake, not a truth."""

    parts: list[Condition]


class AnyOf(Node, frozen=True, tag="any_of"):
    """At least one part holds."""

    parts: list[Condition]


class Everything(Node, frozen=True, tag="everything"):
    """No restriction, said explicitly."""


class Leaf(Node, frozen=True):
    """A test of one field. A field that is not known makes it UNKNOWN."""

    field: str


class In(Leaf, frozen=True, tag="in"):
    """The field has one of the values."""

    values: list[Value]


class NotIn(Leaf, frozen=True, tag="not_in"):
    """The field is known and has none of the values."""

    values: list[Value]


class Eq(Leaf, frozen=True, tag="eq"):
    """The field has this value."""

    value: Value


class Gte(Leaf, frozen=True, tag="gte"):
    """At least so much."""

    value: int


class Lt(Leaf, frozen=True, tag="lt"):
    """Less than so much."""

    value: int


class Between(Leaf, frozen=True, tag="between"):
    """From `least` to `most`, both included."""

    least: int
    most: int


class DateBetween(Leaf, frozen=True, tag="date_between"):
    """From the first day to the last, both included."""

    first: date
    last: date


class LocalTimeBetween(Leaf, frozen=True, tag="local_time_between"):
    """Clock times, `until` not included; over midnight if `until` is before `since`."""

    since: time
    until: time


class IsTrue(Leaf, frozen=True, tag="is_true"):
    """Known, and so."""


class IsFalse(Leaf, frozen=True, tag="is_false"):
    """Known, and not so."""


class CountLt(Leaf, frozen=True, tag="count_lt"):
    """Something was counted, fewer than so many times."""

    value: int


Condition = (
    AllOf | AnyOf | Everything | In | NotIn | Eq | Gte | Lt | Between | DateBetween | LocalTimeBetween | IsTrue | IsFalse | CountLt
)  # fmt: skip

SUITS: Mapping[Type, tuple[type[Leaf], ...]] = {
    "text": (In, NotIn, Eq),
    "minor": (Eq, Gte, Lt, Between),
    "number": (Eq, Gte, Lt, Between),
    "count": (CountLt, Gte, Between),
    "weekday": (In, NotIn, Eq),
    "date": (DateBetween,),
    "time": (LocalTimeBetween,),
    "flag": (IsTrue, IsFalse),
}
"""Type of a field → the tests that can be made of it."""
ALL_FIELDS: Mapping[str, Field] = {**LINE_FIELDS, **BASKET_FIELDS}


# What is wrong with it


class Finding(msgspec.Struct, frozen=True):
    """Something to look at: where (`scope.parts[0].value`), a code, a sentence and the next step in both languages.

    severity: it refuses, it raises the grade of risk (so more people must agree), or it is only told.
    """

    field: str
    code: str
    message: dict[str, str]
    next_step: dict[str, str]
    severity: Literal["refuses", "raises", "tells"] = "refuses"


class Fault(msgspec.Struct, frozen=True):
    """A fault of a condition: a path inside it, its code, and the values of its sentence."""

    path: str
    code: str
    values: dict[str, Any] = {}


SENTENCES: dict[str, tuple[str, str]] = {
    "CONDITION_DEPTH": (
        "This condition is nested deeper than {most} levels.",
        "Write it flatter: parts of the same kind can be joined.",
    ),
    "CONDITION_SIZE": (
        "This condition has {got} parts; at most {most} can be reviewed.",
        "Use lists of values instead of many single tests, or make two campaigns.",
    ),
    "PARTS_EMPTY": (
        "A group without parts would say nothing, so it holds for nobody.",
        "Add at least one part, or choose “everything” if that is meant.",
    ),
    "FIELD_UNKNOWN": (
        "There is no field “{field}” here.",
        "Choose one of: {known}.",
    ),
    "OPERATOR_UNSUITED": (
        "“{op}” cannot be asked of {words}.",
        "Choose one of: {known}.",
    ),
    "VALUE_TYPE": (
        "“{value}” is not a value that {words} can have.",
        "Write {expected}.",
    ),
    "VALUES_COUNT": (
        "The list has {got} values; it needs 1 to {most}.",
        "Enter the values, or split the list over two campaigns.",
    ),
    "VALUES_TWICE": (
        "“{value}” stands in the list twice.",
        "Keep it once.",
    ),
    "RANGE_EMPTY": (
        "Nothing lies between these two values.",
        "Write the smaller value first.",
    ),
}
"""Code of a fault → its sentence and the next step (English; the Chinese stands in ``zh.po``)."""
EXPECTED: dict[Type, str] = {
    "text": "a text of 1 to 80 characters",
    "minor": "an amount in minor units, 0 or more",
    "number": "a whole number, 0 or more",
    "count": "a whole number, 0 or more",
    "weekday": "a number from 1 (Monday) to 7 (Sunday)",
    "date": "a date",
    "time": "a clock time",
    "flag": "yes or no",
}


def check(condition: Condition, level: Level, path: str) -> list[Finding]:
    """Every fault of a condition, each with its place below `path`, a sentence and the next step."""
    return [_finding(fault, path) for fault in faults(condition, level)]


def _finding(fault: Fault, path: str) -> Finding:
    sentence, step = SENTENCES[fault.code]
    translated = {
        locale: {
            name: both(value)[locale] if name in ("words", "expected") else value
            for name, value in fault.values.items()
        }
        for locale in ("zh", "en")
    }
    return Finding(
        path + fault.path,
        fault.code,
        {locale: text.format(**translated[locale]) for locale, text in both(sentence).items()},
        {locale: text.format(**translated[locale]) for locale, text in both(step).items()},
    )


def faults(condition: Condition, level: Level) -> list[Fault]:
    """The same without words. Looks no deeper than it must, so any tree that can be read can be checked."""
    found: list[Fault] = []
    count, pending = 0, [(condition, "", 1)]
    while pending:
        node, path, depth = pending.pop()
        count += 1
        if count > NODES_MAX * 20:
            break
        if depth > DEPTH_MAX:
            found.append(Fault(path, "CONDITION_DEPTH", {"most": DEPTH_MAX}))
        elif isinstance(node, AllOf | AnyOf):
            if not node.parts:
                found.append(Fault(path + ".parts", "PARTS_EMPTY"))
            pending += [(part, f"{path}.parts[{n}]", depth + 1) for n, part in reversed(list(enumerate(node.parts)))]
        elif isinstance(node, Leaf):
            found += _leaf_faults(node, FIELDS[level], path)
    if count > NODES_MAX:
        found.append(Fault("", "CONDITION_SIZE", {"got": count, "most": NODES_MAX}))
    return found


def _leaf_faults(node: Leaf, fields: Mapping[str, Field], path: str) -> Iterator[Fault]:
    field = fields.get(node.field)
    if field is None:
        yield Fault(path + ".field", "FIELD_UNKNOWN", {"field": node.field[:TEXT_MAX], "known": ", ".join(fields)})
        return
    if not isinstance(node, SUITS[field.type]):
        known = ", ".join(op_of(kind) for kind in SUITS[field.type])
        yield Fault(path + ".op", "OPERATOR_UNSUITED", {"op": op_of(type(node)), "words": field.words, "known": known})
        return
    if isinstance(node, In | NotIn):
        yield from _list_faults(node, field, path + ".values")
    for name in ("value", "least", "most"):
        value = getattr(node, name, None)
        if value is not None and not _can_have(field.type, value):
            yield _type_fault(field, value, f"{path}.{name}")
    if isinstance(node, Between) and node.least > node.most:
        yield Fault(path + ".most", "RANGE_EMPTY")
    if isinstance(node, DateBetween) and node.first > node.last:
        yield Fault(path + ".last", "RANGE_EMPTY")
    if isinstance(node, LocalTimeBetween) and (node.since == node.until or node.since.tzinfo or node.until.tzinfo):
        yield Fault(path + ".until", "RANGE_EMPTY")
    if isinstance(node, Lt | CountLt) and node.value == 0:
        yield Fault(path + ".value", "RANGE_EMPTY")


def _list_faults(node: In | NotIn, field: Field, path: str) -> Iterator[Fault]:
    if not 1 <= len(node.values) <= LIST_MAX:
        yield Fault(path, "VALUES_COUNT", {"got": len(node.values), "most": LIST_MAX})
    seen = set()
    for n, value in enumerate(node.values[:LIST_MAX]):
        if not _can_have(field.type, value):
            yield _type_fault(field, value, f"{path}[{n}]")
        if value in seen:
            yield Fault(f"{path}[{n}]", "VALUES_TWICE", {"value": str(value)[:TEXT_MAX]})
        seen.add(value)


def _type_fault(field: Field, value: Value, path: str) -> Fault:
    values = {"value": str(value)[:TEXT_MAX], "words": field.words, "expected": EXPECTED[field.type]}
    return Fault(path, "VALUE_TYPE", values)


def _can_have(kind: Type, value: Value) -> bool:
    if kind == "text":
        return isinstance(value, str) and 1 <= len(value) <= TEXT_MAX and value == value.strip() and value.isprintable()
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 1 <= value <= 7 if kind == "weekday" else 0 <= value < 2**53


def op_of(kind: type[Node]) -> str:
    """The `op` of a kind of node."""
    return str(kind.__struct_config__.tag)
