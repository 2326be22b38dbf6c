"""The payer's phone: one door for every code, and the page all providers share. Needs no JavaScript."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec
from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from .simulation import Simulation

MERCHANT = "Holdfast Demo · 演示商户"
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    (Path(__file__).parent / "wallet.html").read_text(encoding="utf-8")
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class Shown(msgspec.Struct, frozen=True):
    """An order as its payer sees it. `path` is the payer's page: GET shows, POST with ``action`` pay or decline decides."""

    path: str
    description: str
    number: str
    amount: str
    """With sign and digits: ``¥128.00``."""
    transaction_id: str | None = None
    paid_at: str | None = None
    """``2018-06-08T10:34:56+08:00``."""
    refunded: bool = False


def return_url(text: str) -> str:
    """The way back, when it leads to this very machine; else empty."""
    try:
        parts = urlsplit(text)
        local = parts.scheme in ("http", "https") and parts.hostname in ("127.0.0.1", "localhost")
        return text if local and parts.username is None and parts.port != 0 else ""
    except ValueError:
        return ""


def page(view: str, shown: Shown | None, back: str, *, brand: str = "", status: int = 200) -> Response:
    """The page. `view`: scan, ask, paid, paid_before, declined, closed, expired, link_over, unknown; `back` from `return_url`."""
    html = _TEMPLATE.render(view=view, order=shown, back=back, merchant=MERCHANT, brand=brand)
    return HTMLResponse(html, status, headers=_HEADERS)


def to(path: str, back: str) -> Response:
    """On to a payer's page, which keeps the way back."""
    query = "?" + urlencode({"return": back}) if back else ""
    return RedirectResponse(path + query, 303)


async def scan(request: Request) -> Response:
    """``/wallet?code_url=…``: what a camera would do; without a code, a field to paste one."""
    simulation: Simulation = request.app.state.simulation
    code = request.query_params.get("code_url", "").strip()
    back = return_url(request.query_params.get("return", ""))
    if not code:
        return page("scan", None, back)
    path = simulation.scanned(code)
    return page("unknown", None, back, status=404) if path is None else to(path, back)


ROUTES = [Route("/wallet", scan, methods=["GET"])]
