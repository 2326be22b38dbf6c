"""Partners: how each supplier stands, whom to call, what each said and was told; and how we hear from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue, partners
from holdfast.accounts import Role
from holdfast.kit.problems import Conflict, InvalidInput, NotFound, Problem
from holdfast.partners import News
from holdfast.web import sessions
from holdfast.web.forms import Form

from . import access, partners_manage, partners_words
from .pages import add_problem, page, read_reason

HERE = "/console/partners"
READERS = (Role.OPERATIONS, Role.ENGINEER, Role.SUPPORT, Role.DESK)
SPEAKERS = (Role.OPERATIONS, Role.SUPPORT, Role.DESK)
MANAGERS = (Role.OPERATIONS, Role.ENGINEER)
KINDS = ("heartbeat", "open", "stop", "places")


async def every(request: Request) -> Response:
    """``GET /console/partners``: whom to call, and all partners, those that need somebody first."""
    await access.require(request, *READERS)
    return await _list(request, partners_words.form(request, {}))


async def _list(request: Request, form: Form) -> Response:
    session = await access.known(request)
    async with sessions.database(request).reading() as tx:
        found = await partners.health.overview(tx)
        calls = await partners.freshness.calls(tx)
    return page(
        request, "partners.html", status=422 if form.wrong else 200, here=HERE, found=found, calls=calls, form=form,
        state_words=partners.freshness.WORDS, tones=partners_words.TONES, told_words=partners_words.TOLD,
        manages=bool(session and session.staff.may(*MANAGERS)), speaks=bool(session and session.staff.may(*SPEAKERS)),
    )  # fmt: skip


async def register(request: Request) -> Response:
    """``POST /console/partners``: a new partner."""
    seen = await access.require(request, *MANAGERS)
    form = partners_words.form(request, await sessions.typed(request))
    name = {"zh": form.value("name_zh"), "en": form.value("name_en")}
    partner_id = form.value("partner_id").strip().lower()
    try:
        await sessions.database(request).run(
            partners.register, seen.actor, partner_id=partner_id, name=name, email=form.value("email")[:200],
            phone=form.value("phone")[:40],
        )  # fmt: skip
    except InvalidInput as problem:
        add_problem(form, problem)
        return await _list(request, form)
    except Conflict as problem:
        add_problem(form, problem, "partner_id")
        return await _list(request, form)
    return sessions.see(f"{HERE}/{partner_id}")


async def end_call(request: Request) -> Response:
    """``POST /console/partners/calls/{call}``: somebody called; what came of it."""
    seen = await access.require(request, *SPEAKERS)
    form = partners_words.form(request, await sessions.typed(request))
    outcome = read_reason(form)
    if form.wrong:
        return await _list(request, form)
    call_id = partners_manage.supplied(request.path_params["call"])
    await sessions.database(request).run(partners.freshness.end_call, str(seen.actor), call_id, outcome)
    return sessions.see(HERE)


async def one(request: Request) -> Response:
    """``GET /console/partners/{id}``: what a partner supplies, how it stands, what it said and was told."""
    await access.require(request, *READERS)
    return await show(request, partners_words.form(request, {}))


async def show(
    request: Request, form: Form, mistakes: list[dict[str, Any]] | None = None, *, wrong: str = ""
) -> Response:
    """A partner's page; `wrong` names the form in which something needs a correction."""
    session = await access.known(request)
    before = sessions.asked(request, "before", 40)
    async with sessions.database(request).reading() as tx:
        partner = await partners.require(tx, request.path_params["id"])
        standings = await partners.health.standings(tx, partner.id)
        feed = await partners.freshness.feed(tx, partner.id)
        known = {
            "standings": standings,
            "coming": await partners.health.coming(tx, partner.id),
            "waiting": await partners.asks.waiting(tx, partner.id),
            "answered": await partners.asks.answered(tx, partner.id),
            "messages": await partners.feeds.messages(
                tx, partner.id, before=partners_manage.supplied(before) if before else None, limit=30
            ),
            "told": await partners.freshness.told(tx, partner.id, limit=30),
            "prices": await partners.feeds.price_news(tx, partner.id),
            "tokens": await partners.tokens(tx, partner.id),
            "link": await partners.links.link(tx, partner.id),
            "octo": await partners.client_store.supplier(tx, partner.id),
            "octo_items": await partners.client_store.items(tx, partner.id),
            "octo_bookings": await partners.client_store.recent(tx, partner.id, 20),
            "offers": await catalogue.supplier_prices.of(tx, [one.supply.product_id for one in standings]),
        }
    return page(
        request, "partner.html", status=422 if form.wrong or mistakes else 200, here=f"{HERE}/{partner.id}", partner=partner, feed=feed,
        form=form, wrong=wrong, mistakes=mistakes or [], state_words=partners.freshness.WORDS, tones=partners_words.TONES,
        told_words=partners_words.TOLD, said_words=partners.feeds_model.SAID, bar_words=partners.BAR_WORDS,
        way_words=partners_words.WAYS, outcome_words=partners_words.OUTCOMES, price_words=partners_words.PRICES,
        octo_words=partners_words.OCTO,
        done=sessions.asked(request, "done", 20), manages=bool(session and session.staff.may(*MANAGERS)),
        speaks=bool(session and session.staff.may(*SPEAKERS)), **known,
    )  # fmt: skip


async def speak(request: Request) -> Response:
    """``POST /console/partners/{id}/news``: what the partner said on the telephone, and what we know of its bookings."""
    seen = await access.require(request, *SPEAKERS)
    form = partners_words.form(request, await sessions.typed(request))
    partner_id, db, act = request.path_params["id"], sessions.database(request), form.value("act")
    await db.read(partners.require, partner_id)
    try:
        if act == "settle":
            await db.run(partners.asks.settle, seen.actor, partner_id, partners_manage.supplied(form.value("ask")))
        elif act == "turned-away":
            note = read_reason(form)
            if not form.wrong:
                product_id = form.value("product_id")
                await db.run(partners.health.turned_away, seen.actor, partner_id, product_id, note=note)
        else:
            news = _news(form, act)
            if not form.wrong:
                key = form.key_for(*sorted(form.values))
                await partners.feeds.receive(db, seen.actor, partner_id, "console", key, news)
    except InvalidInput as problem:
        form.add_found([error | {"field": str(error["field"]).rpartition(".")[2]} for error in problem.errors])
    except (Conflict, NotFound) as problem:
        add_problem(form, problem, "product_id")
    if form.wrong:
        return await show(request, form, wrong=act)
    return sessions.see(f"{HERE}/{partner_id}", done="news")


def _news(form: Form, act: str) -> list[News]:
    """What was said, in the words of a message."""
    if act == "answer":
        answer = form.value("answer")
        if answer not in ("have", "cannot"):
            form.add("answer", "Say whether the partner has it.")
            return []
        return [News("answer", order=form.value("order")[:40], answer=answer, note=form.value("note")[:300])]  # type: ignore[arg-type]
    kind = form.value("kind")
    if kind not in KINDS:
        form.add("kind", "Choose what was said.")
        return []
    first, last = _day(form, "from"), _day(form, "to")
    left = form.value("left").strip()
    if left and not (left.isascii() and left.isdigit() and len(left) < 7):
        form.add("left", "Enter a whole number from 0 to 999,999.")
        left = ""
    return [
        News(
            kind, product_id=form.value("product_id")[:80] or None, from_date=first, to_date=last, code=form.value("code")[:40] or None,  # type: ignore[arg-type]
            left=int(left) if left and kind == "places" else None, note=form.value("note")[:300],
        )
    ]  # fmt: skip


def _day(form: Form, field: str) -> date | None:
    typed = form.value(field).strip()
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        form.add(field, "Write a day as 2026-11-23.")
        return None


Act = Callable[[Request, access.Seen, Form], Awaitable[Response | None]]


async def manage(request: Request) -> Response:
    """``POST /console/partners/{id}``: supplies, links, tokens, secrets, prices, stops; ``act`` says which."""
    seen = await access.require(request, *MANAGERS)
    form = partners_words.form(request, await sessions.typed(request))
    await sessions.database(request).read(partners.require, request.path_params["id"])
    act = form.value("act")
    work: Act | None = partners_manage.ACTS.get(act)
    if work is None:
        return sessions.see(f"{HERE}/{request.path_params['id']}")
    try:
        answer = await work(request, seen, form)
    except InvalidInput as problem:
        add_problem(form, problem)
        answer = None
    except Problem as problem:
        if problem.errors:
            form.add_found(problem.errors)
        else:
            add_problem(form, problem, partners_manage.FIELDS.get(act, "reason"))
        answer = None
    if form.wrong:
        return await show(request, form, wrong=act)
    return answer or sessions.see(f"{HERE}/{request.path_params['id']}", done=act)


async def upload(request: Request) -> Response:
    """``POST /console/partners/{id}/upload``: a CSV file of news; every mistake is listed at once."""
    seen = await access.require(request, *MANAGERS)
    values, content = await partners_manage.sent(request)
    form, partner_id = partners_words.form(request, values), request.path_params["id"]
    db = sessions.database(request)
    await db.read(partners.require, partner_id)
    try:
        news = partners.uploads.read(content)
        await partners.feeds.receive(db, seen.actor, partner_id, "upload", form.value("key")[:64] or "-", news)
    except InvalidInput as problem:
        return await show(request, form, problem.errors, wrong="upload")
    except Problem as problem:
        add_problem(form, problem, "file")
        return await show(request, form, wrong="upload")
    return sessions.see(f"{HERE}/{partner_id}", done="upload")


routes = [
    Route(HERE, every, methods=["GET"]),
    Route(HERE, register, methods=["POST"]),
    Route(f"{HERE}/calls/{{call}}", end_call, methods=["POST"]),
    Route(f"{HERE}/{{id}}", one, methods=["GET"]),
    Route(f"{HERE}/{{id}}", manage, methods=["POST"]),
    Route(f"{HERE}/{{id}}/news", speak, methods=["POST"]),
    Route(f"{HERE}/{{id}}/upload", upload, methods=["POST"]),
]
