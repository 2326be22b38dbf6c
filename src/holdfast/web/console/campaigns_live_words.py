"""Words of the pages of what runs and of what was stopped. English here; Chinese in zh.po."""

CHECKS = {
    "wait": "Five minutes in this stage have passed",
    "used": "At least half of this stage is used",
    "recount": "Every order of this stage was recounted and is right",
    "share": "About as many orders fit as foreseen: from a third to three times as many",
    "size": "Discounts are about as large as foreseen, within 30 percent",
}
"""What must hold before the next stage."""
WATCHES = {
    "share": "Orders that fit, against the forecast",
    "size": "Size of discounts, against the forecast",
    "pace": "Pace of money, against the forecast",
}
"""A watch → what it watches. Full means that it stops the campaign."""
BOUNDS = {
    "stage": "Money of this stage",
    "stage_count": "Redemptions of this stage",
    "day": "Money of today",
    "count": "Redemptions in all",
    "budget": "Budget",
}
"""A bound → what it bounds. Full means that it is not offered any more."""
FAULTS = {
    "prices": "list prices are missing",
    "lines": "lines do not add up",
    "conditions": "conditions did not hold",
    "label": "another label",
    "code": "a code is missing or too many",
    "gift": "another gift",
    "time": "outside its time",
    "amount": "another amount",
}
"""What a recount found wrong with orders."""
STEPS = {
    "started": "started, or begun anew",
    "stage": "went on to stage {stage}",
    "first": "the first order got something",
    "last": "the last of {orders} orders got something",
    "stopped": "stopped",
    "opened": "this incident was opened",
    "restarted": "begun anew after approval",
}
"""A moment of an incident's course."""
RESERVATIONS = {"held": ("warn", "not paid yet"), "redeemed": ("ok", "paid"), "released": ("", "came to nothing")}
