"""Invariants of passes: of the gate, and of what cards entitle to."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("No ticket counts as admitted twice")
async def admitted_once(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select order_number, line_seq, traveller_seq, count(*) from passes.admissions where counts and undone_at is null
           group by order_number, line_seq, traveller_seq having count(*) > 1 limit 100"""
    )


@check("Every admission of a used ticket that a gate reported names the one that counts")
async def doubles_have_rivals(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.device_id, a.counter from passes.admissions a where a.verdict = 'used' and not exists (
             select 1 from passes.admissions r where r.device_id = a.rival_device and r.counter = a.rival_counter and r.counts
                and r.order_number = a.order_number) limit 100"""
    )


@check("Nobody who was admitted counts as not having come")
async def who_came_came(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select n.order_number, n.line_seq from passes.no_shows n join passes.admissions a on a.order_number = n.order_number
              and a.line_seq = n.line_seq and coalesce(a.traveller_seq, 0) = n.traveller_seq and a.counts and a.undone_at is null
           where n.came_at is null
             and not exists (select 1 from kit.outbox o where o.topic = 'gate.admitted' and o.parked_at is null
                              and o.payload ->> 'order_number' = n.order_number) limit 100"""
    )


@check("No card is used more often than it entitles to, and what is counted is the sum of its uses")
async def uses_are_entitled(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select e.card_id, e.item, e.held, e.used, e.uses_max, u.held as held_uses, u.used as used_uses
             from passes.entitlements e
             cross join lateral (select count(*) filter (where state = 'held') as held, count(*) filter (where state = 'used') as used
                                   from passes.uses u where u.card_id = e.card_id and u.item = e.item) u
            where e.held <> u.held or e.used <> u.used or e.held + e.used > e.uses_max
           union all
           select c.card_id, c.code, c.held, c.used, c.uses_max, u.held, u.used
             from passes.counters c join passes.cards k on k.id = c.card_id
             join passes.products p on p.id = k.product_id and p.version = k.version
             cross join lateral (
               select count(*) filter (where u.state = 'held') as held, count(*) filter (where u.state = 'used') as used
                 from passes.uses u, jsonb_array_elements(p.rules -> 'items') i
                where u.card_id = c.card_id and i ->> 'ref' = u.item and i -> 'counters' ? c.code) u
            where c.held <> u.held or c.used <> u.used or c.held + c.used > c.uses_max limit 100"""
    )


@check("The state of every use of a card is that of the last line in its ledger, which begins with its holding")
async def uses_follow_their_ledger(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select u.id, u.state, e.last, e.first from passes.uses u
             left join lateral (
               select (array_agg(kind order by seq desc) filter (where kind <> 'moved'))[1] as last, (array_agg(kind order by seq))[1] as first,
                      count(*) as n, max(seq) as top from passes.use_events e where e.use_id = u.id) e on true
            where e.first is distinct from 'held' or e.n <> e.top
               or u.state <> case e.last when 'undone' then 'held' else e.last end limit 100"""
    )


@check("No card that is over or was never activated has a visit booked")
async def cards_over_hold_nothing(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select c.id, c.state from passes.cards c where c.state in ('issued', 'exhausted', 'expired')
             and exists (select 1 from passes.uses u where u.card_id = c.id and u.state = 'held') limit 100"""
    )
