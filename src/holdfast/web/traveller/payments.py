"""Paying an order: what is happening in plain words, the code to scan, and looking again until it is settled."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast import orders, payments
from holdfast.kit import clock, settings
from holdfast.kit.problems import Problem
from holdfast.web import sessions
from holdfast.web.render import page, query
from holdfast.web.sessions import Seen
from holdfast.web.words import STAGES, Stage


async def show(request: Request) -> Response:
    """``GET /orders/{number}/payment``."""
    return await _payment_page(request, await sessions.order_of(request))


async def pay(request: Request) -> Response:
    """``POST /orders/{number}/payment``: starts the payment, or finds the one under way."""
    seen = await sessions.order_of(request)
    try:
        await orders.pay(sessions.database(request), seen.actor, seen.order)
    except Problem as problem:
        return await _payment_page(request, await sessions.order_of(request), problem)
    return sessions.see(request.url.path, token=seen.token)


async def status(request: Request) -> Response:
    """``GET /orders/{number}/payment/status``: ``{"stage", "moves", "seconds_left"}`` for the page's script."""
    seen = await sessions.order_of(request)
    stage, expires_at, _code = await _stage(request, seen.order)
    left = _seconds_left(expires_at)
    return JSONResponse(
        {"stage": stage.name, "moves": stage.moves, "seconds_left": left}, headers={"Cache-Control": "no-store"}
    )


async def _stage(request: Request, order: orders.Order) -> tuple[Stage, datetime | None, str]:
    """Where the payment stands, until when the places are held, and the code to scan if there is one."""
    async with sessions.database(request).reading() as tx:
        payment = await orders.payment_of(tx, order)
    stage = stage_of(order, payment, clock.now())
    expires_at = payment.expires_at if payment and stage.name == "waiting" else order.row.expires_at
    return stage, expires_at, (payment.code_url if payment else None) or ""


def stage_of(order: orders.Order, payment: payments.PaymentView | None, now: datetime) -> Stage:
    """The stage that the states of order and payment make together; money that came always shows first."""
    if order.state in (orders.State.CONFIRMED, orders.State.USED):
        return STAGES["paid"]
    if order.state is orders.State.CANCELLED:
        return STAGES["cancelled"]
    if payment and (
        payment.state is payments.IntentState.PAID or payment.attempt_state is payments.AttemptState.SUCCEEDED
    ):
        return STAGES["late" if order.state is orders.State.EXPIRED else "arrived"]
    if order.state is orders.State.EXPIRED:
        return STAGES["expired"]
    is_over = order.row.expires_at is not None and order.row.expires_at <= now
    if payment is None or payment.attempt_state is None:
        return STAGES["expired" if is_over else "choose"]
    if payment.in_doubt or is_over:
        return STAGES["checking"]
    by_attempt = {
        payments.AttemptState.AWAITING_USER: "waiting",
        payments.AttemptState.CREATED: "starting",
        payments.AttemptState.SUBMITTED: "starting",
        payments.AttemptState.UNKNOWN: "checking",
        payments.AttemptState.FAILED: "failed",
        payments.AttemptState.CLOSED: "failed",
    }
    return STAGES[by_attempt[payment.attempt_state]]


def _seconds_left(expires_at: datetime | None) -> int:
    return max(0, int((expires_at - clock.now()).total_seconds())) if expires_at else 0


async def _payment_page(request: Request, seen: Seen, problem: Problem | None = None) -> Response:
    order, token = seen.order, seen.token
    stage, expires_at, code_url = await _stage(request, order)
    base = f"/orders/{order.number}"
    link = query(token=token)
    return page(
        request,
        "traveller/payment.html",
        status=problem.status if problem else 200,
        here=f"{base}/payment{link}",
        order=order,
        stage=stage,
        problem=problem,
        code_url=code_url,
        wallet_url=wallet_url(code_url, f"{base}/payment{link}"),
        expires_at=expires_at,
        seconds_left=_seconds_left(expires_at),
        time_zone=order.lines[0].time_zone,
        pay_url=f"{base}/payment{link}",
        status_url=f"{base}/payment/status{link}",
        order_url=base + link,
        tickets_url=f"{base}/tickets{link}",
        cancel_url=f"{base}/cancellation{link}",
        again_url=f"/venues/{order.lines[0].venue_id}",
    )


def wallet_url(code_url: str, back: str) -> str:
    """Outside production, the simulator's wallet stands for the phone that would scan the code."""
    given = settings.current()
    if given.is_production or not code_url:
        return ""
    return f"{given.simulator_url}/wallet?" + urlencode({"code_url": code_url, "return": given.base_url + back})


routes = [
    Route("/orders/{number}/payment", show, methods=["GET"]),
    Route("/orders/{number}/payment", pay, methods=["POST"]),
    Route("/orders/{number}/payment/status", status, methods=["GET"]),
]
