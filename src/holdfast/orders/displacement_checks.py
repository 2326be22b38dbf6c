"""Invariants of cuts."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("Everybody whom a finished cut touched was kept, moved or refunded, and told")
async def everybody_was_told(tx: ReadTx) -> Offenders:
    """Who had left by themselves or was inside already needs no message."""
    return await tx.dicts(
        """select p.cut_id, o.number, p.outcome, p.told_at from orders.cut_parties p join orders.orders o on o.id = p.order_id
             join orders.cuts c on c.id = p.cut_id
            where (c.step = 'done' and p.outcome is null)
               or (p.outcome in ('kept', 'moved', 'refunded', 'freed') and p.told_at is null and p.is_paid
                   and p.protected <> 'inside'
                   and not exists (select 1 from passes.admissions a where a.order_number = o.number and a.counts))
            limit 100"""
    )


@check("Nobody who gave way in a cut still holds the places, and nobody who keeps them lost them by it")
async def outcomes_are_so(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select p.cut_id, o.number, p.outcome from orders.cut_parties p join orders.orders o on o.id = p.order_id
            where p.outcome in ('moved', 'refunded', 'freed') and p.returned_at is null and exists (
              select 1 from orders.lines l where l.order_id = p.order_id and l.slot_id = p.slot_id and l.live
                 and l.seq = any (p.line_seqs)) limit 100"""
    )


@check("What a cut holds for people is set aside")
async def held_is_set_aside(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select f.to_slot, sum(f.places) as held, min(s.set_aside) as set_aside from orders.cut_offers f
             join inventory.slots s on s.id = f.to_slot where f.state = 'held'
            group by f.to_slot having sum(f.places) > min(s.set_aside) limit 100"""
    )
