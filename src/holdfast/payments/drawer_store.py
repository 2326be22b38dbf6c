"""SQL of the desk's drawer."""

from __future__ import annotations

from datetime import datetime

import msgspec

from holdfast.kit.db import ReadTx


class Movement(msgspec.Struct, frozen=True):
    """Cash that came into the drawer, or went out (`amount_minor` below zero)."""

    number: int
    kind: str
    key: str
    subject: str
    at: datetime
    amount_minor: int


async def movements(tx: ReadTx, code: str, owner: str, currency: str, since: datetime, limit: int) -> list[Movement]:
    """What moved since then, newest first; what is only promised is not among it."""
    return await tx.rows(
        Movement,
        """select j.number, j.kind, j.key, j.subject, j.recorded_at as at,
                  sum(case e.side when 'D' then e.amount_minor else -e.amount_minor end)::bigint as amount_minor
           from ledger.accounts a join ledger.entries e on e.account_id = a.id join ledger.journals j on j.id = e.journal_id
           where a.code = %(code)s and a.owner = %(owner)s and a.currency = %(currency)s and j.phase in ('single', 'post')
             and j.recorded_at >= %(since)s
           group by j.id order by j.number desc limit %(limit)s""",
        code=code, owner=owner, currency=currency, since=since, limit=limit,
    )  # fmt: skip
