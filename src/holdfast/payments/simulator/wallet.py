"""The payer's phone: a small page that shows what a code asks for and pays it when told to. Needs no JavaScript."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from holdfast.kit.money import Money

from . import orders, state
from .simulation import Simulator

MERCHANT = "Holdfast Demo · 演示商户"
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    (Path(__file__).parent / "wallet.html").read_text(encoding="utf-8")
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def return_url(text: str) -> str:
    """The way back, when it leads to this very machine; else empty."""
    try:
        parts = urlsplit(text)
        local = parts.scheme in ("http", "https") and parts.hostname in ("127.0.0.1", "localhost")
        return text if local and parts.username is None and parts.port != 0 else ""
    except ValueError:
        return ""


async def scan(request: Request) -> Response:
    """``/wallet?code_url=weixin://…``: what a camera would do; without a code, a field to paste one."""
    code_url = request.query_params.get("code_url", "").strip()
    back = return_url(request.query_params.get("return", ""))
    if not code_url:
        return _page("scan", None, back)
    tokens = (
        parse_qs(urlsplit(code_url).query).get("pr", []) if code_url.startswith("weixin://wxpay/bizpayurl?") else []
    )
    if not tokens:
        return _page("unknown", None, back, status=404)
    return _to_order(request, tokens[0], back)


async def show(request: Request) -> Response:
    """What the code asks for, or what became of it."""
    back = return_url(request.query_params.get("return", ""))
    order = _order(request)
    return _page("unknown", None, back, status=404) if order is None else _page(_view(order), order, back)


async def decide(request: Request) -> Response:
    """The payer's answer."""
    sim: Simulator = request.app.state.sim
    async with request.form() as form:
        action, back = str(form.get("action", "")), return_url(str(form.get("return", "")))
    order = _order(request)
    if order is None:
        return _page("unknown", None, back, status=404)
    if action != "pay":
        return _page("declined" if order.trade_state == "NOTPAY" else _view(order), order, back)
    try:
        sim.pay(order.out_trade_no)
    except orders.NotPayable as refused:
        again = "paid_before" if refused.state in ("SUCCESS", "REFUND") else _view(order)
        return _page(again, order, back, status=409)
    return _to_order(request, order.token, back)


def _order(request: Request) -> orders.Order | None:
    sim: Simulator = request.app.state.sim
    return orders.by_token(sim.state.db, request.path_params["token"])


def _view(order: orders.Order) -> str:
    if order.trade_state == "CLOSED":
        return "closed" if order.closed_at is not None else "expired"
    return {"NOTPAY": "ask", "SUCCESS": "paid", "REFUND": "paid"}[order.trade_state]


def _to_order(request: Request, token: str, back: str) -> Response:
    query = "?" + urlencode({"return": back}) if back else ""
    return RedirectResponse(str(request.url_for("wallet", token=token).path) + query, 303)


def _page(view: str, order: orders.Order | None, back: str, *, status: int = 200) -> Response:
    shown = None
    if order is not None:
        shown = {
            "token": order.token,
            "description": order.description,
            "number": order.out_trade_no,
            "amount": str(Money(order.total if order.paid_total is None else order.paid_total, order.currency)),
            "transaction_id": order.transaction_id,
            "paid_at": None if order.paid_at is None else state.beijing(order.paid_at),
            "refunded": bool(order.refunded),
        }
    html = _TEMPLATE.render(view=view, order=shown, back=back, merchant=MERCHANT)
    return HTMLResponse(html, status, headers=_HEADERS)


ROUTES = [
    Route("/wallet", scan, methods=["GET"]),
    Route("/wallet/{token}", show, methods=["GET"], name="wallet"),
    Route("/wallet/{token}", decide, methods=["POST"]),
]
