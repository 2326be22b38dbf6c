"""Invariants of orders: what everybody was promised, asked of the whole database."""

from __future__ import annotations

from datetime import timedelta

from holdfast.kit import clock, retention
from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx

from . import (
    discount_checks,  # noqa: F401 - and those of discounts
    displacement_checks,  # noqa: F401 - and those of cuts
    resale_checks,  # noqa: F401 - and of what resellers booked
    waitlist_checks,  # noqa: F401 - and of the waiting list
)


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


@check("Every order has current lines, which add up to its amount, and are live exactly while it holds places")
async def orders_have_lines(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, o.state from orders.orders o
           left join (select order_id, sum(quantity * unit_minor - discount_minor) as amount, bool_and(live) as all_live, bool_or(live) as any_live
                      from orders.lines where part = 'current' group by order_id) l on l.order_id = o.id
           where l.amount is distinct from o.amount_minor
              or (o.state in ('held', 'awaiting_payment', 'confirmed', 'used')) <> l.all_live
              or (o.state in ('cancelled', 'expired')) = l.any_live limit 100"""
    )


@check("No confirmed order lacks the payments it costs, unless it was free, promised or is on a partner's account")
async def confirmed_is_paid(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, o.state, o.amount_minor from orders.orders o
           where o.state in ('confirmed', 'used') and o.amount_minor > 0 and o.amount_minor > (
             select coalesce(sum(i.amount_minor), 0) from orders.intents x join payments.intents i on i.id = x.intent_id
              where x.order_id = o.id and exists (
                select 1 from payments.attempts a where a.intent_id = i.id and a.role = 'winner' and a.state = 'succeeded'))
             and not exists (select 1 from payments.intents i where i.id = o.intent_id and i.state = 'deferred')
             and not exists (select 1 from orders.resales r where r.order_id = o.id and r.confirmed_at is not null)
           limit 100"""
    )


@check("No document is booked twice where once a day is the rule")
async def documents_once(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select visit_date, venue_id, encode(document_index, 'hex') as document, count(*) from orders.travellers
           where live and once group by visit_date, venue_id, document_index having count(*) > 1 limit 100"""
    )


@check(
    "An order holds no more money than it costs, and one that is over holds none, unless that is about to be decided"
)
async def money_has_a_purpose(tx: ReadTx) -> Offenders:
    """Order money (2010) that is neither given back, on its way back, nor kept as a fee belongs to an order that stands."""
    return await tx.dicts(
        """select o.id, o.state, o.amount_minor, m.held from orders.orders o
           join lateral (
             select sum(c.available) as held from orders.intents x join payments.intents i on i.id = x.intent_id
               join ledger.accounts c on c.code = '2010' and c.owner = i.reference and c.currency = i.currency
              where x.order_id = o.id) m on true
           where m.held > case when o.state in ('confirmed', 'used') then o.amount_minor else 0 end
             and not exists (select 1 from kit.outbox n where n.topic in ('payment.paid', 'payment.late') and n.parked_at is null
                             and n.payload ->> 'intent_id' in (select x.intent_id::text from orders.intents x where x.order_id = o.id))
           limit 100"""
    )


@check("Money that came too late for an order or its change is accepted, goes back, or is about to be decided")
async def late_money_has_a_purpose(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, x.order_id from payments.attempts a join orders.intents x on x.intent_id = a.intent_id
           where a.state = 'succeeded' and a.role = 'late'
             and not exists (select 1 from payments.refunds r where r.attempt_id = a.id and r.state <> 'closed')
             and not exists (select 1 from kit.outbox n where n.topic = 'payment.late' and n.parked_at is null
                             and n.payload ->> 'attempt_id' = a.id::text)
           limit 100"""
    )


@check("What is awaited belongs to a change under way, which holds its new places")
async def awaited_is_under_way(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select coalesce(l.order_id, c.order_id) as order_id, c.state, l.live from
             (select order_id, slot_id, bool_and(live) as live from orders.lines where part = 'awaited' group by order_id, slot_id) l
             full join (select * from orders.changes where state = 'awaiting_payment') c
               on c.order_id = l.order_id and c.to_slot = l.slot_id
           where c.id is null or l.order_id is null or not l.live limit 100"""
    )


@check("No more is invoiced than the money that stays, and each red invoice takes back at most what its blue one says")
async def invoices_are_covered(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select v.order_id, v.invoiced, m.retained from
             (select order_id, sum(total_minor) as invoiced from orders.invoices group by order_id) v
             join lateral (
               select coalesce(sum(p.amount_minor), 0) - coalesce((
                        select sum(r.amount_minor) from payments.refunds r join payments.attempts a on a.id = r.attempt_id
                        join orders.intents y on y.intent_id = a.intent_id
                        where y.order_id = v.order_id and r.source = 'order' and r.state <> 'closed'), 0) as retained
               from orders.intents x join payments.intents p on p.id = x.intent_id and p.state = 'paid'
               where x.order_id = v.order_id) m on true
           where v.invoiced > m.retained
           union all
           select b.order_id, b.total_minor, sum(r.total_minor) from orders.invoices b
             join orders.invoices r on r.reverses = b.id group by b.id having b.total_minor + sum(r.total_minor) < 0 limit 100"""
    )


@check("Late money is accepted or given back within ten minutes")
async def late_money(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, a.paid_minor from payments.attempts a
           where a.role = 'late' and a.paid_at < now() - interval '10 minutes'
             and not exists (select 1 from payments.refunds r where r.attempt_id = a.id and r.state <> 'closed') limit 100"""
    )


@check("Every order that was looked for as its owner would was found")
async def owners_find_their_orders(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, m.way, m.seen_at from orders.misses m join orders.orders o on o.id = m.order_id
           where m.ended_at is null limit 100"""
    )


@check("No document number is kept longer than its setting says, and a day for the job")
async def documents_go(tx: ReadTx) -> Offenders:
    kept = timedelta(days=retention.kept_days("documents_kept_days") + 2)
    return await tx.dicts(
        """select order_id, seq, visit_date from orders.travellers
           where document is not null and visit_date < %(before)s limit 100""",
        before=(clock.now() - kept).date(),
    )


@check("Nobody is named in an order whose owner was erased")
async def erased_orders_name_nobody(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, o.number from orders.orders o where o.erased_at is not null
             and (o.phone is not null or exists (select 1 from orders.travellers t where t.order_id = o.id
                  and (t.name is not null or t.document is not null))) limit 100"""
    )


@check("An order is used exactly when every ticket of it was admitted, or the news of it is on its way")
async def used_is_admitted(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """with seen as (select distinct order_number from passes.admissions where counts and undone_at is null),
                judged as (
                  select o.id, o.number, o.state, bool_and(exists (
                           select 1 from passes.admissions a where a.order_number = o.number and a.line_seq = l.seq
                              and coalesce(a.traveller_seq, 0) = coalesce(t.seq, 0) and a.counts and a.undone_at is null)) as whole
                    from orders.orders o join orders.lines l on l.order_id = o.id and l.part = 'current'
                    left join orders.travellers t on t.order_id = l.order_id and t.line_seq = l.seq and t.part = 'current'
                   where o.state = 'used' or o.state = 'confirmed' and o.number in (select order_number from seen)
                   group by o.id)
           select j.id, j.state from judged j where (j.state = 'used') <> j.whole
              and not exists (select 1 from kit.outbox n where n.topic in ('gate.admitted', 'gate.undone') and n.parked_at is null
                               and n.payload ->> 'order_number' = j.number) limit 100"""
    )


@check(
    "Every confirmed order of cards has the cards it paid for, or is about to get them, and one that is over has none in use"
)
async def card_orders_have_cards(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, o.state, b.holders, c.cards from orders.orders o
             join lateral (
               select sum(l.quantity) as holders from orders.lines l join inventory.slots s on s.id = l.slot_id
                 join catalogue.venues v on v.id = s.venue_id and v.kind = 'card' join catalogue.prices p on p.id = l.price_id
                where l.order_id = o.id and l.part = 'current' and p.per_main is null) b on b.holders > 0
             cross join lateral (
               select count(*) filter (where k.state <> 'refunded') as cards from passes.cards k where k.order_id = o.id) c
            where c.cards <> case when o.state in ('confirmed', 'used') then b.holders else 0 end
              and not (o.amount_minor = 0 and exists (select 1 from kit.outbox n where n.topic = 'order.confirmed'
                                                       and n.payload ->> 'order_id' = o.id::text)) limit 100"""
    )


@check("Every visit that a card holds is a live line of a confirmed order, and every such line is held or used")
async def card_visits_have_lines(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """with line as (
             select o.id as order_id, l.seq, l.slot_id, l.live from orders.orders o
               join orders.lines l on l.order_id = o.id and l.part = 'current'
              where o.channel = 'card' and o.state in ('confirmed', 'used'))
           select coalesce(u.order_id, line.order_id) as order_id, u.state, line.seq
             from (select * from passes.uses where state <> 'released') u
             full join line on line.order_id = u.order_id and line.seq = u.line_seq
            where u.state = 'held' and (line.live is not true or line.slot_id <> u.slot_id)
               or u.id is null limit 100"""
    )


@check("Every line of a finished import is kept, and every slip that is booked has its order on paper")
async def slips_are_kept(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select i.id, i.rows, count(a.row) as kept from orders.slip_imports i
             left join orders.slip_arrivals a on a.import_id = i.id
            where i.ended_at is not null group by i.id having count(a.row) <> i.rows
           union all
           select s.id, 1, 0 from orders.slips s join orders.orders o on o.id = s.order_id
            where s.state = 'booked' and o.channel <> 'paper' limit 100"""
    )
