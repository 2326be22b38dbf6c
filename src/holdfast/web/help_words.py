"""What pages call the kinds and states of cases, and how they say a length of time. English here, Chinese in ``zh.po``."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.support import Kind, State

KINDS: dict[str, str] = {
    Kind.MISSING_ORDER: "I am missing an order",
    Kind.CHARGED: "I was charged and have no order",
    Kind.PAYMENT: "Paying does not work",
    Kind.CHANGE: "Changing or cancelling",
    Kind.REFUND: "Money that should come back",
    Kind.TICKETS: "Tickets, names, documents",
    Kind.ENTRY: "At the entrance",
    Kind.ACCOUNT: "Signing in, accounts",
    Kind.OTHER: "Something else",
}
STATES: dict[str, tuple[str, str]] = {
    State.OPEN: ("warn", "waits for our answer"),
    State.WAITING_FOR_TRAVELLER: ("info", "waits for your answer"),
    State.ANSWERED: ("ok", "answered"),
    State.CLOSED: ("", "settled and closed"),
}
"""State → tone of its badge, words for the traveller."""
STATES_FOR_STAFF: dict[str, str] = {
    State.OPEN: "waits for us",
    State.WAITING_FOR_TRAVELLER: "waits for the traveller",
    State.ANSWERED: "answered",
    State.CLOSED: "settled and closed",
}
LEVELS: dict[str, tuple[str, str]] = {"urgent": ("bad", "urgent"), "high": ("warn", "high"), "normal": ("", "normal")}
MONEY: dict[str, str] = {
    "settled": "clear",
    "in_doubt": "nobody knows yet whether money came",
    "without_order": "charged, and there is no order for it",
}
CHANNELS: dict[str, str] = {"web": "website", "api": "program", "phone": "telephone", "desk": "desk"}
EVIDENCE: dict[str, str] = {
    "page": "Where the question came from",
    "typed": "What was typed",
    "order": "Order",
    "payment": "Payment",
    "matches": "What a search found",
    "call": "Opened by a colleague",
}
SCORES: tuple[tuple[int, str], ...] = (
    (5, "very good"),
    (4, "good"),
    (3, "so-so"),
    (2, "bad"),
    (1, "very bad"),
)


def duration(seconds: float, say: Callable[..., str]) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``, in the language of `say`."""
    whole = int(seconds)
    if whole < 60:
        return say("{count} s", count=whole)
    if whole < 3600:
        return say("{count} min", count=whole // 60)
    return say("{hours} h {minutes} min", hours=whole // 3600, minutes=whole % 3600 // 60)
