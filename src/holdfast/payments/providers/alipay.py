"""The Alipay adapter: open platform, RSA2, payments by QR code (precreate) and on Alipay's own page (page pay).

Answers and callbacks count only when Alipay's key signed their exact text; everything else that can happen to a call is
the observation `unknown`. A trade exists only once the payer has scanned the code or opened the page. Calls are in
`alipay_gateway`, message shapes in `alipay_protocol`, the error dictionary in `alipay_errors`, the bill in `alipay_bills`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from urllib.parse import urlencode

import msgspec

from holdfast.kit import clock, http

from . import alipay_bills, alipay_errors, alipay_protocol, alipay_trades
from .alipay_gateway import TIMEOUTS_S, Gateway, Reply, unsent, unusable
from .alipay_protocol import AlipayConfig
from .base import (
    Acknowledgement,
    Bill,
    CallRecord,
    Charge,
    ErrorRule,
    Forged,
    Notification,
    Observation,
    PaymentState,
    Refund,
    RefundObservation,
    RefundState,
    Source,
)

__all__ = ["Alipay", "AlipayConfig", "load_config"]

SUBJECT_FORBIDDEN = str.maketrans({"/": "／", "=": "＝", "&": "＆", ",": "，"})
"""Refused in titles (the comma: it would split a row of the bill)."""


def load_config(raw: bytes | str) -> AlipayConfig:
    """The configuration in a JSON text. msgspec.ValidationError names the field that does not fit."""
    return msgspec.json.decode(raw, type=AlipayConfig)


class Alipay:
    """The adapter. One per merchant; keeps nothing but its keys and the HTTP client it was given."""

    name = "alipay"
    methods = ("qr", "page")
    acknowledgement = Acknowledgement(200, b"success")
    exists_when_placed = False
    found_by_resending = False
    errors: Mapping[str, ErrorRule] = alipay_errors.ERRORS

    def __init__(
        self,
        config: AlipayConfig,
        client: http.Client,
        timeouts_s: Mapping[str, float] = TIMEOUTS_S,
        version: str = "openapi.1",
    ) -> None:
        self.version = version
        self._config = config
        self._gateway = Gateway(config, client, timeouts_s, f"holdfast-{self.name}/{version}")

    async def create(self, charge: Charge) -> tuple[Observation, CallRecord]:
        """Ask for money, in CNY: `awaiting_user` carries the ``code_url`` to scan, or the ``pay_url`` to open.

        A page needs no call: Alipay learns of the charge when the payer's browser brings the signed address.
        """
        if charge.method not in ("", *self.methods):
            raise ValueError(charge.method)
        if charge.currency != "CNY":
            return _refused(unsent("create", "currency"), Source.RESPONSE, charge.merchant_ref)
        content: dict[str, object] = {
            "out_trade_no": charge.merchant_ref,
            "total_amount": alipay_protocol.yuan(charge.amount_minor),
            "subject": charge.description.translate(SUBJECT_FORBIDDEN)[:256],
        }
        if charge.expires_at is not None:
            content["time_expire"] = alipay_protocol.beijing(charge.expires_at)
        if charge.method == "page":
            return self._page(charge, content)
        reply = await self._gateway.call("create", "alipay.trade.precreate", content, charge.notify_url)
        if reply.error_code is not None:
            return _refused(reply, Source.RESPONSE, charge.merchant_ref)
        placed = alipay_protocol.read(reply.content, alipay_protocol.Precreated)
        if placed is None or placed.out_trade_no != charge.merchant_ref:
            return _refused(_misread(reply, placed), Source.RESPONSE, charge.merchant_ref)
        return Observation(
            source=Source.RESPONSE,
            state=PaymentState.AWAITING_USER,
            merchant_ref=charge.merchant_ref,
            code_url=placed.qr_code,
            raw_digest=_digest(reply.content),
        ), reply.record

    def _page(self, charge: Charge, content: dict[str, object]) -> tuple[Observation, CallRecord]:
        content["product_code"] = "FAST_INSTANT_TRADE_PAY"
        fields = self._gateway.keys.signed(
            "alipay.trade.page.pay", content, notify_url=charge.notify_url, return_url=charge.return_url
        )
        return Observation(
            source=Source.RESPONSE,
            state=PaymentState.AWAITING_USER,
            merchant_ref=charge.merchant_ref,
            pay_url=f"{self._config.gateway}?{urlencode(fields)}",
        ), unsent("create").record

    async def query(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]:
        """Ask by our number. `not_found` proves nothing while the code can still be scanned."""
        return await self._query(merchant_ref, "out_trade_no", merchant_ref)

    async def query_txn(self, provider_txn: str) -> tuple[Observation, CallRecord]:
        """Ask about one trade by Alipay's number."""
        return await self._query("", "trade_no", provider_txn)

    async def _query(self, ref: str, key: str, number: str) -> tuple[Observation, CallRecord]:
        reply = await self._gateway.call("query", "alipay.trade.query", {key: number})
        if reply.error_code is not None:
            return _refused(reply, Source.QUERY, ref)
        found = alipay_protocol.read(reply.content, alipay_protocol.Trade)
        if found is None or getattr(found, key) != number:
            return _refused(_misread(reply, found), Source.QUERY, ref)
        return alipay_trades.payment(found, _digest(reply.content)), reply.record

    async def close(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]:
        """Close the trade. What nobody has scanned is `not_found`; a state that forbids it is `unknown`: query next."""
        reply = await self._gateway.call("close", "alipay.trade.close", {"out_trade_no": merchant_ref})
        if reply.error_code is not None:
            return _refused(reply, Source.CLOSE, merchant_ref)
        return Observation(
            source=Source.CLOSE,
            state=PaymentState.CLOSED,
            merchant_ref=merchant_ref,
            raw_digest=_digest(reply.content),
        ), reply.record

    async def refund(self, refund: Refund) -> tuple[RefundObservation, CallRecord]:
        """Give money back. `succeeded` only when this very call moved money; said again it is `processing`: query it."""
        if refund.currency != "CNY":
            return _refund_refused(unsent("refund", "currency"), Source.REFUND, refund.refund_ref)
        content: dict[str, object] = {
            "refund_amount": alipay_protocol.yuan(refund.amount_minor),
            "out_request_no": refund.refund_ref,
            "refund_reason": refund.reason[:256],
        }
        receipt = refund.provider_txn
        content |= {"trade_no": receipt} if receipt else {"out_trade_no": refund.merchant_ref}
        reply = await self._gateway.call("refund", "alipay.trade.refund", content)
        if reply.error_code is not None:
            return _refund_refused(reply, Source.REFUND, refund.refund_ref)
        done = alipay_protocol.read(reply.content, alipay_protocol.Refunded)
        if done is None or done.out_trade_no != refund.merchant_ref:
            return _refund_refused(_misread(reply, done), Source.REFUND, refund.refund_ref)
        return RefundObservation(
            source=Source.REFUND,
            state=RefundState.SUCCEEDED if done.fund_change == "Y" else RefundState.PROCESSING,
            refund_ref=refund.refund_ref,
            merchant_ref=done.out_trade_no,
            raw_digest=_digest(reply.content),
        ), reply.record

    async def query_refund(
        self, refund_ref: str, merchant_ref: str = "", provider_refund: str | None = None
    ) -> tuple[RefundObservation, CallRecord]:
        """Ask how a refund stands, by both of our numbers (ValueError without the charge's).

        Not received, not done yet and failed all look alike here: `not_found`, to be sent again as it was.
        """
        if not merchant_ref:
            raise ValueError("Alipay finds a refund by the charge's number and the refund's")
        content = {"out_trade_no": merchant_ref, "out_request_no": refund_ref, "query_options": ["gmt_refund_pay"]}
        reply = await self._gateway.call("query_refund", "alipay.trade.fastpay.refund.query", content)
        if reply.error_code is not None:
            return _refund_refused(reply, Source.QUERY, refund_ref)
        found = alipay_protocol.read(reply.content, alipay_protocol.RefundFound)
        if found is None or found.out_request_no not in ("", refund_ref):
            return _refund_refused(_misread(reply, found), Source.QUERY, refund_ref)
        return alipay_trades.refund(found, refund_ref, _digest(reply.content)), reply.record

    async def bill(self, day: date) -> tuple[Bill | None, CallRecord]:
        """The trade bill of a Beijing day that is over; Alipay makes it in the following morning."""
        if day >= clock.now().astimezone(alipay_protocol.BEIJING).date():
            return None, unsent("bill").record
        content: dict[str, object] = {"bill_type": "trade", "bill_date": day.isoformat()}
        reply = await self._gateway.call("bill", "alipay.data.dataservice.bill.downloadurl.query", content)
        if reply.error_code is not None:
            return None, reply.record
        found = alipay_protocol.read(reply.content, alipay_protocol.BillUrl)
        if found is None:
            return None, _misread(reply, found).record
        file = await self._gateway.download("bill", found.bill_download_url)
        if file.error_code is not None:
            return None, file.record
        try:
            return alipay_bills.read(file.content, day), file.record
        except alipay_bills.Unfit:
            return None, unusable(file, "bill-inconsistent").record

    def notification(self, headers: Mapping[str, str], raw: bytes) -> Notification:
        """What a callback says, proven over its decoded fields. Proven but unreadable is `unknown`: park it.

        A refund comes as the trade's state with the refund's fields added: it is no second payment.
        """
        fields, digest = self._gateway.keys.opened(raw), _digest(raw)
        if fields.get("app_id") != self._config.app_id:
            raise Forged("other-merchant")
        key, kind = fields.get("notify_id") or f"sha256:{digest}", fields.get("notify_type", "")
        if kind != "trade_status_sync":
            return Notification(dedupe_key=key, kind=kind)
        if fields.get("seller_id") != self._config.seller_id:
            raise Forged("other-merchant")
        found = alipay_protocol.notice(fields)
        if found is None:
            seen = Observation(
                source=Source.CALLBACK,
                state=PaymentState.UNKNOWN,
                merchant_ref=fields.get("out_trade_no", ""),
                error_code="unreadable",
                raw_digest=digest,
            )
            return Notification(dedupe_key=key, kind=kind, observation=seen)
        if found.tells_of_refund:
            refund = alipay_trades.notified_refund(found, digest)
            return Notification(dedupe_key=key, kind=f"{found.trade_status}.refund", refund_observation=refund)
        seen = alipay_trades.notified_payment(found, digest)
        return Notification(dedupe_key=key, kind=found.trade_status, observation=seen)


def _refused(reply: Reply, source: Source, ref: str) -> tuple[Observation, CallRecord]:
    """The observation of an answer that is not the wished one; definite only where it is proven and listed."""
    code, state = reply.error_code, PaymentState.UNKNOWN
    if reply.proven and code in alipay_errors.NOT_FOUND:
        state = PaymentState.NOT_FOUND
    elif reply.proven and code in alipay_errors.REFUSED and source is Source.RESPONSE:
        state = PaymentState.FAILED
    return Observation(
        source=source, state=state, merchant_ref=ref, error_code=code, raw_digest=_digest(reply.content)
    ), reply.record


def _refund_refused(reply: Reply, source: Source, ref: str) -> tuple[RefundObservation, CallRecord]:
    absent = reply.proven and reply.error_code in alipay_errors.NOT_FOUND
    return RefundObservation(
        source=source,
        state=RefundState.NOT_FOUND if absent else RefundState.UNKNOWN,
        refund_ref=ref,
        error_code=reply.error_code,
        raw_digest=_digest(reply.content),
    ), reply.record


def _misread(reply: Reply, found: object) -> Reply:
    """A proven answer that lacks what it must have, or is about something else."""
    return unusable(reply, "unreadable" if found is None else "mismatch")


def _digest(raw: bytes) -> str | None:
    return sha256(raw).hexdigest() if raw else None
