"""Refunds: accepted at once, settled a moment later, or kept in processing until told."""

from __future__ import annotations

import secrets
import sqlite3

import msgspec

from holdfast.payments.simulator import times

from . import orders
from .orders import Order
from .protocol import Refusal

REFUNDS_MAX = 50
REFUNDABLE_S = 365 * 86400


class Refund(msgspec.Struct, frozen=True):
    """A row of `refunds`; `settles_at` None while PROCESSING means: until told."""

    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str
    request: str
    amount: int
    notify_url: str
    signer: str
    status: str
    created_at: float
    settles_at: float | None
    settled_at: float | None

    @property
    def success_at(self) -> float | None:
        return self.settled_at if self.status == "SUCCESS" else None


class NewRefund(msgspec.Struct, frozen=True):
    """The parameters of a refund, checked for shape; exactly one of the two order numbers is set."""

    out_refund_no: str
    transaction_id: str | None
    out_trade_no: str | None
    amount: int
    total: int
    notify_url: str
    request: str


def by_number(db: sqlite3.Connection, out_refund_no: str) -> Refund | None:
    row = db.execute("select * from refunds where out_refund_no = ?", (out_refund_no,)).fetchone()
    return None if row is None else Refund(**dict(row))


def by_id(db: sqlite3.Connection, refund_id: str) -> Refund | None:
    row = db.execute("select * from refunds where refund_id = ?", (refund_id,)).fetchone()
    return None if row is None else Refund(**dict(row))


def of_receipt(db: sqlite3.Connection, transaction_id: str) -> list[Refund]:
    rows = db.execute("select * from refunds where transaction_id = ? order by created_at", (transaction_id,))
    return [Refund(**dict(row)) for row in rows]


def every(db: sqlite3.Connection) -> list[Refund]:
    """All refunds, the oldest first."""
    return [Refund(**dict(row)) for row in db.execute("select * from refunds order by created_at")]


def receipt_of(db: sqlite3.Connection, refund: Refund) -> Order:
    """The order as the receipt shows it that the refund gives back."""
    order = orders.by_transaction(db, refund.transaction_id)
    assert order is not None
    return order


def accept(db: sqlite3.Connection, new: NewRefund, signer: str, settles_at: float | None) -> Refund:
    """A new refund, or the old one when everything is as it was."""
    order = (
        orders.by_transaction(db, new.transaction_id)
        if new.transaction_id is not None
        else orders.by_number(db, new.out_trade_no or "")
    )
    if order is None:
        raise Refusal(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    old = by_number(db, new.out_refund_no)
    if old is not None:
        if old.request != new.request:
            raise Refusal(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
        return old
    _must_be_possible(order, new, of_receipt(db, order.transaction_id or ""))
    db.execute(
        "insert into refunds (out_refund_no, refund_id, out_trade_no, transaction_id, request, amount, notify_url,"
        " signer, status, created_at, settles_at) values (?, ?, ?, ?, ?, ?, ?, ?, 'PROCESSING', ?, ?)",
        (
            new.out_refund_no,
            "503" + "".join(secrets.choice("0123456789") for _ in range(26)),
            order.out_trade_no,
            order.transaction_id,
            new.request,
            new.amount,
            new.notify_url,
            signer,
            times.now(),
            settles_at,
        ),
    )
    accepted = by_number(db, new.out_refund_no)
    assert accepted is not None
    return accepted


def _must_be_possible(order: Order, new: NewRefund, earlier: list[Refund]) -> None:
    if order.paid_at is None or order.paid_total is None:
        raise Refusal(400, "INVALID_REQUEST", "订单未支付，不可退款")
    if new.total != order.paid_total:
        raise Refusal(400, "INVALID_REQUEST", "订单金额不一致，请核实后再试")
    counted = [refund.amount for refund in earlier if refund.status != "CLOSED"]
    if sum(counted) + new.amount > order.paid_total:
        raise Refusal(400, "INVALID_REQUEST", "退款金额大于可退金额")
    if len(counted) >= REFUNDS_MAX:
        raise Refusal(400, "INVALID_REQUEST", "该订单部分退款次数已达上限")
    if times.now() > order.paid_at + REFUNDABLE_S:
        raise Refusal(400, "INVALID_REQUEST", "订单已超过退款期限")


def settle(db: sqlite3.Connection, out_refund_no: str, status: str) -> Refund:
    """Bring a refund to a final status; later words change nothing. KeyError when there is none."""
    refund = by_number(db, out_refund_no)
    if refund is None:
        raise KeyError(out_refund_no)
    if refund.status == "PROCESSING":
        db.execute(
            "update refunds set status = ?, settled_at = ?, settles_at = null where out_refund_no = ?",
            (status, times.now(), out_refund_no),
        )
    settled = by_number(db, out_refund_no)
    assert settled is not None
    return settled


def take_up(db: sqlite3.Connection, refund: Refund, settles_at: float | None) -> Refund:
    """An abnormal refund is sent another way: it is in processing again."""
    if refund.status != "ABNORMAL":
        raise Refusal(400, "INVALID_REQUEST", "退款单状态不是退款异常，不可发起异常退款")
    db.execute(
        "update refunds set status = 'PROCESSING', settled_at = null, settles_at = ? where out_refund_no = ?",
        (settles_at, refund.out_refund_no),
    )
    taken_up = by_number(db, refund.out_refund_no)
    assert taken_up is not None
    return taken_up


def due(db: sqlite3.Connection) -> list[str]:
    """Numbers of refunds whose time to settle has come."""
    query = "select out_refund_no from refunds where status = 'PROCESSING' and settles_at <= ? limit 100"
    return [row["out_refund_no"] for row in db.execute(query, (times.now(),))]


def answer(refund: Refund, order: Order) -> dict[str, object]:
    """The refund as answers show it."""
    shown: dict[str, object] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": order.transaction_id,
        "out_trade_no": order.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": times.beijing(refund.created_at),
        "status": refund.status,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": order.paid_total,
            "refund": refund.amount,
            "payer_total": order.payer_total,
            "payer_refund": refund.amount,
            "settlement_refund": refund.amount,
            "settlement_total": order.paid_total,
            "discount_refund": 0,
            "currency": order.currency,
        },
    }
    if refund.success_at is not None:
        shown["success_time"] = times.beijing(refund.success_at)
    return shown


def notice(refund: Refund, order: Order, mchid: str) -> dict[str, object]:
    """The refund as its callback shows it."""
    shown: dict[str, object] = {
        "mchid": mchid,
        "out_trade_no": order.out_trade_no,
        "transaction_id": order.transaction_id,
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "refund_status": refund.status,
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": order.paid_total,
            "refund": refund.amount,
            "payer_total": order.payer_total,
            "payer_refund": refund.amount,
        },
    }
    if refund.success_at is not None:
        shown["success_time"] = times.beijing(refund.success_at)
    return shown
