"""What goes wrong, by script: each step names a fault, what it strikes, how often and how many times. Seeded."""

from __future__ import annotations

import random
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

API = frozenset({"create", "query", "close", "refund", "query_refund", "bill"})
CALLBACKS = frozenset({"callback", "refund_callback"})
OPERATIONS = API | CALLBACKS
QUERY, BILL, CREATE = frozenset({"query"}), frozenset({"bill"}), frozenset({"create"})
REFUND, PAYMENT_NEWS = frozenset({"refund"}), frozenset({"query", "callback"})
WECHATPAY = frozenset({"wechatpay"})
PROVIDERS = frozenset({"wechatpay", "alipay", "stripe"})

STRIKES: dict[str, frozenset[str]] = {
    "hang": API,  # waits `seconds`, then goes on, whether the client still listens or not
    "reset": API,  # the connection is reset before anything is done
    "lost_response": API,  # done, then the connection is closed without an answer
    "html_502": API,  # a gateway's page; not done
    "system_error": API,  # the provider's "system busy" (WeChat Pay: HTTP 500 SYSTEM_ERROR); not done
    "rate_limit": API,  # the provider's "too many requests" (WeChat Pay: HTTP 429 FREQUENCY_LIMITED); not done
    "unsigned": API,  # done; the answer bears no signature
    "bad_signature": API,  # done; the signature does not fit the answer
    "truncated_json": API,  # done; half an answer, properly signed where the protocol signs bytes
    "cert_mode_gone": API
    | {"certificates"},  # HTTP 500 SYSTEM_ERROR for whoever does not ask for the platform's public key
    "wrong_amount": PAYMENT_NEWS,  # one minor unit more than was paid
    "wrong_currency": PAYMENT_NEWS,  # USD
    "query_lag": QUERY,  # says "not paid" until `seconds` after the payment
    "userpaying": QUERY,  # says USERPAYING once the payer has begun, whatever happened since
    "new_enum": PAYMENT_NEWS,  # a state that no documentation names
    "renamed_field": PAYMENT_NEWS,  # the field of the state has another name
    "callback_before_response": CREATE | REFUND,  # paid (settled) and notified before the answer
    "refund_processing": REFUND,  # stays in processing until told at /_sim/refunds/{number}
    "slow_refund": REFUND,  # settles `seconds` after it was accepted
    "refund_not_enough": REFUND,  # the merchant's account is empty; not done
    "no_statement": BILL,  # there is no bill
    "bill_wrong_hash": BILL,  # the checksum belongs to another file
    "bill_wrong_total": BILL,  # the summary does not fit the rows
    "bill_missing_row": BILL,  # the first payment is left out
    "bill_extra_row": BILL,  # a payment that nobody made
    "bill_wrong_amount": BILL,  # one minor unit more in the first payment
    "bill_double_row": BILL,  # the first payment comes twice
    "drop_callback": CALLBACKS,  # never sent
    "double_callback": CALLBACKS,  # sent twice under one id
    "late_callback": CALLBACKS,  # sent `seconds` late
    "probe": CALLBACKS,  # a WECHATPAY/SIGNTEST/ request comes first
    "forged_callback": CALLBACKS,  # one signed by a stranger's key under the provider's name comes first
    "tampered_callback": CALLBACKS,  # one whose content was changed after signing comes first
    "stale_callback": CALLBACKS,  # one that was signed an hour ago comes first
    "unknown_serial": CALLBACKS,  # one signed by a key that nobody has announced comes first
    "huge_callback": CALLBACKS,  # one of several megabytes, properly signed, comes first
}
"""Every fault by name, and the operations that it can strike."""

ONLY: dict[str, frozenset[str]] = {
    "cert_mode_gone": WECHATPAY,
    "userpaying": WECHATPAY,
    "probe": WECHATPAY,
    "unknown_serial": WECHATPAY,
    "unsigned": PROVIDERS - {"stripe"},  # Stripe signs no answers
    "bad_signature": PROVIDERS - {"stripe"},
    "bill_wrong_hash": PROVIDERS - {"stripe"},  # nor has its bill a checksum
}
"""Faults that only some providers can have; all others exist for every provider."""

EXTRAS = ("probe", "forged_callback", "tampered_callback", "stale_callback", "unknown_serial", "huge_callback")
"""Callbacks that come once, before the genuine one, and are not to be believed."""

CONTENT = frozenset(name for name in STRIKES if name.startswith("bill_")) | {"no_statement"}
"""Faults of what a bill says: drawn when it is asked for, spared when its file is fetched."""

SECONDS = {"hang": 30.0, "query_lag": 10.0, "late_callback": 10.0, "slow_refund": 60.0}


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a scenario. `match` is an operation or ``*``; `count` None means without end."""

    fault: str
    match: str = "*"
    share: Annotated[float, Meta(ge=0, le=1)] = 1.0
    count: Annotated[int, Meta(ge=1)] | None = None
    seconds: Annotated[float, Meta(ge=0)] | None = None
    provider: str = "*"
    agent: str = ""
    """Part of the request's User-Agent: strikes one version of an adapter. Callbacks have none: only "" strikes them."""
    host: Literal["primary", "backup", "*"] = "*"

    def __post_init__(self) -> None:
        if self.fault not in STRIKES:
            raise ValueError(f"unknown fault {self.fault!r}; known: {', '.join(sorted(STRIKES))}")
        if self.match != "*" and self.match not in STRIKES[self.fault]:
            raise ValueError(f"{self.fault} strikes {', '.join(sorted(STRIKES[self.fault]))}, not {self.match!r}")
        able = ONLY.get(self.fault, PROVIDERS)
        if self.provider != "*" and self.provider not in able:
            raise ValueError(f"{self.fault} exists for {', '.join(sorted(able))}, not for {self.provider!r}")

    def strikes(self, operation: str, provider: str, agent: str, host: str) -> bool:
        return (
            operation in STRIKES[self.fault]
            and self.match in ("*", operation)
            and self.provider in ("*", provider)
            and provider in ONLY.get(self.fault, PROVIDERS)
            and self.agent in agent
            and self.host in ("*", host)
        )


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /_sim/scenario``."""

    steps: list[Step]
    seed: int | None = None
    qps: Annotated[float, Meta(gt=0)] | None = None
    """Requests per second that each provider takes of each operation; None: as the options say."""


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
        self.qps = script.qps

    def draw(
        self,
        operation: str,
        *,
        provider: str,
        agent: str = "",
        host: str = "primary",
        spare: frozenset[str] = frozenset(),
    ) -> dict[str, float]:
        """The faults that strike this operation now, each with its seconds; those in `spare` are left for later."""
        fired: dict[str, float] = {}
        for number, step in enumerate(self._steps):
            if step.fault in spare or not step.strikes(operation, provider, agent, host):
                continue
            if step.count is not None and self._struck[number] >= step.count:
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
