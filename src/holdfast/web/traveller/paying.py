"""A page that asks for money: the same for an order and for the difference of a change of its date.

The ways to pay, what is happening in plain words, and looking again until it is settled. A payer may take another way at
any time; the one under way is closed at its provider first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from holdfast import inventory, orders, payments
from holdfast.kit import clock, settings
from holdfast.kit.money import Money
from holdfast.kit.problems import Problem
from holdfast.payments import search
from holdfast.payments.attempts import INSIST_AFTER
from holdfast.web import formats, sessions
from holdfast.web.render import language, page, query, speaker
from holdfast.web.words import APPS, CHANGE_STAGES, PAYABLE, STAGES, UNDER_WAY, Stage

from . import money, ways
from .stages import stage_of, stage_of_change

SAYS_WHY = ("mismatch", "returned")
"""Stages whose own words say why money goes back."""
ADDED = ("payment_intent", "payment_intent_client_secret", "redirect_status", "out_trade_no", "trade_no", "sign")
"""What providers add to the address a payer comes back to; it proves nothing and is taken off."""


class Bill(NamedTuple):
    """What a page asks money for: an order, or the difference of a `change` of it with both its `slots`."""

    order: orders.Order
    token: str = ""
    """Of the signed link that opened the page, if one did."""
    change: orders.Change | None = None
    slots: Mapping[UUID, inventory.Slot] = {}

    @property
    def path(self) -> str:
        """The page's own; the card page and the status are below it."""
        return f"/orders/{self.order.number}/{'change/' if self.change else ''}payment"

    @property
    def due(self) -> Money:
        return Money(self.change.due_minor, self.change.currency) if self.change else self.order.total

    @property
    def intent_id(self) -> UUID | None:
        return self.change.intent_id if self.change else self.order.row.intent_id

    @property
    def stages(self) -> Mapping[str, Stage]:
        """The words of its stages."""
        return CHANGE_STAGES if self.change else STAGES

    def stage(self, payment: payments.PaymentView | None, now: datetime) -> Stage:
        """Where its payment stands."""
        if self.change is None:
            return stage_of(self.order, payment, now)
        assert payment is not None
        return stage_of_change(self.order, self.change, payment, now)


class Now(NamedTuple):
    """Where a payment stands at this moment. `may_insist`: another way may be begun although this one is in doubt."""

    stage: Stage
    payment: payments.PaymentView | None
    detail: search.Detail | None
    offers: list[payments.Offer]
    may_promise: str
    may_insist: bool
    until: datetime | None
    """Until when the places are held, or the promise to pay is to be kept."""

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

    @property
    def waited_s(self) -> int:
        """How long ago the payment that is shown was begun."""
        begun_at = self.payment.started_at if self.payment else None
        return int((clock.now() - begun_at).total_seconds()) if begun_at else 0

    @property
    def seconds_left(self) -> int:
        return max(0, int((self.until - clock.now()).total_seconds())) if self.until else 0


async def stand(request: Request, bill: Bill) -> Now:
    """Reads what the page tells. The ways to pay are looked up only where they can be taken."""
    db, at = sessions.database(request), clock.now()
    async with db.reading() as tx:
        payment = await payments.view(tx, bill.intent_id) if bill.intent_id else None
        detail = await search.detail(tx, payment.intent_id) if payment and payment.refunds else None
    stage = bill.stage(payment, at)
    offers: list[payments.Offer] = []
    may_promise = ""
    if stage.name in PAYABLE | UNDER_WAY | {"checking"}:
        offers = await (orders.changes.ways(db, bill.change) if bill.change else orders.ways(db, bill.order))
        outage = ways.is_outage(offers)
        may_promise = await _may_promise(request, bill) if outage else "channels-answer"
        if outage and stage.name in ("choose", "failed"):
            stage = bill.stages["outage"]
    is_its_own = bill.change is not None or stage.name in UNDER_WAY | {"promised"}
    until = (payment.expires_at if payment else None) if is_its_own else bill.order.row.expires_at
    now = Now(stage, payment, detail, offers, may_promise, may_insist=False, until=until)
    return now._replace(may_insist=stage.name == "checking" and now.waited_s >= INSIST_AFTER.seconds)


async def _may_promise(request: Request, bill: Bill) -> str:
    """Empty when it can be paid later. A difference cannot: until it is paid, the visit stays as it was."""
    return "never" if bill.change else await orders.may_promise(sessions.database(request), bill.order)


async def look(request: Request, bill: Bill) -> None:
    """Somebody waits here: doubts of this payment are asked about before others."""
    if bill.intent_id is not None:
        await sessions.database(request).run(payments.look, bill.intent_id)


def came_back(request: Request) -> Response | None:
    """The page's own address, for a payer whom a provider sent here with something added to it."""
    if not any(name in request.query_params for name in ADDED):
        return None
    return sessions.see(request.url.path, token=sessions.asked(request, "token"))


async def wish(request: Request, bill: Bill) -> payments.Wish:
    """The row that was chosen, and where its provider sends the payer back to."""
    typed = await sessions.typed(request)
    provider = typed.get("provider", "")[:40]
    return payments.Wish(
        provider=provider,
        method=typed.get(f"method.{provider}", "")[:40],
        insist=typed.get("insist") == "1",
        return_url=settings.current().base_url + bill.path,
        payer_ip=sessions.source(request),
    )


def go_on(bill: Bill, view: payments.PaymentView) -> Response:
    """To where the payer pays what was begun: the card page, or the payment's own."""
    typing = view.method == "card" and view.client_secret
    return sessions.see(bill.path + ("/card" if typing else ""), token=bill.token)


async def tell(request: Request, bill: Bill) -> Response:
    """``{"stage", "shows", "moves", "seconds_left"}`` for the page's script."""
    await look(request, bill)
    now = await stand(request, bill)
    told = {"stage": now.stage.name, "shows": now.shows, "moves": now.changes, "seconds_left": now.seconds_left}
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


async def show(
    request: Request,
    bill: Bill,
    template: str,
    *,
    problem: Problem | None = None,
    problem_says: str = "",
    urls: Mapping[str, str],
    **more: Any,
) -> Response:
    """The page as it is now. `problem_says`: more about a problem, in English; `urls`: what the page leads to beside its own
    addresses; `more`: what its template alone knows."""
    now = await stand(request, bill)
    payment, stage = now.payment, now.stage
    stuck = isinstance(problem, payments.StillChecking)
    other = (stuck or bool(sessions.asked(request, "other"))) and (stage.name in UNDER_WAY or now.may_insist)
    zone, addresses = bill.order.lines[0].time_zone, own_urls(bill)
    beside = (payment and payment.provider) or "" if other else ""
    return page(
        request,
        template,
        status=problem.status if problem else 200,
        headers={"Cache-Control": "private, no-store"},
        here=addresses["other"] if other else addresses["pay"],
        bill=bill,
        order=bill.order,
        due=bill.due,
        stage=stage,
        **_spoken(request, now, zone),
        problem=problem,
        problem_says=problem_says,
        other=other,
        insist=other and (now.may_insist or (stuck and now.waited_s >= INSIST_AFTER.seconds)),
        ways=ways.rows(request, now.offers, beside=beside, zone=zone),
        outage=bool(now.offers) and ways.is_outage(now.offers),
        may_promise=now.may_promise,
        may_insist=now.may_insist,
        shows=now.shows,
        payment=payment,
        says_of_money=money.returns(request, now.detail, why=stage.name not in SAYS_WHY)
        + money.doubts(request, payment),
        waited_s=now.waited_s,
        wallet_url=wallet_url((payment and payment.code_url) or "", bill.path),
        expires_at=now.until,
        seconds_left=now.seconds_left,
        time_zone=zone,
        urls={**addresses, **urls},
        **more,
    )


def own_urls(bill: Bill) -> dict[str, str]:
    """The addresses that every such page leads to, with the token of the signed link if that opened it."""
    order, link = f"/orders/{bill.order.number}", query(token=bill.token)
    return {
        "pay": bill.path + link,
        "other": bill.path + query(token=bill.token, other="1"),
        "card": f"{bill.path}/card{link}",
        "status": f"{bill.path}/status{link}",
        "order": order + link,
        "tickets": f"{order}/tickets{link}",
    }


def _spoken(request: Request, now: Now, zone: str) -> dict[str, Any]:
    """The stage in words, with the names and times that belong to it."""
    _ = speaker(request)
    name = (now.payment and now.payment.provider) or ""
    names = {"provider": money.service(request, name), "app": _(APPS.get(name, ""))}
    time = formats.moment(language(request), now.until, zone) if now.until else ""
    return {
        **names,
        "headline": money.said(_(now.stage.headline, **names)),
        "says": [money.said(_(sentence, **names, time=time)) for sentence in now.stage.says],
    }


def wallet_url(code_url: str, back: str) -> str:
    """Outside production, the simulator's wallet stands for the phone that would scan the code."""
    given = settings.current()
    if given.is_production or not code_url:
        return ""
    return f"{given.simulator_url}/wallet?" + urlencode({"code_url": code_url, "return": given.base_url + back})
