"""What the console calls things of payments: states with the tone of their badge, operations, reasons. Chinese in ``zh.po``."""

from __future__ import annotations

PROVIDERS = {"wechatpay": "WeChat Pay", "alipay": "Alipay", "stripe": "Cards (Stripe)", "desk": "Desk"}
METHODS = {
    "native": "code to scan",
    "h5": "phone browser",
    "qr": "code to scan",
    "page": "payment page",
    "card": "card",
    "desk": "cash",
}
INTENTS = {
    "open": ("warn", "waits for money"),
    "deferred": ("warn", "promised, not paid"),
    "paid": ("ok", "paid"),
    "expired": ("", "time is over"),
    "cancelled": ("", "cancelled"),
}
"""State of a payment → tone and words; so the next tables."""
ATTEMPTS = {
    "created": ("warn", "begun, no answer yet"),
    "submitted": ("warn", "sent"),
    "awaiting_user": ("info", "waits for its payer"),
    "unknown": ("bad", "in doubt"),
    "succeeded": ("ok", "paid"),
    "failed": ("", "failed"),
    "closed": ("", "closed"),
}
ROLES = {
    "winner": ("ok", "this money counts"),
    "duplicate": ("warn", "paid twice: goes back"),
    "late": ("warn", "came too late"),
    "conflicted": ("bad", "another sum: goes back"),
}
REFUNDS = {
    "requested": ("warn", "promised, not sent yet"),
    "processing": ("warn", "on its way"),
    "unknown": ("warn", "no clear answer yet"),
    "succeeded": ("ok", "given back"),
    "abnormal": ("bad", "the provider could not give it"),
    "closed": ("bad", "closed, nothing was given"),
}
RECEIPTS = {
    "suspected": ("warn", "being asked about"),
    "confirmed": ("warn", "a second payment: goes back"),
    "refuted": ("", "none after all"),
}
CALLBACKS = {
    "new": ("warn", "not applied yet"),
    "applied": ("ok", "applied"),
    "needs_review": ("bad", "for a person to look at"),
}
CHANNELS = {
    "healthy": ("ok", "well"),
    "degraded": ("warn", "degraded"),
    "down": ("bad", "down"),
    "returning": ("warn", "returning"),
    "off": ("bad", "switched off"),
}
CLASSES = {
    "ok": ("ok", "answered"),
    "user": ("", "the payer's doing"),
    "decline": ("warn", "declined"),
    "config": ("bad", "our request or contract is wrong"),
    "technical": ("bad", "failed without effect"),
    "rate_limit": ("warn", "asked too often"),
    "unknown_outcome": ("bad", "outcome unknown"),
}
"""Class of a call's outcome."""
OPERATIONS = {
    "create": "Charge placed",
    "query": "Asked about",
    "close": "Closing asked for",
    "refund": "Refund sent",
    "query_refund": "Asked about a refund",
    "bill": "Bill asked for",
}
SOURCES = {
    "response": "Answer to the charge",
    "callback": "Callback applied",
    "query": "Answer to a question",
    "close": "Answer to the closing",
    "refund": "Answer to the refund",
    "bill": "Read in the bill",
    "desk": "Recorded at the desk",
}
SEEN = {
    "awaiting_user": "waits for its payer",
    "succeeded": "paid",
    "closed": "closed",
    "failed": "refused",
    "not_found": "not known there",
    "unknown": "no clear answer",
}
"""State of a payment as an observation tells it."""
REASONS = {
    "in-a-row": "Several calls in a row failed.",
    "share": "Too many of its calls fail.",
    "clean": "Its calls succeed.",
    "probes": "Our tries succeed: it is offered again step by step.",
    "relapse": "It failed again while it was returning.",
    "conversion": "Charges are made, but hardly anybody manages to pay them.",
}
"""Why a channel is as it is."""
MODES = {
    "off": "off: the old version serves all",
    "shadow": "shadow: only its answers are compared",
    "canary": "canary: it serves a share",
    "primary": "primary: it serves all",
}
WHY = {
    "late": "Came when the time to pay was over.",
    "duplicate": "Paid twice: another payment of the same order counts.",
    "excess": "More than was asked for: this is the rest.",
    "amount": "Less than was asked for.",
    "currency": "Another currency than asked for.",
    "second": "A second receipt under another number of the provider.",
    "unknown": "We cannot tell where it came from: look in the ledger.",
}
"""Why money is unapplied."""
REFUND_REASONS = {
    "duplicate": "paid twice",
    "excess": "more than asked for",
    "wrong amount": "another sum than asked for",
    "late payment": "came too late",
    "second receipt": "second receipt",
}
"""Reasons that the program itself gives; those of staff stand as they were typed."""
PRIORITIES = {
    0: "in doubt and holding places, or somebody waits",
    1: "open, nothing is wrong with it",
    2: "hardly any news to come",
}
JOURNALS = {
    "payment.received": "Money received",
    "payment.reapplied": "Late money accepted after all",
    "payment.second": "Second receipt held",
    "refund": "Refund",
    "refund.by_bank": "Refund by bank transfer",
}
PHASES = {
    "single": "booked",
    "pending": "promised",
    "post": "carried out",
    "void": "given up",
}
ACCOUNTS = {
    "1010": "provider owes us",
    "1020": "bank",
    "1030": "cash at the desk",
    "2010": "order money",
    "2030": "unapplied money",
}
PARKED = {
    "unknown reference": "It names a payment or refund that we do not have.",
    "for a person to look at": "It is a kind of callback that we act on by hand.",
}
"""Why a callback waits for a person; other notes stand as they are."""
NOTES = {
    note: note
    for note in (
        "a success without its sum: asked about",
        "this receipt belongs to another attempt",
        "a second receipt: asked about by its number",
        "another sum than asked for: believed only when asked about",
    )
}
"""Why an observation was not applied."""
TABLES = (
    PROVIDERS, METHODS, INTENTS, ATTEMPTS, ROLES, REFUNDS, RECEIPTS, CALLBACKS, CHANNELS, CLASSES, OPERATIONS, SOURCES, SEEN,
    REASONS, MODES, WHY, REFUND_REASONS, PRIORITIES, JOURNALS, PHASES, ACCOUNTS, PARKED, NOTES,
)  # fmt: skip


def sentences() -> set[str]:
    """Every English text of these tables."""
    values = [value for table in TABLES for value in table.values()]
    return {value[1] if isinstance(value, tuple) else value for value in values}
