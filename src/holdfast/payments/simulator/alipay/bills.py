"""The trade bill of a Beijing day: business details and summary, GBK tables in a zip with GBK names."""

from __future__ import annotations

import io
import sqlite3
import struct
import zipfile
import zlib
from datetime import date, datetime, time, timedelta

import msgspec

from holdfast.payments.simulator import times

from .keys import digits
from .protocol import Refusal, stamp, yuan

READY = time(10)
"""On the next day, Beijing time."""
COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
SUMMARY_COLUMNS = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,"
    "卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)


class Row(msgspec.Struct, frozen=True):
    """A line of the details; `amount` and `fee` as the file shows them: a refund's amount and a payment's fee negative."""

    trade_no: str
    out_trade_no: str
    subject: str
    created_at: float
    finished_at: float
    amount: int
    fee: int
    out_request_no: str = ""

    @property
    def line(self) -> str:
        money = yuan(self.amount)
        kind = "退款" if self.out_request_no else "交易"
        cells = [
            *(f"{self.trade_no}\t", f"{self.out_trade_no}\t", kind, self.subject.replace(",", "，")),
            *(stamp(self.created_at), stamp(self.finished_at), "\t", "\t", "\t", "\t", "*先生(159****5620)\t"),
            *(money, money, "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00\t", "0.00"),
            *(f"{self.out_request_no}\t", yuan(self.fee), "0.00", ""),
        ]
        return ",".join(cells)


def _fee(amount: int) -> int:
    """0.6 %, rounded half up."""
    return (amount * 6 + 500) // 1000


def require_ready(text: str) -> date:
    """The day, when its bill is made. Refusal for a day that is not over, or whose next morning has not come."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refusal("isv.invalid_arguments", "账单日期格式错误") from None
    now = datetime.fromtimestamp(times.now(), times.BEIJING)
    if day >= now.date():
        raise Refusal("isv.invalid_arguments", "账单日期必须为T+1")
    if now < datetime.combine(day + timedelta(days=1), READY, times.BEIJING):
        raise absent()
    return day


def absent() -> Refusal:
    return Refusal("isp.bill_not_exist", "账单不存在")


def rows(db: sqlite3.Connection, day: date) -> list[Row]:
    """What was paid on that day, and what was refunded on it."""
    begin = datetime.combine(day, time(0), times.BEIJING).timestamp()
    paid = db.execute(
        "select trade_no, out_trade_no, subject, t_created as created_at, paid_at as finished_at, paid_total as amount,"
        " '' as out_request_no, paid_total from (select *, created_at as t_created from trades)"
        " join (select out_trade_no, subject from orders) using (out_trade_no)"
        " where paid_at >= ? and paid_at < ? order by paid_at",
        (begin, begin + 86400),
    ).fetchall()
    refunded = db.execute(
        "select trade_no, out_trade_no, subject, t_created as created_at, success_at as finished_at, -amount as amount,"
        " out_request_no, paid_total from refunds"
        " join (select trade_no, out_trade_no, paid_total, created_at as t_created from trades) using (trade_no)"
        " join (select out_trade_no, subject from orders) using (out_trade_no)"
        " where status = 'SUCCESS' and success_at >= ? and success_at < ? order by success_at",
        (begin, begin + 86400),
    ).fetchall()
    return [_row(row) for row in [*paid, *refunded]]


def _row(row: sqlite3.Row) -> Row:
    facts = {name: row[name] for name in Row.__struct_fields__ if name != "fee"}
    fee = -_fee(row["paid_total"]) * row["amount"] // row["paid_total"]
    return Row(**facts, fee=fee)


def spoilt(found: list[Row], faults: dict[str, float]) -> list[Row]:
    """The rows as a fault falsifies them; sums are made afterwards and fit."""
    first = next((row for row in found if not row.out_request_no), None)
    if first is None:
        return found
    rest = [row for row in found if row is not first]
    if "bill_missing_row" in faults:
        return rest
    if "bill_wrong_amount" in faults:
        return [msgspec.structs.replace(first, amount=first.amount + 1), *rest]
    if "bill_double_row" in faults:
        return [first, first, *rest]
    if "bill_extra_row" in faults:
        trade_no = first.trade_no[:8] + "22001" + digits(15)
        return [*found, msgspec.structs.replace(first, trade_no=trade_no, out_trade_no=f"X{digits(20)}")]
    return found


def file(found: list[Row], account: str, day: date, faults: dict[str, float]) -> bytes:
    """The zip."""
    span = f"#账号：[{account}0156]\r\n#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{day + timedelta(days=1):%Y年%m月%d日} 00:00:00]"
    made = f"#导出时间：[{datetime.fromtimestamp(times.now(), times.BEIJING):%Y年%m月%d日 %H:%M:%S}]"
    name = f"{account}0156_{day:%Y%m%d}_业务明细"
    details = _details(found, span, made)
    summary = _summary(found, span, made, off=1 if "bill_wrong_total" in faults else 0)
    return _zip({f"{name}.csv": details, f"{name}(汇总).csv": summary}, wrong_crc="bill_wrong_hash" in faults)


def _details(found: list[Row], span: str, made: str) -> str:
    paid = [row.amount for row in found if not row.out_request_no]
    back = [row.amount for row in found if row.out_request_no]
    lines = [
        "#支付宝业务明细查询",
        span,
        "#-----------------------------------------业务明细列表----------------------------------------",
        COLUMNS,
        *(row.line for row in found),
        "#-----------------------------------------业务明细列表结束------------------------------------",
        f"#交易合计：{len(paid)}笔，商家实收共{yuan(sum(paid))}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{yuan(sum(back))}元，商家优惠退款共0.00元",
        made,
    ]
    return "\r\n".join(lines) + "\r\n"


def _summary(found: list[Row], span: str, made: str, off: int) -> str:
    back = sum(1 for row in found if row.out_request_no)
    total, fee = sum(row.amount for row in found) + off, sum(row.fee for row in found)
    cells = ["合计\t", "\t", f"{len(found) - back}", f"{back}", yuan(total), yuan(total)]
    cells += ["0.00", "0.00", "0.00", yuan(fee), "0.00", yuan(total + fee)]
    lines = [
        "#支付宝业务汇总查询",
        span,
        "#-----------------------------------------业务汇总列表----------------------------------------",
        SUMMARY_COLUMNS,
        ",".join(cells),
        "#----------------------------------------业务汇总列表结束-------------------------------------",
        made,
    ]
    return "\r\n".join(lines) + "\r\n"


def _zip(files: dict[str, str], *, wrong_crc: bool) -> bytes:
    """A zip whose names are GBK, as Alipay writes them: a library would mark them as UTF-8 and write that."""
    packed, names = io.BytesIO(), dict[bytes, bytes]()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, text) in enumerate(files.items()):
            real = name.encode("gbk")
            stand_in = str(number).rjust(len(real), "_")
            names[stand_in.encode()] = real
            archive.writestr(stand_in, text.encode("gbk", errors="replace"))
    content = packed.getvalue()
    for stand_in_bytes, real in names.items():
        content = content.replace(stand_in_bytes, real)
    if wrong_crc:
        right = zlib.crc32(next(iter(files.values())).encode("gbk", errors="replace"))
        content = content.replace(struct.pack("<I", right), struct.pack("<I", right ^ 1))
    return content
