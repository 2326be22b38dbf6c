"""What programs outside are told of payments: events for the outgoing webhooks, in the transaction that made them true."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast import notices
from holdfast.kit.db import Tx

from .model import Attempt, Intent, RefundRow


def _payment(intent: Intent, attempt: Attempt) -> dict[str, Any]:
    return {
        "payment_id": str(intent.id),
        "reference": intent.reference,
        "amount": {"amount_minor": intent.amount_minor, "currency": intent.currency},
        "provider": attempt.provider,
        "method": attempt.method,
        "merchant_ref": attempt.merchant_ref,
    }


async def paid(tx: Tx, intent: Intent, attempt: Attempt) -> None:
    await notices.publish(tx, "payment.paid", _payment(intent, attempt), subject=f"intent:{intent.id}")


async def late(tx: Tx, intent: Intent, attempt: Attempt) -> None:
    await notices.publish(tx, "payment.late", _payment(intent, attempt), subject=f"intent:{intent.id}")


async def refunded(tx: Tx, intent: Intent, attempt: Attempt) -> None:
    await notices.publish(tx, "payment.refunded", _payment(intent, attempt), subject=f"intent:{intent.id}")


async def refund(tx: Tx, event: str, intent_id: UUID, refund: RefundRow) -> None:
    """`event`: ``refund.requested``, ``refund.succeeded`` or ``refund.closed``."""
    data = {
        "payment_id": str(intent_id),
        "refund_id": str(refund.id),
        "refund_ref": refund.refund_ref,
        "amount": {"amount_minor": refund.amount_minor, "currency": refund.currency},
        "reason": refund.reason,
    }
    await notices.publish(tx, event, data, subject=f"intent:{intent_id}")


async def channel(tx: Tx, provider: str, method: str, before: str, after: str, reason: str) -> None:
    data = {"provider": provider, "method": method, "before": before, "after": after, "reason": reason}
    await notices.publish(tx, "channel.state_changed", data, subject=f"channel:{provider}/{method}")
