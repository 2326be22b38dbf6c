"""Test cards: what each number does, as https://docs.stripe.com/testing lists them."""

from __future__ import annotations

import msgspec

from holdfast.payments.simulator import times

from . import forms
from .forms import Form
from .refusals import declined, invalid


class Card(msgspec.Struct, frozen=True):
    """A card of the payer's. `decline`: why it is declined; `challenge`: the bank asks the payer first."""

    number: str
    brand: str = "visa"
    decline: tuple[str, str, str] | None = None
    """Code, decline code, message."""
    challenge: bool = False
    disputed: bool = False
    """The payer tells the bank, as soon as it is paid, that it was not them."""

    @property
    def last4(self) -> str:
        return self.number[-4:]


_NO_MONEY = ("card_declined", "insufficient_funds", "Your card has insufficient funds.")
_GENERIC = ("card_declined", "generic_decline", "Your card was declined.")
CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242"),
        Card("5555555555554444", "mastercard"),
        Card("6200000000000005", "unionpay"),
        Card("4000000000000002", decline=_GENERIC),
        Card("4000000000009995", decline=_NO_MONEY),
        Card("4000000000009987", decline=("card_declined", "lost_card", "Your card was declined.")),
        Card("4000000000009979", decline=("card_declined", "stolen_card", "Your card was declined.")),
        Card("4000000000000069", decline=("expired_card", "", "Your card has expired.")),
        Card("4000000000000127", decline=("incorrect_cvc", "", "Your card's security code is incorrect.")),
        Card("4000000000000119", decline=("processing_error", "", "An error occurred while processing your card.")),
        Card("4000002500003155", challenge=True),
        Card("4000002760003184", challenge=True),
        Card("4000008260003178", challenge=True, decline=_NO_MONEY),
        Card("4000000000000259", disputed=True),
    )
}
DEFAULT = CARDS["4242424242424242"]
METHODS = {
    "pm_card_visa": DEFAULT,
    "pm_card_mastercard": CARDS["5555555555554444"],
    "pm_card_unionpay": CARDS["6200000000000005"],
    "pm_card_chargeDeclined": CARDS["4000000000000002"],
    "pm_card_chargeDeclinedInsufficientFunds": CARDS["4000000000009995"],
    "pm_card_authenticationRequired": CARDS["4000002500003155"],
    "pm_card_createDispute": CARDS["4000000000000259"],
}


def presented(form: Form) -> Card | None:
    """The card of a confirmation: ``payment_method=pm_card_visa`` or ``payment_method_data[card][number]``."""
    method = forms.text(form, "payment_method")
    if method is not None:
        if method not in METHODS:
            raise invalid(f"No such PaymentMethod: '{method}'", param="payment_method", code="resource_missing")
        return METHODS[method]
    data = form.get("payment_method_data")
    if data is None:
        return None
    if not isinstance(data, dict) or data.get("type") != "card" or not isinstance(data.get("card"), dict):
        raise invalid("Invalid payment_method_data[type]: must be card", param="payment_method_data[type]")
    return _typed(data["card"])


def _typed(given: Form) -> Card:
    number = forms.required(given, "number").replace(" ", "")
    if not _adds_up(number):
        raise declined("incorrect_number", "", "Your card number is incorrect.", param="number")
    month, year = forms.integer(given, "exp_month", 0, 99) or 0, forms.integer(given, "exp_year", 0, 9999) or 0
    if not 1 <= month <= 12:
        raise declined("invalid_expiry_month", "", "Your card's expiration month is invalid.", param="exp_month")
    shown = times.beijing(times.now())
    if (year % 100, month) < (int(shown[2:4]), int(shown[5:7])):
        raise declined("invalid_expiry_year", "", "Your card's expiration year is invalid.", param="exp_year")
    cvc = forms.text(given, "cvc") or ""
    if not (cvc.isdigit() and len(cvc) in (3, 4)):
        raise declined("invalid_cvc", "", "Your card's security code is invalid.", param="cvc")
    unknown = ("card_declined", "test_mode_live_card", "Your card was declined. Your request was in test mode.")
    return CARDS.get(number, Card(number, decline=unknown))


def _adds_up(number: str) -> bool:
    """The check digit (ISO/IEC 7812-1)."""
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
