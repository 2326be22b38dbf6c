"""Proposals: from the wish to the deed and back. `propose` and `approve` try the change and roll it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn
from uuid import UUID

import msgspec

from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx

from . import store
from .kinds import Draft, Json, Kind, kind
from .model import (
    AlreadyAgreed,
    BaseMoved,
    Demand,
    FiguresDiffer,
    NotRevertible,
    PreviewStale,
    Proposal,
    ProposalOver,
    ProposalUnknown,
    ReasonNeeded,
    Review,
    SamePerson,
    State,
    hashed,
    may_become,
    suffices,
)

REASON_LENGTH_MIN, REASON_LENGTH_MAX = 4, 500
EXPIRE_AT_ONCE = 100
DIFFERS = "What was typed again differs from what was proposed."


class _RolledBackError(Exception):
    """Carries what a trial showed out of the transaction that it undoes."""

    def __init__(self, preview: Json, version: str | None) -> None:
        super().__init__()
        self.preview, self.version = preview, version


async def propose(db: Db, actor: Actor, kind_name: str, payload: Json, reason: str) -> Proposal:
    """Tries the change, rolls it back, and writes it down as a proposal with what the trial showed.

    Raises what applying it would raise, and ReasonNeeded. `payload` is JSON as the kind defines it.
    """
    reason = " ".join(reason.split())
    if not REASON_LENGTH_MIN <= len(reason) <= REASON_LENGTH_MAX:
        raise ReasonNeeded
    registered = kind(kind_name)
    draft = Draft(ids.uuid7(), payload, reason, str(actor), None)
    preview, version = await _tried(db, registered, actor, draft)
    now, demand = clock.now(), _demand(registered, payload, preview)
    proposal = Proposal(
        draft.id, kind_name, payload, hashed([kind_name, payload]), version, preview, hashed(preview), now, reason, str(actor), now,
        now + registered.ttl, State.PROPOSED, now, None, None, demand.people, demand.capacities,
    )  # fmt: skip
    await db.run(_write, actor, proposal)
    return proposal


async def _write(tx: Tx, actor: Actor, proposal: Proposal) -> None:
    await store.insert(tx, proposal)
    await audit.record(
        tx, actor, f"{proposal.kind}.proposed", f"proposal:{proposal.id}", reason=proposal.reason, **proposal.payload
    )


def _demand(registered: Kind, payload: Json, preview: Json) -> Demand:
    return registered.demands(payload, preview) if registered.demands else Demand()


async def _tried(db: Db, registered: Kind, actor: Actor, draft: Draft) -> tuple[Json, str | None]:
    """What applying would do now, and what it would be based on; nothing of it stays."""
    try:
        await db.run(_try, registered, actor, draft)
    except _RolledBackError as done:
        return done.preview, done.version
    raise AssertionError("unreachable")


async def _try(tx: Tx, registered: Kind, actor: Actor, draft: Draft) -> NoReturn:
    version = await registered.version(tx, draft.payload) if registered.version else None
    _effects, preview = await _do(tx, registered, actor, draft)
    raise _RolledBackError(preview, version)


async def _do(tx: Tx, registered: Kind, actor: Actor, draft: Draft) -> tuple[Json, Json]:
    """The one path of trial and deed: effects and preview, both as JSON has them."""
    effects = msgspec.to_builtins(await registered.apply(tx, actor, draft))
    return effects, msgspec.to_builtins(await registered.preview(tx, draft, effects))


async def approve(
    db: Db,
    actor: Actor,
    proposal_id: UUID,
    preview_hash: str,
    note: str = "",
    *,
    retyped: Mapping[str, str] | None = None,
) -> Proposal:
    """Another person agrees to exactly what `preview_hash` (hex, `Proposal.shown`) stands for. It is approved when all have
    whose agreement it needs; until then it stays proposed.

    SamePerson; AlreadyAgreed; what the kind's `approver` raises; ProposalOver; PreviewStale, with the new ``preview_hash``, when
    the preview would be another one by now; BaseMoved when what it is for has changed; FiguresDiffer when `retyped` are not the
    figures of the kind: then it is rejected. Nobody who may not agree can reject it by a slip.
    """
    proposal = await db.read(require, proposal_id)
    _stand(proposal, State.APPROVED)
    await db.read(capacities, actor, proposal)
    if proposal.shown != preview_hash:
        raise PreviewStale(preview_hash=proposal.shown)
    figures = kind(proposal.kind).figures
    if figures is not None and dict(retyped or {}) != dict(figures(proposal.payload)):
        await db.run(reject, actor, proposal_id, DIFFERS)
        raise FiguresDiffer
    preview, version = await _tried(db, kind(proposal.kind), actor, _draft(proposal))
    if version != proposal.base_version:
        raise BaseMoved
    if hashed(preview) != proposal.preview_hash:
        await _renew(db, actor, proposal_id, preview)
        raise PreviewStale(preview_hash=hashed(preview).hex())
    return await db.run(_agree, actor, proposal_id, note, preview_hash)


async def capacities(tx: ReadTx, actor: Actor, proposal: Proposal) -> tuple[str, ...]:
    """In which capacities somebody may agree. SamePerson; AlreadyAgreed; what the kind's `approver` raises."""
    if proposal.proposed_by == str(actor):
        raise SamePerson
    approver = kind(proposal.kind).approver
    found = tuple(sorted(await approver(tx, actor, proposal))) if approver else ()
    if str(actor) in await agreed(tx, proposal):
        raise AlreadyAgreed
    return found


async def agreed(tx: ReadTx, proposal: Proposal) -> dict[str, tuple[str, ...]]:
    """Who has agreed to what is shown now, each with the capacities in which they did."""
    steps = await store.reviews(tx, proposal.id)
    last = max((at for at, step in enumerate(steps) if step.verdict == "renewed"), default=-1)
    return {
        step.by: step.capacities
        for step in steps[last + 1 :]
        if step.verdict in ("agreed", "approved") and step.preview_hash == proposal.preview_hash
    }


async def _agree(tx: Tx, actor: Actor, proposal_id: UUID, note: str, preview_hash: str) -> Proposal:
    """One more agreement; with the last one that it needs it is approved."""
    proposal = await _locked(tx, proposal_id, State.APPROVED)
    if proposal.shown != preview_hash:
        raise PreviewStale(preview_hash=proposal.shown)
    own = await capacities(tx, actor, proposal)
    given = await agreed(tx, proposal) | {str(actor): own}
    if suffices(Demand(proposal.people_needed, proposal.capacities_needed), given):
        lasts = kind(proposal.kind).approved_ttl
        if lasts is not None:
            await store.set_expiry(tx, proposal_id, clock.now() + lasts)
        return await _step(tx, actor, proposal, State.APPROVED, note, capacities=own)
    now = clock.now()
    await store.add_review(
        tx, proposal.id, str(actor), "agreed", proposal.content_hash, proposal.preview_hash, note[:REASON_LENGTH_MAX], now,
        own,
    )  # fmt: skip
    await audit.record(tx, actor, f"{proposal.kind}.agreed", f"proposal:{proposal.id}", note=note[:REASON_LENGTH_MAX])
    return await require(tx, proposal.id)


async def renew(db: Db, actor: Actor, proposal_id: UUID) -> Proposal:
    """Tries an open proposal again and writes down what it would do now. If that is something else, agreements are void."""
    proposal = await db.read(require, proposal_id)
    _stand(proposal, State.WITHDRAWN)
    preview, _version = await _tried(db, kind(proposal.kind), actor, _draft(proposal))
    if hashed(preview) != proposal.preview_hash:
        await _renew(db, actor, proposal_id, preview)
    return await db.read(require, proposal_id)


async def apply(db: Db, actor: Actor, proposal_id: UUID) -> Proposal:
    """Does what was approved, if it is still what the preview showed; else PreviewStale, and the approval is void."""
    try:
        return await db.run(_apply, actor, proposal_id)
    except _RolledBackError as moved:
        await _renew(db, actor, proposal_id, moved.preview)
        raise PreviewStale(preview_hash=hashed(moved.preview).hex()) from None


async def _apply(tx: Tx, actor: Actor, proposal_id: UUID) -> Proposal:
    proposal = await _locked(tx, proposal_id, State.APPLIED)
    registered = kind(proposal.kind)
    if registered.version and await registered.version(tx, proposal.payload) != proposal.base_version:
        raise BaseMoved
    effects, preview = await _do(tx, registered, actor, _draft(proposal))
    if hashed(preview) != proposal.preview_hash:
        raise _RolledBackError(preview, None)
    return await _step(tx, actor, proposal, State.APPLIED, "", effects)


async def revert(tx: Tx, actor: Actor, proposal_id: UUID, reason: str) -> Proposal:
    """Takes an applied change back; one person suffices. NotRevertible when its kind knows no way."""
    proposal = await _locked(tx, proposal_id, State.REVERTED)
    undo = kind(proposal.kind).revert
    if undo is None:
        raise NotRevertible
    await undo(tx, actor, _draft(proposal), proposal.effects or {}, reason)
    return await _step(tx, actor, proposal, State.REVERTED, reason)


async def reject(tx: Tx, actor: Actor, proposal_id: UUID, note: str) -> Proposal:
    """Another person says no. SamePerson: whoever proposed it withdraws it."""
    proposal = await _locked(tx, proposal_id, State.REJECTED)
    if proposal.proposed_by == str(actor):
        raise SamePerson
    return await _step(tx, actor, proposal, State.REJECTED, note)


async def withdraw(tx: Tx, actor: Actor, proposal_id: UUID, note: str = "") -> Proposal:
    """Takes an open proposal back. Stopping needs no second person, whoever stops."""
    proposal = await _locked(tx, proposal_id, State.WITHDRAWN)
    return await _step(tx, actor, proposal, State.WITHDRAWN, note)


async def expire(tx: Tx) -> int:
    """Ends open proposals whose time is over; how many."""
    late = await store.overdue(tx, clock.now(), EXPIRE_AT_ONCE)
    for proposal in late:
        await _step(tx, system("changes.expire"), proposal, State.EXPIRED, "")
    return len(late)


async def queue(tx: ReadTx, kind_name: str | None = None) -> list[Proposal]:
    """What waits for a decision or to be applied, the oldest first; of one kind, if asked."""
    return await store.waiting(tx, kind_name)


async def recent(tx: ReadTx, kind_name: str, limit: int = 50) -> list[Proposal]:
    """What was decided about a kind, the newest first."""
    return await store.newest(tx, kind_name, limit)


async def require(tx: ReadTx, proposal_id: UUID) -> Proposal:
    """A proposal. ProposalUnknown."""
    found = await store.find(tx, proposal_id)
    if found is None:
        raise ProposalUnknown
    return found


async def reviews(tx: ReadTx, proposal_id: UUID) -> list[Review]:
    """Every step of a proposal, the first first."""
    return await store.reviews(tx, proposal_id)


async def _locked(tx: Tx, proposal_id: UUID, wanted: State) -> Proposal:
    proposal = await store.locked(tx, proposal_id)
    if proposal is None:
        raise ProposalUnknown
    _stand(proposal, wanted)
    return proposal


def _stand(proposal: Proposal, wanted: State) -> None:
    """Whether the step is possible. A proposal whose time is over is over, also before the job has said so."""
    late = proposal.is_open and proposal.expires_at <= clock.now()
    if late or not may_become(proposal.state, wanted):
        raise ProposalOver(state=State.EXPIRED if late else proposal.state)


async def _step(
    tx: Tx, actor: Actor, proposal: Proposal, state: State, note: str, effects: Json | None = None, *,
    capacities: tuple[str, ...] = (),
) -> Proposal:  # fmt: skip
    """Writes review, state and trail."""
    now = clock.now()
    await store.add_review(
        tx, proposal.id, str(actor), state, proposal.content_hash, proposal.preview_hash, note[:REASON_LENGTH_MAX], now,
        capacities,
    )  # fmt: skip
    await store.set_state(tx, proposal.id, state, now, effects)
    await audit.record(tx, actor, f"{proposal.kind}.{state}", f"proposal:{proposal.id}", note=note[:REASON_LENGTH_MAX])
    return await require(tx, proposal.id)


async def _renew(db: Db, actor: Actor, proposal_id: UUID, preview: Json) -> None:
    await db.run(_write_renewed, actor, proposal_id, preview)


async def _write_renewed(tx: Tx, actor: Actor, proposal_id: UUID, preview: Json) -> None:
    proposal = await store.locked(tx, proposal_id)
    if proposal is None or not proposal.is_open:
        raise ProposalOver(state=proposal.state if proposal else None)
    now, demand = clock.now(), _demand(kind(proposal.kind), proposal.payload, preview)
    await store.renew(tx, proposal_id, preview, hashed(preview), demand, now)
    await store.add_review(tx, proposal_id, str(actor), "renewed", proposal.content_hash, hashed(preview), "", now)


def _draft(proposal: Proposal) -> Draft:
    return Draft(proposal.id, proposal.payload, proposal.reason, proposal.proposed_by, proposal.approved_by)
