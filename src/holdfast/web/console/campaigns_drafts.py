"""Drafts of campaigns: the form, kept as it is typed; the backtest; and the proposal that comes of both."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast.accounts import Role
from holdfast.campaigns import (
    catalogued,
    checking,
    drafts,
    envelopes,
    expecting,
    facts,
    lint,
    model,
    sentences,
    simulation,
    start,
)
from holdfast.campaigns.drafts_store import Draft
from holdfast.campaigns.model import Content
from holdfast.campaigns.templates import TEMPLATES
from holdfast.catalogue import KINDS
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Conflict, Invalid, InvalidInput, NotFound
from holdfast.orders import backtest as backtests
from holdfast.web import sessions
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access, campaigns_cases, campaigns_form, campaigns_pictures, campaigns_words
from .campaigns import HERE, READERS
from .pages import add_problem, page, read_reason

DRAFTS = f"{HERE}/drafts"
MAKERS = (Role.MARKETING, Role.FINANCE)
PUSHES = 3
DAYS = (7, 30, 90)


async def new(request: Request) -> Response:
    """``GET /console/campaigns/new?template=&campaign=``: an empty form, one that begins with a template or with what runs."""
    await access.require(request, *MAKERS)
    template, campaign_id = sessions.asked(request, "template"), sessions.asked(request, "campaign")
    typed = {"channel.web": "on", "channel.api": "on"}
    before = await sessions.database(request).read(start.running, campaign_id) if campaign_id else None
    if before is not None:
        typed = campaigns_form.typed(msgspec.convert(before.content, Content))
    if template in TEMPLATES:
        typed |= _of_template(template)
    typed["campaign"] = campaign_id
    return await _form_page(request, _form(request, typed), None)


def _of_template(name: str) -> dict[str, str]:
    given = TEMPLATES[name]
    effect, limits = given["effect"], given["limits"]
    amount = effect.get("amount_minor") or effect.get("share_bp") or effect.get("price_minor")
    typed = {
        "template": name, "effect": effect["type"], "per": effect.get("per", ""), "benefit": effect.get("benefit", ""),
        "amount": campaigns_form.major(amount) if amount else str(effect.get("quantity", "")),
        "cap": campaigns_form.major(effect["cap_minor"]) if effect.get("cap_minor") else "",
        "budget": campaigns_form.major(limits["budget_minor"]), "per_person": str(limits["per_person"]),
        "per_day": campaigns_form.major(limits["per_day_minor"]) if limits.get("per_day_minor") else "",
        "budget_count": str(limits.get("budget_count", "")), **given["stacking"],
    }  # fmt: skip
    return {key: value for key, value in typed.items() if value}


async def create(request: Request) -> Response:
    """``POST /console/campaigns/drafts``: keeps what was typed, right or wrong, and goes on at its own address."""
    seen = await access.require(request, *MAKERS)
    form = _form(request, await sessions.typed(request))
    if _only_rows(form):
        return await _form_page(request, form, None)
    db = sessions.database(request)
    content = campaigns_form.read(form, await db.read(catalogued.tickets))
    try:
        draft = await db.run(drafts.begin, seen.actor, form.value("campaign").strip(), _kept(form), content)
    except InvalidInput as problem:
        add_problem(form, problem)
        return await _form_page(request, form, None)
    return sessions.see(f"{DRAFTS}/{draft.id}")


async def edit(request: Request) -> Response:
    """``GET /console/campaigns/drafts/{id}``: the form as it was typed last, with what is wrong beside its fields."""
    await access.require(request, *READERS)
    draft = await sessions.database(request).read(drafts.require, sessions.id_in(request))
    return await _form_page(request, await _form_of(request, draft), draft)


async def _form_of(request: Request, draft: Draft) -> Form:
    """A draft's form. One that came as JSON is written out."""
    typed = draft.typed or (campaigns_form.typed(msgspec.convert(draft.content, Content)) if draft.content else {})
    form = _form(request, {**typed, "campaign": draft.campaign_id, "revision": str(draft.revision)})
    campaigns_form.read(form, await sessions.database(request).read(catalogued.tickets))
    return form


async def save(request: Request) -> Response:
    """``POST /console/campaigns/drafts/{id}``: the next revision; with ``act=add-…`` only one more row."""
    seen = await access.require(request, *MAKERS)
    form = _form(request, await sessions.typed(request))
    db = sessions.database(request)
    draft = await db.read(drafts.require, sessions.id_in(request))
    form.values["campaign"] = draft.campaign_id
    if _only_rows(form):
        return await _form_page(request, form, draft)
    content = campaigns_form.read(form, await db.read(catalogued.tickets))
    revision = form.value("revision")
    try:
        await db.run(
            drafts.save,
            seen.actor,
            draft.id,
            int(revision) if revision.isdigit() and len(revision) < 8 else 0,
            _kept(form),
            content,
        )
    except drafts.DraftMoved as problem:
        fresh = await db.read(drafts.require, draft.id)
        form.values["revision"] = str(fresh.revision)
        add_problem(form, problem, "campaign")
        return await _form_page(request, form, fresh)
    if form.value("act") == "backtest" and content is not None:
        return sessions.see(f"{DRAFTS}/{draft.id}/backtest")
    return sessions.see(f"{DRAFTS}/{draft.id}")


def _only_rows(form: Form) -> bool:
    """Whether only more rows were asked for: pages work without scripts."""
    counts = {"scope": campaigns_form.rows_of, "when": campaigns_form.rows_of}
    act = form.value("act").removeprefix("add-")
    if form.value("act") == act:
        return False
    shown = campaigns_cases.shown(form) if act == "cases" else counts[act](form, act) if act in counts else 0
    form.values[f"{act}.rows"] = str(shown + 2)
    return True


def _kept(form: Form) -> dict[str, str]:
    """What is kept of a form: all that was typed, without its machinery."""
    return {
        name: value[:20_000]
        for name, value in form.values.items()
        if value and name not in ("act", "revision", "campaign")
    }


async def _form_page(request: Request, form: Form, draft: Draft | None) -> Response:
    seen = await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        usable = await envelopes.usable(tx)
        tickets = await catalogued.tickets(tx)
        findings = await _findings(tx, draft)
    content = msgspec.convert(draft.content, Content) if draft is not None and draft.content is not None else None
    return page(
        request, "campaigns_form.html", status=422 if form.wrong and request.method == "POST" else 200,
        here=f"{DRAFTS}/{draft.id}" if draft else f"{HERE}/new", form=form, draft=draft, envelopes=usable, tickets=tickets,
        findings=findings, w=campaigns_words, fields_of=facts.FIELDS, levels=campaigns_form.LEVELS, rows=campaigns_form.rows_of,
        cases=campaigns_cases.shown(form), benefits=model.BENEFITS, kinds=KINDS, templates=TEMPLATES,
        said=sentences.content_words(content, language(request), catalogued.names(tickets)) if content else None, content=content,
        may_edit=seen.staff.may(*MAKERS) and (draft is None or draft.is_open),
    )  # fmt: skip


async def _findings(tx: ReadTx, draft: Draft | None) -> lint.Report | None:
    """What lint says of a draft that can be read."""
    if draft is None or draft.content is None or not draft.is_open:
        return None
    with suppress(envelopes.EnvelopeUnknown):
        content = msgspec.convert(draft.content, Content)
        return await checking.check(tx, draft.campaign_id, content, await envelopes.require(tx, content.envelope_id))
    return None


# The backtest, and the proposal


async def backtest(request: Request) -> Response:
    """``GET /console/campaigns/drafts/{id}/backtest``: what it would have done to past orders, and the form that proposes it."""
    await access.require(request, *READERS)
    return await _backtest(request, _proposal_form(request, {}))


async def _backtest(request: Request, form: Form) -> Response:
    seen = await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        draft = await drafts.require(tx, sessions.id_in(request))
        content = drafts.content_of(draft)
        envelope = await envelopes.require(tx, content.envelope_id)
        made = await simulation.latest(tx, content.hash)
        checked = await checking.check(tx, draft.campaign_id, content, envelope)
    bounds = (
        expecting.guarded(content, envelope, expecting.forecast_of(content, envelope, made, expecting.Expected()))
        if made
        else None
    )
    return page(
        request, "campaigns_backtest.html", status=422 if form.wrong else 200, here=f"{DRAFTS}/{draft.id}/backtest", draft=draft,
        content=content, envelope=envelope, made=made, checked=checked, bounds=bounds, form=form, w=campaigns_words, pushes=PUSHES, days=DAYS,
        pictures=campaigns_pictures.of(request, made.result) if made else None,
        said=sentences.content_words(content, language(request)), may_edit=seen.staff.may(*MAKERS) and draft.is_open,
    )  # fmt: skip


async def run_backtest(request: Request) -> Response:
    """``POST /console/campaigns/drafts/{id}/backtest``: runs it over the orders of the last days; nothing but its result is written."""
    seen = await access.require(request, *MAKERS)
    form = _proposal_form(request, await sessions.typed(request))
    db = sessions.database(request)
    draft = await db.read(drafts.require, sessions.id_in(request))
    days = form.value("days")
    await backtests.run(
        db,
        seen.actor,
        draft.campaign_id,
        drafts.content_of(draft),
        days=int(days) if days.isdigit() and len(days) < 4 else 30,
    )
    return sessions.see(f"{DRAFTS}/{draft.id}/backtest")


async def propose(request: Request) -> Response:
    """``POST /console/campaigns/drafts/{id}/proposal``: asks colleagues to approve exactly this."""
    seen = await access.require(request, *MAKERS)
    form = _proposal_form(request, await sessions.typed(request))
    reason, expected = read_reason(form), _expected(form)
    if form.wrong or expected is None:
        return await _backtest(request, form)
    try:
        made = await start.propose(sessions.database(request), seen.actor, sessions.id_in(request), expected, reason)
    except (Conflict, Invalid, NotFound) as problem:
        add_problem(form, problem, "reason")
        return await _backtest(request, form)
    return sessions.see(f"{HERE}/proposals/{made.id}")


def _expected(form: Form) -> expecting.Expected | None:
    share: int | None = None
    if form.value("share").strip():
        share = campaigns_form.money(form, "share", needed=True)
        if share is not None and not 1 <= share <= 10_000:
            form.add("share", "Write a percentage from 0.01 to 100.")
    pushes = [push for n in range(PUSHES) if (push := _push(form, n)) is not None]
    try:
        return msgspec.convert({"share_bp": share, "pushes": pushes}, expecting.Expected)
    except msgspec.ValidationError:
        form.add(
            "pushes", "A push has a beginning, an end, and how many times the usual it brings: more than 1, at most 20."
        )
        return None


def _push(form: Form, n: int) -> dict[str, Any] | None:
    typed = [form.value(f"push.{n}.{name}").strip() for name in ("since", "until", "factor")]
    if not any(typed):
        return None
    try:
        since, until = (datetime.fromisoformat(one) for one in typed[:2])
        return {
            "since": since if since.tzinfo else since.replace(tzinfo=ZoneInfo(HOME_ZONE)),
            "until": until if until.tzinfo else until.replace(tzinfo=ZoneInfo(HOME_ZONE)), "factor": float(typed[2]),
        }  # fmt: skip
    except ValueError:
        form.add(
            "pushes", "A push has a beginning, an end, and how many times the usual it brings: more than 1, at most 20."
        )
        return None


async def again(request: Request) -> Response:
    """``POST /console/campaigns/drafts/{id}/again``: its words in a new draft."""
    seen = await access.require(request, *MAKERS)
    made = await sessions.database(request).run(drafts.again, seen.actor, sessions.id_in(request))
    return sessions.see(f"{DRAFTS}/{made.id}")


async def drop(request: Request) -> Response:
    """``POST /console/campaigns/drafts/{id}/dropping``: not wanted any more; it is kept."""
    seen = await access.require(request, *MAKERS)
    await sessions.database(request).run(drafts.drop, seen.actor, sessions.id_in(request))
    return sessions.see(HERE)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "campaign": _("Short name"), "name_zh": _("Name, in Chinese"), "name_en": _("Name, in English"),
        "sentence_zh": _("Sentence, in Chinese"), "sentence_en": _("Sentence, in English"), "envelope": _("Envelope"),
        "effect": _("What is given"), "amount": _("Amount"), "cap": _("Cap an order"), "benefit": _("Gift"),
        "scope.mode": _("Which tickets"), "when.mode": _("Which orders"), "budget": _("Budget"), "budget_count": _("Redemptions in all"),
        "per_day": _("A day"), "per_person": _("A person"), "from": _("From"), "until": _("Until"), "hours_since": _("Hours"),
        "channels": _("Booking channels"), "group": _("Group"), "priority": _("Priority"), "code": _("Offer code"), "cases.json": _("Cases as JSON"),
        "scope.json": _("Which tickets"), "when.json": _("Which orders"),
    }  # fmt: skip
    for n in range(campaigns_form.ROWS_MAX):
        for name, said in (
            ("scope", _("Which tickets, row {n}", n=n + 1)),
            ("when", _("Which orders, row {n}", n=n + 1)),
        ):
            labels |= {f"{name}.{n}.{part}": said for part in ("field", "op", "value")}
    for n in range(campaigns_cases.CASES_MAX):
        labels |= {f"case.{n}.{part}": _("Case {n}", n=n + 1) for part in campaigns_cases.FIELDS}
    return Form(values, labels=labels)


def _proposal_form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "share": _("Expected share of orders"),
        "pushes": _("Planned pushes"),
        "reason": _("Reason"),
        "days": _("Days"),
    }
    return Form(values, labels=labels)


routes = [
    Route(f"{HERE}/new", new, methods=["GET"]),
    Route(DRAFTS, create, methods=["POST"]),
    Route(f"{DRAFTS}/{{id}}", edit, methods=["GET"]),
    Route(f"{DRAFTS}/{{id}}", save, methods=["POST"]),
    Route(f"{DRAFTS}/{{id}}/backtest", backtest, methods=["GET"]),
    Route(f"{DRAFTS}/{{id}}/backtest", run_backtest, methods=["POST"]),
    Route(f"{DRAFTS}/{{id}}/proposal", propose, methods=["POST"]),
    Route(f"{DRAFTS}/{{id}}/again", again, methods=["POST"]),
    Route(f"{DRAFTS}/{{id}}/dropping", drop, methods=["POST"]),
]
