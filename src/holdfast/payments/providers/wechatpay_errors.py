"""What WeChat Pay's error codes mean, and our own words for what can go wrong on the way.

Source: the common error codes and those of each interface at https://pay.weixin.qq.com/doc/v3/, read 2026-11.
"""

from __future__ import annotations

from .base import ErrorRule, OutcomeClass

_OK, _USER, _DECLINE = OutcomeClass.OK, OutcomeClass.USER, OutcomeClass.DECLINE
_CONFIG, _LIMIT = OutcomeClass.CONFIG, OutcomeClass.RATE_LIMIT
_TECHNICAL, _UNKNOWN = OutcomeClass.TECHNICAL, OutcomeClass.UNKNOWN_OUTCOME

_NO_ORDER = ErrorRule(_OK, "WeChat Pay knows no order under this number.")
_CLOSED = ErrorRule(_USER, "The order is closed; nothing can be paid on it any more.")
_PAID = ErrorRule(_USER, "The order is paid already; a query tells the amount.")
_TYPING = ErrorRule(_USER, "The payer is being asked for the password; ask again in a moment.")
_TOO_MANY = ErrorRule(_LIMIT, "We asked too often; the same request works a little later.")
_PAYER_ACCOUNT = ErrorRule(_DECLINE, "Something is wrong with the payer's WeChat account; another way to pay may work.")
_NO_BANK = ErrorRule(_UNKNOWN, "The payer's bank did not answer; only a query tells whether it took the money.")

ERRORS: dict[str, ErrorRule] = {
    "ORDER_NOT_EXIST": _NO_ORDER,
    "ORDERNOTEXIST": _NO_ORDER,
    "RESOURCE_NOT_EXISTS": ErrorRule(_OK, "WeChat Pay knows no order or refund under this number."),
    "REFUND_NOT_EXISTS": ErrorRule(_OK, "WeChat Pay knows no refund under this number."),
    "NO_STATEMENT_EXIST": ErrorRule(_OK, "There is no bill for this day: nothing was paid or given back on it."),
    "STATEMENT_CREATING": ErrorRule(
        _OK, "The bill of this day is still being made; it is ready after 10:00 of the next."
    ),
    "ORDER_CLOSED": _CLOSED,
    "ORDERCLOSED": _CLOSED,
    "ORDERPAID": _PAID,
    "ORDER_PAID": _PAID,
    "USERPAYING": _TYPING,
    "USER_PAYING": _TYPING,
    "RULE_LIMIT": ErrorRule(_DECLINE, "A limit of the merchant or the payer does not allow this payment."),
    "ACCOUNT_ERROR": _PAYER_ACCOUNT,
    "USER_ACCOUNT_ABNORMAL": _PAYER_ACCOUNT,
    "NOT_ENOUGH": ErrorRule(
        _DECLINE,
        "The merchant's account holds too little for this refund; top it up, the same refund is sent again.",
        page=True,
    ),
    "TRADE_ERROR": ErrorRule(_DECLINE, "WeChat Pay refuses this trade for a reason of its own."),
    "REQUEST_BLOCKED": ErrorRule(_DECLINE, "WeChat Pay's risk control stopped this request.", page=True),
    "PARAM_ERROR": ErrorRule(_CONFIG, "A parameter of our request is wrong.", page=True),
    "INVALID_REQUEST": ErrorRule(
        _CONFIG,
        "The request breaks a rule: other parameters under a number in use, or a state that does not allow it.",
        page=True,
    ),
    "SIGN_ERROR": ErrorRule(
        _CONFIG, "WeChat Pay does not accept our signature: a wrong key, or a wrong clock.", page=True
    ),
    "NO_AUTH": ErrorRule(_CONFIG, "The merchant may not use this interface.", page=True),
    "APPID_MCHID_NOT_MATCH": ErrorRule(_CONFIG, "The appid does not belong to the merchant number.", page=True),
    "MCH_NOT_EXISTS": ErrorRule(_CONFIG, "There is no merchant under our number.", page=True),
    "OUT_TRADE_NO_USED": ErrorRule(_CONFIG, "The order number was used before with other parameters.", page=True),
    "FREQUENCY_LIMITED": _TOO_MANY,
    "FREQUENCY_LIMIT": _TOO_MANY,
    "RATELIMIT_EXCEEDED": _TOO_MANY,
    "SYSTEM_ERROR": ErrorRule(
        _UNKNOWN,
        "WeChat Pay is busy, or no longer serves this version of the interface; if it never stops, suspect the latter.",
    ),
    "BANK_ERROR": _NO_BANK,
    "BANKERROR": _NO_BANK,
    "timeout": ErrorRule(_UNKNOWN, "No answer came in time."),
    "connect-timeout": ErrorRule(_TECHNICAL, "No host of WeChat Pay could be reached; nothing was sent."),
    "connect-failed": ErrorRule(_TECHNICAL, "No host of WeChat Pay could be reached; nothing was sent."),
    "pool-timeout": ErrorRule(_TECHNICAL, "All our connections to WeChat Pay were in use; nothing was sent."),
    "connection-lost": ErrorRule(_UNKNOWN, "The connection broke before an answer came."),
    "too-large": ErrorRule(_UNKNOWN, "The answer is larger than we read.", page=True),
    "unsigned": ErrorRule(_UNKNOWN, "The answer bears no signature; it counts for nothing.", page=True),
    "bad-signature": ErrorRule(_UNKNOWN, "The answer's signature does not fit; it counts for nothing.", page=True),
    "signature-type": ErrorRule(_UNKNOWN, "The answer is signed in a way that we do not know.", page=True),
    "bad-timestamp": ErrorRule(_UNKNOWN, "The answer's time of signing is no time.", page=True),
    "stale": ErrorRule(_UNKNOWN, "The answer was signed too long ago, or our clock is wrong.", page=True),
    "unknown-serial": ErrorRule(
        _UNKNOWN,
        "The answer is signed with a platform key that is not in our configuration; fetch the new one.",
        page=True,
    ),
    "unreadable": ErrorRule(_UNKNOWN, "The answer is signed, but not of a shape that we know.", page=True),
    "mismatch": ErrorRule(
        _UNKNOWN, "The answer speaks of another order, refund or merchant than we asked about.", page=True
    ),
    "incomplete": ErrorRule(_UNKNOWN, "The answer says paid, but lacks the amount or the receipt's number.", page=True),
    "payer-ip-missing": ErrorRule(_CONFIG, "An H5 payment needs the payer's address; nothing was sent.", page=True),
    "foreign-download-url": ErrorRule(
        _TECHNICAL, "The bill is said to lie at a host that is not WeChat Pay's.", page=True
    ),
    "bill-unreadable": ErrorRule(_TECHNICAL, "The bill has a form that we do not know.", page=True),
    "bill-inconsistent": ErrorRule(
        _TECHNICAL, "The bill's checksum, totals, merchant or day do not fit its rows.", page=True
    ),
}
"""Every code that this adapter reports, but ``http-<status>``, ``trade-state:<new>`` and ``refund-status:<new>``."""

CLASSES = {code: rule.outcome for code, rule in ERRORS.items() if rule.outcome not in (_UNKNOWN, _TECHNICAL)}
"""Signed refusals by code. What is not listed is an unknown outcome (or a technical failure of a mere question)."""

NOT_FOUND = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS", "REFUND_NOT_EXISTS"})
NO_BILL = frozenset({"NO_STATEMENT_EXIST", "STATEMENT_CREATING"})
CLOSED = frozenset({"ORDER_CLOSED", "ORDERCLOSED"})
REFUSED = frozenset(
    {"PARAM_ERROR", "SIGN_ERROR", "APPID_MCHID_NOT_MATCH", "MCH_NOT_EXISTS", "NO_AUTH"}
    | {"RULE_LIMIT", "ACCOUNT_ERROR", "NOT_ENOUGH", "TRADE_ERROR", "REQUEST_BLOCKED"}
)
"""Signed refusals of a new order that make it `failed`. INVALID_REQUEST and OUT_TRADE_NO_USED are not among them: they
are also said of a number that is in use, and then the order behind it may be payable."""
