"""Invariants of orders: what everybody was promised, asked of the whole database."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("What every slot has taken is the sum of its live lines")
async def taken_is_sum_of_lines(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select s.id, s.taken, coalesce(l.places, 0) as places from inventory.slots s
           left join (select slot_id, sum(places) as places from orders.lines where live group by slot_id) l on l.slot_id = s.id
           where s.taken <> coalesce(l.places, 0) limit 100"""
    )


@check("Every acknowledged reply has its order")
async def replies_have_orders(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select r.scope, r.key from kit.replies r left join orders.orders o on o.id = (r.result ->> 'order_id')::uuid
           where r.result ? 'order_id' and (o.id is null or o.number <> r.result ->> 'number') limit 100"""
    )


@check("Every order is visible to its owner")
async def orders_have_owners(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, o.account_id from orders.orders o left join accounts.accounts a on a.id = o.account_id
           left join accounts.accounts r on r.id = a.root where r.id is null limit 100"""
    )


@check("Every order has its events, without a gap, beginning with its placing")
async def orders_have_events(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id from orders.orders o
           left join (select order_id, count(*) as n, max(seq) as last, bool_or(seq = 1 and kind = 'placed') as begun
                      from orders.events group by order_id) e on e.order_id = o.id
           where e.n is null or e.n <> e.last or not e.begun limit 100"""
    )


@check("Every order has lines, which add up to its amount, and are live exactly while it holds places")
async def orders_have_lines(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, o.state from orders.orders o
           left join (select order_id, sum(quantity * unit_minor) as amount, bool_and(live) as all_live, bool_or(live) as any_live
                      from orders.lines group by order_id) l on l.order_id = o.id
           where l.amount is distinct from o.amount_minor
              or (o.state in ('held', 'awaiting_payment', 'confirmed', 'used')) <> l.all_live
              or (o.state in ('cancelled', 'expired')) = l.any_live limit 100"""
    )


@check("No confirmed order lacks a succeeded payment, unless it was free or promised")
async def confirmed_is_paid(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, o.state from orders.orders o
           where o.state in ('confirmed', 'used') and o.amount_minor > 0 and not exists (
             select 1 from payments.attempts a where a.intent_id = o.intent_id and a.role = 'winner' and a.state = 'succeeded')
             and not exists (select 1 from payments.intents i where i.id = o.intent_id and i.state = 'deferred')
           limit 100"""
    )


@check("No document is booked twice where once a day is the rule")
async def documents_once(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select visit_date, venue_id, encode(document_index, 'hex') as document, count(*) from orders.travellers
           where live and once group by visit_date, venue_id, document_index having count(*) > 1 limit 100"""
    )


@check("Money that came is kept for a confirmed order, goes back, or is about to be decided")
async def money_has_a_purpose(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, a.role, o.id as order_id, o.state from payments.attempts a join orders.orders o on o.intent_id = a.intent_id
           where a.state = 'succeeded' and a.role in ('winner', 'late')
             and not (a.role = 'winner' and o.state in ('confirmed', 'used'))
             and not exists (select 1 from payments.refunds r where r.attempt_id = a.id and r.state <> 'closed')
             and not exists (select 1 from kit.outbox n where n.topic in ('payment.paid', 'payment.late')
                             and n.parked_at is null and n.payload ->> 'attempt_id' = a.id::text)
           limit 100"""
    )


@check("Late money is accepted or given back within ten minutes")
async def late_money(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, a.paid_minor from payments.attempts a
           where a.role = 'late' and a.paid_at < now() - interval '10 minutes'
             and not exists (select 1 from payments.refunds r where r.attempt_id = a.id and r.state <> 'closed') limit 100"""
    )
