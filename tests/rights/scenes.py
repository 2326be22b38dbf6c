"""What tests of people's rights need: somebody with a past visit and all that comes with it, and a whole copy of their data."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import msgspec

from holdfast import orders
from holdfast.accounts import Purpose, consents, exports
from holdfast.kit import clock, jobs
from holdfast.kit.db import Db
from tests import world
from tests.orders import after_sale


class Visited(msgspec.Struct, frozen=True):
    """Somebody whose paid visit is over, and what they had typed."""

    person: world.Person
    order: orders.Order
    slot: world.SlotWorld
    visitors: list[orders.TravellerInput]
    phone: str
    """The phone in the order, which is not that of the account."""

    @property
    def secrets(self) -> list[str]:
        """What must be found nowhere after an erasure."""
        return [self.person.phone, self.phone, *(text for one in self.visitors for text in (one.name, one.document))]


async def booked(
    db: Db, person: world.Person | None = None, *, names: tuple[str, ...] = ("欧阳明月", "Ana Lúcia Prado")
) -> Visited:
    """A paid order of somebody, for tomorrow."""
    person = person or await world.traveller(db)
    slot = await world.open_slot(db)
    visitors = [world.visitor(name) for name in names]
    wanted = world.basket(slot, visitors=visitors)
    placed = await world.place(db, world.request(person, wanted))
    begun = await db.run(orders.checkout._begin, person.actor, placed.order_id)
    await after_sale.take(db, begun)
    await db.run(consents.give, person.account_id, Purpose.TERMS, "checkout")
    return Visited(person, await world.order_of(db, person, placed.number), slot, visitors, wanted.phone)


async def visited(db: Db, person: world.Person | None = None) -> Visited:
    """The same, two days after it was booked."""
    found = await booked(db, person)
    clock.move(timedelta(days=2))
    return found


async def copy_of(db: Db, person: world.Person) -> dict[str, bytes]:
    """The files of a new copy of somebody's data."""
    asked = await exports.ask(db, person.actor)
    await jobs.drain(db)
    content = await db.run(exports.fetch, person.actor, asked.id)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def data_of(db: Db, person: world.Person) -> dict[str, list[dict[str, Any]]]:
    """What the copy tells, by kind."""
    files = await copy_of(db, person)
    found: dict[str, list[dict[str, Any]]] = msgspec.json.decode(files["data.json"])["data"]
    return found
