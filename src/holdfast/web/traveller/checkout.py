"""Checkout: who comes, how we reach them, and the one press that books. Nothing typed is ever lost.

The form carries its own idempotency key, made when it is first shown: sent twice, it books once. The key stays while
entries are corrected and after an answer that got lost; a definite refusal ends it, and the form gets a new one.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders
from holdfast.kit import settings
from holdfast.kit.problems import Invalid, InvalidInput, Problem, TooMany, Unavailable
from holdfast.orders import offers
from holdfast.web import contacts, formats, offer_words, sessions, words
from holdfast.web.formats import both
from holdfast.web.forms import Form
from holdfast.web.render import language, page, speaker

from . import alternatives, choices, kinds, offered
from .choices import Choice
from .venues import say_cancel_rule

GO_ON = ("benefit-over", "total-changed", "offers-moved", "price-changed")
"""Refusals after which the present price is shown and one press books at it."""
NOBODY = UUID(int=0)
"""Stands for the account while a basket is only checked."""


async def show(request: Request) -> Response:
    """``GET /checkout?venue=…&date=…&slot=…&price.<id>=2``: the empty form."""
    await sessions.visitor(request)
    choice = await choices.load(sessions.database(request), dict(request.query_params))
    if not choice.lines:
        return sessions.see(choice.venue_url + "&none=1#slots")
    return await _form_page(request, choice, form_of(request, choice, {}))


async def change(request: Request) -> Response:
    """``POST /checkout/form``: the same form with another document type, as a message beside it proposed."""
    await sessions.visitor(request)
    values = await sessions.typed(request)
    choice = await choices.load(sessions.database(request), values)
    field, _, kind = values.pop("switch", "").partition("=")
    if field.endswith(".document") and kind in words.DOCUMENTS:
        values[f"{field}_type"] = kind
    form = form_of(request, choice, values)
    _check_basket(request, choice, form)
    form.errors = (
        [error for error in form.errors if error.field.startswith(field.rpartition(".")[0] + ".")] if field else []
    )
    return await _form_page(request, choice, form, status=422 if form.wrong else 200)


async def send_code(request: Request) -> Response:
    """``POST /checkout/code``: sends a code to the phone and shows the same form."""
    await sessions.visitor(request)
    values = await sessions.typed(request)
    choice = await choices.load(sessions.database(request), values)
    form = form_of(request, choice, values)
    notice = await contacts.send_code(request, form)
    form.values["code"] = ""
    return await _form_page(request, choice, form, notice=notice, status=422 if form.wrong else 200)


async def book(request: Request) -> Response:
    """``POST /checkout``: books, and leads to the payment; or says everything that is wrong, beside each field."""
    known = await sessions.visitor(request)
    values = await sessions.typed(request)
    choice = await choices.load(sessions.database(request), values)
    if not choice.lines:
        return sessions.see(choice.venue_url + "&none=1#slots")
    form = form_of(request, choice, values)
    phone = await _phone(request, form, known)
    _check_basket(request, choice, form)
    if form.wrong or phone is None:
        return await _form_page(request, choice, form, status=422)
    signed_in = None
    if known is None:
        signed_in = await contacts.prove(request, form, phone)
        if signed_in is None:
            return await _form_page(request, choice, form, status=422)
        request.state.visitor = accounts.Session(
            signed_in.account_id, signed_in.phone_masked, bool(values.get("kept")), signed_in.expires_at
        )
    account_id = signed_in.account_id if signed_in else known.account_id if known else NOBODY
    await _agree(request, account_id, values.get("terms", ""))
    answer = await _place(request, choice, form, phone, account_id)
    if signed_in is None:
        return answer
    return sessions.begin(answer, signed_in, kept=bool(values.get("kept")), device_token=sessions.device_token(request))


async def _agree(request: Request, account_id: UUID, version: str) -> None:
    """Who presses the button under the terms agrees to them: written down with the first order, in the version that was shown."""
    if version:
        await sessions.database(request).run_one(
            accounts.consents.give, account_id, accounts.Purpose.TERMS, "checkout", version
        )


async def _place(request: Request, choice: Choice, form: Form, phone: str, account_id: UUID) -> Response:
    """Hands the basket over; a refusal is shown on the form with everything still in it."""
    try:
        if code := offered.code_of(form):
            code = await offers.read_code(sessions.database(request), code, sessions.source(request))
            form.values[offered.FIELD] = code
        prepared = _prepare(request, choice, form, phone, account_id)
        placed: orders.Placed = await request.app.state.place(prepared)
    except Problem as problem:
        if not isinstance(problem, Unavailable):
            form.key = str(uuid4())
        choice = await _as_it_is_now(request, choice, form)
        mark_person(choice, form, problem)
        others = await alternatives.instead(request, choice.slot_id, choice.people_count, problem)
        return await _form_page(request, choice, form, problem=problem, others=others, status=problem.status)
    return sessions.see(f"/orders/{placed.number}" + ("/payment" if placed.state == "held" else ""))


async def _as_it_is_now(request: Request, choice: Choice, form: Form) -> Choice:
    """The choice with present prices, so that the next press agrees to what is shown; as it was when we cannot look."""
    try:
        return await choices.load(sessions.database(request), form.values)
    except Problem:
        return choice


def _prepare(request: Request, choice: Choice, form: Form, phone: str, account_id: UUID) -> orders.PlaceRequest:
    return orders.prepare(
        account_id=account_id,
        key=form.key,
        basket=offered.basket(choice, form.values, phone),
        locale=language(request),
        channel="web",
        actor=sessions.as_traveller(account_id),
    )


async def _phone(request: Request, form: Form, known: accounts.Session | None) -> str | None:
    """The number that gets the messages: of the account, or as typed, with the code that proves it still to come."""
    if known is not None:
        async with sessions.database(request).reading() as tx:
            found = await accounts.phone_of(tx, known.account_id)
        if found is None:
            form.add(
                "phone", "Your account has no phone yet. Add one under Account, Security; what you typed here stays."
            )
        return found
    phone = contacts.read_phone(form)
    if not form.value("code").strip():
        form.add(
            "code",
            "Enter the code from the message. If you have none, press the button above.",
            brief="Enter the code from the message.",
        )
    return phone


def _check_basket(request: Request, choice: Choice, form: Form) -> None:
    """All that can be said about names and documents without the database, beside their fields."""
    try:
        _prepare(request, choice, form, "+8613800000000", NOBODY)
    except InvalidInput as problem:
        form.add_found(problem.errors)


def mark_person(choice: Choice, form: Form, problem: Problem) -> None:
    """A refusal that is about one person is also said beside that person."""
    number = problem.fields.get("traveller")
    if not isinstance(number, int):
        return
    fields = [prefix for at in range(len(choice.lines)) for prefix in choice.people(at)]
    if 1 <= number <= len(fields):
        form.add(
            f"{fields[number - 1]}.document", words.OF_ONE_PERSON.get(problem.code, problem.title), code=problem.code
        )


def form_of(request: Request, choice: Choice, values: dict[str, str]) -> Form:
    """The form as typed so far; a new one gets a key, and the document most visitors of this language have."""
    _ = speaker(request)
    form = Form(values, key=values.get("key") or str(uuid4()))
    usual = "cn_resident_id" if language(request) == "zh" else "passport"
    for at, line in enumerate(choice.lines):
        for place, prefix in enumerate(choice.people(at)):
            form.values.setdefault(
                f"{prefix}.document_type", usual if usual in choice.documents else choice.documents[0]
            )
            number = line.first_person + place
            form.labels[f"{prefix}.name"] = _("Visitor {number}, name", number=number)
            form.labels[f"{prefix}.document_type"] = _("Visitor {number}, document", number=number)
            form.labels[f"{prefix}.document"] = _("Visitor {number}, document number", number=number)
    form.labels |= {"phone": _("Mobile phone"), "code": _("Six-digit code"), offered.FIELD: _("Offer code")}
    return form


async def _form_page(
    request: Request, choice: Choice, form: Form, *, problem: Problem | None = None, notice: str = "", status: int = 200,
    others: orders.Alternatives | None = None,
) -> Response:  # fmt: skip
    _ = speaker(request)
    headers = {}
    shown = await offered.load(request, choice, form)
    if isinstance(problem, offers.CodeRefused) and not form.is_wrong(offered.FIELD):
        form.add(offered.FIELD, offered.IDLE_CODE)
    if problem is None and form.wrong and status == 200:
        status = 422
    if problem and problem.fields.get("retry_after_s"):
        headers["Retry-After"] = str(problem.fields["retry_after_s"])
    return page(
        request,
        "traveller/checkout.html",
        status=status,
        headers=headers,
        here=choice.url,
        choice=choice,
        form=form,
        problem=problem,
        problem_says=says_more(request, problem),
        others=others,
        people_count=choice.people_count,
        can_wait=problem is not None and problem.code == "slot-full" and choice.depart is None,
        say=kinds.words(choice.kind),
        can_try_again=isinstance(problem, Unavailable | TooMany),
        may_go_on=problem is not None and problem.code in GO_ON,
        offered=shown,
        notice=notice,
        documents=[(kind, _(words.DOCUMENTS[kind])) for kind in choice.documents],
        cancel_rule=say_cancel_rule(request, choice.cancel_rule),
        alternatives_url=choice.venue_url + "#slots",
        code_sent=bool(notice) or bool(form.value("code")),
        terms=accounts.consents.TEXTS[accounts.Purpose.TERMS],
        hold_minutes=settings.current().hold_ttl_s // 60,
    )


def says_more(request: Request, problem: Problem | None) -> str:
    """What the refusal's own figures say."""
    if problem is None:
        return ""
    _ = speaker(request)
    fields: dict[str, Any] = problem.fields
    if problem.code == "benefit-over":
        says = _(offer_words.BENEFIT_OVER.get(str(fields.get("reason")), offer_words.BENEFIT_OVER["over"]))
        total = fields.get("total_minor")
        if not isinstance(total, int):
            return says
        now = formats.money(language(request), total, str(fields.get("currency", "CNY")))
        gap = " " if language(request) == "en" else ""
        return says + gap + _("It costs {amount} now.", amount=now)
    if isinstance(fields.get("places_left"), int):
        return _("Places left in this slot now: {count}.", count=fields["places_left"])
    if isinstance(fields.get("left"), int):
        return _("Tickets you may still book for that day: {count}.", count=fields["left"])
    if isinstance(fields.get("reason"), dict):
        return both(language(request), fields["reason"])
    if isinstance(problem, Invalid) and isinstance(fields.get("accepted"), list):
        return _(
            "Accepted: {documents}.",
            documents=_(", ").join(_(words.DOCUMENTS.get(kind, kind)) for kind in fields["accepted"]),
        )
    return ""


routes = [
    Route("/checkout", show, methods=["GET"]),
    Route("/checkout", book, methods=["POST"]),
    Route("/checkout/code", send_code, methods=["POST"]),
    Route("/checkout/form", change, methods=["POST"]),
]
