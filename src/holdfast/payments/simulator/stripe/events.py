"""Events: kept, and sent to the addresses that want them, signed as ``t=…,v1=…`` afresh at each try."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable
from hashlib import sha256

from holdfast.payments.simulator import callbacks, times
from holdfast.payments.simulator.callbacks import Callback, Letter, Manners
from holdfast.payments.simulator.faults import Scenario

from . import account, lies, objects
from .account import Identity, Obj
from .refusals import encoded

WAITS_S = (300.0, 1800.0, 7200.0, 18000.0, 36000.0, 43200.0, 43200.0, 43200.0, 43200.0)
"""Between tries: ever longer, for three days in all ("Automatic retries", live mode)."""
TIMEOUT_S = 10.0
STALE_S = 3600
HUGE = 4 * 1024 * 1024
REFUND_NEWS = ("charge.refund", "refund.")


def manners(identity: Callable[[], Identity]) -> Manners:
    """How Stripe calls back; any 2xx ends the tries."""

    def dressed(callback: Callback) -> tuple[bytes, dict[str, str]]:
        body, at = callback.body, int(times.now())
        if callback.kind == "huge_callback":
            body = body.rstrip()[:-1] + b',"padding":"' + b"x" * HUGE + b'"}'
        if callback.kind == "stale_callback":
            at -= STALE_S
        known = identity()
        secrets = [known.webhook_secret]
        if known.old_until > times.now():
            secrets.append(known.old_webhook_secret)
        if callback.kind == "forged_callback":
            secrets = [account.token("whsec", 32)]
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Accept": "*/*; q=0.5, application/xml",
            "Stripe-Signature": signature(body, at, secrets),
        }
        if callback.kind == "tampered_callback":
            body = body.replace(b'"evt_', b'"evt_x', 1)
        return body, headers

    return Manners(
        waits_s=WAITS_S,
        timeout_s=TIMEOUT_S,
        is_accepted=lambda status, body: 200 <= status < 300,
        dressed=dressed,
    )


def signature(body: bytes, at: int, secrets: list[str]) -> str:
    """The header's value: the time, and a signature for each secret in force."""
    signed = f"{at}.".encode() + body
    parts = [f"v1={hmac.new(secret.encode(), signed, sha256).hexdigest()}" for secret in secrets]
    return ",".join([f"t={at}", *parts])


class News:
    """Tells what happens in one request: the request's number and key go with every event."""

    def __init__(self, scenario: Scenario, db: sqlite3.Connection, request: str = "", key: str = "") -> None:
        self._scenario, self.db, self._request, self._key = scenario, db, request or None, key or None

    def tell(self, kind: str, about: Obj) -> None:
        """Keep an event and put a letter to every address that wants it, in the transaction of what it tells of."""
        event = objects.event(kind, about, self._request, self._key)
        account.add(self.db, event)
        wanted = [address for address in account.every(self.db, "webhook_endpoint") if _wants(address, kind)]
        if not wanted:
            return
        operation = "refund_callback" if kind.startswith(REFUND_NEWS) else "callback"
        faults = self._scenario.draw(operation, provider="stripe")
        body = encoded({**event, "data": {"object": lies.told(about, faults)}})
        for address in wanted:
            letter = Letter(event["id"], operation, _subject(self.db, about), address["url"], body, address["id"])
            callbacks.store(self.db, letter, faults)


def _wants(address: Obj, kind: str) -> bool:
    return "*" in address["enabled_events"] or kind in address["enabled_events"]


def _subject(db: sqlite3.Connection, about: Obj) -> str:
    """The merchant's number of what an event is about, or theirs."""
    if about["object"] == "refund":
        return str(about["metadata"].get("refund_ref") or about["id"])
    intent = account.get(db, "payment_intent", about.get("payment_intent") or about["id"])
    return "" if intent is None else number(intent)


def number(intent: Obj) -> str:
    """The merchant's number of a payment, or theirs when it bears none."""
    return str(intent["metadata"].get("merchant_ref") or intent["id"])
