"""A visitor's order: its whole story, its tickets, and ending it. Lists and searches stand in `finding`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import catalogue, orders, payments
from holdfast.kit import clock
from holdfast.payments import search
from holdfast.web import card_words, formats, offer_words, sessions, words
from holdfast.web.render import language, page, query, speaker

from . import after_sale, money, ways
from .stages import is_promised, stage_of

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


def _pin(order: orders.Order, token: str) -> str:
    """The PIN, for whoever may keep it: not where the order is open for a few hours only."""
    return "" if "." in token else orders.pins.show(order.number)


async def one(request: Request) -> Response:
    """``GET /orders/{number}``: everything about one order."""
    seen = await sessions.order_of(request)
    order = seen.order
    async with sessions.database(request).reading() as tx:
        payment = await orders.payment_of(tx, order)
        panel = await after_sale.panel(tx, request, order)
        choose_until = None if seen.token else await orders.displacement_choices.open_until(tx, order)
        detail = await search.detail(tx, payment.intent_id) if payment and payment.refunds else None
        cards = await orders.cards.of_order(tx, order)
        paid_with = await orders.cards.paying(tx, order)
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
        headline=words.STAGE_HEADLINES.get(stage) or _headline(order, state),
        cards=cards,
        paid_with=paid_with,
        provider=money.service(request, provider),
        lead=_lead(request, order, payment, state, stage),
        urls=urls(order.number, seen.token),
        can=_can(order, stage, state),
        answers=not promised or not ways.is_outage(await orders.ways(sessions.database(request), order)),
        is_paid=order.state is orders.State.CONFIRMED and order.row.amount_minor > 0 and not promised,
        panel=panel,
        choose_until=choose_until,
        gifts=offer_words.GIFTS,
        events=[Told(event.at, _tell(request, order, event)) for event in reversed(order.events)],
        money_says=money.sentences(request, order, payment, detail),
        reference=payment.merchant_ref if payment and payment.paid_at and provider in WALLETS else None,
        time_zone=order.lines[0].time_zone,
        pin=_pin(order, seen.token),
        help_url="/help/cases/new" + query(order=order.number, token=seen.token, page=request.url.path),
    )


def _headline(order: orders.Order, state: str) -> str:
    known = card_words.HEADLINES if order.is_card else words.STATE_HEADLINES
    return known.get(state) or words.STATE_HEADLINES[state]


def _can(order: orders.Order, stage: str, state: str) -> Can:
    watched = stage in words.STAGE_HEADLINES
    return Can(
        pay=stage in words.PAYABLE | words.UNDER_WAY,
        tickets=order.state in (orders.State.CONFIRMED, orders.State.USED),
        cancel=_may_be_ended(order) and not watched,
        again=state in (orders.State.CANCELLED, orders.State.EXPIRED),
        watch=watched,
    )


def _lead(request: Request, order: orders.Order, payment: payments.PaymentView | None, state: str, stage: str) -> str:
    _ = speaker(request)
    line = order.lines[0]
    at = payment.due_at if payment and payment.due_at else order.row.expires_at
    until = formats.moment(language(request), at, line.time_zone) if at else ""
    says = words.STAGE_LEADS.get(stage) or (order.is_card and card_words.LEADS.get(state)) or words.STATE_LEADS[state]
    if stage == "promised":
        says = words.PROMISED_LEAD
    return _(says, time=until, day=formats.day_long(language(request), line.visit_date))


def _tell(request: Request, order: orders.Order, event: orders.Event) -> str:
    """An event in words; one we have no words for by its name, rather than not at all."""
    _ = speaker(request)
    kind, details = event.kind, event.details
    if order.is_card and kind in card_words.ORDER_EVENTS:
        return _(card_words.ORDER_EVENTS[kind], amount=details.get("amount", ""))
    for detail in ("free", "late", "deferred", "refunded"):
        if details.get(detail) and f"{kind}_{detail}" in words.EVENTS:
            kind = f"{kind}_{detail}"
    values: dict[str, Any] = {"amount": details.get("amount", ""), "time": ""}
    if due_at := details.get("due_at"):
        at = datetime.fromisoformat(due_at)
        values["time"] = formats.moment(language(request), at, order.lines[0].time_zone)
    return _(words.EVENTS[kind], **values) if kind in words.EVENTS else event.kind.replace("_", " ")


def _may_be_ended(order: orders.Order) -> bool:
    """Whether to offer it; whether it is possible is decided when it is asked for."""
    return order.state in (*UNPAID, orders.State.CONFIRMED)


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
        pin=_pin(seen.order, seen.token),
    )


async def calendar(request: Request) -> Response:
    """``GET /orders/{number}/calendar.ics``."""
    seen = await sessions.order_of(request)
    headers = {"Content-Disposition": f'attachment; filename="holdfast-{seen.order.number}.ics"'}
    return Response(orders.calendar_file(seen.order, language(request)), media_type="text/calendar", headers=headers)


routes = [
    Route("/orders/{number}", one, methods=["GET"]),
    Route("/orders/{number}/tickets", tickets, methods=["GET"]),
    Route("/orders/{number}/calendar.ics", calendar, methods=["GET"]),
]
