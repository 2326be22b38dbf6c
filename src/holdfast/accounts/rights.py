"""What is held about a person, and how it goes: each domain registers its own part, accounts never looks up.

    @rights.exported("orders", HeldOrder)
    async def orders_of(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldOrder]: ...

Four registers: what a copy contains (PIPL art. 45), what an erasure will do, what stands in its way, and the doing (PIPL
art. 47). Queries get the accounts of a person, never a root: a person may have one of several accounts erased.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .rights_model import Erased, Foreseen, Obstacle, Progress

Held = Callable[[ReadTx, Sequence[UUID]], Awaitable[Sequence[msgspec.Struct]]]
Foresee = Callable[[ReadTx, Sequence[UUID], datetime], Awaitable[list[Foreseen]]]
Hinder = Callable[[ReadTx, Sequence[UUID], datetime], Awaitable[list[Obstacle]]]
Erase = Callable[[Tx, Erased, int], Awaitable[Progress]]
FORMAT = "holdfast-personal-data/1"
"""Name and version of the form of a copy; it changes when a field is renamed or goes."""


class Part(NamedTuple):
    """One kind of things in a copy: its type is its documentation."""

    of: type[msgspec.Struct]
    queries: list[Held]


EXPORTED: dict[str, Part] = {}
FORESEEN: dict[str, Foresee] = {}
OBSTACLES: dict[str, Hinder] = {}
ERASERS: dict[str, Erase] = {}


def exported(kind: str, of: type[msgspec.Struct]) -> Callable[[Held], Held]:
    """Registers a query whose rows belong into a copy; several domains may add to one kind of one type."""

    def register(query: Held) -> Held:
        part = EXPORTED.setdefault(kind, Part(of, []))
        assert part.of is of, f"{kind} has two types"
        part.queries.append(query)
        return query

    return register


def foreseen(kind: str) -> Callable[[Foresee], Foresee]:
    """Registers what an erasure would do to a kind of things."""

    def register(query: Foresee) -> Foresee:
        FORESEEN[kind] = query
        return query

    return register


def obstacle(kind: str) -> Callable[[Hinder], Hinder]:
    """Registers what keeps an erasure from being done now."""

    def register(query: Hinder) -> Hinder:
        OBSTACLES[kind] = query
        return query

    return register


def eraser(kind: str) -> Callable[[Erase], Erase]:
    """Registers how a kind of things is erased: at most `limit` of them in one transaction, again and again."""

    def register(command: Erase) -> Erase:
        ERASERS[kind] = command
        return command

    return register


async def collect(tx: ReadTx, accounts: Sequence[UUID]) -> dict[str, list[msgspec.Struct]]:
    """Everything that is held about the owners of these accounts, by kind, in the order of registration."""
    return {
        kind: [row for query in part.queries for row in await query(tx, accounts)] for kind, part in EXPORTED.items()
    }


async def foresee(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Foreseen]:
    """What erasing these accounts would remove and what stays; kinds of which there is nothing are left out."""
    found = [one for query in FORESEEN.values() for one in await query(tx, accounts, now)]
    return [one for one in found if one.count]


async def obstacles(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Obstacle]:
    """What must be over first."""
    return [one for query in OBSTACLES.values() for one in await query(tx, accounts, now)]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a copy's ``data.json``."""
    kinds, definitions = msgspec.json.schema_components(
        [part.of for part in EXPORTED.values()], ref_template="#/$defs/{name}"
    )
    data = {kind: {"type": "array", "items": items} for kind, items in zip(EXPORTED, kinds, strict=True)}
    head = {
        "format": {"const": FORMAT},
        "made_at": {"type": "string", "format": "date-time"},
        "accounts": {"type": "array", "items": {"type": "string", "format": "uuid"}},
        "data": {"type": "object", "properties": data, "required": list(data)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "All that Holdfast holds about a person",
        "type": "object", "properties": head, "required": list(head), "$defs": definitions,
    }  # fmt: skip
