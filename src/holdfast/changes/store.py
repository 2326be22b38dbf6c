"""All SQL of changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .model import Demand, Proposal, Review, State

_PROPOSAL: LiteralString = """select p.id, p.kind, p.payload, p.content_hash, p.base_version, p.preview, p.preview_hash,
    p.previewed_at, p.reason, p.proposed_by, p.proposed_at, p.expires_at, p.state, p.state_since, p.effects,
    (select r.by from changes.reviews r where r.proposal_id = p.id and r.verdict = 'approved' and p.state in ('approved', 'applied', 'reverted')
      order by r.id desc limit 1) as approved_by, p.people_needed, p.capacities_needed
    from changes.proposals p """


async def insert(tx: Tx, proposal: Proposal) -> None:
    """Writes a new proposal."""
    await tx.execute(
        """insert into changes.proposals (id, kind, payload, content_hash, base_version, preview, preview_hash, previewed_at,
                                          reason, proposed_by, proposed_at, expires_at, state, state_since, people_needed, capacities_needed)
           values (%(id)s, %(kind)s, %(payload)s, %(content)s, %(version)s, %(preview)s, %(shown)s, %(at)s, %(reason)s, %(by)s,
                   %(at)s, %(expires)s, 'proposed', %(at)s, %(people)s, %(capacities)s)""",
        id=proposal.id, kind=proposal.kind, payload=Jsonb(proposal.payload), content=proposal.content_hash,
        version=proposal.base_version, preview=Jsonb(proposal.preview), shown=proposal.preview_hash,
        at=proposal.proposed_at, reason=proposal.reason, by=proposal.proposed_by, expires=proposal.expires_at,
        people=proposal.people_needed, capacities=list(proposal.capacities_needed),
    )  # fmt: skip


async def find(tx: ReadTx, proposal_id: UUID) -> Proposal | None:
    """A proposal by its id."""
    return await tx.maybe(Proposal, _PROPOSAL + """where p.id = %(id)s""", id=proposal_id)


async def locked(tx: Tx, proposal_id: UUID) -> Proposal | None:
    """A proposal, locked until the transaction ends."""
    return await tx.maybe(Proposal, _PROPOSAL + """where p.id = %(id)s for no key update of p""", id=proposal_id)


async def waiting(tx: ReadTx, kind: str | None) -> list[Proposal]:
    """What waits for a decision or to be applied, the oldest first."""
    return await tx.rows(
        Proposal,
        _PROPOSAL + """where p.state in ('proposed', 'approved') and (%(name)s::text is null or p.kind = %(name)s)
           order by p.id limit 500""",
        name=kind,
    )  # fmt: skip


async def newest(tx: ReadTx, kind: str, limit: int) -> list[Proposal]:
    """What was decided about a kind, the newest first."""
    return await tx.rows(
        Proposal,
        _PROPOSAL + """where p.kind = %(name)s and p.state not in ('proposed', 'approved') order by p.id desc limit %(limit)s""",
        name=kind, limit=limit,
    )  # fmt: skip


async def overdue(tx: Tx, now: datetime, limit: int) -> list[Proposal]:
    """Open proposals whose time is over, locked; others' locks are skipped."""
    return await tx.rows(
        Proposal,
        _PROPOSAL + """where p.state in ('proposed', 'approved') and p.expires_at <= %(now)s
           order by p.expires_at limit %(limit)s for no key update of p skip locked""",
        now=now, limit=limit,
    )  # fmt: skip


async def set_state(
    tx: Tx, proposal_id: UUID, state: State, at: datetime, effects: dict[str, Any] | None = None
) -> None:
    """Writes a new state; the caller has locked the proposal, asked the transition table and written the review."""
    await tx.execute(
        """update changes.proposals set state = %(state)s, state_since = %(at)s, effects = coalesce(%(effects)s, effects)
           where id = %(id)s""",
        id=proposal_id, state=state, at=at, effects=None if effects is None else Jsonb(effects),
    )  # fmt: skip


async def set_expiry(tx: Tx, proposal_id: UUID, expires_at: datetime) -> None:
    """Until when it counts; the caller has locked it."""
    await tx.execute(
        "update changes.proposals set expires_at = %(at)s where id = %(id)s", id=proposal_id, at=expires_at
    )


async def renew(
    tx: Tx, proposal_id: UUID, preview: dict[str, Any], preview_hash: bytes, demand: Demand, at: datetime
) -> None:
    """A new preview: whatever approval there was is of another one, so the proposal waits again."""
    await tx.execute(
        """update changes.proposals set preview = %(preview)s, preview_hash = %(hash)s, previewed_at = %(at)s,
                  state_since = case state when 'approved' then %(at)s else state_since end, state = 'proposed',
                  people_needed = %(people)s, capacities_needed = %(capacities)s
           where id = %(id)s""",
        id=proposal_id, preview=Jsonb(preview), hash=preview_hash, at=at, people=demand.people,
        capacities=list(demand.capacities),
    )  # fmt: skip


async def add_review(
    tx: Tx, proposal_id: UUID, by: str, verdict: str, content_hash: bytes, preview_hash: bytes, note: str, at: datetime,
    capacities: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """Appends a step."""
    await tx.execute(
        """insert into changes.reviews (proposal_id, by, verdict, content_hash, preview_hash, note, at, capacities)
           values (%(id)s, %(by)s, %(verdict)s, %(content)s, %(preview)s, %(note)s, %(at)s, %(capacities)s)""",
        id=proposal_id, by=by, verdict=verdict, content=content_hash, preview=preview_hash, note=note, at=at,
        capacities=list(capacities),
    )  # fmt: skip


async def reviews(tx: ReadTx, proposal_id: UUID) -> list[Review]:
    """Every step of a proposal, the first first."""
    return await tx.rows(
        Review,
        """select by, verdict, content_hash, preview_hash, note, at, capacities from changes.reviews
           where proposal_id = %(id)s order by id""",
        id=proposal_id,
    )
