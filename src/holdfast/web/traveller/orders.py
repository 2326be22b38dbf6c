"""A visitor's orders: the list, one order with its whole story, its tickets, and ending it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, catalogue, orders, payments
from holdfast.kit import clock
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Problem
from holdfast.payments import search
from holdfast.web import contacts, formats, sessions, words
from holdfast.web.forms import Form
from holdfast.web.problem_pages import wait_words
from holdfast.web.render import language, page, query, speaker

from . import money, ways
from .stages import stage_of
from .venues import say_cancel_rule

PAGE_SIZE = 20
UNPAID = (orders.State.HELD, orders.State.AWAITING_PAYMENT)
WALLETS = ("wechatpay", "alipay")
"""Providers whose payers find our reference in their own list of payments."""


class Urls(NamedTuple):
    """Where an order's pages are, with the token of the signed link if that opened it."""

    order: str
    payment: str
    tickets: str
    calendar: str
    cancellation: str


class Can(NamedTuple):
    """What the page offers. Whether it is allowed is decided by the domain when it is asked."""

    pay: bool
    tickets: bool
    cancel: bool
    again: bool
    watch: bool


class Told(msgspec.Struct, frozen=True):
    """An event of the story in words."""

    at: datetime
    says: str


def urls(number: str, token: str) -> Urls:
    base, link = f"/orders/{number}", query(token=token)
    return Urls(*(f"{base}{part}{link}" for part in ("", "/payment", "/tickets", "/calendar.ics", "/cancellation")))


async def mine(request: Request) -> Response:
    """``GET /orders``: the visitor's orders, newest first, page by page."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    before = _read_id(sessions.asked(request, "before"))
    found = await sessions.database(request).read(orders.mine, known.account_id, limit=PAGE_SIZE + 1, before=before)
    shown = found[:PAGE_SIZE]
    older = f"/orders{query(before=str(shown[-1].row.id))}" if len(found) > PAGE_SIZE else ""
    return page(request, "traveller/orders.html", orders=shown, is_first=before is None, older_url=older)


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def one(request: Request) -> Response:
    """``GET /orders/{number}``: everything about one order."""
    seen = await sessions.order_of(request)
    order = seen.order
    async with sessions.database(request).reading() as tx:
        payment = await orders.payment_of(tx, order)
        detail = await search.detail(tx, payment.intent_id) if payment and payment.refunds else None
        rules = await _rules(tx, request, order)
    whole = stage_of(order, payment, clock.now()).name
    promised = is_promised(payment, order)
    stage = whole if order.state in UNPAID else "promised" if promised else ""
    state = "expired" if stage == "expired" else order.state
    provider = payment.provider if payment else None
    return page(
        request,
        "traveller/order.html",
        order=order,
        state=state,
        stage=stage,
        headline=words.STAGE_HEADLINES.get(stage) or words.STATE_HEADLINES[state],
        provider=money.service(request, provider),
        lead=_lead(request, order, payment, state, stage),
        urls=urls(order.number, seen.token),
        can=_can(order, stage, state),
        answers=not promised or not ways.is_outage(await orders.ways(sessions.database(request), order)),
        is_paid=order.state is orders.State.CONFIRMED and order.row.amount_minor > 0,
        rules=[] if state in (orders.State.CANCELLED, orders.State.EXPIRED, orders.State.USED) else rules,
        events=[Told(event.at, _tell(request, order, event)) for event in reversed(order.events)],
        money_says=money.sentences(request, order, payment, detail),
        reference=payment.merchant_ref if payment and payment.paid_at and provider in WALLETS else None,
        time_zone=order.lines[0].time_zone,
    )


def is_promised(payment: payments.PaymentView | None, order: orders.Order) -> bool:
    """Whether an order was confirmed before it was paid, and still is to be paid."""
    given = order.state in (orders.State.CONFIRMED, orders.State.USED)
    return given and payment is not None and payment.state is payments.IntentState.DEFERRED


def _can(order: orders.Order, stage: str, state: str) -> Can:
    watched = stage in words.STAGE_HEADLINES
    return Can(
        pay=stage in words.PAYABLE | words.UNDER_WAY,
        tickets=order.state in (orders.State.CONFIRMED, orders.State.USED),
        cancel=_may_be_ended(order) and not watched,
        again=state in (orders.State.CANCELLED, orders.State.EXPIRED),
        watch=watched,
    )


async def _rules(tx: ReadTx, request: Request, order: orders.Order) -> list[str]:
    """What the attractions of an order themselves say about cancelling."""
    found = []
    for line in order.lines:
        products = (await catalogue.venues.get(tx, line.venue_id)).products
        found += [
            say_cancel_rule(request, product.cancel_rule) for product in products if product.name == line.product_name
        ]
    return list(dict.fromkeys(filter(None, found)))


def _lead(request: Request, order: orders.Order, payment: payments.PaymentView | None, state: str, stage: str) -> str:
    _ = speaker(request)
    line = order.lines[0]
    at = payment.due_at if payment and payment.due_at else order.row.expires_at
    until = formats.moment(language(request), at, line.time_zone) if at else ""
    says = words.STAGE_LEADS.get(stage) or words.STATE_LEADS[state]
    if stage == "promised":
        says = words.PROMISED_LEAD
    return _(says, time=until, day=formats.day_long(language(request), line.visit_date))


def _tell(request: Request, order: orders.Order, event: orders.Event) -> str:
    """An event in words; one we have no words for by its name, rather than not at all."""
    _ = speaker(request)
    kind, details = event.kind, event.details
    for detail in ("free", "late", "deferred", "refunded"):
        if details.get(detail) and f"{kind}_{detail}" in words.EVENTS:
            kind = f"{kind}_{detail}"
    values: dict[str, Any] = {"amount": details.get("amount", ""), "time": ""}
    if due_at := details.get("due_at"):
        at = datetime.fromisoformat(due_at)
        values["time"] = formats.moment(language(request), at, order.lines[0].time_zone)
    return _(words.EVENTS[kind], **values) if kind in words.EVENTS else event.kind.replace("_", " ")


async def ask_cancellation(request: Request) -> Response:
    """``GET /orders/{number}/cancellation``: asks once, saying what it means. Needs the owner's session."""
    seen = await _owned(request)
    if not _may_be_ended(seen.order):
        return sessions.see(f"/orders/{seen.order.number}")
    return _cancellation_page(request, seen)


def _may_be_ended(order: orders.Order) -> bool:
    """Whether to offer it; whether it is possible is decided when it is asked for."""
    return order.state in UNPAID or (order.state is orders.State.CONFIRMED and order.row.amount_minor == 0)


async def cancel(request: Request) -> Response:
    """``POST /orders/{number}/cancellation``."""
    seen = await _owned(request)
    try:
        await orders.cancel(sessions.database(request), seen.actor, seen.order)
    except Problem as problem:
        return _cancellation_page(request, await _owned(request), problem)
    return sessions.see(f"/orders/{seen.order.number}")


async def _owned(request: Request) -> sessions.Seen:
    """A link may have been passed on to companions: it shows an order but does not end it."""
    if sessions.asked(request, "token") and await sessions.visitor(request) is None:
        raise accounts.SignInNeeded
    return await sessions.order_of(request)


def _cancellation_page(request: Request, seen: sessions.Seen, problem: Problem | None = None) -> Response:
    return page(
        request,
        "traveller/cancellation.html",
        status=problem.status if problem else 200,
        order=seen.order,
        urls=urls(seen.order.number, seen.token),
        problem=problem,
    )


async def tickets(request: Request) -> Response:
    """``GET /orders/{number}/tickets``: one ticket per page on paper."""
    seen = await sessions.order_of(request)
    made = orders.tickets(seen.order)
    if not made:
        return sessions.see(f"/orders/{seen.order.number}", token=seen.token)
    db = sessions.database(request)
    cards = await db.read(catalogue.venues.many, [line.venue_id for line in seen.order.lines])
    payment = await db.read(orders.payment_of, seen.order)
    return page(
        request,
        "traveller/tickets.html",
        order=seen.order,
        tickets=made,
        to_pay_until=payment.due_at if payment and is_promised(payment, seen.order) else None,
        kind_of={venue_id: card.kind for venue_id, card in cards.items()},
        urls=urls(seen.order.number, seen.token),
    )


async def calendar(request: Request) -> Response:
    """``GET /orders/{number}/calendar.ics``."""
    seen = await sessions.order_of(request)
    headers = {"Content-Disposition": f'attachment; filename="holdfast-{seen.order.number}.ics"'}
    return Response(orders.calendar_file(seen.order, language(request)), media_type="text/calendar", headers=headers)


async def ask_number(request: Request) -> Response:
    """``GET /orders/lookup``: find an order without signing in."""
    await sessions.visitor(request)
    return _lookup_page(request, Form({"number": sessions.asked(request, "number", 40)}))


async def look_up(request: Request) -> Response:
    """``POST /orders/lookup``: what number and phone show."""
    await sessions.visitor(request)
    _ = speaker(request)
    form = Form(await sessions.typed(request), labels={"number": _("Order number"), "phone": _("Mobile phone")})
    if not form.value("number").strip():
        form.add("number", "Enter the order number from your message.")
    phone = contacts.read_phone(form)
    if form.wrong or phone is None:
        return _lookup_page(request, form, status=422)
    try:
        found = await orders.look_up(sessions.database(request), form.value("number"), phone, sessions.source(request))
    except Problem as problem:
        if problem.status >= 500:
            raise
        return _lookup_page(request, form, problem=problem, status=problem.status)
    return _lookup_page(request, form, found=found)


def _lookup_page(
    request: Request,
    form: Form,
    *,
    found: orders.Order | None = None,
    problem: Problem | None = None,
    status: int = 200,
) -> Response:
    wait = wait_words(request, problem.fields.get("retry_after_s")) if problem else ""
    return page(
        request,
        "traveller/lookup.html",
        status=status,
        here="/orders/lookup",
        form=form,
        found=found,
        problem=problem,
        wait=wait,
    )


routes = [
    Route("/orders", mine, methods=["GET"]),
    Route("/orders/lookup", ask_number, methods=["GET"]),
    Route("/orders/lookup", look_up, methods=["POST"]),
    Route("/orders/{number}", one, methods=["GET"]),
    Route("/orders/{number}/cancellation", ask_cancellation, methods=["GET"]),
    Route("/orders/{number}/cancellation", cancel, methods=["POST"]),
    Route("/orders/{number}/tickets", tickets, methods=["GET"]),
    Route("/orders/{number}/calendar.ics", calendar, methods=["GET"]),
]
