"""Invariants of changes."""

from __future__ import annotations

from holdfast.kit.checks import Offenders, check
from holdfast.kit.db import ReadTx


@check("No change was applied that a second person had not approved, bound to what was shown")
async def applied_was_approved(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select p.id, p.kind, p.state from changes.proposals p
           where p.state in ('approved', 'applied', 'reverted') and not exists (
             select 1 from changes.reviews r where r.proposal_id = p.id and r.verdict = 'approved' and r.by <> p.proposed_by
                and r.content_hash = p.content_hash and r.preview_hash = p.preview_hash) limit 100"""
    )


@check("No change was applied that fewer people had agreed to than it needs, or none in a capacity it needs")
async def all_agreed(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select p.id, p.kind, p.people_needed, p.capacities_needed from changes.proposals p
           where p.state in ('approved', 'applied', 'reverted') and not changes.is_agreed(p) limit 100"""
    )


@check("Every decided proposal says who decided it")
async def decided_by_somebody(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select p.id, p.state from changes.proposals p where p.state <> 'proposed' and not exists (
             select 1 from changes.reviews r where r.proposal_id = p.id and r.verdict = p.state) limit 100"""
    )


@check("No proposal stays open long after its time is over")
async def none_overdue(tx: ReadTx) -> Offenders:
    return await tx.dicts(
        """select id, kind, expires_at from changes.proposals
           where state in ('proposed', 'approved') and expires_at < now() - interval '1 hour' limit 100"""
    )
