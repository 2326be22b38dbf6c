"""The card page: the card service's own fields on a page of ours. It alone may load a script from elsewhere.

Needs JavaScript, as the service's fields are made by its script; every other way to pay works without.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from holdfast.kit import settings
from holdfast.payments import cards
from holdfast.web import sessions
from holdfast.web.render import SECURITY_HEADERS, page

from .paying import Bill, own_urls, stand

POLICY = (
    "default-src 'self'; script-src 'self' {script}; connect-src 'self' {connect}; frame-src {frame}; "
    "img-src 'self' data: {script}; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Styles inline: the service's script sets them on the frames it adds."""


async def fields(request: Request, bill: Bill) -> Response:
    """The fields, while a card payment waits for its payer; else the way back to where the payment stands."""
    now, urls = await stand(request, bill), own_urls(bill)
    form = await cards.card_form(now.payment) if now.payment else None
    if now.payment is None or form is None or now.stage.name != "card":
        return sessions.see(urls["pay"])
    return page(
        request,
        "traveller/payment_card.html",
        headers=_headers(form),
        bill=bill,
        order=bill.order,
        due=bill.due,
        form=form,
        declined=bool(now.payment.error_code),
        return_url=settings.current().base_url + bill.path,
        expires_at=now.until,
        seconds_left=now.seconds_left,
        time_zone=bill.order.lines[0].time_zone,
        urls=urls,
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
