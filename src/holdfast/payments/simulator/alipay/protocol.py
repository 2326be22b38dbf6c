"""The strict side of the open platform: who signed a request, whether its parameters are as documented, how it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Meta
from starlette.requests import Request

from holdfast.payments.simulator import times

from .keys import Keys

FORM = "application/x-www-form-urlencoded"
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
SKEW_S = 600
PAGE_AGE_S = 86400
"""A payer may open a page later than it was asked for."""
CHARSETS = {"utf-8": "utf-8", "gbk": "gbk", "gb2312": "gbk"}
MESSAGES = {
    "10000": "Success",
    "20000": "Service Currently Unavailable",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}
Shape = TypeVar("Shape", bound=msgspec.Struct)


class Refusal(Exception):
    """An answer that is not 10000, signed as any other."""

    status = 400

    def __init__(self, sub_code: str, message: str, code: str = "40004") -> None:
        super().__init__(sub_code)
        self.sub_code = sub_code
        self.content = {"code": code, "msg": MESSAGES[code], "sub_code": sub_code, "sub_msg": message}


class Unserved(Refusal):
    """Refused by the gateway itself, before it knows whose call it is: an unsigned ``error_response``."""

    status = 401

    def __init__(self, sub_code: str, message: str, code: str = "40002") -> None:
        super().__init__(sub_code, message, code)


def received(request: Request, body: bytes) -> dict[str, str]:
    """All parameters, from the address and the form, decoded as the address says: GBK unless it names a charset."""
    query = request.scope["query_string"].decode("latin-1")
    name = dict(parse_qsl(query)).get("charset", "gbk").lower()
    if name not in CHARSETS:
        raise Unserved("isv.invalid-charset", "字符集错误")
    texts = [query]
    if request.method == "POST" and request.headers.get("content-type", "").startswith(FORM):
        texts.append(body.decode("latin-1"))
    pairs = [
        pair
        for text in texts
        for pair in parse_qsl(text, keep_blank_values=True, encoding=CHARSETS[name], errors="replace")
    ]
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Unserved("isv.invalid-parameter", "参数重复")
    return fields


def content(fields: Mapping[str, str]) -> bytes:
    """What is signed: all that is not empty, but the signature, sorted."""
    return "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value and name != "sign").encode()


def require_signed(keys: Keys, fields: Mapping[str, str], *, age_s: float = SKEW_S) -> None:
    """Unserved unless the app signed this call, a short time ago."""
    for name in ("app_id", "method", "charset", "sign_type", "sign", "timestamp", "version"):
        if not fields.get(name):
            word = "signature" if name == "sign" else name.replace("_", "-")
            raise Unserved(f"isv.missing-{word}", f"缺少{name}参数", "40001")
    if fields["app_id"] != keys.identity.app_id:
        raise Unserved("isv.invalid-app-id", "无效的AppID参数")
    if fields["sign_type"] != "RSA2":
        raise Unserved("isv.invalid-signature-type", "无效签名类型")
    if not keys.app_signed(content(fields), fields["sign"]):
        raise Unserved("isv.invalid-signature", "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配")
    at = moment(fields["timestamp"])
    if at is None or not -SKEW_S <= times.now() - at <= age_s:
        raise Unserved("isv.invalid-timestamp", "非法的时间戳参数")
    if fields["version"] != "1.0" or fields.get("format", "JSON").upper() != "JSON":
        raise Unserved("isv.invalid-format", "不支持的版本或格式")


Amount = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?\Z")]
Number = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_]{1,64}\Z")]
Subject = Annotated[str, Meta(pattern=r"^[^/=&]{1,256}\Z")]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Unknown parameters are mistakes."""


class Placing(_Strict, frozen=True):
    """``alipay.trade.precreate`` and ``alipay.trade.page.pay``."""

    out_trade_no: Number
    total_amount: Amount
    subject: Subject
    product_code: str = ""
    body: Annotated[str, Meta(max_length=128)] = ""
    time_expire: str | None = None
    timeout_express: Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,3}[mhd]\Z")] | None = None
    qr_pay_mode: str = ""
    qrcode_width: int = 0
    store_id: str = ""
    passback_params: Annotated[str, Meta(max_length=512)] = ""


class Naming(_Strict, frozen=True):
    """A trade by one of its numbers: ``query``, ``close``, ``cancel``. Alipay's comes first when both are given."""

    out_trade_no: Number | None = None
    trade_no: Number | None = None
    operator_id: str = ""
    query_options: list[str] = []


class Refunding(_Strict, frozen=True):
    """``alipay.trade.refund``."""

    refund_amount: Amount
    out_trade_no: Number | None = None
    trade_no: Number | None = None
    out_request_no: Number | None = None
    refund_reason: Annotated[str, Meta(max_length=256)] = ""
    query_options: list[str] = []


class RefundNaming(_Strict, frozen=True):
    """``alipay.trade.fastpay.refund.query``."""

    out_request_no: Number
    out_trade_no: Number | None = None
    trade_no: Number | None = None
    query_options: list[str] = []


class BillNaming(_Strict, frozen=True):
    """``alipay.data.dataservice.bill.downloadurl.query``."""

    bill_type: str
    bill_date: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]


def parsed(fields: Mapping[str, str], kind: type[Shape]) -> Shape:
    """The business parameters, or INVALID_PARAMETER with the place of the mistake."""
    try:
        asked = msgspec.json.decode(fields.get("biz_content", ""), type=kind)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise Refusal("ACQ.INVALID_PARAMETER", f"参数有误：{error}") from error
    if hasattr(asked, "trade_no") and not (asked.trade_no or getattr(asked, "out_trade_no", None)):
        raise Refusal("ACQ.INVALID_PARAMETER", "trade_no 和 out_trade_no 不能同时为空")
    return asked


def require_url(text: str, name: str) -> str:
    """A complete address; plain http is allowed here, since this is a simulator."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and len(text) <= 256
    except ValueError:
        fits = False
    if not fits:
        raise Refusal("ACQ.INVALID_PARAMETER", f"{name} 必须为完整URL")
    return text


def fen(text: str) -> int:
    """An amount of the protocol, checked for shape, in fen. Nothing is for nothing."""
    amount = int(Decimal(text).scaleb(2))
    if amount < 1:
        raise Refusal("ACQ.INVALID_PARAMETER", "金额必须大于0")
    return amount


def yuan(amount: int) -> str:
    """Fen as the protocol writes them; negative in bills only."""
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02}"


def stamp(at: float) -> str:
    """``2026-11-22 18:30:00``, Beijing time."""
    return datetime.fromtimestamp(at, UTC).astimezone(times.BEIJING).strftime(TIME_FORMAT)


def moment(text: str) -> float | None:
    """Seconds since 1970 of a time as `stamp` writes it, or None."""
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=times.BEIJING).timestamp()
    except ValueError:
        return None


def expiry(asked: Placing, default_s: float) -> float:
    """When an order can be paid no more."""
    if asked.time_expire is not None:
        at = moment(asked.time_expire)
        if at is None or at <= times.now():
            raise Refusal("ACQ.INVALID_PARAMETER", "time_expire 格式错误或已过")
        return at
    if asked.timeout_express is not None:
        unit = {"m": 60, "h": 3600, "d": 86400}[asked.timeout_express[-1]]
        return times.now() + int(asked.timeout_express[:-1]) * unit
    return times.now() + default_s
