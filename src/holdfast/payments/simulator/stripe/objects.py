"""The objects as answers and events show them."""

from __future__ import annotations

from typing import Any

from holdfast.payments.simulator import times

from .account import Obj, token
from .cards import Card

API_VERSION = "2026-10-28.endive"


def now() -> int:
    """Whole seconds, as all their times are."""
    return int(times.now())


def payment_intent(amount: int, currency: str, description: str | None, metadata: dict[str, str]) -> Obj:
    """New: nobody has shown a card yet."""
    number = token("pi", 24)
    return {
        "id": number,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{number}_{token('secret', 25)}",
        "confirmation_method": "automatic",
        "created": now(),
        "currency": currency,
        "customer": None,
        "description": description,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata,
        "next_action": None,
        "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    }


def charge(intent: Obj, card: Card, amount: int) -> Obj:
    """One try to take the money, for good or ill."""
    why = card.decline
    return {
        "id": token("ch", 24),
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if why else amount,
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": why is None,
        "created": now(),
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_code": None if why is None else why[0],
        "failure_message": None if why is None else why[2],
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": _outcome(why),
        "paid": why is None,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"card": {"brand": card.brand, "last4": card.last4}, "type": "card"},
        "refunded": False,
        "status": "succeeded" if why is None else "failed",
    }


def _outcome(why: tuple[str, str, str] | None) -> dict[str, Any]:
    if why is None:
        return {"network_status": "approved_by_network", "reason": None, "type": "authorized"}
    return {"network_status": "declined_by_network", "reason": why[1] or why[0], "type": "issuer_declined"}


def refund(of: Obj, amount: int, reason: str | None, metadata: dict[str, str]) -> Obj:
    """Accepted; the money is on its way."""
    return {
        "id": token("re", 24),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": of["id"],
        "created": now(),
        "currency": of["currency"],
        "destination_details": {"card": {"type": "refund", "reference_status": "pending"}, "type": "card"},
        "metadata": metadata,
        "payment_intent": of["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "status": "pending",
    }


def balance_transaction(kind: str, source: Obj, amount: int, fee: int) -> Obj:
    """A movement of the balance; amounts out are negative."""
    details = [
        {"amount": fee, "currency": source["currency"], "description": "Stripe processing fees", "type": "stripe_fee"}
    ]
    return {
        "id": token("txn", 24),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now() + 2 * 86400,
        "created": now(),
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }


def dispute(of: Obj) -> Obj:
    """The payer's bank asks for the money back."""
    return {
        "id": token("du", 24),
        "object": "dispute",
        "amount": of["amount_captured"],
        "charge": of["id"],
        "created": now(),
        "currency": of["currency"],
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": of["payment_intent"],
        "reason": "fraudulent",
        "status": "needs_response",
    }


def event(kind: str, about: Obj, request: str | None, key: str | None) -> Obj:
    """News, with a snapshot of what it is about."""
    return {
        "id": token("evt", 24),
        "object": "event",
        "api_version": API_VERSION,
        "created": now(),
        "data": {"object": about},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": request, "idempotency_key": key},
        "type": kind,
    }


def endpoint(url: str, events: list[str]) -> Obj:
    """An address that wants news."""
    return {
        "id": token("we", 24),
        "object": "webhook_endpoint",
        "api_version": None,
        "created": now(),
        "description": None,
        "enabled_events": events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }
