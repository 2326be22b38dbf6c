"""WeChat Pay APIv3 as a protocol: configuration, signatures, sealed callbacks, message shapes.

Source: WeChat Pay merchant documentation (https://pay.weixin.qq.com/doc/v3/), read 2026-11. No network here.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from msgspec import Meta

from holdfast.kit import clock

from .base import Forged, PaymentState, Probe, RefundState

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"
SKEW_S = 300


class WeChatPayConfig(msgspec.Struct, frozen=True):
    """A merchant's credentials and the platform's public keys; JSON of this shape is the configuration file."""

    mchid: str
    appid: str
    serial: str
    """Of the merchant's certificate, 40 hex digits."""
    private_key_pem: str
    apiv3_key: str
    """32 characters; opens callbacks."""
    platform_keys: dict[str, str]
    """Serial (40 hex digits, or ``PUB_KEY_ID_…``) → public key, PEM. Old and new live side by side while keys change."""
    base_url: str = "https://api.mch.weixin.qq.com"
    backup_url: str = "https://api2.mch.weixin.qq.com"
    """The same interface at another site; empty: none."""

    def __repr__(self) -> str:
        return (
            f"WeChatPayConfig(mchid={self.mchid!r}, appid={self.appid!r}, base_url={self.base_url!r}, secrets hidden)"
        )


class Keys:
    """The keys of a configuration, ready for use.

    While keys change, certificates and public key are believed side by side, whichever of them is asked for.
    """

    def __init__(self, config: WeChatPayConfig, *, asks_for_public_key: bool = True) -> None:
        private_key = load_pem_private_key(config.private_key_pem.encode(), None)
        if not isinstance(private_key, RSAPrivateKey):
            raise TypeError("the merchant's private key is not an RSA key")
        if not config.platform_keys:
            raise ValueError("platform_keys is empty: no answer could be believed")
        self._mchid, self._serial, self._private_key = config.mchid, config.serial, private_key
        self._cipher = AESGCM(config.apiv3_key.encode())
        self._platform = {serial: _public_key(pem) for serial, pem in config.platform_keys.items()}
        self.asked_serial = _asked(list(self._platform), asks_for_public_key)
        """The key we ask the platform to sign with."""

    def authorization(self, method: str, target: str, body: bytes) -> str:
        """The Authorization header for exactly these bytes; `target` is path and query as sent."""
        timestamp, nonce = str(int(clock.now().timestamp())), secrets.token_hex(16)
        message = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = base64.b64encode(self._private_key.sign(message, PKCS1v15(), hashes.SHA256())).decode()
        return (
            f'{SCHEME} mchid="{self._mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
            f'serial_no="{self._serial}",signature="{signature}"'
        )

    def verify(self, headers: Mapping[str, str], raw: bytes) -> None:
        """Forged unless the platform signed these bytes within the last 300 s. Header names in lower case."""
        timestamp, nonce, signature, serial = (
            headers.get(f"wechatpay-{name}", "") for name in ("timestamp", "nonce", "signature", "serial")
        )
        if signature.startswith(PROBE_PREFIX):
            raise Probe("probe")
        if not (timestamp and nonce and signature and serial):
            raise Forged("unsigned")
        if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise Forged("signature-type")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise Forged("bad-timestamp")
        if abs(clock.now().timestamp() - int(timestamp)) >= SKEW_S:
            raise Forged("stale")
        key = self._platform.get(serial)
        if key is None:  # keys are renewed by the operator, never on the word of an unproven message
            raise Forged("unknown-serial")
        try:
            message = f"{timestamp}\n{nonce}\n".encode() + raw + b"\n"
            key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:
            raise Forged("bad-signature") from error

    def opened(self, resource: Resource) -> bytes:
        """The plaintext of a sealed resource. Forged when our APIv3 key does not open it."""
        try:
            sealed = base64.b64decode(resource.ciphertext, validate=True)
            return self._cipher.decrypt(resource.nonce.encode(), sealed, resource.associated_data.encode())
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise Forged("undecipherable") from error


def _asked(serials: list[str], wants_public_key: bool) -> str:
    """The last of the wished sort; where there is none, the last of the other: the newest stands last."""
    return max(enumerate(serials), key=lambda one: (one[1].startswith(PUBLIC_KEY_PREFIX) == wants_public_key, one[0]))[
        1
    ]


def _public_key(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("a platform key is not an RSA key")
    return key


class Resource(msgspec.Struct, frozen=True):
    """The sealed part of a callback."""

    ciphertext: str
    nonce: str
    associated_data: str = ""
    algorithm: str = "AEAD_AES_256_GCM"


class Event(msgspec.Struct, frozen=True):
    """The envelope of a callback."""

    id: str
    event_type: str
    resource: Resource


Fen = Annotated[int, Meta(ge=0, le=10**12)]


class Amount(msgspec.Struct, frozen=True):
    """Of a payment, in fen. `payer_total` is less than `total` when WeChat's own coupons were used."""

    total: Fen | None = None
    payer_total: Fen | None = None
    currency: str = "CNY"


class Transaction(msgspec.Struct, frozen=True):
    """A payment as queries and callbacks show it; unknown fields are ignored."""

    mchid: str
    out_trade_no: str
    trade_state: str
    appid: str | None = None
    transaction_id: str | None = None
    success_time: str | None = None
    amount: Amount = Amount()


class RefundAmount(msgspec.Struct, frozen=True):
    """Of a refund, in fen. Callbacks leave the currency out: domestic refunds are in CNY."""

    refund: Fen
    currency: str = "CNY"


class DomesticRefund(msgspec.Struct, frozen=True):
    """A refund as answers (`status`) and callbacks (`refund_status`) show it."""

    out_refund_no: str
    refund_id: str
    amount: RefundAmount
    out_trade_no: str | None = None
    mchid: str | None = None
    status: str | None = None
    refund_status: str | None = None
    success_time: str | None = None


class CodeUrl(msgspec.Struct, frozen=True):
    """The answer to a Native order."""

    code_url: str


class H5Url(msgspec.Struct, frozen=True):
    """The answer to an H5 order."""

    h5_url: str


class BillLink(msgspec.Struct, frozen=True):
    """The answer to the question for a bill: where its file lies, and the SHA-1 of the file before it is zipped."""

    hash_type: str
    hash_value: str
    download_url: str


class Failure(msgspec.Struct, frozen=True):
    """The body of an answer that is not 2xx."""

    code: str


TRADE_STATES = {
    "SUCCESS": PaymentState.SUCCEEDED,
    "REFUND": PaymentState.SUCCEEDED,  # any refund, even a partial one; the order was paid
    "NOTPAY": PaymentState.AWAITING_USER,
    "USERPAYING": PaymentState.AWAITING_USER,
    "CLOSED": PaymentState.CLOSED,
    "REVOKED": PaymentState.CLOSED,
    "PAYERROR": PaymentState.FAILED,
}
REFUND_STATES = {
    "SUCCESS": RefundState.SUCCEEDED,
    "PROCESSING": RefundState.PROCESSING,
    "CLOSED": RefundState.CLOSED,
    "CLOSE": RefundState.CLOSED,
    "ABNORMAL": RefundState.ABNORMAL,
}

Shape = TypeVar("Shape", bound=msgspec.Struct)


def read(raw: bytes, kind: type[Shape]) -> Shape | None:
    """JSON of a known shape, or None for anything else at all: nonsense, wrong types, bottomless nesting."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def moment(text: str | None) -> datetime | None:
    """An RFC 3339 time, or None when it is not one."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None
