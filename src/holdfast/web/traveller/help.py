"""Help: where to look, the figures of our answers, and cases: opening one, reading it, adding to it, closing and rating it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, notices, orders, support
from holdfast.kit import ids
from holdfast.kit.actor import Actor
from holdfast.kit.problems import InvalidInput, Problem
from holdfast.web import contacts, help_words, sessions
from holdfast.web.forms import Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import language, page, query, request_id, speaker

HIDDEN = ("key", "token", "page", "request", "problem", "finding", "proof")
MOST = 2000
"""Characters of what a link hands over."""


class Seen(NamedTuple):
    """A case somebody may see, as whom, and the signed link's token if that is what opened it."""

    case: support.Case
    actor: Actor
    token: str

    @property
    def url(self) -> str:
        return f"/help/cases/{self.case.number}" + query(token=self.token)


async def start(request: Request) -> Response:
    """``GET /help``."""
    known = await sessions.visitor(request)
    db = sessions.database(request)
    found = await db.read(support.cases.mine, known.account_id) if known else []
    figures = await db.read(support.figures.look)
    urgent = await db.read(notices.positions.urgent)
    _ = speaker(request)
    times = [help_words.duration(one, _) for one in (figures.median_s, figures.ninety_s) if one is not None]
    return page(
        request, "traveller/help.html", cases=found, figures=figures, times=times, case_words=help_words, urgent=urgent
    )


async def ask(request: Request) -> Response:
    """``GET /help/cases/new``: the form, with what the page one came from knows."""
    given = {name: sessions.asked(request, name) for name in ("order", "kind", "token", "page", "request", "problem")}
    return await _form_page(request, _form(request, given | {"key": ids.uuid7().hex}))


async def show_form(request: Request) -> Response:
    """``POST /help/cases/form``: the same, from a page whose knowledge is too long for an address."""
    typed = await sessions.typed(request)
    return await _form_page(request, _form(request, typed | {"key": typed.get("key") or ids.uuid7().hex}))


async def send_code(request: Request) -> Response:
    """``POST /help/cases/code``: a code to the typed phone; the same page then asks for it."""
    await sessions.visitor(request)
    form = _form(request, await sessions.typed(request))
    notice, phone = "", contacts.read_phone(form)
    if phone:
        try:
            await orders.proofs.send_code(
                sessions.database(request), phone, language(request), sessions.source(request)
            )
            _ = speaker(request)
            notice = _("A code is on its way. It is valid for ten minutes. Type it below.")
        except accounts.TooManyCodes as problem:
            contacts.add_problem(form, problem, wait_words(request, problem.fields.get("retry_after_s")))
    form.values["code"] = ""
    return await _form_page(request, form, notice=notice, code_sent=bool(phone))


async def open_case(request: Request) -> Response:
    """``POST /help/cases``: opens it, and leads to it."""
    known = await sessions.visitor(request)
    form = _form(request, await sessions.typed(request))
    people = _people(form)
    if not form.value("words").strip():
        form.add("words", "Write what happened; a sentence is enough.")
    phone = await _contact(request, form)
    if form.wrong or phone is None:
        return await _form_page(request, form, code_sent=bool(form.value("code")))
    try:
        new = support.NewCase(
            kind=support.Kind(form.value("kind", "other")), words=form.value("words"), phone=phone, locale=language(request),
            channel="web", key=form.key_for("kind", "words", "order"), account_id=known.account_id if known else None,
            order=await _order(request, form, phone), order_number=form.value("order").strip(), people=people,
            page=_page_facts(request, form), finding=_finding(form),
        )  # fmt: skip
        opened = await support.cases.open_case(sessions.database(request), _actor(known), new)
    except InvalidInput as problem:
        form.add_found(problem.errors)
        return await _form_page(request, form)
    except support.TooManyCases as problem:
        return await _form_page(request, form, problem=problem)
    token = "" if known else support.cases.link_token(opened.number)
    return sessions.see(f"/help/cases/{opened.number}", token=token)


async def one(request: Request) -> Response:
    """``GET /help/cases/{number}``: the case, by its signed link or for who opened it."""
    return await _case_page(request, await _seen(request), _case_form(request, {}))


async def write(request: Request) -> Response:
    """``POST /help/cases/{number}/messages``: adds to it."""
    seen = await _seen(request)
    form = _case_form(request, await sessions.typed(request))
    try:
        await sessions.database(request).run(
            support.cases.write,
            seen.actor,
            seen.case,
            form.value("words"),
            key=form.key_for("words"),
        )
    except InvalidInput as problem:
        form.add_found(problem.errors)
        return await _case_page(request, seen, form)
    return sessions.see(seen.url)


async def close(request: Request) -> Response:
    """``POST /help/cases/{number}/closing``."""
    seen = await _seen(request)
    await sessions.database(request).run(support.cases.close, seen.actor, seen.case)
    return sessions.see(seen.url)


async def rate(request: Request) -> Response:
    """``POST /help/cases/{number}/rating``: how content one was."""
    seen = await _seen(request)
    form = _case_form(request, await sessions.typed(request))
    score = form.value("score")
    try:
        await sessions.database(request).run(
            support.cases.rate,
            seen.actor,
            seen.case,
            int(score) if score in "12345" and score else 0,
            form.value("why"),
        )
    except InvalidInput as problem:
        form.add_found(problem.errors)
        return await _case_page(request, seen, form)
    return sessions.see(seen.url)


async def _seen(request: Request) -> Seen:
    known = await sessions.visitor(request)
    token = sessions.asked(request, "token")
    if known is None and not token:
        raise accounts.SignInNeeded
    account_id = known.account_id if known else None
    case = await sessions.database(request).read(
        support.cases.require, request.path_params["number"], token=token, account_id=account_id
    )
    return Seen(case, _actor(known), token)


def _actor(known: accounts.Session | None) -> Actor:
    return sessions.as_traveller(known.account_id) if known else Actor("traveller", name="guest")


async def _contact(request: Request, form: Form) -> str | None:
    """The phone that hears of the case: the account's, one that was proven, or the typed one with its code."""
    known, db = await sessions.visitor(request), sessions.database(request)
    own = await db.read(accounts.phone_of, known.account_id) if known else None
    if own:
        return own
    if proven := orders.proofs.phone_of(form.value("proof")):
        return proven
    phone = contacts.read_phone(form)
    if phone is None:
        return None
    if not form.value("code").strip():
        form.add("code", "Enter the code from the message.")
        return None
    try:
        code, key = contacts.plain_digits(form.value("code")), form.value("key")
        form.values["proof"] = await orders.proofs.prove(db, phone, code, sessions.source(request), request=key)
    except (accounts.CodeWrong, accounts.CodeExpired) as problem:
        contacts.add_problem(form, problem, "")
        return None
    return phone


async def _order(request: Request, form: Form, phone: str) -> orders.Order | None:
    """The order it is about, if this person may see it: by a link, as its owner, or by the proven phone."""
    number, known = form.value("order").strip(), await sessions.visitor(request)
    async with sessions.database(request).reading() as tx:
        with suppress(orders.OrderUnknown):
            return await orders.by_link(tx, number, form.value("token"))
        with suppress(orders.OrderUnknown):
            return await orders.lookup.with_phone(tx, ids.read_code(number) or "", phone)
        with suppress(orders.OrderUnknown):
            return await orders.require(tx, known.account_id, number) if known else None
    return None


def _finding(form: Form) -> orders.Finding | None:
    """What a search found before, if it came along and is not too old."""
    try:
        return orders.finding.opened(form.value("finding")) if form.value("finding") else None
    except orders.FindingOver:
        return None


def _page_facts(request: Request, form: Form) -> dict[str, str]:
    given = {name: form.value(name)[:200] for name in ("page", "request", "problem") if form.value(name)}
    return given | {"device": sessions.device(request), "request_now": request_id(request)}


def _people(form: Form) -> int:
    typed = contacts.plain_digits(form.value("people")).strip()
    if not typed:
        return 1
    if typed.isascii() and typed.isdigit() and len(typed) <= 5 and int(typed):
        return int(typed)
    form.add("people", "Write how many people it is about, 1 to 10,000.")
    return 1


def _form(request: Request, values: Mapping[str, str]) -> Form:
    _ = speaker(request)
    kept = {
        name: value[:MOST] if name not in ("finding", "proof", "words") else value for name, value in values.items()
    }
    if kept.get("kind") not in help_words.KINDS:
        kept["kind"] = "other" if kept.get("order") or "kind" not in kept else "missing_order"
    return Form(kept, labels={
        "kind": _("What it is about"), "order": _("Order number"), "words": _("What happened"), "people": _("How many people"),
        "phone": _("Mobile phone"), "code": _("Six-digit code"),
    })  # fmt: skip


def _case_form(request: Request, values: Mapping[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"words": _("Your message"), "score": _("How was it?")})


async def _form_page(
    request: Request, form: Form, *, notice: str = "", code_sent: bool = False, problem: Problem | None = None
) -> Response:
    known = await sessions.visitor(request)
    own = await sessions.database(request).read(accounts.phone_of, known.account_id) if known else None
    wait = wait_words(request, problem.fields.get("retry_after_s")) if problem else ""
    _ = speaker(request)
    return page(
        request, "traveller/help_form.html", status=problem.status if problem else 422 if form.wrong else 200,
        here="/help/cases/new", form=form, hidden=HIDDEN, kinds_of_case=[(kind, _(text)) for kind, text in help_words.KINDS.items()],
        needs_phone=not own and not orders.proofs.phone_of(form.value("proof")), notice=notice, code_sent=code_sent,
        has_finding=_finding(form) is not None, problem=problem, wait=wait,
    )  # fmt: skip


async def _case_page(request: Request, seen: Seen, form: Form) -> Response:
    async with sessions.database(request).reading() as tx:
        case = await support.cases.require(
            tx, seen.case.number, token=seen.token or support.cases.link_token(seen.case.number)
        )
        story = await support.cases.story(tx, case)
    return page(
        request, "traveller/help_case.html", status=422 if form.wrong else 200, here=seen.url, story=story, case=case,
        token=seen.token, base=f"/help/cases/{case.number}", form=form, key=ids.uuid7().hex, case_words=help_words,
        shown_number=support.cases.show_number(case.number),
    )  # fmt: skip


routes = [
    Route("/help", start, methods=["GET"]),
    Route("/help/cases/new", ask, methods=["GET"]),
    Route("/help/cases/form", show_form, methods=["POST"]),
    Route("/help/cases/code", send_code, methods=["POST"]),
    Route("/help/cases", open_case, methods=["POST"]),
    Route("/help/cases/{number}", one, methods=["GET"]),
    Route("/help/cases/{number}/messages", write, methods=["POST"]),
    Route("/help/cases/{number}/closing", close, methods=["POST"]),
    Route("/help/cases/{number}/rating", rate, methods=["POST"]),
]
