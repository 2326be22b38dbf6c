"""The WeChat Pay adapter: APIv3, direct merchant, Native payments.

Answers (2xx and 4xx alike) and callbacks count only when signed by a platform key we hold; everything else that can
happen to a call is the observation `unknown`. The protocol itself is in `wechatpay_protocol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta, timezone
from hashlib import sha256
from urllib.parse import quote, urlsplit

import msgspec

from holdfast.kit import clock, http, settings

from . import wechatpay_protocol as protocol
from .base import (
    CallRecord,
    Charge,
    Forged,
    Notification,
    Observation,
    OutcomeClass,
    PaymentState,
    Refund,
    RefundObservation,
    RefundState,
    Source,
)
from .wechatpay_protocol import WeChatPayConfig

__all__ = ["WeChatPay", "WeChatPayConfig", "load_config"]

BEIJING = timezone(timedelta(hours=8))
TIMEOUTS_S = {"create": 10.0, "refund": 10.0, "query": 5.0, "query_refund": 5.0, "close": 5.0}
QUESTIONS = ("query", "query_refund")
"""Operations without effect: silence after them leaves nothing in doubt."""


def load_config(raw: bytes | str) -> WeChatPayConfig:
    """The configuration in a JSON text. msgspec.ValidationError names the field that does not fit."""
    return msgspec.json.decode(raw, type=WeChatPayConfig)


class _Reply(msgspec.Struct, frozen=True):
    """What a call brought. `proven`: signed by the platform. Error code None: a proven 2xx."""

    proven: bool
    body: bytes
    record: CallRecord

    @property
    def error_code(self) -> str | None:
        return self.record.error_code


class WeChatPay:
    """The adapter. One per merchant; keeps nothing but its keys and the HTTP client it was given."""

    name = "wechatpay"
    version = "apiv3.1"

    def __init__(
        self, config: WeChatPayConfig, client: http.Client, timeouts_s: Mapping[str, float] = TIMEOUTS_S
    ) -> None:
        url = urlsplit(config.base_url)
        if url.scheme != "https" and (url.scheme != "http" or settings.current().is_production):
            raise ValueError("the base_url of WeChat Pay must be https in production")
        self._config = config
        self._client = client
        self._timeouts_s = timeouts_s
        self._keys = protocol.Keys(config)
        self._origin = f"{url.scheme}://{url.netloc}"
        self._prefix = url.path.rstrip("/")

    async def create(self, charge: Charge) -> tuple[Observation, CallRecord]:
        """Place a Native order; `awaiting_user` carries the ``code_url`` to show as a QR code."""
        body: dict[str, object] = {
            "appid": self._config.appid,
            "mchid": self._config.mchid,
            "description": _cut(charge.description, 127),
            "out_trade_no": charge.merchant_ref,
            "notify_url": charge.notify_url,
            "amount": {"total": charge.amount_minor, "currency": charge.currency},
        }
        if charge.expires_at is not None:
            body["time_expire"] = charge.expires_at.astimezone(BEIJING).isoformat(timespec="seconds")
        reply = await self._call("create", "POST", "/v3/pay/transactions/native", body)
        if reply.error_code is not None:
            return self._refused(reply, Source.RESPONSE, charge.merchant_ref)
        placed = protocol.read(reply.body, protocol.CodeUrl)
        if placed is None:
            return self._refused(_unreadable(reply), Source.RESPONSE, charge.merchant_ref)
        return Observation(
            source=Source.RESPONSE,
            state=PaymentState.AWAITING_USER,
            merchant_ref=charge.merchant_ref,
            code_url=placed.code_url,
            raw_digest=_digest(reply.body),
        ), reply.record

    async def query(self, merchant_ref: str) -> tuple[Observation, CallRecord]:
        """Ask by our number; theirs exists only once the order is paid."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(merchant_ref, safe='')}?mchid={self._config.mchid}"
        reply = await self._call("query", "GET", path)
        if reply.error_code is not None:
            return self._refused(reply, Source.QUERY, merchant_ref)
        found = protocol.read(reply.body, protocol.Transaction)
        if found is None:
            return self._refused(_unreadable(reply), Source.QUERY, merchant_ref)
        if self._is_foreign(found) or found.out_trade_no != merchant_ref:
            return self._refused(_unreadable(reply, "mismatch"), Source.QUERY, merchant_ref)
        return _payment(found, Source.QUERY, _digest(reply.body)), reply.record

    async def close(self, merchant_ref: str) -> tuple[Observation, CallRecord]:
        """Close the order. ``ORDERPAID`` is `unknown`: query for the amount and their number."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(merchant_ref, safe='')}/close"
        reply = await self._call("close", "POST", path, {"mchid": self._config.mchid})
        if reply.error_code is not None:
            return self._refused(reply, Source.CLOSE, merchant_ref)
        return Observation(source=Source.CLOSE, state=PaymentState.CLOSED, merchant_ref=merchant_ref), reply.record

    async def refund(self, refund: Refund) -> tuple[RefundObservation, CallRecord]:
        """Ask for a refund. An answer means accepted, not refunded; ``NOT_ENOUGH`` is repeated under the same number."""
        amount = {"refund": refund.amount_minor, "total": refund.total_minor, "currency": refund.currency}
        body: dict[str, object] = {
            "out_trade_no": refund.merchant_ref,
            "out_refund_no": refund.refund_ref,
            "reason": _cut(refund.reason, 80),
            "amount": amount,
        }
        if refund.notify_url:
            body["notify_url"] = refund.notify_url
        reply = await self._call("refund", "POST", "/v3/refund/domestic/refunds", body)
        return self._refund_answer(reply, Source.REFUND, refund.refund_ref)

    async def query_refund(self, refund_ref: str) -> tuple[RefundObservation, CallRecord]:
        """Ask how a refund stands, by our number."""
        path = f"/v3/refund/domestic/refunds/{quote(refund_ref, safe='')}"
        return self._refund_answer(await self._call("query_refund", "GET", path), Source.QUERY, refund_ref)

    def notification(self, headers: Mapping[str, str], raw: bytes) -> Notification:
        """What a callback says: verified over the raw bytes, then opened. Proven but unreadable is `unknown`: park it."""
        self._keys.verify({name.lower(): value for name, value in headers.items()}, raw)
        event = protocol.read(raw, protocol.Event)
        if event is None:
            raise Forged("not-an-event")
        plain = self._keys.opened(event.resource)
        if event.event_type.startswith("REFUND."):
            refund = self._notified_refund(plain)
            return Notification(dedupe_key=event.id, kind=event.event_type, refund_observation=refund)
        return Notification(dedupe_key=event.id, kind=event.event_type, observation=self._notified_payment(plain))

    def _notified_payment(self, plain: bytes) -> Observation:
        found = protocol.read(plain, protocol.Transaction)
        if found is None:
            return Observation(
                source=Source.CALLBACK,
                state=PaymentState.UNKNOWN,
                merchant_ref="",
                error_code="unreadable",
                raw_digest=_digest(plain),
            )
        if self._is_foreign(found):
            raise Forged("other-merchant")
        return _payment(found, Source.CALLBACK, _digest(plain))

    def _notified_refund(self, plain: bytes) -> RefundObservation:
        found = protocol.read(plain, protocol.DomesticRefund)
        if found is None:
            return RefundObservation(
                source=Source.CALLBACK,
                state=RefundState.UNKNOWN,
                refund_ref="",
                error_code="unreadable",
                raw_digest=_digest(plain),
            )
        if found.mchid != self._config.mchid:
            raise Forged("other-merchant")
        return _refund(found, Source.CALLBACK, _digest(plain))

    def _is_foreign(self, found: protocol.Transaction) -> bool:
        return found.mchid != self._config.mchid or found.appid not in (self._config.appid, None)

    def _refund_answer(self, reply: _Reply, source: Source, ref: str) -> tuple[RefundObservation, CallRecord]:
        if reply.error_code is None:
            found = protocol.read(reply.body, protocol.DomesticRefund)
            if found is not None and found.out_refund_no == ref:
                return _refund(found, source, _digest(reply.body)), reply.record
            reply = _unreadable(reply, "unreadable" if found is None else "mismatch")
        absent = reply.proven and reply.error_code in protocol.NOT_FOUND
        return RefundObservation(
            source=source,
            state=RefundState.NOT_FOUND if absent else RefundState.UNKNOWN,
            refund_ref=ref,
            error_code=reply.error_code,
            raw_digest=_digest(reply.body),
        ), reply.record

    def _refused(self, reply: _Reply, source: Source, ref: str) -> tuple[Observation, CallRecord]:
        """The observation of an answer that is not the wished one; definite only where it is proven and listed."""
        code, state = reply.error_code, PaymentState.UNKNOWN
        if reply.proven and code in protocol.NOT_FOUND:
            state = PaymentState.NOT_FOUND
        elif reply.proven and code in protocol.CLOSED:
            state = PaymentState.CLOSED
        elif reply.proven and code in protocol.REFUSED and source is Source.RESPONSE:
            state = PaymentState.FAILED
        return Observation(
            source=source, state=state, merchant_ref=ref, error_code=code, raw_digest=_digest(reply.body)
        ), reply.record

    async def _call(self, operation: str, method: str, target: str, body: dict[str, object] | None = None) -> _Reply:
        raw = b"" if body is None else msgspec.json.encode(body)
        target = self._prefix + target
        headers = {
            "Authorization": self._keys.authorization(method, target, raw),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Wechatpay-Serial": self._keys.asked_serial,
        }
        started_at, timeout_s = clock.now(), self._timeouts_s[operation]
        try:
            answer = await http.send(
                self._client, method, self._origin + target, body=raw, headers=headers, timeout_s=timeout_s
            )
        except http.NoAnswer as silence:
            elapsed_ms = round((clock.now() - started_at).total_seconds() * 1000)
            outcome = _in_doubt(operation) if silence.sent else OutcomeClass.TECHNICAL
            record = CallRecord(
                operation=operation,
                started_at=started_at,
                elapsed_ms=elapsed_ms,
                http_status=None,
                outcome_class=outcome,
                error_code=silence.reason,
            )
            return _Reply(proven=False, body=b"", record=record)
        proven, code = self._judged(answer)
        outcome = OutcomeClass.OK if code is None else _in_doubt(operation)
        if proven and code is not None:
            outcome = protocol.CLASSES.get(code, outcome)
        record = CallRecord(
            operation=operation,
            started_at=started_at,
            elapsed_ms=answer.elapsed_ms,
            http_status=answer.status,
            outcome_class=outcome,
            error_code=code,
        )
        return _Reply(proven=proven, body=answer.body, record=record)

    def _judged(self, answer: http.Answer) -> tuple[bool, str | None]:
        """Whether the answer is proven, and its error code: None for a proven 2xx without one."""
        failure = protocol.read(answer.body, protocol.Failure)
        code = "" if failure is None else failure.code[:64]
        failed = answer.status not in (200, 204)
        if answer.status >= 500 or answer.status < 200 or 300 <= answer.status < 400:
            return False, code or f"http-{answer.status}"
        try:
            self._keys.verify(answer.headers, answer.body)
        except Forged as forged:
            return False, forged.reason
        return True, (code or f"http-{answer.status}") if failed else None


def _in_doubt(operation: str) -> OutcomeClass:
    return OutcomeClass.TECHNICAL if operation in QUESTIONS else OutcomeClass.UNKNOWN_OUTCOME


def _unreadable(reply: _Reply, code: str = "unreadable") -> _Reply:
    """A proven answer we cannot use: what was asked may well have happened."""
    outcome = _in_doubt(reply.record.operation)
    return _Reply(
        proven=False,
        body=reply.body,
        record=msgspec.structs.replace(reply.record, outcome_class=outcome, error_code=code),
    )


def _payment(found: protocol.Transaction, source: Source, digest: str | None) -> Observation:
    """A transaction as an observation. A state we do not know, or a success that lacks its facts, is `unknown`."""
    state, code = protocol.TRADE_STATES.get(found.trade_state), None
    if state is None:
        state, code = PaymentState.UNKNOWN, f"trade-state:{found.trade_state[:32]}"
    elif state is PaymentState.SUCCEEDED and not (found.transaction_id and found.amount.total is not None):
        state, code = PaymentState.UNKNOWN, "incomplete"
    return Observation(
        source=source,
        state=state,
        merchant_ref=found.out_trade_no,
        provider_txn=found.transaction_id or None,
        amount_minor=found.amount.total,
        payer_minor=found.amount.payer_total,
        currency=found.amount.currency,
        occurred_at=protocol.moment(found.success_time),
        error_code=code,
        raw_digest=digest,
        refunded=found.trade_state == "REFUND",
    )


def _refund(found: protocol.DomesticRefund, source: Source, digest: str | None) -> RefundObservation:
    status = found.status or found.refund_status or ""
    state = protocol.REFUND_STATES.get(status, RefundState.UNKNOWN)
    return RefundObservation(
        source=source,
        state=state,
        refund_ref=found.out_refund_no,
        merchant_ref=found.out_trade_no,
        amount_minor=found.amount.refund,
        currency=found.amount.currency,
        provider_refund=found.refund_id,
        occurred_at=protocol.moment(found.success_time),
        error_code=f"refund-status:{status[:32]}" if state is RefundState.UNKNOWN else None,
        raw_digest=digest,
    )


def _digest(raw: bytes) -> str | None:
    return sha256(raw).hexdigest() if raw else None


def _cut(text: str, bytes_max: int) -> str:
    """The text, shortened to the protocol's limit between characters: a long title is no reason to refuse money."""
    return text.encode(errors="replace")[:bytes_max].decode(errors="ignore")
