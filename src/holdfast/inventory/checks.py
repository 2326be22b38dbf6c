"""Invariants of the inventory. That `taken` equals the live lines of orders is checked where orders are known."""

from __future__ import annotations

from datetime import timedelta

from holdfast.kit import clock
from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx

from . import capacity, store


@check("No slot promises more places than its capacity")
async def oversold(tx: ReadTx) -> Offenders:
    """More may be sold than a capacity that was cut later; then the excess is counted and sale is stopped."""
    return await tx.dicts(
        """select id, product_id, visit_date, code, state, capacity, overcommitted, taken from inventory.slots
            where taken > capacity + overcommitted or taken < 0 or (taken > capacity and state = 'open') limit 200"""
    )


@check("Every slot belongs to the venue of its product")
async def displaced(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select s.id, s.product_id, s.venue_id, p.venue_id as product_venue_id
             from inventory.slots s join catalogue.products p on p.id = s.product_id
            where p.venue_id <> s.venue_id limit 200"""
    )


@check("Every slot starts before it ends, on its own date, and is never sold after its end")
async def misplaced(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select s.id, s.product_id, s.visit_date, s.starts_at, s.ends_at, s.sale_closes_at
             from inventory.slots s join catalogue.venues v on v.id = s.venue_id
            where s.starts_at >= s.ends_at or s.sale_closes_at > s.ends_at
               or (s.starts_at at time zone v.time_zone)::date not between s.visit_date and s.visit_date + 1
            limit 200"""
    )


@check("No day promises more places than its policies allow")
async def overpromised(tx: ReadTx) -> Offenders:
    """Slots that can still be sold, added up by product and day, against what the policies in force give that product."""
    since = (clock.now() - timedelta(hours=12)).date()
    promised = {
        (product_id, day): places
        for product_id, day, places in await tx.tuples(
            """select product_id, visit_date, sum(capacity)::int from inventory.slots
                where sale_closes_at > %(now)s and state = 'open' group by product_id, visit_date""",
            now=clock.now(),
        )
    }
    offenders: Offenders = []
    for offer in await store.offers(tx, None, since):
        for day in sorted({day for product_id, day in promised if product_id in {p.id for p in offer.products}}):
            for product_id, decided in capacity.venue_day(offer.products, offer.policies, day).items():
                places = promised.get((product_id, day), 0)
                allowed = decided.places if decided.places is not None else sum(decided.slots.values())
                if places > allowed:
                    offenders.append({"product_id": product_id, "day": day, "promised": places, "allowed": allowed})
    return offenders[:200]


@check("What is set aside for desks and not sold by them is set aside in their slots")
async def allotments_are_set_aside(tx: ReadTx) -> Offenders:
    """More may be set aside than that: places are also held for people of a cut."""
    return await tx.dicts(
        """select s.id, s.set_aside, a.unsold from inventory.slots s join (
             select slot_id, sum(places - used) as unsold from inventory.allotments where returned_at is null group by slot_id) a
               on a.slot_id = s.id
            where a.unsold > s.set_aside limit 200"""
    )
