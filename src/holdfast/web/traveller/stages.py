"""Where a payment stands, from the states of order, change and payment together. Pure; the words are in ``words``."""

from __future__ import annotations

from datetime import datetime

from holdfast import orders, payments
from holdfast.web.words import CHANGE_STAGES, PAYABLE, STAGES, Stage

SHOWN = {"native": "waiting", "qr": "waiting", "h5": "leaving", "page": "leaving", "card": "card"}
"""By method: a code to scan, a button that leads to the provider, fields for a card."""
BY_ATTEMPT = {
    payments.AttemptState.CREATED: "starting",
    payments.AttemptState.SUBMITTED: "starting",
    payments.AttemptState.UNKNOWN: "checking",
    payments.AttemptState.FAILED: "failed",
    payments.AttemptState.CLOSED: "failed",
    payments.AttemptState.SUCCEEDED: "mismatch",
}
ENDED = (payments.IntentState.EXPIRED, payments.IntentState.CANCELLED)


def stage_of(order: orders.Order, payment: payments.PaymentView | None, now: datetime) -> Stage:
    """The stage that the states of order and payment make together; money that came always shows first."""
    if order.state in (orders.State.CONFIRMED, orders.State.USED):
        return STAGES[_given(order, payment)]
    if order.state is orders.State.CANCELLED:
        return STAGES["cancelled"]
    if payment and payment.state is payments.IntentState.PAID:
        return STAGES["late" if order.state is orders.State.EXPIRED else "arrived"]
    if order.state is orders.State.EXPIRED:
        return STAGES[_ended(payment, "expired")]
    is_over = order.row.expires_at is not None and order.row.expires_at <= now
    if payment is None or payment.attempt_state is None:
        return STAGES["expired" if is_over else "choose"]
    if payment.in_doubt or is_over:
        return STAGES["checking"]
    return STAGES[_under_way(payment)]


def stage_of_change(order: orders.Order, change: orders.Change, payment: payments.PaymentView, now: datetime) -> Stage:
    """The same of the payment of a change's difference, which holds new places beside the old ones."""
    if order.state is orders.State.CANCELLED:
        return CHANGE_STAGES["cancelled"]
    if change.state is orders.ChangeState.DONE:
        return CHANGE_STAGES["paid"]
    if change.state is not orders.ChangeState.AWAITING_PAYMENT:
        withdrawn = change.state is orders.ChangeState.WITHDRAWN
        return CHANGE_STAGES[_ended(payment, "withdrawn" if withdrawn else "expired")]
    if payment.state is payments.IntentState.PAID:
        return CHANGE_STAGES["arrived"]
    if payment.state in ENDED:  # the places go back this moment
        return CHANGE_STAGES["withdrawn" if payment.state is payments.IntentState.CANCELLED else "expired"]
    is_over = payment.expires_at <= now
    if payment.attempt_state is None:
        return CHANGE_STAGES["expired" if is_over else "choose"]
    if payment.in_doubt or is_over:
        return CHANGE_STAGES["checking"]
    return CHANGE_STAGES[_under_way(payment)]


def is_promised(payment: payments.PaymentView | None, order: orders.Order) -> bool:
    """Whether an order was confirmed before it was paid, and still is to be paid."""
    given = order.state in (orders.State.CONFIRMED, orders.State.USED)
    return given and payment is not None and payment.state is payments.IntentState.DEFERRED


def _given(order: orders.Order, payment: payments.PaymentView | None) -> str:
    """Of an order that is confirmed: paid, or to be paid, perhaps with a payment begun since."""
    if payment is None or payment.state is payments.IntentState.PAID:
        return "paid"
    if payment.state in ENDED:
        return "unpaid"
    promised_at, begun_at = order.row.confirmed_at, payment.started_at
    if begun_at is None or promised_at is None or begun_at <= promised_at or payment.attempt_state is None:
        return "promised"  # what was begun before the promise may still keep it
    stage = "checking" if payment.in_doubt else _under_way(payment)
    return "promised" if stage in PAYABLE else stage


def _ended(payment: payments.PaymentView | None, otherwise: str) -> str:
    """Of what is over: money that came all the same is being looked at, or goes back."""
    if payment is None or payment.attempt_state is not payments.AttemptState.SUCCEEDED:
        return otherwise
    return "returned" if payment.refunds else "late"


def _under_way(payment: payments.PaymentView) -> str:
    """By the state of the attempt that is shown; one that can be paid, by what its payer does."""
    assert payment.attempt_state is not None
    if payment.attempt_state is payments.AttemptState.AWAITING_USER:
        payable = payment.code_url or payment.pay_url or payment.client_secret
        return SHOWN.get(payment.method or "", "starting") if payable else "starting"
    return BY_ATTEMPT[payment.attempt_state]
