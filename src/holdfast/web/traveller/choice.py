"""The choice of whoever is touched by a cut: keep waiting, another time that is held, or everything back; one press each."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import accounts, orders
from holdfast.kit.actor import Actor
from holdfast.kit.problems import Problem
from holdfast.orders import displacement_choices, displacement_links, displacement_model, displacement_returns
from holdfast.web import offer_words, sessions
from holdfast.web.render import page

from . import after_sale, offered
from .orders import urls


async def ask(request: Request) -> Response:
    """``GET /orders/{number}/choice``: by its owner, or by the link of the message."""
    return await _page(request, await _seen(request))


async def choose(request: Request) -> Response:
    """``POST /orders/{number}/choice``: ``to`` another time, ``end`` the visit, or take places ``back``."""
    seen = await _seen(request)
    typed, db = await sessions.typed(request), sessions.database(request)
    visit, to, back = (sessions.read_id(typed.get(name, "")) for name in ("visit", "to", "back"))
    try:
        if back is not None:
            shown = offered.total_of(typed)
            number = await displacement_returns.take_back(db, seen.actor, seen.order, back, shown)
            return sessions.see(f"/orders/{number}", token=orders.link_token(number) if seen.token else "")
        if visit is not None and to is not None:
            await displacement_choices.move(db, seen.actor, seen.order, visit, to)
        elif visit is not None and typed.get("end"):
            await displacement_choices.give_back(db, seen.actor, seen.order, visit)
    except Problem as problem:
        return await _page(request, seen, problem)
    return sessions.see(request.url.path, token=seen.token)


async def _seen(request: Request) -> sessions.Seen:
    """The order, for its owner or for whoever got the message. SignInNeeded for a guest, OrderUnknown for a wrong link."""
    token = sessions.asked(request, "token")
    if not token:
        return await sessions.order_of(request)
    if orders.link_token(request.path_params["number"]) == token and await sessions.visitor(request) is None:
        raise accounts.SignInNeeded  # the order's link may have been passed on to companions: it does not choose
    async with sessions.database(request).reading() as tx:
        order = await displacement_links.by_choice_link(tx, request.path_params["number"], token)
    return sessions.Seen(order, Actor("traveller", account_id=order.row.account_id, name="link"), token)


async def _page(request: Request, seen: sessions.Seen, problem: Problem | None = None) -> Response:
    async with sessions.database(request).reading() as tx:
        choices = await displacement_choices.of_order(tx, seen.order)
        visits = await orders.displacement_choices.visits_of(tx, choices)
    if not choices:
        raise displacement_model.NoChoice
    number = seen.order.number
    link = f"?token={seen.token}" if seen.token else ""
    return page(
        request, "traveller/choice.html", status=problem.status if problem else 200, here=request.url.path + link,
        order=seen.order, choices=choices, visits=visits, problem=problem, rule=displacement_model.RULE, gifts=offer_words.GIFTS,
        reason=after_sale.say_reason(request, problem) if isinstance(problem, orders.NotChangeable) else "",
        act_url=f"/orders/{number}/choice{link}", urls=urls(number, orders.link_token(number) if seen.token else ""),
    )  # fmt: skip


routes = [
    Route("/orders/{number}/choice", ask, methods=["GET"]),
    Route("/orders/{number}/choice", choose, methods=["POST"]),
]
