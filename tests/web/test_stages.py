"""Where a payment stands, as its page says it: money that came always shows first, and doubt is never called failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from holdfast import orders, payments
from holdfast.kit import clock
from holdfast.orders.model import OrderRow
from holdfast.web import words
from holdfast.web.traveller.stages import SHOWN, stage_of, stage_of_change

BEFORE, AFTER = timedelta(minutes=-5), timedelta(minutes=5)
"""A payment that was begun before or after its order was confirmed."""


def order(state: str, *, over: bool = False) -> orders.Order:
    now = clock.now()
    until = now + (timedelta(minutes=-1) if over else timedelta(days=1))  # the table is made when tests are collected
    confirmed_at = now if state in ("confirmed", "used") else None
    row = OrderRow(
        uuid4(), "7K3QF90XMA", uuid4(), orders.State(state), 6000, "CNY", "138****8000", "zh", "web", now, until, confirmed_at, None
    )  # fmt: skip
    return orders.Order(row, [], [], [])


def payment(
    state: str, attempt: str | None, *, method: str = "native", in_doubt: bool = False, begun: timedelta = BEFORE, refunds: int = 0
) -> payments.PaymentView:  # fmt: skip
    payable = attempt == "awaiting_user"
    values: dict[str, Any] = {
        "provider": "wechatpay", "code_url": "weixin://x" if payable and method in ("native", "qr") else None,
        "pay_url": "https://x" if payable and method in ("h5", "page") else None,
        "client_secret": "x" if payable and method == "card" else None, "merchant_ref": None, "error_code": None,
        "expires_at": clock.now(), "due_at": None, "paid_at": None, "abandoned": [], "refunds": [None] * refunds,
    }  # fmt: skip
    return payments.PaymentView(
        intent_id=uuid4(),
        state=payments.IntentState(state),
        in_doubt=in_doubt,
        attempt_state=payments.AttemptState(attempt) if attempt else None,
        method=method,
        started_at=clock.now() + begun if attempt else None,
        **values,
    )


STAGES = [
    (order("held"), None, "choose"),
    (order("held", over=True), None, "expired"),
    (order("awaiting_payment"), payment("open", None), "choose"),
    (order("awaiting_payment"), payment("open", "created"), "starting"),
    (order("awaiting_payment"), payment("open", "submitted"), "starting"),
    (order("awaiting_payment"), payment("open", "awaiting_user"), "waiting"),
    (order("awaiting_payment"), payment("open", "awaiting_user", method="qr"), "waiting"),
    (order("awaiting_payment"), payment("open", "awaiting_user", method="h5"), "leaving"),
    (order("awaiting_payment"), payment("open", "awaiting_user", method="page"), "leaving"),
    (order("awaiting_payment"), payment("open", "awaiting_user", method="card"), "card"),
    (order("awaiting_payment"), payment("open", "awaiting_user", method="desk"), "starting"),
    (order("awaiting_payment"), payment("open", "unknown", in_doubt=True), "checking"),
    (order("awaiting_payment"), payment("open", "unknown"), "checking"),
    (order("awaiting_payment"), payment("open", "failed", in_doubt=True), "checking"),
    (order("awaiting_payment"), payment("open", "failed"), "failed"),
    (order("awaiting_payment"), payment("open", "closed"), "failed"),
    (order("awaiting_payment"), payment("open", "succeeded"), "mismatch"),
    (order("awaiting_payment", over=True), payment("open", "awaiting_user"), "checking"),
    (order("awaiting_payment"), payment("paid", "succeeded"), "arrived"),
    (order("awaiting_payment", over=True), payment("paid", "succeeded"), "arrived"),
    (order("expired"), payment("expired", "closed"), "expired"),
    (order("expired"), payment("expired", "succeeded"), "late"),
    (order("expired"), payment("paid", "succeeded"), "late"),
    (order("expired"), payment("expired", "succeeded", refunds=1), "returned"),
    (order("cancelled"), payment("cancelled", "closed"), "cancelled"),
    (order("cancelled"), payment("paid", "succeeded", refunds=1), "cancelled"),
    (order("confirmed"), payment("paid", "succeeded"), "paid"),
    (order("confirmed"), None, "paid"),
    (order("used"), payment("paid", "succeeded"), "paid"),
    (order("confirmed"), payment("deferred", None), "promised"),
    (order("used"), payment("deferred", None), "promised"),
    (order("confirmed"), payment("deferred", "unknown", in_doubt=True), "promised"),
    (order("confirmed"), payment("deferred", "awaiting_user"), "promised"),
    (order("confirmed"), payment("deferred", "awaiting_user", begun=AFTER), "waiting"),
    (order("confirmed"), payment("deferred", "awaiting_user", method="page", begun=AFTER), "leaving"),
    (order("confirmed"), payment("deferred", "created", begun=AFTER), "starting"),
    (order("confirmed"), payment("deferred", "unknown", in_doubt=True, begun=AFTER), "checking"),
    (order("confirmed"), payment("deferred", "failed", begun=AFTER), "promised"),
    (order("confirmed"), payment("expired", "closed"), "unpaid"),
    (order("used"), payment("expired", None), "unpaid"),
]


@pytest.mark.parametrize(("of", "paid", "stage"), STAGES)
def test_the_stage_of_a_payment(of: orders.Order, paid: payments.PaymentView | None, stage: str) -> None:
    assert stage_of(of, paid, clock.now()).name == stage


@pytest.mark.parametrize("state", orders.State)
@pytest.mark.parametrize("intent", payments.IntentState)
def test_every_combination_of_states_has_a_stage(state: orders.State, intent: payments.IntentState) -> None:
    for attempt in (None, *payments.AttemptState):
        for method in (*SHOWN, "desk"):
            for over in (False, True):
                assert stage_of(order(state, over=over), payment(intent, attempt, method=method), clock.now())


def test_every_stage_but_the_outage_is_reached() -> None:
    assert {stage for _, _, stage in STAGES} == set(words.STAGES) - {"outage"}


@pytest.mark.parametrize("stage", ["starting", "waiting", "leaving", "card", "checking", "arrived", "late"])
def test_a_stage_that_may_change_by_itself_is_looked_at_again(stage: str) -> None:
    of, paid, _ = next(row for row in STAGES if row[2] == stage)
    assert stage_of(of, paid, clock.now()).moves


# Of the difference of a change


def change(state: str) -> orders.Change:
    waits, now = state == "awaiting_payment", clock.now()
    return orders.Change(
        id=uuid4(), order_id=uuid4(), seq=1, state=orders.ChangeState(state), from_slot=uuid4(), to_slot=uuid4(), old_minor=6000,
        new_minor=9000, fee_minor=0, due_minor=3000, currency="CNY", benefit_id=None, intent_id=uuid4(), asked_by="x", asked_at=now,
        expires_at=now, ended_at=None if waits else now,
    )  # fmt: skip


def due(state: str, attempt: str | None, *, over: bool = False, **more: Any) -> payments.PaymentView:
    """A payment of a difference; its time to be paid is over or long."""
    until = clock.now() + (timedelta(minutes=-1) if over else timedelta(days=1))
    return msgspec.structs.replace(payment(state, attempt, **more), expires_at=until)


WAITS, CHANGED, LAPSED, WITHDRAWN = (change(state) for state in ("awaiting_payment", "done", "lapsed", "withdrawn"))
DIFFERENCES = [
    (WAITS, due("open", None), "choose"),
    (WAITS, due("open", None, over=True), "expired"),
    (WAITS, due("open", "created"), "starting"),
    (WAITS, due("open", "awaiting_user"), "waiting"),
    (WAITS, due("open", "awaiting_user", method="page"), "leaving"),
    (WAITS, due("open", "awaiting_user", method="card"), "card"),
    (WAITS, due("open", "awaiting_user", over=True), "checking"),
    (WAITS, due("open", "unknown", in_doubt=True), "checking"),
    (WAITS, due("open", "unknown", in_doubt=True, over=True), "checking"),
    (WAITS, due("open", "closed"), "failed"),
    (WAITS, due("open", "succeeded"), "mismatch"),
    (WAITS, due("paid", "succeeded"), "arrived"),
    (WAITS, due("paid", "succeeded", over=True), "arrived"),
    (WAITS, due("cancelled", "closed"), "withdrawn"),
    (WAITS, due("expired", "closed", over=True), "expired"),
    (CHANGED, due("paid", "succeeded", over=True), "paid"),
    (LAPSED, due("expired", None, over=True), "expired"),
    (LAPSED, due("expired", "closed", over=True), "expired"),
    (LAPSED, due("expired", "succeeded", over=True), "late"),
    (LAPSED, due("expired", "succeeded", over=True, refunds=1), "returned"),
    (WITHDRAWN, due("cancelled", "closed"), "withdrawn"),
    (WITHDRAWN, due("cancelled", "succeeded", refunds=1), "returned"),
]


@pytest.mark.parametrize(("of", "paid", "stage"), DIFFERENCES)
def test_the_stage_of_the_payment_of_a_difference(of: orders.Change, paid: payments.PaymentView, stage: str) -> None:
    assert stage_of_change(order("confirmed"), of, paid, clock.now()) is words.CHANGE_STAGES[stage]
    assert stage_of_change(order("cancelled"), of, paid, clock.now()) is words.CHANGE_STAGES["cancelled"]


@pytest.mark.parametrize("state", orders.ChangeState)
@pytest.mark.parametrize("intent", payments.IntentState)
def test_every_combination_of_a_change_and_its_payment_has_a_stage(
    state: orders.ChangeState, intent: payments.IntentState
) -> None:
    for attempt in (None, *payments.AttemptState):
        for method in (*SHOWN, "desk"):
            for over in (False, True):
                paid = due(intent, attempt, method=method, over=over)
                assert stage_of_change(order("confirmed"), change(state), paid, clock.now())


def test_every_stage_of_a_difference_but_the_outage_is_reached() -> None:
    assert {stage for _, _, stage in DIFFERENCES} | {"cancelled", "outage"} == set(words.CHANGE_STAGES)


def test_no_stage_of_a_difference_tells_the_fate_of_an_order() -> None:
    said = " ".join(text for stage in words.CHANGE_STAGES.values() for text in (stage.headline, *stage.says))
    for words_of_an_order in ("went back on sale", "Your visit is confirmed", "confirming your visit"):
        assert words_of_an_order not in said
