"""Finding orders: one's own by what one wishes to see, and one by its number with the phone, the PIN or a link sent again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders
from holdfast.kit.problems import Problem
from holdfast.web import contacts, sessions, words
from holdfast.web.forms import Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import page, query, speaker

WISHES = ("state", "text", "since", "until")


async def mine(request: Request) -> Response:
    """``GET /orders``: the visitor's orders that fit, what is still to come first, page by page."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    _ = speaker(request)
    asked = {name: sessions.asked(request, name) for name in WISHES}
    form = Form(asked, labels={"since": _("From"), "until": _("To")})
    wish = orders.Wish(
        state=orders.State(asked["state"]) if asked["state"] in words.STATES else None, text=asked["text"],
        since=_day(form, "since"), until=_day(form, "until"),
    )  # fmt: skip
    before = sessions.asked(request, "before", 80)
    found = await sessions.database(request).read(orders.finding.mine, known.account_id, wish, page=before)
    return page(
        request, "traveller/orders.html", status=422 if form.wrong else 200, form=form, orders=found.orders,
        coming=found.coming, narrowed=any(asked.values()), is_first=not before,
        states=[("", _("any")), *((state, _(words.STATES[state])) for state in words.STATES)],
        older_url="/orders" + query(before=found.following, **asked) if found.following else "",
    )  # fmt: skip


def _day(form: Form, field: str) -> date | None:
    typed = form.value(field)
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        form.add(field, "Write a day as 2026-11-23.")
        return None


async def ask_number(request: Request) -> Response:
    """``GET /orders/lookup``: find an order without signing in."""
    await sessions.visitor(request)
    return _lookup_page(request, _form(request, {"number": sessions.asked(request, "number", 40)}))


async def look_up(request: Request) -> Response:
    """``POST /orders/lookup``: number and PIN lead to the order; number and phone show it without its people."""
    await sessions.visitor(request)
    form = _form(request, await sessions.typed(request))
    number, pin = _number(form), form.value("pin").strip()
    phone = None if pin else contacts.read_phone(form)
    if form.wrong or not (pin or phone):
        return _lookup_page(request, form, status=422)
    db, source = sessions.database(request), sessions.source(request)
    try:
        if phone is None:
            order = await orders.pins.by_pin(db, number, pin, source)
            return sessions.see(f"/orders/{order.number}", token=orders.fresh_token(order.number))
        found = await orders.look_up(db, number, phone, source)
    except Problem as problem:
        return _refused(request, form, problem)
    return _lookup_page(request, form, found=found)


async def send_link(request: Request) -> Response:
    """``POST /orders/lookup/link``: a link to the phone the order was booked with; the answer tells nothing else."""
    await sessions.visitor(request)
    form = _form(request, await sessions.typed(request))
    number = _number(form)
    if form.wrong:
        return _lookup_page(request, form, status=422)
    try:
        await orders.links.send(sessions.database(request), number, sessions.source(request))
    except Problem as problem:
        return _refused(request, form, problem)
    return _lookup_page(request, form, sent=True)


async def ask_link(request: Request) -> Response:
    """``GET /orders/link/{token}``: asks to press a button, so that what looks at links by itself uses none up."""
    await sessions.visitor(request)
    await sessions.database(request).read(orders.links.require, request.path_params["token"])
    return page(request, "traveller/order_link.html", token=request.path_params["token"])


async def use_link(request: Request) -> Response:
    """``POST /orders/link/{token}``: uses the link up and leads to the order."""
    number = await sessions.database(request).run(orders.links.use, request.path_params["token"])
    return sessions.see(f"/orders/{number}", token=orders.fresh_token(number))


def _form(request: Request, values: Mapping[str, str]) -> Form:
    _ = speaker(request)
    return Form(values, labels={"number": _("Order number"), "phone": _("Mobile phone"), "pin": _("PIN")})


def _number(form: Form) -> str:
    if not form.value("number").strip():
        form.add("number", "Enter the order number from your message.")
    return form.value("number")


def _refused(request: Request, form: Form, problem: Problem) -> Response:
    if problem.status >= 500:
        raise problem
    return _lookup_page(request, form, problem=problem, status=problem.status)


def _lookup_page(
    request: Request, form: Form, *, found: orders.Order | None = None, problem: Problem | None = None, sent: bool = False,
    status: int = 200,
) -> Response:  # fmt: skip
    wait = wait_words(request, problem.fields.get("retry_after_s")) if problem else ""
    return page(
        request, "traveller/lookup.html", status=status, here="/orders/lookup", form=form, found=found, problem=problem,
        wait=wait, sent=sent,
    )  # fmt: skip


routes = [
    Route("/orders", mine, methods=["GET"]),
    Route("/orders/lookup", ask_number, methods=["GET"]),
    Route("/orders/lookup", look_up, methods=["POST"]),
    Route("/orders/lookup/link", send_link, methods=["POST"]),
    Route("/orders/link/{token}", ask_link, methods=["GET"]),
    Route("/orders/link/{token}", use_link, methods=["POST"]),
]
