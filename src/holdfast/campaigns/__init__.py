"""Campaigns that cannot run away: proposed, tried on past orders, approved by others, started small, stopped by themselves.

A content is data, never code: typed conditions choose tickets, an effect says what they get, an envelope that finance approved says
what it may cost and who pays. `pricing` is pure and prices what is shown, what is charged and what is tried on the past. What is
granted is granted in the booking's own transaction (`migrations/0030_campaigns.sql`: load, grant, keep, settle), where budgets are
exact and the watches decide before money moves. What was granted stays granted.
"""

from . import (
    codes,
    comparing,
    conditions,
    drafts,
    envelopes,
    guards,
    incidents,
    jobs,  # whoever imports the domain can hear of what the database tells
    lint,
    live,
    pricing,
    restart,
    review,
    simulation,
    stages,
    start,
)
from .model import BenefitOver, CampaignUnknown, Content, Envelope, Grant, Version, VersionUnknown

__all__ = [
    "BenefitOver",
    "CampaignUnknown",
    "Content",
    "Envelope",
    "Grant",
    "Version",
    "VersionUnknown",
    "codes",
    "comparing",
    "conditions",
    "drafts",
    "envelopes",
    "guards",
    "incidents",
    "jobs",
    "lint",
    "live",
    "pricing",
    "restart",
    "review",
    "simulation",
    "stages",
    "start",
]
