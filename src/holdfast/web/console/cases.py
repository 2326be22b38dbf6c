"""Cases at the console: whom to help first and why, one case with all that is known, and what colleagues do with it.

Who is on the telephone or at the desk works on the same cases and can open one for somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders, payments, support
from holdfast.accounts import Role
from holdfast.kit import clock, i18n, ids
from holdfast.kit.problems import InvalidInput
from holdfast.support import priorities
from holdfast.web import contacts, help_words, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access
from .pages import add_problem, page

ROLES = (Role.SUPPORT, Role.DESK)
BASE = "/console/cases"


async def queue(request: Request) -> Response:
    """``GET /console/cases``: open cases, the weightiest first; ``?state=`` others, ``?mine=1`` one's own, ``?text=`` any."""
    seen = await access.require(request, *ROLES)
    state, text = sessions.asked(request, "state", 30) or "open", sessions.asked(request, "text", 60)
    mine = bool(sessions.asked(request, "mine", 1))
    async with sessions.database(request).reading() as tx:
        if text:
            found = await support.desk.find(tx, text)
        else:
            wanted = support.State(state) if state in help_words.STATES else None
            found = await support.desk.queue(tx, wanted, seen.staff.id if mine else None)
        counts = await support.desk.counts(tx)
        figures = await support.figures.look(tx)
    _ = speaker(request)
    times = [help_words.duration(one, _) for one in (figures.median_s, figures.ninety_s) if one is not None]
    return page(
        request, "cases.html", cases=[(case, _now(case)) for case in found], counts=counts, state=state, mine=mine, text=text,
        figures=figures, times=times, form=Form({"text": text}), **_WORDS,
    )  # fmt: skip


def _now(case: support.Case) -> priorities.Priority:
    """The priority at this moment: what stands in the row is at most a minute old."""
    facts = support.cases.facts_of(case)
    return priorities.of(facts, clock.now(), waiting_since=case.waiting_since, due_at=case.sla_due_at)


_WORDS: dict[str, Any] = {"case_words": help_words, "reason_words": priorities.REASONS}


async def one(request: Request) -> Response:
    """``GET /console/cases/{number}``: one case, what is known of it, and the order as it is now."""
    await access.require(request, *ROLES)
    form = _form(request, {})
    template = support.desk.TEMPLATES.get(sessions.asked(request, "template", 30))
    return await _case_page(request, form, template)


async def _case_page(request: Request, form: Form, template: str | None = None) -> Response:
    async with sessions.database(request).reading() as tx:
        case = await support.desk.require(tx, request.path_params["number"])
        story = await support.cases.story(tx, case)
        order = await support.desk.order_of(tx, case)
        payment = await orders.payment_of(tx, order) if order else None
        members = await accounts.staff_members(tx)
    if template and not form.value("answer"):
        form.values["answer"] = i18n.translate(template, case.locale)
    return page(
        request, "cases_one.html", status=422 if form.wrong else 200, here=f"{BASE}/{case.number}", case=case, story=story,
        order=order, payment=_paid(payment), priority=_now(case), form=form, key=ids.uuid7().hex,
        templates=support.desk.TEMPLATES, colleagues=[member for member in members if member.active and member.staff.may(*ROLES)],
        shown_number=support.cases.show_number(case.number), base=f"{BASE}/{case.number}", **_WORDS,
    )  # fmt: skip


def _paid(view: payments.PaymentView | None) -> dict[str, object] | None:
    if view is None:
        return None
    return {
        "state": str(view.state),
        "in_doubt": view.in_doubt,
        "merchant_ref": view.merchant_ref,
        "paid_at": view.paid_at,
    }


async def answer(request: Request) -> Response:
    """``POST /console/cases/{number}/answer``: answers, or asks back; the traveller gets a message."""
    seen = await access.require(request, *ROLES)
    form, case = await _typed(request)
    try:
        await sessions.database(request).run(
            support.desk.answer, seen.actor, case, form.value("answer"), key=form.key_for("answer"),
            asks_back=bool(form.value("asks_back")),
        )  # fmt: skip
    except (InvalidInput, support.CaseClosed) as problem:
        add_problem(form, problem, "answer")
        return await _case_page(request, form)
    return sessions.see(f"{BASE}/{case.number}")


async def assign(request: Request) -> Response:
    """``POST /console/cases/{number}/assignment``: to oneself, to a colleague, or to nobody."""
    seen = await access.require(request, *ROLES)
    form, case = await _typed(request)
    to = form.value("to")
    try:
        staff_id = seen.staff.id if to == "me" else UUID(to) if to else None
        await sessions.database(request).run(support.desk.assign, seen.actor, case, staff_id)
    except (ValueError, accounts.StaffUnknown):
        form.add("to", "Choose a colleague from the list.")
        return await _case_page(request, form)
    return sessions.see(f"{BASE}/{case.number}")


async def close(request: Request) -> Response:
    """``POST /console/cases/{number}/closing``."""
    seen = await access.require(request, *ROLES)
    case = await sessions.database(request).read(support.desk.require, request.path_params["number"])
    await sessions.database(request).run(support.desk.close, seen.actor, case)
    return sessions.see(f"{BASE}/{case.number}")


async def bind(request: Request) -> Response:
    """``POST /console/cases/{number}/order``: which order it turned out to be about."""
    seen = await access.require(request, *ROLES)
    form, case = await _typed(request)
    try:
        await sessions.database(request).run(support.desk.bind, seen.actor, case, form.value("order"))
    except orders.OrderUnknown:
        form.add("order", "There is no order with this number.")
        return await _case_page(request, form)
    return sessions.see(f"{BASE}/{case.number}")


async def ask_new(request: Request) -> Response:
    """``GET /console/cases/new``: a case for somebody on the telephone or at the desk."""
    await access.require(request, *ROLES)
    return _new_page(request, _form(request, {"key": ids.uuid7().hex, "order": sessions.asked(request, "order", 40)}))


async def open_case(request: Request) -> Response:
    """``POST /console/cases``: opens it; the person gets the link by message."""
    seen = await access.require(request, *ROLES)
    form = _form(request, await sessions.typed(request))
    phone, people = contacts.read_phone(form), contacts.plain_digits(form.value("people")).strip() or "1"
    if not (people.isascii() and people.isdigit() and len(people) <= 5):
        form.add("people", "Write how many people it is about, 1 to 10,000.")
    if not form.value("words").strip():
        form.add("words", "Write what happened; a sentence is enough.")
    if form.wrong or phone is None:
        return _new_page(request, form)
    db = sessions.database(request)
    order = await db.read(support.desk.numbered, form.value("order")) if form.value("order").strip() else None
    new = support.NewCase(
        kind=support.Kind(form.value("kind") if form.value("kind") in help_words.KINDS else "other"),
        words=form.value("words"), phone=phone, locale="en" if form.value("locale") == "en" else "zh",
        channel="desk" if form.value("channel") == "desk" else "phone", key=form.key_for("kind", "words", "order"),
        order=order, order_number=form.value("order").strip(), people=int(people),
    )  # fmt: skip
    try:
        opened = await support.cases.open_case(db, seen.actor, new)
    except InvalidInput as problem:
        add_problem(form, problem)
        return _new_page(request, form)
    return sessions.see(f"{BASE}/{opened.number}")


def _new_page(request: Request, form: Form) -> Response:
    _ = speaker(request)
    form.values.setdefault("locale", language(request))
    return page(
        request, "cases_new.html", status=422 if form.wrong else 200, here=f"{BASE}/new", form=form,
        kinds_of_case=[(kind, _(text)) for kind, text in help_words.KINDS.items()],
        channels=[(name, _(help_words.CHANNELS[name])) for name in ("phone", "desk")],
        languages=[("zh", "中文"), ("en", "English")], **_WORDS,
    )  # fmt: skip


async def _typed(request: Request) -> tuple[Form, support.Case]:
    form = _form(request, await sessions.typed(request))
    return form, await sessions.database(request).read(support.desk.require, request.path_params["number"])


def _form(request: Request, values: Mapping[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={
        "kind": _("What it is about"), "words": _("What happened"), "order": _("Order number"), "people": _("How many people"),
        "phone": _("Mobile phone"), "answer": _("Answer"), "to": _("Colleague"),
    })  # fmt: skip


routes = [
    Route(BASE, queue, methods=["GET"]),
    Route(BASE, open_case, methods=["POST"]),
    Route(f"{BASE}/new", ask_new, methods=["GET"]),
    Route(BASE + "/{number}", one, methods=["GET"]),
    Route(BASE + "/{number}/answer", answer, methods=["POST"]),
    Route(BASE + "/{number}/assignment", assign, methods=["POST"]),
    Route(BASE + "/{number}/closing", close, methods=["POST"]),
    Route(BASE + "/{number}/order", bind, methods=["POST"]),
]
