"""Starting: a draft becomes a proposal, an approved proposal becomes a version that runs, in its first small stage.

    proposal = await start.propose(db, actor, draft.id, expected, reason)   # needs a backtest of these very words
    await review.approve(db, other, proposal.id, proposal.shown, retyped)   # as many and whom the grade demands
    await changes.apply(db, actor, proposal.id)                             # within seven days, the backtest still fresh

What is approved: the content word for word, the backtest by its hash, the forecast, and what lint says against all that runs at
that moment. If any of it would be otherwise when it starts, the approval does not count (`changes.PreviewStale`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast import accounts, changes
from holdfast.accounts import Role
from holdfast.kit import audit, clock, jobs
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.problems import Conflict, Denied

from . import checking, codes, comparing, drafts, envelopes, expecting, guards, hours, lint, simulation
from . import drafts_store as drafting
from . import model as facts
from . import start_store as store
from .expecting import Expected
from .model import Content, Envelope, Gift, SingleCode
from .simulation_model import Simulation
from .start_store import Limits, Running
from .templates import TEMPLATES

KIND = "campaign-start"
TTL, APPROVED_TTL = timedelta(hours=72), timedelta(days=7)
MAKERS = (Role.MARKETING, Role.FINANCE)
OPENS, CLOSES = 9, 18


class OutsideEnvelope(Conflict):
    """On past orders this would have gone beyond its envelope."""

    safe = "Nothing was proposed; the draft is kept."
    next_step = "Look at the orders that the backtest names: lower the benefit, add a cap or narrow the conditions."


class EnvelopeSpent(Conflict):
    """Other campaigns have the rest of this envelope's money."""

    safe = "Nothing was started."
    next_step = "Choose a smaller budget or another envelope; finance can allow a new one."


class OutsideWorkingHours(Denied):
    """A campaign of high risk is approved in working hours only: Monday to Friday, 9 to 18 o'clock in Shanghai."""

    safe = "Nothing was changed; the proposal still waits."
    next_step = "Come back in working hours. Stopping a campaign is possible at any time."


class AlreadyStopped(Conflict):
    """Nothing of this campaign runs."""

    safe = "Nothing is granted with it."
    next_step = "Look at the campaign's page: it says who stopped it and when."


class StartTooLate(Conflict):
    """The time of this campaign is over already."""

    safe = "Nothing was started."
    next_step = "Take the draft up again with a later end, and propose it."


def figures(payload: dict[str, Any]) -> dict[str, str]:
    """What whoever approves types again: amount, unit, cap (empty: none) and who pays."""
    content = msgspec.convert(payload["content"], Content)
    amount, unit, cap = facts.figures(content.effect)
    return {"amount": str(amount), "unit": unit, "cap": "" if cap is None else str(cap), "payer": payload["payer"]}


async def propose(db: Db, actor: Actor, draft_id: UUID, expected: Expected, reason: str) -> changes.Proposal:
    """Asks for the agreement of others to start what a draft says.

    DraftUnknown, DraftOver, DraftIncomplete; LintRefused; BacktestMissing, BacktestStale; OutsideEnvelope; InvalidInput of
    `expected`; ReasonNeeded. The draft stays as it is from then on.
    """
    draft = await db.read(drafts.require, draft_id)
    if not draft.is_open:
        raise drafts.DraftOver
    content = drafts.content_of(draft)
    expecting.check(content, expected)
    envelope = await db.read(envelopes.require, content.envelope_id)
    payload = {
        "campaign": draft.campaign_id, "draft": str(draft.id), "content": msgspec.to_builtins(content), "payer": envelope.payer,
        "expected": msgspec.to_builtins(expected),
    }  # fmt: skip
    proposal = await changes.propose(db, actor, KIND, payload, reason)
    await db.run(_note_proposal, actor, draft_id, proposal.id)
    return proposal


async def _note_proposal(tx: Tx, actor: Actor, draft_id: UUID, proposal_id: UUID) -> None:
    """Of two who propose a draft at once, the second finds it proposed."""
    if not await drafting.set_proposal(tx, draft_id, proposal_id):
        await changes.withdraw(tx, actor, proposal_id)


async def stop(tx: Tx, actor: Actor, campaign_id: str, reason: str = "") -> UUID:
    """Stops what runs of a campaign, now and for everybody; the version. One person suffices and nobody is asked.

    What was granted stays granted; starting again needs a new approval. CampaignUnknown; AlreadyStopped.
    """
    version_id = await store.stop(tx, campaign_id, str(actor), reason[:500], clock.now())
    if version_id is None:
        if not await store.is_known(tx, campaign_id):
            raise facts.CampaignUnknown
        raise AlreadyStopped
    await audit.record(
        tx, actor, "campaign.stopped", f"campaign:{campaign_id}", version=str(version_id), reason=reason[:500]
    )
    await jobs.emit(tx, "campaign.stopped", {"campaign_id": campaign_id, "version_id": str(version_id)})
    return version_id


async def running(tx: ReadTx, campaign_id: str) -> Running | None:
    """The newest started version of a campaign, whatever became of it."""
    return await store.running(tx, campaign_id)


async def newest(tx: ReadTx, limit: int = 100) -> list[Running]:
    """The newest version of each campaign that was ever started, those that run first."""
    return await store.newest(tx, limit)


# The change


async def _apply(tx: Tx, actor: Actor, draft: changes.Draft) -> dict[str, Any]:
    """The version, and its row in the first stage; whatever ran of the campaign before ends in the same moment."""
    content = msgspec.convert(draft.payload["content"], Content)
    expected = msgspec.convert(draft.payload["expected"], Expected)
    campaign_id, now = str(draft.payload["campaign"]), clock.now()
    await lock(tx, f"campaigns.campaign:{campaign_id}", f"campaigns.envelope:{content.envelope_id}")
    envelope = await envelopes.require(tx, content.envelope_id)
    made = await simulation.require(tx, content.hash)
    left = envelope.budget_minor - (await envelopes.committed(tx, campaign_id)).get(envelope.id, 0)
    if left < min(content.limits.budget_minor, envelope.budget_minor):
        raise EnvelopeSpent(left_minor=left)
    if made.result.outside:
        raise OutsideEnvelope(orders=made.result.outside)
    if min(content.schedule.until_at, envelope.valid_until) <= max(now, content.schedule.from_at):
        raise StartTooLate
    if draft.payload["payer"] != envelope.payer:
        raise changes.BaseMoved
    before = await store.running(tx, campaign_id)
    forecast = expecting.forecast_of(content, envelope, made, expected)
    said = await shown(tx, campaign_id, content, envelope, made, forecast, before)
    n = await store.last_n(tx, campaign_id) + 1
    if before is not None:
        await store.end(tx, before.version_id, now)
    await store.insert_version(
        tx, draft.id, campaign_id, n, draft.payload["content"], content.hash, envelope.id, draft.proposed_by, now
    )
    watch = guards.watch(forecast, is_gift=isinstance(content.effect, Gift))
    limits = _limits(content, envelope, expected, now)
    await store.insert_running(
        tx, draft.id, campaign_id, limits, watch, now, has_clock=hours.has_clock(content.schedule)
    )
    if hours.has_clock(content.schedule):
        await store.insert_windows(
            tx, draft.id, hours.windows(content.schedule, limits.starts_at - hours.MARK, limits.ends_at)
        )
    if isinstance(content.codes, SingleCode):
        uses = content.limits.budget_count or codes.SINGLE_USES_MAX
        await codes.make_single(tx, actor, campaign_id, content.codes.code, uses=uses)
    await store.move_epoch(tx)
    await audit.record(tx, actor, "campaign.started", f"campaign:{campaign_id}", version=str(draft.id), n=n)
    await jobs.emit(tx, "campaign.started", {"campaign_id": campaign_id, "version_id": str(draft.id)})
    return {"version": str(draft.id), "n": n, "shown": said}


async def shown(
    tx: ReadTx, campaign_id: str, content: Content, envelope: Envelope, made: Simulation, forecast: guards.Forecast,
    before: Running | None,
) -> dict[str, Any]:  # fmt: skip
    """What is approved: hashes, forecast, what lint says, the figures, and what differs from before. LintRefused."""
    bounds = expecting.guarded(content, envelope, forecast)
    report = lint.require(await checking.check(tx, campaign_id, content, envelope, bounds.minute_minor))
    last = msgspec.convert(before.content, Content) if before is not None else None
    template = TEMPLATES.get(content.template or "")
    return {
        "content_hash": content.hash.hex(),
        "simulation": {"hash": made.result_hash.hex(), "dataset": made.dataset_hash.hex(), "made_at": made.made_at, "scope": made.scope},
        "forecast": forecast, "guarded": bounds, "grade": report.grade, "findings": report.findings, "worst": report.worst,
        "previous": None if before is None else {"version": str(before.version_id), "n": before.n},
        "before": comparing.differences(last, content),
        "template": comparing.from_template(template, content) if template else [],
    }  # fmt: skip


def _limits(content: Content, envelope: Envelope, expected: Expected, now: datetime) -> Limits:
    limits = content.limits
    budget = min(limits.budget_minor, envelope.budget_minor)
    is_gift = isinstance(content.effect, Gift)
    return Limits(
        starts_at=max(now, content.schedule.from_at), ends_at=min(content.schedule.until_at, envelope.valid_until),
        max_minor=envelope.max_minor, max_bp=envelope.max_bp, kinds=envelope.kinds, channels=envelope.channels,
        budget_minor=budget, budget_count=limits.budget_count, day_minor=limits.per_day_minor, per_person=limits.per_person,
        stage_minor=None if is_gift else min(budget, expecting.CANARY_MINOR), stage_count=expecting.CANARY_COUNT,
        pushes=[one.wire for one in expected.pushes],
    )  # fmt: skip


async def _preview(tx: ReadTx, draft: changes.Draft, effects: dict[str, Any]) -> dict[str, Any]:
    return dict(effects["shown"])


async def _version(tx: ReadTx, payload: dict[str, Any]) -> str:
    """What ran of the campaign before: whoever starts another version meanwhile makes it another change."""
    before = await store.running(tx, str(payload["campaign"]))
    return "nothing" if before is None else f"{before.version_id} {before.is_live}"


def _demands(payload: dict[str, Any], preview: dict[str, Any]) -> changes.Demand:
    return demand(preview)


def demand(preview: dict[str, Any]) -> changes.Demand:
    """Whose agreement a campaign of this grade of risk needs."""
    grade: lint.Grade = preview["grade"]
    return lint.DEMANDS[grade]


async def _approver(tx: ReadTx, actor: Actor, proposal: changes.Proposal) -> tuple[str, ...]:
    """Nobody who wrote the draft; a marketer or somebody of finance with the role for a day; of high risk, when all are at work."""
    draft = await drafts.require(tx, UUID(proposal.payload["draft"]))
    if str(actor) in draft.editors:
        raise changes.SamePerson
    others = [proposal.proposed_by, *draft.editors, *await changes.agreed(tx, proposal)]
    capacities = await accounts.reviewer(tx, actor, MAKERS, others)
    require_hours(proposal)
    return capacities


def require_hours(proposal: changes.Proposal) -> None:
    """OutsideWorkingHours for what is of high risk."""
    if proposal.preview["grade"] == "G3" and not _is_working_time(clock.now()):
        raise OutsideWorkingHours


def _is_working_time(now: datetime) -> bool:
    """Monday to Friday, nine to six, in Shanghai."""
    local = now.astimezone(simulation.HOME)
    return local.isoweekday() <= 5 and OPENS <= local.hour < CLOSES


changes.register(
    KIND, apply=_apply, preview=_preview, version=_version, ttl=TTL, demands=_demands, approver=_approver,
    approved_ttl=APPROVED_TTL, figures=figures,
)  # fmt: skip
