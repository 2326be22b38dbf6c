"""Alipay's open platform as a protocol: configuration, RSA2 signatures, message shapes, amounts and times.

Source: Alipay open platform documentation (https://opendocs.alipay.com/open/), read 2026-11. No network here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from holdfast.kit import clock
from holdfast.kit.money import EXPONENTS, Money

from .base import Forged

BEIJING = timezone(timedelta(hours=8))
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
SIGN_TYPE = "RSA2"


class AlipayConfig(msgspec.Struct, frozen=True):
    """A merchant's app at Alipay and Alipay's public key; JSON of this shape is the configuration file."""

    app_id: str
    seller_id: str
    """The account that is paid: ``2088`` and twelve more digits."""
    private_key_pem: str
    alipay_public_key_pem: str
    """Alipay's own key, which signs answers and callbacks; not the app's public key."""
    gateway: str = "https://openapi.alipay.com/gateway.do"

    def __repr__(self) -> str:
        return (
            f"AlipayConfig(app_id={self.app_id!r}, seller_id={self.seller_id!r}, gateway={self.gateway!r},"
            " secrets hidden)"
        )


class Keys:
    """The keys of a configuration, ready for use."""

    def __init__(self, config: AlipayConfig) -> None:
        private_key = load_pem_private_key(config.private_key_pem.encode(), None)
        if not isinstance(private_key, RSAPrivateKey):
            raise TypeError("the app's private key is not an RSA key")
        alipay_key = load_pem_public_key(config.alipay_public_key_pem.encode())
        if not isinstance(alipay_key, RSAPublicKey):
            raise TypeError("Alipay's public key is not an RSA key")
        self._app_id, self._private_key, self._alipay_key = config.app_id, private_key, alipay_key

    def signed(self, method: str, biz_content: Mapping[str, object], **common: str | None) -> dict[str, str]:
        """All parameters of a call, signed; `common` may hold ``notify_url`` and ``return_url``."""
        fields = {
            "app_id": self._app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": SIGN_TYPE,
            "timestamp": beijing(clock.now()),
            "version": "1.0",
            "biz_content": msgspec.json.encode(biz_content).decode(),
        }
        fields |= {name: value for name, value in common.items() if value}
        signature = self._private_key.sign(_content(fields), PKCS1v15(), hashes.SHA256())
        return {**fields, "sign": base64.b64encode(signature).decode()}

    def verify(self, content: bytes, signature: str) -> None:
        """Forged unless Alipay signed these very bytes."""
        if not signature:
            raise Forged("unsigned")
        try:
            self._alipay_key.verify(base64.b64decode(signature, validate=True), content, PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:
            raise Forged("bad-signature") from error

    def opened(self, raw: bytes) -> dict[str, str]:
        """The fields of a callback, proven: signed over all of them but ``sign`` and ``sign_type``, as decoded."""
        try:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
        except ValueError as error:
            raise Forged("not-a-form") from error
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise Forged("not-a-form")
        signature, sign_type = fields.pop("sign", ""), fields.pop("sign_type", SIGN_TYPE)
        if sign_type != SIGN_TYPE:
            raise Forged("signature-type")
        self.verify(_content(fields), signature)
        return fields


def _content(fields: Mapping[str, str]) -> bytes:
    """What is signed: raw values, sorted by name."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields)).encode()


Shape = TypeVar("Shape")


def read(raw: bytes, kind: type[Shape]) -> Shape | None:
    """JSON of a known shape, or None for anything else at all: nonsense, wrong types, bottomless nesting."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class Envelope(msgspec.Struct, frozen=True):
    """The body of an answer, not yet believed. `node` is the exact text that is signed."""

    node: bytes
    signature: str
    refused: bool
    """An ``error_response``: the gateway itself refused the call."""


def envelope(raw: bytes, method: str) -> Envelope | None:
    """The answer to `method`, or None when it is none."""
    fields = read(raw, dict[str, msgspec.Raw])
    if fields is None:
        return None
    name = method.replace(".", "_") + "_response"
    node = fields.get(name, fields.get("error_response"))
    signature = read(bytes(fields["sign"]), str) if "sign" in fields else ""
    if node is None or signature is None:
        return None
    return Envelope(bytes(node), signature, refused=name not in fields)


class Head(msgspec.Struct, frozen=True):
    """What every answer begins with. ``10000``: done as asked."""

    code: str
    sub_code: str = ""

    @property
    def word(self) -> str:
        """The more telling of the two codes. Alipay writes some of them with and without ``aop.``."""
        return (self.sub_code.removeprefix("aop.") or self.code)[:64]


class Precreated(msgspec.Struct, frozen=True):
    """The answer to ``alipay.trade.precreate``."""

    out_trade_no: str
    qr_code: str


class Trade(msgspec.Struct, frozen=True):
    """A trade as ``alipay.trade.query`` shows it; amounts in yuan, unknown fields are ignored."""

    trade_no: str
    out_trade_no: str
    trade_status: str
    total_amount: str
    buyer_pay_amount: str = ""
    receipt_amount: str = ""
    send_pay_date: str = ""
    trans_currency: str = "CNY"
    fund_bill_list: list[dict[str, object]] = []


class TradeNotice(msgspec.Struct, frozen=True):
    """A trade as its callback shows it. `gmt_refund` and `refund_fee` (of all refunds together): about a refund."""

    app_id: str
    notify_type: str
    trade_no: str
    out_trade_no: str
    trade_status: str
    total_amount: str
    notify_id: str = ""
    seller_id: str = ""
    buyer_pay_amount: str = ""
    gmt_payment: str = ""
    gmt_close: str = ""
    gmt_refund: str = ""
    refund_fee: str = ""
    out_biz_no: str = ""
    """Of the refund: our number."""
    trans_currency: str = "CNY"

    @property
    def tells_of_refund(self) -> bool:
        return bool(self.gmt_refund or self.refund_fee)


class Refunded(msgspec.Struct, frozen=True):
    """The answer to ``alipay.trade.refund``. Its ``refund_fee`` is of all refunds together, hence not read."""

    trade_no: str
    out_trade_no: str
    fund_change: str = "N"
    """``Y``: this very call moved money. ``N`` proves nothing."""


class RefundFound(msgspec.Struct, frozen=True):
    """The answer to ``alipay.trade.fastpay.refund.query``. No `refund_status`: not received, not done or failed."""

    out_request_no: str = ""
    out_trade_no: str = ""
    refund_amount: str = ""
    refund_status: str = ""
    gmt_refund_pay: str = ""


class BillUrl(msgspec.Struct, frozen=True):
    """The answer to ``alipay.data.dataservice.bill.downloadurl.query``; good for 30 s."""

    bill_download_url: str


def notice(fields: Mapping[str, str]) -> TradeNotice | None:
    """The fields of a callback as a shape, or None when the necessary ones are missing."""
    try:
        return msgspec.convert(dict(fields), TradeNotice)
    except msgspec.ValidationError:
        return None


def yuan(amount_minor: int) -> str:
    """Fen as the protocol writes them: ``128.00``."""
    return Money(amount_minor, "CNY").decimal


def minor(text: str, currency: str = "CNY") -> int | None:
    """An amount with exactly two places in minor units of its currency, or None when it is not one."""
    if not re.fullmatch(r"[0-9]{1,12}\.[0-9]{2}", text):
        return None
    amount = Decimal(text).scaleb(EXPONENTS.get(currency, 2))
    return int(amount) if amount == amount.to_integral_value() else None


def beijing(moment: datetime) -> str:
    """A time as the protocol writes it: ``2026-11-22 18:30:00``, Beijing time wherever the host is."""
    return moment.astimezone(BEIJING).strftime(TIME_FORMAT)


def moment(text: str) -> datetime | None:
    """A time of the protocol (some have fractions of a second), or None when it is not one."""
    try:
        return datetime.strptime(text.partition(".")[0], TIME_FORMAT).replace(tzinfo=BEIJING)
    except ValueError:
        return None
