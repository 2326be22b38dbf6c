"""Trade bills: what was paid and accepted for refund on one day in Beijing, as a file that is fetched in a second step.

A bill is ready at 10:00 of the next day and kept for three months. A refund stands on the day it was accepted on, with
the status it had when the bill was made; that is never updated.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
import sqlite3
from datetime import date, datetime, time, timedelta

import msgspec

from holdfast.kit.money import Money
from holdfast.payments.simulator import times

from . import orders
from .protocol import Refusal
from .refunds import Refund

READY_HOUR = 10
KEPT_DAYS = 92
LINK_LIFE_S = 300
FEE_BASIS_POINTS = 60
HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
COLUMNS = HEADER.split(",")
TOTALS = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
Row = dict[str, str]


class Asked(msgspec.Struct, frozen=True):
    """The parameters of ``GET /v3/bill/tradebill``."""

    day: date
    kind: str
    is_zipped: bool


def asked(parameters: dict[str, str]) -> Asked:
    """The parameters, or the refusal that the day deserves."""
    text, kind, tar = (parameters.get(name, "") for name in ("bill_date", "bill_type", "tar_type"))
    if set(parameters) - {"bill_date", "bill_type", "tar_type"} or kind not in ("", "ALL", "SUCCESS", "REFUND"):
        raise Refusal(400, "PARAM_ERROR", "参数错误", field="bill_type")
    if tar not in ("", "GZIP"):
        raise Refusal(400, "PARAM_ERROR", "参数错误", field="tar_type")
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        day = None
    if day is None:
        raise Refusal(400, "PARAM_ERROR", "bill_date 格式错误", field="bill_date")
    now = datetime.fromtimestamp(times.now(), times.BEIJING)
    if day >= now.date() or day < now.date() - timedelta(days=KEPT_DAYS):
        raise Refusal(400, "INVALID_REQUEST", "仅支持三个月内的账单下载申请", field="bill_date")
    if times.now() < _ready_at(day):
        raise Refusal(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
    return Asked(day, kind or "ALL", tar == "GZIP")


def _ready_at(day: date) -> float:
    return datetime.combine(day + timedelta(days=1), time(READY_HOUR), times.BEIJING).timestamp()


def written(db: sqlite3.Connection, of: Asked, mchid: str, appid: str, faults: dict[str, float]) -> bytes:
    """The file, with what the faults ask for. NO_STATEMENT_EXIST when the day had nothing."""
    rows = [row for row in _rows(db, of.day, mchid, appid) if of.kind in ("ALL", row["交易状态"])]
    if not rows or "no_statement" in faults:
        raise Refusal(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    rows = _spoilt(rows, faults)
    totals = {name: sum(_fen(row[column]) for row in rows) for name, column in TOTALS.items()}
    if "bill_wrong_total" in faults:
        totals["订单总金额"] += 1
    lines = [
        HEADER,
        *(_line([row[column] for column in COLUMNS]) for row in rows),
        ",".join(["总交易单数", *TOTALS]),
        _line([str(len(rows)), *(_yuan(total) for total in totals.values())]),
    ]
    return "\ufeff".encode() + "".join(f"{line}\r\n" for line in lines).encode()


def hash_of(content: bytes, faults: dict[str, float]) -> str:
    """SHA-1 of the file before it is zipped."""
    return hashlib.sha1(content + (b"!" if "bill_wrong_hash" in faults else b"")).hexdigest()


def put(db: sqlite3.Connection, content: bytes, of: Asked) -> str:
    """Keep a file for the second step; the token that fetches it."""
    token = secrets.token_urlsafe(24)
    packed = gzip.compress(content, mtime=0) if of.is_zipped else content
    db.execute("delete from bill_files where made_at < ?", (times.now() - LINK_LIFE_S,))
    db.execute("insert into bill_files (token, content, made_at) values (?, ?, ?)", (token, packed, times.now()))
    return token


def fetch(db: sqlite3.Connection, token: str) -> bytes:
    """A kept file, while its link is good."""
    found = db.execute("select content, made_at from bill_files where token = ?", (token,)).fetchone()
    if found is None or found["made_at"] < times.now() - LINK_LIFE_S:
        raise Refusal(400, "INVALID_REQUEST", "下载链接已失效，请重新获取账单地址")
    content: bytes = found["content"]
    return content


def _rows(db: sqlite3.Connection, day: date, mchid: str, appid: str) -> list[Row]:
    begins = datetime.combine(day, time(), times.BEIJING)
    within = (begins.timestamp(), (begins + timedelta(days=1)).timestamp())
    found: list[tuple[float, Row]] = []
    paid = db.execute("select transaction_id from receipts where paid_at >= ? and paid_at < ?", within)
    for receipt in paid.fetchall():
        order = orders.by_transaction(db, receipt["transaction_id"])
        assert order is not None
        found.append((order.paid_at or 0.0, _payment(order, mchid, appid)))
    given = db.execute("select * from refunds where created_at >= ? and created_at < ?", within)
    for row in given.fetchall():
        refund = Refund(**dict(row))
        order = orders.by_transaction(db, refund.transaction_id)
        assert order is not None
        found.append((refund.created_at, _refund(refund, order, mchid, appid, _ready_at(day))))
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def _payment(order: orders.Order, mchid: str, appid: str) -> Row:
    total, payer_total = order.paid_total or 0, order.payer_total or 0
    return {
        **_common(order, mchid, appid),
        "交易时间": _local(order.paid_at or 0.0),
        "交易状态": "SUCCESS",
        "应结订单金额": _yuan(total),
        "代金券金额": _yuan(total - payer_total),
        "手续费": _yuan(_fee(total)),
        "订单金额": _yuan(total),
    }


def _refund(refund: Refund, order: orders.Order, mchid: str, appid: str, made_at: float) -> Row:
    was_settled = refund.settled_at is not None and refund.settled_at <= made_at
    return {
        **_common(order, mchid, appid),
        "交易时间": _local(refund.created_at),
        "交易状态": "REFUND",
        "微信退款单号": refund.refund_id,
        "商户退款单号": refund.out_refund_no,
        "退款金额": _yuan(refund.amount),
        "退款类型": "ORIGINAL",
        "退款状态": refund.status if was_settled else "PROCESSING",
        "手续费": _yuan(-_fee(refund.amount)),
        "申请退款金额": _yuan(refund.amount),
    }


def _common(order: orders.Order, mchid: str, appid: str) -> Row:
    money = ("应结订单金额", "代金券金额", "退款金额", "充值券退款金额", "订单金额", "申请退款金额")
    return {
        **dict.fromkeys(COLUMNS, ""),
        **dict.fromkeys(money, "0.00"),
        "公众账号ID": appid,
        "商户号": mchid,
        "特约商户号": "0",
        "微信订单号": order.transaction_id or "",
        "商户订单号": order.out_trade_no,
        "用户标识": order.openid or "",
        "交易类型": "MWEB" if order.trade_type == "H5" else order.trade_type,
        "付款银行": "OTHERS",
        "货币种类": order.currency,
        "微信退款单号": "0",
        "商户退款单号": "0",
        "商品名称": order.description,
        "商户数据包": order.attach,
        "费率": f"{FEE_BASIS_POINTS / 100:.2f}%",
    }


def _spoilt(rows: list[Row], faults: dict[str, float]) -> list[Row]:
    """The rows with the mistakes that the faults ask for; the summary is made of what this returns."""
    spoilt = list(rows)
    first = next((place for place, row in enumerate(spoilt) if row["交易状态"] == "SUCCESS"), None)
    if first is not None:
        row = spoilt[first]
        if "bill_wrong_amount" in faults:
            more = _yuan(_fen(row["订单金额"]) + 1)
            spoilt[first] = row = {**row, "订单金额": more, "应结订单金额": more}
        if "bill_extra_row" in faults:
            digits = "".join(secrets.choice("0123456789") for _ in range(18))
            spoilt.append({**row, "微信订单号": f"4200000001{digits}", "商户订单号": f"NOBODYS{digits}"})
        if "bill_double_row" in faults:
            spoilt.insert(first, row)
        if "bill_missing_row" in faults:
            del spoilt[first]
    return spoilt


def _fee(amount: int) -> int:
    return (amount * FEE_BASIS_POINTS + 5000) // 10_000


def _local(moment: float) -> str:
    return datetime.fromtimestamp(moment, times.BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _yuan(fen: int) -> str:
    return Money(fen).decimal


def _fen(yuan: str) -> int:
    return int(yuan.replace(".", ""))


def _line(fields: list[str]) -> str:
    return ",".join(f"`{field}" for field in fields)
