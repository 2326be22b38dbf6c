"""Gates for tests: enrolled by the real commands, with somebody on duty.

north = await gates.gate(db, slot.venue_id)
[answer] = await gates.admit(db, north, gates.by_code(1, ticket))
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast import accounts, orders, passes
from holdfast.kit import clock, jobs
from holdfast.kit.db import Db
from holdfast.orders.attendance_model import Answer, Scan
from tests import staff, world


class Gate(msgspec.Struct, frozen=True):
    """A device at a venue and who is on duty there."""

    id: UUID
    token: str
    name: str
    shift: UUID


async def gate(db: Db, venue_id: str, name: str = "North gate") -> Gate:
    """A device that was enrolled with its link, with somebody of the desk on duty."""
    made = await db.run(passes.devices.make, staff.TEST, venue_id, name)
    enrolled = await db.run(passes.devices.enrol, made.code, "Chrome · Android")
    known = await db.read(passes.devices.of_token, enrolled.token)
    colleague = await staff.colleague(db, "desk", name="Zhao Min")
    begun = await db.run(
        passes.devices.begin_shift, accounts.Staff(colleague.id, colleague.login, "Zhao Min", ()), known
    )
    return Gate(known.id, enrolled.token, name, begun.id)


async def admit(db: Db, at: Gate, *scans: Scan) -> list[Answer]:
    """What the gate is answered, in one transaction."""
    return await db.run_one(orders.attendance.admit, at.id, list(scans))


def by_code(counter: int, ticket: orders.Ticket, *, offline_at: datetime | None = None, **more: Any) -> Scan:
    """A scanned code; with a moment: a device without a network has let somebody in then."""
    return Scan(counter, code=ticket.code, offline=offline_at is not None, at=offline_at, **more)


async def visit(
    db: Db, *lines: tuple[world.SlotWorld, int], named: bool = True
) -> tuple[world.Person, list[orders.Ticket]]:
    """A confirmed free order with these lines, and its tickets."""
    mei = await world.traveller(db)
    basket = orders.Basket(
        [world.line(slot, people, visitors=None if named else []) for slot, people in lines], world.phone_number()
    )
    placed = await world.place(db, world.request(mei, basket))
    await jobs.drain(db)  # its messages
    order = await world.order_of(db, mei, placed.number)
    return mei, orders.tickets(order)


async def open_now(db: Db, **more: Any) -> world.SlotWorld:
    """A slot that began a while ago, free of charge, still on sale."""
    slot = await world.open_slot(db, price_minor=0, **more)
    clock.move(slot.starts_at - clock.now())
    return slot
