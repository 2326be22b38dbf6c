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

from holdfast import catalogue, inventory, orders
from holdfast.kit import clock
from holdfast.kit.db import ReadTx
from holdfast.kit.problems import Problem
from holdfast.web import formats, sessions
from holdfast.web.render import language, page

from . import after_sale, cards, paying, venues
from .home import read_date, show_days
from .orders import urls


async def ask(request: Request) -> Response:
    """``GET /orders/{number}/change?date=&month=&slot=``: calendar, times of the day, and the sum for a chosen one."""
    return await _page(request, await after_sale.owned(request), sessions.asked(request, "slot"))


async def change(request: Request) -> Response:
    """``POST /orders/{number}/change``: what was shown is agreed to."""
    seen = await after_sale.owned(request)
    typed = await sessions.typed(request)
    slot_id, quoted = sessions.read_id(typed.get("slot", "")), _read_sum(typed.get("quoted", ""))
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
        return await _payment_page(request, (await after_sale.owned(request)).order, problem)
    return sessions.see(f"/orders/{seen.order.number}")


def _read_sum(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


def _from_slot(request: Request) -> UUID | None:
    """The visit to change, where an order has several."""
    return sessions.read_id(str(request.path_params.get("slot", "")))


async def _page(
    request: Request, seen: sessions.Seen, slot: str, problem: Problem | None = None, day: str = ""
) -> Response:
    order, slot_id = seen.order, sessions.read_id(slot)
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
    """``GET /orders/{number}/change/payment``; with ``?other=1`` the ways to pay although one is under way."""
    if back := paying.came_back(request):
        return back
    seen = await after_sale.owned(request)
    if bill := await _bill(request, seen.order):
        await paying.look(request, bill)
    return await _payment_page(request, seen.order)


async def pay(request: Request) -> Response:
    """``POST /orders/{number}/change/payment``: starts the payment of the difference, finds it, or takes another way."""
    seen = await after_sale.owned(request)
    bill = await _bill(request, seen.order)
    if bill is None:
        return sessions.see(f"/orders/{seen.order.number}")
    wish = await paying.wish(request, bill)
    try:
        view = await orders.changes.pay(sessions.database(request), seen.actor, seen.order, wish)
    except Problem as problem:
        return await _payment_page(request, (await after_sale.owned(request)).order, problem)
    return paying.go_on(bill, view)


async def card(request: Request) -> Response:
    """``GET /orders/{number}/change/payment/card``: the fields, while a card payment waits for its payer."""
    seen = await after_sale.owned(request)
    bill = await _bill(request, seen.order)
    return await cards.fields(request, bill) if bill else sessions.see(f"/orders/{seen.order.number}")


async def status(request: Request) -> Response:
    """``GET /orders/{number}/change/payment/status``: see `paying.tell`."""
    seen = await after_sale.owned(request)
    if bill := await _bill(request, seen.order):
        return await paying.tell(request, bill)
    return JSONResponse({"stage": "none", "moves": False}, headers={"Cache-Control": "no-store"})


async def _bill(request: Request, order: orders.Order) -> paying.Bill | None:
    """The newest change that cost more, whatever became of it; None where there never was one."""
    async with sessions.database(request).reading() as tx:
        made = next((one for one in await orders.changes.of_order(tx, order) if one.intent_id), None)
        if made is None:
            return None
        slots = await inventory.slots.many(tx, (made.from_slot, made.to_slot))
    return paying.Bill(order, change=made, slots=slots)


async def _payment_page(request: Request, order: orders.Order, problem: Problem | None = None) -> Response:
    bill = await _bill(request, order)
    if bill is None:
        return sessions.see(f"/orders/{order.number}")
    assert bill.change is not None
    reason = str(problem.fields.get("reason", "")) if isinstance(problem, orders.NotChangeable) else ""
    from_slot = str(bill.change.from_slot) if len({line.slot_id for line in order.lines}) > 1 else ""
    return await paying.show(
        request,
        bill,
        "traveller/change_payment.html",
        problem=problem,
        problem_says=after_sale.REASONS.get(reason, ""),
        urls={
            "give_up": f"/orders/{order.number}/change/end",
            "again": after_sale.change_url(order.number, from_slot),
        },
    )


routes = [
    Route("/orders/{number}/change", ask, methods=["GET"]),
    Route("/orders/{number}/change", change, methods=["POST"]),
    Route("/orders/{number}/change/from/{slot}", ask, methods=["GET"]),
    Route("/orders/{number}/change/from/{slot}", change, methods=["POST"]),
    Route("/orders/{number}/change/end", give_up, methods=["POST"]),
    Route("/orders/{number}/change/payment", payment, methods=["GET"]),
    Route("/orders/{number}/change/payment", pay, methods=["POST"]),
    Route("/orders/{number}/change/payment/card", card, methods=["GET"]),
    Route("/orders/{number}/change/payment/status", status, methods=["GET"]),
]
