"""Invariants of payments."""

from __future__ import annotations

from datetime import timedelta

from holdfast.kit import clock
from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("Every paid intent has exactly one winning attempt, and every winner succeeded in the intent's amount")
async def one_winner(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select i.id, i.state, count(a.id) as winners from payments.intents i
           left join payments.attempts a on a.intent_id = i.id and a.role = 'winner' and a.state = 'succeeded'
                and a.paid_minor >= i.amount_minor and a.paid_currency = i.currency
           group by i.id having (i.state = 'paid') <> (count(a.id) = 1) limit 100"""
    )


@check("Money that came and did not win is refunded or on its way back")
async def unasked_money_returns(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, a.role, a.paid_minor from payments.attempts a
           where a.state = 'succeeded' and a.role in ('duplicate', 'conflicted') and a.paid_minor > 0
             and a.paid_minor > (select coalesce(sum(r.amount_minor), 0) from payments.refunds r
                                 where r.attempt_id = a.id and r.receipt_id is null and r.state <> 'closed') limit 100"""
    )


@check("No attempt gives back more than it received")
async def refunds_are_covered(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, a.paid_minor, sum(r.amount_minor) as refunds from payments.attempts a
           join payments.refunds r on r.attempt_id = a.id and r.receipt_id is null and r.state <> 'closed'
           group by a.id having sum(r.amount_minor) > coalesce(a.paid_minor, 0) limit 100"""
    )


@check("Every attempt that is not final is going to be asked about")
async def nothing_is_forgotten(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select id, state from payments.attempts
           where state in ('created', 'submitted', 'awaiting_user', 'unknown') and next_query_at is null
             and provider <> 'desk' limit 100"""
    )


@check("Every receipt of money has exactly one journal over the same sum")
async def receipts_are_booked(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, a.paid_minor, sum(e.amount_minor) as booked from payments.attempts a
           left join ledger.journals j on j.key = 'receipt:' || a.id
           left join ledger.entries e on e.journal_id = j.id and e.side = 'D'
           where a.state = 'succeeded' and a.paid_minor > 0 group by a.id
           having sum(e.amount_minor) is distinct from a.paid_minor limit 100"""
    )


@check("Every refund holds its money in a journal, given or kept as the refund ended")
async def refunds_are_booked(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select r.id, r.state, e.phase from payments.refunds r
           left join ledger.journals p on p.id = r.journal_id and p.phase = 'pending'
           left join ledger.journals e on e.pending_id = r.journal_id
           where p.id is null
              or (r.state = 'succeeded') <> (coalesce(e.phase, '') = 'post' or exists (
                   select 1 from ledger.journals b where b.key = 'refund:' || r.id || ':bank'))
              or (r.state = 'closed' and e.phase is distinct from 'void')
              or (r.state not in ('succeeded', 'closed') and e.id is not null) limit 100"""
    )


@check("What waits as unapplied is exactly the money that nobody asked for and that has not gone back")
async def unapplied_is_explained(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """with owed as (
             select 'attempt:' || a.id as owner, a.paid_currency as currency,
                    a.paid_minor - case when a.role = 'winner' then i.amount_minor else 0 end
                    - coalesce((select sum(r.amount_minor) from payments.refunds r where r.attempt_id = a.id
                                and r.source = 'unapplied' and r.receipt_id is null and r.state = 'succeeded'), 0) as minor
             from payments.attempts a join payments.intents i on i.id = a.intent_id where a.state = 'succeeded'
             union all
             select 'receipt:' || s.id, s.currency, s.amount_minor
                    - coalesce((select sum(r.amount_minor) from payments.refunds r where r.receipt_id = s.id and r.state = 'succeeded'), 0)
             from payments.second_receipts s where s.state = 'confirmed')
           select coalesce(o.owner, l.owner) as owner, o.minor, l.credits_posted - l.debits_posted as booked
           from owed o full join (select owner, currency, credits_posted, debits_posted from ledger.accounts where code = '2030') l
             on l.owner = o.owner and l.currency = o.currency
           where coalesce(o.minor, 0) <> coalesce(l.credits_posted - l.debits_posted, 0) limit 100"""
    )


@check("Every row of a compared bill agrees with a payment of ours, or is a noted difference")
async def bills_are_explained(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select b.provider, b.day, b.number, b.merchant_ref, b.refund_ref from payments.bill_rows b
           join payments.bills d on d.provider = b.provider and d.day = b.day and d.reconciled_at is not null
           where b.day >= %(since)s
             and not exists (select 1 from payments.attempts a where a.provider = b.provider and a.merchant_ref = b.merchant_ref
                              and b.refund_ref is null and not b.repeats and a.state = 'succeeded' and a.paid_minor = b.amount_minor
                              and a.paid_currency = b.currency and (a.provider_txn = b.provider_txn) is not false)
             and not exists (select 1 from payments.second_receipts s where s.provider = b.provider and s.provider_txn = b.provider_txn
                              and b.refund_ref is null and not b.repeats and s.state = 'confirmed' and s.amount_minor = b.amount_minor)
             and not exists (select 1 from payments.refunds r where r.refund_ref = b.refund_ref and r.amount_minor = b.amount_minor
                              and not b.repeats)
             and not exists (select 1 from payments.recon_items i where i.provider = b.provider and i.day = b.day
                              and (i.row_number = b.number or (b.repeats and i.kind = 'duplicate_row' and i.merchant_ref = b.merchant_ref)))
           limit 100""",
        since=clock.now().date() - timedelta(days=14),
    )


@check("Every fee of a bill is booked once, and every booking of fees is the sum of its rows")
async def fees_are_booked(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select j.id, j.key, e.booked, r.fees from ledger.journals j
           left join lateral (select sum(case n.side when 'D' then n.amount_minor else -n.amount_minor end) as booked
                                from ledger.entries n join ledger.accounts c on c.id = n.account_id and c.code = '5020'
                               where n.journal_id = j.id) e on true
           left join lateral (select sum(case when b.refund_ref is null then b.fee_minor else -b.fee_minor end) as fees
                                from payments.bill_rows b where b.fees_journal = j.id) r on true
           where j.kind = 'payment.fees' and coalesce(e.booked, 0) <> coalesce(r.fees, 0) limit 100"""
    )


@check("Every difference that has stood open for three days has a note that says what is done about it")
async def differences_are_attended(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select id, provider, day, kind from payments.recon_items
           where state = 'open' and note is null and noted_at < %(before)s order by day limit 100""",
        before=clock.now() - timedelta(days=3),
    )
