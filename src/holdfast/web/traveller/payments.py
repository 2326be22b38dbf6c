"""Paying an order: its ways to pay, and where nothing answers, confirming the visit on the promise to pay later."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders, payments
from holdfast.kit import clock
from holdfast.kit.problems import Problem
from holdfast.web import sessions, words
from holdfast.web.render import query
from holdfast.web.sessions import Seen

from . import cards, paying
from .paying import Bill

LINK_COOKIE = "hf_link"
"""Keeps the token of a signed link while its holder is away at a provider, who never learns it."""


async def show(request: Request) -> Response:
    """``GET /orders/{number}/payment``; with ``?other=1`` the ways to pay although one is under way."""
    if back := paying.came_back(request):
        return back
    try:
        seen = await sessions.order_of(request)
    except (accounts.SignInNeeded, orders.OrderUnknown):
        link = request.cookies.get(LINK_COOKIE, "")[:200]
        if not link or "token" in request.query_params:
            raise
        return sessions.see(request.url.path, token=link)
    await paying.look(request, _bill(seen))
    return await _payment_page(request, seen)


async def pay(request: Request) -> Response:
    """``POST /orders/{number}/payment``: starts the payment, finds the one under way, or goes over to another way."""
    seen = await sessions.order_of(request)
    wish = await paying.wish(request, _bill(seen))
    try:
        view = await orders.pay(sessions.database(request), seen.actor, seen.order, wish)
    except Problem as problem:
        return await _payment_page(request, await sessions.order_of(request), problem)
    return paying.go_on(_bill(seen), view)


async def card(request: Request) -> Response:
    """``GET /orders/{number}/payment/card``: the fields, while a card payment waits for its payer."""
    return await cards.fields(request, _bill(await sessions.order_of(request)))


async def promise(request: Request) -> Response:
    """``POST /orders/{number}/payment/promise``: confirms the visit now, to be paid later."""
    seen = await sessions.order_of(request)
    try:
        await orders.promise(sessions.database(request), seen.actor, seen.order)
    except Problem as problem:
        return await _payment_page(request, await sessions.order_of(request), problem)
    return sessions.see(f"/orders/{seen.order.number}/payment", token=seen.token)


async def status(request: Request) -> Response:
    """``GET /orders/{number}/payment/status``: see `paying.tell`."""
    return await paying.tell(request, _bill(await sessions.order_of(request)))


def _bill(seen: Seen) -> Bill:
    return Bill(seen.order, seen.token)


async def _payment_page(request: Request, seen: Seen, problem: Problem | None = None) -> Response:
    order, token = seen.order, seen.token
    base, link = f"/orders/{order.number}", query(token=token)
    answer = await paying.show(
        request,
        _bill(seen),
        "traveller/payment.html",
        problem=problem,
        urls={
            "promise": f"{base}/payment/promise{link}",
            "cancel": f"{base}/cancellation{link}",
            "again": f"/venues/{order.lines[0].venue_id}",
        },
        problem_says=words.PROMISE_REFUSED[reason] if (reason := _reason(problem)) else "",
        promise_until=_promise_until(order),
    )
    if token:
        path = f"{base}/payment"
        answer.set_cookie(LINK_COOKIE, token, path=path, httponly=True, samesite="lax", secure=sessions.is_secure())
    return answer


def _reason(problem: Problem | None) -> str:
    """Why paying later was refused, where we have a sentence for it."""
    reason = problem.fields.get("reason") if isinstance(problem, payments.DeferralRefused) else None
    return reason if reason in words.PROMISE_REFUSED else ""


def _promise_until(order: orders.Order) -> datetime:
    """When a promise made now would be due: at the end of the visit, at the latest in a day."""
    visit_ends = max(line.ends_at for line in order.lines)
    return min(visit_ends, clock.now() + orders.checkout.TIME_TO_KEEP_A_PROMISE)


routes = [
    Route("/orders/{number}/payment", show, methods=["GET"]),
    Route("/orders/{number}/payment", pay, methods=["POST"]),
    Route("/orders/{number}/payment/promise", promise, methods=["POST"]),
    Route("/orders/{number}/payment/status", status, methods=["GET"]),
    Route("/orders/{number}/payment/card", card, methods=["GET"]),
]
