"""The payer's page: what a scanned code or an H5 link asks for, and the answer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from holdfast.kit.money import Money
from holdfast.payments.simulator import times, wallet
from holdfast.payments.simulator.simulation import NotPayable

from . import orders

if TYPE_CHECKING:
    from .sim import WeChatSim

BRAND = "微信支付 WeChat Pay"


def routes(sim: WeChatSim) -> list[BaseRoute]:
    """The pages, as they belong to one simulated provider."""

    async def h5(request: Request) -> Response:
        """``/h5/checkmweb?prepay_id=…&redirect_url=…``: a phone's browser comes from the merchant and goes back there."""
        token = request.query_params.get("prepay_id", "").removeprefix("wx")
        order = orders.by_token(sim.state.db, token)
        back = wallet.return_url(request.query_params.get("redirect_url", ""))
        if order is None or order.trade_type != "H5":
            return _page("unknown", None, back, status=404)
        return wallet.to(path(token), back)

    async def show(request: Request) -> Response:
        """What the code asks for, or what became of it."""
        back = wallet.return_url(request.query_params.get("return", ""))
        order = orders.by_token(sim.state.db, request.path_params["token"])
        if order is None:
            return _page("unknown", None, back, status=404)
        view = _view(order)
        if view == "ask":
            with sim.state.writing() as db:
                orders.begin(db, order.token)
        return _page(view, order, back)

    async def decide(request: Request) -> Response:
        """The payer's answer."""
        async with request.form() as form:
            action, back = str(form.get("action", "")), wallet.return_url(str(form.get("return", "")))
        order = orders.by_token(sim.state.db, request.path_params["token"])
        if order is None:
            return _page("unknown", None, back, status=404)
        if action != "pay":
            return _page("declined" if order.trade_state == "NOTPAY" else _view(order), order, back)
        try:
            sim.pay(order.out_trade_no)
        except NotPayable as refused:
            again = "paid_before" if refused.state in ("SUCCESS", "REFUND") else _view(order)
            return _page(again, order, back, status=409)
        return wallet.to(path(order.token), back)

    return [
        Route("/h5/checkmweb", h5, methods=["GET"]),
        Route("/wallet/{token}", show, methods=["GET"]),
        Route("/wallet/{token}", decide, methods=["POST"]),
    ]


def path(token: str) -> str:
    return f"/wallet/{token}"


def scanned(code: str) -> str | None:
    """The page of a Native code."""
    if not code.startswith("weixin://wxpay/bizpayurl?"):
        return None
    tokens = parse_qs(urlsplit(code).query).get("pr", [])
    return path(tokens[0]) if tokens else None


def _view(order: orders.Order) -> str:
    if order.trade_state == "CLOSED":
        return "closed" if order.closed_at is not None else "expired"
    if order.trade_state == "NOTPAY":
        return "link_over" if order.is_link_over else "ask"
    return "paid"


def _page(view: str, order: orders.Order | None, back: str, *, status: int = 200) -> Response:
    shown = None
    if order is not None:
        shown = wallet.Shown(
            path=path(order.token),
            description=order.description,
            number=order.out_trade_no,
            amount=str(Money(order.total if order.paid_total is None else order.paid_total, order.currency)),
            transaction_id=order.transaction_id,
            paid_at=times.shown(order.paid_at),
            refunded=bool(order.refunded),
        )
    return wallet.page(view, shown, back, brand=BRAND, status=status)
