"""Invariants of the waiting list."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("Where somebody waits, what comes free is kept for them; where nobody does, nothing is kept")
async def kept_where_waited(tx: ReadTx) -> Offenders:
    """A list that has just emptied is closed by the next round of its job."""
    return await tx.dicts(
        """select s.id, s.is_waited_for, s.kept, s.set_aside, w.n from inventory.slots s
             left join (select slot_id, count(*) as n from orders.waits where state = 'waiting' group by slot_id) w on w.slot_id = s.id
            where (w.n is not null and not s.is_waited_for) or (s.kept > 0 and not s.is_waited_for) or s.kept > s.set_aside limit 100"""
    )


@check("Places kept for the waiting are there: they are neither sold nor promised to anybody else")
async def kept_is_there(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select id, capacity, taken, set_aside, kept from inventory.slots
            where kept > 0 and capacity - taken - set_aside < 0 limit 100"""
    )


@check(
    "Every offer from a waiting list is one order of its own person for its slot and its places, and ended as that did"
)
async def offers_are_orders(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select w.id, w.state, o.state as order_state from orders.waits w join orders.orders o on o.id = w.order_id
             left join lateral (select sum(l.places) as places from orders.lines l
                                 where l.order_id = o.id and l.slot_id = w.slot_id) l on true
            where o.account_id <> w.account_id or o.channel <> 'waitlist' or coalesce(l.places, 0) < w.places
               or (w.state = 'taken' and o.confirmed_at is null)
               or (w.state = 'declined' and o.state <> 'cancelled')
               or (w.state = 'lapsed' and o.state not in ('expired', 'confirmed', 'used', 'cancelled')) limit 100"""
    )


@check("Nobody was offered places while a party that came before, and was no bigger, waited for the same")
async def offers_in_order(tx: ReadTx) -> Offenders:
    """Left out: parties that were passed over for a reason of their own, and people who wait more than once that day."""
    return await tx.dicts(
        """select later.id, earlier.id as earlier_id, later.offered_at from orders.waits later
             join orders.waits earlier on earlier.slot_id = later.slot_id and earlier.place < later.place and earlier.places <= later.places
            where later.offered_at is not null and earlier.joined_at < later.offered_at
              and coalesce(earlier.offered_at, earlier.ended_at, 'infinity') > later.offered_at and earlier.passed_at is null
              and not exists (select 1 from orders.waits x join inventory.slots t on t.id = x.slot_id join inventory.slots s on s.id = earlier.slot_id
                               where x.account_id = earlier.account_id and x.id <> earlier.id and x.offered_at is not null
                                 and t.venue_id = s.venue_id and t.visit_date = s.visit_date)
            limit 100"""
    )
