"""Signatures and retries of outgoing webhooks, as Standard Webhooks 1.0.0 has them.

The signature is ``v1,`` and the base64 of HMAC-SHA-256 over ``id.timestamp.body``; secrets are ``whsec_`` and the base64
of 24 to 64 bytes. Several signatures in one header, split by spaces, let a receiver change its secret at leisure.
"""

from __future__ import annotations

import base64
import hmac
import random
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID

PREFIX = "whsec_"
RETRIES: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The pauses after the first attempt, which is made at once, and after each that fails (the example schedule of the specification)."""
JITTER = 0.2
"""A pause is up to a fifth longer, so that what failed together does not come back together."""
RETRY_AFTER_MAX = timedelta(hours=24)


def new_secret() -> str:
    """A fresh secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def message_id(event_id: UUID) -> str:
    """The ``webhook-id`` of an event: the same at every attempt and for every subscription."""
    return f"evt_{event_id.hex}"


def sign(secret: str, webhook_id: str, timestamp_s: int, body: bytes) -> str:
    """``v1,…`` over exactly these bytes."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.digest(key, f"{webhook_id}.{timestamp_s}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(signed).decode()


TOLERANCE = timedelta(minutes=5)
"""So far the clock of a sender may be from ours; what was signed longer ago is not taken."""


def verifies(keys: Sequence[str], given: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether one of these secrets signed exactly this, just now. `given`: the three headers, by names in small letters."""
    webhook_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (webhook_id and timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    signed = [one.encode("utf-8", "replace") for one in given.get("webhook-signature", "").split(" ")]
    wanted = [sign(key, webhook_id, int(timestamp), body).encode() for key in keys]
    return any(hmac.compare_digest(one, other) for one in wanted for other in signed)


def headers(keys: Sequence[str], event_id: UUID, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt, made at `at`: one signature for each secret that is valid."""
    webhook_id, timestamp_s = message_id(event_id), int(at.timestamp())
    return {
        "content-type": "application/json",
        "user-agent": "holdfast-webhooks/1",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(sign(key, webhook_id, timestamp_s, body) for key in keys),
    }


def next_due_at(step: int, now: datetime, retry_after: str = "") -> datetime | None:
    """When to try again after the attempt at place `step` (0: the first) has failed; None when that was the last.

    A Retry-After of the receiver can only lengthen the pause, by at most a day.
    """
    if step >= len(RETRIES):
        return None
    pause = RETRIES[step] * (1 + random.random() * JITTER)
    return now + max(pause, min(_asked_pause(retry_after, now), RETRY_AFTER_MAX))


def _asked_pause(retry_after: str, now: datetime) -> timedelta:
    """The pause a receiver asks for, in seconds or as a date (RFC 9110 §10.2.3); none when it cannot be read."""
    text = retry_after.strip()
    if text.isdecimal() and text.isascii():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return timedelta(0)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
