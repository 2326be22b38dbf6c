"""The protocol's endpoints: each request meets the scenario, is verified, done, committed and answered with a signature."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from . import orders, protocol, refunds, state
from .protocol import Refusal
from .simulation import Simulator

JSON = "application/json; charset=utf-8"
GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Call(msgspec.Struct, frozen=True):
    """A request on its way through an endpoint."""

    sim: Simulator
    operation: str
    request: Request
    body: bytes
    faults: dict[str, float]
    serial: str
    """The platform key that signs the answer and later callbacks."""


class Done(msgspec.Struct, frozen=True):
    """What was done: status, body, and the order or refund number it was about."""

    status: int
    body: bytes
    subject: str = ""


class Cut(Response):
    """No answer: the connection ends, by RST or politely. Works below uvicorn, which lends us its transport."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
        connection = transport.get_extra_info("socket")
        if self._reset and connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


async def _serve(request: Request, operation: str, work: Callable[[Call], Done]) -> Response:
    sim: Simulator = request.app.state.sim
    started = time.monotonic()
    body = await request.body()
    serial = sim.keys.signing_serial(request.headers.get("wechatpay-serial", ""))
    call = Call(sim, operation, request, body, sim.scenario.draw(operation), serial)
    await asyncio.sleep(call.faults.get("hang", 0))
    done, response = await _answer(call, work)
    sim.journal.add(
        operation,
        method=request.method,
        path=protocol.sent_target(request),
        request=body,
        status=None if isinstance(response, Cut) else response.status_code,
        answer=b"" if done is None else done.body,
        done=done is not None and done.status < 300,
        faults=sorted(call.faults),
        elapsed_ms=round((time.monotonic() - started) * 1000),
    )
    return response


async def _answer(call: Call, work: Callable[[Call], Done]) -> tuple[Done | None, Response]:
    """What was done (None: nothing) and what the client sees of it."""
    faults = call.faults
    if "reset" in faults:
        return None, Cut(reset=True)
    if "html_502" in faults:
        return None, HTMLResponse(GATEWAY_PAGE, 502)
    try:
        done = _work(call, work)
    except Refusal as refusal:
        done = Done(refusal.status, refusal.body)
    if "callback_before_response" in faults and done.subject:
        await call.sim.deliverer.deliver_now(done.subject)
    if "lost_response" in faults:
        return done, Cut(reset=False)
    content = done.body[: len(done.body) // 2] if "truncated_json" in faults else done.body
    headers = {"Content-Type": JSON}
    if "unsigned" not in faults:
        headers |= call.sim.keys.platform_headers(call.serial, content, spoil="bad_signature" in faults)
    return done, Response(content, done.status, headers)


def _work(call: Call, work: Callable[[Call], Done]) -> Done:
    if "rate_limit" in call.faults:
        raise Refusal(429, "FREQUENCY_LIMITED", "请求频率超过限制，请降低频率后重试")
    if "system_error" in call.faults:
        raise Refusal(500, "SYSTEM_ERROR", "系统繁忙，请稍后重试")
    protocol.require_form(call.request, call.body)
    protocol.require_signed(call.sim.keys, call.request, call.body)
    return work(call)


def _created(call: Call) -> Done:
    sim, asked = call.sim, protocol.parsed(call.body, protocol.NativeRequest)
    _require_merchant(sim, asked.mchid, asked.appid)
    protocol.require_notify_url(asked.notify_url)
    protocol.require_cny(asked.amount.currency)
    new = orders.NewOrder(
        out_trade_no=asked.out_trade_no,
        description=asked.description,
        total=asked.amount.total,
        currency=asked.amount.currency,
        notify_url=asked.notify_url,
        attach=asked.attach,
        expires_at=_expiry(asked.time_expire),
        request=protocol.canonical(call.body),
    )
    with sim.state.writing() as db:
        order = orders.place(db, new, call.serial)
    if "callback_before_response" in call.faults:
        sim.pay(order.out_trade_no)
    return Done(200, msgspec.json.encode({"code_url": order.code_url}), order.out_trade_no)


def _queried(call: Call) -> Done:
    sim = call.sim
    _require_merchant(sim, call.request.query_params.get("mchid", ""))
    parameters = call.request.path_params
    if "transaction_id" in parameters:
        order = orders.by_transaction(sim.state.db, parameters["transaction_id"])
    else:
        order = orders.by_number(sim.state.db, parameters["out_trade_no"])
    if order is None:
        raise Refusal(404, "ORDER_NOT_EXIST", "订单不存在")
    lag_s = call.faults.get("query_lag", 0.0)
    hide = order.paid_at is not None and state.now() - order.paid_at < lag_s
    add = 1 if "wrong_amount" in call.faults else 0
    identity = sim.keys.identity
    shown = orders.transaction(order, identity.mchid, identity.appid, hide_payment=hide, add=add)
    return Done(200, msgspec.json.encode(shown), order.out_trade_no)


def _closed(call: Call) -> Done:
    asked = protocol.parsed(call.body, protocol.CloseRequest)
    _require_merchant(call.sim, asked.mchid)
    with call.sim.state.writing() as db:
        orders.close(db, call.request.path_params["out_trade_no"])
    return Done(204, b"")


def _refunded(call: Call) -> Done:
    sim, asked = call.sim, protocol.parsed(call.body, protocol.RefundRequest)
    if (asked.transaction_id is None) == (asked.out_trade_no is None):
        raise Refusal(400, "PARAM_ERROR", "transaction_id 和 out_trade_no 必须且只能填写一个", field="/body")
    protocol.require_cny(asked.amount.currency)
    if asked.notify_url is not None:
        protocol.require_notify_url(asked.notify_url)
    if "refund_not_enough" in call.faults:
        raise Refusal(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
    new = refunds.NewRefund(
        out_refund_no=asked.out_refund_no,
        transaction_id=asked.transaction_id,
        out_trade_no=asked.out_trade_no,
        amount=asked.amount.refund,
        total=asked.amount.total,
        notify_url=asked.notify_url or "",
        request=protocol.canonical(call.body),
    )
    settles_at = None if "refund_processing" in call.faults else state.now() + sim.options.refund_delay_s
    with sim.state.writing() as db:
        refund = refunds.accept(db, new, call.serial, settles_at)
    if "callback_before_response" in call.faults:
        sim.settle_refund(refund.out_refund_no, "SUCCESS")
    return Done(200, _refund_shown(sim, refund), refund.out_refund_no)


def _refund_queried(call: Call) -> Done:
    refund = refunds.by_number(call.sim.state.db, call.request.path_params["out_refund_no"])
    if refund is None:
        raise Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return Done(200, _refund_shown(call.sim, refund), refund.out_refund_no)


def _refund_shown(sim: Simulator, refund: refunds.Refund) -> bytes:
    order = orders.by_number(sim.state.db, refund.out_trade_no)
    assert order is not None
    return msgspec.json.encode(refunds.answer(refund, order))


def _require_merchant(sim: Simulator, mchid: str, appid: str | None = None) -> None:
    if mchid != sim.keys.identity.mchid:
        raise Refusal(400, "PARAM_ERROR", "mchid 与签名商户号不一致", field="mchid")
    if appid is not None and appid != sim.keys.identity.appid:
        raise Refusal(400, "APPID_MCHID_NOT_MATCH", "商户号与appid不匹配")


def _expiry(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise Refusal(400, "PARAM_ERROR", "time_expire 必须为 rfc3339 格式", field="/body/time_expire")
    return moment.timestamp()


async def create(request: Request) -> Response:
    return await _serve(request, "create", _created)


async def query(request: Request) -> Response:
    return await _serve(request, "query", _queried)


async def close(request: Request) -> Response:
    return await _serve(request, "close", _closed)


async def refund(request: Request) -> Response:
    return await _serve(request, "refund", _refunded)


async def query_refund(request: Request) -> Response:
    return await _serve(request, "query_refund", _refund_queried)


ROUTES = [
    Route("/v3/pay/transactions/native", create, methods=["POST"]),
    Route("/v3/pay/transactions/out-trade-no/{out_trade_no}", query, methods=["GET"]),
    Route("/v3/pay/transactions/out-trade-no/{out_trade_no}/close", close, methods=["POST"]),
    Route("/v3/pay/transactions/id/{transaction_id}", query, methods=["GET"]),
    Route("/v3/refund/domestic/refunds", refund, methods=["POST"]),
    Route("/v3/refund/domestic/refunds/{out_refund_no}", query_refund, methods=["GET"]),
]
