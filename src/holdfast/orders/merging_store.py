"""SQL of what orders count when accounts are joined: per account the newest orders, whichever account that is."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from holdfast.accounts import Crossed, Excess, Groups, Tally
from holdfast.kit.db import ReadTx


async def tallies(tx: ReadTx, groups: Groups, now: datetime) -> list[Tally]:
    """Orders by state, money paid and given back, visits to come, holds, payments under way: one statement, one moment."""
    return await tx.rows(
        Tally,
        """with owned as materialized (
             select g.side, o.id, o.state, o.currency, o.amount_minor, o.intent_id
               from unnest(%(sides)s::text[], %(accounts)s::uuid[]) as g (side, account_id)
               cross join lateral (
                 select o.id, o.state, o.currency, o.amount_minor, o.intent_id from orders.orders o
                  where o.account_id = g.account_id order by o.id desc limit %(most)s) o
           )
           select side, 'orders' as kind, state as name, currency, count(*), coalesce(sum(amount_minor), 0)::bigint as sum_minor
             from owned group by side, state, currency
           union all
           select o.side, 'paid', '', a.paid_currency, count(*), sum(a.paid_minor)::bigint
             from owned o join payments.attempts a on a.intent_id = o.intent_id and a.state = 'succeeded'
            group by o.side, a.paid_currency
           union all
           select o.side, 'refunds', case r.state when 'succeeded' then 'done' else 'on-the-way' end, r.currency, count(*),
                  sum(r.amount_minor)::bigint
             from owned o join payments.attempts a on a.intent_id = o.intent_id
             join payments.refunds r on r.attempt_id = a.id and r.state <> 'closed'
            group by o.side, 2, 3, r.currency
           union all
           select o.side, 'visits', '', '', sum(l.quantity), 0
             from owned o join orders.lines l on l.order_id = o.id and l.live
             join inventory.slots s on s.id = l.slot_id and s.ends_at > %(now)s
             join catalogue.venues v on v.id = s.venue_id and v.kind <> 'card'
            where o.state = 'confirmed' group by o.side
           union all
           select o.side, 'holds', '', '', sum(l.quantity), 0
             from owned o join orders.lines l on l.order_id = o.id and l.live
            where o.state in ('held', 'awaiting_payment') group by o.side
           union all
           select o.side, 'payments', 'under-way', a.currency, count(*), sum(a.amount_minor)::bigint
             from owned o join payments.attempts a on a.intent_id = o.intent_id
              and a.state in ('created', 'submitted', 'awaiting_user', 'unknown')
            group by o.side, a.currency""",
        sides=groups.sides, accounts=groups.accounts, most=groups.most, now=now,
    )  # fmt: skip


async def too_many_that_day(tx: ReadTx, left: list[UUID], right: list[UUID], today: date, most: int) -> list[Excess]:
    """Days to come on which both together have more tickets than one person may; the newest orders of each are looked at."""
    return await tx.rows(
        Excess,
        """with owned as materialized (
             select g.side, o.id from (select 'left' as side, unnest(%(left)s::uuid[]) as account_id
                                       union all select 'right', unnest(%(right)s::uuid[])) g
               cross join lateral (select o.id from orders.orders o where o.account_id = g.account_id
                                    order by o.id desc limit %(most)s) o
           )
           select 'per-account-day' as limit, s.venue_id || ' ' || s.visit_date as subject, sum(l.quantity)::int as count,
                  min(p.per_account_day) as allowed
             from owned o join orders.lines l on l.order_id = o.id and l.live
             join inventory.slots s on s.id = l.slot_id and s.visit_date >= %(today)s
             join catalogue.products p on p.id = s.product_id and p.per_account_day is not null
            group by s.venue_id, s.visit_date
           having sum(l.quantity) > min(p.per_account_day) and count(distinct o.side) = 2
            order by s.visit_date, s.venue_id limit 50""",
        left=left, right=right, today=today, most=most,
    )  # fmt: skip


async def acted_across(tx: ReadTx, left: list[UUID], right: list[UUID], since: datetime, most: int) -> list[Crossed]:
    """What travellers of one side did since then with orders of the other; the newest orders of each are looked at."""
    return await tx.rows(
        Crossed,
        """with pairs as (
             select unnest(%(left)s::uuid[]) as account_id, %(right)s::uuid[] as others
             union all select unnest(%(right)s::uuid[]), %(left)s::uuid[]
           ), owned as materialized (
             select o.id, o.number, g.others from pairs g
               cross join lateral (select o.id, o.number from orders.orders o where o.account_id = g.account_id
                                    order by o.id desc limit %(most)s) o
           )
           select 'order' as kind, o.number as subject, e.kind as did, e.actor as by, e.at
             from owned o join orders.events e on e.order_id = o.id and e.at >= %(since)s
            where e.actor like 'traveller:%%'
              and e.actor in (select 'traveller:' || other from unnest(o.others) other)
            order by e.at, o.number limit 100""",
        left=left, right=right, since=since, most=most,
    )  # fmt: skip


async def promises(tx: ReadTx, accounts: list[UUID]) -> int:
    """How many orders of exactly these accounts are confirmed and not paid yet."""
    return int(
        await tx.value(
            """select count(*) from orders.orders o join payments.intents i on i.id = o.intent_id
               where o.account_id = any(%(ids)s) and o.state = 'confirmed' and i.state = 'deferred'""",
            ids=accounts,
        )
    )
