"""Words of the partners' pages, and the names of their fields."""

from __future__ import annotations

from starlette.requests import Request

from holdfast.web.forms import Form
from holdfast.web.render import speaker

TONES = {"fresh": "ok", "stale": "warn", "silent": "bad", "barred": "bad", "never": "bad"}
"""State of a supply → the badge's tone."""
TOLD = {
    "stale": "please confirm soon",
    "silent": "sale rests, we have not heard from you",
    "barred": "sale rests, please answer",
    "recovered": "sale goes on, thank you",
    "asked": "bookings wait for your answer",
}
WAYS = {
    "api": "program",
    "webhook": "signed webhook",
    "upload": "file",
    "tap": "one-tap page",
    "console": "told by telephone",
    "pull": "asked by us",
    "demo": "demonstration",
}
OCTO = {
    "asking": ("warn", "being asked"),
    "held": ("info", "held for us"),
    "confirming": ("warn", "being confirmed"),
    "confirmed": ("ok", "confirmed"),
    "cancelling": ("warn", "being given back"),
    "cancelled": ("", "given back"),
    "refused": ("bad", "refused"),
}
"""State of our booking with a supplier → the badge's tone and English words."""
OUTCOMES = {"applied": "in force", "older": "older than what stands", "waiting": "waits for us", "refused": "refused"}
PRICES = {
    "waiting": "waits for a decision",
    "applied": "in force",
    "declined": "declined",
    "undone": "taken back",
    "superseded": "replaced by newer news",
}


def form(request: Request, values: dict[str, str]) -> Form:
    """What was typed, with what the fields are called."""
    _ = speaker(request)
    labels = {
        "partner_id": _("Short name"), "name": _("Name of the partner"), "email": _("E-mail"), "phone": _("Telephone"), "kind": _("What was said"),
        "product_id": _("Product"), "from": _("From"), "to": _("To"), "code": _("Time"), "left": _("Places left"), "places": _("Places left"),
        "note": _("Note"), "answer": _("Answer"), "order": _("Order"), "minutes": _("Minutes a word holds"),
        "day_minutes": _("Minutes on the day itself"), "answer_minutes": _("Minutes to answer a booking"),
        "price_band": _("Percent a price may change by itself"), "url": _("Address"), "file": _("File"), "reason": _("Reason"),
        "token_name": _("Program"), "octo_url": _("Address of its OCTO interface"), "octo_token": _("Its token for us"),
        "octo_product": _("Its product"), "octo_ours": _("Our product"),
    }  # fmt: skip
    return Form(values, labels=labels)
