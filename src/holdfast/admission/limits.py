"""Limits: a number of uses in a window of time, counted in the database, so that all processes share them."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from holdfast.kit import clock, crypto
from holdfast.kit.db import Tx

from . import store


class Left(msgspec.Struct, frozen=True):
    """What a limit leaves: the fields of a RateLimit header (draft-ietf-httpapi-ratelimit-headers)."""

    allowed: bool
    remaining: int
    resets_in_s: int


async def spend(tx: Tx, name: str, subject: str, *, uses: int, per_s: int) -> Left:
    """Counts one use by a subject (an address, a number; stored as a blind index). The caller refuses when not allowed."""
    now = clock.now()
    window = timedelta(seconds=per_s)
    used, started_at = await store.spend(tx, name, crypto.blind_index(f"limit:{name}", subject), now, now - window)
    resets_in_s = max(1, int((started_at + window - now).total_seconds()))
    return Left(used <= uses, max(0, uses - used), resets_in_s)


async def give_back(tx: Tx, name: str, subject: str) -> None:
    """Takes back one use that `spend` counted, where only what failed is to count."""
    await store.give_back(tx, name, crypto.blind_index(f"limit:{name}", subject))
