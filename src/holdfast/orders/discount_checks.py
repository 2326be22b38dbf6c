"""Invariants of discounts: every one is split, booked and borne, and a mistake is never booked as somebody else's debt."""

from __future__ import annotations

from datetime import timedelta

from holdfast.kit import clock
from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx

UNDECIDED_MINUTES = 10
"""How long the discounts of a stopped campaign may stay where they were booked."""


@check("What was taken off a line is the sum of what each campaign took off it")
async def lines_are_explained(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select l.order_id, l.seq, l.discount_minor, d.minor from orders.lines l
             left join lateral (select coalesce(sum(d.amount_minor), 0) as minor from orders.line_discounts d
                                 where d.order_id = l.order_id and d.line_seq = l.seq) d on true
            where l.discount_minor <> d.minor limit 100"""
    )


@check("No order keeps more of a campaign than it was granted")
async def within_the_grant(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select v.order_id, v.version_id, v.amount_minor, sum(d.amount_minor) as kept from campaigns.reservations v
             join orders.line_discounts d on d.order_id = v.order_id and d.version_id = v.version_id
             join orders.lines l on l.order_id = d.order_id and l.seq = d.line_seq and l.part = 'current'
            group by v.order_id, v.version_id having sum(d.amount_minor) > v.amount_minor limit 100"""
    )


@check(
    "What came along with places that were taken back is gone from where it was, is no more than it was, and has its old payer"
)
async def carried_once(tx: ReadTx) -> Offenders:
    """One grant, one living order: cut, back, cut and back again is fine. A line's part comes along once (line_discounts_come_once)."""
    return await tx.dicts(
        """select d.order_id, d.from_order, d.version_id, d.granted_minor, f.granted_minor as had from orders.line_discounts d
             join orders.lines s on s.order_id = d.from_order and s.seq = d.from_line
             left join orders.line_discounts f on f.order_id = d.from_order and f.line_seq = d.from_line and f.version_id = d.version_id
             left join campaigns.reservations v on v.order_id = d.order_id and v.version_id = d.version_id
             left join campaigns.reservations w on w.order_id = d.from_order and w.version_id = d.version_id
            where d.from_order is not null
              and (s.live or f.version_id is null or d.granted_minor > f.granted_minor
                   or (v.made_at, v.epoch, v.account_id, v.carried_from)
                      is distinct from (w.made_at, w.epoch, w.account_id, coalesce(w.carried_from, w.order_id))) limit 100"""
    )


@check("Every discount of a confirmed order is booked to who bears it, or is about to be; one that is over has none")
async def discounts_are_booked(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """with asked as (
             select o.id as order_id, d.version_id, sum(d.amount_minor) as minor from orders.orders o
               join orders.line_discounts d on d.order_id = o.id
               join orders.lines l on l.order_id = d.order_id and l.seq = d.line_seq and l.part = 'current'
              where o.state in ('confirmed', 'used') group by o.id, d.version_id),
           booked as (select order_id, version_id, sum(minor) as minor from orders.discount_books group by order_id, version_id)
           select coalesce(a.order_id, b.order_id) as order_id, a.minor, b.minor as booked
             from asked a full join booked b on b.order_id = a.order_id and b.version_id = a.version_id
            where coalesce(a.minor, 0) <> coalesce(b.minor, 0)
              and not exists (select from kit.outbox n where n.topic = 'order.granted' and n.parked_at is null
                                and n.payload ->> 'order_id' = coalesce(a.order_id, b.order_id)::text) limit 100"""
    )


@check("The ledger holds each order's discounts as they are noted, and no debit of them without its order")
async def ledger_has_discounts(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """with noted as (select 'order:' || order_id as owner, sum(minor) as minor from orders.discount_books group by 1),
                borne as (select code, owner, sum(minor) as minor from orders.discount_books group by code, owner)
           select coalesce(n.owner, c.owner) as owner, n.minor, c.credits_posted - c.debits_posted as booked
             from noted n full join (select * from ledger.accounts where code = '2060') c on c.owner = n.owner
            where coalesce(n.minor, 0) <> coalesce(c.credits_posted - c.debits_posted, 0)
           union all
           select b.code || ' ' || b.owner, b.minor, c.debits_posted - c.credits_posted from borne b
             left join ledger.accounts c on c.code = b.code and c.owner = b.owner
            where b.code in ('1060', '1095', '5040') and b.minor <> coalesce(c.debits_posted - c.credits_posted, 0) limit 100"""
    )


@check(
    f"Within {UNDECIDED_MINUTES} minutes of a stop nothing that it is about is booked as anybody's debt before it is decided"
)
async def stops_wait_in_the_books(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select b.order_id, b.code, b.owner, sum(b.minor) as minor from orders.discount_books b
             join campaigns.reservations v on v.order_id = b.order_id and v.version_id = b.version_id
             join lateral (select t.id, t.at from campaigns.trips t where t.version_id = v.version_id and t.epoch > v.epoch
                           order by t.epoch limit 1) t on t.at < %(before)s
            where not exists (select from orders.honours h where h.trip_id = t.id) and b.code <> '1095'
            group by b.order_id, b.code, b.owner having sum(b.minor) <> 0 limit 100""",
        before=clock.now() - timedelta(minutes=UNDECIDED_MINUTES),
    )


@check(
    "Every mistake that is honoured is borne by the platform, by nobody else, and what is called right by nobody's loss"
)
async def mistakes_are_borne(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select d.order_id, b.code, b.owner, sum(b.minor) as minor from orders.honoured d join orders.honours h on h.trip_id = d.trip_id
             join campaigns.trips t on t.id = d.trip_id
             join campaigns.reservations v on v.order_id = d.order_id and v.version_id = t.version_id
             join orders.discount_books b on b.order_id = d.order_id and b.version_id = v.version_id
            where (b.code = '5040') <> (h.verdict = 'honour' and v.made_at >= h.since)
            group by d.order_id, b.code, b.owner having sum(b.minor) <> 0 limit 100"""
    )


@check("Whoever decided on a mistake, or on one account's bad faith, was a second person who had approved exactly that")
async def decided_by_two(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select d.proposal_id from (select proposal_id, approved_by from orders.honours
                                      union all select proposal_id, approved_by from orders.abuses) d
             left join changes.proposals p on p.id = d.proposal_id
            where p.id is null or p.state <> 'applied' or p.proposed_by = d.approved_by or not exists (
                    select from changes.reviews r where r.proposal_id = d.proposal_id and r.verdict = 'approved' and r.by = d.approved_by)
            limit 100"""
    )
