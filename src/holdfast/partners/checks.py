"""Invariants of partners: clocks are what was said, and what was told was told once."""

from __future__ import annotations

from holdfast.kit import clock
from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("Every slot of a supplier is sold exactly as long as the supplier's word holds")
async def clocks(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select s.id, s.product_id, s.visit_date, s.fresh_until, inventory.word_until(w, s.visit_date, v.time_zone) as wanted
             from inventory.slots s join inventory.words w on w.product_id = s.product_id join catalogue.venues v on v.id = s.venue_id
            where s.ends_at > %(now)s and s.fresh_until is distinct from inventory.word_until(w, s.visit_date, v.time_zone) limit 200""",
        now=clock.now(),
    )


@check("What a supplier vouches for has a clock, and is barred exactly while something bars it")
async def bars(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select y.product_id, w.barred_at, b.began_at from partners.supplies y
             left join inventory.words w on w.product_id = y.product_id
             left join lateral (select min(began_at) as began_at from partners.bars b
                                 where b.product_id = y.product_id and b.ended_at is null) b on true
            where w.product_id is null or w.barred_at is distinct from b.began_at limit 200"""
    )


@check("A slot never promises more places than its supplier says, beyond what is booked")
async def promises(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select s.id, s.product_id, s.visit_date, s.code, s.capacity, x.places from inventory.slots s
             join inventory.supplied x on x.product_id = s.product_id and x.visit_date = s.visit_date and x.code = s.code
            where s.ends_at > %(now)s and (s.capacity > x.places or (x.is_stopped and s.state = 'open')) limit 200""",
        now=clock.now(),
    )


@check("Every booking with a supplier that is confirmed belongs to an order")
async def bookings(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        "select uuid, order_key, state from partners.octo_bookings where state in ('confirming', 'confirmed') and order_number is null limit 200"
    )
