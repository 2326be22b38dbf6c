"""Invariants of support."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("Every case has its messages, without a gap, beginning with its traveller's")
async def cases_have_messages(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select c.id, c.number from support.cases c
           left join (select case_id, count(*) as n, max(seq) as last, bool_or(seq = 1 and author = 'traveller') as begun
                      from support.messages group by case_id) m on m.case_id = c.id
           where m.n is null or m.n <> m.last or not m.begun limit 100"""
    )


@check("Who has the last word in a case fits its state: nobody waits unseen")
async def states_fit_the_last_word(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select c.id, c.number, c.state, m.author from support.cases c
           join lateral (select author from support.messages where case_id = c.id and author <> 'system'
                         order by seq desc limit 1) m on true
           where (m.author = 'traveller' and c.state in ('answered', 'waiting_for_traveller'))
              or (m.author = 'staff' and c.state = 'open') limit 100"""
    )


@check("Every first answer is written in its case")
async def answers_are_written(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select c.id, c.number, c.answered_at from support.cases c
           where (c.answered_at is not null) <> exists (
               select from support.messages m where m.case_id = c.id and m.author = 'staff') limit 100"""
    )
