"""What the pages of capacity call things, and the proposals' badge. English here, Chinese in ``zh.po``."""

from __future__ import annotations

from holdfast.inventory import policies, safety
from holdfast.orders import displacement_model

KINDS = policies.KINDS
DANGERS = safety.DANGERS
STEPS = displacement_model.STEPS
OUTCOMES = {**displacement_model.OUTCOMES, "open": "still wait"}
PROTECTED = displacement_model.PROTECTED
RULE = displacement_model.RULE
STATES = {
    "proposed": ("warn", "waits for a colleague"),
    "approved": ("info", "approved"),
    "applied": ("ok", "applied"),
    "reverted": ("", "taken back"),
    "rejected": ("bad", "refused"),
    "withdrawn": ("", "withdrawn"),
    "expired": ("", "expired"),
}
"""A proposal's state → the badge's tone and English words."""
SLOT_STATES = {"open": "on sale", "paused": "sale stopped", "closed": "closed"}
TITLES = {
    "capacity.plan": "A change of capacity",
    "orders.cut": "A cut below what is booked",
    "catalogue.import": "A catalogue file",
}
EVENTS = {
    "stopped": "Sale was stopped.",
    "proposed": "It was proposed.",
    "applied": "It was approved and applied.",
    "asking": "Volunteers are asked.",
    "waiting": "Answers are waited for.",
    "deciding": "The published order decides.",
    "parting": "Money goes back.",
    "telling": "Everybody else is told.",
    "closing": "Sale opens again where there is room.",
    "done": "It is done.",
    "held": "A colleague stopped it where it stood.",
    "resumed": "It goes on.",
    "given_up": "It was given up, and sale goes on.",
    "reverted": "The limit was lifted again.",
}
"""Kind of event of a cut → sentence."""
EVERY = (KINDS, DANGERS, STEPS, OUTCOMES, PROTECTED, RULE, STATES, SLOT_STATES, TITLES, EVENTS)
"""All tables, for the test of translations."""
