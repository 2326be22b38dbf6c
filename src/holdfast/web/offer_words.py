"""Words of offers: what campaigns give, and why one that was shown is over. English here, Chinese in ``zh.po``."""

from __future__ import annotations

BENEFIT_OVER = {
    "budget": "What was set aside for this offer is used up.",
    "stage": "This offer pauses for a moment while it is being checked.",
    "day": "What was set aside for this offer today is used up.",
    "person": "You have had this offer as often as one person may.",
    "code": "This code has been used already, or is not valid any more.",
    "over": "This offer has ended.",
    "stopped": "This offer was stopped. Whoever has it keeps it.",
}
"""Why a benefit that was shown is not granted any more."""
GIFTS = {"free_change": "a free change of date or time"}
"""What campaigns give that is no money."""
