"""Campaigns, for programs of staff: drafts, backtests, proposals, approval by typing the figures again, starting and stopping.

The same people may do the same here as at the console: an approval by a program counts as that of the member of staff who answers
for its token, and nobody approves what they proposed or wrote.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import msgspec

from holdfast import accounts, changes
from holdfast.api import openapi
from holdfast.api.endpoint import Answered, Call, Endpoint
from holdfast.campaigns import checking, drafts, envelopes, expecting, lint, review, start
from holdfast.campaigns.model import CampaignUnknown, Content
from holdfast.campaigns.simulation_model import BacktestMissing, BacktestStale, Simulation
from holdfast.campaigns.start_store import Running
from holdfast.kit import idempotency
from holdfast.kit.actor import Actor
from holdfast.kit.db import Tx, lock
from holdfast.kit.money import Money
from holdfast.kit.problems import InvalidInput
from holdfast.orders import backtest as backtests

from .refunds import identified
from .texts import Text, text

ROOT = "/api/v1/campaigns"
openapi.PARAMETERS.update(
    draft={"description": "The draft's identifier.", "example": "0198c5a2-7d3c-7c1e-9b6a-3f2d5e8a1c47"},
    proposal={"description": "The proposal's identifier.", "example": "0198c5a2-8a10-7f3b-a2c4-5d6e7f809112"},
    campaign={"description": "The campaign's short name.", "example": "spring-2027"},
)
DRAFT, PROPOSAL = f"{ROOT}/drafts/{{draft}}", f"{ROOT}/proposals/{{proposal}}"
READERS = ("marketing", "finance", "operations", "engineer")
MAKERS = ("marketing", "finance")


class CampaignAnswer(msgspec.Struct, frozen=True):
    """The newest started version of a campaign. `state`: canary, ramping, live, paused, tripped (stopped) or ended.

    `used` goes beyond `budget` by nothing but `late`: orders that had run out or were cut, and stand after all.
    """

    campaign: str
    name: Text
    version: int
    version_id: UUID
    state: str
    since: datetime
    starts_at: datetime
    ends_at: datetime
    budget: Money
    used: Money
    redemptions: int
    stage: int
    late: Money


class CampaignList(msgspec.Struct, frozen=True):
    """Those that run first."""

    campaigns: list[CampaignAnswer]


class NewDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a version of a campaign would say."""

    campaign: Annotated[str, msgspec.Meta(min_length=3, max_length=40)]
    content: Content


class FindingAnswer(msgspec.Struct, frozen=True):
    """refuses: it cannot be proposed so; raises: more people must agree; tells: to know."""

    field: str
    code: str
    severity: str
    message: dict[str, str]
    next_step: dict[str, str]


class DraftAnswer(msgspec.Struct, frozen=True):
    """A draft, what was found in it, and its grade of risk: so many people must agree."""

    id: UUID
    campaign: str
    content_hash: str
    grade: str
    people_needed: int
    findings: list[FindingAnswer]


class BacktestWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Over the orders of so many days."""

    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 30


class BacktestAnswer(msgspec.Struct, frozen=True):
    """What the draft would have done to past orders. Money in minor units; `outside`: orders beyond the envelope; `share`: of the
    `offered`, those placed at its weekdays and hours."""

    hash: str
    orders: int
    offered: int
    matched: int
    share: float
    total_minor: int
    most_minor: int
    outside: int
    people: int
    hourly_minor: list[int]
    made_at: datetime


class NewProposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and what the past cannot know."""

    reason: Annotated[str, msgspec.Meta(min_length=4, max_length=500)]
    expected: expecting.Expected = expecting.Expected()


class ProposalAnswer(msgspec.Struct, frozen=True):
    """A proposal of a campaign or an envelope. `shown` stands for exactly this content and preview: an approval names it."""

    id: UUID
    kind: str
    state: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    shown: str
    people_needed: int
    capacities_needed: list[str]
    agreed: int
    payload: dict[str, Any]
    preview: dict[str, Any]


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The figures once more, as a person types them: yuan or percent; `cap` empty when there is none. A slip rejects the proposal."""

    shown: str
    amount: str
    unit: str
    cap: str
    payer: str
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, if there is time to say it."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


async def listed(call: Call) -> CampaignList:
    """Every campaign that was ever started, in its newest version."""
    return CampaignList([_campaign(one) for one in await call.db.read(start.newest)])


def _campaign(one: Running) -> CampaignAnswer:
    return CampaignAnswer(
        one.campaign_id, text(one.name), one.n, one.version_id, one.state, one.state_since, one.starts_at, one.ends_at,
        Money(one.budget_minor), Money(one.used_minor), one.used_count, one.stage, Money(one.late_minor),
    )  # fmt: skip


async def draft(call: Call) -> Answered:
    """Keeps a draft. Repeating it under its key keeps one."""
    body: NewDraft = call.body
    draft_id = await call.db.run(_draft, call.actor, call.key, body)
    return Answered(await _told(call, draft_id), [(b"location", f"{ROOT}/drafts/{draft_id}".encode())])


async def _draft(tx: Tx, actor: Actor, key: str, body: NewDraft) -> UUID:
    assert actor.account_id is not None
    asked = sha256(msgspec.json.encode(body)).digest()
    await lock(tx, f"campaign-draft:{actor.account_id}:{key}")
    if known := await idempotency.recall(tx, actor.account_id, key, asked):
        return UUID(known["draft_id"])
    await envelopes.require(tx, body.content.envelope_id)
    made = await drafts.begin(tx, actor, body.campaign, {}, body.content)
    await idempotency.remember(tx, actor.account_id, key, asked, {"draft_id": str(made.id)})
    return made.id


async def _told(call: Call, draft_id: UUID) -> DraftAnswer:
    async with call.db.reading() as tx:
        found = await drafts.require(tx, draft_id)
        content = drafts.content_of(found)
        envelope = await envelopes.require(tx, content.envelope_id)
        report = await checking.check(tx, found.campaign_id, content, envelope)
    return DraftAnswer(
        found.id, found.campaign_id, content.hash.hex(), report.grade, report.demand.people,
        [FindingAnswer(one.field, one.code, one.severity, one.message, one.next_step) for one in report.findings],
    )  # fmt: skip


async def one_draft(call: Call) -> DraftAnswer:
    """A draft, checked among all that is on offer now."""
    return await _told(call, identified(call.path("draft"), drafts.DraftUnknown))


async def backtest(call: Call) -> BacktestAnswer:
    """Tries a draft on past orders, by the code that prices bookings."""
    wish: BacktestWish = call.body or BacktestWish()
    found = await call.db.read(drafts.require, identified(call.path("draft"), drafts.DraftUnknown))
    made = await backtests.run(call.db, call.actor, found.campaign_id, drafts.content_of(found), days=wish.days)
    return _backtest(made)


def _backtest(made: Simulation) -> BacktestAnswer:
    result = made.result
    return BacktestAnswer(
        made.result_hash.hex(), result.orders, result.offered, result.matched, result.share, result.total_minor, result.most_minor, result.outside,
        result.people, result.hourly_minor, made.made_at,
    )  # fmt: skip


async def propose(call: Call) -> Answered:
    """Asks for the agreement of others. A draft is proposed once."""
    body: NewProposal = call.body
    draft_id = identified(call.path("draft"), drafts.DraftUnknown)
    made = await start.propose(call.db, call.actor, draft_id, body.expected, body.reason)
    return Answered(await _proposal(call, made.id), [(b"location", f"{ROOT}/proposals/{made.id}".encode())])


async def proposal(call: Call) -> ProposalAnswer:
    """What would start, and how far it is."""
    return await _proposal(call, identified(call.path("proposal"), review.NotOfCampaigns))


async def _proposal(call: Call, proposal_id: UUID) -> ProposalAnswer:
    async with call.db.reading() as tx:
        one = await changes.require(tx, proposal_id)
        if one.kind not in review.KINDS:
            raise review.NotOfCampaigns
        given = await changes.agreed(tx, one)
    return ProposalAnswer(
        one.id, one.kind, one.state, one.reason, one.proposed_by, one.proposed_at, one.expires_at, one.shown, one.people_needed,
        list(one.capacities_needed), len(given), one.payload, one.preview,
    )  # fmt: skip


async def approve(call: Call) -> ProposalAnswer:
    """Agrees as the member of staff who answers for the token; a slip in the figures rejects the proposal."""
    body: Approval = call.body
    proposal_id = identified(call.path("proposal"), review.NotOfCampaigns)
    typed = review.Retyped(body.amount, body.unit, body.cap, body.payer)
    await review.approve(call.db, call.actor, proposal_id, body.shown, typed, body.note)
    return await _proposal(call, proposal_id)


async def begin(call: Call) -> ProposalAnswer:
    """Starts what was approved, in its first small stage; puts an envelope into force."""
    proposal_id = identified(call.path("proposal"), review.NotOfCampaigns)
    await _proposal(call, proposal_id)
    await changes.apply(call.db, call.actor, proposal_id)
    return await _proposal(call, proposal_id)


async def stop(call: Call) -> CampaignAnswer:
    """Stops a campaign for everybody, at once. One person suffices."""
    wish: Stop = call.body or Stop()
    campaign_id = call.path("campaign")
    await call.db.run(start.stop, call.actor, campaign_id, wish.reason)
    found = await call.db.read(start.running, campaign_id)
    assert found is not None, "it was stopped a moment ago"
    return _campaign(found)


_STARTING = (
    BacktestMissing,
    BacktestStale,
    envelopes.EnvelopeUnknown,
    start.OutsideEnvelope,
    start.EnvelopeSpent,
    start.StartTooLate,
    lint.LintRefused,
)
_ENVELOPE = "0198c5a2-7d3c-7c1e-9b6a-3f2d5e8a1c47"
_CONTENT = {
    "names": {"zh": "春到博物馆", "en": "Spring at the museum"},
    "sentence": {"zh": "博物馆门票九折，最多减20元。", "en": "10% off museum tickets, at most 20 yuan."},
    "effect": {"type": "percent", "share_bp": 1000, "cap_minor": 2000},
    "limits": {"budget_minor": 500_000, "per_day_minor": 100_000, "per_person": 2},
    "schedule": {"from_at": "2027-03-01T00:00:00+08:00", "until_at": "2027-03-31T00:00:00+08:00"},
    "envelope_id": _ENVELOPE,
    "stacking": {"group": "general", "combines": "alone"},
    "channels": ["web"],
    "scope": {"op": "in", "field": "kind", "values": ["museum"]},
    "when": {"op": "gte", "field": "scope_minor", "value": 5000},
}
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path=ROOT, name="campaigns", summary="Campaigns that were started", who=READERS, answer=CampaignList,
        handler=listed,
    ),
    Endpoint(
        method="POST", path=f"{ROOT}/drafts", name="campaign-drafts", summary="Write a draft of a campaign", who=MAKERS,
        body=NewDraft, answer=DraftAnswer, status=201, needs_key=True, problems=(envelopes.EnvelopeUnknown, InvalidInput),
        handler=draft, example={"campaign": "spring-2027", "content": _CONTENT},
    ),
    Endpoint(
        method="GET", path=DRAFT, name="campaign-draft", summary="A draft, checked", who=READERS, answer=DraftAnswer,
        problems=(drafts.DraftUnknown, drafts.DraftIncomplete, envelopes.EnvelopeUnknown), handler=one_draft,
    ),
    Endpoint(
        method="POST", path=f"{DRAFT}/backtest", name="campaign-backtest", summary="Try a draft on past orders", who=MAKERS,
        body=BacktestWish, body_optional=True, answer=BacktestAnswer,
        problems=(drafts.DraftUnknown, drafts.DraftIncomplete, envelopes.EnvelopeUnknown), handler=backtest, example={"days": 30},
    ),
    Endpoint(
        method="POST", path=f"{DRAFT}/proposal", name="campaign-proposal", summary="Propose a draft", who=MAKERS, body=NewProposal,
        answer=ProposalAnswer, status=201, handler=propose, example={"reason": "spring in Nanjing"},
        problems=(drafts.DraftUnknown, drafts.DraftOver, drafts.DraftIncomplete, *_STARTING, changes.ReasonNeeded, InvalidInput),
    ),
    Endpoint(
        method="GET", path=PROPOSAL, name="campaign-proposal-one", summary="A proposal, and how far it is", who=READERS,
        answer=ProposalAnswer, problems=(review.NotOfCampaigns, changes.ProposalUnknown), handler=proposal,
    ),
    Endpoint(
        method="POST", path=f"{PROPOSAL}/approval", name="campaign-approval", summary="Approve by typing the figures again",
        who=MAKERS, body=Approval, answer=ProposalAnswer, handler=approve,
        problems=(
            review.NotOfCampaigns, changes.ProposalUnknown, changes.ProposalOver, changes.SamePerson, changes.AlreadyAgreed,
            changes.PreviewStale, changes.BaseMoved, changes.FiguresDiffer, accounts.RoleTooNew, accounts.NamesakeProposed,
            start.OutsideWorkingHours, *_STARTING, InvalidInput,
        ),
        example={"shown": "…", "amount": "10", "unit": "percent", "cap": "20", "payer": "platform"},
    ),
    Endpoint(
        method="POST", path=f"{PROPOSAL}/start", name="campaign-start", summary="Start what was approved", who=MAKERS,
        answer=ProposalAnswer, handler=begin,
        problems=(
            review.NotOfCampaigns, changes.ProposalUnknown, changes.ProposalOver, changes.PreviewStale, changes.BaseMoved, *_STARTING,
        ),
    ),
    Endpoint(
        method="POST", path=f"{ROOT}/{{campaign}}/stop", name="campaign-stop", summary="Stop a campaign at once", who=READERS,
        body=Stop, body_optional=True, answer=CampaignAnswer, problems=(CampaignUnknown, start.AlreadyStopped), handler=stop,
        example={"reason": "too much money"},
    ),
)  # fmt: skip
