"""What WeChat Pay calls back about: sealed events, signed afresh for every try, and the counterfeits that faults ask for."""

from __future__ import annotations

import secrets
import sqlite3
import uuid

import msgspec

from holdfast.payments.simulator import callbacks, times
from holdfast.payments.simulator.callbacks import Callback, Letter

from .keys import Keys
from .orders import Order, transaction
from .refunds import Refund, notice

WAITS_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
"""Between tries, as the provider documents them: about 24 hours in all."""
TIMEOUT_S = 5.0
SUMMARIES = {"TRANSACTION": "支付成功", "REFUND": "退款通知"}
STALE_S = 3600
HUGE_BYTES = 3 * 1024 * 1024
_HEADERS = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Mozilla/4.0", "Accept": "*/*"}


def of_payment(db: sqlite3.Connection, keys: Keys, order: Order, faults: dict[str, float]) -> None:
    """Store the callback of a payment."""
    plain = transaction(order, keys.identity.mchid, keys.identity.appid, faults)
    letter = _letter(keys, "TRANSACTION.SUCCESS", order.out_trade_no, order.notify_url, order.signer, plain)
    callbacks.store(db, letter, faults)


def of_refund(db: sqlite3.Connection, keys: Keys, refund: Refund, order: Order, faults: dict[str, float]) -> None:
    """Store the callback of a settled refund."""
    plain = notice(refund, order, keys.identity.mchid)
    kind = f"REFUND.{refund.status}"
    letter = _letter(keys, kind, refund.out_refund_no, refund.notify_url, refund.signer, plain)
    callbacks.store(db, letter, faults)


def _letter(keys: Keys, kind: str, subject: str, url: str, signer: str, plain: dict[str, object]) -> Letter:
    family, event_id = kind.partition(".")[0], str(uuid.uuid4())
    body = msgspec.json.encode(
        {
            "id": event_id,
            "create_time": times.beijing(times.now()),
            "resource_type": "encrypt-resource",
            "event_type": kind,
            "summary": SUMMARIES[family],
            "resource": keys.sealed(family.lower(), msgspec.json.encode(plain)),
        }
    )
    operation = "callback" if family == "TRANSACTION" else "refund_callback"
    return Letter(event_id, operation, subject, url, body, signer)


def is_accepted(status: int, body: bytes) -> bool:
    return status in (200, 204)


def dressed(keys: Keys, callback: Callback) -> tuple[bytes, dict[str, str]]:
    """The bytes and headers of one try."""
    serial, body = keys.serial_of(callback.signer), callback.body
    match callback.kind:
        case "probe":
            signature = f"WECHATPAY/SIGNTEST/{secrets.token_urlsafe(64)}"
            signed = keys.platform_headers(serial, body) | {"Wechatpay-Signature": signature}
        case "forged_callback":
            signed = keys.strangers_headers(serial, body)
        case "unknown_serial":
            signed = keys.strangers_headers("6" + secrets.token_hex(20)[1:].upper(), body)
        case "tampered_callback":
            signed = keys.platform_headers(serial, body)
            body = body.replace(b'"event_type":"', b'"event_type":"X')
        case "stale_callback":
            signed = keys.platform_headers(serial, body, age_s=STALE_S)
        case "huge_callback":
            body = body[:-1] + b',"padding":"' + b"x" * HUGE_BYTES + b'"}'
            signed = keys.platform_headers(serial, body)
        case _:
            signed = keys.platform_headers(serial, body)
    return body, signed | _HEADERS
