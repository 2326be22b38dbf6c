"""A missing order: what one knows is searched, one proves who one is, and is shown the order or led to people who help.

What was found travels sealed in the pages' forms; nothing of it is shown before a proof but where a code can be sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders
from holdfast.accounts import documents
from holdfast.kit import clock
from holdfast.kit.problems import Problem
from holdfast.web import contacts, sessions
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import language, page, speaker

AROUND = timedelta(hours=2)
REFERENCE_MAX = 80
AMOUNT_MAX = 10_000_000
PRIVATE = {"Cache-Control": "no-store"}
TYPED = "typed"
"""The choice of the phone that was typed, instead of one that was found."""


class Shown(NamedTuple):
    """An order that was proven, the link to it, and whether it belongs to another account of somebody signed in."""

    order: orders.Order
    url: str
    elsewhere: bool


async def ask(request: Request) -> Response:
    """``GET /orders/missing``: what do you know?"""
    await sessions.visitor(request)
    return page(
        request,
        "traveller/missing.html",
        form=_form(request, {}),
        kinds_of_document=_kinds(request),
        problem=None,
        wait="",
    )


async def search(request: Request) -> Response:
    """``POST /orders/missing``: searches; whoever is signed in is shown theirs at once, others how to prove who they are."""
    form = _form(request, await sessions.typed(request))
    known = await sessions.visitor(request)
    clues = _read(form)
    if form.wrong:
        return _ask_again(request, form, None, 422)
    typed = {name: value for name, value in _masked(form, clues).items() if value}
    db = sessions.database(request)
    try:
        finding = await orders.finding.search(db, clues, typed, sessions.source(request))
    except orders.SearchedTooOften as problem:
        return _ask_again(request, form, problem, problem.status)
    if known is not None:
        mine = await db.read(orders.finding.proven_by_account, finding, known.account_id)
        if mine:
            return await _result(request, form, finding, mine, "")
    form.values["finding"] = orders.finding.seal(finding)
    return await _prove_page(request, form, finding)


def _ask_again(request: Request, form: Form, problem: Problem | None, status: int) -> Response:
    wait = wait_words(request, problem.fields.get("retry_after_s")) if problem else ""
    return page(
        request, "traveller/missing.html", headers=PRIVATE, status=status, here="/orders/missing", form=form, kinds_of_document=_kinds(request),
        problem=problem, wait=wait,
    )  # fmt: skip


async def send_code(request: Request) -> Response:
    """``POST /orders/missing/code``: a code to the typed phone, or to one an order was booked with."""
    form, finding = await _opened(request)
    notice = ""
    phone = await _chosen(request, form, finding)
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
    return await _prove_page(request, form, finding, notice=notice, code_sent=bool(phone))


async def prove(request: Request) -> Response:
    """``POST /orders/missing/proof``: the code, or the PIN beside the document; then what they open is shown."""
    form, finding = await _opened(request)
    db, source = sessions.database(request), sessions.source(request)
    try:
        if form.value("pin").strip():
            found = await orders.finding.proven_by_pin(db, finding, form.value("pin"), source)
            if not found:
                raise orders.PinWrong
            return await _result(request, form, finding, found, "")
        phone = await _chosen(request, form, finding)
        if phone is None:
            return await _prove_page(request, form, finding, code_sent=True)
        code = contacts.plain_digits(form.value("code"))
        proof = await orders.proofs.prove(db, phone, code, source, request=form.value("finding")[-80:])
    except (accounts.CodeWrong, accounts.CodeExpired) as problem:
        contacts.add_problem(form, problem, "")
        return await _prove_page(request, form, finding, code_sent=True)
    except Problem as problem:
        if problem.status >= 500:
            raise
        return await _prove_page(request, form, finding, problem=problem)
    return await _result(request, form, finding, await db.read(orders.finding.proven_by_phone, finding, phone), proof)


async def _opened(request: Request) -> tuple[Form, orders.Finding]:
    form = _form(request, await sessions.typed(request))
    await sessions.visitor(request)
    return form, orders.finding.opened(form.value("finding"))


async def _chosen(request: Request, form: Form, finding: orders.Finding) -> str | None:
    """The phone a code goes to: the typed one, or that of a match. None with what is wrong said in the form."""
    if form.value("to", TYPED) == TYPED:
        return contacts.read_phone(form)
    phone = await sessions.database(request).read(orders.finding.phone_behind, finding, form.value("to"))
    if phone is None:
        form.add("to", "Choose where the code goes.")
    return phone


async def _prove_page(
    request: Request, form: Form, finding: orders.Finding, *, notice: str = "", code_sent: bool = False,
    problem: Problem | None = None,
) -> Response:  # fmt: skip
    found = await sessions.database(request).read(orders.finding.contacts, finding)
    wait = wait_words(request, problem.fields.get("retry_after_s")) if problem else ""
    return page(
        request, "traveller/missing_proof.html", headers=PRIVATE, status=problem.status if problem else 422 if form.wrong else 200,
        here="/orders/missing", form=form, contacts=found, loose=bool(finding.loose), has_phone=bool(finding.typed.get("phone")),
        has_document=bool(finding.typed.get("document")), notice=notice, code_sent=code_sent, problem=problem, wait=wait,
        kinds_of_document=_kinds(request),
    )  # fmt: skip


async def _result(
    request: Request, form: Form, finding: orders.Finding, found: list[orders.Order], proof: str
) -> Response:
    known = await sessions.visitor(request)
    members = await sessions.database(request).read(accounts.members, known.account_id) if known else []
    shown = [_shown(order, members) for order in found]
    form.values |= {"finding": orders.finding.seal(finding), "proof": proof}
    return page(
        request, "traveller/missing_result.html", headers=PRIVATE, here="/orders/missing", form=form, shown=shown,
        merge=known is not None and any(one.elsewhere for one in shown),
    )  # fmt: skip


def _shown(order: orders.Order, members: list[UUID]) -> Shown:
    owned = order.row.account_id in members
    url = f"/orders/{order.number}" + ("" if owned else f"?token={orders.fresh_token(order.number)}")
    return Shown(order, url, bool(members) and not owned)


def _form(request: Request, values: Mapping[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={
        "document": _("Document number"), "phone": _("Mobile phone"), "reference": _("Payment reference"),
        "paid_on": _("Day of the payment"), "paid_at": _("Time"), "amount": _("Amount in yuan"), "to": _("Where the code goes"),
        "code": _("Six-digit code"), "pin": _("PIN"),
    })  # fmt: skip


def _kinds(request: Request) -> list[tuple[str, str]]:
    _ = speaker(request)
    return [(kind.value, _(label)) for kind, label in documents.LABELS.items()]


def _read(form: Form) -> orders.Clues:
    """What was typed, as clues; what is wrong stands in the form."""
    document = None
    today = clock.now().astimezone(ZoneInfo(HOME_ZONE)).date()
    if form.value("document").strip():
        document, found = documents.check_document(form.value("document_type"), form.value("document"), today)
        form.add_found(one for one in found if one.severity == "error")
    phone = contacts.read_phone(form) if form.value("phone").strip() else None
    reference = "".join(form.value("reference").split())
    if len(reference) > REFERENCE_MAX:
        form.add("reference", "Use at most 80 characters.")
    since, until = _paid(form)
    clues = orders.Clues(
        phone=phone or "", document_type=document.type if document else "", document_key=document.person_key if document else "",
        reference=reference, amount_minor=_amount(form), since=since, until=until,
    )  # fmt: skip
    if clues.is_empty and not form.wrong:
        form.add(
            "document",
            "Enter at least one: a document, a phone, a payment reference, or day and amount of the payment.",
        )
    return clues


def _masked(form: Form, clues: orders.Clues) -> dict[str, str]:
    """What was typed, as a case may keep it."""
    end = clues.document_key[-min(4, len(clues.document_key) // 2) :] if clues.document_key else ""
    return {
        "document": f"{clues.document_type} ••••{end}" if end else "",
        "phone": accounts.mask_phone(clues.phone) if clues.phone else "",
        "reference": clues.reference,
        "paid": " ".join(filter(None, (form.value("paid_on"), form.value("paid_at")))),
        "amount": form.value("amount").strip(),
    }


def _paid(form: Form) -> tuple[datetime | None, datetime | None]:
    """From when to when it was paid: two hours around a time, or a whole day."""
    day, at = form.value("paid_on").strip(), form.value("paid_at").strip()
    if not day:
        return None, None
    zone = ZoneInfo(HOME_ZONE)
    try:
        moment = datetime.combine(date.fromisoformat(day), time.fromisoformat(at) if at else time(), zone).astimezone(
            UTC
        )
        return (moment - AROUND, moment + AROUND) if at else (moment, moment + timedelta(days=1))
    except (ValueError, OverflowError):
        form.add("paid_on", "Write the day as 2026-11-23 and the time as 20:15.")
        return None, None


def _amount(form: Form) -> int | None:
    """Fen, of what was typed in yuan."""
    typed = contacts.plain_digits(form.value("amount")).strip().lstrip("¥￥").replace(",", "").replace("，", "")
    if not typed:
        return None
    try:
        minor = Decimal(typed) * 100
        if minor == minor.to_integral_value() and 0 < minor <= AMOUNT_MAX * 100:
            return int(minor)
    except InvalidOperation:
        pass
    form.add("amount", "Write the amount as 60 or 60.50.")
    return None


routes = [
    Route("/orders/missing", ask, methods=["GET"]),
    Route("/orders/missing", search, methods=["POST"]),
    Route("/orders/missing/code", send_code, methods=["POST"]),
    Route("/orders/missing/proof", prove, methods=["POST"]),
]
