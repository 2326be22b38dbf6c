"""Where a payment stands, as its page says it: money that came always shows first, and doubt is never called failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from holdfast import orders, payments
from holdfast.kit import clock
from holdfast.orders.model import OrderRow
from holdfast.web.traveller.payments import stage_of


def order(state: str, *, over: bool = False) -> orders.Order:
    now = clock.now()
    until = now + timedelta(minutes=-1 if over else 10)
    row = OrderRow(
        uuid4(), "7K3QF90XMA", uuid4(), orders.State(state), 6000, "CNY", "138****8000", "zh", "web", now, until, None, None
    )  # fmt: skip
    return orders.Order(row, [], [], [])


def payment(state: str, attempt: str | None, *, in_doubt: bool = False) -> payments.PaymentView:
    values: dict[str, Any] = {
        "method": "wechatpay", "code_url": None, "merchant_ref": None, "error_code": None, "expires_at": clock.now(),
        "paid_at": None, "refunds": [],
    }  # fmt: skip
    return payments.PaymentView(
        state=payments.IntentState(state),
        in_doubt=in_doubt,
        attempt_state=payments.AttemptState(attempt) if attempt else None,
        **values,
    )


STAGES = [
    (order("held"), None, "choose"),
    (order("held", over=True), None, "expired"),
    (order("awaiting_payment"), payment("open", "created"), "starting"),
    (order("awaiting_payment"), payment("open", "submitted"), "starting"),
    (order("awaiting_payment"), payment("open", "awaiting_user"), "waiting"),
    (order("awaiting_payment"), payment("open", "unknown", in_doubt=True), "checking"),
    (order("awaiting_payment"), payment("open", "failed", in_doubt=True), "checking"),
    (order("awaiting_payment"), payment("open", "failed"), "failed"),
    (order("awaiting_payment"), payment("open", "closed"), "failed"),
    (order("awaiting_payment", over=True), payment("open", "awaiting_user"), "checking"),
    (order("awaiting_payment"), payment("paid", "succeeded"), "arrived"),
    (order("awaiting_payment", over=True), payment("paid", "succeeded"), "arrived"),
    (order("expired"), payment("expired", "closed"), "expired"),
    (order("expired"), payment("expired", "succeeded"), "late"),
    (order("cancelled"), payment("cancelled", "closed"), "cancelled"),
    (order("confirmed"), payment("paid", "succeeded"), "paid"),
    (order("confirmed"), None, "paid"),
    (order("used"), payment("paid", "succeeded"), "paid"),
]


@pytest.mark.parametrize(("of", "paid", "stage"), STAGES)
def test_the_stage_of_a_payment(of: orders.Order, paid: payments.PaymentView | None, stage: str) -> None:
    assert stage_of(of, paid, clock.now()).name == stage


def test_every_attempt_state_has_a_stage() -> None:
    for state in payments.AttemptState:
        assert stage_of(order("awaiting_payment"), payment("open", state.value), clock.now())


@pytest.mark.parametrize("stage", ["starting", "waiting", "checking", "arrived"])
def test_a_stage_that_may_change_by_itself_is_looked_at_again(stage: str) -> None:
    of, paid, _ = next(row for row in STAGES if row[2] == stage)
    assert stage_of(of, paid, clock.now()).moves
