"""Orders that a merchant asked for, and the trades that payers made of them by scanning or opening."""

from __future__ import annotations

import secrets
import sqlite3

import msgspec

from holdfast.payments.simulator import times
from holdfast.payments.simulator.simulation import NotPayable

from . import protocol
from .keys import digits
from .protocol import Refusal, stamp, yuan

CODE = "https://qr.alipay.com/"
CODE_LIFE_S = 2 * 3600
"""Within which a code must be scanned."""
TRADE_LIFE_S = 15 * 86400
REFUNDABLE_S = 365 * 86400
SCHEMA = """
create table if not exists identity (only integer primary key check (only = 1), json text not null);
create table if not exists orders (
    out_trade_no text primary key, token text not null unique, kind text not null, subject text not null,
    total integer not null, notify_url text not null, return_url text not null, passback text not null,
    created_at real not null, expires_at real not null
) strict;
create table if not exists trades (
    seq integer primary key, trade_no text not null unique, out_trade_no text not null references orders,
    buyer_id text not null, created_at real not null, expires_at real not null, closed_at real,
    paid_at real, paid_total integer, payer_total integer
) strict;
create index if not exists trades_of_order on trades (out_trade_no);
create index if not exists trades_waiting on trades (expires_at) where paid_at is null and closed_at is null;
create table if not exists refunds (
    seq integer primary key, trade_no text not null, out_request_no text not null, amount integer not null,
    status text not null, created_at real not null, settles_at real, success_at real,
    unique (trade_no, out_request_no)
) strict;
create index if not exists refunds_due on refunds (settles_at) where status = 'PROCESSING';
create table if not exists downloads (token text primary key, content blob not null, until real not null) strict;
"""


class Order(msgspec.Struct, frozen=True):
    """A row of `orders`; times in seconds since 1970, amounts in fen. `kind`: qr or page."""

    out_trade_no: str
    token: str
    kind: str
    subject: str
    total: int
    notify_url: str
    return_url: str
    passback: str
    created_at: float
    expires_at: float

    @property
    def code_url(self) -> str:
        return CODE + self.token

    @property
    def is_scannable(self) -> bool:
        limit = min(self.expires_at, self.created_at + CODE_LIFE_S) if self.kind == "qr" else self.expires_at
        return times.now() < limit


class Trade(msgspec.Struct, frozen=True):
    """A row of `trades`, with what was given back of it."""

    seq: int
    trade_no: str
    out_trade_no: str
    buyer_id: str
    created_at: float
    expires_at: float
    closed_at: float | None
    paid_at: float | None
    paid_total: int | None
    payer_total: int | None
    refunded: int = 0

    @property
    def status(self) -> str:
        if self.paid_at is not None:
            if self.refunded and self.refunded == self.paid_total:
                return "TRADE_CLOSED"
            return "TRADE_FINISHED" if times.now() > self.paid_at + REFUNDABLE_S else "TRADE_SUCCESS"
        return "TRADE_CLOSED" if self.closed_at is not None or times.now() >= self.expires_at else "WAIT_BUYER_PAY"


class Wish(msgspec.Struct, frozen=True):
    """What a merchant asks for, checked for shape."""

    asked: protocol.Placing
    kind: str
    notify_url: str
    return_url: str = ""


_SELECT = (
    "select *, (select coalesce(sum(amount), 0) from refunds where trade_no = t and status = 'SUCCESS') as refunded"
    " from (select *, trade_no as t from trades) "
)


def _trade(row: sqlite3.Row) -> Trade:
    return Trade(**{name: row[name] for name in Trade.__struct_fields__})


def by_order(db: sqlite3.Connection, out_trade_no: str) -> list[Trade]:
    """All receipts of an order, the first first: usually one, none before the scan."""
    rows = db.execute(_SELECT + "where out_trade_no = ? order by seq", (out_trade_no,))
    return [_trade(row) for row in rows.fetchall()]


def by_number(db: sqlite3.Connection, trade_no: str | None, out_trade_no: str | None) -> Trade:
    """The trade that a request names. Refusal when there is none."""
    if trade_no:
        row = db.execute(_SELECT + "where trade_no = ?", (trade_no,)).fetchone()
        found = [] if row is None else [_trade(row)]
    else:
        found = by_order(db, out_trade_no or "")
    if not found:
        raise Refusal("ACQ.TRADE_NOT_EXIST", "交易不存在")
    return found[0]


def order(db: sqlite3.Connection, out_trade_no: str) -> Order | None:
    row = db.execute("select * from orders where out_trade_no = ?", (out_trade_no,)).fetchone()
    return None if row is None else Order(**dict(row))


def by_token(db: sqlite3.Connection, token: str) -> Order | None:
    row = db.execute("select * from orders where token = ?", (token,)).fetchone()
    return None if row is None else Order(**dict(row))


def place(db: sqlite3.Connection, wish: Wish) -> Order:
    """A new order, or the old one when what matters is as it was. No trade yet."""
    asked, total = wish.asked, protocol.fen(wish.asked.total_amount)
    old = order(db, asked.out_trade_no)
    if old is not None:
        made = by_order(db, old.out_trade_no)
        if made and made[0].paid_at is not None:
            raise Refusal("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
        if made and made[0].status == "TRADE_CLOSED":
            raise Refusal("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
        if (old.total, old.subject, old.kind) != (total, asked.subject, wish.kind):
            raise Refusal("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
    expires_at = protocol.expiry(asked, TRADE_LIFE_S)
    if old is not None:
        return old
    db.execute(
        "insert into orders (out_trade_no, token, kind, subject, total, notify_url, return_url, passback, created_at,"
        " expires_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            asked.out_trade_no,
            "bax0" + secrets.token_hex(10),
            wish.kind,
            asked.subject,
            total,
            wish.notify_url,
            wish.return_url,
            asked.passback_params,
            times.now(),
            expires_at,
        ),
    )
    placed = order(db, asked.out_trade_no)
    assert placed is not None
    return placed


def scan(db: sqlite3.Connection, wanted: Order) -> Trade | None:
    """The payer's camera or browser reads what the merchant shows: now the trade exists. None: too late for that."""
    made = by_order(db, wanted.out_trade_no)
    if made:
        return made[0]
    return _made(db, wanted) if wanted.is_scannable else None


def _made(db: sqlite3.Connection, wanted: Order) -> Trade:
    trade_no = f"{stamp(times.now())[:10].replace('-', '')}22001{digits(15)}"
    db.execute(
        "insert into trades (trade_no, out_trade_no, buyer_id, created_at, expires_at) values (?, ?, ?, ?, ?)",
        (trade_no, wanted.out_trade_no, f"2088{digits(12)}", times.now(), wanted.expires_at),
    )
    return by_number(db, trade_no, None)


def pay(
    db: sqlite3.Connection, wanted: Order, amount: int | None = None, payer_amount: int | None = None, *, again: bool
) -> Trade:
    """The payer scans and pays: what is asked, unless a test says otherwise. NotPayable.

    `again`: a second trade under the same order number, though the first is paid.
    """
    trade = scan(db, wanted)
    if trade is None:
        raise NotPayable("TRADE_CLOSED")
    if again and trade.paid_at is None:
        raise NotPayable(trade.status)
    if again:
        trade = _made(db, wanted)
    elif trade.status != "WAIT_BUYER_PAY":
        raise NotPayable(trade.status)
    total = wanted.total if amount is None else amount
    db.execute(
        "update trades set paid_at = ?, paid_total = ?, payer_total = ? where trade_no = ?",
        (times.now(), total, total if payer_amount is None else payer_amount, trade.trade_no),
    )
    return by_number(db, trade.trade_no, None)


def close(db: sqlite3.Connection, trade: Trade) -> None:
    """End an unpaid trade. Refusal when it does not wait for payment any more."""
    if trade.status != "WAIT_BUYER_PAY":
        raise Refusal("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
    db.execute("update trades set closed_at = ? where trade_no = ?", (times.now(), trade.trade_no))


def expired(db: sqlite3.Connection) -> list[Trade]:
    """Trades that nobody paid in time and that nobody was told of."""
    query = _SELECT + "where paid_at is null and closed_at is null and expires_at <= ? limit 100"
    return [_trade(row) for row in db.execute(query, (times.now(),)).fetchall()]


def shown(trade: Trade, wanted: Order, faults: dict[str, float]) -> dict[str, object]:
    """The trade as a query shows it; `faults` may ask for lies."""
    hidden = trade.paid_at is not None and times.now() - trade.paid_at < faults.get("query_lag", 0.0)
    paid = trade.paid_at is not None and not hidden
    total = (trade.paid_total if paid and trade.paid_total is not None else wanted.total) + _lie(faults)
    status = "WAIT_BUYER_PAY" if hidden else trade.status
    content: dict[str, object] = {
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "buyer_logon_id": "159****5620",
        "buyer_user_id": trade.buyer_id,
        **status_field(status, faults),
        "total_amount": yuan(total),
        "buyer_pay_amount": yuan(trade.payer_total or 0) if paid else "0.00",
        "receipt_amount": yuan(total) if paid else "0.00",
        "invoice_amount": "0.00",
        "point_amount": "0.00",
    }
    if paid and trade.paid_at is not None:
        content["send_pay_date"] = stamp(trade.paid_at)
        content["fund_bill_list"] = [{"amount": yuan(trade.payer_total or 0), "fund_channel": "ALIPAYACCOUNT"}]
    return content | currency_field(faults)


def _lie(faults: dict[str, float]) -> int:
    return 1 if "wrong_amount" in faults else 0


def status_field(status: str, faults: dict[str, float]) -> dict[str, str]:
    """The state, or what a fault makes of it."""
    name = "tradeStatus" if "renamed_field" in faults else "trade_status"
    return {name: "TRADE_HALF_PAID" if "new_enum" in faults else status}


def currency_field(faults: dict[str, float]) -> dict[str, str]:
    """Told only where it is not CNY."""
    return {"trans_currency": "USD"} if "wrong_currency" in faults else {}


def lied_total(trade: Trade, wanted: Order, faults: dict[str, float]) -> str:
    """The amount as a callback tells it."""
    return yuan((wanted.total if trade.paid_total is None else trade.paid_total) + _lie(faults))
