"""What follows from a condition whatever the basket is: bounds of numbers, values that are possible, who can never meet.

All answers are on the safe side: None says that nothing follows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from .nodes import (
    ALL_FIELDS,
    AllOf,
    AnyOf,
    Between,
    Condition,
    CountLt,
    DateBetween,
    Eq,
    Everything,
    Gte,
    In,
    IsFalse,
    IsTrue,
    Lt,
    Value,
)

T = TypeVar("T")
WHERE = ("product_id", "venue_id", "price_id", "city", "kind", "ticket")
"""Fields that make a scope narrow: one of them must be named."""


def least(condition: Condition | None, field: str) -> int | None:
    """A number that the field is never below when the condition holds."""
    match condition:
        case AllOf(parts=parts):
            known = [one for part in parts if (one := least(part, field)) is not None]
            return max(known, default=None)
        case AnyOf(parts=parts):
            found = [least(part, field) for part in parts]
            return None if None in found else min((one for one in found if one is not None), default=None)
        case Gte(field=name, value=value) if name == field:
            return value
        case Between(field=name, least=first) if name == field:
            return first
        case Eq(field=name, value=int(value)) if name == field:
            return value
    return None


def most(condition: Condition | None, field: str) -> int | None:
    """A number that the field is never above when the condition holds."""
    match condition:
        case AllOf(parts=parts):
            known = [one for part in parts if (one := most(part, field)) is not None]
            return min(known, default=None)
        case AnyOf(parts=parts):
            found = [most(part, field) for part in parts]
            return None if None in found else max((one for one in found if one is not None), default=None)
        case Lt(field=name, value=value) | CountLt(field=name, value=value) if name == field:
            return value - 1
        case Between(field=name, most=last) if name == field:
            return last
        case Eq(field=name, value=int(value)) if name == field:
            return value
    return None


def values(condition: Condition | None, field: str) -> frozenset[Value] | None:
    """The only values that the field can have when the condition holds."""
    match condition:
        case AllOf(parts=parts):
            known = [one for part in parts if (one := values(part, field)) is not None]
            return frozenset.intersection(*known) if known else None
        case AnyOf(parts=parts) if parts:
            found = [values(part, field) for part in parts]
            return None if None in found else frozenset().union(*(one for one in found if one is not None))
        case In(field=name, values=listed) if name == field:
            return frozenset(listed)
        case Eq(field=name, value=value) if name == field:
            return frozenset((value,))
    return None


def days(condition: Condition | None, field: str) -> tuple[date, date] | None:
    """First and last day that the field can be when the condition holds."""
    match condition:
        case AllOf(parts=parts):
            known = [one for part in parts if (one := days(part, field)) is not None]
            return (max(first for first, _ in known), min(last for _, last in known)) if known else None
        case AnyOf(parts=parts) if parts:
            found = [days(part, field) for part in parts]
            sure = [one for one in found if one is not None]
            return (min(first for first, _ in sure), max(last for _, last in sure)) if len(sure) == len(found) else None
        case DateBetween(field=name, first=first, last=last) if name == field:
            return first, last
    return None


def flag(condition: Condition | None, field: str) -> bool | None:
    """The only value a flag can have when the condition holds."""
    match condition:
        case AllOf(parts=parts):
            return next((one for part in parts if (one := flag(part, field)) is not None), None)
        case AnyOf(parts=parts) if parts:
            found = {flag(part, field) for part in parts}
            return found.pop() if len(found) == 1 else None
        case IsTrue(field=name) if name == field:
            return True
        case IsFalse(field=name) if name == field:
            return False
    return None


def is_everything(condition: Condition | None) -> bool:
    """It says “everything” and nothing that narrows it."""
    match condition:
        case Everything():
            return True
        case AllOf(parts=parts):
            return bool(parts) and all(is_everything(part) for part in parts)
        case AnyOf(parts=parts):
            return any(is_everything(part) for part in parts)
    return False


def is_narrow(scope: Condition | None) -> bool:
    """It names products, venues, prices, cities, kinds or tickets."""
    return any(values(scope, field) is not None for field in WHERE)


def may_meet(one: Condition | None, other: Condition | None) -> bool:
    """Whether the same facts can be true of both; False only if that is certain."""
    for name, field in ALL_FIELDS.items():
        if field.type in ("text", "weekday") and _apart(
            values(one, name), values(other, name), lambda a, b: a.isdisjoint(b)
        ):
            return False
        if field.type in ("minor", "number", "count") and (_below(one, other, name) or _below(other, one, name)):
            return False
        if field.type == "date" and _apart(days(one, name), days(other, name), lambda a, b: a[1] < b[0] or b[1] < a[0]):
            return False
        if field.type == "flag" and _apart(flag(one, name), flag(other, name), lambda a, b: a != b):
            return False
    return True


def _below(one: Condition | None, other: Condition | None, field: str) -> bool:
    return _apart(most(one, field), least(other, field), lambda highest, lowest: highest < lowest)


def _apart(one: T | None, other: T | None, differ: Callable[[T, T], bool]) -> bool:
    return one is not None and other is not None and differ(one, other)
