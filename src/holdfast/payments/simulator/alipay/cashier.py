"""The payer's side: the page behind a scanned code and behind the merchant's page order."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from holdfast.kit.money import Money
from holdfast.payments.simulator import times, wallet
from holdfast.payments.simulator.simulation import NotPayable

from . import protocol, trades
from .keys import Keys
from .trades import Order, Trade

if TYPE_CHECKING:
    from .sim import AlipaySim

BRAND = "支付宝 Alipay"
CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def path(order: Order) -> str:
    return f"/alipay/pay/{order.token}"


async def show(sim: AlipaySim, request: Request) -> Response:
    """What is asked for, or what became of it. To look is to scan: from then on the trade exists."""
    order = trades.by_token(sim.memory.db, request.path_params["token"])
    back = wallet.return_url(request.query_params.get("return", "")) or _back(order)
    if order is None:
        return wallet.page("unknown", None, back, brand=BRAND, status=404)
    with sim.memory.writing() as db:
        trade = trades.scan(db, order)
    page = wallet.page(_view(trade), _shown(order, trade), _way_back(sim.keys, order, trade, back), brand=BRAND)
    if order.kind == "page" and back:
        page.headers["Content-Security-Policy"] = f"{CONTENT_POLICY}; form-action 'self' {_origin(back)}"
    return page


async def decide(sim: AlipaySim, request: Request) -> Response:
    """The payer's answer. After paying on the page, the browser goes back to the merchant by itself."""
    async with request.form() as form:
        action, back = str(form.get("action", "")), wallet.return_url(str(form.get("return", "")))
    order = trades.by_token(sim.memory.db, request.path_params["token"])
    if order is None:
        return wallet.page("unknown", None, back, brand=BRAND, status=404)
    trade = next(iter(trades.by_order(sim.memory.db, order.out_trade_no)), None)
    if action != "pay":
        view = _view(trade)
        return wallet.page("declined" if view == "ask" else view, _shown(order, trade), back, brand=BRAND)
    try:
        sim.pay(order.out_trade_no)
    except NotPayable:
        view = "paid_before" if trade is not None and trade.paid_at is not None else _view(trade)
        return wallet.page(view, _shown(order, trade), back, brand=BRAND, status=409)
    if order.kind == "page" and _back(order):
        paid = trades.by_order(sim.memory.db, order.out_trade_no)[0]
        return RedirectResponse(_way_back(sim.keys, order, paid, _back(order)), 303)
    return wallet.to(path(order), back)


def failure(text: str) -> Response:
    """What a payer sees whose browser brought an order that Alipay does not take."""
    content = f"<!doctype html><html lang='zh-CN'><meta charset='utf-8'><title>{BRAND}</title><h1>错误 / Error</h1><p>{html.escape(text)}</p>"
    return HTMLResponse(content, 400)


def _origin(url: str) -> str:
    """Where a browser is allowed to be sent on to after paying."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _back(order: Order | None) -> str:
    return wallet.return_url(order.return_url) if order is not None else ""


def _view(trade: Trade | None) -> str:
    if trade is None:
        return "expired"
    if trade.paid_at is not None:
        return "paid"
    if trade.status == "WAIT_BUYER_PAY":
        return "ask"
    return "closed" if trade.closed_at is not None and trade.closed_at < trade.expires_at else "expired"


def _shown(order: Order, trade: Trade | None) -> wallet.Shown:
    paid = trade is not None and trade.paid_total is not None
    return wallet.Shown(
        path=path(order),
        description=order.subject,
        number=order.out_trade_no,
        amount=str(Money(trade.paid_total if trade is not None and trade.paid_total is not None else order.total)),
        transaction_id=trade.trade_no if trade is not None and paid else None,
        paid_at=times.shown(trade.paid_at) if trade is not None else None,
        refunded=trade is not None and trade.refunded > 0,
    )


def _way_back(keys: Keys, order: Order, trade: Trade | None, back: str) -> str:
    """The return address of a paid page order has facts appended, signed; they prove nothing that a notice does not."""
    if trade is None or trade.paid_at is None or back != order.return_url or not back:
        return back
    fields = {
        "charset": "utf-8",
        "out_trade_no": order.out_trade_no,
        "method": "alipay.trade.page.pay.return",
        "total_amount": protocol.yuan(trade.paid_total or 0),
        "trade_no": trade.trade_no,
        "auth_app_id": keys.identity.app_id,
        "version": "1.0",
        "app_id": keys.identity.app_id,
        "seller_id": keys.identity.seller_id,
        "timestamp": protocol.stamp(times.now()),
    }
    fields |= {"sign_type": "RSA2", "sign": keys.signature(protocol.content(fields))}
    return f"{back}{'&' if '?' in back else '?'}{urlencode(fields)}"
