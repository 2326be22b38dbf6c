"""The events that others can subscribe to: what each says, and an example of its data.

Data names things and sums, never people: who needs more asks the API. Amounts are minor units, moments ISO 8601.
"""

from __future__ import annotations

from typing import Any

import msgspec

TEST = "webhook.test"
"""Sent on demand to one subscription; nobody subscribes to it."""


class EventKind(msgspec.Struct, frozen=True):
    """An English sentence (Chinese in zh.po) and data as it may come."""

    description: str
    example: dict[str, Any]


_PAYMENT: dict[str, Any] = {
    "payment_id": "01980d5e-6b1c-7c39-9a55-0d6a5b1f2c11",
    "reference": "order:01980d5e-5a00-7e77-8c1b-3f4e5d6c7b8a",
    "amount": {"amount_minor": 12000, "currency": "CNY"},
    "provider": "wechatpay",
    "method": "native",
    "merchant_ref": "HF01980D5E7F207D118F0E5A1C9BE07D",
}
_REFUND: dict[str, Any] = {
    "payment_id": "01980d5e-6b1c-7c39-9a55-0d6a5b1f2c11",
    "refund_id": "01980d61-1a90-7b06-b2d7-7ad0c1e55f08",
    "refund_ref": "HFR01980D611A907B06B2D77AD0C1E55F08",
    "amount": {"amount_minor": 12000, "currency": "CNY"},
    "reason": "order cancelled",
}
_ORDER: dict[str, Any] = {"number": "7K3QF90XMA", "total": {"amount_minor": 12000, "currency": "CNY"}}

_SUPPLY: dict[str, Any] = {
    "partner_id": "old-city-noodles",
    "product_ids": ["rest-01-set"],
    "last_word_at": "2026-11-27T08:00:00Z",
    "holds_until": "2026-11-27T10:00:00Z",
}

EVENTS: dict[str, EventKind] = {
    "payment.paid": EventKind("The money for a payment has come, in the right sum and in time.", _PAYMENT),
    "payment.late": EventKind("Money came after its payment had ended.", _PAYMENT),
    "payment.refunded": EventKind("All the money of a payment has gone back.", _PAYMENT),
    "refund.requested": EventKind("Money was promised back; the provider is being asked.", _REFUND),
    "refund.succeeded": EventKind("The provider has sent money back.", _REFUND),
    "refund.closed": EventKind("The provider has closed a refund without giving anything back.", _REFUND),
    "order.confirmed": EventKind("An order is confirmed: its places are certain.", _ORDER | {"state": "confirmed"}),
    "order.cancelled": EventKind("An order was cancelled.", _ORDER | {"state": "cancelled"}),
    "order.changed": EventKind(
        "An order moved to another date or time, or is for fewer people; tickets issued before are void.",
        {"number": "7K3QF90XMA"},
    ),
    "order.expired": EventKind(
        "An order was not paid in time; its places are free again.", _ORDER | {"state": "expired"}
    ),
    "supply.stale": EventKind("A supplier should confirm soon, or the sale of its places will rest.", _SUPPLY),
    "supply.silent": EventKind("A supplier was not heard of in time; the sale of its places rests.", _SUPPLY),
    "supply.barred": EventKind("The sale of a supplier's places rests until it answers.", _SUPPLY),
    "supply.recovered": EventKind("A supplier was heard of again; its places are sold again.", _SUPPLY),
    "supply.asked": EventKind(
        "Bookings wait for the answer of a supplier.",
        {"partner_id": "old-city-noodles", "bookings": ["7K3QF90XMA"], "due_at": "2026-11-27T11:00:00Z"},
    ),
    "campaign.stopped": EventKind(
        "A campaign was stopped, by its guard or by a person; what it granted stays granted.",
        {
            "campaign_id": "spring-2027",
            "version": 3,
            "reason": "envelope",
            "incident_id": "01980d6a-71e2-4d0c-9c52-1f0b8a4e7d33",
            "orders": 9,
            "amount": {"amount_minor": 54000, "currency": "CNY"},
        },
    ),
    "channel.state_changed": EventKind(
        "A way to pay changed its state.",
        {"provider": "wechatpay", "method": "native", "before": "healthy", "after": "degraded", "reason": "timeouts"},
    ),
    "sign_in.breaker_changed": EventKind(
        "A way to sign in fails for everybody, or works again.",
        {"method": "password", "state": "open", "reason": "fails-for-everybody"},
    ),
}
"""Name → what it says and an example of its data."""
