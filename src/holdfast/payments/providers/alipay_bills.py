"""Alipay's trade bill: a zip of two GBK tables, business details and their summary, read by column names.

The file is not signed: what it says of its own sums, in the closing lines of the details and in the summary, must fit
its rows. Refunds are negative there; ids are followed by a tab; lines that begin with ``#`` are comments.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from datetime import date
from hashlib import sha256

from .alipay_protocol import minor, moment
from .base import Bill, BillRow, RefundState

UNPACKED_BYTES_MAX = 256 * 1024 * 1024
PAYMENT, REFUND = "交易", "退款"
DETAILS_HEAD, SUMMARY_HEAD, TOTAL = "支付宝交易号", "门店编号", "合计"
_CLOSING = {
    PAYMENT: re.compile(r"#交易合计：([0-9]+)笔，商家实收共(-?[0-9.]+)元"),
    REFUND: re.compile(r"#退款合计：([0-9]+)笔，商家实收退款共(-?[0-9.]+)元"),
}

Record = Mapping[str, str]


class Unfit(Exception):
    """Not a whole bill, or one that contradicts itself."""


def read(content: bytes, day: date) -> Bill:
    """The bill in a zip file. Unfit when anything is missing or its sums do not fit."""
    details, summary = _texts(content)
    records = _records(details, DETAILS_HEAD)
    _compare_closing(details, records)
    _compare_summary(summary, records)
    rows = [_row(record) for record in records]
    return Bill(provider="alipay", day=day, rows=rows, digest=sha256(content).hexdigest())


def _texts(content: bytes) -> tuple[str, str]:
    """Details and summary, as text."""
    details, summaries = list[str](), list[str]()
    try:
        with zipfile.ZipFile(io.BytesIO(content), metadata_encoding="gbk") as archive:
            names = [info for info in archive.infolist() if info.filename.endswith(".csv")]
            if sum(info.file_size for info in names) > UNPACKED_BYTES_MAX:
                raise Unfit("too large")
            for info in names:
                text = archive.read(info).decode("gbk")
                (summaries if "汇总" in info.filename else details).append(text)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Unfit("not a zip of GBK tables") from error
    if len(details) != 1 or len(summaries) != 1:
        raise Unfit("not one table of details and one summary")
    return details[0], summaries[0]


def _records(text: str, head: str) -> list[Record]:
    """The rows of a table by column name, without tabs and units."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    table = [[cell.strip() for cell in row] for row in csv.reader(lines, quoting=csv.QUOTE_NONE)]
    if not table or table[0][0] != head:
        raise Unfit("no header")
    names = [name.replace("（元）", "") for name in table[0]]
    if any(len(row) < len(names) for row in table):
        raise Unfit("a short row")
    return [dict(zip(names, row, strict=False)) for row in table[1:]]


def _row(record: Record) -> BillRow:
    """One record as a row. The amounts' signs must be those of its kind."""
    kind, amount = record.get("业务类型", ""), _signed(record, "订单金额")
    fitting = {PAYMENT: amount >= 0, REFUND: amount <= 0 and record.get("退款批次号/请求号", "") != ""}
    if not fitting.get(kind, False) or not record.get("商户订单号"):
        raise Unfit(f"a row of kind {kind!r}")
    return BillRow(
        merchant_ref=record["商户订单号"],
        provider_txn=record[DETAILS_HEAD] or None,
        refund_ref=record["退款批次号/请求号"] if kind == REFUND else None,
        amount_minor=abs(amount),
        currency="CNY",
        fee_minor=abs(_signed(record, "服务费")),
        occurred_at=moment(record.get("完成时间", "")),
        status=RefundState.SUCCEEDED if kind == REFUND else None,
    )


def _signed(record: Record, name: str) -> int:
    text = record.get(name, "")
    amount = minor(text.removeprefix("-"))
    if amount is None:
        raise Unfit(f"{name} is not an amount")
    return -amount if text.startswith("-") else amount


def _of_kind(records: list[Record], kind: str) -> list[Record]:
    return [record for record in records if record.get("业务类型") == kind]


def _compare_closing(details: str, records: list[Record]) -> None:
    """The closing lines of the details: number and received sum of payments and of refunds."""
    for kind, pattern in _CLOSING.items():
        told, rows = pattern.search(details), _of_kind(records, kind)
        if told is None or int(told[1]) != len(rows):
            raise Unfit(f"the number of {kind} does not fit")
        if _signed({"": told[2]}, "") != sum(_signed(row, "商家实收") for row in rows):
            raise Unfit(f"the sum of {kind} does not fit")


def _compare_summary(summary: str, records: list[Record]) -> None:
    """The summary's last row. Whether its sums are before or after refunds is not documented: either must fit."""
    totals = [row for row in _records(summary, SUMMARY_HEAD) if row[SUMMARY_HEAD] == TOTAL]
    payments, refunds = _of_kind(records, PAYMENT), _of_kind(records, REFUND)
    if len(totals) != 1:
        raise Unfit("no total")
    numbers = totals[0].get("交易订单总笔数"), totals[0].get("退款订单总笔数")
    if numbers != (str(len(payments)), str(len(refunds))):
        raise Unfit("the numbers of the summary do not fit")
    for name in ("订单金额", "商家实收", "服务费"):
        before = sum(_signed(row, name) for row in payments)
        after = before + sum(_signed(row, name) for row in refunds)
        if _signed(totals[0], name) not in (before, after):
            raise Unfit(f"{name} of the summary does not fit")
