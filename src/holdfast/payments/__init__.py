"""Money from outside: intents, attempts, observations, refunds, and the resolver that leaves nothing in doubt.

An attempt is committed before its provider is called; "unknown" is a state; one function applies everything a provider
says; a unique winner per intent; whatever money nobody asked for goes back by itself; every fen is in the ledger.
Channels are judged by their calls, hidden while they do not answer, and come back step by step. Payments knows no
orders: an intent carries an opaque reference, and news goes up as ``payment.paid`` and ``payment.late``.
"""

from . import jobs, rights  # noqa: F401 - whoever imports a domain can emit news for it, and keeps what it must
from .attempts import Wish, pay, settle
from .attempts import close_others as close_attempts
from .channels import close as close_channels
from .deferral import defer, may_defer, per_person, promises_due, take_at_desk
from .intents import close as end
from .intents import look, reinstate, view, want
from .keeping import keep
from .model import (
    AttemptState,
    DeferralRefused,
    IntentOver,
    IntentState,
    IntentUnknown,
    PaymentView,
    Settlement,
    StillChecking,
)
from .notifications import receive
from .providers.base import Forged, Probe
from .refunds import give_back, handed_over, left_minor
from .refunds import request as refund
from .routing import Offer, offers

__all__ = [
    "AttemptState",
    "DeferralRefused",
    "Forged",
    "IntentOver",
    "IntentState",
    "IntentUnknown",
    "Offer",
    "PaymentView",
    "Probe",
    "Settlement",
    "StillChecking",
    "Wish",
    "close_attempts",
    "close_channels",
    "defer",
    "end",
    "give_back",
    "handed_over",
    "keep",
    "left_minor",
    "look",
    "may_defer",
    "offers",
    "pay",
    "per_person",
    "promises_due",
    "receive",
    "refund",
    "reinstate",
    "settle",
    "take_at_desk",
    "view",
    "want",
]
