"""What Alipay's codes mean: gateway codes (``code``) and business codes (``sub_code``), in plain sentences.

Source: "public error codes" and the error tables of each method on https://opendocs.alipay.com/open/, read 2026-11.
"""

from __future__ import annotations

from .base import ErrorRule, OutcomeClass

OK, USER, DECLINE = OutcomeClass.OK, OutcomeClass.USER, OutcomeClass.DECLINE
CONFIG, RATE_LIMIT, UNKNOWN = OutcomeClass.CONFIG, OutcomeClass.RATE_LIMIT, OutcomeClass.UNKNOWN_OUTCOME

GATEWAY: dict[str, ErrorRule] = {
    "20000": ErrorRule(UNKNOWN, "Alipay was not available; the request may have taken effect."),
    "20001": ErrorRule(CONFIG, "The authorisation token is missing, over or not good for this.", page=True),
    "40001": ErrorRule(CONFIG, "A parameter that Alipay needs was missing.", page=True),
    "40002": ErrorRule(CONFIG, "A parameter was wrong: often the app id, the key or the signature.", page=True),
    "40003": ErrorRule(CONFIG, "The request does not meet a condition of our contract.", page=True),
    "40005": ErrorRule(RATE_LIMIT, "Called too often; nothing was done."),
    "40006": ErrorRule(CONFIG, "The app has no permission for this method.", page=True),
}
"""Also said by the gateway itself, then without a signature: it refused the call before it knew whose it was."""

ISV: dict[str, ErrorRule] = {
    "isv.invalid-signature": ErrorRule(CONFIG, "Our signature does not fit our public key at Alipay.", page=True),
    "isv.missing-signature": ErrorRule(CONFIG, "The request bore no signature.", page=True),
    "isv.missing-signature-key": ErrorRule(CONFIG, "Our public key is not uploaded at Alipay.", page=True),
    "isv.invalid-signature-type": ErrorRule(CONFIG, "The signature type is not the one set at Alipay.", page=True),
    "isv.invalid-app-id": ErrorRule(CONFIG, "Alipay does not know this app id.", page=True),
    "isv.missing-app-id": ErrorRule(CONFIG, "The request named no app id.", page=True),
    "isv.missing-method": ErrorRule(CONFIG, "The request named no method.", page=True),
    "isv.invalid-method": ErrorRule(CONFIG, "Alipay does not know this method.", page=True),
    "isv.missing-timestamp": ErrorRule(CONFIG, "The request bore no time.", page=True),
    "isv.invalid-timestamp": ErrorRule(CONFIG, "The request's time is too far off: check the clock.", page=True),
    "isv.invalid-charset": ErrorRule(CONFIG, "The character set is not one Alipay takes.", page=True),
    "isv.invalid-format": ErrorRule(CONFIG, "The format is not one Alipay takes.", page=True),
    "isv.missing-version": ErrorRule(CONFIG, "The request named no version.", page=True),
    "isv.invalid-parameter": ErrorRule(CONFIG, "A parameter was wrong.", page=True),
    "isv.invalid-arguments": ErrorRule(CONFIG, "A parameter was wrong.", page=True),
    "isv.invalid_arguments": ErrorRule(CONFIG, "A parameter was wrong.", page=True),
    "isv.insufficient-isv-permissions": ErrorRule(CONFIG, "The app is not allowed to do this.", page=True),
    "isv.insufficient-user-permissions": ErrorRule(CONFIG, "The account is not allowed to do this.", page=True),
    "isv.app-call-limited": ErrorRule(RATE_LIMIT, "The app called too often; nothing was done."),
    "isv.method-call-limited": ErrorRule(RATE_LIMIT, "This method was called too often; nothing was done."),
    "isp.unknow-error": ErrorRule(UNKNOWN, "Alipay does not know how the request went."),
    "isp.bill_not_exist": ErrorRule(OK, "There is no bill of that day: not made yet, or the day had nothing."),
    "BILL_NOT_EXIST": ErrorRule(OK, "There is no bill of that day: not made yet, or the day had nothing."),
}

TRADE: dict[str, ErrorRule] = {
    "ACQ.SYSTEM_ERROR": ErrorRule(UNKNOWN, "Alipay failed inside; the request may have taken effect."),
    "ACQ.INVALID_PARAMETER": ErrorRule(CONFIG, "A parameter of the trade was wrong.", page=True),
    "ACQ.ACCESS_FORBIDDEN": ErrorRule(CONFIG, "Our contract does not include this product.", page=True),
    "ACQ.PARTNER_ERROR": ErrorRule(CONFIG, "The app id belongs to another account.", page=True),
    "ACQ.SELLER_BEEN_BLOCKED": ErrorRule(CONFIG, "Our account at Alipay is frozen.", page=True),
    "ACQ.EXIST_FORBIDDEN_WORD": ErrorRule(CONFIG, "The title has a word that Alipay forbids.", page=True),
    "ACQ.CONTEXT_INCONSISTENT": ErrorRule(
        CONFIG, "The number exists with other content; it may be payable.", page=True
    ),
    "ACQ.TOTAL_FEE_EXCEED": ErrorRule(DECLINE, "The amount is above what Alipay allows."),
    "ACQ.BEYOND_PAY_RESTRICTION": ErrorRule(DECLINE, "We have taken as much today as our contract allows.", page=True),
    "ACQ.BUYER_SELLER_EQUAL": ErrorRule(DECLINE, "The payer is the payee."),
    "ACQ.PAYMENT_REQUEST_HAS_RISK": ErrorRule(DECLINE, "Alipay's risk rules stopped the payment."),
    "ACQ.TRADE_NOT_EXIST": ErrorRule(OK, "No such trade: nobody has scanned the code or opened the page yet."),
    "TRADE_NOT_EXIST": ErrorRule(OK, "No such trade: nobody has scanned the code or opened the page yet."),
    "ACQ.TRADE_HAS_SUCCESS": ErrorRule(USER, "The trade is paid already."),
    "ACQ.TRADE_HAS_CLOSE": ErrorRule(USER, "The trade is closed: unpaid, or paid and given back. A query tells."),
    "ACQ.TRADE_STATUS_ERROR": ErrorRule(
        USER, "The trade's state does not allow this: often it is paid. A query tells."
    ),
    "ACQ.REASON_TRADE_STATUS_INVALID": ErrorRule(USER, "The trade does not wait for payment any more. A query tells."),
    "ACQ.REASON_ILLEGAL_STATUS": ErrorRule(USER, "The trade does not wait for payment any more. A query tells."),
    "ACQ.TRADE_BUYER_NOT_MATCH": ErrorRule(USER, "Another person has opened this payment."),
}

REFUND: dict[str, ErrorRule] = {
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": ErrorRule(
        DECLINE, "Our account at Alipay is empty: top it up; the refund is sent again under its number.", page=True
    ),
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": ErrorRule(CONFIG, "More would be refunded than was paid.", page=True),
    "ACQ.REFUND_FEE_ERROR": ErrorRule(CONFIG, "The amount to refund is wrong.", page=True),
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": ErrorRule(CONFIG, "The amount to refund is wrong.", page=True),
    "ACQ.DISCORDANT_REPEAT_REQUEST": ErrorRule(
        UNKNOWN, "The refund's number was used with another amount; how that one went must be asked.", page=True
    ),
    "ACQ.TRADE_HAS_FINISHED": ErrorRule(DECLINE, "Too old to be refunded this way: transfer the money.", page=True),
    "ACQ.TRADE_NOT_ALLOW_REFUND": ErrorRule(DECLINE, "This trade cannot be refunded at Alipay.", page=True),
    "ACQ.NOT_ALLOW_PARTIAL_REFUND": ErrorRule(DECLINE, "This trade can be refunded only as a whole.", page=True),
    "ACQ.REASON_TRADE_BEEN_FREEZEN": ErrorRule(DECLINE, "Alipay has frozen this trade: ask them why.", page=True),
    "ACQ.BUYER_ENABLE_STATUS_FORBID": ErrorRule(DECLINE, "The payer's account cannot take or send money.", page=True),
    "ACQ.REFUND_CHARGE_ERROR": ErrorRule(UNKNOWN, "The fee could not be given back just now; sent again later."),
}

OURS: dict[str, ErrorRule] = {
    "currency": ErrorRule(CONFIG, "We take CNY only through Alipay; nothing was sent.", page=True),
}

ERRORS: dict[str, ErrorRule] = {**GATEWAY, **ISV, **TRADE, **REFUND, **OURS}
"""The dictionary. What is not listed is an unknown outcome (or a technical failure of a mere question)."""

NOT_FOUND = frozenset({"ACQ.TRADE_NOT_EXIST", "TRADE_NOT_EXIST"})
NO_BILL = frozenset({"isp.bill_not_exist", "BILL_NOT_EXIST"})
REFUSED = frozenset(code for code, rule in ERRORS.items() if rule.outcome in (CONFIG, DECLINE)) - {
    "ACQ.CONTEXT_INCONSISTENT"
}
"""Signed refusals of a new charge that make it `failed`. CONTEXT_INCONSISTENT is not among them: it is said of a number
in use, and then what stands behind it may be payable."""
