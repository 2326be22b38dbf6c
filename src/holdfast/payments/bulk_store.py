"""SQL of bulk resolution: which open attempts a fetched bill knows as paid."""

from __future__ import annotations

from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

from .reconciliation_model import StoredRow


class Told(msgspec.Struct, frozen=True):
    """An open attempt, and the row of a bill that says it was paid."""

    attempt_id: UUID
    row: StoredRow


_TOLD: LiteralString = """from payments.attempts a
     join payments.bill_rows b on b.provider = a.provider and b.merchant_ref = a.merchant_ref and b.refund_ref is null and not b.repeats
    where a.provider = %(provider)s and a.next_query_at is not null
      and a.state in ('created', 'submitted', 'awaiting_user', 'unknown')
      and not exists (select 1 from payments.recon_items i where i.state = 'open' and i.kind = 'unknown_to_us' and i.provider = b.provider
                       and i.day = b.day and i.attempt_id = a.id) """
"""What reconciliation could not take over is left to people."""


async def told(tx: ReadTx, provider: str, limit: int) -> list[Told]:
    """Open attempts with their row, most urgent first, then by amount, then the newest; of two rows the first."""
    return await tx.rows(
        Told,
        """select attempt_id, row from (
             select distinct on (a.id) a.id as attempt_id, a.priority, a.amount_minor, a.created_at, to_jsonb(b) as row """
        + _TOLD
        + """order by a.id, b.day, b.number) t
           order by priority, amount_minor desc, created_at desc limit %(limit)s""",
        provider=provider, limit=limit,
    )  # fmt: skip


async def last_fetched(tx: ReadTx, provider: str) -> date | None:
    """The newest day whose bill is there."""
    found: date | None = await tx.value(
        "select max(day) from payments.bills where provider = %(provider)s and state = 'fetched'", provider=provider
    )
    return found


async def counts(tx: ReadTx, provider: str, until: datetime) -> tuple[int, int]:
    """How many open attempts the bills tell of, and how many were begun before `until`."""
    [row] = await tx.tuples(
        "select (select count(distinct a.id) "
        + _TOLD
        + """), (select count(*) from payments.attempts a where a.provider = %(provider)s and a.next_query_at is not null
                    and a.state in ('created', 'submitted', 'awaiting_user', 'unknown')
                    and a.created_at < %(until)s)""",
        provider=provider, until=until,
    )  # fmt: skip
    return row[0], row[1]
