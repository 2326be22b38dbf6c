"""The card page: the card service's own fields on a page of ours. It alone may load a script from elsewhere.

Needs JavaScript, as the service's fields are made by its script; every other way to pay works without.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast import orders
from holdfast.kit import clock, settings
from holdfast.payments import cards
from holdfast.web import sessions
from holdfast.web.render import SECURITY_HEADERS, page, query

from .stages import stage_of

POLICY = (
    "default-src 'self'; script-src 'self' {script}; connect-src 'self' {connect}; frame-src {frame}; "
    "img-src 'self' data: {script}; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Styles inline: the service's script sets them on the frames it adds."""


async def show(request: Request) -> Response:
    """``GET /orders/{number}/payment/card``: the fields, while a card payment waits for its payer."""
    seen = await sessions.order_of(request)
    order, link = seen.order, query(token=seen.token)
    async with sessions.database(request).reading() as tx:
        payment = await orders.payment_of(tx, order)
    here = f"/orders/{order.number}/payment"
    form = await cards.card_form(payment) if payment else None
    if payment is None or form is None or stage_of(order, payment, clock.now()).name != "card":
        return sessions.see(here, token=seen.token)
    return page(
        request,
        "traveller/payment_card.html",
        headers=_headers(form),
        order=order,
        form=form,
        declined=bool(payment.error_code),
        return_url=f"{settings.current().base_url}{here}",
        expires_at=payment.expires_at,
        seconds_left=max(0, int((payment.expires_at - clock.now()).total_seconds())),
        time_zone=order.lines[0].time_zone,
        back_url=here + link,
        other_url=here + query(token=seen.token, other="1"),
        status_url=f"{here}/status{link}",
    )


def _headers(form: cards.CardForm) -> dict[str, str]:
    """What this page may load, and that nobody keeps it: it holds the payment's secret."""
    policy = POLICY.format(
        script=" ".join(form.script_origins), connect=" ".join(form.connect_origins), frame=" ".join(form.frame_origins)
    )
    wallets = " ".join(f'"{one}"' for one in form.frame_origins)
    return {
        "Content-Security-Policy": policy,
        "Permissions-Policy": SECURITY_HEADERS["Permissions-Policy"].replace("payment=()", f"payment=(self {wallets})"),
        "Cache-Control": "no-store",
    }


routes = [Route("/orders/{number}/payment/card", show, methods=["GET"])]
