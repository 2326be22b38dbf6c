"""The visitor's cards: what is left on each and until when, activating it, its visits, and giving a visit back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders, passes
from holdfast.catalogue.model import Text
from holdfast.kit import clock, i18n
from holdfast.kit.problems import Problem
from holdfast.passes.card_model import ZONE, Entitlement
from holdfast.web import card_words, sessions
from holdfast.web.render import language, page, speaker

from . import after_sale
from .home import read_date

START_DAYS = 60


class ShownLeft(msgspec.Struct, frozen=True):
    """An item of a card with what is left of it. `left` is None without a limit."""

    ref: str
    name: Text
    says: str
    left: int | None
    booked: int
    used: int


class ShownUse(msgspec.Struct, frozen=True):
    """A visit with the card."""

    use: passes.Use
    name: Text
    tone: str
    state: str
    can_cancel: bool


async def require(request: Request) -> tuple[accounts.Session, passes.Card]:
    """The card in the path, for its owner. SignInNeeded for a guest."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    card = await sessions.database(request).read(passes.cards.require, known.account_id, request.path_params["number"])
    return known, card


async def mine(request: Request) -> Response:
    """``GET /account/cards``: all cards of the person."""
    known = await sessions.visitor(request)
    if known is None:
        raise accounts.SignInNeeded
    found = await sessions.database(request).read(passes.cards.mine, known.account_id)
    return page(
        request,
        "traveller/my_cards.html",
        cards=[(card, card_words.until(request, card)) for card in found],
        states=card_words.STATES,
        tones=card_words.TONES,
    )


async def one(request: Request) -> Response:
    """``GET /account/cards/{number}``: one card."""
    _known, card = await require(request)
    return await _page(request, card)


async def activate(request: Request) -> Response:
    """``POST /account/cards/{number}/activation``: from now on visits can be booked with it."""
    known, card = await require(request)
    typed = await sessions.typed(request)
    start = read_date(typed.get("start", ""))
    try:
        await sessions.database(request).run(
            passes.cards.activate, sessions.as_traveller(known.account_id), known.account_id, card.number, start
        )
    except Problem as problem:
        return await _page(request, card, problem)
    return sessions.see(f"/account/cards/{card.number}")


async def cancel_visit(request: Request) -> Response:
    """``POST /account/cards/{number}/visits/{order}/{line}/cancellation``: the visit comes back to the card."""
    known, card = await require(request)
    order, line = str(request.path_params["order"]), int(request.path_params["line"])
    try:
        await sessions.database(request).run(
            orders.card_visits.cancel,
            sessions.as_traveller(known.account_id),
            known.account_id,
            card.number,
            order,
            line,
        )
    except Problem as problem:
        return await _page(request, card, problem)
    return sessions.see(f"/account/cards/{card.number}#visits")


async def _page(request: Request, card: passes.Card, problem: Problem | None = None) -> Response:
    async with sessions.database(request).reading() as tx:
        card = await passes.cards.by_number(tx, card.number)
        refund = await passes.cards.refund_of(tx, card)
        story = await passes.cards.story(tx, card)
    names = {one.item: one.venue_name for one in card.entitlements}
    today = clock.now().astimezone(ZONE).date()
    validity = card.rules.validity
    picks_start = validity.kind == "fixed_window" and not validity.from_date

    def name_of(ref: str) -> str:
        return i18n.pick(names.get(ref, {}), language(request)) or ref

    last = min(card.row.activate_by or today, today + timedelta(days=START_DAYS))
    return page(
        request,
        "traveller/my_card.html",
        status=problem.status if problem else 200,
        here=f"/account/cards/{card.number}",
        card=card,
        problem=problem,
        reason=after_sale.say_reason(request, problem) if isinstance(problem, orders.NotCancellable) else "",
        state=card_words.STATES[card.state],
        tone=card_words.TONES[card.state],
        until=card_words.until(request, card),
        left=[_left(request, card, one) for one in card.entitlements],
        choice=_choice(request, card),
        uses=[_use(request, use, names) for use in card.uses],
        starts=[today + timedelta(days=n) for n in range((last - today).days + 1)] if picks_start else [],
        lasting=card_words.lasting(request, card.rules),
        limits=card_words.limits(request, card.rules, name_of),
        refund=refund,
        why=card_words.back(request, refund),
        events=[(event.at, card_words.told(request, event.kind, event.details, name_of)) for event in reversed(story)],
        can_book=card.state is passes.CardState.ACTIVE,
        can_return=card.state is not passes.CardState.REFUNDED,
    )


def _left(request: Request, card: passes.Card, one: Entitlement) -> ShownLeft:
    item = card.rules.item(one.item)
    return ShownLeft(
        one.item,
        one.venue_name,
        card_words.count_of(request, item, card.rules),
        card.left(one.item),
        one.held,
        one.used,
    )


def _choice(request: Request, card: passes.Card) -> list[str]:
    """``2 of 3 visits of your choice are left``."""
    _ = speaker(request)
    return [
        _("{left} of {most} visits left of those to choose from.", left=one.left, most=one.uses_max)
        for one in card.counters
    ]


def _use(request: Request, use: passes.Use, names: dict[str, Text]) -> ShownUse:
    tones: dict[str, Any] = {"held": "ok", "used": "info", "released": ""}
    return ShownUse(
        use, names.get(use.item, {}), tones[use.state], card_words.USES[use.state],
        use.state is passes.UseState.HELD and use.starts_at > clock.now(),
    )  # fmt: skip


routes = [
    Route("/account/cards", mine, methods=["GET"]),
    Route("/account/cards/{number}", one, methods=["GET"]),
    Route("/account/cards/{number}/activation", activate, methods=["POST"]),
    Route("/account/cards/{number}/visits/{order}/{line:int}/cancellation", cancel_visit, methods=["POST"]),
]
