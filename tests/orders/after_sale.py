"""What tests of the time after the sale need: rules, other days of a product, orders that were paid at the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from holdfast import ledger, orders, payments
from holdfast.kit import jobs
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, Tx
from tests import world

STAFF = Actor("staff", name="desk-1")
HALF_LATER = {"minutes_before_start": 24 * 60, "later_kept_percent": 50}
"""Free until a day before, then half is kept."""


async def rule(db: Db, slot: world.SlotWorld, **given: Any) -> None:
    """What the attraction publishes about giving back."""

    async def write(tx: Tx) -> None:
        await tx.execute(
            "update catalogue.products set cancel_rule = %(rule)s where id = %(id)s",
            rule=Jsonb(given),
            id=slot.product_id,
        )

    await db.run(write)


async def other_day(
    db: Db, slot: world.SlotWorld, *, price_minor: int | None = None, places: int = 10, days: int = 1
) -> world.SlotWorld:
    """A slot of the same product on a later day, with a price of its own that holds on that day alone if one is given."""
    beside = msgspec.structs.replace(slot, starts_at=slot.starts_at + timedelta(days=days))
    made = await world.open_slot(db, beside=beside, places=places, price_minor=price_minor or slot.price_minor)
    if price_minor is not None:

        async def seasons(tx: Tx) -> None:
            for one in (slot, made):
                await tx.execute(
                    "update catalogue.prices set from_day = %(day)s, to_day = %(day)s where id = %(id)s",
                    day=f"{one.starts_at.astimezone(world.ZONE):%m-%d}", id=one.price_id,
                )  # fmt: skip

        await db.run(seasons)
    return made


async def paid(db: Db, *slots: world.SlotWorld, people: int = 1) -> tuple[world.Person, orders.Order]:
    """Somebody with a confirmed order that was paid in cash."""
    person = await world.traveller(db)
    placed = await world.place(db, world.request(person, world.basket(*slots, people=people)))
    order = await world.order_of(db, person, placed.number)
    begin = await db.run(orders.checkout._begin, person.actor, order.row.id)
    await take(db, begin)
    order = await world.order_of(db, person, placed.number)
    assert order.state is orders.State.CONFIRMED
    return person, order


async def promised(db: Db, slot: world.SlotWorld, people: int = 1) -> tuple[world.Person, orders.Order]:
    """Somebody with a confirmed order that is to be paid later; `HOLDFAST_DEFERRAL` must allow it."""
    person, order = await world.held_order(db, slot, people)
    await orders.promise(db, person.actor, order)
    return person, await world.order_of(db, person, order.number)


async def take(db: Db, intent_id: Any) -> None:
    """The whole sum of a payment is taken at the desk, and everybody has heard of it."""
    await db.run(payments.take_at_desk, STAFF, intent_id, "cash")
    await jobs.drain(db)


async def held_minor(db: Db, order: orders.Order) -> int:
    """How much of the order's money is still there and not promised back, after the books."""

    async def ask(tx: Any) -> int:
        owners = await tx.values(
            """select i.reference from orders.intents x join payments.intents i on i.id = x.intent_id
               where x.order_id = %(id)s""",
            id=order.row.id,
        )
        return sum([(await ledger.balance(tx, ledger.Account("2010", one, "CNY"))).available_minor for one in owners])

    return int(await db.read(ask))


async def fees_minor(db: Db, why: str) -> int:
    """What was kept so far."""
    return (await db.read(ledger.balance, ledger.Account("4020", why, "CNY"))).amount_minor


def kinds(order: orders.Order) -> list[str]:
    """The story of an order, by the kinds of its events."""
    return [event.kind for event in order.events]
