"""Invariants of what resellers booked: their money, their tickets, their holds."""

from __future__ import annotations

from datetime import timedelta

from holdfast.kit import clock
from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("A reseller's confirmed order has exactly what it costs from its partner's account, one that is over nothing")
async def resales_are_charged(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, o.state, o.amount_minor, coalesce(a.held, 0) as held
             from orders.resales r join orders.orders o on o.id = r.order_id
             left join lateral (select c.credits_posted - c.debits_posted as held from ledger.accounts c
                                 where c.code = '2010' and c.owner = 'order:' || o.id and c.currency = o.currency) a on true
            where coalesce(a.held, 0) <> case when o.state in ('confirmed', 'used') then o.amount_minor else 0 end limit 100"""
    )


@check("What a partner owes is the sum of its statements")
async def statements_are_the_ledger(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """with said as (select 'partner:' || partner_id as owner, currency, sum(net_minor) as minor from partners.statement_lines
                          group by 1, 2)
           select coalesce(s.owner, c.owner) as owner, s.minor, c.debits_posted - c.credits_posted as booked
             from said s full join (select * from ledger.accounts where code = '1040') c
               on c.owner = s.owner and c.currency = s.currency
            where coalesce(s.minor, 0) <> coalesce(c.debits_posted - c.credits_posted, 0) limit 100"""
    )


@check("Every ticket of a reseller's booking that counts has a current line")
async def resale_items_have_lines(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select r.order_id, i.items, l.lines from orders.resales r
             left join lateral (select count(*) as items from orders.resale_items i where i.order_id = r.order_id and i.live) i on true
             left join lateral (select sum(l.quantity) as lines from orders.lines l
                                 where l.order_id = r.order_id and l.part = 'current') l on true
            where i.items < coalesce(l.lines, 0) or i.items = 0 limit 100"""
    )


@check(
    "A visit of a reseller's package stands as the package does: held with it, confirmed with it, and over with it, unless it was used"
)
async def visits_follow_packages(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select v.uuid, p.state as package, o.state as visit from orders.resale_visits v
             join orders.resales r on r.order_id = v.parent_id join orders.orders p on p.id = v.parent_id
             join orders.orders o on o.id = v.order_id
            where not r.is_test and (p.state not in ('held', 'expired') and o.state = 'held'
                                     or p.state <> 'confirmed' and o.state = 'confirmed'
                                        and exists (select 1 from passes.uses u where u.order_id = o.id and u.state = 'held')
                                     or v.cancelled_at is not null and o.state not in ('cancelled', 'expired'))
               or r.is_test and (o.channel = 'card' or o.state <> 'cancelled') limit 100"""
    )


@check("No hold of a reseller outlives its time by more than a minute")
async def resale_holds_end(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select o.id, o.expires_at from orders.orders o join orders.resales r on r.order_id = o.id
            where o.state = 'held' and (o.expires_at is null or o.expires_at < %(before)s) limit 100""",
        before=clock.now() - timedelta(minutes=1),
    )
