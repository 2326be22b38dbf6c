"""Refunds: done at once, unless a fault holds them; a failed one is tried again under its own number and amount."""

from __future__ import annotations

import sqlite3

import msgspec

from holdfast.payments.simulator import times

from . import trades
from .protocol import Refusal, stamp, yuan
from .trades import Trade


class Refund(msgspec.Struct, frozen=True):
    """A row of `refunds`. `settles_at` None while PROCESSING means: until told. CLOSED and ABNORMAL: it failed."""

    seq: int
    trade_no: str
    out_request_no: str
    amount: int
    status: str
    created_at: float
    settles_at: float | None
    success_at: float | None


def of_trade(db: sqlite3.Connection, trade_no: str) -> list[Refund]:
    rows = db.execute("select * from refunds where trade_no = ? order by seq", (trade_no,))
    return [Refund(**dict(row)) for row in rows]


def named(db: sqlite3.Connection, trade_nos: list[str], out_request_no: str) -> Refund | None:
    """A refund of one of these trades by the merchant's number."""
    return next((one for no in trade_nos for one in of_trade(db, no) if one.out_request_no == out_request_no), None)


def by_number(db: sqlite3.Connection, out_request_no: str) -> Refund | None:
    row = db.execute("select * from refunds where out_request_no = ? order by seq", (out_request_no,)).fetchone()
    return None if row is None else Refund(**dict(row))


def accept(db: sqlite3.Connection, trade: Trade, out_request_no: str, amount: int) -> Refund:
    """A new refund or a failed one begun again, PROCESSING; or the old one as it is."""
    old = named(db, [trade.trade_no], out_request_no)
    if old is not None and old.amount != amount:
        raise Refusal("ACQ.DISCORDANT_REPEAT_REQUEST", "不一致的请求")
    if old is not None and old.status in ("PROCESSING", "SUCCESS"):
        return old
    _must_be_possible(trade, amount, [one for one in of_trade(db, trade.trade_no) if one != old])
    db.execute(
        "insert into refunds (trade_no, out_request_no, amount, status, created_at) values (?, ?, ?, 'PROCESSING', ?)"
        " on conflict (trade_no, out_request_no) do update set status = 'PROCESSING'",
        (trade.trade_no, out_request_no, amount, times.now()),
    )
    accepted = named(db, [trade.trade_no], out_request_no)
    assert accepted is not None
    return accepted


def _must_be_possible(trade: Trade, amount: int, others: list[Refund]) -> None:
    if trade.paid_at is None or trade.paid_total is None:
        raise Refusal("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
    if trade.status == "TRADE_FINISHED":
        raise Refusal("ACQ.TRADE_HAS_FINISHED", "交易已完结")
    if sum(one.amount for one in others if one.status in ("PROCESSING", "SUCCESS")) + amount > trade.paid_total:
        raise Refusal("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限")


def delay(db: sqlite3.Connection, refund: Refund, settles_at: float | None) -> None:
    """Keep it in processing, until then or (None) until told."""
    db.execute("update refunds set settles_at = ? where seq = ?", (settles_at, refund.seq))


def settle(db: sqlite3.Connection, refund: Refund, status: str) -> Refund:
    """Bring a refund in processing to an end; later words change nothing."""
    if refund.status == "PROCESSING":
        success_at = times.now() if status == "SUCCESS" else None
        db.execute(
            "update refunds set status = ?, success_at = ?, settles_at = null where seq = ?",
            (status, success_at, refund.seq),
        )
    settled = named(db, [refund.trade_no], refund.out_request_no)
    assert settled is not None
    return settled


def due(db: sqlite3.Connection) -> list[Refund]:
    """Refunds whose time to settle has come."""
    query = "select * from refunds where status = 'PROCESSING' and settles_at <= ? limit 100"
    return [Refund(**dict(row)) for row in db.execute(query, (times.now(),)).fetchall()]


def answer(db: sqlite3.Connection, refund: Refund, *, moved: bool) -> dict[str, object]:
    """What the refund call says. ``refund_fee`` is the sum of all refunds of the trade so far."""
    trade = trades.by_number(db, refund.trade_no, None)
    content: dict[str, object] = {
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "buyer_logon_id": "159****5620",
        "fund_change": "Y" if moved else "N",
        "refund_fee": yuan(trade.refunded),
    }
    if refund.success_at is not None:
        content["gmt_refund_pay"] = stamp(refund.success_at)
    return content


def found(trade: Trade, refund: Refund | None, options: list[str]) -> dict[str, object]:
    """What the refund query says: of anything but a done refund nothing at all."""
    if refund is None or refund.status != "SUCCESS" or refund.success_at is None:
        return {}
    content: dict[str, object] = {
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "out_request_no": refund.out_request_no,
        "total_amount": yuan(trade.paid_total or 0),
        "refund_amount": yuan(refund.amount),
        "refund_status": "REFUND_SUCCESS",
    }
    if "gmt_refund_pay" in options:
        content["gmt_refund_pay"] = stamp(refund.success_at)
    return content
