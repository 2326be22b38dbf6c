"""Booking for somebody on the telephone or at the counter: slot, people, money; then a slip with number and PIN to print.

The price is that of checkout: offers of the counter with their reasons, and of a code. Offers that ask who books need the phone, so
the price can be looked at before anything is said; what is taken in cash is exactly what was shown.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue, inventory, orders
from holdfast.accounts import Role
from holdfast.kit import clock
from holdfast.kit.problems import Problem
from holdfast.orders.assisted import Wanted
from holdfast.web import contacts, sessions, words
from holdfast.web.formats import HOME_ZONE
from holdfast.web.forms import Form
from holdfast.web.render import language, query, speaker
from holdfast.web.traveller import checkout, choices, offered
from holdfast.web.traveller.choices import Choice
from holdfast.web.traveller.home import read_date

from . import access
from .pages import page

HERE = "/console/desk/booking"
STAFF = (Role.DESK, Role.SUPPORT)
CARRIED = ("venue", "date", "slot", "desk")


async def show(request: Request) -> Response:
    """``GET /console/desk/booking``: first place and day, then the slot, then the tickets, then the people."""
    await access.require(request, *STAFF)
    values = {name: value[:64] for name, value in request.query_params.items()}
    choice = await _chosen(request, values)
    form = _form(request, choice, values, str(uuid4()))
    return await _page(request, form, choice)


async def _chosen(request: Request, values: dict[str, str]) -> Choice | None:
    """The slot with its tickets; None while none is chosen, or it is gone."""
    if not values.get("slot"):
        return None
    try:
        return await choices.load(sessions.database(request), values)
    except Problem:
        return None


async def _page(
    request: Request, form: Form, choice: Choice | None, problem: Problem | None = None, phone: str | None = None
) -> Response:
    day = read_date(form.value("date")) or clock.now().astimezone(ZoneInfo(HOME_ZONE)).date()
    form.values.setdefault("date", str(day))
    slots: list[Any] = []
    async with sessions.database(request).reading() as tx:
        desks = await inventory.allotments.desks(tx)
        venues = [(card.id, card.name) for card in await catalogue.search(tx)]
        if form.value("venue") in {venue_id for venue_id, _name in venues}:
            slots = await inventory.availability.day(tx, form.value("venue"), day)
        own = await inventory.allotments.left(tx, form.value("desk"), [slot.id for slot in slots])
        made = await orders.assisted.made(tx)
    price = await _price(request, form, choice, phone or "") if choice and choice.lines else None
    chosen = next((slot for slot in slots if choice and slot.id == choice.slot_id), None)
    _ = speaker(request)
    return page(
        request, "desk_booking.html", status=problem.status if problem else 422 if form.wrong else 200, form=form, choice=choice, slots=slots,
        price=price, problem_says=checkout.says_more(request, problem), own=own, desks=desks, venues=venues, chosen=chosen, made=made, problem=problem, today=clock.now().date(),
        documents=[(kind, _(words.DOCUMENTS[kind])) for kind in choice.documents] if choice else [],
        here=HERE + query(**{name: form.value(name) for name in CARRIED}), sale=inventory.SALE_STATES,
    )  # fmt: skip


async def _price(request: Request, form: Form, choice: Choice, phone: str) -> offered.Shown:
    """What it costs the person of this phone now. Cash that was counted for another price is to be counted again."""
    async with sessions.database(request).reading() as tx:
        quoted = await orders.assisted.quote(
            tx, offered.wishes(choice), phone=phone, locale=_locale(form), code=offered.code_of(form)
        )
        price = await offered.explain(tx, quoted, form)
    if offered.total_of(form.values) != price.total_minor:
        form.values.pop("taken", None)
    form.values[offered.TOTAL] = str(price.total_minor)
    return price


def _locale(form: Form) -> str:
    return "en" if form.value("locale") == "en" else "zh"


async def book(request: Request) -> Response:
    """``POST /console/desk/booking``: books, and leads to the slip; or says everything that is wrong, beside each field.

    With ``act=price`` it only shows what it costs the person of the phone, and with the code.
    """
    seen = await access.require(request, *STAFF)
    values = await sessions.typed(request)
    choice = await _chosen(request, values)
    form = _form(request, choice, values, values.get("key", "")[:64] or str(uuid4()))
    if choice is None or not choice.lines:
        return await _page(request, form, choice)
    phone = contacts.read_phone(form) if form.value("phone").strip() else ""
    if form.value("act") == "price":
        return await _page(request, form, choice, phone=phone)
    if form.value("payment") not in ("cash", "link"):
        form.add("payment", "Choose how it is paid.")
    if form.value("payment") == "cash" and offered.total_of(form.values) != 0 and not form.value("taken"):
        form.add("taken", "Confirm that the whole sum is in your hand.")
    if form.wrong or phone is None:
        return await _page(request, form, choice, phone=phone)
    wanted = Wanted(
        key=form.key_for(*sorted(form.values.keys() - {"key"})), lines=choice.basket(form.values, phone).lines, phone=phone,
        locale=_locale(form), payment=form.value("payment"), desk_code=form.value("desk")[:8], code=offered.code_of(form),
        quoted_total_minor=offered.total_of(form.values),
    )  # fmt: skip
    try:
        number = await orders.assisted.book(sessions.database(request), seen.actor, wanted)
    except Problem as problem:
        form.key = form.values["key"] = str(uuid4())
        if problem.errors:
            form.add_found(problem.errors)
            return await _page(request, form, choice, phone=phone)
        return await _page(request, form, choice, problem, phone)
    return sessions.see(f"{HERE}/{number}", done=1)


async def slip(request: Request) -> Response:
    """``GET /console/desk/booking/{number}``: number, PIN and tickets, to be printed and handed over."""
    await access.require(request, *STAFF)
    async with sessions.database(request).reading() as tx:
        order = await orders.assisted.slip(tx, request.path_params["number"])
        payment = await orders.payment_of(tx, order)
    return page(
        request, "desk_booking_slip.html", order=order, payment=payment, tickets=orders.tickets(order), pin=orders.pins.show(order.number),
        done=sessions.asked(request, "done", 2), base=request.base_url,
    )  # fmt: skip


def _form(request: Request, choice: Choice | None, values: dict[str, str], key: str) -> Form:
    _ = speaker(request)
    labels: dict[str, str] = {}
    for at, line in enumerate(choice.lines if choice else []):
        for place, prefix in enumerate(choice.people(at) if choice else []):
            who = _("Visitor {number}", number=line.first_person + place)
            labels |= {f"{prefix}.{name}": who for name in ("name", "document_type", "document")}
    labels |= {
        "phone": _("Phone number"),
        offered.FIELD: _("Offer code"),
        "payment": _("Payment"),
        "taken": _("Confirmation"),
    }
    form = Form({"locale": language(request), "region": "CN", **values}, key=key, labels=labels)
    form.values["key"] = key
    return form


routes = [
    Route(HERE, show, methods=["GET"]),
    Route(HERE, book, methods=["POST"]),
    Route(HERE + "/{number}", slip, methods=["GET"]),
]
