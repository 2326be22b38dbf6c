"""Another date or time: the calendar of the same ticket, what the change costs, the press that agrees, and paying more."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast import catalogue, inventory, orders, payments
from holdfast.kit import clock, settings
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Problem
from holdfast.web import formats, sessions, words
from holdfast.web.render import language, page, speaker

from . import after_sale, money, venues
from .home import read_date, show_days
from .orders import urls
from .payments import wallet_url

GONE = ("lapsed", "withdrawn")


async def ask(request: Request) -> Response:
    """``GET /orders/{number}/change?date=&month=&slot=``: calendar, times of the day, and the sum for a chosen one."""
    return await _page(request, await after_sale.owned(request), sessions.asked(request, "slot"))


async def change(request: Request) -> Response:
    """``POST /orders/{number}/change``: what was shown is agreed to."""
    seen = await after_sale.owned(request)
    typed = await sessions.typed(request)
    slot_id, quoted = _read_id(typed.get("slot", "")), _read_sum(typed.get("quoted", ""))
    if slot_id is None or quoted is None:
        return sessions.see(request.url.path)
    wish = orders.changes.Wish(slot_id, quoted, _from_slot(request))
    try:
        made = await orders.changes.change(sessions.database(request), seen.actor, seen.order, wish)
    except Problem as problem:
        return await _page(request, await after_sale.owned(request), str(slot_id), problem, typed.get("date", ""))
    waits = made.state is orders.ChangeState.AWAITING_PAYMENT
    return sessions.see(f"/orders/{seen.order.number}" + ("/change/payment" if waits else ""))


async def give_up(request: Request) -> Response:
    """``POST /orders/{number}/change/end``: the visit stays as it was."""
    seen = await after_sale.owned(request)
    try:
        await orders.changes.withdraw(sessions.database(request), seen.actor, seen.order)
    except orders.ChangeUnknown:
        pass
    except Problem as problem:
        return await _payment_page(request, seen, problem)
    return sessions.see(f"/orders/{seen.order.number}")


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _read_sum(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


def _from_slot(request: Request) -> UUID | None:
    """The visit to change, where an order has several."""
    return _read_id(str(request.path_params.get("slot", "")))


async def _page(
    request: Request, seen: sessions.Seen, slot: str, problem: Problem | None = None, day: str = ""
) -> Response:
    order, slot_id = seen.order, _read_id(slot)
    from_slot = _from_slot(request)
    line = next((one for one in order.lines if one.slot_id == from_slot), order.lines[0])
    quote = None
    async with sessions.database(request).reading() as tx:
        allowed = await orders.changes.allowed(tx, order, line.slot_id)
        if slot_id is not None and not isinstance(allowed, orders.NotChangeable):
            try:
                quote = await orders.changes.quote(tx, order, slot_id, line.slot_id)
            except Problem as refused:
                problem = problem or refused
        shown = await _calendar(tx, request, line, day)
    problem = problem or (allowed if isinstance(allowed, orders.NotChangeable) else None)
    until = quote.holds_until if quote else None
    return page(
        request,
        "traveller/change.html",
        status=problem.status if problem else 200,
        here=f"{request.url.path}?{urlencode({'date': shown['chosen'], 'slot': slot})}",
        order=order,
        line=line,
        urls=urls(order.number, seen.token),
        problem=problem,
        reason=after_sale.say_reason(request, problem) if isinstance(problem, orders.NotChangeable) else "",
        possible=not isinstance(allowed, orders.NotChangeable),
        quote=quote,
        until=formats.moment(language(request), until, line.time_zone) if until else "",
        slot=slot,
        **shown,
    )


async def _calendar(tx: ReadTx, request: Request, line: orders.Line, day: str) -> dict[str, Any]:
    """The month and the times of the chosen day, of the ticket of one line, as the calendar's partial shows them."""
    now = clock.now()
    venue = await catalogue.venues.get(tx, line.venue_id)
    today = now.astimezone(ZoneInfo(venue.time_zone)).date()
    chosen: date = read_date(day or sessions.asked(request, "date")) or max(line.visit_date, today)
    first = venues.month_asked(request, chosen, today)
    days = await inventory.availability.month(tx, venue.id, first, today)
    product = await orders.changes.product_of(tx, line.slot_id)
    slots = [one for one in await inventory.availability.day(tx, venue.id, chosen, now) if one.product_id == product]
    return {
        "venue_url": request.url.path,
        "venue": venue,
        "today": today,
        "chosen": chosen,
        "first": first,
        "weeks": venues.weeks(show_days(days), today),
        "earlier": venues.month_before(first) if first > today.replace(day=1) else "",
        "later": venues.month_after(first) if venues.may_look_on(first, today) else "",
        "people_asked": "",
        "offers": venues.offers(request, venue, [one for one in slots if one.id != line.slot_id]),
    }


async def payment(request: Request) -> Response:
    """``GET /orders/{number}/change/payment``."""
    return await _payment_page(request, await after_sale.owned(request))


async def pay(request: Request) -> Response:
    """``POST /orders/{number}/change/payment``: starts the payment of the difference, or finds the one under way."""
    seen = await after_sale.owned(request)
    try:
        await orders.changes.pay(sessions.database(request), seen.actor, seen.order)
    except Problem as problem:
        return await _payment_page(request, seen, problem)
    return sessions.see(request.url.path)


async def status(request: Request) -> Response:
    """``GET /orders/{number}/change/payment/status``: ``{"stage", "moves"}`` for the page's script."""
    seen = await after_sale.owned(request)
    _change, _view, stage = await _stand(request, seen.order)
    return JSONResponse({"stage": stage, "moves": stage in MOVING}, headers={"Cache-Control": "no-store"})


MOVING = ("waiting", "checking", "arrived")
"""Stages that may change by themselves, so the page looks again."""


async def _stand(
    request: Request, order: orders.Order
) -> tuple[orders.Change | None, payments.PaymentView | None, str]:
    """The newest change that cost more, its payment, and where that stands."""
    async with sessions.database(request).reading() as tx:
        made = [one for one in await orders.changes.of_order(tx, order) if one.intent_id]
        view = await payments.view(tx, made[0].intent_id) if made and made[0].intent_id else None
    if not made or view is None:
        return None, None, "none"
    if made[0].state is orders.ChangeState.DONE:
        return made[0], view, "done"
    if made[0].state in GONE:
        return made[0], view, "over"
    if view.state is payments.IntentState.PAID:
        return made[0], view, "arrived"
    if view.in_doubt or (view.attempt_state and view.expires_at <= clock.now()):
        return made[0], view, "checking"
    if view.attempt_state is payments.AttemptState.AWAITING_USER:
        return made[0], view, "waiting"
    return made[0], view, "over" if view.expires_at <= clock.now() else "choose"


async def _payment_page(request: Request, seen: sessions.Seen, problem: Problem | None = None) -> Response:
    order = seen.order
    change, view, stage = await _stand(request, order)
    if change is None or view is None:
        return sessions.see(f"/orders/{order.number}")
    here = f"/orders/{order.number}/change/payment"
    return page(
        request,
        "traveller/change_payment.html",
        status=problem.status if problem else 200,
        here=here,
        order=order,
        urls=urls(order.number, seen.token),
        change=change,
        stage=stage,
        provider=money.service(request, view.provider),
        app=speaker(request)(words.APPS.get(view.provider or "", "")),
        moves=stage in MOVING,
        problem=problem,
        pay_url=here,
        status_url=f"{here}/status",
        give_up_url=f"/orders/{order.number}/change/end",
        code_url=view.code_url or "",
        go_url=view.pay_url or "",
        wallet_url=wallet_url(view.code_url or "", here) if not settings.current().is_production else "",
        expires_at=view.expires_at,
        time_zone=order.lines[0].time_zone,
    )


routes = [
    Route("/orders/{number}/change", ask, methods=["GET"]),
    Route("/orders/{number}/change", change, methods=["POST"]),
    Route("/orders/{number}/change/from/{slot}", ask, methods=["GET"]),
    Route("/orders/{number}/change/from/{slot}", change, methods=["POST"]),
    Route("/orders/{number}/change/end", give_up, methods=["POST"]),
    Route("/orders/{number}/change/payment", payment, methods=["GET"]),
    Route("/orders/{number}/change/payment", pay, methods=["POST"]),
    Route("/orders/{number}/change/payment/status", status, methods=["GET"]),
]
