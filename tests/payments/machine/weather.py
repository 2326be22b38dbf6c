"""What goes wrong at providers and between them and us, as the machine draws it."""

from __future__ import annotations

from holdfast.payments.simulator.faults import ONLY, PROVIDERS, Step

CALLS = (
    "reset",
    "lost_response",
    "html_502",
    "system_error",
    "rate_limit",
    "unsigned",
    "bad_signature",
    "truncated_json",
)
"""May befall every call."""
OWN = {
    "create": ("hang", "callback_before_response"),
    "query": ("query_lag", "userpaying", "new_enum", "renamed_field"),
    "refund": ("hang", "refund_processing", "slow_refund", "refund_not_enough", "callback_before_response"),
    "callback": ("wrong_amount", "wrong_currency", "new_enum", "renamed_field"),
}
NEWS = (
    "drop_callback", "double_callback", "late_callback", "probe", "forged_callback", "tampered_callback",
    "stale_callback", "unknown_serial", "huge_callback",
)  # fmt: skip
MENU = (
    [(fault, operation) for operation in ("create", "query", "close", "refund", "query_refund") for fault in CALLS]
    + [(fault, operation) for operation, faults in OWN.items() for fault in faults]
    + [(fault, "*") for fault in NEWS]
    + [(fault, "*") for fault in ("html_502", "system_error", "reset", "rate_limit") for _ in range(3)]
)
"""Fault and what it strikes. Lies about sums are told by callbacks alone: what a provider answers when asked is true."""
SECONDS = {"hang": (40.0, 100.0, 280.0), "query_lag": (5.0, 60.0, 900.0), "late_callback": (5.0, 300.0, 90000.0)}


def step(at: int, provider: str, count: int | None, length: int, share: float) -> Step:
    """The `at`-th thing that can go wrong; everywhere, if this provider cannot have it."""
    fault, match = MENU[at % len(MENU)]
    if provider not in ONLY.get(fault, PROVIDERS):
        provider = "*"
    seconds = SECONDS[fault][length % 3] if fault in SECONDS else None
    if fault == "hang":  # each is waited for by the host's clock
        count = min(count or 2, 2)
    return Step(fault, match, share=share, count=count, seconds=seconds, provider=provider)
