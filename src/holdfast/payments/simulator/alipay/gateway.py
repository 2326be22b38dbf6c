"""The gateway's methods: each request meets the scenario, is verified, done, committed and answered with a signature."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from holdfast.payments.simulator import serving, times
from holdfast.payments.simulator.serving import Call, Done

from . import bills, cashier, protocol, refunds, trades
from .protocol import Refusal, Unserved

if TYPE_CHECKING:
    from .sim import AlipaySim

PAGE = "alipay.trade.page.pay"
DOWNLOAD_S = 30.0


class Asked(msgspec.Struct, frozen=True):
    """A proven call."""

    sim: AlipaySim
    call: Call
    fields: dict[str, str]

    def url(self, name: str) -> str:
        """One of the two addresses a call may name, or empty."""
        return protocol.require_url(self.fields[name], name) if self.fields.get(name) else ""


Work = Callable[[Asked], tuple[dict[str, object], str]]


def _precreated(asked: Asked) -> tuple[dict[str, object], str]:
    order = _placed(asked, "qr")
    return {"out_trade_no": order.out_trade_no, "qr_code": order.code_url}, order.out_trade_no


def _placed(asked: Asked, kind: str) -> trades.Order:
    sim, placing = asked.sim, protocol.parsed(asked.fields, protocol.Placing)
    if kind == "page" and placing.product_code != "FAST_INSTANT_TRADE_PAY":
        raise Refusal("ACQ.INVALID_PARAMETER", "product_code 必须为 FAST_INSTANT_TRADE_PAY")
    wish = trades.Wish(placing, kind, asked.url("notify_url"), asked.url("return_url"))
    with sim.memory.writing() as db:
        order = trades.place(db, wish)
        if kind == "page" and trades.scan(db, order) is None:
            raise Refusal("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
    if "callback_before_response" in asked.call.faults:
        sim.pay(order.out_trade_no)
    return order


def _queried(asked: Asked) -> tuple[dict[str, object], str]:
    named, db = protocol.parsed(asked.fields, protocol.Naming), asked.sim.memory.db
    trade = trades.by_number(db, named.trade_no, named.out_trade_no)
    order = trades.order(db, trade.out_trade_no)
    assert order is not None
    return trades.shown(trade, order, asked.call.faults), trade.out_trade_no


def _closed(asked: Asked) -> tuple[dict[str, object], str]:
    named, sim = protocol.parsed(asked.fields, protocol.Naming), asked.sim
    with sim.memory.writing() as db:
        trade = trades.by_number(db, named.trade_no, named.out_trade_no)
        sim.end(db, trade)
    return {"trade_no": trade.trade_no, "out_trade_no": trade.out_trade_no}, trade.out_trade_no


def _cancelled(asked: Asked) -> tuple[dict[str, object], str]:
    """Close what is unpaid, give back what is paid; what does not exist is cancelled as it is."""
    named, sim, action = protocol.parsed(asked.fields, protocol.Naming), asked.sim, None
    with sim.memory.writing() as db:
        try:
            trade = trades.by_number(db, named.trade_no, named.out_trade_no)
        except Refusal:
            return {"out_trade_no": named.out_trade_no, "retry_flag": "N"}, ""
        if trade.paid_at is not None and trade.paid_total and trade.status != "TRADE_CLOSED":
            refund = refunds.accept(db, trade, trade.out_trade_no, trade.paid_total - trade.refunded)
            sim.settle(db, refund, "SUCCESS")
            action = "refund"
        elif trade.status == "WAIT_BUYER_PAY":
            sim.end(db, trade)
            action = "close"
    content: dict[str, object] = {"trade_no": trade.trade_no, "out_trade_no": trade.out_trade_no, "retry_flag": "N"}
    return content | ({"action": action} if action else {}), trade.out_trade_no


def _refunded(asked: Asked) -> tuple[dict[str, object], str]:
    sim, given, faults = asked.sim, protocol.parsed(asked.fields, protocol.Refunding), asked.call.faults
    amount = protocol.fen(given.refund_amount)
    with sim.memory.writing() as db:
        trade = trades.by_number(db, given.trade_no, given.out_trade_no)
        number = given.out_request_no or trade.out_trade_no
        before = refunds.named(db, [trade.trade_no], number)
        refund = refunds.accept(db, trade, number, amount)
        if "refund_not_enough" in faults and before != refund:
            raise Refusal("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足")
        moved = before != refund and not {"refund_processing", "slow_refund"} & set(faults)
        if moved:
            refund = sim.settle(db, refund, "SUCCESS")
        elif before != refund:
            refunds.delay(db, refund, times.now() + faults["slow_refund"] if "slow_refund" in faults else None)
        return refunds.answer(db, refund, moved=moved), number


def _refund_queried(asked: Asked) -> tuple[dict[str, object], str]:
    named, db = protocol.parsed(asked.fields, protocol.RefundNaming), asked.sim.memory.db
    trade = trades.by_number(db, named.trade_no, named.out_trade_no)
    receipts = [trade] if named.trade_no else trades.by_order(db, trade.out_trade_no)
    refund = refunds.named(db, [receipt.trade_no for receipt in receipts], named.out_request_no)
    return refunds.found(trade, refund, named.query_options), named.out_request_no


def _bill_asked(asked: Asked) -> tuple[dict[str, object], str]:
    named, sim, faults = protocol.parsed(asked.fields, protocol.BillNaming), asked.sim, asked.call.faults
    if named.bill_type not in ("trade", "signcustomer"):
        raise Refusal("isv.invalid_arguments", "账单类型错误")
    day = bills.require_ready(named.bill_date)
    found = bills.rows(sim.memory.db, day) if named.bill_type == "trade" else []
    if not found or "no_statement" in faults:
        raise bills.absent()
    content = bills.file(bills.spoilt(found, faults), sim.keys.identity.seller_id, day, faults)
    token = secrets.token_urlsafe(16)
    with sim.memory.writing() as db:
        db.execute("delete from downloads where until < ?", (times.now() - DOWNLOAD_S,))
        db.execute("insert into downloads values (?, ?, ?)", (token, content, times.now() + DOWNLOAD_S))
    return {"bill_download_url": f"{serving.origin(asked.call.request)}/alipay/bill/{token}"}, ""


METHODS: dict[str, tuple[str, Work]] = {
    "alipay.trade.precreate": ("create", _precreated),
    "alipay.trade.query": ("query", _queried),
    "alipay.trade.close": ("close", _closed),
    "alipay.trade.cancel": ("close", _cancelled),
    "alipay.trade.refund": ("refund", _refunded),
    "alipay.trade.fastpay.refund.query": ("query_refund", _refund_queried),
    "alipay.data.dataservice.bill.downloadurl.query": ("bill", _bill_asked),
}


async def serve(sim: AlipaySim, request: Request) -> Response:
    """``/alipay/gateway.do``: a method for the merchant's server, or a page for the payer's browser."""
    texts = (request.scope["query_string"].decode("latin-1"), (await request.body()).decode("latin-1"))
    method = next((dict(pairs)["method"] for text in texts if "method" in dict(pairs := parse_qsl(text))), "")
    if method == PAGE:
        return await serving.serve(sim, request, "create", partial(_page_opened, sim), _page_answer)
    operation, work = METHODS.get(method, ("query", None))
    return await serving.serve(
        sim, request, operation, partial(_worked, sim, work), partial(_answer, sim, method.replace(".", "_"))
    )


def _worked(sim: AlipaySim, work: Work | None, call: Call) -> Done:
    try:
        fields = _proven(sim, call, protocol.SKEW_S)
        if work is None:
            raise Unserved("isv.invalid-method", "不存在的方法名")
        content, subject = work(Asked(sim, call, fields))
    except Refusal as refusal:
        return Done(refusal.status, msgspec.json.encode(refusal.content))
    return Done(200, msgspec.json.encode({"code": "10000", "msg": "Success"} | content), subject)


def _proven(sim: AlipaySim, call: Call, age_s: float) -> dict[str, str]:
    if "rate_limit" in call.faults:
        raise Unserved("isv.app-call-limited", "应用调用次数超限", "40005")
    if "system_error" in call.faults:
        raise Refusal("ACQ.SYSTEM_ERROR", "系统异常", "20000")
    fields = protocol.received(call.request, call.body)
    protocol.require_signed(sim.keys, fields, age_s=age_s)
    return fields


def _answer(sim: AlipaySim, method: str, call: Call, done: Done) -> Response:
    """HTTP 200 whatever is said, and called HTML though it is JSON: as the gateway does."""
    unserved = done.status == Unserved.status
    name = "error_response" if unserved else f"{method}_response"
    signature = sim.keys.signature(done.body, spoil="bad_signature" in call.faults)
    sign = "" if unserved or "unsigned" in call.faults else f',"sign":"{signature}"'
    content = f'{{"{name}":'.encode() + done.body + sign.encode() + b"}"
    if "truncated_json" in call.faults:
        content = content[: len(content) // 2]
    return Response(content, 200, media_type="text/html;charset=utf-8")


def _page_opened(sim: AlipaySim, call: Call) -> Done:
    """The payer's browser brings a signed order: from now on the trade exists."""
    try:
        fields = _proven(sim, call, protocol.PAGE_AGE_S)
        order = _placed(Asked(sim, call, fields), "page")
    except Refusal as refusal:
        return Done(refusal.status, f"{refusal.content['sub_code']}: {refusal.content['sub_msg']}".encode())
    return Done(200, cashier.path(order).encode(), order.out_trade_no)


def _page_answer(call: Call, done: Done) -> Response:
    if done.status != 200:
        return cashier.failure(done.body.decode())
    return RedirectResponse(done.body.decode(), 303)


async def download(sim: AlipaySim, request: Request) -> Response:
    """The file of a bill, for 30 s."""

    def work(call: Call) -> Done:
        if {"rate_limit", "system_error"} & set(call.faults):
            return Done(503, b"busy")
        query = "select content from downloads where token = ? and until >= ?"
        row = sim.memory.db.execute(query, (request.path_params["token"], times.now())).fetchone()
        return Done(403, b"link expired") if row is None else Done(200, row["content"])

    def respond(call: Call, done: Done) -> Response:
        content = done.body[: len(done.body) // 2] if "truncated_json" in call.faults else done.body
        return Response(content, done.status, media_type="application/zip" if done.status == 200 else "text/html")

    return await serving.serve(sim, request, "bill", work, respond, is_download=True)
