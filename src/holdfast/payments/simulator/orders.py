"""Orders: placed by the merchant, paid by the payer, closed by the merchant or by time."""

from __future__ import annotations

import secrets
import sqlite3

import msgspec

from . import state
from .protocol import Refusal

LIFE_S = 7 * 86400
STATE_WORDS = {"SUCCESS": "支付成功", "REFUND": "转入退款", "NOTPAY": "订单未支付", "CLOSED": "订单已关闭"}
COLUMNS = "*, exists (select 1 from refunds r where r.out_trade_no = o.out_trade_no and r.status <> 'CLOSED') refunded"


class NotPayable(Exception):
    """`state` says why: SUCCESS or REFUND (paid already) or CLOSED (by the merchant or by time)."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class Order(msgspec.Struct, frozen=True):
    """A row of `orders`; times in seconds since 1970, amounts in fen."""

    out_trade_no: str
    token: str
    request: str
    description: str
    total: int
    currency: str
    notify_url: str
    attach: str
    serial: str
    created_at: float
    expires_at: float
    closed_at: float | None
    transaction_id: str | None
    paid_at: float | None
    paid_total: int | None
    payer_total: int | None
    openid: str | None
    refunded: int

    @property
    def trade_state(self) -> str:
        if self.paid_at is not None:
            return "REFUND" if self.refunded else "SUCCESS"
        return "CLOSED" if self.closed_at is not None or state.now() >= self.expires_at else "NOTPAY"

    @property
    def code_url(self) -> str:
        return f"weixin://wxpay/bizpayurl?pr={self.token}"


class NewOrder(msgspec.Struct, frozen=True):
    """The parameters of an order, checked for shape."""

    out_trade_no: str
    description: str
    total: int
    currency: str
    notify_url: str
    attach: str
    expires_at: float | None
    request: str
    """All parameters in canonical form: the same number may come again only with the same."""


def by_number(db: sqlite3.Connection, out_trade_no: str) -> Order | None:
    return _one(db, f"select {COLUMNS} from orders o where out_trade_no = ?", out_trade_no)


def by_token(db: sqlite3.Connection, token: str) -> Order | None:
    return _one(db, f"select {COLUMNS} from orders o where token = ?", token)


def by_transaction(db: sqlite3.Connection, transaction_id: str) -> Order | None:
    return _one(db, f"select {COLUMNS} from orders o where transaction_id = ?", transaction_id)


def _one(db: sqlite3.Connection, query: str, key: str) -> Order | None:
    row = db.execute(query, (key,)).fetchone()
    return None if row is None else Order(**dict(row))


def place(db: sqlite3.Connection, new: NewOrder, serial: str) -> Order:
    """A new order, or the old one when everything is as it was."""
    old = by_number(db, new.out_trade_no)
    if old is not None:
        return _placed_again(old, new)
    now = state.now()
    if new.expires_at is not None and new.expires_at <= now:
        raise Refusal(400, "PARAM_ERROR", "time_expire 已过", field="/body/time_expire")
    db.execute(
        "insert into orders (out_trade_no, token, request, description, total, currency, notify_url, attach, serial,"
        " created_at, expires_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.out_trade_no,
            secrets.token_urlsafe(12),
            new.request,
            new.description,
            new.total,
            new.currency,
            new.notify_url,
            new.attach,
            serial,
            now,
            min(new.expires_at or now + LIFE_S, now + LIFE_S),
        ),
    )
    order = by_number(db, new.out_trade_no)
    assert order is not None
    return order


def _placed_again(old: Order, new: NewOrder) -> Order:
    if old.paid_at is not None:
        raise Refusal(400, "ORDERPAID", "该订单已支付")
    if old.trade_state == "CLOSED":
        raise Refusal(400, "ORDER_CLOSED", "该订单已关闭")
    if old.request != new.request:
        raise Refusal(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致，请确认参数后重试")
    return old


def close(db: sqlite3.Connection, out_trade_no: str) -> None:
    """Close; closing again changes nothing."""
    order = by_number(db, out_trade_no)
    if order is None:
        raise Refusal(404, "ORDER_NOT_EXIST", "订单不存在")
    if order.paid_at is not None:
        raise Refusal(400, "ORDERPAID", "该订单已支付")
    if order.closed_at is None:
        db.execute("update orders set closed_at = ? where out_trade_no = ?", (state.now(), out_trade_no))


def pay(db: sqlite3.Connection, out_trade_no: str, total: int | None, payer_total: int | None) -> Order:
    """The payer pays: what is asked, unless a test says otherwise. NotPayable, KeyError."""
    order = by_number(db, out_trade_no)
    if order is None:
        raise KeyError(out_trade_no)
    if order.trade_state != "NOTPAY":
        raise NotPayable(order.trade_state)
    paid_total = order.total if total is None else total
    digits = "".join(secrets.choice("0123456789") for _ in range(18))
    db.execute(
        "update orders set paid_at = ?, paid_total = ?, payer_total = ?, transaction_id = ?, openid = ?"
        " where out_trade_no = ?",
        (
            state.now(),
            paid_total,
            paid_total if payer_total is None else payer_total,
            f"4200000000{digits}",
            f"o{secrets.token_urlsafe(20)}",
            out_trade_no,
        ),
    )
    paid = by_number(db, out_trade_no)
    assert paid is not None
    return paid


def transaction(order: Order, mchid: str, appid: str, *, hide_payment: bool = False, add: int = 0) -> dict[str, object]:
    """The order as queries and callbacks show it. `hide_payment` and `add` are lies that a fault asks for."""
    trade_state = "NOTPAY" if hide_payment else order.trade_state
    shown: dict[str, object] = {
        "appid": appid,
        "mchid": mchid,
        "out_trade_no": order.out_trade_no,
        "trade_state": trade_state,
        "trade_state_desc": STATE_WORDS[trade_state],
        "promotion_detail": [],
    }
    if order.attach:
        shown["attach"] = order.attach
    if hide_payment or order.paid_at is None or order.paid_total is None or order.payer_total is None:
        shown["amount"] = {"total": order.total, "payer_currency": "CNY"}
        return shown
    return shown | {
        "transaction_id": order.transaction_id,
        "trade_type": "NATIVE",
        "bank_type": "OTHERS",
        "success_time": state.beijing(order.paid_at),
        "payer": {"openid": order.openid},
        "amount": {
            "total": order.paid_total + add,
            "payer_total": order.payer_total + add,
            "currency": order.currency,
            "payer_currency": order.currency,
        },
    }
