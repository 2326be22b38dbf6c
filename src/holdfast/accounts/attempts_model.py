"""Types of attempts to sign in, and the pure decisions about them: how long to wait, when a way is broken for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

import msgspec

from holdfast.kit.problems import TooMany

WAITS_S = (0, 0, 0, 1, 2, 4, 8, 16, 32, 60)
"""After so many failures in a row of one credential from one place, its next try there waits."""
FAILURES_MAX = 100
"""In a row, from all unknown devices together (NIST SP 800-63B §5.2.2, ASVS 2.2.1); then they rest for `REST`."""
REST = timedelta(hours=1)
TRIES_MIN, PEOPLE_MIN, SOURCES_MIN = 150, 50, 50
"""What a window must hold before it says anything about a way to sign in."""
KNOWN_TRIES_MIN = 20
"""From known devices: if those get in as usual, the others are an attack and not a broken verifier."""
NORMAL_WHEN_THIN = 0.6
"""The share of tries that succeed, assumed where the last week says too little."""
DAY_TRIES_MIN, DAYS_MIN = 50, 3
CAP_MIN, CAP_SHARE = 20, 0.0001
"""New restrictions a minute: the larger of so many and this share of the people who use the place."""
RECOVERED_TRIES_MIN, RECOVERED_SHARE = 20, 0.75
OPEN_MIN, OPEN_QUIET = timedelta(minutes=1), timedelta(minutes=15)


class Method(StrEnum):
    """The ways to sign in; the values are stored."""

    CODE = "code"
    PASSWORD = "password"  # noqa: S105 - a name, not a secret
    PASSKEY = "passkey"
    EXTERNAL = "external"


class SignInRecord(msgspec.Struct, frozen=True):
    """An attempt as the account's owner sees it. `known`: on a device that had signed in before."""

    at: datetime
    method: Method
    succeeded: bool
    why: str
    device: str
    known: bool


class Window(msgspec.Struct, frozen=True):
    """What happened to one way to sign in within a minute or five: tries of credentials that somebody has."""

    tries: int
    successes: int
    people: int
    sources: int
    known_tries: int = 0
    known_successes: int = 0


class HourOfDay(msgspec.Struct, frozen=True):
    """One hour of one of the last days."""

    tries: int
    successes: int


class SignInPaused(TooMany):
    """There were many tries to sign in from here."""

    safe = "Your account is not locked: another way to sign in works at once."
    next_step = "Wait until the time shown, or sign in with a code."


class MethodRestricted(TooMany):
    """On new devices this way to sign in rests for this account, because it failed very often."""

    safe = "Your account is not locked: devices you used before, codes and passkeys work as always."
    next_step = "Sign in with a code or a passkey, or on a device you have used before."


def wait_after(failed: int) -> timedelta:
    """How long the next try waits after so many failures in a row."""
    return timedelta(seconds=WAITS_S[min(failed, len(WAITS_S)) - 1] if failed > 0 else 0)


def normal_of(days: Sequence[HourOfDay]) -> float:
    """The share of tries that usually succeed at this hour: the median of days that say something, so that one bad day
    does not become the measure; `NORMAL_WHEN_THIN` when there are too few.
    """
    shares = [day.successes / day.tries for day in days if day.tries >= DAY_TRIES_MIN]
    return median(shares) if len(shares) >= DAYS_MIN else NORMAL_WHEN_THIN


def fails_for_everybody(window: Window, normal: float) -> bool:
    """Whether fewer than half as many succeed as usual, among enough tries, people and sources to be no coincidence.

    An attack fails a lot, too, but not for people on their own devices: when those get in, it is one.
    """
    if window.tries < TRIES_MIN or window.people < PEOPLE_MIN or window.sources < SOURCES_MIN:
        return False
    if 2 * window.successes >= normal * window.tries:
        return False
    return window.known_tries < KNOWN_TRIES_MIN or 2 * window.known_successes < normal * window.known_tries


def has_recovered(window: Window, normal: float, open_for: timedelta) -> bool:
    """Whether an open breaker may close: people get in again, or for a long time hardly anybody has tried."""
    if open_for < OPEN_MIN:
        return False
    if window.tries >= RECOVERED_TRIES_MIN:
        return window.successes >= RECOVERED_SHARE * normal * window.tries
    return open_for >= OPEN_QUIET


def cap_of(people: int) -> int:
    """How many restrictions may be written in a minute."""
    return max(CAP_MIN, int(people * CAP_SHARE))
