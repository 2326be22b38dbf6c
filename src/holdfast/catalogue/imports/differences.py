"""What an import would change: every thing created, changed (old → new per field), retired or left as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from holdfast.catalogue.model import Text

from .entries import Entry

ChangeKind = Literal["created", "changed", "retired", "left"]
KINDS: dict[ChangeKind, str] = {
    "created": "new",
    "changed": "changed",
    "retired": "no longer offered",
    "left": "not in the file, left as it is",
}
"""Kind of change → its English label, translated by the surface."""


class Change(msgspec.Struct, frozen=True):
    """One thing and what becomes of it; `fields` gives (old, new) by column, with None for what was not there."""

    table: str
    key: tuple[str, ...]
    kind: ChangeKind
    fields: dict[str, tuple[Any, Any]] = {}
    row: dict[str, Any] = {}
    """The whole row as it will be written."""


class Warned(msgspec.Struct, frozen=True):
    """Something that may be meant but deserves a look: where, and a sentence in both languages."""

    at: str
    message: Text


class Plan(msgspec.Struct, frozen=True):
    """What an import does, or would do."""

    changes: list[Change] = []
    unchanged: int = 0
    warnings: list[Warned] = []

    def of(self, kind: ChangeKind) -> list[Change]:
        return [change for change in self.changes if change.kind == kind]

    @property
    def created(self) -> int:
        return len(self.of("created"))

    @property
    def changed(self) -> int:
        return len(self.of("changed"))

    @property
    def retired(self) -> int:
        return len(self.of("retired"))

    @property
    def left(self) -> int:
        return len(self.of("left"))

    @property
    def changes_nothing(self) -> bool:
        return not (self.created or self.changed or self.retired)


def between(entries: Iterable[Entry], stored: dict[tuple[str, tuple[str, ...]], Entry]) -> tuple[list[Change], int]:
    """The changes that bring what is stored to what the file says, and the number of things that agree already."""
    changes, unchanged = [], 0
    for entry in entries:
        known = stored.get((entry.table, entry.key))
        if known is None:
            fields = {name: (None, value) for name, value in entry.values.items() if value not in (None, "", [], {})}
            changes.append(Change(entry.table, entry.key, "created", fields, entry.values))
            continue
        row = laid_over(entry, known)
        fields = {name: (known.values.get(name), row[name]) for name in row if row[name] != known.values.get(name)}
        if fields:
            changes.append(Change(entry.table, entry.key, "changed", fields, row))
        else:
            unchanged += 1
    return changes, unchanged


def laid_over(entry: Entry, known: Entry) -> dict[str, Any]:
    """The stored row with what the file gives; a thing the file speaks of is on offer again."""
    row = known.values | {name: entry.values[name] for name in entry.given}
    return row | {"retired_at": None} if "retired_at" in row else row
