"""Proposals of campaigns and envelopes: all that a reviewer sees, and the approval on a page of its own that shows no figures."""

from __future__ import annotations

import functools
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, changes
from holdfast.accounts import Role
from holdfast.campaigns import (
    catalogued,
    drafts,
    envelopes,
    expecting,
    incidents,
    restart,
    review,
    sentences,
    simulation,
    start,
    worst,
)
from holdfast.campaigns.comparing import CONDITIONS, Difference
from holdfast.campaigns.model import Content
from holdfast.campaigns.nodes import Condition
from holdfast.campaigns.words import Names, words
from holdfast.catalogue import KINDS
from holdfast.kit import i18n
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Conflict, Denied, Invalid, NotFound, Problem
from holdfast.orders import backtest as backtests
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access, campaigns_form, campaigns_pictures, campaigns_words
from .campaigns import HERE, MAKERS, READERS
from .pages import add_problem, page, read_reason

PROPOSALS, ENVELOPES = f"{HERE}/proposals", f"{HERE}/envelopes"
APPROVERS = (Role.MARKETING, Role.FINANCE)
STARTS = (start.KIND, restart.KIND)


async def proposal(request: Request) -> Response:
    """``GET /console/campaigns/proposals/{id}``: what would start, who has agreed, and what can be done with it."""
    await access.require(request, *READERS)
    return await _proposal(request, _form(request, {}))


async def _proposal(request: Request, form: Form, wrong: str = "") -> Response:
    seen = await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        one = await _require(tx, sessions.id_in(request))
        steps = await changes.reviews(tx, one.id)
        people = {actor: await accounts.name_of(tx, actor) for actor in {one.proposed_by, *(step.by for step in steps)}}
        about = await _about_start(tx, request, one) if one.kind in STARTS else _about_envelope(one)
        if one.kind == restart.KIND:
            about["stop"] = await incidents.require(tx, UUID(one.payload["trip"]))
    return page(
        request, "campaigns_proposal.html", status=409 if form.wrong else 200, here=f"{PROPOSALS}/{one.id}", one=one, steps=steps,
        people=people, form=form, wrong=wrong, w=campaigns_words, kinds=KINDS, may_act=seen.staff.may(*MAKERS),
        mine=one.proposed_by == str(seen.actor), agreed=[step for step in steps if step.verdict in ("agreed", "approved")], **about,
    )  # fmt: skip


async def _about_start(tx: ReadTx, request: Request, one: changes.Proposal) -> dict[str, Any]:
    """The parts of the page that show a campaign."""
    content = msgspec.convert(one.payload["content"], Content)
    envelope = await envelopes.require(tx, content.envelope_id)
    names = catalogued.names(await catalogued.tickets(tx))
    envelope_names = {str(known.id): known.name for known in await envelopes.newest(tx)}
    said = functools.partial(_said, language(request), names, envelope_names)
    made = await simulation.of_hash(tx, bytes.fromhex(one.preview["simulation"]["hash"]))
    return {
        "content": content, "envelope": envelope, "said": sentences.content_words(content, language(request), names),
        "made": made, "pictures": campaigns_pictures.of(request, made.result),
        "worst": msgspec.convert(one.preview["worst"], worst.Worst), "findings": one.preview["findings"],
        "bounds": msgspec.convert(one.preview["guarded"], expecting.Guarded), "grade": one.preview["grade"],
        "expected": msgspec.convert(one.payload["expected"], expecting.Expected), "forecast": one.preview["forecast"],
        "before": said(one.preview["before"]), "of_template": said(one.preview["template"]),
    }  # fmt: skip


def _said(
    locale: str, names: Names, envelope_names: dict[str, dict[str, str]], found: list[dict[str, Any]]
) -> list[Difference]:
    """Differences with conditions as sentences and envelopes by name, as people read them."""

    def words_of(field: str, value: Any) -> Any:
        if value is None:
            return None
        if field in CONDITIONS:
            return words(msgspec.convert(value, Condition), locale, names)
        return i18n.pick(envelope_names.get(str(value), {}), locale) or value if field == "envelope_id" else value

    return [
        msgspec.structs.replace(one, before=words_of(one.field, one.before), after=words_of(one.field, one.after))
        for one in msgspec.convert(found, list[Difference])
    ]


def _about_envelope(one: changes.Proposal) -> dict[str, Any]:
    return {"wish": msgspec.convert(one.payload["wish"], envelopes.Wish), "made": None}


async def _require(tx: ReadTx, proposal_id: UUID) -> changes.Proposal:
    found = await changes.require(tx, proposal_id)
    if found.kind not in review.KINDS:
        raise review.NotOfCampaigns
    return found


async def approval(request: Request) -> Response:
    """``GET /console/campaigns/proposals/{id}/approval``: asks for the figures and shows none of them."""
    await access.require(request, *APPROVERS)
    return await _approval(request, _form(request, {}))


async def _approval(request: Request, form: Form) -> Response:
    """Nothing of the content is given to the template: what is not there cannot be shown."""
    one = await sessions.database(request).read(_require, sessions.id_in(request))
    shown = form.value("shown") or one.shown
    return page(
        request, "campaigns_approval.html", status=422 if form.wrong else 200, here=f"{PROPOSALS}/{one.id}/approval", form=form,
        url=f"{PROPOSALS}/{one.id}", shown=shown, is_open=one.is_open, is_envelope=one.kind == envelopes.KIND, units=campaigns_words.UNITS,
        payers=campaigns_words.PAYERS,
    )  # fmt: skip


async def approve(request: Request) -> Response:
    """``POST /console/campaigns/proposals/{id}/approval``: agrees, if the figures are the proposed ones; else it is rejected."""
    seen = await access.require(request, *APPROVERS)
    form = _form(request, await sessions.typed(request))
    unit = form.value("unit")
    try:
        typed = review.Retyped(form.value("amount"), unit, form.value("cap"), form.value("payer"))
        await review.approve(
            sessions.database(request),
            seen.actor,
            sessions.id_in(request),
            form.value("shown"),
            typed,
            form.value("note")[:500],
        )
    except Invalid as problem:
        add_problem(form, problem, "amount")
        return await _approval(request, form)
    except (Conflict, Denied) as problem:
        form.values.clear()
        return await _refused(request, form, "approval", problem)
    return sessions.see(f"{PROPOSALS}/{sessions.id_in(request)}")


async def begin(request: Request) -> Response:
    """``POST /console/campaigns/proposals/{id}/start``: starts what was approved (an envelope: puts it into force)."""
    seen = await access.require(request, *MAKERS)
    form = _form(request, await sessions.typed(request))
    db = sessions.database(request)
    one = await db.read(_require, sessions.id_in(request))
    try:
        await changes.apply(db, seen.actor, one.id)
    except (Conflict, Denied, NotFound) as problem:
        return await _refused(request, form, "start", problem)
    return sessions.see(f"{HERE}/{one.payload['campaign']}" if one.kind in STARTS else ENVELOPES)


async def run_backtest(request: Request) -> Response:
    """``POST /console/campaigns/proposals/{id}/backtest``: a newer one of the same words; what it shows must be approved anew."""
    seen = await access.require(request, *MAKERS)
    db = sessions.database(request)
    one = await db.read(_require, sessions.id_in(request))
    if one.kind in STARTS and one.is_open:
        content = msgspec.convert(one.payload["content"], Content)
        await backtests.run(db, seen.actor, str(one.payload["campaign"]), content)
        await changes.renew(db, seen.actor, one.id)
    return sessions.see(f"{PROPOSALS}/{one.id}")


async def reject(request: Request) -> Response:
    """``POST /console/campaigns/proposals/{id}/rejection``: another person says no, with a reason."""
    return await _end(request, "rejection")


async def withdraw(request: Request) -> Response:
    """``POST /console/campaigns/proposals/{id}/withdrawal``: taken back before it was done."""
    return await _end(request, "withdrawal")


async def _end(request: Request, verb: str) -> Response:
    seen = await access.require(request, *MAKERS)
    form = _form(request, await sessions.typed(request))
    reason, db = read_reason(form), sessions.database(request)
    one = await db.read(_require, sessions.id_in(request))
    if form.wrong:
        return await _proposal(request, form, verb)
    try:
        await db.run(changes.reject if verb == "rejection" else changes.withdraw, seen.actor, one.id, reason)
    except (Conflict, Denied) as problem:
        return await _refused(request, form, verb, problem)
    return sessions.see(f"{PROPOSALS}/{one.id}")


async def again(request: Request) -> Response:
    """``POST /console/campaigns/proposals/{id}/again``: the words of a proposal in a new draft."""
    seen = await access.require(request, *MAKERS)
    db = sessions.database(request)
    one = await db.read(_require, sessions.id_in(request))
    if one.kind != start.KIND:
        raise review.NotOfCampaigns
    made = await db.run(drafts.again, seen.actor, UUID(one.payload["draft"]))
    return sessions.see(f"{HERE}/drafts/{made.id}")


async def _refused(request: Request, form: Form, wrong: str, problem: Problem) -> Response:
    add_problem(form, problem, "reason")
    return await _proposal(request, form, wrong)


# Envelopes


async def all_envelopes(request: Request) -> Response:
    """``GET /console/campaigns/envelopes``: what finance has allowed, and the form that asks for more."""
    await access.require(request, *READERS)
    return await _envelopes(request, _form(request, {}))


async def _envelopes(request: Request, form: Form) -> Response:
    seen = await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        found = await envelopes.newest(tx)
        spent = await envelopes.spent(tx)
        waiting = await changes.queue(tx, envelopes.KIND)
    return page(
        request, "campaigns_envelopes.html", status=422 if form.wrong else 200, here=ENVELOPES, form=form, found=found, spent=spent,
        waiting=waiting, w=campaigns_words, kinds=KINDS, may_make=seen.staff.may(*MAKERS),
    )  # fmt: skip


async def propose_envelope(request: Request) -> Response:
    """``POST /console/campaigns/envelopes``: asks finance; somebody else of finance approves it."""
    seen = await access.require(request, *MAKERS)
    form = _form(request, await sessions.typed(request))
    reason, wish = read_reason(form), _wish(form)
    if form.wrong or wish is None:
        return await _envelopes(request, form)
    try:
        made = await envelopes.propose(sessions.database(request), seen.actor, wish, reason)
    except (Conflict, Invalid) as problem:
        add_problem(form, problem, "reason")
        return await _envelopes(request, form)
    return sessions.see(f"{PROPOSALS}/{made.id}")


def _wish(form: Form) -> envelopes.Wish | None:
    most, bp, budget = (
        campaigns_form.money(form, name, needed=True) for name in ("max_minor", "max_bp", "budget_minor")
    )
    until = campaigns_form.moment(form, "valid_until")
    kinds = [name for name in KINDS if form.value(f"kind.{name}")]
    channels = [name for name in campaigns_form.CHANNELS if form.value(f"channel.{name}")]
    for name, chosen in (("kinds", kinds), ("channels", channels)):
        if not chosen:
            form.add(name, "Choose at least one.")
    if form.value("payer") not in envelopes.PAYERS:
        form.add("payer", "Choose who pays.")
    for name, value in (("max_minor", most), ("max_bp", bp), ("budget_minor", budget)):
        if value == 0 or (name == "max_bp" and (value or 0) > 10_000):
            form.add(name, "Write more than 0, of percent at most 100.")
    if form.wrong:
        return None
    texts = {
        name: {tongue: " ".join(form.value(f"{name}_{tongue}").split()) for tongue in ("zh", "en")}
        for name in ("name", "label")
    }
    return msgspec.convert(
        {**texts, "payer": form.value("payer"), "agreement": form.value("agreement").strip() or None, "max_minor": most, "max_bp": bp,
         "kinds": kinds, "channels": channels, "budget_minor": budget, "valid_until": until},
        envelopes.Wish,
    )  # fmt: skip


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "amount": _("Amount"), "unit": _("Unit"), "cap": _("Cap an order"), "payer": _("Who pays"), "reason": _("Reason"),
        "name": _("Name"), "label": _("Label"), "agreement": _("Agreement"), "max_minor": _("The most an order gets"),
        "max_bp": _("At most so many percent"), "kinds": _("Kinds of venue"), "channels": _("Booking channels"), "budget_minor": _("Budget"),
        "valid_until": _("Valid until"),
    }  # fmt: skip
    return Form(values, labels=labels)


routes = [
    Route(ENVELOPES, all_envelopes, methods=["GET"]),
    Route(ENVELOPES, propose_envelope, methods=["POST"]),
    Route(f"{PROPOSALS}/{{id}}", proposal, methods=["GET"]),
    Route(f"{PROPOSALS}/{{id}}/approval", approval, methods=["GET"]),
    Route(f"{PROPOSALS}/{{id}}/approval", approve, methods=["POST"]),
    Route(f"{PROPOSALS}/{{id}}/start", begin, methods=["POST"]),
    Route(f"{PROPOSALS}/{{id}}/backtest", run_backtest, methods=["POST"]),
    Route(f"{PROPOSALS}/{{id}}/rejection", reject, methods=["POST"]),
    Route(f"{PROPOSALS}/{{id}}/withdrawal", withdraw, methods=["POST"]),
    Route(f"{PROPOSALS}/{{id}}/again", again, methods=["POST"]),
]
