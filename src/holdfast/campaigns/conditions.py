"""Conditions: three-valued, over the fields of `facts`. UNKNOWN never grants.

A reviewer reads them as a sentence (`words`), and what a condition can never or always be is decidable (`bounds`). One that
`check` finds fault with is UNKNOWN as a whole, whatever the facts are: what slipped in beside the check gives nothing to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from .facts import Facts, Level
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
    Finding,
    Gte,
    In,
    IsFalse,
    IsTrue,
    Leaf,
    LocalTimeBetween,
    Lt,
    NotIn,
    Value,
    check,
    faults,
    op_of,
)
from .words import says, words

__all__ = [
    "AllOf", "AnyOf", "Between", "Compiled", "Condition", "CountLt", "DateBetween", "Eq", "Everything", "Finding", "Gte", "In",
    "IsFalse", "IsTrue", "LocalTimeBetween", "Lt", "NotIn", "Verdict", "check", "evaluate", "faults", "fields", "missed", "needs", "prepare", "words",
]  # fmt: skip

Test = Callable[[Facts], bool | None]
"""Facts → it holds, it does not, or (None) it cannot be known."""
VerdictName = Literal["true", "false", "unknown"]
NAMES: Mapping[bool | None, VerdictName] = {True: "true", False: "false", None: "unknown"}


class Verdict(msgspec.Struct, frozen=True):
    """What a condition says of facts: a value and, of every node, what was found: op, verdict, says, field, got, parts."""

    value: VerdictName
    trace: dict[str, Any]

    @property
    def grants(self) -> bool:
        return self.value == "true"


class Compiled(msgspec.Struct, frozen=True):
    """A condition made ready: `test` stops as soon as it knows, `trace` looks at every node. Both agree.

    `leaves` are its tests of single fields, in order; `tell` makes a trace of what they found, for one or more facts of which
    they found the same. `surely`: what all of them say whenever the condition holds, if that follows.
    """

    test: Test
    leaves: list[Test]
    tell: Callable[[Iterator[bool | None], Sequence[Facts]], dict[str, Any]]
    surely: tuple[bool, ...] | None = None

    def found(self, facts: Facts) -> tuple[bool | None, ...]:
        """What each test of a single field says."""
        return tuple([leaf(facts) for leaf in self.leaves])

    def chosen(self, many: Sequence[Facts]) -> list[int]:
        """The positions of those of which it is true. Where every test must hold, one test after the other sifts them."""
        if self.surely is None:
            return [at for at, facts in enumerate(many) if self.test(facts) is True]
        left = list(range(len(many)))
        for leaf in self.leaves:
            left = [at for at in left if leaf(many[at])]
            if not left:
                break
        return left

    def trace(self, facts: Facts) -> dict[str, Any]:
        """What every node says of facts."""
        return self.tell(iter(self.found(facts)), [facts])


def evaluate(condition: Condition | None, facts: Facts, level: Level) -> Verdict:
    """What a condition says of facts. No condition, or a faulty one, is UNKNOWN."""
    trace = prepare(condition, level).trace(facts)
    return Verdict(trace["verdict"], trace)


def prepare(condition: Condition | None, level: Level) -> Compiled:
    """Makes a condition ready for many evaluations."""
    if condition is None or faults(condition, level):
        node = {"op": "none" if condition is None else "faulty", "verdict": "unknown"}
        return Compiled(lambda facts: None, [], lambda found, many: dict(node))
    return _prepared(condition)


def _prepared(node: Condition) -> Compiled:
    head: dict[str, Any] = {"op": op_of(type(node))}
    if isinstance(node, Everything):
        whole = head | {"verdict": "true", "says": says(node)}
        return Compiled(lambda facts: True, [], lambda found, many: dict(whole), ())
    if isinstance(node, AllOf | AnyOf):
        return _prepared_group(head, [_prepared(part) for part in node.parts], decides=isinstance(node, AnyOf))
    test, name = _leaf(node), node.field
    head |= {"field": name, "says": says(node)}
    got = _times if ALL_FIELDS[name].type in ("date", "time") else _values
    if ALL_FIELDS[name].personal:
        return Compiled(test, [test], lambda found, many: {**head, "verdict": NAMES[next(found)]}, (True,))
    return Compiled(
        test, [test], lambda found, many: {**head, "verdict": NAMES[next(found)], "got": got(name, many)}, (True,)
    )


def _prepared_group(head: dict[str, Any], parts: list[Compiled], *, decides: bool) -> Compiled:
    """`decides`: one part with this value settles it (True: any of them; False: all of them)."""
    tests, tells = [part.test for part in parts], [part.tell for part in parts]
    settled, otherwise = NAMES[decides], NAMES[not decides]

    def test(facts: Facts) -> bool | None:
        found: bool | None = not decides
        for one in tests:
            value = one(facts)
            if value is None:
                found = None
            elif value is decides:
                return decides
        return found

    def tell(found: Iterator[bool | None], many: Sequence[Facts]) -> dict[str, Any]:
        made = [tell(found, many) for tell in tells]
        verdicts = [one["verdict"] for one in made]
        verdict = settled if settled in verdicts else "unknown" if "unknown" in verdicts else otherwise
        return {**head, "verdict": verdict, "parts": made}

    leaves = [leaf for part in parts for leaf in part.leaves]
    whole = not decides and all(part.surely is not None for part in parts)
    return Compiled(test, leaves, tell, (True,) * len(leaves) if whole else None)


def _leaf(node: Leaf) -> Test:
    """The test of one field: one closure each, because they run for every line of every basket."""
    name = node.field
    match node:
        case In(values=values):
            listed = frozenset(values)
            return lambda facts: None if (got := facts.get(name)) is None else got in listed
        case NotIn(values=values):
            listed = frozenset(values)
            return lambda facts: None if (got := facts.get(name)) is None else got not in listed
        case Eq(value=value):
            return lambda facts: None if (got := facts.get(name)) is None else got == value
        case Gte(value=value):
            return lambda facts: None if (got := facts.get(name)) is None else got >= value
        case Lt(value=value) | CountLt(value=value):
            return lambda facts: None if (got := facts.get(name)) is None else got < value
        case Between(least=least, most=most):
            return lambda facts: None if (got := facts.get(name)) is None else least <= got <= most
        case DateBetween(first=first, last=last):
            return lambda facts: None if (got := facts.get(name)) is None else first <= got <= last
        case LocalTimeBetween(since=since, until=until) if since < until:
            return lambda facts: None if (got := facts.get(name)) is None else since <= got < until
        case LocalTimeBetween(since=since, until=until):
            return lambda facts: None if (got := facts.get(name)) is None else got >= since or got < until
        case IsTrue():
            return lambda facts: None if (got := facts.get(name)) is None else got is True
        case IsFalse():
            return lambda facts: None if (got := facts.get(name)) is None else got is False
    raise AssertionError(f"no test for {node}")


def needs(condition: Condition | None) -> Iterator[tuple[str, frozenset[Value]]]:
    """Fields that must have one of these values, or the condition does not hold: what it asks at its top, of lists of values."""
    match condition:
        case AllOf(parts=parts):
            for part in parts:
                if isinstance(part, In | Eq):
                    yield from needs(part)
        case In(field=field, values=values):
            yield field, frozenset(values)
        case Eq(field=field, value=value):
            yield field, frozenset((value,))


def fields(condition: Condition | None) -> frozenset[str]:
    """The fields that a condition asks about."""
    found: set[str] = set()
    pending = [condition]
    while pending:
        node = pending.pop()
        if isinstance(node, AllOf | AnyOf):
            pending += node.parts
        elif isinstance(node, Leaf):
            found.add(node.field)
    return frozenset(found)


def _values(name: str, many: Sequence[Facts]) -> Any:
    """The value of a field; of several facts that differ in it, the list of their values."""
    values = [facts.get(name) for facts in many]
    return values[0] if values.count(values[0]) == len(values) else values


def _times(name: str, many: Sequence[Facts]) -> Any:
    """The same of a day or a clock time, as JSON has it."""
    found = _values(name, many)
    if isinstance(found, list):
        return [None if one is None else one.isoformat() for one in found]
    return None if found is None else found.isoformat()


def missed(trace: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tests that stood in the way: the innermost nodes that are not true below nodes that are not true."""
    if trace["verdict"] == "true":
        return []
    parts = trace.get("parts")
    if parts is None:
        return [dict(trace)]
    return [found for part in parts for found in missed(part)]
