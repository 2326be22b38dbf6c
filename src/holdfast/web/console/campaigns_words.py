"""Words of the pages of campaigns. English here; Chinese in zh.po."""

from holdfast.campaigns.templates import NAMES as TEMPLATES

STATES = {
    "canary": ("info", "first stage"),
    "ramping": ("info", "growing"),
    "live": ("ok", "running"),
    "paused": ("warn", "paused"),
    "tripped": ("bad", "stopped"),
    "ended": ("", "over"),
}
"""State of a version that was started → the badge's tone and English words."""
PROPOSALS = {
    "proposed": ("warn", "waits for approval"),
    "approved": ("info", "approved"),
    "applied": ("ok", "done"),
    "reverted": ("", "taken back"),
    "rejected": ("bad", "refused"),
    "withdrawn": ("", "withdrawn"),
    "expired": ("", "expired"),
}
TITLES = {
    "campaign-start": "Start of a campaign",
    "campaign-restart": "A stopped campaign begins anew",
    "campaign-envelope": "An envelope",
}
VERDICTS = {
    "agreed": "agreed; others are still needed",
    "approved": "approved",
    "rejected": "refused",
    "withdrawn": "withdrew it",
    "applied": "did it",
    "expired": "its time was over",
    "renewed": "it was shown anew, and agreements were void",
}
"""Step of a proposal → what was done."""
PAYERS = {"platform": "the platform", "merchant": "the supplier", "government": "public money"}
EFFECTS = {
    "amount": "an amount off",
    "percent": "a percentage off",
    "fixed_price": "a fixed price per ticket",
    "gift": "a gift",
}
PER = {"order": "once for the order", "ticket": "for each ticket"}
UNITS = {
    "order": "yuan off the order",
    "ticket": "yuan off each ticket",
    "percent": "percent off",
    "price": "yuan: the price of a ticket",
    "gift": "gifts",
}
"""Units as whoever approves chooses from them."""
CHANNELS = {"web": "website", "api": "app and interface", "desk": "counter"}
CODES = {"none": "No code is needed", "single": "Everybody types one code", "bulk": "Many codes"}
COMBINES = {"alone": "It stands alone", "groups": "It combines with other groups"}
MODES = {"rows": "The rows below", "everything": "Everything, without restriction", "json": "As JSON"}
JOINS = {"and": "and", "or": "or"}
OPERATORS = {
    "in": "is one of",
    "not_in": "is known and none of",
    "eq": "is",
    "gte": "is at least",
    "lt": "is below",
    "between": "is from … to",
    "date_between": "is in the days",
    "local_time_between": "is in the hours",
    "is_true": "is so",
    "is_false": "is not so",
    "count_lt": "is fewer than",
}
FIELDS = {
    "effect.type": "What is given",
    "effect.amount_minor": "Amount",
    "effect.share_bp": "Percentage",
    "effect.price_minor": "Price of a ticket",
    "effect.cap_minor": "Cap an order",
    "effect.uncapped": "Without a cap",
    "effect.per": "For each",
    "effect.currency": "Currency",
    "effect.benefit": "Gift",
    "effect.quantity": "Number of gifts",
    "envelope_id": "Envelope",
    "limits.budget_minor": "Budget",
    "limits.budget_count": "Redemptions in all",
    "limits.per_day_minor": "A day",
    "limits.per_person": "A person",
    "scope": "Which tickets",
    "when": "Which orders",
    "codes.type": "Offer code",
    "codes.code": "Offer code",
    "stacking.group": "Group",
    "stacking.combines": "Combining",
    "priority": "Priority",
    "schedule.from_at": "From",
    "schedule.until_at": "Until",
    "schedule.weekdays": "Weekdays",
    "schedule.hours.since": "From the hour",
    "schedule.hours.until": "Until the hour",
    "schedule.time_zone": "Time zone",
    "channels": "Channels",
    "names.zh": "Name, in Chinese",
    "names.en": "Name, in English",
    "sentence.zh": "Sentence, in Chinese",
    "sentence.en": "Sentence, in English",
}
"""Field of a content → what it is called in a comparison."""
STOOD = {
    "channel": "its channel is not one of these",
    "currency": "another currency",
    "schedule": "its weekday or hour is not one of these",
    "code": "no code was typed",
    "scope": "no ticket of it is meant",
    "when": "the order does not fit",
    "nothing": "there is nothing to take off",
    "person": "the person had it often enough",
    "group": "another one of its group takes more off",
    "alone": "it does not combine",
    "floor": "the price would fall below the floor",
    "envelope": "more than the envelope allows",
}
"""What stood against an order in a backtest."""
GRADES = {"G1": "low risk", "G2": "raised risk", "G3": "high risk"}
EVERY = (
    TEMPLATES, STATES, PROPOSALS, TITLES, VERDICTS, PAYERS, EFFECTS, PER, UNITS, CHANNELS, CODES, COMBINES, MODES, JOINS, OPERATORS, FIELDS,
    STOOD, GRADES,
)  # fmt: skip
"""All tables, for the test of translations."""
