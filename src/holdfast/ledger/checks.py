"""Invariants of the ledger."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from holdfast.kit import clock
from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx

from . import store

UNAPPLIED_MINUTES = 30
"""How long money that nobody asked for may stay before it is on its way back (2030)."""


@check("All debits equal all credits in every currency, posted and pending")
async def zero_sum(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select currency, sum(debits_posted - credits_posted) as posted, sum(debits_pending - credits_pending) as pending
           from ledger.accounts group by currency
           having sum(debits_posted) <> sum(credits_posted) or sum(debits_pending) <> sum(credits_pending)"""
    )


@check("Every journal has entries, and they balance in each currency")
async def journals_balance(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select j.id, a.currency, sum(case e.side when 'D' then e.amount_minor else -e.amount_minor end) as off
           from ledger.journals j left join ledger.entries e on e.journal_id = j.id left join ledger.accounts a on a.id = e.account_id
           group by j.id, a.currency
           having sum(case e.side when 'D' then e.amount_minor else -e.amount_minor end) is distinct from 0 limit 100"""
    )


@check("Every balance of the ledger is the sum of its entries")
async def balances_recompute(tx: ReadTx) -> Offenders:
    return [msgspec.to_builtins(difference) for difference in await store.differences(tx, 100)]


@check("No guarded account stands on its wrong side, what is pending counted as gone")
async def guards_hold(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        "select code, owner, currency, available from ledger.accounts where guarded and available < 0 limit 100"
    )


@check("Every claim is resolved at most once, with the entries it was made of")
async def claims_resolve_once(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select p.id, p.phase, count(distinct r.id) as resolutions
           from ledger.journals r join ledger.journals p on p.id = r.pending_id join ledger.entries e on e.journal_id = r.id
           left join ledger.entries o on o.journal_id = p.id and o.seq = e.seq and o.account_id = e.account_id
                and o.side = e.side and o.amount_minor = e.amount_minor
           group by p.id having p.phase <> 'pending' or count(distinct r.id) > 1 or count(*) <> count(o.seq)
                or count(*) <> (select count(*) from ledger.entries x where x.journal_id = p.id) limit 100"""
    )


@check(f"Money that nobody asked for is on its way back within {UNAPPLIED_MINUTES} minutes")
async def unapplied_money_leaves(tx: ReadTx) -> Offenders:
    late = clock.now() - timedelta(minutes=UNAPPLIED_MINUTES)
    return [msgspec.to_builtins(found) for found in await store.open_balances(tx, "2030", 100, waiting_before=late)]
