"""A supplier with one product, made by the real commands, and short words for what it says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from holdfast import inventory, orders, partners
from holdfast.kit import clock, ids, jobs
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem
from tests import world

BY = system("test")
DAY_MINUTES, MINUTES = 120, 1440


class Supplier(msgspec.Struct, frozen=True):
    """A partner, and the slot of the one product it supplies."""

    id: str
    slot: world.SlotWorld
    phone: str

    @property
    def product_id(self) -> str:
        return self.slot.product_id

    @property
    def actor(self) -> Actor:
        return Actor("partner", name=self.id)


async def supplier(
    db: Db, *, slot: world.SlotWorld | None = None, answer_minutes: int | None = None, places: int = 10, speaks: bool = True, **slots: Any
) -> Supplier:  # fmt: skip
    """A new partner that supplies a new slot, free of charge and without names unless another is given."""
    slot = slot or await world.open_slot(
        db, **({"price_minor": 0, "real_name": False, "places": places, "max_per_order": 50} | slots)
    )
    phone = world.phone_number()
    made = Supplier(f"supplier-{slot.product_id}", slot, phone)
    await db.run(
        partners.register, BY, partner_id=made.id, name={"zh": "面馆", "en": "Noodle house"}, phone=phone,
        email=f"{made.id}@supplier.example",
    )  # fmt: skip
    await db.run(
        partners.feeds.supply, BY, made.id, slot.product_id, minutes=MINUTES, day_minutes=DAY_MINUTES,
        answer_minutes=answer_minutes,
    )  # fmt: skip
    if speaks:
        await say(db, made, partners.News("open"))
    return made


async def say(
    db: Db, who: Supplier, *news: partners.News, key: str = "", at: datetime | None = None, way: partners.Way = "api"
) -> partners.Receipt:
    """The partner says something, under a new key unless one is given."""
    return await partners.feeds.receive(db, who.actor, who.id, way, key or ids.uuid7().hex, news, said_at=at)


async def beat(db: Db, who: Supplier) -> partners.Receipt:
    return await say(db, who, partners.News("heartbeat"))


async def book(db: Db, who: Supplier, count: int = 1) -> orders.Placed | str:
    """A booking by somebody new: the order, or the code of the problem."""
    person = await world.traveller(db)
    wanted = orders.Basket([world.line(who.slot, count, visitors=[])], person.phone)
    wanted = msgspec.structs.replace(wanted, lines=[msgspec.structs.replace(wanted.lines[0], quantity=count)])
    try:
        placed = await world.place(db, world.request(person, wanted))
    except Problem as problem:
        return problem.code
    await jobs.drain(db)
    return placed


async def booked(db: Db, who: Supplier, count: int = 1) -> orders.Placed:
    placed = await book(db, who, count)
    assert isinstance(placed, orders.Placed), placed
    return placed


async def sale(db: Db, who: Supplier) -> inventory.SlotView:
    """The slot as travellers see it."""
    day = who.slot.starts_at.astimezone(world.ZONE).date()
    async with db.reading() as tx:
        views = await inventory.availability.day(tx, who.slot.venue_id, day)
    return next(view for view in views if view.id == who.slot.slot_id)


async def told(db: Db, who: Supplier) -> list[str]:
    """What the partner was told, the oldest first."""
    return [one.kind for one in reversed(await db.read(partners.freshness.told, who.id))]


def later(**by: float) -> None:
    """Time passes."""
    clock.move(timedelta(**by))
