"""Cards for tests: a card over slots of `world`, bought and paid at the desk.

slots = [await world.open_slot(db, venue=...) for _ in range(3)]
card = await cards.on_sale(db, slots, uses=1)
mei, bought = await cards.buy(db, card)
await cards.activate(db, mei, bought)
placed = await cards.reserve(db, mei, bought, slots)
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from holdfast import inventory, orders, passes
from holdfast.kit import clock, jobs
from holdfast.kit.actor import system
from holdfast.kit.db import Db, Tx
from holdfast.orders.card_visits import VisitWish, Wish
from holdfast.passes.card_products import CardFile, CardOffer
from tests import world
from tests.orders import after_sale

TEST = system("test")
ALWAYS = {"kind": "days_since_first_use", "days": 30, "activate_within_days": 180}
_numbers = itertools.count(1)


async def on_sale(
    db: Db,
    slots: Sequence[world.SlotWorld],
    *,
    uses: int | None = 1,
    price: str = "100",
    a_day: int = 50,
    items: dict[int, dict[str, Any]] | None = None,
    **rules: Any,
) -> passes.CardProduct:
    """A card that holds the venues of these slots; `items` adds to the item of a slot by its place in the list."""
    given = [
        {"ref": slot.venue_id, **({"uses": uses} if uses else {}), **(items or {}).get(at, {})}
        for at, slot in enumerate(slots)
    ]
    whole = {"model": "fixed_list", "items": given, "validity": ALWAYS} | rules
    name = f"card-{next(_numbers)}"
    offer = CardOffer(
        id=name, name={"zh": "测试卡", "en": "Test card"}, city={"zh": "南京", "en": "Nanjing"}, province="江苏省",
        summary={"zh": "测试", "en": "For tests"}, price=price, on_sale_a_day=a_day,
        rules=msgspec.convert(whole, passes.card_products.Rules),
    )  # fmt: skip
    await load(db, CardFile("holdfast-cards/1", [offer]))
    return (await db.read(passes.card_products.many, [name]))[name]


async def load(db: Db, file: CardFile) -> int:
    """Puts cards on sale and makes the days on which they are sold."""
    changed = await db.run(passes.card_products.load, TEST, file)
    for card in file.cards:
        await db.run(inventory.generate, TEST, venue_id=card.id)
    return changed


async def basket(
    db: Db, card: passes.CardProduct, *, cards: int = 1, adults: int = 0, children: int = 0
) -> orders.Basket:
    """Cards of one kind, for new people, and who comes along on them."""
    today = clock.now().astimezone(world.ZONE).date()
    async with db.reading() as tx:
        [slot] = await inventory.availability.day(tx, card.id, today)
    wanted = {f"{card.id}-card": cards, f"{card.id}-adult": adults, f"{card.id}-child": children}
    lines = [
        orders.BasketLine(slot.id, price_id, count, [world.visitor() for _ in range(count)])
        for price_id, count in wanted.items()
        if count
    ]
    return orders.Basket(lines, world.phone_number())


async def order(
    db: Db, card: passes.CardProduct, person: world.Person | None = None, **wanted: int
) -> tuple[world.Person, orders.Order]:
    """Somebody who bought cards and paid for them in cash."""
    person = person or await world.traveller(db)
    placed = await world.place(db, world.request(person, await basket(db, card, **wanted)))
    found = await world.order_of(db, person, placed.number)
    intent_id = await db.run(orders.checkout._begin, person.actor, found.row.id)
    await after_sale.take(db, intent_id)
    return person, await world.order_of(db, person, placed.number)


async def buy(
    db: Db, card: passes.CardProduct, person: world.Person | None = None, **wanted: int
) -> tuple[world.Person, passes.Card]:
    """The same, and the (first) card of the order."""
    person, found = await order(db, card, person, **wanted)
    return person, (await db.read(passes.cards.of_order, found.row.id))[0]


async def active(
    db: Db, card: passes.CardProduct, person: world.Person | None = None, **wanted: int
) -> tuple[world.Person, passes.Card]:
    """A card that was bought and activated."""
    person, bought = await buy(db, card, person, **wanted)
    return person, await db.run(passes.cards.activate, person.actor, person.account_id, bought.number)


async def reserve(
    db: Db,
    person: world.Person,
    card: passes.Card,
    slots: Sequence[world.SlotWorld],
    *,
    key: str = "",
    people: list[int] | None = None,
) -> orders.Placed:
    """Visits with the card, all or nothing."""
    wish = Wish([VisitWish(slot.slot_id, people) for slot in slots], key or f"card-key-{next(_numbers)}", "en")
    return await db.run(orders.card_visits.reserve, person.actor, person.account_id, card.number, wish)


async def now(db: Db, card: passes.Card) -> passes.Card:
    """The card as it stands."""
    return await db.read(passes.cards.by_number, card.number)


def refused(problem: passes.CardRefuses) -> list[str]:
    """Why a card refused, as codes."""
    return [error["code"] for error in problem.errors]


def left(card: passes.Card) -> dict[str, int | None]:
    """How much of each item could still be booked."""
    return {one.item: card.left(one.item) for one in card.entitlements}


async def let_in(db: Db, order_number: str, line_seq: int = 1) -> None:
    """A gate let the holder of a line in, and everybody has heard of it."""
    await db.run(_let_in, order_number, line_seq)
    await jobs.drain(db)


async def _let_in(tx: Tx, order_number: str, line_seq: int) -> None:
    await passes.entitlements.admitted(tx, "system:gate:test", order_number, line_seq, clock.now())


async def over(db: Db) -> None:
    """The visits that lie behind are settled, as the timetable does."""
    await passes.jobs.settle_past(db)
    await passes.jobs.expire(db)


def starts(days: int) -> timedelta:
    """For `world.open_slot(starts_in=…)`: about noon, so many days on, so that no visit crosses midnight."""
    noon = clock.now().astimezone(world.ZONE).replace(hour=12, minute=0, second=0, microsecond=0)
    return noon + timedelta(days=days) - clock.now()
