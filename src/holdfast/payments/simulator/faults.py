"""What goes wrong, by script: each step names a fault, what it strikes, how often and how many times. Seeded."""

from __future__ import annotations

import random
from typing import Annotated

import msgspec
from msgspec import Meta

API = frozenset({"create", "query", "close", "refund", "query_refund"})
CALLBACKS = frozenset({"callback", "refund_callback"})

STRIKES: dict[str, frozenset[str]] = {
    "hang": API,  # waits `seconds`, then goes on, whether the client still listens or not
    "reset": API,  # the connection is reset before anything is done
    "lost_response": API,  # done, then the connection is closed without an answer
    "html_502": API,  # a gateway's page; not done
    "system_error": API,  # HTTP 500 SYSTEM_ERROR; not done
    "rate_limit": API,  # HTTP 429 FREQUENCY_LIMITED; not done
    "unsigned": API,  # done; the answer bears no signature
    "bad_signature": API,  # done; the signature does not fit the answer
    "truncated_json": API,  # done; half an answer, properly signed
    "wrong_amount": frozenset({"query", "callback"}),  # one fen more than was paid
    "query_lag": frozenset({"query"}),  # says NOTPAY until `seconds` after the payment
    "drop_callback": CALLBACKS,  # never sent
    "double_callback": CALLBACKS,  # sent twice under one id
    "late_callback": CALLBACKS,  # sent `seconds` late
    "probe": CALLBACKS,  # a WECHATPAY/SIGNTEST/ request comes first
    "callback_before_response": frozenset({"create", "refund"}),  # paid (settled) and notified before the answer
    "refund_processing": frozenset({"refund"}),  # stays PROCESSING until told at /_sim/refunds/{number}
    "refund_not_enough": frozenset({"refund"}),  # HTTP 403 NOT_ENOUGH; not done
}
SECONDS = {"hang": 30.0, "query_lag": 10.0, "late_callback": 10.0}
OPERATIONS = API | CALLBACKS


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a scenario. `match` is an operation or ``*``; `count` None means without end."""

    fault: str
    match: str = "*"
    share: Annotated[float, Meta(ge=0, le=1)] = 1.0
    count: Annotated[int, Meta(ge=1)] | None = None
    seconds: Annotated[float, Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        if self.fault not in STRIKES:
            raise ValueError(f"unknown fault {self.fault!r}; known: {', '.join(sorted(STRIKES))}")
        if self.match != "*" and self.match not in STRIKES[self.fault]:
            raise ValueError(f"{self.fault} strikes {', '.join(sorted(STRIKES[self.fault]))}, not {self.match!r}")

    def strikes(self, operation: str) -> bool:
        return operation in STRIKES[self.fault] and self.match in ("*", operation)


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /_sim/scenario``."""

    steps: list[Step]
    seed: int | None = None


class Scenario:
    """The script in force and how often each step has struck."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.play(Script([]))

    def play(self, script: Script) -> None:
        """Replace the script; the dice begin anew."""
        self._random = random.Random(self._seed if script.seed is None else script.seed)
        self._steps = script.steps
        self._struck = [0] * len(script.steps)

    def draw(self, operation: str) -> dict[str, float]:
        """The faults that strike this operation now, each with its seconds."""
        fired: dict[str, float] = {}
        for number, step in enumerate(self._steps):
            if not step.strikes(operation) or (step.count is not None and self._struck[number] >= step.count):
                continue
            if step.share < 1 and self._random.random() >= step.share:
                continue
            self._struck[number] += 1
            fired[step.fault] = SECONDS.get(step.fault, 0.0) if step.seconds is None else step.seconds
        return fired

    def shown(self) -> list[dict[str, object]]:
        """The steps and how often each has struck."""
        return [
            {**msgspec.structs.asdict(step), "struck": struck}
            for step, struck in zip(self._steps, self._struck, strict=True)
        ]
