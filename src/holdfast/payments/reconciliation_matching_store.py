"""SQL that compares a bill, our payments and the ledger. Whole days are joined in the database; only what differs leaves it.

Every select of a difference has the same columns, so that all of them are noted by one statement. In `ledger_differs`
and `duplicate_row` money that went back is negative.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import LiteralString

from holdfast.kit.db import ReadTx, Tx

from .reconciliation_model import Figures

CORRECTIONS = ("payment.fees", "reconciliation.suspense", "reconciliation.difference")
"""Kinds of journals that follow from a bill, and so are not compared with it."""

_SIDES: LiteralString = """
with bill as (
  select * from payments.bill_rows where provider = %(provider)s and day = %(day)s and not repeats
), paid as (
  select b.*, a.id as attempt_id, a.state as attempt_state, a.paid_minor, a.paid_currency, s.id as receipt_id, s.state as receipt_state,
         s.amount_minor as receipt_minor, s.currency as receipt_currency, s.journal_id,
         b.provider_txn <> a.provider_txn as is_other
    from bill b left join payments.attempts a on a.provider = b.provider and a.merchant_ref = b.merchant_ref
    left join payments.second_receipts s on s.provider = b.provider and s.provider_txn = b.provider_txn and s.attempt_id = a.id
   where b.refund_ref is null
), given as (
  select b.*, r.id as refund_id, r.attempt_id, r.amount_minor as our_minor, r.currency as our_currency, r.state, r.journal_id,
         exists (select 1 from ledger.journals j where j.key = 'refund:' || r.id || ':bank') as by_bank
    from bill b left join payments.refunds r on r.refund_ref = b.refund_ref
         and exists (select 1 from payments.attempts a where a.id = r.attempt_id and a.provider = b.provider)
   where b.refund_ref is not null
)"""
"""The rows of a bill, each once, beside what we know of them. `is_other`: another receipt than the one we had first."""

_FOREIGN: LiteralString = """
select 'foreign_row' as kind, 'row:' || merchant_ref || '/' || coalesce(provider_txn, '') as subject, null::uuid as attempt_id,
       null::uuid as refund_id, null::uuid as receipt_id, number as row_number, merchant_ref, provider_txn, null::text as refund_ref,
       null::bigint as ours, amount_minor as theirs, null::bigint as ledger, currency
  from paid where attempt_id is null"""
_UNKNOWN: LiteralString = """
select 'unknown_to_us', 'row:' || merchant_ref || '/' || coalesce(provider_txn, ''), attempt_id, null, null, number, merchant_ref,
       provider_txn, null, null, amount_minor, null, currency
  from paid where attempt_state <> 'succeeded'"""
_SECOND: LiteralString = """
select 'second_receipt', 'row:' || merchant_ref || '/' || provider_txn, attempt_id, null, receipt_id, number, merchant_ref,
       provider_txn, null, null, amount_minor, null, currency
  from paid where attempt_state = 'succeeded' and is_other and receipt_state is distinct from 'confirmed'"""
_AMOUNT: LiteralString = """
select case when currency = ours_currency then 'amount_differs' else 'currency_differs' end, subject, attempt_id, null, receipt, number,
       merchant_ref, provider_txn, null, ours, amount_minor, null, currency
  from (select p.*, case when is_other then 'receipt:' || receipt_id else 'attempt:' || attempt_id end as subject,
               case when is_other then receipt_id end as receipt,
               case when is_other then receipt_minor else paid_minor end as ours,
               case when is_other then receipt_currency else paid_currency end as ours_currency
          from paid p where attempt_state = 'succeeded' and (is_other is not true or receipt_state = 'confirmed')) k
 where (ours, ours_currency) is distinct from (amount_minor, currency)"""
_MISSING: LiteralString = """
select 'missing_at_provider', 'attempt:' || a.id, a.id, null, null, null, a.merchant_ref, a.provider_txn, null, a.paid_minor, null, null,
       a.paid_currency
  from payments.attempts a
 where a.provider = %(provider)s and a.state = 'succeeded' and a.paid_at >= %(start)s and a.paid_at < %(end)s and a.paid_minor > 0
   and not exists (select 1 from payments.bill_rows b
                    where b.provider = a.provider and b.merchant_ref = a.merchant_ref and b.refund_ref is null
                      and (b.provider_txn = a.provider_txn or b.provider_txn is null or a.provider_txn is null))
union all
select 'missing_at_provider', 'receipt:' || s.id, s.attempt_id, null, s.id, null, a.merchant_ref, s.provider_txn, null, s.amount_minor,
       null, null, s.currency
  from payments.second_receipts s join ledger.journals j on j.id = s.journal_id join payments.attempts a on a.id = s.attempt_id
 where s.provider = %(provider)s and s.state = 'confirmed' and j.effective_at >= %(start)s and j.effective_at < %(end)s
   and not exists (select 1 from payments.bill_rows b
                    where b.provider = s.provider and b.merchant_ref = a.merchant_ref and b.provider_txn = s.provider_txn)"""
_REPEATED: LiteralString = """
select 'duplicate_row', 'row:' || coalesce(refund_ref, merchant_ref || '/' || coalesce(provider_txn, '')), null, null, null, min(number),
       min(merchant_ref), min(provider_txn), refund_ref, 0, sum(case when refund_ref is null then amount_minor else -amount_minor end)::bigint,
       null, min(currency)
  from payments.bill_rows where provider = %(provider)s and day = %(day)s and repeats
 group by 2, refund_ref"""
_REFUND_UNKNOWN: LiteralString = """
select 'refund_unknown', 'row:' || case refund_ref when '' then coalesce(provider_refund, number::text) else refund_ref end, null, null, null,
       number, merchant_ref, provider_txn, refund_ref, null, amount_minor, null, currency
  from given where refund_id is null"""
_REFUND_AMOUNT: LiteralString = """
select 'refund_amount_differs', 'refund:' || refund_id, attempt_id, refund_id, null, number, merchant_ref, provider_txn, refund_ref,
       our_minor, amount_minor, null, currency
  from given where refund_id is not null and (our_minor, our_currency) is distinct from (amount_minor, currency)"""
_REFUND_STATUS: LiteralString = """
select 'refund_status', 'refund:' || refund_id, attempt_id, refund_id, null, number, merchant_ref, provider_txn, refund_ref,
       our_minor, amount_minor, null, currency
  from given
 where refund_id is not null and our_minor = amount_minor
   and case when state = 'succeeded' and not by_bank then status in ('closed', 'abnormal') else status = 'succeeded' end"""
_REFUND_MISSING: LiteralString = """
select 'refund_missing', 'refund:' || r.id, r.attempt_id, r.id, null, null, a.merchant_ref, a.provider_txn, r.refund_ref, r.amount_minor,
       null, null, r.currency
  from payments.refunds r join payments.attempts a on a.id = r.attempt_id
 where r.state = 'succeeded' and r.finished_at >= %(start)s and r.finished_at < %(end)s and a.provider = %(provider)s
   and not exists (select 1 from payments.bill_rows b where b.provider = a.provider and b.refund_ref = r.refund_ref)
   and not exists (select 1 from ledger.journals j where j.key = 'refund:' || r.id || ':bank')"""

_BOOKED: LiteralString = """, told as (
  select 'attempt:' || attempt_id as subject, attempt_id, null::uuid as refund_id, null::uuid as receipt_id, number, merchant_ref,
         provider_txn, null::text as refund_ref, paid_minor as ours, amount_minor as theirs, currency, 'receipt:' || attempt_id as key,
         null::uuid as claim
    from paid where attempt_state = 'succeeded' and is_other is not true
  union all
  select 'receipt:' || receipt_id, attempt_id, null, receipt_id, number, merchant_ref, provider_txn, null, receipt_minor, amount_minor,
         currency, null, journal_id from paid where is_other and receipt_state = 'confirmed'
  union all
  select 'refund:' || refund_id, attempt_id, refund_id, null, number, merchant_ref, provider_txn, refund_ref, -our_minor, -amount_minor,
         currency, null, journal_id from given where state = 'succeeded' and not by_bank
), booked as (
  select t.subject, coalesce(sum(case e.side when 'D' then e.amount_minor else -e.amount_minor end), 0)::bigint as minor
    from told t
    left join ledger.journals k on k.key = t.key
    left join ledger.journals p on p.pending_id = t.claim and p.phase = 'post'
    left join (ledger.entries e join ledger.accounts c on c.id = e.account_id and c.code = '1010')
           on e.journal_id = coalesce(k.id, p.id)
   group by t.subject
), moved as (
  select coalesce(p.key, j.key) as key, j.reverses is not null as is_reversal, j.id, c.currency,
         sum(case e.side when 'D' then e.amount_minor else -e.amount_minor end)::bigint as minor
    from ledger.journals j join ledger.entries e on e.journal_id = j.id
    join ledger.accounts c on c.id = e.account_id and c.code = '1010' and split_part(c.owner, '#', 1) = %(provider)s
    left join ledger.journals p on p.id = j.pending_id
   where j.effective_at >= %(start)s and j.effective_at < %(end)s and j.phase in ('single', 'post') and j.kind <> all (%(corrections)s)
   group by j.id, p.key, c.currency
), named as (
  select m.*, case when m.key like 'receipt:%%' and length(m.key) = 44 and not is_reversal then substr(m.key, 9)::uuid end as attempt_id,
         case when m.key like 'second:%%' and length(m.key) = 43 and not is_reversal then substr(m.key, 8)::uuid end as receipt_id,
         case when m.key like 'refund:%%' and length(m.key) = 43 and not is_reversal then substr(m.key, 8)::uuid end as refund_id
    from moved m
)"""
"""What the ledger says of each row of the bill (`booked`), and whose each movement of the day is (`named`)."""
_LEDGER: LiteralString = """
select 'ledger_differs' as kind, t.subject, t.attempt_id, t.refund_id, t.receipt_id, t.number as row_number, t.merchant_ref, t.provider_txn,
       t.refund_ref, t.ours, t.theirs, k.minor as ledger, t.currency
  from told t join booked k on k.subject = t.subject where k.minor <> t.theirs
union all
select 'ledger_differs', coalesce('attempt:' || n.attempt_id, 'receipt:' || n.receipt_id, 'refund:' || n.refund_id, 'journal:' || n.id),
       a.id, r.id, s.id, null, coalesce(a.merchant_ref, x.merchant_ref), coalesce(a.provider_txn, s.provider_txn), r.refund_ref,
       null, null, n.minor, n.currency
  from named n
  left join payments.attempts a on a.id = n.attempt_id
  left join payments.second_receipts s on s.id = n.receipt_id
  left join payments.refunds r on r.id = n.refund_id
  left join payments.attempts x on x.id = coalesce(s.attempt_id, r.attempt_id)
 where n.minor <> 0
   and not exists (select 1 from payments.bill_rows b
                    where b.provider = %(provider)s and b.merchant_ref = coalesce(a.merchant_ref, x.merchant_ref)
                      and case when r.id is not null then b.refund_ref = r.refund_ref
                               else b.refund_ref is null and (b.provider_txn = coalesce(a.provider_txn, s.provider_txn)
                                    or b.provider_txn is null or coalesce(a.provider_txn, s.provider_txn) is null) end)"""

PAYMENTS = (
    "foreign_row", "unknown_to_us", "second_receipt", "amount_differs", "currency_differs", "missing_at_provider", "duplicate_row",
    "refund_unknown", "refund_amount_differs", "refund_status", "refund_missing",
)  # fmt: skip
"""Kinds that bill and payments differ in."""
_KINDS: tuple[LiteralString, ...] = (
    _FOREIGN, _UNKNOWN, _SECOND, _AMOUNT, _MISSING, _REPEATED, _REFUND_UNKNOWN, _REFUND_AMOUNT, _REFUND_STATUS, _REFUND_MISSING,
)  # fmt: skip
_ALSO: LiteralString = " union all "
_DIFFERENCES: LiteralString = _ALSO.join(_KINDS)
_NOTE: LiteralString = """, noted as (
  insert into payments.recon_items (provider, day, kind, subject, attempt_id, refund_id, receipt_id, row_number, merchant_ref, provider_txn,
                                    refund_ref, ours_minor, theirs_minor, ledger_minor, currency, noted_at)
  select %(provider)s, %(day)s, kind, subject, attempt_id, refund_id, receipt_id, row_number, merchant_ref, provider_txn, refund_ref,
         ours, theirs, ledger, currency, %(now)s from differing
  on conflict on constraint recon_item_once do nothing returning 1
), gone as (
  update payments.recon_items i set state = 'resolved', resolution = 'auto', by = 'system:reconciliation', at = %(now)s,
         note = 'no longer differs'
   where i.provider = %(provider)s and i.day = %(day)s and i.state = 'open' and i.kind = any (%(kinds)s)
     and not exists (select 1 from differing d where d.kind = i.kind and d.subject = i.subject) returning 1
) select (select count(*) from noted) as noted, (select count(*) from gone) as gone"""


async def note_differences(
    tx: Tx, provider: str, day: date, start: datetime, end: datetime, now: datetime
) -> tuple[int, int]:
    """Notes where bill and payments differ, once each, and settles what does not differ any more: how many of both."""
    [row] = await tx.tuples(
        _SIDES + ", differing as (" + _DIFFERENCES + ")" + _NOTE,
        provider=provider, day=day, start=start, end=end, now=now, kinds=list(PAYMENTS),
    )  # fmt: skip
    return row[0], row[1]


async def note_ledger_differences(
    tx: Tx, provider: str, day: date, start: datetime, end: datetime, now: datetime
) -> tuple[int, int]:
    """The same where bill and ledger differ, as far as no other difference tells it already."""
    [row] = await tx.tuples(
        _SIDES + _BOOKED + ", differing as (select * from (" + _LEDGER + """) l where not exists (
             select 1 from payments.recon_items o where o.subject = l.subject and o.provider = %(provider)s
                and o.kind <> 'ledger_differs' and o.kind <> 'refund_status'))""" + _NOTE,
        provider=provider, day=day, start=start, end=end, now=now, kinds=["ledger_differs"], corrections=list(CORRECTIONS),
    )  # fmt: skip
    return row[0], row[1]


async def untold(tx: ReadTx, provider: str, day: date, start: datetime, end: datetime) -> tuple[int, int | None]:
    """What the ledger says of a day without a bill and no other bill tells: how many movements, and their sum when of one currency.

    A refund stands in the bill of the day on which it was begun, whenever it ends.
    """
    [row] = await tx.tuples(
        _SIDES + _BOOKED + "select count(*), case when count(distinct currency) = 1 then sum(ledger)::bigint end from (" + _LEDGER + ") l",
        provider=provider, day=day, start=start, end=end, corrections=list(CORRECTIONS),
    )  # fmt: skip
    return row[0], row[1]


async def figures(tx: ReadTx, provider: str, day: date, start: datetime, end: datetime) -> dict[str, Figures]:
    """What each side says of a day, and how much of it agrees, by currency."""
    rows = await tx.tuples(
        _SIDES + _BOOKED + """, sides as (
             select currency, count(*) as bill_rows, sum(case when refund_ref is null then amount_minor else -amount_minor end) as bill_minor,
                    0 as matched_rows, 0 as matched_minor, 0 as waiting_rows, 0 as ours_count, 0 as ours_minor, 0 as ledger_minor,
                    sum(case when fees_journal is null then 0 when refund_ref is null then fee_minor else -fee_minor end) as fees_minor
               from payments.bill_rows where provider = %(provider)s and day = %(day)s group by currency
             union all
             select t.currency, 0, 0, count(*), sum(t.theirs), 0, 0, 0, 0, 0 from told t join booked k on k.subject = t.subject
              where t.theirs = t.ours and t.theirs = k.minor group by t.currency
             union all
             select currency, 0, 0, count(*) filter (where is_over), 0, count(*) filter (where not is_over), 0, 0, 0, 0
               from (select g.*, by_bank or state = 'closed' as is_over from given g
                      where refund_id is not null and status is distinct from 'succeeded' and (by_bank or state <> 'succeeded')) o
              group by currency
             union all
             select paid_currency, 0, 0, 0, 0, 0, count(*), sum(paid_minor), 0, 0 from payments.attempts
              where provider = %(provider)s and state = 'succeeded' and paid_at >= %(start)s and paid_at < %(end)s and paid_minor > 0 group by 1
             union all
             select s.currency, 0, 0, 0, 0, 0, count(*), sum(s.amount_minor), 0, 0 from payments.second_receipts s
               join ledger.journals j on j.id = s.journal_id
              where s.provider = %(provider)s and s.state = 'confirmed' and j.effective_at >= %(start)s and j.effective_at < %(end)s group by 1
             union all
             select r.currency, 0, 0, 0, 0, 0, count(*), -sum(r.amount_minor), 0, 0 from payments.refunds r
               join payments.attempts a on a.id = r.attempt_id
              where r.state = 'succeeded' and r.finished_at >= %(start)s and r.finished_at < %(end)s and a.provider = %(provider)s
                and not exists (select 1 from ledger.journals j where j.key = 'refund:' || r.id || ':bank') group by 1
             union all
             select currency, 0, 0, 0, 0, 0, 0, 0, sum(minor), 0 from named group by currency)
           select currency, sum(bill_rows)::bigint, sum(bill_minor)::bigint, sum(matched_rows)::bigint, sum(matched_minor)::bigint,
                  sum(waiting_rows)::bigint, sum(ours_count)::bigint, sum(ours_minor)::bigint, sum(ledger_minor)::bigint, sum(fees_minor)::bigint
             from sides group by currency order by currency""",
        provider=provider, day=day, start=start, end=end, corrections=list(CORRECTIONS),
    )  # fmt: skip
    return {row[0]: Figures(*row[1:]) for row in rows}
