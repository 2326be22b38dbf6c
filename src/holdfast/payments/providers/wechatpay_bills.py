"""WeChat Pay's trade bill as a file: opened, compared with its own totals, and read by the names of its columns.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791907 (trade bill), read 2026-11: a header, a row for each
payment of the day and each refund accepted on it, every field behind a backtick, amounts in yuan; then a summary with
a header of its own. Columns were added over the years, so that their places prove nothing.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

from .base import BillRow
from .wechatpay_protocol import REFUND_STATES

BEIJING = timezone(timedelta(hours=8))
FILE_BYTES_MAX = 256 * 1024 * 1024
COUNT = "总交易单数"
TOTALS = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
"""Column of the summary → the column that it sums up."""
TITLE = "商品名称"
NEEDED = ("交易时间", "商户号", "微信订单号", "商户订单号", "交易状态", "货币种类", "微信退款单号", "商户退款单号")
NEEDED_MONEY = ("手续费", "订单金额", "申请退款金额")
Row = dict[str, str]


class Refused(Exception):
    """A bill not to be believed; `code` says why: ``bill-unreadable`` or ``bill-inconsistent``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def opened(raw: bytes, sha1: str) -> bytes:
    """The file in a GZIP archive. Refused when it is not the file that the checksum belongs to."""
    inflating = zlib.decompressobj(wbits=31)
    try:
        content = inflating.decompress(raw, FILE_BYTES_MAX)
    except zlib.error as error:
        raise Refused("bill-unreadable") from error
    if not inflating.eof:
        raise Refused("bill-unreadable")
    if hashlib.sha1(content, usedforsecurity=False).hexdigest() != sha1.lower():
        raise Refused("bill-inconsistent")
    return content


def read(content: bytes, mchid: str, day: date) -> list[BillRow]:
    """The rows. Refused when they do not make the file's own totals, or are another merchant's or another day's."""
    try:
        rows, summary = _parts(content.decode("utf-8-sig").replace("\r\n", "\n").split("\n"))
        _must_sum_up(rows, summary)
        read_rows = [_row(row) for row in rows]
    except (UnicodeDecodeError, KeyError, ValueError, InvalidOperation, IndexError) as error:
        raise Refused("bill-unreadable") from error
    if any(row["商户号"] != mchid for row in rows):
        raise Refused("bill-inconsistent")
    for row in read_rows:
        if not row.is_refund and (row.occurred_at is None or row.occurred_at.astimezone(BEIJING).date() != day):
            raise Refused("bill-inconsistent")
    return read_rows


def _parts(lines: Sequence[str]) -> tuple[list[Row], Row]:
    header = lines[0].split(",")
    if not {*NEEDED, *NEEDED_MONEY} <= set(header):
        raise ValueError(header)
    [end] = [place for place, line in enumerate(lines) if line.startswith(COUNT)]
    if [line for line in lines[end + 2 :] if line.strip()]:
        raise ValueError("rows behind the summary")
    return [_named(header, line) for line in lines[1:end]], _named(lines[end].split(","), lines[end + 1])


def _named(header: Sequence[str], line: str) -> Row:
    """The fields of a line by column. Nothing is quoted: what a title holds of commas and backticks is given back to it."""
    if not line.startswith("`"):
        raise ValueError(line)
    fields = line[1:].split(",`")
    surplus = len(fields) - len(header)
    if surplus > 0 and TITLE in header:
        title = header.index(TITLE)
        fields[title : title + surplus + 1] = [",`".join(fields[title : title + surplus + 1])]
    return dict(zip(header, fields, strict=True))


def _must_sum_up(rows: Sequence[Row], summary: Row) -> None:
    fits = int(summary[COUNT]) == len(rows)
    for total, column in TOTALS.items():
        if total in summary and (not rows or column in rows[0]):
            fits = fits and _fen(summary[total]) == sum(_fen(row[column]) for row in rows)
    if not fits:
        raise Refused("bill-inconsistent")


def _row(row: Row) -> BillRow:
    kind = row["交易状态"]
    if kind == "SUCCESS":
        refund_ref, amount = None, _fen(row["订单金额"])
    elif kind in ("REFUND", "REVOKED"):
        refund_ref, amount = row["商户退款单号"], _fen(row["申请退款金额"])
    else:
        raise ValueError(kind)
    is_refund = refund_ref is not None
    return BillRow(
        merchant_ref=row["商户订单号"],
        provider_txn=row["微信订单号"],
        refund_ref=refund_ref,
        provider_refund=row["微信退款单号"] if is_refund else None,
        amount_minor=amount,
        currency=row["货币种类"],
        fee_minor=abs(_fen(row["手续费"])),
        occurred_at=datetime.strptime(row["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING),
        status=REFUND_STATES.get(row.get("退款状态", "")) if is_refund else None,
    )


def _fen(yuan: str) -> int:
    """ValueError for a part of a fen."""
    fen = Decimal(yuan) * 100
    if fen != fen.to_integral_value():
        raise ValueError(yuan)
    return int(fen)
