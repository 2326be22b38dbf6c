"""Stripe's error dictionary: API errors, and what issuers say when they decline a card.

Sources: https://docs.stripe.com/error-codes, https://docs.stripe.com/declines/codes, read 2026-11. What is not listed
goes by its type, and a type that is not listed is an unknown outcome (or a technical failure of a mere question).
"""

from __future__ import annotations

from .base import ErrorRule, OutcomeClass

NOT_FOUND = frozenset({"resource_missing"})
UNEXPECTED_STATE = "payment_intent_unexpected_state"
KEY_CONFLICTS = frozenset({"idempotency_error", "idempotency_key_in_use"})
REFUSING_TYPES = frozenset({"invalid_request_error", "card_error"})
"""A well-formed 4xx of these types says that nothing was done."""

_OK, _USER, _DECLINE, _CONFIG = OutcomeClass.OK, OutcomeClass.USER, OutcomeClass.DECLINE, OutcomeClass.CONFIG

API: dict[str, ErrorRule] = {
    "resource_missing": ErrorRule(_OK, "There is no such object in this account and mode."),
    UNEXPECTED_STATE: ErrorRule(_USER, "The payment is in a state that does not allow this: paid or cancelled."),
    "charge_already_refunded": ErrorRule(_USER, "All of the charge has been given back."),
    "charge_disputed": ErrorRule(
        _DECLINE, "The payer disputes the charge with the bank; it cannot be refunded.", page=True
    ),
    "charge_exceeds_source_limit": ErrorRule(_DECLINE, "More than the payer may pay in this time."),
    "refund_disputed_payment": ErrorRule(_DECLINE, "The payment is disputed; it cannot be refunded.", page=True),
    "balance_insufficient": ErrorRule(
        _DECLINE, "The account's balance does not cover the refund: top it up; the refund is sent again.", page=True
    ),
    "insufficient_balance_for_refund": ErrorRule(
        _DECLINE, "The account's balance does not cover the refund: top it up; the refund is sent again.", page=True
    ),
    "amount_too_small": ErrorRule(_CONFIG, "Less than the smallest amount that may be charged.", page=True),
    "amount_too_large": ErrorRule(_CONFIG, "More than the largest amount that may be charged.", page=True),
    "invalid_charge_amount": ErrorRule(_CONFIG, "The amount is not a positive integer of minor units.", page=True),
    "parameter_missing": ErrorRule(_CONFIG, "A required parameter is missing.", page=True),
    "parameter_unknown": ErrorRule(_CONFIG, "A parameter is unknown to this version of the API.", page=True),
    "parameter_invalid_empty": ErrorRule(_CONFIG, "A parameter is empty.", page=True),
    "parameter_invalid_integer": ErrorRule(_CONFIG, "A parameter is not an integer.", page=True),
    "parameter_invalid_string_empty": ErrorRule(_CONFIG, "A parameter is empty.", page=True),
    "payment_intent_invalid_parameter": ErrorRule(_CONFIG, "A parameter does not fit this payment.", page=True),
    "payment_intent_incompatible_payment_method": ErrorRule(_CONFIG, "The payment method does not fit.", page=True),
    "payment_method_not_available": ErrorRule(OutcomeClass.TECHNICAL, "The card network cannot be reached now."),
    "account_invalid": ErrorRule(_CONFIG, "The account is not ours or is closed.", page=True),
    "account_closed": ErrorRule(_CONFIG, "The account is closed.", page=True),
    "api_key_expired": ErrorRule(_CONFIG, "The secret key has expired: set the new one.", page=True),
    "secret_key_required": ErrorRule(_CONFIG, "A publishable key was used where the secret one is needed.", page=True),
    "platform_api_key_expired": ErrorRule(_CONFIG, "The secret key has expired: set the new one.", page=True),
    "livemode_mismatch": ErrorRule(
        _CONFIG, "Test keys were used for a live object, or the other way round.", page=True
    ),
    "testmode_charges_only": ErrorRule(_CONFIG, "The account is not activated for real money.", page=True),
    "tls_version_unsupported": ErrorRule(_CONFIG, "The TLS of this host is too old.", page=True),
    "url_invalid": ErrorRule(_CONFIG, "A URL is not valid.", page=True),
    "rate_limit": ErrorRule(OutcomeClass.RATE_LIMIT, "Too many requests at once; nothing was done."),
    "lock_timeout": ErrorRule(OutcomeClass.TECHNICAL, "The object was busy; nothing was done."),
    "idempotency_key_in_use": ErrorRule(
        OutcomeClass.UNKNOWN_OUTCOME, "The same request is being worked on at this moment: ask a little later."
    ),
    # types, for codes that are not listed
    "idempotency_error": ErrorRule(_CONFIG, "This number was sent before with other parameters.", page=True),
    "invalid_request_error": ErrorRule(
        _CONFIG, "The request or the key is wrong; repeating it does not help.", page=True
    ),
    "card_error": ErrorRule(_DECLINE, "The card cannot be charged."),
    "api_error": ErrorRule(OutcomeClass.UNKNOWN_OUTCOME, "Stripe had a failure of its own: it may or may not be done."),
}

DECLINES: dict[str, ErrorRule] = {
    **dict.fromkeys(
        ("authentication_required", "authentication_not_handled", "payment_intent_authentication_failure"),
        ErrorRule(_USER, "The payer did not confirm the payment with the bank."),
    ),
    **dict.fromkeys(
        (
            "incorrect_number",
            "invalid_number",
            "incorrect_cvc",
            "invalid_cvc",
            "incorrect_zip",
            "incorrect_address",
            "invalid_expiry_month",
            "invalid_expiry_year",
            "invalid_expiry_month_past",
            "expired_card",
            "incorrect_pin",
            "invalid_pin",
            "postal_code_invalid",
        ),
        ErrorRule(_USER, "The payer mistyped the card's data, or the card has expired."),
    ),
    **dict.fromkeys(
        ("insufficient_funds", "card_velocity_exceeded", "withdrawal_count_limit_exceeded", "pin_try_exceeded"),
        ErrorRule(_DECLINE, "Not enough money on the card, or its limit is reached."),
    ),
    **dict.fromkeys(
        (
            "card_not_supported",
            "currency_not_supported",
            "invalid_account",
            "invalid_amount",
            "not_permitted",
            "service_not_allowed",
            "transaction_not_allowed",
            "restricted_card",
            "new_account_information_available",
            "offline_pin_required",
            "online_or_offline_pin_required",
            "testmode_decline",
            "test_mode_live_card",
        ),
        ErrorRule(_DECLINE, "The card does not allow this kind of payment."),
    ),
    **dict.fromkeys(
        (
            "card_declined",
            "generic_decline",
            "call_issuer",
            "do_not_honor",
            "do_not_try_again",
            "no_action_taken",
            "approve_with_id",
            "security_violation",
            "stop_payment_order",
            "revocation_of_authorization",
            "revocation_of_all_authorizations",
            "reenter_transaction",
            "duplicate_transaction",
        ),
        ErrorRule(_DECLINE, "The issuer declined without a reason; the payer must ask the bank or use another card."),
    ),
    **dict.fromkeys(
        ("fraudulent", "lost_card", "stolen_card", "pickup_card", "merchant_blacklist", "highest_risk_level"),
        ErrorRule(_DECLINE, "Declined on suspicion; do not tell the payer more than that the card was declined."),
    ),
    **dict.fromkeys(
        ("issuer_not_available", "processing_error", "try_again_later"),
        ErrorRule(OutcomeClass.TECHNICAL, "The issuer or the network had a failure; the payer may try again."),
    ),
}

REFUNDS: dict[str, ErrorRule] = {
    **dict.fromkeys(
        ("lost_or_stolen_card", "expired_or_canceled_card", "declined", "unknown"),
        ErrorRule(_DECLINE, "The bank sent the refund back: the money must reach the payer another way.", page=True),
    ),
    "insufficient_funds": ErrorRule(_DECLINE, "Not enough money: on the card, or on our balance for a refund."),
    "charge_for_pending_refund_disputed": ErrorRule(
        _DECLINE, "The payer disputes the charge with the bank.", page=True
    ),
    "merchant_request": ErrorRule(_USER, "The refund was cancelled on our side."),
}

ERRORS: dict[str, ErrorRule] = {**DECLINES, **REFUNDS, **API}
"""Every code we know, by the word that is reported."""


def outcome(code: str, kind: str) -> OutcomeClass:
    """The class of a well-formed refusal, by its code, else by its type."""
    rule = ERRORS.get(code) or ERRORS.get(kind)
    return OutcomeClass.UNKNOWN_OUTCOME if rule is None else rule.outcome
