"""Paying an order: the ways to pay, what is happening in plain words, and looking again until it is settled.

A payer may take another way at any time; the one under way is closed at its provider first. Where nothing answers, the
visit can be confirmed on the promise to pay later.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast import accounts, orders, payments
from holdfast.kit import clock, settings
from holdfast.kit.problems import Problem
from holdfast.payments import search
from holdfast.payments.attempts import INSIST_AFTER
from holdfast.web import formats, sessions, words
from holdfast.web.render import language, page, query, speaker
from holdfast.web.sessions import Seen
from holdfast.web.words import PAYABLE, STAGES, UNDER_WAY, Stage

from . import cards, money, ways
from .stages import stage_of

__all__ = ["routes", "stage_of"]
LINK_COOKIE = "hf_link"
"""Keeps the token of a signed link while its holder is away at a provider, who never learns it."""
SAYS_WHY = ("mismatch", "returned")
"""Stages whose own words say why money goes back."""
ADDED = ("payment_intent", "payment_intent_client_secret", "redirect_status", "out_trade_no", "trade_no", "sign")
"""What providers add to the address a payer comes back to; it proves nothing and is taken off."""


class Now(NamedTuple):
    """Where a payment stands at this moment. `may_insist`: another way may be begun although this one is in doubt."""

    stage: Stage
    payment: payments.PaymentView | None
    detail: search.Detail | None
    offers: list[payments.Offer]
    may_promise: str
    may_insist: bool

    @property
    def held_until(self) -> datetime | None:
        """Until when it can be paid, where that is still to be done."""
        return self.payment.expires_at if self.payment else None

    @property
    def changes(self) -> bool:
        """Whether the page may look different by itself: money comes, a way to pay returns."""
        resting = any(offer.state != "healthy" for offer in self.offers)
        return self.stage.moves or (self.stage.name in PAYABLE and resting)

    @property
    def shows(self) -> str:
        """A mark of all that decides how the page looks."""
        payment = self.payment
        way = (payment.provider, payment.method, payment.merchant_ref, payment.error_code) if payment else ()
        seen = [(offer.provider, offer.method, offer.state, offer.offered) for offer in self.offers]
        facts = (self.stage.name, way, seen, self.may_promise, self.may_insist)
        return sha256(repr(facts).encode()).hexdigest()[:12]


async def show(request: Request) -> Response:
    """``GET /orders/{number}/payment``; with ``?other=1`` the ways to pay although one is under way."""
    if any(name in request.query_params for name in ADDED):
        return sessions.see(request.url.path, token=sessions.asked(request, "token"))
    try:
        seen = await sessions.order_of(request)
    except (accounts.SignInNeeded, orders.OrderUnknown):
        link = request.cookies.get(LINK_COOKIE, "")[:200]
        if not link or "token" in request.query_params:
            raise
        return sessions.see(request.url.path, token=link)
    await _look(request, seen.order)
    return await _payment_page(request, seen)


async def pay(request: Request) -> Response:
    """``POST /orders/{number}/payment``: starts the payment, finds the one under way, or goes over to another way."""
    seen = await sessions.order_of(request)
    typed = await sessions.typed(request)
    provider = typed.get("provider", "")[:40]
    wish = payments.Wish(
        provider=provider,
        method=typed.get(f"method.{provider}", "")[:40],
        insist=typed.get("insist") == "1",
        return_url=f"{settings.current().base_url}/orders/{seen.order.number}/payment",
        payer_ip=sessions.source(request),
    )
    try:
        view = await orders.pay(sessions.database(request), seen.actor, seen.order, wish)
    except Problem as problem:
        return await _payment_page(request, await sessions.order_of(request), problem)
    typing = view.method == "card" and view.client_secret
    return sessions.see(request.url.path + ("/card" if typing else ""), token=seen.token)


async def promise(request: Request) -> Response:
    """``POST /orders/{number}/payment/promise``: confirms the visit now, to be paid later."""
    seen = await sessions.order_of(request)
    try:
        await orders.promise(sessions.database(request), seen.actor, seen.order)
    except Problem as problem:
        return await _payment_page(request, await sessions.order_of(request), problem)
    return sessions.see(f"/orders/{seen.order.number}/payment", token=seen.token)


async def status(request: Request) -> Response:
    """``GET /orders/{number}/payment/status``: ``{"stage", "shows", "moves", "seconds_left"}`` for the page's script."""
    seen = await sessions.order_of(request)
    await _look(request, seen.order)
    now = await _now(request, seen.order)
    told = {
        "stage": now.stage.name,
        "shows": now.shows,
        "moves": now.changes,
        "seconds_left": _seconds_left(_until(seen.order, now)),
    }
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


async def _look(request: Request, order: orders.Order) -> None:
    """Somebody waits here: doubts of this payment are asked about before others."""
    if order.row.intent_id is not None:
        await sessions.database(request).run(payments.look, order.row.intent_id)


async def _now(request: Request, order: orders.Order) -> Now:
    """Reads what the page tells. The ways to pay are looked up only where they can be taken."""
    db, at = sessions.database(request), clock.now()
    async with db.reading() as tx:
        payment = await orders.payment_of(tx, order)
        detail = await search.detail(tx, payment.intent_id) if payment and payment.refunds else None
    stage = stage_of(order, payment, at)
    offers: list[payments.Offer] = []
    may_promise = ""
    if stage.name in PAYABLE | UNDER_WAY | {"checking"}:
        offers = await orders.ways(db, order)
        may_promise = await orders.may_promise(db, order) if ways.is_outage(offers) else "channels-answer"
        if stage.name in ("choose", "failed") and ways.is_outage(offers):
            stage = STAGES["outage"]
    may_insist = stage.name == "checking" and _waited_s(payment) >= INSIST_AFTER.seconds
    return Now(stage, payment, detail, offers, may_promise, may_insist)


def _waited_s(payment: payments.PaymentView | None) -> int:
    """How long ago the payment that is shown was begun."""
    return int((clock.now() - payment.started_at).total_seconds()) if payment and payment.started_at else 0


def _until(order: orders.Order, now: Now) -> datetime | None:
    """Until when the places are held, or the promise to pay is to be kept."""
    return now.held_until if now.stage.name in UNDER_WAY | {"promised"} else order.row.expires_at


def _seconds_left(until: datetime | None) -> int:
    return max(0, int((until - clock.now()).total_seconds())) if until else 0


async def _payment_page(request: Request, seen: Seen, problem: Problem | None = None) -> Response:
    order, token = seen.order, seen.token
    now = await _now(request, order)
    payment, stage = now.payment, now.stage
    stuck = isinstance(problem, payments.StillChecking)
    other = (stuck or bool(sessions.asked(request, "other"))) and (stage.name in UNDER_WAY or now.may_insist)
    until, zone = _until(order, now), order.lines[0].time_zone
    urls = _urls(order, token)
    answer = page(
        request,
        "traveller/payment.html",
        status=problem.status if problem else 200,
        headers={"Cache-Control": "private, no-store"},
        here=urls["other"] if other else urls["pay"],
        order=order,
        stage=stage,
        **_spoken(request, now, until, zone),
        problem=problem,
        problem_says=words.PROMISE_REFUSED[reason] if (reason := _reason(problem)) else "",
        other=other,
        insist=other and (now.may_insist or (stuck and _waited_s(payment) >= INSIST_AFTER.seconds)),
        ways=ways.rows(request, now.offers, beside=(payment and payment.provider) or "" if other else "", zone=zone),
        outage=bool(now.offers) and ways.is_outage(now.offers),
        may_promise=now.may_promise,
        may_insist=now.may_insist,
        shows=now.shows,
        payment=payment,
        says_of_money=money.returns(request, now.detail, why=stage.name not in SAYS_WHY)
        + money.doubts(request, payment),
        waited_s=_waited_s(payment),
        wallet_url=wallet_url((payment and payment.code_url) or "", f"/orders/{order.number}/payment"),
        expires_at=until,
        seconds_left=_seconds_left(until),
        promise_until=_promise_until(order),
        time_zone=zone,
        urls=urls,
    )
    if token:
        path = f"/orders/{order.number}/payment"
        answer.set_cookie(LINK_COOKIE, token, path=path, httponly=True, samesite="lax", secure=sessions.is_secure())
    return answer


def _urls(order: orders.Order, token: str) -> dict[str, str]:
    """Where the page leads, with the token of the signed link if that opened it."""
    base, link = f"/orders/{order.number}", query(token=token)
    return {
        "pay": f"{base}/payment{link}",
        "other": f"{base}/payment{query(token=token, other='1')}",
        "card": f"{base}/payment/card{link}",
        "promise": f"{base}/payment/promise{link}",
        "status": f"{base}/payment/status{link}",
        "order": base + link,
        "tickets": f"{base}/tickets{link}",
        "cancel": f"{base}/cancellation{link}",
        "again": f"/venues/{order.lines[0].venue_id}",
    }


def _spoken(request: Request, now: Now, until: datetime | None, zone: str) -> dict[str, Any]:
    """The stage in words, with the names and times that belong to it."""
    _ = speaker(request)
    name = (now.payment and now.payment.provider) or ""
    names = {"provider": money.service(request, name), "app": _(words.APPS.get(name, ""))}
    time = formats.moment(language(request), until, zone) if until else ""
    return {
        **names,
        "headline": money.said(_(now.stage.headline, **names)),
        "says": [money.said(_(sentence, **names, time=time)) for sentence in now.stage.says],
    }


def _reason(problem: Problem | None) -> str:
    """Why paying later was refused, where we have a sentence for it."""
    reason = problem.fields.get("reason") if isinstance(problem, payments.DeferralRefused) else None
    return reason if reason in words.PROMISE_REFUSED else ""


def _promise_until(order: orders.Order) -> datetime:
    """When a promise made now would be due: at the end of the visit, at the latest in a day."""
    visit_ends = max(line.ends_at for line in order.lines)
    return min(visit_ends, clock.now() + orders.checkout.TIME_TO_KEEP_A_PROMISE)


def wallet_url(code_url: str, back: str) -> str:
    """Outside production, the simulator's wallet stands for the phone that would scan the code."""
    given = settings.current()
    if given.is_production or not code_url:
        return ""
    return f"{given.simulator_url}/wallet?" + urlencode({"code_url": code_url, "return": given.base_url + back})


routes = [
    Route("/orders/{number}/payment", show, methods=["GET"]),
    Route("/orders/{number}/payment", pay, methods=["POST"]),
    Route("/orders/{number}/payment/promise", promise, methods=["POST"]),
    Route("/orders/{number}/payment/status", status, methods=["GET"]),
    *cards.routes,
]
