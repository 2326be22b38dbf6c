"""Orders: placed by the merchant, paid by the payer (even twice), closed by the merchant or by time."""

from __future__ import annotations

import secrets
import sqlite3

import msgspec

from holdfast.payments.simulator import times
from holdfast.payments.simulator.simulation import NotPayable

from .protocol import Refusal

LIFE_S = 7 * 86400
LINK_LIFE_S = {"NATIVE": 7200, "H5": 300}
"""How long a link stays good after the order was placed; placing it again makes the link good again."""
STATE_WORDS = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
    "USERPAYING": "用户支付中，需要输入密码",
}
COLUMNS = (
    "o.*, p.transaction_id, p.paid_at, p.total as paid_total, p.payer_total, p.openid,"
    " exists (select 1 from refunds r where r.transaction_id = p.transaction_id and r.status <> 'CLOSED') as refunded"
)
FIRST = "left join receipts p on p.seq = (select min(seq) from receipts where out_trade_no = o.out_trade_no)"
"""By the merchant's number the first receipt is shown, whatever else came."""


class Order(msgspec.Struct, frozen=True):
    """A row of `orders` with one of its receipts; times in seconds since 1970, amounts in fen."""

    out_trade_no: str
    token: str
    trade_type: str
    request: str
    description: str
    total: int
    currency: str
    notify_url: str
    attach: str
    signer: str
    created_at: float
    linked_at: float
    expires_at: float
    closed_at: float | None
    begun_at: float | None
    """When the payer opened the page."""
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
        return "CLOSED" if self.closed_at is not None or times.now() >= self.expires_at else "NOTPAY"

    @property
    def code_url(self) -> str:
        return f"weixin://wxpay/bizpayurl?pr={self.token}"

    @property
    def is_link_over(self) -> bool:
        return times.now() >= self.linked_at + LINK_LIFE_S[self.trade_type]


class NewOrder(msgspec.Struct, frozen=True):
    """The parameters of an order, checked for shape."""

    out_trade_no: str
    trade_type: str
    description: str
    total: int
    currency: str
    notify_url: str
    attach: str
    expires_at: float | None
    request: str
    """All parameters in canonical form: the same number may come again only with the same."""


def by_number(db: sqlite3.Connection, out_trade_no: str) -> Order | None:
    return _one(db, f"select {COLUMNS} from orders o {FIRST} where o.out_trade_no = ?", out_trade_no)


def by_token(db: sqlite3.Connection, token: str) -> Order | None:
    return _one(db, f"select {COLUMNS} from orders o {FIRST} where o.token = ?", token)


def by_transaction(db: sqlite3.Connection, transaction_id: str) -> Order | None:
    """The order as this receipt of it shows it."""
    joined = "join receipts p on p.out_trade_no = o.out_trade_no"
    return _one(db, f"select {COLUMNS} from orders o {joined} where p.transaction_id = ?", transaction_id)


def every(db: sqlite3.Connection) -> list[Order]:
    """All orders, the oldest first."""
    rows = db.execute(f"select {COLUMNS} from orders o {FIRST} order by o.created_at, o.rowid")
    return [Order(**dict(row)) for row in rows]


def _one(db: sqlite3.Connection, query: str, key: str) -> Order | None:
    row = db.execute(query, (key,)).fetchone()
    return None if row is None else Order(**dict(row))


def place(db: sqlite3.Connection, new: NewOrder, signer: str) -> Order:
    """A new order, or the old one when everything is as it was."""
    old, now = by_number(db, new.out_trade_no), times.now()
    if old is not None:
        _must_be_the_same(old, new)
        db.execute("update orders set linked_at = ? where out_trade_no = ?", (now, new.out_trade_no))
        return old
    if new.expires_at is not None and new.expires_at <= now:
        raise Refusal(400, "PARAM_ERROR", "time_expire 已过", field="/body/time_expire")
    db.execute(
        "insert into orders (out_trade_no, token, trade_type, request, description, total, currency, notify_url, attach,"
        " signer, created_at, linked_at, expires_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.out_trade_no,
            secrets.token_urlsafe(12),
            new.trade_type,
            new.request,
            new.description,
            new.total,
            new.currency,
            new.notify_url,
            new.attach,
            signer,
            now,
            now,
            min(new.expires_at or now + LIFE_S, now + LIFE_S),
        ),
    )
    order = by_number(db, new.out_trade_no)
    assert order is not None
    return order


def _must_be_the_same(old: Order, new: NewOrder) -> None:
    if old.paid_at is not None:
        raise Refusal(400, "ORDERPAID", "该订单已支付")
    if old.trade_state == "CLOSED":
        raise Refusal(400, "ORDER_CLOSED", "该订单已关闭")
    if (old.trade_type, old.request) != (new.trade_type, new.request):
        raise Refusal(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致，请确认参数后重试")


def close(db: sqlite3.Connection, out_trade_no: str) -> None:
    """Close; closing again changes nothing."""
    order = by_number(db, out_trade_no)
    if order is None:
        raise Refusal(404, "ORDER_NOT_EXIST", "订单不存在")
    if order.paid_at is not None:
        raise Refusal(400, "ORDERPAID", "该订单已支付")
    if order.closed_at is None:
        db.execute("update orders set closed_at = ? where out_trade_no = ?", (times.now(), out_trade_no))


def begin(db: sqlite3.Connection, token: str) -> None:
    """The payer has the page before the eyes."""
    db.execute("update orders set begun_at = coalesce(begun_at, ?) where token = ?", (times.now(), token))


def pay(
    db: sqlite3.Connection, out_trade_no: str, total: int | None, payer_total: int | None, *, again: bool = False
) -> Order:
    """The payer pays what is asked, unless a test says otherwise: the order with the new receipt. NotPayable, KeyError.

    `again`: a paid order is paid once more, as happens when a payer has two phones.
    """
    order = by_number(db, out_trade_no)
    if order is None:
        raise KeyError(out_trade_no)
    if order.trade_state not in (("SUCCESS", "REFUND") if again else ("NOTPAY",)):
        raise NotPayable(order.trade_state)
    paid_total = order.total if total is None else total
    transaction_id = "4200000000" + "".join(secrets.choice("0123456789") for _ in range(18))
    db.execute(
        "insert into receipts (transaction_id, out_trade_no, paid_at, total, payer_total, openid)"
        " values (?, ?, ?, ?, ?, ?)",
        (
            transaction_id,
            out_trade_no,
            times.now(),
            paid_total,
            paid_total if payer_total is None else payer_total,
            f"o{secrets.token_urlsafe(20)}",
        ),
    )
    paid = by_transaction(db, transaction_id)
    assert paid is not None
    return paid


def transaction(order: Order, mchid: str, appid: str, faults: dict[str, float]) -> dict[str, object]:
    """The order as queries and callbacks show it, with the lies that the faults ask for."""
    trade_state = _told_state(order, faults)
    is_told = trade_state in ("SUCCESS", "REFUND")
    shown: dict[str, object] = {
        "appid": appid,
        "mchid": mchid,
        "out_trade_no": order.out_trade_no,
        "trade_state_desc": STATE_WORDS[trade_state],
        "promotion_detail": [],
    }
    state_field = "transaction_state" if "renamed_field" in faults else "trade_state"
    shown[state_field] = "ACCEPTED" if "new_enum" in faults else trade_state
    if order.attach:
        shown["attach"] = order.attach
    if not is_told or order.paid_at is None or order.paid_total is None or order.payer_total is None:
        shown["amount"] = {"total": order.total, "payer_currency": "CNY"}
        return shown
    add = 1 if "wrong_amount" in faults else 0
    currency = "USD" if "wrong_currency" in faults else order.currency
    return shown | {
        "transaction_id": order.transaction_id,
        "trade_type": "MWEB" if order.trade_type == "H5" else order.trade_type,
        "bank_type": "OTHERS",
        "success_time": times.beijing(order.paid_at),
        "payer": {"openid": order.openid},
        "amount": {
            "total": order.paid_total + add,
            "payer_total": order.payer_total + add,
            "currency": currency,
            "payer_currency": currency,
        },
    }


def _told_state(order: Order, faults: dict[str, float]) -> str:
    if "userpaying" in faults and (order.paid_at or order.begun_at) is not None and order.closed_at is None:
        return "USERPAYING"
    lag_s = faults.get("query_lag", 0.0)
    if order.paid_at is not None and times.now() - order.paid_at < lag_s:
        return "NOTPAY"
    return order.trade_state
