"""Invariants of accounts."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx

from .merging_model import CAP


@check("Every account's root is the oldest account that active links join it to")
async def roots_are_derived(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """with touched as (
             select a.id from accounts.accounts a where a.root <> a.id
             union select l.a from accounts.links l where l.ended_at is null
             union select l.b from accounts.links l where l.ended_at is null
           )
           select a.id, a.root from touched t join accounts.accounts a on a.id = t.id
           where a.root <> (select c from accounts.connected(a.id) c order by c limit 1) limit 100"""
    )


@check("No person has more accounts than the cap")
async def nobody_is_too_large(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select root, count(*) as accounts from accounts.accounts where root in
             (select a.root from accounts.accounts a where a.root <> a.id)
           group by root having count(*) > %(cap)s limit 100""",
        cap=CAP,
    )


@check("Every merge was proven, or approved by a second person")
async def links_have_evidence(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select l.id, l.made_by from accounts.links l
           where l.evidence ->> 'means' is null or l.approved_by = l.made_by
              or (l.made_by like 'staff:%%' and l.approved_by is null) limit 100"""
    )


@check("Nothing identifies an account that was erased")
async def tombstones_are_empty(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select a.id, a.erased_at from accounts.accounts a
           join accounts.erasures e on a.id = any(e.accounts) and e.state = 'done'
           where a.erased_at is not null and (
             exists (select 1 from accounts.identifiers i where i.account_id = a.id)
             or exists (select 1 from accounts.sessions s where s.account_id = a.id)
             or exists (select 1 from accounts.passkeys p where p.account_id = a.id)
             or exists (select 1 from accounts.passwords p where p.account_id = a.id)) limit 100"""
    )
