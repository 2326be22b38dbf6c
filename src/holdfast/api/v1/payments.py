"""The payment of an order: starting it and watching it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from holdfast import orders, payments
from holdfast.api.endpoint import Call
from holdfast.kit.money import Money


class RefundAnswer(msgspec.Struct, frozen=True):
    """Money on its way back."""

    amount: Money
    state: str
    reason: str
    created_at: datetime
    finished_at: datetime | None


class PaymentAnswer(msgspec.Struct, frozen=True):
    """Where the payment stands. `in_doubt`: the provider has not said yet whether money came; places stay held.

    `code_url` is what the payer's app scans, as long as it can be paid.
    """

    state: Literal["not_started", "open", "paid", "expired", "cancelled"]
    amount: Money
    in_doubt: bool = False
    method: str | None = None
    attempt_state: str | None = None
    code_url: str | None = None
    error_code: str | None = None
    expires_at: datetime | None = None
    paid_at: datetime | None = None
    refunds: list[RefundAnswer] = []


async def payment(call: Call) -> PaymentAnswer:
    """How the payment of an order stands."""
    async with call.db.reading() as tx:
        order = await orders.require(tx, call.session.account_id, call.path("number"))
        return _answer(order, await orders.payment_of(tx, order))


async def pay(call: Call) -> PaymentAnswer:
    """Starts the payment of an order, or finds the one under way; safe to repeat."""
    order = await call.db.read(orders.require, call.session.account_id, call.path("number"))
    return _answer(order, await orders.pay(call.db, call.actor, order))


def _answer(order: orders.Order, view: payments.PaymentView | None) -> PaymentAnswer:
    if view is None:
        return PaymentAnswer("not_started", order.total, expires_at=order.row.expires_at)
    return PaymentAnswer(
        state=view.state.value,
        amount=order.total,
        in_doubt=view.in_doubt,
        method=view.method,
        attempt_state=view.attempt_state,
        code_url=view.code_url,
        error_code=view.error_code,
        expires_at=view.expires_at,
        paid_at=view.paid_at,
        refunds=[
            RefundAnswer(
                Money(refund.amount_minor, refund.currency),
                refund.state,
                refund.reason,
                refund.created_at,
                refund.finished_at,
            )
            for refund in view.refunds
        ],
    )
