"""The WeChat Pay adapter: APIv3, direct merchant, Native payments (a code to scan) and H5 (a phone's own browser).

Answers (2xx and 4xx alike) and callbacks count only when signed by a platform key we hold; everything else that can
happen to a call is the observation `unknown`. The protocol itself is in `wechatpay_protocol`, the way to the two hosts
in `wechatpay_calls`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta, timezone
from hashlib import sha256
from urllib.parse import quote

import msgspec

from holdfast.kit import clock, http

from . import wechatpay_bills as bills
from . import wechatpay_errors as dictionary
from . import wechatpay_protocol as protocol
from .base import (
    Acknowledgement,
    Bill,
    CallRecord,
    Charge,
    ErrorRule,
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
from .wechatpay_calls import Calls, Reply, in_doubt
from .wechatpay_protocol import WeChatPayConfig

__all__ = ["WeChatPay", "WeChatPayConfig", "load_config"]

BEIJING = timezone(timedelta(hours=8))
TIMEOUTS_S = {"create": 10.0, "refund": 10.0, "query": 5.0, "query_refund": 5.0, "close": 5.0, "bill": 60.0}
"""For one call; see `Calls.call`."""
VERSIONS = ("apiv3.1", "apiv3.2")
"""The first asks the platform to sign by certificate, the second by its public key: new merchants have only the latter."""


def load_config(raw: bytes | str) -> WeChatPayConfig:
    """The configuration in a JSON text. msgspec.ValidationError names the field that does not fit."""
    return msgspec.json.decode(raw, type=WeChatPayConfig)


class WeChatPay:
    """The adapter. One per merchant and version; keeps nothing but its keys, its HTTP client and which host works."""

    name = "wechatpay"
    methods = ("native", "h5")
    acknowledgement = Acknowledgement(204)
    exists_when_placed = True
    found_by_resending = False
    errors: Mapping[str, ErrorRule] = dictionary.ERRORS

    def __init__(
        self,
        config: WeChatPayConfig,
        client: http.Client,
        timeouts_s: Mapping[str, float] = TIMEOUTS_S,
        version: str = VERSIONS[0],
    ) -> None:
        if version not in VERSIONS:
            raise ValueError(f"WeChat Pay has the versions {', '.join(VERSIONS)}, not {version!r}")
        self.version = version
        self._config = config
        self._keys = protocol.Keys(config, asks_for_public_key=version == "apiv3.2")
        self._timeouts_s = timeouts_s
        self._calls = Calls(config, self._keys, client, f"holdfast-{self.name}/{version}")

    async def create(self, charge: Charge) -> tuple[Observation, CallRecord]:
        """Place an order; `awaiting_user` carries ``code_url`` (good for two hours) or, for H5, ``pay_url`` (five minutes).

        Placing an identical order again makes a link good again. H5 needs the payer's address, and the same one again.
        """
        method = charge.method or self.methods[0]
        if method == "h5" and not charge.payer_ip:
            return self._without_address(charge)
        path = {"native": "/v3/pay/transactions/native", "h5": "/v3/pay/transactions/h5"}[method]
        reply = await self._call("create", "POST", path, self._order(charge, method))
        if reply.error_code is not None:
            return self._refused(reply, Source.RESPONSE, charge.merchant_ref)
        code_url = pay_url = None
        if method == "h5":
            pay_url = _pay_url(reply.body, charge.return_url)
        elif (placed := protocol.read(reply.body, protocol.CodeUrl)) is not None:
            code_url = placed.code_url
        if not (code_url or pay_url):
            return self._refused(reply.unusable(), Source.RESPONSE, charge.merchant_ref)
        return Observation(
            source=Source.RESPONSE,
            state=PaymentState.AWAITING_USER,
            merchant_ref=charge.merchant_ref,
            code_url=code_url,
            pay_url=pay_url,
            raw_digest=_digest(reply.body),
        ), reply.record

    def _order(self, charge: Charge, method: str) -> dict[str, object]:
        body: dict[str, object] = {
            "appid": self._config.appid,
            "mchid": self._config.mchid,
            "description": _cut(" ".join(charge.description.split()), 127),
            "out_trade_no": charge.merchant_ref,
            "notify_url": charge.notify_url,
            "amount": {"total": charge.amount_minor, "currency": charge.currency},
        }
        if charge.expires_at is not None:
            body["time_expire"] = charge.expires_at.astimezone(BEIJING).isoformat(timespec="seconds")
        if method == "h5":
            body["scene_info"] = {"payer_client_ip": charge.payer_ip, "h5_info": {"type": "Wap"}}
        return body

    def _without_address(self, charge: Charge) -> tuple[Observation, CallRecord]:
        code = "payer-ip-missing"
        return Observation(
            source=Source.RESPONSE, state=PaymentState.FAILED, merchant_ref=charge.merchant_ref, error_code=code
        ), CallRecord(
            operation="create",
            started_at=clock.now(),
            elapsed_ms=0,
            http_status=None,
            outcome_class=OutcomeClass.CONFIG,
            error_code=code,
        )

    async def query(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]:
        """Ask by our number, under which the first receipt is told; `provider_ref` is never needed."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(merchant_ref, safe='')}?mchid={self._config.mchid}"
        reply = await self._call("query", "GET", path)
        found = self._transaction(reply)
        if isinstance(found, Reply):
            return self._refused(found, Source.QUERY, merchant_ref)
        if found.out_trade_no != merchant_ref:
            return self._refused(reply.unusable("mismatch"), Source.QUERY, merchant_ref)
        return _payment(found, Source.QUERY, _digest(reply.body)), reply.record

    async def query_txn(self, provider_txn: str) -> tuple[Observation, CallRecord]:
        """Ask about one receipt by WeChat's number; `merchant_ref` is empty unless the answer names the order."""
        path = f"/v3/pay/transactions/id/{quote(provider_txn, safe='')}?mchid={self._config.mchid}"
        reply = await self._call("query", "GET", path)
        found = self._transaction(reply)
        if isinstance(found, Reply):
            return self._refused(found, Source.QUERY, "")
        if found.transaction_id != provider_txn:
            return self._refused(reply.unusable("mismatch"), Source.QUERY, "")
        return _payment(found, Source.QUERY, _digest(reply.body)), reply.record

    def _transaction(self, reply: Reply) -> protocol.Transaction | Reply:
        """The transaction in an answer, or the answer as one that has none of ours."""
        if reply.error_code is not None:
            return reply
        found = protocol.read(reply.body, protocol.Transaction)
        if found is None:
            return reply.unusable()
        return reply.unusable("mismatch") if self._is_foreign(found) else found

    async def close(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]:
        """Close the order. ``ORDERPAID`` is `unknown`: query for the amount and their number."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(merchant_ref, safe='')}/close"
        reply = await self._call("close", "POST", path, {"mchid": self._config.mchid})
        if reply.error_code is not None:
            return self._refused(reply, Source.CLOSE, merchant_ref)
        return Observation(source=Source.CLOSE, state=PaymentState.CLOSED, merchant_ref=merchant_ref), reply.record

    async def refund(self, refund: Refund) -> tuple[RefundObservation, CallRecord]:
        """Ask for a refund. An answer means accepted, not refunded; ``NOT_ENOUGH`` is repeated under the same number.

        With `provider_txn` that receipt is given back, else the first of the order; never send one number both ways.
        """
        amount = {"refund": refund.amount_minor, "total": refund.total_minor, "currency": refund.currency}
        body: dict[str, object] = {
            "out_refund_no": refund.refund_ref,
            "reason": _cut(refund.reason, 80),
            "amount": amount,
        }
        if refund.provider_txn:
            body["transaction_id"] = refund.provider_txn
        else:
            body["out_trade_no"] = refund.merchant_ref
        if refund.notify_url:
            body["notify_url"] = refund.notify_url
        reply = await self._call("refund", "POST", "/v3/refund/domestic/refunds", body)
        return self._refund_answer(reply, Source.REFUND, refund.refund_ref)

    async def query_refund(
        self, refund_ref: str, merchant_ref: str = "", provider_refund: str | None = None
    ) -> tuple[RefundObservation, CallRecord]:
        """Ask how a refund stands, by our number; the others are not needed."""
        path = f"/v3/refund/domestic/refunds/{quote(refund_ref, safe='')}"
        return self._refund_answer(await self._call("query_refund", "GET", path), Source.QUERY, refund_ref)

    async def bill(self, day: date) -> tuple[Bill | None, CallRecord]:
        """The trade bill of a day in Beijing: ready after 10:00 of the next day, kept for three months."""
        path = f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL&tar_type=GZIP"
        asked = await self._call("bill", "GET", path)
        if asked.error_code is not None:
            is_none = asked.proven and asked.error_code in dictionary.NO_BILL
            return None, asked.record if is_none else _not_had(asked.record)
        link = protocol.read(asked.body, protocol.BillLink)
        if link is None or link.hash_type != "SHA1":
            return None, asked.unusable().record
        target = self._calls.target_of(link.download_url)
        if target is None:
            return None, asked.unusable("foreign-download-url").record
        fetched = await self._call("bill", "GET", target, is_file=True)
        if fetched.error_code is not None:
            return None, _not_had(fetched.record)
        try:
            found = await asyncio.to_thread(self._bill, fetched.body, link, day)
        except bills.Refused as refused:
            return None, fetched.unusable(refused.code).record
        elapsed_ms = asked.record.elapsed_ms + fetched.record.elapsed_ms
        return found, msgspec.structs.replace(fetched.record, started_at=asked.record.started_at, elapsed_ms=elapsed_ms)

    def _bill(self, packed: bytes, link: protocol.BillLink, day: date) -> Bill:
        content = bills.opened(packed, link.hash_value)
        rows = bills.read(content, self._config.mchid, day)
        return Bill(provider=self.name, day=day, rows=rows, digest=sha256(content).hexdigest())

    async def _call(
        self, operation: str, method: str, target: str, body: dict[str, object] | None = None, *, is_file: bool = False
    ) -> Reply:
        timeout_s = self._timeouts_s[operation]
        return await self._calls.call(operation, method, target, body, timeout_s=timeout_s, is_file=is_file)

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

    def _refund_answer(self, reply: Reply, source: Source, ref: str) -> tuple[RefundObservation, CallRecord]:
        if reply.error_code is None:
            found = protocol.read(reply.body, protocol.DomesticRefund)
            if found is not None and found.out_refund_no == ref:
                return _refund(found, source, _digest(reply.body)), reply.record
            reply = reply.unusable("unreadable" if found is None else "mismatch")
        absent = reply.proven and reply.error_code in dictionary.NOT_FOUND
        return RefundObservation(
            source=source,
            state=RefundState.NOT_FOUND if absent else RefundState.UNKNOWN,
            refund_ref=ref,
            error_code=reply.error_code,
            raw_digest=_digest(reply.body),
        ), reply.record

    def _refused(self, reply: Reply, source: Source, ref: str) -> tuple[Observation, CallRecord]:
        """The observation of an answer that is not the wished one; definite only where it is proven and listed."""
        code, state = reply.error_code, PaymentState.UNKNOWN
        if reply.proven and code in dictionary.NOT_FOUND:
            state = PaymentState.NOT_FOUND
        elif reply.proven and code in dictionary.CLOSED:
            state = PaymentState.CLOSED
        elif reply.proven and code in dictionary.REFUSED and source is Source.RESPONSE:
            state = PaymentState.FAILED
        return Observation(
            source=source, state=state, merchant_ref=ref, error_code=code, raw_digest=_digest(reply.body)
        ), reply.record


def _not_had(record: CallRecord) -> CallRecord:
    """A refusal that tells nothing of the bill: the class must not be `ok`, which would mean that there is none."""
    is_ok = record.outcome_class is OutcomeClass.OK
    return msgspec.structs.replace(record, outcome_class=in_doubt("bill")) if is_ok else record


def _pay_url(body: bytes, return_url: str | None) -> str | None:
    """The link of an H5 order, with the way back."""
    placed = protocol.read(body, protocol.H5Url)
    if placed is None or not return_url:
        return None if placed is None else placed.h5_url
    return f"{placed.h5_url}&redirect_url={quote(return_url, safe='')}"


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
