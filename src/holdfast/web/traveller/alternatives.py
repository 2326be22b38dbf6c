"""What pages show when a slot is full or closed: where there are places instead, and the waiting lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from starlette.requests import Request

from holdfast import inventory, orders
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Problem
from holdfast.web import sessions

OF_THE_SLOT = ("slot-full", "slot-closed", "sale-over", "sale-unconfirmed", "supplier-full", "supplier-silent")
"""Problems after which other slots help."""


class OfDay(NamedTuple):
    """A day on which nobody finds places: what there is instead, and how many parties wait for each slot."""

    others: orders.Alternatives | None
    lengths: dict[UUID, int]


async def instead(request: Request, slot_id: UUID, people: int, problem: Problem) -> orders.Alternatives | None:
    """Other slots for a party that was refused this one; None where they do not help or cannot be looked up."""
    if problem.code not in OF_THE_SLOT:
        return None
    try:
        return await sessions.database(request).read(orders.alternatives.alternatives, slot_id, people)
    except Problem:
        return None


async def of_day(tx: ReadTx, slots: Sequence[inventory.SlotView], people: int) -> OfDay:
    """What to show for one day of a venue. Alternatives only when no slot of it takes the party."""
    full = [slot for slot in slots if may_wait(slot, people)]
    lengths = await orders.waitlist.lengths(tx, [slot.id for slot in full]) if full else {}
    if not slots or any(slot.sale in ("open", "not-yet") and slot.places_left >= people for slot in slots):
        return OfDay(None, lengths)
    return OfDay(await orders.alternatives.alternatives(tx, (full or list(slots))[0].id, people), lengths)


def may_wait(slot: inventory.SlotView, people: int) -> bool:
    """Whether a party of that size may join the list of a slot: it is on sale and full for so many, and they fit at all."""
    is_full = slot.sale == "sold-out" or (slot.sale == "open" and slot.places_left < people)
    return is_full and slot.capacity >= people
