"""What a refused booking gets beside its problem: slots that take the same party, as an extension member ``alternatives``.

In a rush thousands are refused the same slot at once: what was looked up is said again for a few seconds.
"""

from __future__ import annotations

import time
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast import orders
from holdfast.kit.db import Db
from holdfast.kit.money import Money
from holdfast.kit.problems import Problem

from .texts import Text, text

OF_THE_SLOT = ("slot-full", "slot-closed", "sale-over", "sale-unconfirmed")
FRESH_S = 5.0
KEPT_MAX = 2_000
_known: dict[tuple[int, UUID, int], tuple[float, Alternatives]] = {}


class AlternativeAnswer(msgspec.Struct, frozen=True):
    """A slot on sale with places for the party. `km` is the distance to its venue; null where it is not known."""

    slot_id: UUID
    venue_id: str
    venue_name: Text
    product_id: str
    product_name: Text
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    places_left: int
    lowest_price: Money | None
    km: float | None


class Alternatives(msgspec.Struct, frozen=True):
    """Other times of that day, other days, and venues of the same kind nearby; the nearest first."""

    same_day: list[AlternativeAnswer]
    other_days: list[AlternativeAnswer]
    nearby: list[AlternativeAnswer]


async def add(db: Db, problem: Problem, lines: list[Any]) -> None:
    """Says in the problem where there are places for as many people as the refused slot was asked for.

    That they cannot be looked up is no reason for another problem.
    """
    if problem.code not in OF_THE_SLOT:
        return
    try:
        slot_id = UUID(str(problem.fields.get("slot_id")))
        people = sum(line.quantity for line in lines if line.slot_id == slot_id)
        found = await _look(db, slot_id, max(1, people))
    except (Problem, ValueError):
        return
    problem.fields["alternatives"] = msgspec.to_builtins(found)


async def _look(db: Db, slot_id: UUID, people: int) -> Alternatives:
    key, now = (id(db), slot_id, people), time.monotonic()
    known = _known.get(key)
    if known and now - known[0] < FRESH_S:
        return known[1]
    found = await db.read(orders.alternatives.alternatives, slot_id, people)
    shown = Alternatives(_shown(found.same_day), _shown(found.other_days), _shown(found.nearby))
    if len(_known) >= KEPT_MAX:
        _known.clear()
    _known[key] = (now, shown)
    return shown


def _shown(found: list[orders.Alternative]) -> list[AlternativeAnswer]:
    return [
        AlternativeAnswer(
            slot_id=one.slot_id,
            venue_id=one.venue_id,
            venue_name=text(one.venue_name),
            product_id=one.product_id,
            product_name=text(one.product_name),
            visit_date=one.visit_date,
            starts_at=one.starts_at.astimezone(ZoneInfo(one.time_zone)),
            ends_at=one.ends_at.astimezone(ZoneInfo(one.time_zone)),
            places_left=one.places_left,
            lowest_price=None if one.lowest_minor is None else Money(one.lowest_minor, one.currency or "CNY"),
            km=one.km,
        )
        for one in found
    ]
