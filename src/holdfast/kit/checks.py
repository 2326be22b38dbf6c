"""Invariants: a sentence and a query that returns the offenders, written once and run everywhere.

Tests, drills, benches, `holdfast check` and production run the same registry.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from .db import Db, ReadTx

Offenders = list[dict[str, Any]]
REGISTRY: dict[str, Callable[[ReadTx], Awaitable[Offenders]]] = {}


class Result(msgspec.Struct, frozen=True):
    """What one invariant gave: no offenders means it holds."""

    sentence: str
    offenders: Offenders
    elapsed_s: float

    @property
    def holds(self) -> bool:
        return not self.offenders


def check(
    sentence: str,
) -> Callable[[Callable[[ReadTx], Awaitable[Offenders]]], Callable[[ReadTx], Awaitable[Offenders]]]:
    """Registers an invariant. The query returns at most a few hundred offenders."""

    def register(query: Callable[[ReadTx], Awaitable[Offenders]]) -> Callable[[ReadTx], Awaitable[Offenders]]:
        REGISTRY[sentence] = query
        return query

    return register


async def run_all(db: Db) -> list[Result]:
    """Every invariant against one snapshot of a live database."""
    results = []
    async with db.reading() as tx:
        for sentence, query in REGISTRY.items():
            started = time.perf_counter()
            results.append(Result(sentence, await query(tx), time.perf_counter() - started))
    return results
