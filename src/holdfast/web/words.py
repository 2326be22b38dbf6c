"""What pages call things: states, kinds, documents, regions, stages. English here, Chinese in ``zh.po``."""

from __future__ import annotations

from typing import NamedTuple

from holdfast.accounts import documents

DOCUMENTS: dict[str, str] = {kind.value: label for kind, label in documents.LABELS.items()}

STATES = {
    "held": "Held for you",
    "awaiting_payment": "Waiting for payment",
    "confirmed": "Confirmed",
    "used": "Used",
    "cancelled": "Cancelled",
    "expired": "Expired unpaid",
}
STATE_TONES = {
    "held": "warn",
    "awaiting_payment": "warn",
    "confirmed": "ok",
    "used": "info",
    "cancelled": "",
    "expired": "",
}
STATE_HEADLINES = {
    "held": "Your places are held",
    "awaiting_payment": "Your places are held until you pay",
    "confirmed": "Your visit is confirmed",
    "used": "You have been there",
    "cancelled": "This order is cancelled",
    "expired": "This order was not paid in time",
}
STATE_LEADS = {
    "held": "Pay until {time} to keep them. After that they go back on sale; nothing is charged.",
    "awaiting_payment": "Pay until {time} to keep them. After that they go back on sale; nothing is charged.",
    "confirmed": "See you on {day}. Bring the documents you booked with, and the tickets on your phone or on paper.",
    "used": "The tickets were used at the entrance.",
    "cancelled": "The places are back on sale. The order stays here so that you can always look it up.",
    "expired": "The places went back on sale. If money still arrives, it is returned by itself.",
}
STAGE_HEADLINES = {
    "checking": "We are checking with WeChat whether your payment arrived",
    "arrived": "Your payment has arrived",
}
STAGE_LEADS = {
    "checking": "Your places stay held meanwhile. Please do not pay again: this order will show the result.",
    "arrived": "We are confirming your visit; this takes a moment. Please do not pay again.",
}
"""What the page of an unpaid order says instead, while its payment is at that stage."""
STAGE_STATES = {"checking": "Checking the payment", "arrived": "Confirming"}

OF_ONE_PERSON = {
    "document-already-booked": "This document already has a booking there that day.",
    "document-twice": "This document is entered for another person as well.",
    "document-not-accepted": "The attraction does not accept this document.",
}
"""Code of a refusal → what it says beside the person it is about."""

EVENTS = {
    "placed": "Order placed. The places were held for you.",
    "payment_started": "You chose how to pay.",
    "payment_in_doubt": "The provider's answer about the payment was unclear. We kept your places and asked again.",
    "confirmed": "Payment received. Your visit is confirmed.",
    "confirmed_free": "Confirmed. There is nothing to pay.",
    "confirmed_late": "The payment arrived late, but your places were still free: your visit is confirmed.",
    "tickets_sent": "The link to the tickets was sent to your phone.",
    "late_payment_refunded": "{amount} arrived after the order had ended and is being returned in full.",
    "cancelled": "Cancelled. The places went back on sale.",
    "expired": "Not paid in time. The places went back on sale.",
    "used": "Used at the entrance.",
    "part_cancelled": "Some visitors were taken off the order. New tickets were issued; the old codes are void.",
    "fee_kept": "{amount} was kept, as the rule for cancelling says.",
    "change_begun": "A change to another time was begun: the new places were held, {amount} was to be paid.",
    "changed": "Changed to another time. New tickets were issued; the old codes are void.",
    "change_fee": "The fee for the change: {amount}.",
    "change_lapsed": "The difference was not paid in time. The visit stayed as it was.",
    "change_withdrawn": "You gave the change up. The visit stayed as it was.",
    "late_change_refunded": "{amount} for a change arrived after its time and is being returned.",
    "invoice_requested": "An invoice over {amount} was asked for.",
    "invoice_reversed": "{amount} of the invoice was reversed, because the money goes back.",
}
"""Kind of event → sentence; with a detail, ``kind_detail``."""
REFUNDS = {
    "requested": "{amount} is on its way back to you.",
    "processing": "{amount} is on its way back to you.",
    "unknown": "{amount} is on its way back to you; we are asking the provider how far it is.",
    "succeeded": "{amount} was returned to you.",
    "abnormal": "{amount} could not be returned by itself. Our staff are at it; you need not do anything.",
    "closed": "The return of {amount} was stopped. Our staff are at it; you need not do anything.",
}
"""State of a refund → sentence."""

STEPS = ("Choose", "Details", "Payment", "Tickets")

DAYS = {
    "open": "places left",
    "few": "only a few places left",
    "full": "no places left",
    "shut": "closed",
    "paused": "sale paused",
    "later": "not on sale yet",
    "over": "no longer sold",
    "none": "nothing on sale",
}
DAYS_SHORT = {
    "full": "full", "shut": "closed", "paused": "paused", "later": "soon", "over": "", "none": "",
}  # fmt: skip
STATUSES = {"sourced": "sourced", "derived": "derived", "illustrative": "illustrative"}

REGIONS: tuple[tuple[str, str, str], ...] = (
    ("CN", "+86", "Mainland China"),
    ("HK", "+852", "Hong Kong"),
    ("MO", "+853", "Macao"),
    ("TW", "+886", "Taiwan"),
    ("AU", "+61", "Australia"),
    ("CA", "+1", "Canada"),
    ("FR", "+33", "France"),
    ("DE", "+49", "Germany"),
    ("IN", "+91", "India"),
    ("ID", "+62", "Indonesia"),
    ("IT", "+39", "Italy"),
    ("JP", "+81", "Japan"),
    ("KZ", "+7", "Kazakhstan"),
    ("MY", "+60", "Malaysia"),
    ("MN", "+976", "Mongolia"),
    ("NL", "+31", "Netherlands"),
    ("NZ", "+64", "New Zealand"),
    ("PH", "+63", "Philippines"),
    ("RU", "+7", "Russia"),
    ("SG", "+65", "Singapore"),
    ("KR", "+82", "South Korea"),
    ("ES", "+34", "Spain"),
    ("TH", "+66", "Thailand"),
    ("GB", "+44", "United Kingdom"),
    ("US", "+1", "United States"),
    ("VN", "+84", "Vietnam"),
)
"""Where numbers come from, most asked first; any other number begins with a plus and its country code."""


MISSING = (
    "There is no page at this address.",
    "Your orders are not affected.",
    "Check the address for a typing mistake, or begin at the start page.",
)
UNEXPECTED = (
    "Something went wrong on our side.",
    "What was booked or paid before stays booked and paid. A booking either exists whole or not at all.",
    "Look at your orders before you try again. Sending the same form again is safe: it counts once.",
)
"""Title, what is safe, what to do next."""


class Stage(NamedTuple):
    """Where a payment stands, in words. `moves`: it may change by itself, so the page looks again."""

    name: str
    headline: str
    says: tuple[str, ...]
    moves: bool = False
    spins: bool = False


STAGES = {
    stage.name: stage
    for stage in (
        Stage("choose", "How would you like to pay?", ("Nothing is charged until you confirm it in your wallet.",)),
        Stage(
            "starting",
            "Asking WeChat Pay for a code …",
            ("This takes a few seconds. Your places stay held.",),
            True,
            True,
        ),
        Stage(
            "waiting",
            "Scan with WeChat",
            (
                "Open WeChat, scan this code and confirm there. This page notices by itself.",
                "Already paid? Wait here a moment, and do not pay twice.",
            ),
            True,
        ),
        Stage(
            "checking",
            "Checking with WeChat Pay",
            (
                "We did not get a clear answer about your payment and are asking again. Please do not pay again.",
                "Your places stay held while we check. You may close this page: the order will show the result.",
            ),
            True,
            True,
        ),
        Stage(
            "arrived",
            "Your payment has arrived",
            ("We are confirming your visit; this takes a moment. Please do not pay again.",),
            True,
            True,
        ),
        Stage(
            "late",
            "Your payment arrived after the time to pay",
            ("If your places are still free, you keep them. If not, the whole amount goes back by itself.",),
            True,
            True,
        ),
        Stage(
            "paid",
            "Paid. Your visit is confirmed.",
            ("Your tickets are ready. A message is on its way to your phone.",),
        ),
        Stage(
            "expired",
            "The time to pay is over",
            ("Your places went back on sale. You were not charged; if money still arrives, it is returned by itself.",),
        ),
        Stage("cancelled", "This order is cancelled", ("Nothing more is charged for it.",)),
        Stage(
            "failed",
            "The payment did not go through",
            (
                "You were not charged by this attempt, and your places are still held.",
                "Try again, or look into your wallet for the reason.",
            ),
        ),
    )
}
