"""Resellers for finance and operations: what each sold, gave back, paid and owes, month by month; and on which terms."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import partners
from holdfast.accounts import Role
from holdfast.kit import clock
from holdfast.kit.money import Money, parse_major
from holdfast.kit.problems import Conflict, InvalidInput
from holdfast.partners import statements
from holdfast.partners.statements_model import Month
from holdfast.web import sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access
from .pages import HEADERS, add_problem, page, read_reason

HERE = "/console/statements"
READERS = (Role.FINANCE, Role.OPERATIONS)
KINDS = {"sale": "sold", "change": "changed", "cancellation": "cancelled", "payment": "paid"}
"""Kind of a line → an English word."""
NUMBERS = ("requests_per_s", "holds_max", "places_per_slot", "hold_minutes", "hold_minutes_max")
MAY_BE_EMPTY = ("places_per_slot",)


async def every(request: Request) -> Response:
    """``GET /console/statements``: all partners, with what they owe."""
    await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        found = [(one, await statements.months(tx, one.id)) for one in await partners.every(tx)]
    return page(
        request, "statements.html", found=[(one, _newest(months)) for one, months in found], bookings=_bookings(found)
    )


def _newest(months: list[Month]) -> list[Month]:
    """The last month of each currency: what is owed stands there."""
    seen: dict[str, Month] = {}
    for one in months:
        seen.setdefault(one.currency, one)
    return list(seen.values())


def _bookings(found: list[tuple[partners.Partner, list[Month]]]) -> dict[str, int]:
    """Partner → how many bookings it made in all."""
    return {one.id: sum(month.bookings for month in months) for one, months in found}


async def statement(request: Request) -> Response:
    """``GET /console/partners/{id}/statement?month=2026-11``: one partner's months, and the lines of one of them."""
    await access.require(request, *READERS)
    return await _statement(request, _form(request, {}))


async def _statement(request: Request, form: Form) -> Response:
    session = await access.known(request)
    first = _month(sessions.asked(request, "month", 7)) or _this_month()
    async with sessions.database(request).reading() as tx:
        partner = await partners.require(tx, request.path_params["id"])
        months = await statements.months(tx, partner.id)
        lines = await statements.lines(tx, partner.id, first)
        terms = await partners.limits.terms_of(tx, partner.id)
    return page(
        request, "statement.html", status=422 if form.wrong else 200, here=_base(partner.id), partner=partner, months=months,
        owed=_newest(months), lines=lines, first=first, terms=terms, form=form, kinds=KINDS, base=_base(partner.id),
        may_pay=bool(session and session.staff.may(Role.FINANCE)),
    )  # fmt: skip


async def as_csv(request: Request) -> Response:
    """``GET /console/partners/{id}/statement.csv?month=2026-11``: the lines of a month, for a spreadsheet."""
    await access.require(request, *READERS)
    first = _month(sessions.asked(request, "month", 7)) or _this_month()
    async with sessions.database(request).reading() as tx:
        partner = await partners.require(tx, request.path_params["id"])
        lines = await statements.lines(tx, partner.id, first)
    name = f"{partner.id}-{first:%Y-%m}.csv"
    return Response(
        statements.as_csv(lines, language(request)), media_type="text/csv; charset=utf-8",
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )  # fmt: skip


async def pay_in(request: Request) -> Response:
    """``POST /console/partners/{id}/statement``: a partner's payment came to the bank."""
    seen = await access.require(request, Role.FINANCE)
    form = _form(request, await sessions.typed(request))
    try:
        money = parse_major(form.value("amount").strip().replace(",", ""))
    except ValueError:
        form.add("amount", statements.AMOUNT_FORM)
        return await _statement(request, form)
    partner_id = request.path_params["id"]
    try:
        await sessions.database(request).run(statements.pay_in, seen.actor, partner_id, money, form.value("reference"))
    except InvalidInput as problem:
        add_problem(form, problem)
        return await _statement(request, form)
    except Conflict as problem:
        add_problem(form, problem, "reference")
        return await _statement(request, form)
    return sessions.see(_base(partner_id))


async def terms(request: Request) -> Response:
    """``GET /console/partners/{id}/terms``: on which terms a partner sells."""
    await access.require(request, *READERS)
    async with sessions.database(request).reading() as tx:
        partner = await partners.require(tx, request.path_params["id"])
        now = await partners.limits.terms_of(tx, partner.id)
    return await _terms(request, _form(request, _as_typed(now)), partner)


async def _terms(request: Request, form: Form, partner: partners.Partner) -> Response:
    return page(
        request, "statement_terms.html", status=422 if form.wrong else 200, here=f"/console/partners/{partner.id}/terms",
        partner=partner, form=form, base=_base(partner.id),
    )  # fmt: skip


async def set_terms(request: Request) -> Response:
    """``POST /console/partners/{id}/terms``: other terms from now on; what is booked keeps its price."""
    seen = await access.require(request, *READERS)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    async with sessions.database(request).reading() as tx:
        partner = await partners.require(tx, request.path_params["id"])
    wanted = _read_terms(form)
    if wanted is not None and not form.wrong:
        try:
            await sessions.database(request).run(
                partners.limits.set_terms, seen.actor, partner.id, wanted, reason=reason
            )
            return sessions.see(_base(partner.id))
        except InvalidInput as problem:
            add_problem(form, problem)
    return await _terms(request, form, partner)


def _as_typed(now: partners.Terms) -> dict[str, str]:
    """Terms as the form shows them."""
    typed = {name: "" if getattr(now, name) is None else str(getattr(now, name)) for name in NUMBERS}
    typed["commission_bp"] = f"{now.commission_bp / 100:.2f}".rstrip("0").rstrip(".")
    typed["credit_minor"] = "" if now.credit_minor is None else Money(now.credit_minor).decimal
    typed["product_ids"] = "" if now.product_ids is None else "\n".join(now.product_ids)
    typed["only_these"] = "1" if now.product_ids is not None else ""
    typed["redeem_venues"] = " ".join(now.redeem_venues)
    typed["selling"] = "1" if now.selling else ""
    return typed


def _read_terms(form: Form) -> partners.Terms | None:
    """The terms that were typed; what is no number is wrong beside its field."""
    given: dict[str, Any] = {"selling": bool(form.value("selling"))}
    for name in NUMBERS:
        text = form.value(name).strip()
        if not text and name in MAY_BE_EMPTY:
            given[name] = None
        elif text.isascii() and text.isdigit() and len(text) <= 9:
            given[name] = int(text)
        else:
            least, most = partners.limits.BOUNDS[name]
            form.add(name, partners.limits.OUT_OF_BOUNDS, least=least, most=most)
    try:
        given["commission_bp"] = parse_major(form.value("commission_bp").strip() or "0").amount_minor
    except ValueError:
        form.add("commission_bp", "Enter a percentage with at most two places, such as 12.5.")
    credit = form.value("credit_minor").strip()
    try:
        given["credit_minor"] = parse_major(credit).amount_minor if credit else None
    except ValueError:
        form.add("credit_minor", "Enter an amount, or leave the field empty.")
    if form.value("only_these"):
        given["product_ids"] = sorted(set(form.value("product_ids").replace(",", " ").split()))
    given["redeem_venues"] = sorted(set(form.value("redeem_venues").replace(",", " ").split()))
    return None if form.wrong else msgspec.convert(given, partners.Terms)


def _form(request: Request, values: dict[str, str]) -> Form:
    _ = speaker(request)
    labels = {
        "amount": _("Amount"), "reference": _("Bank's number"), "commission_bp": _("Commission in percent"),
        "requests_per_s": _("Requests in a second"), "holds_max": _("Unconfirmed reservations at once"),
        "places_per_slot": _("Places in one slot"), "hold_minutes": _("Minutes a reservation is held"),
        "hold_minutes_max": _("Minutes at the most, when it is extended"), "credit_minor": _("It may owe at most"),
        "reason": _("Reason"),
    }  # fmt: skip
    return Form(values, labels=labels)


def _base(partner_id: str) -> str:
    return f"/console/partners/{partner_id}/statement"


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01") if len(text) == 7 else None
    except ValueError as error:
        raise HTTPException(404) from error


def _this_month() -> date:
    return clock.now().astimezone(statements.ZONE).date().replace(day=1)


routes = [
    Route(HERE, every, methods=["GET"]),
    Route("/console/partners/{id}/statement", statement, methods=["GET"]),
    Route("/console/partners/{id}/statement", pay_in, methods=["POST"]),
    Route("/console/partners/{id}/statement.csv", as_csv, methods=["GET"]),
    Route("/console/partners/{id}/terms", terms, methods=["GET"]),
    Route("/console/partners/{id}/terms", set_terms, methods=["POST"]),
]
