"""SQL of differences: the queue, what became of each, and the days they belong to."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .reconciliation_model import BillDay, DaySummary, Item, StoredRow, Totals

_ITEM: LiteralString = """select id, provider, day, kind, subject, attempt_id, refund_id, receipt_id, row_number, merchant_ref, provider_txn,
    refund_ref, ours_minor, theirs_minor, ledger_minor, currency, noted_at, asked_at, answer, state, resolution, note, journal_id, turn,
    by, at from payments.recon_items """
SYSTEM = "system:reconciliation"


async def note_bill(
    tx: Tx, bill: BillDay, kind: str, subject: str, *, theirs: dict[str, Totals] | None, at: datetime, answer: str,
    ours_minor: int | None = None,
) -> bool:  # fmt: skip
    """A difference about a whole bill, once; False when it was noted before. The sums are of its first currency."""
    currency = next(iter(theirs or bill.totals), None)
    before, now = (sums.get(currency or "") for sums in (bill.totals, theirs or {}))
    ours = (before.paid_minor - before.refunded_minor) if before else ours_minor
    told = (now.paid_minor - now.refunded_minor) if now else None
    return bool(
        await tx.execute(
            """insert into payments.recon_items (provider, day, kind, subject, ours_minor, theirs_minor, currency, noted_at, answer)
               values (%(provider)s, %(day)s, %(kind)s, %(subject)s, %(ours)s, %(theirs)s, %(currency)s, %(at)s, %(answer)s)
               on conflict on constraint recon_item_once do nothing""",
            provider=bill.provider, day=bill.day, kind=kind, subject=subject, ours=ours, theirs=told, currency=currency, at=at,
            answer=answer,
        )
    )  # fmt: skip


async def note_learnt(tx: Tx, row: StoredRow, attempt_id: UUID, at: datetime, note: str) -> None:
    """What was taken over from a bill before anybody compared it: noted as settled."""
    await tx.execute(
        """insert into payments.recon_items (provider, day, kind, subject, attempt_id, row_number, merchant_ref, provider_txn,
                                             theirs_minor, currency, noted_at, state, resolution, note, by, at)
           values (%(provider)s, %(day)s, 'unknown_to_us', %(subject)s, %(attempt)s, %(number)s, %(ref)s, %(txn)s, %(theirs)s,
                   %(currency)s, %(at)s, 'resolved', 'auto', %(note)s, %(by)s, %(at)s)
           on conflict on constraint recon_item_once do nothing""",
        provider=row.provider, day=row.day, subject=f"row:{row.merchant_ref}/{row.provider_txn or ''}", attempt=attempt_id,
        number=row.number, ref=row.merchant_ref, txn=row.provider_txn, theirs=row.amount_minor, currency=row.currency, at=at,
        note=note, by=SYSTEM,
    )  # fmt: skip


async def settle_kind(tx: Tx, provider: str, day: date, kind: str, note: str, at: datetime) -> int:
    """Settles all open differences of a kind on a day: what they were about is past."""
    return await tx.execute(
        """update payments.recon_items set state = 'resolved', resolution = 'auto', by = %(by)s, at = %(at)s, note = %(note)s
           where provider = %(provider)s and day = %(day)s and kind = %(kind)s and state = 'open'""",
        provider=provider, day=day, kind=kind, note=note, at=at, by=SYSTEM,
    )  # fmt: skip


async def item(tx: ReadTx, item_id: UUID) -> Item | None:
    return await tx.maybe(Item, _ITEM + "where id = %(id)s", id=item_id)


async def item_locked(tx: Tx, item_id: UUID) -> Item | None:
    return await tx.maybe(Item, _ITEM + "where id = %(id)s for no key update", id=item_id)


async def to_be_taken(
    tx: ReadTx, provider: str, day: date, kinds: list[str], asked_before: datetime, limit: int
) -> list[UUID]:
    """Open differences that something can be done about by itself, the largest first."""
    found: list[UUID] = await tx.values(
        """select id from payments.recon_items
           where provider = %(provider)s and day = %(day)s and state = 'open' and kind = any (%(kinds)s)
             and (asked_at is null or asked_at < %(before)s)
           order by greatest(ours_minor, theirs_minor) desc, id limit %(limit)s""",
        provider=provider, day=day, kinds=kinds, before=asked_before, limit=limit,
    )  # fmt: skip
    return found


async def note_answer(tx: Tx, item_id: UUID, answer: str, at: datetime) -> None:
    await tx.execute(
        "update payments.recon_items set answer = %(answer)s, asked_at = %(at)s where id = %(id)s",
        id=item_id, answer=answer, at=at,
    )  # fmt: skip


async def note_down(tx: Tx, item_id: UUID, note: str) -> None:
    await tx.execute("update payments.recon_items set note = %(note)s where id = %(id)s", id=item_id, note=note)


async def settle(
    tx: Tx, item_id: UUID, *, resolution: str, note: str, by: str, at: datetime, journal_id: UUID | None = None,
    receipt_id: UUID | None = None,
) -> None:  # fmt: skip
    await tx.execute(
        """update payments.recon_items set state = 'resolved', resolution = %(resolution)s, note = %(note)s, by = %(by)s, at = %(at)s,
                  journal_id = %(journal)s, receipt_id = coalesce(%(receipt)s, receipt_id) where id = %(id)s""",
        id=item_id, resolution=resolution, note=note, by=by, at=at, journal=journal_id, receipt=receipt_id,
    )  # fmt: skip


async def open_again(tx: Tx, item_id: UUID) -> None:
    """As it was before it was settled; what is booked from now on has a key of its own."""
    await tx.execute(
        """update payments.recon_items set state = 'open', resolution = null, note = null, by = null, at = null, journal_id = null,
                  turn = turn + 1 where id = %(id)s""",
        id=item_id,
    )


async def queue(
    tx: ReadTx, *, provider: str, kind: str, state: str, since: date | None, until: date | None, limit: int, offset: int
) -> list[Item]:
    """Differences, the oldest days first while they are open, the newest first once they are settled."""
    return await tx.rows(
        Item,
        _ITEM
        + """where state = %(state)s and (%(provider)s = '' or provider = %(provider)s) and (%(wanted)s = '' or kind = %(wanted)s)
               and (%(since)s::date is null or day >= %(since)s) and (%(until)s::date is null or day <= %(until)s)
             order by case when state = 'open' then day end, case when state = 'resolved' then at end desc,
                      greatest(ours_minor, theirs_minor, abs(ledger_minor)) desc nulls last, id
             limit %(limit)s offset %(offset)s""",
        provider=provider, wanted=kind, state=state, since=since, until=until, limit=limit, offset=offset,
    )  # fmt: skip


async def items_of_day(tx: ReadTx, provider: str, day: date, limit: int) -> list[Item]:
    return await tx.rows(
        Item,
        _ITEM
        + """where provider = %(provider)s and day = %(day)s
             order by state, greatest(ours_minor, theirs_minor, abs(ledger_minor)) desc nulls last, id limit %(limit)s""",
        provider=provider, day=day, limit=limit,
    )  # fmt: skip


async def counts_of_day(tx: ReadTx, provider: str, day: date) -> dict[tuple[str, str], int]:
    """How many differences of a day there are, by kind and state (open, or how they were settled)."""
    rows = await tx.tuples(
        """select kind, coalesce(resolution, state), count(*) from payments.recon_items
           where provider = %(provider)s and day = %(day)s group by 1, 2 order by 1, 2""",
        provider=provider, day=day,
    )  # fmt: skip
    return {(row[0], row[1]): row[2] for row in rows}


async def open_counts(tx: ReadTx) -> dict[tuple[str, str], int]:
    """How many differences stand open, by provider and kind."""
    rows = await tx.tuples(
        "select provider, kind, count(*) from payments.recon_items where state = 'open' group by 1, 2 order by 1, 2"
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def days(tx: ReadTx, provider: str, since: date, until: date) -> list[DaySummary]:
    """The days of a calendar, the newest first."""
    return await tx.rows(
        DaySummary,
        """select b.provider, b.day, b.state, b.row_count, b.reconciled_at, b.figures,
                  (select count(*) from payments.recon_items i where i.provider = b.provider and i.day = b.day and i.state = 'open') as open_items,
                  (select count(*) from payments.recon_items i where i.provider = b.provider and i.day = b.day and i.state = 'resolved') as settled_items
           from payments.bills b where (%(provider)s = '' or b.provider = %(provider)s) and b.day >= %(since)s and b.day <= %(until)s
           order by b.day desc, b.provider""",
        provider=provider, since=since, until=until,
    )  # fmt: skip


async def due_days(
    tx: ReadTx, provider: str, *, last: date, ready_after: timedelta, young_since: date, now: datetime
) -> list[date]:
    """Days to be compared now, oldest first: those never compared; all once more when the next day's bill is made, and when
    it has come; and from time to time those with open differences or with rows that wait for the end of a refund.

    `ready_after`: from midnight (UTC) of the next day until a day's bill is made. A missing bill counts one day later.
    """
    found: list[date] = await tx.values(
        """select b.day from payments.bills b
           where b.provider = %(provider)s and (b.state = 'fetched' or (b.state = 'missing' and b.day < %(last)s))
             and (b.reconciled_at is null
                  or (b.day < %(last)s and b.reconciled_at < (b.day + 2)::timestamp at time zone 'UTC' + %(ready)s)
                  or exists (select 1 from payments.bills n where n.provider = b.provider and n.day = b.day + 1
                              and n.fetched_at > b.reconciled_at)
                  or (b.reconciled_at < %(now)s - case when b.day >= %(young)s then interval '1 hour' else interval '1 day' end
                      and (exists (select 1 from jsonb_each(b.figures) f where (f.value ->> 'waiting_rows')::int > 0)
                           or (b.day >= %(young)s and exists (
                                 select 1 from payments.recon_items i
                                  where i.provider = b.provider and i.day = b.day and i.state = 'open')))))
           order by b.day""",
        provider=provider, last=last, ready=ready_after, young=young_since, now=now,
    )  # fmt: skip
    return found
