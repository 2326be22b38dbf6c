"""The strict side of APIv3: who signed a request, whether its parameters have the documented shape, how refusals look."""

from __future__ import annotations

import json
import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from starlette.requests import Request

from holdfast.payments.simulator import times
from holdfast.payments.simulator.serving import sent_target

from .keys import SCHEME, Keys

SKEW_S = 300
BODY_BYTES_MAX = 64 * 1024
_FIELD = re.compile(r'([a-z_]+)="([^"]*)"(?:,\s*|$)')
Shape = TypeVar("Shape", bound=msgspec.Struct)
_FIELDS = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}


class Refusal(Exception):
    """An answer that is not 2xx, in the protocol's form."""

    def __init__(self, status: int, code: str, message: str, *, field: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.field = field

    @property
    def body(self) -> bytes:
        content: dict[str, object] = {"code": self.code, "message": self.message}
        if self.field:
            content["detail"] = {"field": self.field, "value": None, "issue": self.message, "location": "body"}
        return msgspec.json.encode(content)


def require_signed(keys: Keys, request: Request, body: bytes) -> None:
    """Refusal unless the merchant signed this very request within the last five minutes."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    fields = dict(_FIELD.findall(rest))
    if scheme != SCHEME or set(fields) != _FIELDS or _FIELD.sub("", rest):
        raise Refusal(401, "SIGN_ERROR", "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
    if fields["mchid"] != keys.identity.mchid or fields["serial_no"] != keys.identity.merchant_serial:
        raise Refusal(401, "SIGN_ERROR", "商户证书序列号有误。请使用签名私钥匹配的证书序列号")
    timestamp = fields["timestamp"]
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(times.now() - int(timestamp)) > SKEW_S:
        raise Refusal(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
    message = f"{request.method}\n{sent_target(request)}\n{timestamp}\n{fields['nonce_str']}\n".encode() + body + b"\n"
    if not keys.merchant_signed(message, fields["signature"]):
        raise Refusal(401, "SIGN_ERROR", "签名错误，请检查后再试", field="signature")


def require_form(request: Request, body: bytes) -> None:
    """Refusal unless the headers are as the interface rules demand."""
    if not request.headers.get("user-agent"):
        raise Refusal(400, "INVALID_REQUEST", "Http头缺少User-Agent")
    if "application/json" not in (accept := request.headers.get("accept", "")) and "*/*" not in accept:
        raise Refusal(406, "INVALID_REQUEST", "Http头Accept必须包含application/json")
    if request.method == "POST" and not request.headers.get("content-type", "").startswith("application/json"):
        raise Refusal(415, "INVALID_REQUEST", "Http头Content-Type必须为application/json")
    if len(body) > BODY_BYTES_MAX:
        raise Refusal(413, "INVALID_REQUEST", "请求体过大")


Money = Annotated[int, Meta(ge=1, le=100_000_000_00)]
OutTradeNo = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_\-|*]{6,32}\Z")]
OutRefundNo = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_\-|*@]{1,64}\Z")]
Url = Annotated[str, Meta(min_length=8, max_length=255)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unknown parameters are mistakes."""


class OrderAmount(_Strict, frozen=True):
    total: Money
    currency: str = "CNY"


class NativeRequest(_Strict, frozen=True, kw_only=True):
    """``POST /v3/pay/transactions/native``."""

    appid: Annotated[str, Meta(min_length=1, max_length=32)]
    mchid: Annotated[str, Meta(min_length=1, max_length=32)]
    description: Annotated[str, Meta(min_length=1, max_length=127)]
    out_trade_no: OutTradeNo
    notify_url: Url
    amount: OrderAmount
    time_expire: str | None = None
    attach: Annotated[str, Meta(max_length=128)] = ""
    goods_tag: Annotated[str, Meta(max_length=32)] = ""
    support_fapiao: bool = False
    limit_pay: list[str] | None = None
    detail: dict[str, Any] | None = None
    scene_info: dict[str, Any] | None = None
    settle_info: dict[str, Any] | None = None


class H5Info(_Strict, frozen=True):
    type: Literal["Wap", "iOS", "Android"]
    app_name: Annotated[str, Meta(max_length=64)] = ""
    app_url: Annotated[str, Meta(max_length=128)] = ""
    bundle_id: Annotated[str, Meta(max_length=128)] = ""
    package_name: Annotated[str, Meta(max_length=128)] = ""


class H5Scene(_Strict, frozen=True):
    payer_client_ip: Annotated[str, Meta(min_length=1, max_length=45)]
    h5_info: H5Info
    device_id: Annotated[str, Meta(max_length=32)] = ""
    store_info: dict[str, Any] | None = None


class H5Request(NativeRequest, frozen=True, kw_only=True):
    """``POST /v3/pay/transactions/h5``."""

    scene_info: H5Scene  # type: ignore[assignment]


class CloseRequest(_Strict, frozen=True):
    """``POST …/out-trade-no/{out_trade_no}/close``."""

    mchid: str


class RefundAmount(_Strict, frozen=True, kw_only=True):
    refund: Money
    total: Money
    currency: str
    from_: list[dict[str, Any]] | None = msgspec.field(default=None, name="from")


class RefundRequest(_Strict, frozen=True, kw_only=True):
    """``POST /v3/refund/domestic/refunds``."""

    out_refund_no: OutRefundNo
    amount: RefundAmount
    transaction_id: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    out_trade_no: OutTradeNo | None = None
    reason: Annotated[str, Meta(max_length=80)] = ""
    notify_url: Url | None = None
    funds_account: str | None = None
    goods_detail: list[dict[str, Any]] | None = None


class AbnormalRefundRequest(_Strict, frozen=True, kw_only=True):
    """``POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund``; account and name are encrypted."""

    out_refund_no: OutRefundNo
    type: Literal["USER_BANK_CARD", "MERCHANT_BANK_CARD"]
    bank_type: Annotated[str, Meta(max_length=16)] = ""
    bank_account: Annotated[str, Meta(max_length=1024)] = ""
    real_name: Annotated[str, Meta(max_length=1024)] = ""


def parsed(body: bytes, kind: type[Shape]) -> Shape:
    """The parameters, or PARAM_ERROR with the place of the mistake."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Refusal(400, "PARAM_ERROR", f"参数错误：{error}", field="/body") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, "PARAM_ERROR", "请求体不是有效的JSON", field="/body") from error


def require_notify_url(url: str) -> None:
    """Reachable without login and without parameters; plain http is allowed here, since this is a simulator."""
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        fits = complete and not (parts.query or parts.fragment)
    except ValueError:
        fits = False
    if not fits:
        raise Refusal(400, "PARAM_ERROR", "notify_url 必须为不带参数的完整URL", field="/body/notify_url")


def require_address(text: str) -> None:
    try:
        ip_address(text)
    except ValueError:
        raise Refusal(
            400, "PARAM_ERROR", "payer_client_ip 不是有效的IP", field="/body/scene_info/payer_client_ip"
        ) from None


def require_cny(currency: str) -> None:
    if currency != "CNY":
        raise Refusal(400, "PARAM_ERROR", "境内商户号仅支持人民币 CNY", field="/body/amount/currency")


def canonical(body: bytes) -> str:
    """The parameters as text that is equal when they are."""
    return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
