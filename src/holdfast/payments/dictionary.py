"""The dictionary: what a provider's error code means, in a sentence for staff."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from .providers.alipay_errors import ERRORS as ALIPAY
from .providers.base import ErrorRule, OutcomeClass
from .providers.stripe_errors import ERRORS as STRIPE
from .providers.wechatpay_errors import ERRORS as WECHATPAY

BOOKS: Mapping[str, Mapping[str, ErrorRule]] = {"wechatpay": WECHATPAY, "alipay": ALIPAY, "stripe": STRIPE}
_UNKNOWN, _TECHNICAL = OutcomeClass.UNKNOWN_OUTCOME, OutcomeClass.TECHNICAL
WAY: Mapping[str, ErrorRule] = {
    "timeout": ErrorRule(_UNKNOWN, "No answer came in time."),
    "connect-timeout": ErrorRule(_TECHNICAL, "The provider could not be reached; nothing was sent."),
    "connect-failed": ErrorRule(_TECHNICAL, "The provider could not be reached; nothing was sent."),
    "pool-timeout": ErrorRule(_TECHNICAL, "All our connections to the provider were in use; nothing was sent."),
    "connection-lost": ErrorRule(_UNKNOWN, "The connection broke before an answer came."),
    "undecodable": ErrorRule(_UNKNOWN, "The answer could not be unpacked."),
    "not-possible": ErrorRule(_TECHNICAL, "The request could not be sent at all.", page=True),
    "too-large": ErrorRule(_UNKNOWN, "The answer is larger than we read.", page=True),
    "unsigned": ErrorRule(_UNKNOWN, "The answer bears no signature; it counts for nothing.", page=True),
    "bad-signature": ErrorRule(_UNKNOWN, "The answer's signature does not fit; it counts for nothing.", page=True),
    "signature-type": ErrorRule(_UNKNOWN, "The answer is signed in a way that we do not know.", page=True),
    "unreadable": ErrorRule(_UNKNOWN, "The answer is not of a shape that we know.", page=True),
    "mismatch": ErrorRule(_UNKNOWN, "The answer speaks of something else than we asked about.", page=True),
    "bill-inconsistent": ErrorRule(_TECHNICAL, "The bill's checksum or totals do not fit its rows.", page=True),
    "day-not-over": ErrorRule(OutcomeClass.OK, "The day is not over yet: its bill comes later."),
}
"""What can go wrong on the way to any provider."""
PREFIXES = {
    "http-": "It answered with the HTTP status {word}, and not as its protocol says.",
    "trade-state:": "It named a state of the payment that is new to us: {word}.",
    "refund-status:": "It named a state of the refund that is new to us: {word}.",
    "status:": "It named a state that is new to us: {word}.",
}
UNLISTED = "The dictionary does not know this code: it counts as an unknown outcome."


class Meaning(msgspec.Struct, frozen=True):
    """What a code means: an English sentence with a place for `word`, and whether somebody must look."""

    says: str
    word: str = ""
    page: bool = False


def meaning(provider: str, code: str) -> Meaning:
    """The entry of a code; there is always something to say."""
    rule = BOOKS.get(provider, {}).get(code) or WAY.get(code)
    if rule is not None:
        return Meaning(rule.says, page=rule.page)
    for prefix, says in PREFIXES.items():
        if code.startswith(prefix):
            return Meaning(says, code.removeprefix(prefix), page=True)
    return Meaning(UNLISTED, page=True)
