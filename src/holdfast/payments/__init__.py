"""Money from outside: intents, attempts, observations, refunds, and the resolver that leaves nothing in doubt.

An attempt is committed before its provider is called; "unknown" is a state; one function applies everything a provider
says; a unique winner per intent; whatever money nobody asked for goes back by itself. Payments knows no orders: an
intent carries an opaque reference, and news goes up as ``payment.paid`` and ``payment.late``.
"""

from . import jobs  # noqa: F401 - whoever imports a domain can emit news for it
from .attempts import pay, settle
from .channels import close as close_channels
from .intents import reinstate, view, want
from .model import AttemptState, IntentOver, IntentState, PaymentView, Settlement
from .notifications import receive
from .providers.base import Forged, Probe
from .refunds import request as refund

__all__ = [
    "AttemptState",
    "Forged",
    "IntentOver",
    "IntentState",
    "PaymentView",
    "Probe",
    "Settlement",
    "close_channels",
    "pay",
    "receive",
    "refund",
    "reinstate",
    "settle",
    "view",
    "want",
]
