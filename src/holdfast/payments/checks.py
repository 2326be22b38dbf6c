"""Invariants of payments."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("Every paid intent has exactly one winning attempt, and every winner succeeded in the intent's amount")
async def one_winner(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select i.id, i.state, count(a.id) as winners from payments.intents i
           left join payments.attempts a on a.intent_id = i.id and a.role = 'winner' and a.state = 'succeeded'
                and a.paid_minor = i.amount_minor and a.paid_currency = i.currency
           group by i.id having (i.state = 'paid') <> (count(a.id) = 1) limit 100"""
    )


@check("Money that came and did not win is refunded or on its way back")
async def unasked_money_returns(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, a.role, a.paid_minor from payments.attempts a
           where a.state = 'succeeded' and a.role in ('duplicate', 'conflicted') and a.paid_minor > 0
             and a.paid_minor > (select coalesce(sum(r.amount_minor), 0) from payments.refunds r
                                 where r.attempt_id = a.id and r.state <> 'closed') limit 100"""
    )


@check("No attempt gives back more than it received")
async def refunds_are_covered(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, a.paid_minor, sum(r.amount_minor) as refunds from payments.attempts a
           join payments.refunds r on r.attempt_id = a.id and r.state <> 'closed'
           group by a.id having sum(r.amount_minor) > coalesce(a.paid_minor, 0) limit 100"""
    )


@check("Every attempt that is not final is going to be asked about")
async def nothing_is_forgotten(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select id, state from payments.attempts
           where state in ('created', 'submitted', 'awaiting_user', 'unknown') and next_query_at is null limit 100"""
    )
