"""Campaigns: what runs, what waits for approval, drafts; one campaign with its versions and the button that stops it."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, changes
from holdfast.accounts import Role
from holdfast.campaigns import catalogued, drafts, envelopes, incidents, review, sentences, start
from holdfast.campaigns.model import CampaignUnknown, Content
from holdfast.campaigns.start_store import Running
from holdfast.kit import i18n
from holdfast.kit.problems import Conflict
from holdfast.web import charts, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access, campaigns_words
from .pages import add_problem, page

HERE = "/console/campaigns"
READERS = (Role.MARKETING, Role.FINANCE, Role.OPERATIONS, Role.ENGINEER)
MAKERS = (Role.MARKETING, Role.FINANCE)
STOPPERS = READERS
"""Stopping never waits for the right colleague."""
SHOWN = 20


async def overview(request: Request) -> Response:
    """``GET /console/campaigns``: what runs and what it has spent, what waits for approval, drafts, envelopes."""
    seen = await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        running = await start.newest(tx)
        waiting = [one for kind in review.KINDS for one in await changes.queue(tx, kind)]
        decided = [one for kind in review.KINDS for one in await changes.recent(tx, kind, SHOWN)]
        written = await drafts.open_ones(tx)
        usable = await envelopes.usable(tx)
    decided.sort(key=lambda one: one.state_since, reverse=True)
    return page(
        request, "campaigns.html", here=HERE, running=running, meters={one.version_id: spent(request, one) for one in running},
        waiting=waiting, decided=decided[:SHOWN], drafts=written, envelopes=usable, w=campaigns_words,
        may_make=seen.staff.may(*MAKERS),
    )  # fmt: skip


def spent(request: Request, one: Running) -> object:
    """How much of its budget is used, as a picture."""
    _ = speaker(request)
    title = f"{_('Spent')}{_(': ')}{i18n.pick(one.name, language(request))} ({one.campaign_id})"
    share = one.used_minor / one.budget_minor
    tone = "bad" if share >= 0.95 else "warn" if share >= 0.8 else "ok"
    return charts.meter(
        one.used_minor / 100, one.budget_minor / 100, title=title, locale=language(request), unit="¥", tone=tone
    )


async def campaign(request: Request) -> Response:
    """``GET /console/campaigns/{campaign}``: what it says, how it stands, who did what; one press stops it."""
    await access.require(request, *READERS)
    return await _campaign(request, Form({}))


async def _campaign(request: Request, form: Form) -> Response:
    seen = await access.require(request, *READERS)
    campaign_id: str = request.path_params["campaign"]
    async with sessions.database(request).reading() as tx:
        one = await start.running(tx, campaign_id)
        if one is None:
            written = [draft for draft in await drafts.open_ones(tx) if draft.campaign_id == campaign_id]
            if written:
                return sessions.see(f"{HERE}/drafts/{written[0].id}")
            raise CampaignUnknown
        content = msgspec.convert(one.content, Content)
        envelope = await envelopes.require(tx, one.envelope_id)
        stopped = await incidents.last_of(tx, one.version_id)
        steps = await accounts.trail(tx, subject=f"campaign:{campaign_id}", limit=SHOWN)
        names = catalogued.names(await catalogued.tickets(tx))
    return page(
        request, "campaigns_one.html", status=409 if form.wrong else 200, here=f"{HERE}/{campaign_id}", one=one, content=content,
        envelope=envelope, said=sentences.content_words(content, language(request), names), steps=steps, w=campaigns_words, form=form,
        meter=spent(request, one), stopped=stopped, may_make=seen.staff.may(*MAKERS),
    )  # fmt: skip


async def stop(request: Request) -> Response:
    """``POST /console/campaigns/{campaign}/stop``: stopped for everybody, at once, by one person, without approval."""
    seen = await access.require(request, *STOPPERS)
    form = Form(await sessions.typed(request))
    campaign_id: str = request.path_params["campaign"]
    try:
        await sessions.database(request).run(start.stop, seen.actor, campaign_id, form.value("reason").strip())
    except Conflict as problem:
        add_problem(form, problem, "reason")
        return await _campaign(request, form)
    return sessions.see(f"{HERE}/{campaign_id}")


routes = [
    Route(HERE, overview, methods=["GET"]),
    Route(f"{HERE}/{{campaign}}", campaign, methods=["GET"]),
    Route(f"{HERE}/{{campaign}}/stop", stop, methods=["POST"]),
]
