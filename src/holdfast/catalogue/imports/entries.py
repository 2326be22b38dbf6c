"""The things a catalogue file speaks of, read field by field: typed, with defaults, and with their place in the file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from . import values
from .fields import TABLES, Table
from .files import Record
from .mistakes import Mistake, Place, error


class Entry(msgspec.Struct, frozen=True):
    """One thing of a table: its key and its columns as the database keeps them, defaults included.

    `given` names the columns that the file has; the others stay as they are when the thing is stored already.
    """

    table: str
    key: tuple[str, ...]
    values: dict[str, Any]
    given: frozenset[str] = frozenset()
    place: Place = Place()


class Entries:
    """Entries by table and by what they belong to; `known` names ids that exist beside them."""

    def __init__(self, entries: Iterable[Entry], known: Mapping[str, Collection[str]] | None = None) -> None:
        self.by_table: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self.by_table[entry.table].append(entry)
        self.products = {entry.key[0]: entry for entry in self.by_table["products"]}
        self._known = {table: set(ids) for table, ids in (known or {}).items()}
        for table, ids in self._known.items():
            ids |= {entry.key[0] for entry in self.by_table[table]}

    def of(self, table: str, field: str) -> defaultdict[str, list[Entry]]:
        """The entries of a table by what `field` names."""
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self.by_table[table]:
            found[str(entry.values.get(field))].append(entry)
        return found

    def exists(self, table: str, name: str) -> bool:
        """Whether the thing is known; nothing is missed in a table of which nothing is known."""
        return table not in self._known or name in self._known[table]


def read(records: Iterable[Record]) -> tuple[list[Entry], list[dict[str, Any]]]:
    """The records as entries, and an error for every field that does not fit."""
    entries: list[Entry] = []
    errors: list[dict[str, Any]] = []
    for record in records:
        table, found = TABLES[record.table], len(errors)
        columns = _columns(record, table, errors)
        if len(errors) == found:
            _finish(record, table, columns, errors)
        if len(errors) == found:
            key = tuple(str(columns[name]) for name in table.key)
            entries.append(Entry(table.name, key, table.defaults() | columns, frozenset(columns), record.place))
    return entries, errors


def _columns(record: Record, table: Table, errors: list[dict[str, Any]]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for field in table.fields:
        raw = record.given.get(field.name)
        if raw is None or raw in ("", {}):
            if field.required:
                errors.append(error(record.place, field.name, "MISSING"))
            elif field.name in record.given:
                columns[field.stored] = field.default
            continue
        try:
            columns[field.stored] = field.read(raw)
            if field.required and columns[field.stored] in ("", {}):
                raise Mistake("MISSING")
        except Mistake as mistake:
            where = mistake.inside(field.name).field
            errors.append(error(record.place, where, mistake.code, **mistake.values))
    return columns


def _finish(record: Record, table: Table, columns: dict[str, Any], errors: list[dict[str, Any]]) -> None:
    """What takes two fields to read: an amount in its currency, a rule's value in its unit."""
    field = ""
    try:
        if table.name == "prices":
            field = "amount"
            columns.setdefault("currency", "CNY")
            columns["amount_minor"] = values.minor(columns["amount_minor"], columns["currency"])
        elif table.name == "policies":
            field = "value"
            columns["value"] = _policy_value(columns["kind"], columns.get("value", 0))
            if columns["kind"] in {"absolute", "percent"} and record.given.get("value") in (None, ""):
                raise Mistake("MISSING")
    except Mistake as mistake:
        errors.append(error(record.place, field, mistake.code, **mistake.values))


def _policy_value(kind: str, value: float) -> int:
    if kind == "percent":
        if value > 100:
            raise Mistake("PERCENT_OVER")
        return values.basis_points(value)
    if kind == "absolute":
        return int(values.whole(0, 2**31)(value))
    return 0
