"""Help by people: cases that travellers open or staff open for them, with what the program knew attached.

States: open → answered | waiting_for_traveller → closed; what a traveller writes opens a case again. Messages and evidence
are never changed. Who is helped first is a pure decision with its reasons (`priorities`); how long a first answer takes is
measured and published (`figures`).
"""

from . import (
    cases,
    checking,
    desk,
    evidence,
    feedback,
    figures,
    jobs,  # noqa: F401 - whoever imports a domain can emit news for it
    positions,
    priorities,
    rights,
)
from .checking import ChecksTooOften, ReportsTooOften
from .model import (
    STATES,
    Case,
    CaseClosed,
    CaseUnknown,
    Evidence,
    Kind,
    Message,
    NewCase,
    Opened,
    State,
    Story,
    TooManyCases,
)

__all__ = [
    "STATES",
    "Case",
    "CaseClosed",
    "CaseUnknown",
    "ChecksTooOften",
    "Evidence",
    "Kind",
    "Message",
    "NewCase",
    "Opened",
    "ReportsTooOften",
    "State",
    "Story",
    "TooManyCases",
    "cases",
    "checking",
    "desk",
    "evidence",
    "feedback",
    "figures",
    "positions",
    "priorities",
    "rights",
]
