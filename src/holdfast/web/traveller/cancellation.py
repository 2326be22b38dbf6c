"""Ending an order or a part of it: who leaves, what comes back and why, and one press that agrees to it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import orders
from holdfast.kit.problems import Problem
from holdfast.orders.after_sale_model import PartNotPossible, TravellersUnknown
from holdfast.web import formats, sessions
from holdfast.web.render import language, page, speaker

from . import after_sale
from .orders import UNPAID, urls
from .stages import is_promised

WHY = {
    "closed": "The attraction closed this time: everything comes back.",
    "free": "You are in time: everything comes back.",
    "part": "A part is kept by the rule.",
    "over": "By the rule, nothing comes back any more.",
}
"""Which part of the rule decides → sentence. What a card paid has sentences of its own (`after_sale.card_whys`)."""


async def ask(request: Request) -> Response:
    """``GET /orders/{number}/cancellation?traveller=1&traveller=3``: says what it means. Needs the owner's session."""
    seen = await after_sale.owned(request)
    if seen.order.state not in (*UNPAID, orders.State.CONFIRMED):
        return sessions.see(f"/orders/{seen.order.number}")
    chosen = [_number(text) for text in request.query_params.getlist("traveller")[:50]]
    return await _page(request, seen, [seq for seq in chosen if seq] or None)


async def cancel(request: Request) -> Response:
    """``POST /orders/{number}/cancellation``: what was shown is agreed to."""
    seen = await after_sale.owned(request)
    typed = await sessions.typed(request)
    named = [_number(text) for text in typed.get("travellers", "").split(",") if text]
    travellers = [seq for seq in named if seq] or None
    quoted = typed.get("quoted", "")
    try:
        await orders.cancel(
            sessions.database(request), seen.actor, seen.order, travellers,
            int(quoted) if quoted.isascii() and quoted.isdigit() and len(quoted) < 16 else None,
        )  # fmt: skip
    except Problem as problem:
        return await _page(request, await after_sale.owned(request), travellers, problem)
    return sessions.see(f"/orders/{seen.order.number}")


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


async def _page(
    request: Request, seen: sessions.Seen, travellers: list[int] | None, problem: Problem | None = None
) -> Response:
    """The question, with the sums as they are now. Visitors who left meanwhile are not asked about again."""
    order = seen.order
    async with sessions.database(request).reading() as tx:
        try:
            found = await orders.quote(tx, order, travellers)
        except TravellersUnknown as unknown:
            problem = problem or unknown
            found = await orders.quote(tx, order)
        except PartNotPossible as whole_only:
            problem = problem or whole_only
            found = await orders.quote(tx, order)
        bought = await orders.cards.of_order(tx, order)
        promised = is_promised(await orders.payment_of(tx, order), order)
    has_companions = any(len(card.people) > 1 for card in bought)
    _ = speaker(request)
    until = formats.moment(language(request), found.holds_until, order.lines[0].time_zone) if found.holds_until else ""
    return page(
        request,
        "traveller/cancellation.html",
        status=problem.status if problem else 200,
        here=f"/orders/{order.number}/cancellation",
        order=order,
        urls=urls(order.number, seen.token),
        problem=problem,
        reason=after_sale.say_reason(request, problem) if isinstance(problem, orders.NotCancellable) else "",
        quote=found,
        paid=found.left_minor > 0,
        until=until,
        why=after_sale.card_whys(request, found)
        or [_(WHY[why]) for why in dict.fromkeys(str(share.why) for share in found.shares) if why in WHY],
        rules=after_sale.rules(request, order, found),
        is_card=bool(found.cards),
        blocked=after_sale.blocked(request, found),
        card_number=bought[0].number if bought else "",
        has_begun=after_sale.has_begun(found, order),
        promised=promised,
        can_choose=order.state is orders.State.CONFIRMED
        and len(order.travellers) > 1
        and not (promised or has_companions),
    )


routes = [
    Route("/orders/{number}/cancellation", ask, methods=["GET"]),
    Route("/orders/{number}/cancellation", cancel, methods=["POST"]),
]
