"""A demonstration of suppliers: a partner for every invented hotel and restaurant, and a heart that beats in their name.

Never in production. The heartbeat can be switched off on a partner's page, to see what silence does.
"""

from __future__ import annotations

import re

import msgspec

from holdfast import catalogue
from holdfast.kit import audit, clock, ids, settings
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx

from . import asks, feeds, feeds_store, freshness_store, registration
from .feeds_model import News

BY = system("partners.demo")
ANSWER_MINUTES = 60
NAME = re.compile(r"(hotel|rest)-\d{2}")
"""Venues of the demo catalogue that have a supplier."""


async def furnish(db: Db) -> int:
    """Registers what is missing and lets every demo partner speak once; how many partners are new. Nothing in production."""
    if settings.current().is_production:
        return 0
    made = 0
    for kind in ("hotel", "restaurant"):
        for card in await db.read(_cards, kind):
            made += await db.run(_furnish, card)
    await beat(db)
    return made


async def _cards(tx: ReadTx, kind: str) -> list[catalogue.VenueCard]:
    return [card for card in await catalogue.search(tx, kind=kind) if NAME.fullmatch(card.id)]


async def _furnish(tx: Tx, card: catalogue.VenueCard) -> int:
    if any(partner.id == card.id for partner in await registration.every(tx)):
        return 0
    venue = await catalogue.venues.get(tx, card.id)
    products = [product.id for product in venue.products]
    if await feeds_store.supplies_of(tx, products):
        return 0
    await registration.register(tx, BY, partner_id=venue.id, name=venue.name, email=f"{venue.id}@supplier.example")
    for product_id in products:
        await feeds.supply(
            tx, BY, venue.id, product_id, answer_minutes=ANSWER_MINUTES if venue.kind == "restaurant" else None
        )
    await freshness_store.set_feed(tx, freshness_store.Feed(venue.id, is_demo=True, demo_beats=True))
    return 1


async def beat(db: Db) -> int:
    """Every demo partner whose heart beats says "still open" and takes its bookings; how many did."""
    if settings.current().is_production:
        return 0
    beating = await db.read(freshness_store.demo_feeds)
    for partner_id in beating:
        waiting = await db.read(asks.waiting, partner_id)
        numbers = sorted({one.order_number for one in waiting})
        news = [News("heartbeat"), *(News("answer", order=number, answer="have") for number in numbers)]
        await feeds.receive(db, BY, partner_id, "demo", ids.uuid7().hex, news)
    return len(beating)


async def set_beating(tx: Tx, actor: Actor, partner_id: str, *, on: bool) -> None:
    """The heart of a demo partner beats or does not."""
    feed = await freshness_store.feed(tx, partner_id)
    await freshness_store.set_feed(tx, msgspec.structs.replace(feed, demo_beats=on and feed.is_demo))
    await audit.record(tx, actor, "partner.demo-heartbeat", f"partner:{partner_id}", on=on, at=str(clock.now()))
