"""Payment intents: placed by the merchant, confirmed by the payer's card, cancelled by the merchant. They never expire."""

from __future__ import annotations

from holdfast.payments.simulator import times

from . import account, objects
from .account import Obj
from .cards import DEFAULT, Card
from .events import News
from .refusals import Refusal, declined, invalid

CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
FEE_PERMILLE, FEE_FIXED = 29, 30
UNAUTHENTICATED = (
    "payment_intent_authentication_failure",
    "",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)


def place(news: News, amount: int, currency: str, description: str | None, metadata: dict[str, str]) -> Obj:
    """A new payment intent for cards."""
    intent = objects.payment_intent(amount, currency, description, metadata)
    account.add(news.db, intent, number=metadata.get("merchant_ref", ""), token=account.token("challenge", 32))
    news.tell("payment_intent.created", intent)
    return intent


def confirm(news: News, intent: Obj, card: Card | None, return_url: str, origin: str) -> Obj:
    """The payer shows a card: paid, asked by the bank, or declined (then the Refusal is what the caller answers)."""
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "confirm", CONFIRMABLE)
    if card is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise invalid(message, code="payment_intent_unexpected_state", payment_intent=intent)
    intent |= {"payment_method": account.token("pm", 24), "last_payment_error": None}
    if not card.challenge:
        return take(news, intent, card)
    token = account.aside(news.db, intent["id"])["token"]
    url = f"{origin}/stripe/challenge/{token}"
    intent |= {
        "status": "requires_action",
        "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": return_url or None}},
    }
    account.keep(news.db, intent, card=card.number, return_url=return_url)
    news.tell("payment_intent.requires_action", intent)
    return intent


def take(news: News, intent: Obj, card: Card = DEFAULT, amount: int | None = None) -> Obj:
    """The card is charged; a decline leaves the intent payable and is told by its `last_payment_error`."""
    if intent["payment_method"] is None:
        intent["payment_method"] = account.token("pm", 24)
    charge = objects.charge(intent, card, intent["amount"] if amount is None else amount)
    intent |= {"latest_charge": charge["id"], "next_action": None}
    if card.decline is not None:
        account.add(news.db, charge, owner=intent["id"])
        news.tell("charge.failed", charge)
        return refuse(news, intent, card.decline, charge["id"])
    taken = charge["amount_captured"]
    fee = min(taken, taken * FEE_PERMILLE // 1000 + FEE_FIXED)
    moved = objects.balance_transaction("charge", charge, taken, fee)
    charge["balance_transaction"] = moved["id"]
    account.add(news.db, charge, owner=intent["id"])
    account.add(news.db, moved, owner=charge["id"])
    intent |= {"status": "succeeded", "amount_received": taken, "last_payment_error": None}
    account.keep(news.db, intent, paid_at=times.now())
    news.tell("charge.succeeded", charge)
    news.tell("payment_intent.succeeded", intent)
    if card.disputed:
        charge["disputed"] = True
        account.keep(news.db, charge)
        news.tell("charge.dispute.created", account.add(news.db, objects.dispute(charge), owner=charge["id"]))
    return intent


def refuse(news: News, intent: Obj, why: tuple[str, str, str], charge: str | None = None) -> Obj:
    """A try has failed; another card may be shown."""
    error = declined(*why).error | ({"charge": charge} if charge else {})
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
    }
    account.keep(news.db, intent)
    news.tell("payment_intent.payment_failed", intent)
    return intent


def cancel(news: News, intent: Obj, reason: str | None) -> Obj:
    """No card can pay it any more. Refused once it is paid or cancelled."""
    if intent["status"] not in CANCELABLE:
        raise unexpected(intent, "cancel", CANCELABLE)
    intent |= {
        "status": "canceled",
        "canceled_at": objects.now(),
        "cancellation_reason": reason,
        "next_action": None,
    }
    account.keep(news.db, intent)
    news.tell("payment_intent.canceled", intent)
    return intent


def unexpected(intent: Obj, verb: str, allowed: tuple[str, ...]) -> Refusal:
    """400 ``payment_intent_unexpected_state``, with the intent as it is."""
    message = (
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
        f" Only a PaymentIntent with one of the following statuses may be {verb}ed: {', '.join(allowed)}."
    )
    return invalid(message, code="payment_intent_unexpected_state", payment_intent=intent)
