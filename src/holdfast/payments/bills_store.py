"""SQL of bills: which days are wanted, and the rows as they came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .providers.base import BillRow
from .reconciliation_model import BillDay, Figures, StoredRow, Totals

_BILL: LiteralString = """select provider, day, state, digest, content, fetched_at, row_count, totals, tries, next_try_at, error,
    reconciled_at, looked_again_at, figures from payments.bills """
ROW: LiteralString = """select provider, day, number, merchant_ref, provider_txn, refund_ref, provider_refund, amount_minor, currency,
    fee_minor, occurred_at, status, repeats, fees_journal from payments.bill_rows """
CHUNK = 10_000
"""Rows written by one statement."""

Key = tuple[str, str | None, str | None]
"""What makes a row the same receipt or refund: our reference, the provider's number, the refund's reference."""


async def bill(tx: ReadTx, provider: str, day: date) -> BillDay | None:
    return await tx.maybe(
        BillDay, _BILL + "where provider = %(provider)s and day = %(day)s", provider=provider, day=day
    )


async def bill_locked(tx: Tx, provider: str, day: date) -> BillDay | None:
    return await tx.maybe(
        BillDay,
        _BILL + "where provider = %(provider)s and day = %(day)s for no key update",
        provider=provider, day=day,
    )  # fmt: skip


async def first_activity(tx: ReadTx, provider: str) -> datetime | None:
    """When the first charge was made at a provider."""
    found: datetime | None = await tx.value(
        "select min(created_at) from payments.attempts where provider = %(provider)s", provider=provider
    )
    return found


async def want(tx: Tx, provider: str, first: date, last: date, at: datetime) -> None:
    """Bills of these days are to be fetched; what is wanted or there already stays as it is."""
    await tx.execute(
        """insert into payments.bills (provider, day, next_try_at)
           select %(provider)s, d::date, %(at)s from generate_series(%(first)s::date, %(last)s::date, interval '1 day') d
           on conflict do nothing""",
        provider=provider, first=first, last=last, at=at,
    )  # fmt: skip


async def due(tx: ReadTx, provider: str, now: datetime, limit: int) -> list[date]:
    """Days whose bill is to be tried now, the newest first: what is fresh helps most."""
    found: list[date] = await tx.values(
        """select day from payments.bills where provider = %(provider)s and next_try_at <= %(now)s
           order by day desc limit %(limit)s""",
        provider=provider, now=now, limit=limit,
    )  # fmt: skip
    return found


async def note_try(
    tx: Tx, provider: str, day: date, *, missing: bool, error: str | None, next_try_at: datetime | None
) -> None:
    """The bill could not be had: why, and when to try again."""
    await tx.execute(
        """update payments.bills set tries = tries + 1, error = %(error)s, next_try_at = %(next)s,
                  state = case when %(missing)s then 'missing' else state end
           where provider = %(provider)s and day = %(day)s and state <> 'fetched'""",
        provider=provider, day=day, missing=missing, error=error, next=next_try_at,
    )  # fmt: skip


async def note_fetched(
    tx: Tx, provider: str, day: date, *, digest: str, content: str, rows: int, totals: dict[str, Totals], at: datetime
) -> None:
    await tx.execute(
        """update payments.bills set state = 'fetched', digest = %(digest)s, content = %(content)s, row_count = %(rows)s,
                  totals = %(totals)s, fetched_at = %(at)s, tries = tries + 1, next_try_at = null, error = null,
                  reconciled_at = null
           where provider = %(provider)s and day = %(day)s""",
        provider=provider, day=day, digest=digest, content=content, rows=rows, at=at,
        totals=Jsonb(msgspec.to_builtins(totals)),
    )  # fmt: skip


async def note_looked_again(tx: Tx, provider: str, day: date, at: datetime) -> None:
    await tx.execute(
        "update payments.bills set looked_again_at = %(at)s where provider = %(provider)s and day = %(day)s",
        provider=provider, day=day, at=at,
    )  # fmt: skip


async def note_reconciled(tx: Tx, provider: str, day: date, figures: dict[str, Figures], at: datetime) -> None:
    await tx.execute(
        """update payments.bills set reconciled_at = %(at)s, figures = %(figures)s
           where provider = %(provider)s and day = %(day)s""",
        provider=provider, day=day, at=at, figures=Jsonb(msgspec.to_builtins(figures)),
    )  # fmt: skip


async def insert_rows(tx: Tx, provider: str, day: date, rows: Sequence[BillRow], begin: int) -> None:
    """Writes rows in the order of the bill, numbered from `begin`, and marks those that stand in a bill already.

    The planner is told of many new rows at once: what compares them comes next.
    """
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        await tx.execute(
            """insert into payments.bill_rows (provider, day, number, merchant_ref, provider_txn, refund_ref, provider_refund,
                                               amount_minor, currency, fee_minor, occurred_at, status)
               select %(provider)s, %(day)s, %(begin)s + n - 1, merchant_ref, txn, refund_ref, refund, amount, currency, fee, at, status
               from unnest(%(refs)s::text[], %(txns)s::text[], %(refund_refs)s::text[], %(refunds)s::text[], %(amounts)s::bigint[],
                           %(currencies)s::text[], %(fees)s::bigint[], %(ats)s::timestamptz[], %(statuses)s::text[])
                    with ordinality r (merchant_ref, txn, refund_ref, refund, amount, currency, fee, at, status, n)""",
            provider=provider, day=day, begin=begin + start,
            refs=[row.merchant_ref for row in part], txns=[row.provider_txn for row in part],
            refund_refs=[row.refund_ref for row in part], refunds=[row.provider_refund for row in part],
            amounts=[row.amount_minor for row in part], currencies=[row.currency for row in part],
            fees=[row.fee_minor for row in part], ats=[row.occurred_at for row in part],
            statuses=[str(row.status) if row.status else None for row in part],
        )  # fmt: skip
    if len(rows) >= CHUNK:
        await tx.execute("analyze payments.bill_rows")
    await tx.execute(
        """update payments.bill_rows b set repeats = true
           where b.provider = %(provider)s and b.day = %(day)s and b.number >= %(begin)s
             and exists (select 1 from payments.bill_rows e
                         where e.provider = b.provider and e.merchant_ref = b.merchant_ref
                           and e.provider_txn is not distinct from b.provider_txn
                           and e.refund_ref is not distinct from b.refund_ref
                           and (e.day <> b.day or e.number < b.number))""",
        provider=provider, day=day, begin=begin,
    )  # fmt: skip


async def keys(tx: ReadTx, provider: str, day: date) -> list[Key]:
    """What a stored bill is about, row by row."""
    return [
        (row[0], row[1], row[2])
        for row in await tx.tuples(
            """select merchant_ref, provider_txn, refund_ref from payments.bill_rows
               where provider = %(provider)s and day = %(day)s order by number""",
            provider=provider, day=day,
        )
    ]  # fmt: skip


async def row(tx: ReadTx, provider: str, day: date, number: int) -> StoredRow | None:
    return await tx.maybe(
        StoredRow,
        ROW + "where provider = %(provider)s and day = %(day)s and number = %(number)s",
        provider=provider, day=day, number=number,
    )  # fmt: skip


async def rows_about(tx: ReadTx, provider: str, merchant_ref: str, limit: int = 100) -> list[StoredRow]:
    """Every row of every stored bill about one charge, its refunds with it."""
    return await tx.rows(
        StoredRow,
        ROW + "where provider = %(provider)s and merchant_ref = %(ref)s order by day, number limit %(limit)s",
        provider=provider, ref=merchant_ref, limit=limit,
    )  # fmt: skip


_FEES: LiteralString = """b.provider = %(provider)s and b.day = %(day)s and b.fee_minor > 0 and b.fees_journal is null and not b.repeats
       and case when b.refund_ref is null
             then exists (select 1 from payments.attempts a where a.provider = b.provider and a.merchant_ref = b.merchant_ref)
             else exists (select 1 from payments.refunds r where r.refund_ref = b.refund_ref) end """


async def fees_owed(tx: Tx, provider: str, day: date) -> list[tuple[str, int, int, int]]:
    """Fees of a bill's rows that are ours and not booked: currency, kept, given back, and the first row's number."""
    rows = await tx.tuples(
        """select b.currency, coalesce(sum(b.fee_minor) filter (where b.refund_ref is null), 0)::bigint,
                  coalesce(sum(b.fee_minor) filter (where b.refund_ref is not null), 0)::bigint, min(b.number)
           from payments.bill_rows b where """
        + _FEES
        + "group by b.currency order by b.currency",
        provider=provider, day=day,
    )  # fmt: skip
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def mark_fees(tx: Tx, provider: str, day: date, currency: str, journal_id: UUID) -> int:
    """The fees that `fees_owed` told of are booked in this journal; how many rows they were."""
    return await tx.execute(
        "update payments.bill_rows b set fees_journal = %(journal)s where b.currency = %(currency)s and " + _FEES,
        provider=provider, day=day, currency=currency, journal=journal_id,
    )  # fmt: skip


async def brace(tx: Tx) -> None:
    """What follows in this transaction is about whole days: it may take longer and more memory than what people wait for."""
    await tx.execute("set local statement_timeout = '30min'")
    await tx.execute("set local work_mem = '128MB'")
