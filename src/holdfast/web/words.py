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
    "checking": "We are checking with {provider} whether your payment arrived",
    "arrived": "Your payment has arrived",
}
STAGE_LEADS = {
    "checking": "Your places stay held meanwhile. Please do not pay again: this order will show the result.",
    "arrived": "We are confirming your visit; this takes a moment. Please do not pay again.",
}
"""What the page of an unpaid order says instead, while its payment is at that stage."""
STAGE_STATES = {"checking": "Checking the payment", "arrived": "Confirming", "promised": "Confirmed, to be paid"}
PROMISED_LEAD = "See you on {day}. It is not paid yet: pay here or at the gate, until {time} at the latest."
"""Of an order that was confirmed before it was paid."""

OF_ONE_PERSON = {
    "document-already-booked": "This document already has a booking there that day.",
    "document-twice": "This document is entered for another person as well.",
    "document-not-accepted": "The attraction does not accept this document.",
}
"""Code of a refusal → what it says beside the person it is about."""

EVENTS = {
    "placed": "Order placed. The places were held for you.",
    "payment_started": "The payment was begun.",
    "payment_in_doubt": "The provider's answer about the payment was unclear. We kept your places and asked again.",
    "confirmed": "Payment received. Your visit is confirmed.",
    "confirmed_free": "Confirmed. There is nothing to pay.",
    "confirmed_late": "The payment arrived late, but your places were still free: your visit is confirmed.",
    "confirmed_deferred": "Confirmed without a payment, because no way to pay answered. To be paid until {time}.",
    "promise_kept": "Payment received. Nothing more is to pay.",
    "promise_not_kept": "Not paid in the time agreed. The visit was cancelled and its places went back on sale.",
    "tickets_sent": "The link to the tickets was sent to your phone.",
    "late_payment_refunded": "{amount} arrived after the order had ended and is being returned in full.",
    "benefit_kept": "The discount of {amount} was a mistake of ours. It is yours to keep: we will never ask for it back.",
    "refund_requested": "We are giving {amount} back to you.",
    "cancelled": "Cancelled. The places went back on sale.",
    "cancelled_refunded": "Cancelled, because the whole amount is given back. The places went back on sale.",
    "expired": "Not paid in time. The places went back on sale.",
    "visit_cancelled": "One of the visits was cancelled; it came back to the card.",
    "admitted": "Let in at the entrance.",
    "admission_undone": "An admission was entered by mistake and was taken back.",
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

PROVIDERS = {"wechatpay": "WeChat Pay", "alipay": "Alipay", "stripe": "Bank card", "desk": "At the desk"}
"""Names in a list of ways to pay."""
SERVICES = {"wechatpay": "WeChat Pay", "alipay": "Alipay", "stripe": "the card service", "desk": "our desk"}
"""The same inside sentences, as who answers or is asked."""
APPS = {"wechatpay": "WeChat", "alipay": "Alipay"}
"""What a payer opens."""
PAID_WITH = {
    "wechatpay": "Paid with WeChat Pay, {time}.",
    "alipay": "Paid with Alipay, {time}.",
    "stripe": "Paid by card, {time}.",
    "desk": "Paid at the desk, {time}.",
}
BACK_TO = {
    "wechatpay": "to WeChat Pay",
    "alipay": "to Alipay",
    "stripe": "to your card",
    "desk": "by hand, at our desk",
}
METHODS = {
    "here": ("On this phone", "On this device"),
    "elsewhere": ("Scan with another device", "Scan with your phone"),
}
"""Two ways to pay with one wallet: on a phone, and on anything else."""
RESTING = {
    "down": "{provider} does not answer right now, since {time}. We try it every few seconds.",
    "returning": "{provider} answers again. We offer it to a few payers first, and to more step by step.",
    "off": "We switched {provider} off, {time}, so that nobody pays into a disturbance.",
}
"""State of a way to pay that is not offered → why."""
OFFERED = {
    "degraded": "{provider} answers slowly at the moment, or not every time.",
    "returning": "{provider} has just come back after a disturbance.",
    "least_bad": "{provider} does not answer reliably now. You may try it all the same; what comes twice goes back.",
}
"""The same for one that is offered."""
PROMISE_REFUSED = {
    "order-limit": "This order is larger than what may be paid later. Its places stay held for the time shown.",
    "total-limit": "So many visits are confirmed unpaid already that no more can be for the moment.",
    "person-limit": "You have visits that are confirmed and not paid yet. Pay one of them first.",
}
"""Why an order cannot be paid later, where that would otherwise be offered."""
REFUNDS = {
    "requested": "{amount} is on its way back {where}.",
    "processing": "{amount} is on its way back {where}.",
    "unknown": "{amount} is on its way back {where}; we are asking how far it is.",
    "succeeded": "{amount} was returned {where}.",
    "abnormal": "{amount} could not be returned {where} by itself. Our staff are at it; you need not do anything.",
    "closed": "The return of {amount} {where} was stopped. Our staff are at it; you need not do anything.",
}
"""State of a refund → sentence."""
RETURNS = {
    "duplicate": "You paid twice; what came second goes back.",
    "late": "The money came after the time to pay was over, so it goes back.",
    "conflicted": "Another amount than asked for arrived, so all of it goes back.",
    "excess": "More than asked for arrived; the rest goes back.",
}
"""Why money goes back by itself → sentence before the refund's own."""

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
TABS = {"": "Attractions", "hotel": "Hotels", "restaurant": "Restaurants", "card": "Cards"}
"""Kinds of venue that are looked for apart → their tab on the first page."""
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
        Stage("choose", "How would you like to pay?", ("Nothing is charged until you confirm it yourself.",)),
        Stage(
            "outage",
            "No way to pay answers right now",
            (
                "Your places stay held for the time shown. We try every way again each few seconds; this page notices by itself.",
            ),
        ),
        Stage(
            "starting",
            "Asking {provider} …",
            ("This takes a few seconds. Your places stay held.",),
            True,
            True,
        ),
        Stage(
            "waiting",
            "Scan with {app}",
            (
                "Open {app}, scan this code and confirm there. This page notices by itself.",
                "Already paid? Wait here a moment, and do not pay twice.",
            ),
            True,
        ),
        Stage(
            "leaving",
            "Pay with {app} on this device",
            (
                "The button opens {app}. Confirm there; you come back here by yourself.",
                "Already paid? Wait here a moment, and do not pay twice.",
            ),
            True,
        ),
        Stage(
            "card",
            "Pay by card",
            (
                "You type the card into fields of the card service; we never see its number.",
                "Already paid? Wait here a moment, and do not pay twice.",
            ),
            True,
        ),
        Stage(
            "checking",
            "Checking with {provider}",
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
            "returned",
            "Your payment came too late and goes back",
            ("The time to pay was over, and the places had gone to others. You need not do anything.",),
        ),
        Stage(
            "mismatch",
            "Another amount than asked for arrived",
            ("It goes back by itself, all of it. Your places are still held: please pay the amount shown.",),
        ),
        Stage(
            "paid",
            "Paid. Your visit is confirmed.",
            ("Your tickets are ready. A message is on its way to your phone.",),
        ),
        Stage(
            "promised",
            "Confirmed. To be paid later.",
            (
                "Your visit is confirmed and the tickets are yours. Pay here or at the gate, until {time} at the latest.",
            ),
        ),
        Stage(
            "unpaid",
            "This visit was not paid",
            ("The time to pay is over. Please come to our desk, or contact us with the order number.",),
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
                "Try again, or choose another way to pay.",
            ),
        ),
    )
}
CHANGE_STAGES = {
    **{name: stage for name, stage in STAGES.items() if name not in ("promised", "unpaid")},
    **{
        stage.name: stage
        for stage in (
            Stage(
                "arrived",
                "The difference is paid. Your visit is being changed.",
                ("This takes a moment. Please do not pay again.",),
                True,
                True,
            ),
            Stage(
                "late",
                "Your payment arrived after the time to pay",
                ("The change was over by then, so your visit stays as it was. The whole amount goes back by itself.",),
                True,
                True,
            ),
            Stage(
                "returned",
                "Your payment came too late and goes back",
                ("The change was over by then, so your visit stays as it was. You need not do anything.",),
            ),
            Stage(
                "paid",
                "Paid. Your visit is changed.",
                ("Your new tickets are ready; the codes you had before are void.",),
            ),
            Stage(
                "expired",
                "The time to pay the difference is over",
                (
                    "This change did not take place. Your visit stays as it was.",
                    "You were not charged; if money still arrives, it is returned by itself.",
                ),
            ),
            Stage(
                "withdrawn",
                "This change did not take place. Your visit stays as it was.",
                ("Nothing is charged for it.",),
            ),
        )
    },
}
"""The same for the difference of a change, which holds new places while the visit stays as it was."""
PAYABLE = frozenset({"choose", "outage", "failed", "mismatch", "promised"})
"""Stages that show the ways to pay."""
UNDER_WAY = frozenset({"starting", "waiting", "leaving", "card"})
"""Stages from which another way can be taken after the one under way is closed."""
