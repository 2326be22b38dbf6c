"""Stacking: of the versions that fit a basket, which are granted together. Rules 2 to 4 of `pricing`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from . import effects
from .effects import BP
from .facts import Line
from .model import Version

Outcome = Literal[
    "granted",
    "channel",
    "currency",
    "schedule",
    "code",
    "scope",
    "when",
    "nothing",
    "person",
    "group",
    "alone",
    "floor",
]
"""What became of a version: granted, or the first thing that stood against it.

nothing: it would take nothing off; person: used as often as one may, or that is not known; group: another one of its group
takes more off; alone: what combines and what stands alone exclude each other; floor: rule 4.
"""


class Candidate(msgspec.Struct):
    """A version that fits, before stacking: what it would take off each chosen line, by position in `lines`."""

    at: int
    version: Version
    is_gift: bool
    lines: list[Line]
    listed: list[int]
    listed_minor: int
    weights: Sequence[int]
    amount_minor: int
    fits: bool
    facts: dict[str, Any]

    @property
    def amounts(self) -> list[int]:
        """Minor units off each line."""
        return effects.allocate(self.amount_minor, self.weights)

    @property
    def order(self) -> tuple[Any, ...]:
        """Who is taken off first."""
        return (self.fits, -self.version.content.priority, -self.amount_minor, self.version.id)

    @property
    def weight(self) -> tuple[Any, ...]:
        """The best is the smallest."""
        return (-self.amount_minor, -self.version.content.priority, self.version.id)


def stack(candidates: list[Candidate], outcomes: dict[int, Outcome]) -> list[tuple[Candidate, list[int]]]:
    """Who is granted, with what by line; the others' outcomes are noted."""
    best: dict[str, Candidate] = {}
    alone: list[Candidate] = []
    for one in candidates:
        stacking = one.version.content.stacking
        if stacking.combines == "alone":
            alone.append(one)
        elif stacking.group not in best or one.weight < best[stacking.group].weight:
            best[stacking.group] = one
        outcomes[one.at] = "alone" if stacking.combines == "alone" else "group"
    together = _combined(sorted(best.values(), key=lambda one: one.order), outcomes)
    single = min(alone, key=lambda one: one.weight, default=None)
    if single is not None and _worth([(single, single.amounts)]) > _worth(together):
        for one in best.values():
            outcomes[one.at] = "alone"
        together = [(single, single.amounts)]
    for one, _amounts in together:
        outcomes[one.at] = "granted"
    return together


def _worth(granted: list[tuple[Candidate, list[int]]]) -> tuple[int, int]:
    """Minor units, then gifts."""
    return sum(sum(amounts) for _one, amounts in granted), sum(one.is_gift for one, _amounts in granted)


def _combined(ordered: list[Candidate], outcomes: dict[int, Outcome]) -> list[tuple[Candidate, list[int]]]:
    """One after the other, from what is left of each line; without those who would break through a floor."""
    granted: list[tuple[Candidate, list[int]]] = []
    bound: list[Candidate] = []
    taken: dict[int, int] = {}
    for one in ordered:
        amounts, after = one.amounts, dict(taken)
        if taken:
            amounts = [
                min(minor, most - taken.get(line.seq, 0))
                for line, most, minor in zip(one.lines, one.listed, amounts, strict=True)
            ]
        for line, minor in zip(one.lines, amounts, strict=True):
            after[line.seq] = after.get(line.seq, 0) + minor
        whole = sum(after.values())
        if one.fits and granted and not all(_above_floor(each, after, whole) for each in (one, *bound)):
            outcomes[one.at] = "floor"
            continue
        granted.append((one, amounts))
        if one.fits:
            bound.append(one)
        taken = after
    return granted


def _above_floor(one: Candidate, taken: dict[int, int], whole: int) -> bool:
    """`whole`: what is taken off all lines; where even that is allowed, its own need not be added up."""
    most = one.listed_minor * one.version.envelope.max_bp
    return whole * BP <= most or sum([taken.get(line.seq, 0) for line in one.lines]) * BP <= most
