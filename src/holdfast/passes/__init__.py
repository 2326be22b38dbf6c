"""Cards and gates: what somebody may enter, and that they did.

A card holds named entitlements, no money. States: issued → active → suspended and back → exhausted | expired | refunded.
A use is held with the booking of a visit, used at the gate or when its time is over, released when the visit is given back;
the ledger of uses is only added to, and no card is ever used more often than it says (`eligibility` decides, alone).

The gate: a ticket admits once, whatever a device without a network has let in besides is shown to staff and held against
nobody; `inside` says how many people are in a venue now.
"""

from . import (
    admissions,
    card_merging,  # noqa: F401 - and is heard when accounts are joined
    card_products,
    card_refunds,
    card_rights,  # noqa: F401 - what is held about people is told wherever passes are
    cards,
    devices,
    eligibility,
    entitlements,
    gate_rights,  # noqa: F401 - what is held about people is told wherever passes are
    jobs,  # noqa: F401 - whoever imports a domain is heard when gates tell
    no_shows,
    redemption,
)
from .card_model import (
    Card,
    CardNotSuspendable,
    CardProduct,
    CardProductUnknown,
    CardRefuses,
    CardRulesInvalid,
    CardState,
    CardUnknown,
    NotActivatable,
    StartImpossible,
    Use,
    UseState,
)
from .card_refunds import CardRefund, Cause, Ground
from .eligibility import Refusal, Wanted
from .entitlements import Hold, hold, moved, release
from .gate_model import (
    USUAL,
    AdmissionUndone,
    AdmissionUnknown,
    Device,
    Dispute,
    DisputeOver,
    Enrolled,
    Enrolment,
    EnrolmentOver,
    GateRevoked,
    GateSignInNeeded,
    GateUnknown,
    Known,
    Passage,
    Rules,
    Ruling,
    Shift,
    ShiftNeeded,
    Shows,
    Verdict,
)
from .no_shows import no_shows_of, shows
from .redemption import inside

__all__ = [
    "USUAL",
    "AdmissionUndone",
    "AdmissionUnknown",
    "Card",
    "CardNotSuspendable",
    "CardProduct",
    "CardProductUnknown",
    "CardRefund",
    "CardRefuses",
    "CardRulesInvalid",
    "CardState",
    "CardUnknown",
    "Cause",
    "Device",
    "Dispute",
    "DisputeOver",
    "Enrolled",
    "Enrolment",
    "EnrolmentOver",
    "GateRevoked",
    "GateSignInNeeded",
    "GateUnknown",
    "Ground",
    "Hold",
    "Known",
    "NotActivatable",
    "Passage",
    "Refusal",
    "Rules",
    "Ruling",
    "Shift",
    "ShiftNeeded",
    "Shows",
    "StartImpossible",
    "Use",
    "UseState",
    "Verdict",
    "Wanted",
    "admissions",
    "card_products",
    "card_refunds",
    "cards",
    "devices",
    "eligibility",
    "entitlements",
    "hold",
    "inside",
    "moved",
    "no_shows",
    "no_shows_of",
    "redemption",
    "release",
    "shows",
]
