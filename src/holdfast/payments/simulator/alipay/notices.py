"""Asynchronous notices: signed forms to the order's notify_url, repeated until the answer is the word ``success``."""

from __future__ import annotations

import secrets
import sqlite3
from urllib.parse import urlencode

import msgspec

from holdfast.payments.simulator import callbacks, times
from holdfast.payments.simulator.callbacks import Callback, Letter, Manners

from . import protocol, trades
from .keys import Keys
from .protocol import stamp, yuan
from .refunds import Refund
from .trades import Order, Trade

WAITS_S = (240, 600, 600, 3600, 7200, 21600, 54000)
"""Between tries, as documented: 4 m, 10 m, 10 m, 1 h, 2 h, 6 h, 15 h; eight tries within about a day."""
TIMEOUT_S = 5.0
HUGE = 1_000_000


def manners(keys: Keys) -> Manners:
    """How Alipay calls back."""
    return Manners(
        waits_s=WAITS_S,
        timeout_s=TIMEOUT_S,
        is_accepted=lambda status, body: status == 200 and body.strip() == b"success",
        dressed=lambda callback: dressed(keys, callback),
    )


def dressed(keys: Keys, callback: Callback) -> tuple[bytes, dict[str, str]]:
    """The form of one try, signed over everything but ``sign`` and ``sign_type``, and spoilt as `kind` says.

    The protocol signs no time that anybody checks: a stale notice is the same one with an old time, well signed.
    """
    fields = msgspec.json.decode(callback.body, type=dict[str, str])
    if callback.kind == "stale_callback":
        fields["notify_time"] = stamp(times.now() - 3600)
    if callback.kind == "huge_callback":
        fields["body"] = "x" * HUGE * 3
    content = protocol.content(fields)
    signature = keys.forged(content) if callback.kind == "forged_callback" else keys.signature(content)
    if callback.kind == "tampered_callback":
        fields["total_amount"] = "0.01"
    body = urlencode({**fields, "sign_type": "RSA2", "sign": signature}).encode()
    return body, {"Content-Type": f"{protocol.FORM}; charset=utf-8", "User-Agent": "Mozilla/4.0", "Accept": "*/*"}


class Teller:
    """Stores notices in the transaction of what they tell of."""

    def __init__(self, keys: Keys) -> None:
        self._identity = keys.identity

    def payment(self, db: sqlite3.Connection, order: Order, trade: Trade, faults: dict[str, float]) -> None:
        """Of a trade that was paid, or that ended unpaid."""
        fields = self._fields(order, trade, faults)
        if trade.paid_at is None:
            fields["gmt_close"] = stamp(times.now())
        self._store(db, "callback", order.out_trade_no, order, fields, faults)

    def refund(
        self, db: sqlite3.Connection, order: Order, trade: Trade, refund: Refund, faults: dict[str, float]
    ) -> None:
        """Of a refund that is done: the trade's state once more, with the refund's fields. Others are not told of."""
        fields = self._fields(order, trade, {}) | {
            "out_biz_no": refund.out_request_no,
            "refund_fee": yuan(trade.refunded),
            "gmt_refund": stamp(refund.success_at or times.now()) + ".000",
        }
        self._store(db, "refund_callback", refund.out_request_no, order, fields, faults)

    def _fields(self, order: Order, trade: Trade, faults: dict[str, float]) -> dict[str, str]:
        now, total = times.now(), trades.lied_total(trade, order, faults)
        fields = {
            "notify_time": stamp(now),
            "notify_type": "trade_status_sync",
            "notify_id": stamp(now)[:10].replace("-", "") + secrets.token_hex(13),
            "app_id": self._identity.app_id,
            "auth_app_id": self._identity.app_id,
            "charset": "utf-8",
            "version": "1.0",
            "trade_no": trade.trade_no,
            "out_trade_no": order.out_trade_no,
            "buyer_id": trade.buyer_id,
            "seller_id": self._identity.seller_id,
            **trades.status_field(trade.status, faults),
            "total_amount": total,
            "subject": order.subject,
            "gmt_create": stamp(trade.created_at),
            **trades.currency_field(faults),
        }
        if order.passback:
            fields["passback_params"] = order.passback
        if trade.paid_at is not None:
            payer = yuan(trade.payer_total or 0)
            fields |= {
                "receipt_amount": total,
                "buyer_pay_amount": payer,
                "invoice_amount": payer,
                "point_amount": "0.00",
                "gmt_payment": stamp(trade.paid_at),
                "fund_bill_list": f'[{{"amount":"{payer}","fundChannel":"ALIPAYACCOUNT"}}]',
            }
        return fields

    def _store(
        self,
        db: sqlite3.Connection,
        operation: str,
        subject: str,
        order: Order,
        fields: dict[str, str],
        faults: dict[str, float],
    ) -> None:
        if order.notify_url:
            letter = Letter(fields["notify_id"], operation, subject, order.notify_url, msgspec.json.encode(fields))
            callbacks.store(db, letter, faults)
