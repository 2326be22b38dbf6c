"""Invariants of campaigns."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check(
    "What a campaign has used is what its reservations hold, in money and in number; one that was stopped may hold less"
)
async def used_is_reserved(tx: ReadTx) -> Offenders:
    """Also when a late payment took it beyond its budget: counters are never held down to a bound."""
    return await tx.dicts(
        """select r.version_id, r.used_minor, r.used_count, r.late_minor, r.late_count, v.minor, v.orders, v.late_minor as late, v.late as late_orders
             from campaigns.running r
             left join lateral (select coalesce(sum(amount_minor), 0)::bigint as minor, count(*) as orders,
                                       coalesce(sum(amount_minor) filter (where v.late), 0)::bigint as late_minor,
                                       count(*) filter (where v.late) as late
                                  from campaigns.reservations v where v.version_id = r.version_id and v.state <> 'released') v on true
            where case when r.state in ('tripped', 'ended')
                       then r.used_minor < v.minor or r.used_count < v.orders or r.late_minor < v.late_minor or r.late_count < v.late
                       else (r.used_minor, r.used_count, r.late_minor, r.late_count) is distinct from (v.minor, v.orders, v.late_minor, v.late) end"""
    )


@check(
    "Budgets are exceeded by nothing but payments that came too late and places that came back after a cut, and by no more than these"
)
async def budgets_hold(tx: ReadTx) -> Offenders:
    """What was promised stands: such an order has its price although its money had been given to others."""
    return await tx.dicts(
        """select r.version_id, r.budget_minor, r.budget_count, v.minor, v.orders, v.late_minor, v.late from campaigns.running r
             cross join lateral (select coalesce(sum(amount_minor), 0)::bigint as minor, count(*) as orders,
                                        coalesce(sum(amount_minor) filter (where v.late), 0)::bigint as late_minor,
                                        count(*) filter (where v.late) as late
                                   from campaigns.reservations v where v.version_id = r.version_id and v.state <> 'released') v
            where v.minor > r.budget_minor + v.late_minor or v.orders > r.budget_count + v.late"""
    )


@check("Nothing was granted beyond its envelope")
async def inside_envelopes(tx: ReadTx) -> Offenders:
    """Lines are held to the envelope's part of their price in the booking itself."""
    return await tx.dicts(
        """select v.order_number, v.version_id, v.amount_minor from campaigns.reservations v
             join campaigns.versions w on w.id = v.version_id join campaigns.envelopes e on e.id = w.envelope_id
            where v.amount_minor > e.max_minor"""
    )


@check(
    "What is taken off the lines adds up to what was reserved, and to what has gone along with places that came back"
)
async def lines_add_up(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select v.order_number, v.version_id from campaigns.reservations v
            where v.amount_minor + v.passed_minor <> (select coalesce(sum((l ->> 'amount_minor')::bigint), 0) from jsonb_array_elements(v.lines) l)"""
    )


@check(
    "A code is used as often as orders hold it, and more often than it may be only by orders paid too late or cut and back again"
)
async def codes_are_used_once(tx: ReadTx) -> Offenders:
    """Codes of campaigns that were stopped come back like the others. An order that had run out gave its code back; if its money
    comes after all, the code is used once more, whoever has used it meanwhile."""
    return await tx.dicts(
        """select c.code, c.uses, c.uses_max, c.late, count(v.order_id) as orders, count(*) filter (where v.late) as late_orders
             from campaigns.codes c
             left join campaigns.reservations v on v.code = c.code and v.state <> 'released' group by c.code, c.uses, c.uses_max, c.late
           having c.uses <> count(v.order_id) or c.late <> count(*) filter (where v.late) or c.uses > c.uses_max + count(*) filter (where v.late)"""
    )


@check("After a stop nothing is granted until it begins anew")
async def nothing_after_a_stop(tx: ReadTx) -> Offenders:
    """A trip raises the epoch; what was granted before has a lower one."""
    return await tx.dicts(
        """select v.order_number, v.version_id from campaigns.reservations v join campaigns.trips t on t.version_id = v.version_id
             join campaigns.running r on r.version_id = v.version_id
            where r.state = 'tripped' and v.epoch >= t.epoch and r.epoch = t.epoch"""
    )
