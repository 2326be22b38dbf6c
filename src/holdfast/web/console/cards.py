"""Cards: find one by its number or that of its order, see what it holds, suspend it, give it back because of us."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import orders, passes
from holdfast.accounts import Role
from holdfast.kit import i18n
from holdfast.kit.problems import Conflict, NotFound, Problem
from holdfast.web import card_words, sessions
from holdfast.web.forms import Form
from holdfast.web.render import language, speaker

from . import access
from .pages import add_problem, page, read_reason

HERE = "/console/cards"
READERS = (Role.SUPPORT, Role.DESK, Role.FINANCE)
STOPPERS = (Role.SUPPORT,)
PAYERS = (Role.FINANCE,)
SHOWN = 40


async def cards(request: Request) -> Response:
    """``GET /console/cards?number=``: leads to the card; without a number, those bought last."""
    await access.require(request, *READERS)
    number = sessions.asked(request, "number", 40)
    form = Form({"number": number}, labels={"number": speaker(request)("Number of a card or an order")})
    async with sessions.database(request).reading() as tx:
        found = await passes.cards.find(tx, number) if number else None
        newest = await passes.cards.newest(tx, SHOWN)
    if found:
        return sessions.see(f"{HERE}/{found}")
    if number:
        form.add("number", "There is no card of this number, and no order of cards.")
    return page(
        request, "cards.html", status=404 if number else 200, form=form, cards=newest, states=card_words.STATES, tones=card_words.TONES
    )  # fmt: skip


async def one(request: Request) -> Response:
    """``GET /console/cards/{number}``: everything about one card, people masked."""
    seen = await access.require(request, *READERS)
    return await _page(request, seen, Form({}))


async def suspend(request: Request) -> Response:
    """``POST /console/cards/{number}/suspension``: nothing more can be booked with it."""
    seen = await access.require(request, *STOPPERS)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    if not form.wrong:
        try:
            await sessions.database(request).run(
                passes.cards.suspend, seen.actor, request.path_params["number"], reason
            )
        except Conflict as problem:
            add_problem(form, problem, "reason")
    return await _page(request, seen, form, "suspension") if form.wrong else _done(request)


async def resume(request: Request) -> Response:
    """``POST /console/cards/{number}/resumption``: it goes on."""
    seen = await access.require(request, *STOPPERS)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    if not form.wrong:
        try:
            await sessions.database(request).run(passes.cards.resume, seen.actor, request.path_params["number"], reason)
        except Conflict as problem:
            add_problem(form, problem, "reason")
    return await _page(request, seen, form, "resumption") if form.wrong else _done(request)


async def give_back(request: Request) -> Response:
    """``POST /console/cards/{number}/return``: because of us, so what was used counts at the price of the card."""
    seen = await access.require(request, *PAYERS)
    form = _form(request, await sessions.typed(request))
    reason = read_reason(form)
    if not form.wrong:
        try:
            await orders.card_returns.by_seller(
                sessions.database(request), seen.actor, str(request.path_params["number"]), reason
            )
        except NotFound:
            raise
        except Problem as problem:
            add_problem(form, problem, "reason")
    return await _page(request, seen, form, "return") if form.wrong else _done(request)


def _form(request: Request, typed: dict[str, str]) -> Form:
    return Form(typed, labels={"reason": speaker(request)("Reason")})


def _done(request: Request) -> Response:
    return sessions.see(f"{HERE}/{request.path_params['number']}")


async def _page(request: Request, seen: access.Seen, form: Form, wrong: str = "") -> Response:
    """`wrong` names the form in which something needs a correction."""
    async with sessions.database(request).reading() as tx:
        card = await passes.cards.by_number(tx, str(request.path_params["number"]))
        by_buyer = await passes.cards.refund_of(tx, card)
        by_us = await passes.cards.refund_of(tx, card, passes.Cause.SELLER)
        story = await passes.cards.story(tx, card)
    names = {one.item: i18n.pick(one.venue_name, language(request)) for one in card.entitlements}
    return page(
        request, "cards_one.html", status=422 if form.wrong else 200, here=f"{HERE}/{card.number}", form=form, wrong=wrong, card=card,
        state=card_words.STATES[card.state], tone=card_words.TONES[card.state], until=card_words.until(request, card),
        left=[(one, card.left(one.item)) for one in card.entitlements], names=names, uses=card_words.USES, by_buyer=by_buyer, by_us=by_us,
        why_us=card_words.back(request, by_us), why_buyer=card_words.back(request, by_buyer),
        events=[(event, card_words.told(request, event.kind, event.details, lambda ref: names.get(ref, ref))) for event in reversed(story)],
        stops=seen.staff.may(*STOPPERS), pays=seen.staff.may(*PAYERS),
    )  # fmt: skip


routes = [
    Route(HERE, cards, methods=["GET"]),
    Route(HERE + "/{number}", one, methods=["GET"]),
    Route(HERE + "/{number}/suspension", suspend, methods=["POST"]),
    Route(HERE + "/{number}/resumption", resume, methods=["POST"]),
    Route(HERE + "/{number}/return", give_back, methods=["POST"]),
]
