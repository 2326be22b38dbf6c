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
from holdfast.web import formats, sessions, words
from holdfast.web.render import language, page, query, speaker

from . import after_sale
from .payments import stage_of

UNPAID = (orders.State.HELD, orders.State.AWAITING_PAYMENT)


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
    stage = stage_of(order, payment, clock.now()).name if order.state in UNPAID else ""
    state = "expired" if stage == "expired" else order.state
    return page(
        request,
        "traveller/order.html",
        order=order,
        state=state,
        stage=stage,
        headline=words.STAGE_HEADLINES.get(stage) or words.STATE_HEADLINES[state],
        lead=_lead(request, order, state, stage),
        urls=urls(order.number, seen.token),
        can=Can(
            pay=stage in ("choose", "starting", "waiting", "failed"),
            tickets=order.state in (orders.State.CONFIRMED, orders.State.USED),
            cancel=_may_be_ended(order) and stage not in words.STAGE_HEADLINES,
            again=state in (orders.State.CANCELLED, orders.State.EXPIRED),
            watch=stage in words.STAGE_HEADLINES,
        ),
        is_paid=order.state is orders.State.CONFIRMED and order.row.amount_minor > 0,
        panel=panel,
        events=[Told(event.at, _tell(request, event)) for event in reversed(order.events)],
        money_says=_money(request, order, payment),
        reference=payment.merchant_ref if payment and payment.paid_at else None,
        time_zone=order.lines[0].time_zone,
        pin=_pin(order, seen.token),
        help_url="/help/cases/new" + query(order=order.number, token=seen.token, page=request.url.path),
    )


def _lead(request: Request, order: orders.Order, state: str, stage: str) -> str:
    _ = speaker(request)
    line = order.lines[0]
    until = formats.moment(language(request), order.row.expires_at, line.time_zone) if order.row.expires_at else ""
    says = words.STAGE_LEADS.get(stage) or words.STATE_LEADS[state]
    return _(says, time=until, day=formats.day_long(language(request), line.visit_date))


def _tell(request: Request, event: orders.Event) -> str:
    """An event in words; one we have no words for by its name, rather than not at all."""
    _ = speaker(request)
    kind = event.kind
    for detail in ("free", "late"):
        if event.details.get(detail) and f"{kind}_{detail}" in words.EVENTS:
            kind = f"{kind}_{detail}"
    values: dict[str, Any] = {"amount": event.details.get("amount", "")}
    return _(words.EVENTS[kind], **values) if kind in words.EVENTS else event.kind.replace("_", " ")


def _money(request: Request, order: orders.Order, payment: payments.PaymentView | None) -> list[str]:
    """What became of the money, in sentences."""
    _ = speaker(request)
    locale, zone = language(request), order.lines[0].time_zone
    if order.row.amount_minor == 0:
        return [_("Nothing is to pay.")]
    says = []
    if payment and payment.paid_at:
        says.append(_("Paid with WeChat Pay, {time}.", time=formats.moment(locale, payment.paid_at, zone)))
    elif payment and payment.in_doubt:
        says.append(_("We are asking the provider whether money came. Please do not pay again."))
    else:
        says.append(_("Nothing was charged."))
    for refund in payment.refunds if payment else []:
        amount = formats.money(locale, refund.amount_minor, refund.currency)
        says.append(_(words.REFUNDS.get(refund.state, words.REFUNDS["requested"]), amount=amount))
    return says


def _may_be_ended(order: orders.Order) -> bool:
    """Whether to offer it; whether it is possible is decided when it is asked for."""
    return order.state in (*UNPAID, orders.State.CONFIRMED)


async def tickets(request: Request) -> Response:
    """``GET /orders/{number}/tickets``: one ticket per page on paper."""
    seen = await sessions.order_of(request)
    made = orders.tickets(seen.order)
    if not made:
        return sessions.see(f"/orders/{seen.order.number}", token=seen.token)
    cards = await sessions.database(request).read(catalogue.venues.many, [line.venue_id for line in seen.order.lines])
    return page(
        request,
        "traveller/tickets.html",
        order=seen.order,
        tickets=made,
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
