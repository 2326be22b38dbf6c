"""Stripe's objects read as observations: pure, and the same for answers, queries and webhooks."""

from __future__ import annotations

from datetime import datetime

from . import stripe_protocol as protocol
from .base import Observation, PaymentState, RefundObservation, RefundState, Source


def payment(
    found: protocol.PaymentIntent, source: Source, digest: str | None, at: datetime | None = None
) -> Observation:
    """A payment intent as an observation. A status we do not know, or a success without its facts, is `unknown`.

    A decline leaves the intent payable: `awaiting_user` with the issuer's word. `at`: when an event says it was paid.
    """
    state, code = protocol.STATUSES.get(found.status), None
    charge = found.latest_charge if isinstance(found.latest_charge, protocol.Charge) else None
    txn = charge.id if charge is not None else found.latest_charge
    if state is None:
        state, code = PaymentState.UNKNOWN, f"status:{found.status[:32]}"
    elif state is PaymentState.SUCCEEDED and not (txn and found.amount_received):
        state, code = PaymentState.UNKNOWN, "incomplete"
    elif state is PaymentState.AWAITING_USER and found.last_payment_error is not None:
        code = found.last_payment_error.decline_code or found.last_payment_error.code
    paid = state is PaymentState.SUCCEEDED
    return Observation(
        source=source,
        state=state,
        merchant_ref=found.labels.merchant_ref,
        provider_ref=found.id,
        provider_txn=str(txn) if paid else None,
        amount_minor=found.amount_received if paid else found.amount,
        currency=found.currency.upper(),
        occurred_at=(protocol.moment(charge.created) if charge is not None else at) if paid else None,
        client_secret=found.client_secret if state is PaymentState.AWAITING_USER else None,
        error_code=code,
        raw_digest=digest,
        refunded=paid and charge is not None and charge.amount_refunded > 0,
    )


def receipt(found: protocol.Charge, source: Source, digest: str | None) -> Observation:
    """A charge as an observation of its payment. One that failed says nothing against the payment: it stays payable."""
    paid = found.status == "succeeded" and found.amount_captured > 0
    known = found.status in ("succeeded", "pending", "failed")
    code = found.failure_code if known else f"status:{found.status[:32]}"
    return Observation(
        source=source,
        state=PaymentState.SUCCEEDED if paid else PaymentState.AWAITING_USER if known else PaymentState.UNKNOWN,
        merchant_ref=found.labels.merchant_ref,
        provider_ref=found.payment_intent,
        provider_txn=found.id if paid else None,
        amount_minor=found.amount_captured if paid else found.amount,
        currency=found.currency.upper(),
        occurred_at=protocol.moment(found.created) if paid else None,
        error_code=code,
        raw_digest=digest,
        refunded=paid and found.amount_refunded > 0,
    )


def refund(found: protocol.Refund, source: Source, digest: str | None, at: datetime | None = None) -> RefundObservation:
    """A refund as an observation. `at`: when an event says it changed."""
    status = found.status or ""
    state = protocol.REFUND_STATUSES.get(status, RefundState.UNKNOWN)
    return RefundObservation(
        source=source,
        state=state,
        refund_ref=found.labels.refund_ref,
        merchant_ref=found.labels.merchant_ref or None,
        amount_minor=found.amount,
        currency=found.currency.upper(),
        provider_refund=found.id,
        occurred_at=(at or protocol.moment(found.created)) if state is RefundState.SUCCEEDED else None,
        error_code=f"refund-status:{status[:32]}" if state is RefundState.UNKNOWN else found.failure_reason,
        raw_digest=digest,
    )
