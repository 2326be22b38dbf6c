"""Refunds: of a charge or of a payment intent's charge; pending for a moment, then succeeded, failed or cancelled."""

from __future__ import annotations

from holdfast.payments.simulator import times

from . import account, objects
from .account import Obj
from .events import News
from .refusals import Refusal, invalid, missing

STATUSES = {"SUCCESS": "succeeded", "CLOSED": "canceled", "ABNORMAL": "failed"}
WORDS = {"succeeded": "SUCCESS", "canceled": "CLOSED", "failed": "ABNORMAL", "pending": "PROCESSING"}


def charge_of(news: News, charge: str | None, intent: str | None) -> Obj:
    """What is to be refunded; a Refusal when there is none or nothing was paid."""
    if charge is None:
        found = account.get(news.db, "payment_intent", intent or "")
        if found is None:
            raise missing("payment_intent", intent or "", "payment_intent")
        if found["status"] != "succeeded":
            message = f"This PaymentIntent ({found['id']}) does not have a successful charge to refund."
            raise invalid(message, code="payment_intent_unexpected_state", payment_intent=found)
        charge = str(found["latest_charge"])
    of = account.get(news.db, "charge", charge)
    if of is None:
        raise missing("charge", charge, "charge")
    if not of["paid"]:
        raise invalid(f"Charge {of['id']} has not been paid.", param="charge")
    return of


def accept(
    news: News, of: Obj, amount: int | None, reason: str | None, metadata: dict[str, str], settles_at: float | None
) -> Obj:
    """A new refund; the balance and the charge are changed at once. Never more than was charged."""
    left = of["amount_captured"] - of["amount_refunded"]
    if of["disputed"]:
        raise invalid(f"Charge {of['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left == 0:
        raise invalid(f"Charge {of['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if amount is None else amount
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise invalid(message, param="amount")
    refund = objects.refund(of, amount, reason, metadata)
    moved = objects.balance_transaction("refund", refund, -amount, 0)
    refund["balance_transaction"] = moved["id"]
    number = metadata.get("refund_ref", "")
    account.add(news.db, refund, number=number, owner=of["id"], settles_at=settles_at)
    account.add(news.db, moved, owner=refund["id"])
    _give_back(news, of, amount)
    news.tell("refund.created", refund)
    news.tell("charge.refunded", of)
    return refund


def settle(news: News, refund: Obj, status: str) -> Obj:
    """A pending refund reaches its end; later words change nothing."""
    if refund["status"] != "pending":
        return refund
    refund["status"] = STATUSES[status]
    if status != "SUCCESS":
        refund["failure_reason"] = "expired_or_canceled_card" if status == "ABNORMAL" else "merchant_request"
        moved = objects.balance_transaction("refund_failure", refund, refund["amount"], 0)
        refund["failure_balance_transaction"] = moved["id"]
        account.add(news.db, moved, owner=refund["id"])
        of = account.get(news.db, "charge", refund["charge"])
        assert of is not None
        _give_back(news, of, -refund["amount"])
    account.keep(news.db, refund, settled_at=times.now())
    news.tell("refund.updated", refund)
    if status == "ABNORMAL":
        news.tell("refund.failed", refund)
    return refund


def _give_back(news: News, of: Obj, amount: int) -> None:
    of["amount_refunded"] += amount
    of["refunded"] = of["amount_refunded"] == of["amount_captured"]
    account.keep(news.db, of)


def no_funds(request: str) -> Refusal:
    """400: the balance does not cover it. The one refusal of theirs that has a `message_code` and no code."""
    message = "Insufficient funds in your Stripe balance to refund this amount."
    url = f"https://dashboard.stripe.com/test/logs/{request}"
    return invalid(message, message_code="insufficient_balance_for_refund", request_log_url=url)
