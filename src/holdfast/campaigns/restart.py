"""Beginning anew after a stop: a proposal like any start, by others than whoever stopped it. There is no timeout and no override.

    proposal = await restart.propose(db, actor, trip_id, reason)       # not by whoever stopped it
    await review.approve(db, other, proposal.id, proposal.shown, retyped)
    await changes.apply(db, actor, proposal.id)

The same words run again, from the first stage, with all watches at nought. Whoever approves types the figures again, blind, because
a stop may well mean that they were wrong. Another version of the campaign is the other way.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from holdfast import accounts, changes
from holdfast.kit import audit, clock, jobs
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.problems import Conflict, Denied

from . import envelopes, expecting, incidents, simulation, start
from . import incidents_store as store
from .incidents_store import Stop
from .model import Content, Gift

KIND = "campaign-restart"


class RestartOver(Conflict):
    """This does not stand stopped by that any more."""

    safe = "Nothing was changed."
    next_step = "Look at the campaign: it runs again, another version has taken its place, or it was stopped once more."


class StoppedByYou(Denied):
    """Whoever stopped a campaign does not let it begin anew."""

    safe = "Nothing was changed; the campaign stays stopped."
    next_step = "Ask a colleague to look at the incident and to propose it."


async def propose(db: Db, actor: Actor, trip_id: UUID, reason: str) -> changes.Proposal:
    """Asks the agreement of others that a stopped version runs again.

    StopUnknown; StoppedByYou; RestartOver; BacktestMissing, BacktestStale; LintRefused; OutsideEnvelope; EnvelopeSpent; StartTooLate; ReasonNeeded.
    """
    stop = await db.read(incidents.require, trip_id)
    if stop.by == str(actor):
        raise StoppedByYou
    expected = await db.read(_expected, stop.version_id)
    payload = {
        "campaign": stop.campaign_id, "version": str(stop.version_id), "trip": str(trip_id), "content": stop.content,
        "payer": stop.payer, "expected": expected,
    }  # fmt: skip
    return await changes.propose(db, actor, KIND, payload, reason)


async def _expected(tx: ReadTx, version_id: UUID) -> dict[str, Any]:
    """What was declared when the version was approved."""
    found: dict[str, Any] = (await changes.require(tx, version_id)).payload["expected"]
    return found


async def of_stop(tx: ReadTx, trip_id: UUID) -> list[changes.Proposal]:
    """The proposals to begin anew after a stop, the newest first."""
    found = [*await changes.queue(tx, KIND), *await changes.recent(tx, KIND)]
    mine = {one.id: one for one in found if one.payload["trip"] == str(trip_id)}
    return sorted(mine.values(), key=lambda one: one.proposed_at, reverse=True)


# The change


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    stop, now = await incidents.require(tx, UUID(draft.payload["trip"])), clock.now()
    if not stop.is_still:
        raise RestartOver
    if stop.ends_at <= now:
        raise start.StartTooLate
    content = msgspec.convert(stop.content, Content)
    await _require_money(tx, stop)
    shown = await _shown(tx, stop, content, draft.payload)
    is_gift = isinstance(content.effect, Gift)
    minor = None if is_gift else min(stop.budget_minor, expecting.CANARY_MINOR)
    if not await store.begin_anew(tx, stop.trip_id, minor, expecting.CANARY_COUNT, draft.proposed_by, draft.id, now):
        raise RestartOver
    await audit.record(
        tx, actor, "campaign.restarted", f"campaign:{stop.campaign_id}", version=str(stop.version_id), trip=str(stop.trip_id)
    )  # fmt: skip
    await jobs.emit(tx, "campaign.started", {"campaign_id": stop.campaign_id, "version_id": str(stop.version_id)})
    return {"version": str(stop.version_id), "shown": shown}


async def _require_money(tx: Tx, stop: Stop) -> None:
    """While it stood, others may have been promised what it had left. EnvelopeSpent."""
    await lock(tx, f"campaigns.envelope:{stop.envelope_id}")
    envelope = await envelopes.require(tx, stop.envelope_id)
    left = envelope.budget_minor - (await envelopes.committed(tx, stop.campaign_id)).get(envelope.id, 0)
    if left < stop.budget_minor - stop.used_minor:
        raise start.EnvelopeSpent(left_minor=left)


async def _shown(tx: ReadTx, stop: Stop, content: Content, payload: dict[str, Any]) -> dict[str, Any]:
    """What is approved: all that a start shows, and the stop. OutsideEnvelope: it would have gone beyond its envelope on past orders."""
    envelope, made = await envelopes.require(tx, stop.envelope_id), await simulation.require(tx, content.hash)
    if made.result.outside:
        raise start.OutsideEnvelope(orders=made.result.outside)
    forecast = expecting.forecast_of(content, envelope, made, msgspec.convert(payload["expected"], expecting.Expected))
    shown = await start.shown(tx, stop.campaign_id, content, envelope, made, forecast, None)
    told = {"id": str(stop.trip_id), "at": stop.at, "reason": stop.reason, "n": stop.n, "evidence": stop.evidence}
    return {**shown, "stop": told}


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    return dict(effects["shown"])


async def _version(tx: ReadTx, payload: dict[str, Any]) -> str:
    """The stop that it is about: one more, or another version, makes it another change."""
    stop = await incidents.require(tx, UUID(payload["trip"]))
    return f"{stop.version_id} {stop.epoch_now} {stop.is_still}"


def _demands(payload: dict[str, Any], preview: dict[str, Any]) -> changes.Demand:
    return start.demand(preview)


async def _approver(tx: ReadTx, actor: Actor, proposal: changes.Proposal) -> tuple[str, ...]:
    """A marketer or somebody of finance with the role for a day; not whoever stopped it, nor wrote its words."""
    stop = await incidents.require(tx, UUID(proposal.payload["trip"]))
    if stop.by == str(actor):
        raise StoppedByYou
    others = [proposal.proposed_by, stop.by, *await changes.agreed(tx, proposal)]
    capacities = await accounts.reviewer(tx, actor, start.MAKERS, others)
    start.require_hours(proposal)
    return capacities


changes.register(
    KIND, apply=_apply, preview=_preview, version=_version, ttl=start.TTL, demands=_demands, approver=_approver,
    approved_ttl=start.APPROVED_TTL, figures=start.figures,
)  # fmt: skip
