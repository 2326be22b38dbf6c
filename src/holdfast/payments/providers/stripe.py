"""The Stripe adapter: cards, by payment intents that the payer confirms in Stripe's own form.

Requests go through the `stripe` package; what is believed is the bytes that came back over TLS, read by our own shapes,
and webhooks only when signed. The protocol is in `stripe_protocol`, its dictionary in `stripe_errors`.

A payment intent has no expiry: `Charge.expires_at` cannot be given to Stripe. Whoever holds something for sale closes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import msgspec

from holdfast.kit import clock, http

from . import stripe_bills as bills
from . import stripe_errors as errors
from . import stripe_lookup as lookup
from . import stripe_protocol as protocol
from . import stripe_readings as readings
from .base import (
    Acknowledgement,
    Bill,
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
from .stripe_protocol import StripeConfig
from .stripe_wire import TIMEOUTS_S, Calls, Reply

__all__ = ["StripeCards", "StripeConfig", "load_config"]

BILL_PAGES_MAX = 5000
KEYS_MAX = 50
"""How many kept refusals of one refund are passed over before the last is reported: a day of asking twice an hour."""


def load_config(raw: bytes | str) -> StripeConfig:
    """The configuration in a JSON text. msgspec.ValidationError names the field that does not fit."""
    return msgspec.json.decode(raw, type=StripeConfig)


class StripeCards:
    """The adapter. One per merchant and version; keeps nothing but its keys and the HTTP client it was given."""

    name = "stripe"
    methods = ("card",)
    acknowledgement = Acknowledgement(200)
    exists_when_placed = True
    found_by_resending = True
    errors = errors.ERRORS

    def __init__(
        self,
        config: StripeConfig,
        client: http.Client,
        timeouts_s: Mapping[str, float] = TIMEOUTS_S,
        version: str = "2026-10",
        api_version: str = protocol.API_VERSION,
    ) -> None:
        self.version = version
        self.config = config
        self._calls = Calls(config, client, timeouts_s, version, api_version)

    async def create(self, charge: Charge) -> tuple[Observation, CallRecord]:
        """Place a payment intent for cards; `awaiting_user` carries the ``client_secret`` for Stripe.js."""
        parameters: Any = {
            "amount": charge.amount_minor,
            "currency": charge.currency.lower(),
            "description": charge.description[:500],
            "metadata": {"merchant_ref": charge.merchant_ref},
            "payment_method_types": ["card"],
        }
        reply = await self._create_once(parameters, charge.merchant_ref)
        for _ in range(KEYS_MAX):
            if not _is_kept_fault(reply):
                break
            found, looked = await lookup.payment(self._calls, charge.merchant_ref, "create")
            if found is not None:
                return readings.payment(found, Source.RESPONSE, _digest(looked.body)), looked.record
            if looked.error_code is not None:
                break
            reply = await self._create_once(parameters, f"{charge.merchant_ref}.{reply.kept}")
        return _payment(reply, Source.RESPONSE, charge.merchant_ref)

    async def query(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]:
        """Ask by their number; without it (the answer was lost) by ours, among what was searched and listed."""
        if provider_ref is None:
            found, reply = await lookup.payment(self._calls, merchant_ref)
            if found is None:
                return _unfound(reply, Source.QUERY, merchant_ref)
            return readings.payment(found, Source.QUERY, _digest(reply.body)), reply.record
        asked: Any = {"expand": ["latest_charge"]}
        reply = await self._calls.ask("query", lambda sdk: sdk.v1.payment_intents.retrieve_async(provider_ref, asked))
        return _payment(reply, Source.QUERY, merchant_ref, provider_ref)

    async def query_txn(self, provider_txn: str) -> tuple[Observation, CallRecord]:
        """Ask about one charge (``ch_…``)."""
        reply = await self._calls.ask("query", lambda sdk: sdk.v1.charges.retrieve_async(provider_txn))
        found = protocol.read(reply.body, protocol.Charge) if reply.error_code is None else None
        if found is None or found.id != provider_txn:
            return _refused(reply.refuted("unreadable" if found is None else "mismatch"), Source.QUERY, "")
        return readings.receipt(found, Source.QUERY, _digest(reply.body)), reply.record

    async def close(self, merchant_ref: str, provider_ref: str | None = None) -> tuple[Observation, CallRecord]:
        """Cancel the payment intent. Paid meanwhile: `unknown` and ``payment_intent_unexpected_state``; query next."""
        if provider_ref is None:
            found, reply = await lookup.payment(self._calls, merchant_ref)
            if found is None:
                return _unfound(reply, Source.CLOSE, merchant_ref)
            provider_ref = found.id
        intent = provider_ref
        # a key of its own: cancelling twice does no harm, and a kept refusal would hide that it has become possible
        options: Any = {"idempotency_key": f"{merchant_ref}.close.{uuid.uuid4().hex}"}
        reply = await self._calls.ask("close", lambda sdk: sdk.v1.payment_intents.cancel_async(intent, options=options))
        return _payment(reply, Source.CLOSE, merchant_ref, intent)

    async def refund(self, refund: Refund) -> tuple[RefundObservation, CallRecord]:
        """Ask for a refund of the charge, or else of the payment intent; the idempotency key is `refund_ref`.

        Stripe keeps the result of a key for 24 hours, refusals too: one for want of funds would outlive a top-up. A
        kept refusal means surely not done, so the refund goes out under a key made from the refused request's number,
        the same for whoever repeats it. A kept 5xx is no refusal, but its work has ended: when the payment's refunds,
        which a list tells without delay, have none of this reference, it goes out likewise.
        """
        target = {"charge": refund.provider_txn} if refund.provider_txn else {"payment_intent": refund.provider_ref}
        if not any(target.values()):
            found, reply = await lookup.payment(self._calls, refund.merchant_ref)
            if found is None:
                return _refund_refused(reply.refuted("payment-not-found"), Source.REFUND, refund.refund_ref)
            target = {"payment_intent": found.id}
        labels = {"refund_ref": refund.refund_ref, "merchant_ref": refund.merchant_ref, "reason": refund.reason[:500]}
        parameters: Any = {**target, "amount": refund.amount_minor, "metadata": labels}
        reply = await self._refund_once(parameters, refund.refund_ref)
        for _ in range(KEYS_MAX):
            if _is_kept_fault(reply):
                done, looked = await self._given(refund, target)
                if done is not None:
                    return readings.refund(done, Source.REFUND, _digest(looked.body)), looked.record
                if looked.error_code is not None:
                    break
            elif reply.failure is None or not reply.kept or reply.error_code in errors.KEY_CONFLICTS:
                break
            reply = await self._refund_once(parameters, f"{refund.refund_ref}.{reply.kept}")
        return _refund(reply, Source.REFUND, refund.refund_ref)

    async def query_refund(
        self, refund_ref: str, merchant_ref: str = "", provider_refund: str | None = None
    ) -> tuple[RefundObservation, CallRecord]:
        """Ask how a refund stands, by their number; without it among the refunds of our charge."""
        if provider_refund is not None:
            reply = await self._calls.ask("query_refund", lambda sdk: sdk.v1.refunds.retrieve_async(provider_refund))
            return _refund(reply, Source.QUERY, refund_ref)
        payment, reply = await lookup.payment(self._calls, merchant_ref, "query_refund")
        found = None
        if payment is not None:
            found, reply = await lookup.refund(self._calls, payment.id, refund_ref)
        if found is None:
            return _refund_refused(reply, Source.QUERY, refund_ref)
        return readings.refund(found, Source.QUERY, _digest(reply.body)), reply.record

    async def bill(self, day: date) -> tuple[Bill | None, CallRecord]:
        """The balance transactions of a UTC day. None with class `ok`: the day is not over, or had nothing."""
        start, end = bills.bounds(day)
        if clock.now() < end:
            return None, CallRecord(
                operation="bill",
                started_at=clock.now(),
                elapsed_ms=0,
                http_status=None,
                outcome_class=OutcomeClass.OK,
                error_code="day-not-over",
                host=self._calls.host,
            )
        window = {"gte": int(start.timestamp()), "lt": int(end.timestamp())}
        asked: dict[str, object] = {"created": window, "limit": lookup.PAGE, "expand": ["data.source"]}
        raw, found = list[bytes](), list[bills.BalanceTransaction]()
        for _ in range(BILL_PAGES_MAX):
            page, reply = await self._bill_page(asked)
            if page is None:
                return None, reply.record
            raw.append(reply.body)
            found += page.data
            if not page.has_more:
                break
            asked = {**asked, "starting_after": page.data[-1].id}
        else:
            return None, reply.refuted("too-many").record
        try:
            bill = bills.compiled(self.name, day, raw, found)
        except bills.Inconsistent:
            return None, reply.refuted("bill-inconsistent").record
        return (bill if bill.rows else None), reply.record

    def notification(self, headers: Mapping[str, str], raw: bytes) -> Notification:
        """What a webhook says: verified over the raw bytes. An event that is not about a payment or refund of ours,
        such as a dispute, bears no observation. Proven but unreadable is `unknown`: park it."""
        protocol.verify(self.config.webhook_secret, {name.lower(): value for name, value in headers.items()}, raw)
        event = protocol.read(raw, protocol.Event)
        if event is None:
            raise Forged("not-an-event")
        if self.config.livemode not in (None, event.livemode):
            raise Forged("other-mode")
        at, subject = protocol.moment(event.created), bytes(event.data.object)
        kind = protocol.read(subject, protocol.Kind)
        payment: Observation | None = None
        refund: RefundObservation | None = None
        if kind is not None and event.type.startswith(("payment_intent.", "charge.", "refund.")):
            if kind.object in ("payment_intent", "charge"):
                payment = _told(kind.object, subject, at)
            elif kind.object == "refund":
                refund = _refund_told(subject, at)
        return Notification(dedupe_key=event.id, kind=event.type, observation=payment, refund_observation=refund)

    async def announce(self, url: str) -> bool:
        """Has Stripe tell this address the events of `protocol.NEWS`, unless it does already; whether it does now.

        Charges cannot name an address: it belongs to the account. For simulators; on a real account the operator
        registers it once, because the secret that signs is shown only then and belongs into the configuration.
        """
        asked: Any = {"limit": lookup.PAGE}
        reply = await self._calls.ask("announce", lambda sdk: sdk.v1.webhook_endpoints.list_async(asked))
        known = protocol.read(reply.body, protocol.Endpoints) if reply.error_code is None else None
        if known is None or any(one.url == url and one.status == "enabled" for one in known.data):
            return known is not None
        new: Any = {"url": url, "enabled_events": list(protocol.NEWS)}
        reply = await self._calls.ask("announce", lambda sdk: sdk.v1.webhook_endpoints.create_async(new))
        return reply.error_code is None

    async def _create_once(self, parameters: Any, key: str) -> Reply:
        options: Any = {"idempotency_key": key}
        return await self._calls.ask("create", lambda sdk: sdk.v1.payment_intents.create_async(parameters, options))

    async def _given(self, refund: Refund, target: Mapping[str, str | None]) -> tuple[protocol.Refund | None, Reply]:
        """The refund of this reference among those of its payment, if it was done all the same."""
        payment_intent = target.get("payment_intent") or refund.provider_ref
        if payment_intent is None:
            found, reply = await lookup.payment(self._calls, refund.merchant_ref, "query_refund")
            if found is None:
                return None, reply.refuted("payment-not-found")
            payment_intent = found.id
        return await lookup.refund(self._calls, payment_intent, refund.refund_ref)

    async def _refund_once(self, parameters: Any, key: str) -> Reply:
        options: Any = {"idempotency_key": key}
        return await self._calls.ask("refund", lambda sdk: sdk.v1.refunds.create_async(parameters, options))

    async def _bill_page(self, asked: Any) -> tuple[bills.Page | None, Reply]:
        reply = await self._calls.ask("bill", lambda sdk: sdk.v1.balance_transactions.list_async(asked))
        page = protocol.read(reply.body, bills.Page) if reply.error_code is None else None
        if page is None or (page.has_more and not page.data):
            return None, reply.refuted("unreadable")
        return page, reply


def _is_kept_fault(reply: Reply) -> bool:
    """Whether Stripe repeats the 5xx that it has kept for our key: the request's work ended, with whatever result."""
    status = reply.record.http_status
    return (
        bool(reply.kept) and reply.failure is None and status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _payment(
    reply: Reply, source: Source, merchant_ref: str, provider_ref: str | None = None
) -> tuple[Observation, CallRecord]:
    """The observation of an answer that should be a payment intent: this one, and ours."""
    if reply.error_code is not None:
        return _refused(reply, source, merchant_ref, provider_ref)
    found = protocol.read(reply.body, protocol.PaymentIntent)
    if found is None:
        return _refused(reply.refuted("unreadable"), source, merchant_ref, provider_ref)
    if found.labels.merchant_ref != merchant_ref or provider_ref not in (None, found.id):
        return _refused(reply.refuted("mismatch"), source, merchant_ref, provider_ref)
    return readings.payment(found, source, _digest(reply.body)), reply.record


def _refused(
    reply: Reply, source: Source, merchant_ref: str, provider_ref: str | None = None
) -> tuple[Observation, CallRecord]:
    """The observation of an answer that is not the wished one; definite only where their words are."""
    state, code, failure = PaymentState.UNKNOWN, reply.error_code, reply.failure
    if failure is not None and code in errors.NOT_FOUND:
        state = PaymentState.NOT_FOUND
    elif failure is not None and code == errors.UNEXPECTED_STATE:
        about = failure.error.payment_intent
        if about is not None and about.id == provider_ref and about.status == "canceled":
            state = PaymentState.CLOSED
    elif failure is not None and source is Source.RESPONSE and code not in errors.KEY_CONFLICTS:
        refusing = reply.record.outcome_class in (OutcomeClass.CONFIG, OutcomeClass.DECLINE)
        state = PaymentState.FAILED if refusing and failure.error.type in errors.REFUSING_TYPES else state
    return Observation(
        source=source,
        state=state,
        merchant_ref=merchant_ref,
        provider_ref=provider_ref,
        error_code=code,
        raw_digest=_digest(reply.body),
    ), reply.record


def _unfound(reply: Reply, source: Source, merchant_ref: str) -> tuple[Observation, CallRecord]:
    """Nothing was found: `not_found` when the search and the list went well, else `unknown`."""
    state = PaymentState.NOT_FOUND if reply.error_code is None else PaymentState.UNKNOWN
    return Observation(
        source=source, state=state, merchant_ref=merchant_ref, error_code=reply.error_code,
        raw_digest=_digest(reply.body),
    ), reply.record  # fmt: skip


def _refund(reply: Reply, source: Source, refund_ref: str) -> tuple[RefundObservation, CallRecord]:
    """The observation of an answer that should be our refund."""
    found = protocol.read(reply.body, protocol.Refund) if reply.error_code is None else None
    if found is None:
        return _refund_refused(reply.refuted("unreadable"), source, refund_ref)
    if found.labels.refund_ref != refund_ref:
        return _refund_refused(reply.refuted("mismatch"), source, refund_ref)
    return readings.refund(found, source, _digest(reply.body)), reply.record


def _refund_refused(reply: Reply, source: Source, refund_ref: str) -> tuple[RefundObservation, CallRecord]:
    """`not_found` when a question was answered so, in words or by an empty list; everything else is `unknown`."""
    absent = source is Source.QUERY and (
        reply.error_code is None or (reply.failure is not None and reply.error_code in errors.NOT_FOUND)
    )
    return RefundObservation(
        source=source,
        state=RefundState.NOT_FOUND if absent else RefundState.UNKNOWN,
        refund_ref=refund_ref,
        error_code=reply.error_code,
        raw_digest=_digest(reply.body),
    ), reply.record


def _told(kind: str, subject: bytes, at: datetime) -> Observation | None:
    """What an event says of a payment; None when it does not bear our reference: it was made elsewhere."""
    seen: Observation | None = None
    if kind == "charge":
        charge = protocol.read(subject, protocol.Charge)
        seen = None if charge is None else readings.receipt(charge, Source.CALLBACK, _digest(subject))
    else:
        intent = protocol.read(subject, protocol.PaymentIntent)
        seen = None if intent is None else readings.payment(intent, Source.CALLBACK, _digest(subject), at)
    if seen is None:
        return Observation(
            source=Source.CALLBACK, state=PaymentState.UNKNOWN, merchant_ref="", error_code="unreadable",
            raw_digest=_digest(subject),
        )  # fmt: skip
    return seen if seen.merchant_ref else None


def _refund_told(subject: bytes, at: datetime) -> RefundObservation | None:
    """What an event says of a refund; None when it does not bear our reference: it was made elsewhere."""
    found = protocol.read(subject, protocol.Refund)
    if found is None:
        return RefundObservation(
            source=Source.CALLBACK, state=RefundState.UNKNOWN, refund_ref="", error_code="unreadable",
            raw_digest=_digest(subject),
        )  # fmt: skip
    return readings.refund(found, Source.CALLBACK, _digest(subject), at) if found.labels.refund_ref else None


def _digest(raw: bytes) -> str | None:
    return sha256(raw).hexdigest() if raw else None
