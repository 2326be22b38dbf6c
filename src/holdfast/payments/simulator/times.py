"""The simulator's time: the clock that a test or ``POST /_sim/clock`` moves."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta, timezone

from holdfast.kit import clock

BEIJING = timezone(timedelta(hours=8))
LOOK_S = 0.02
"""How often a wait looks whether the clock was moved."""
_waits: dict[object, float] = {}
"""When each wait of `sleep` is over."""


def now() -> float:
    """Seconds since 1970."""
    return clock.now().timestamp()


async def sleep(seconds: float) -> None:
    """Waits until so much time has passed by the clock, which may be moved meanwhile, or by the host's."""
    wakes_at, latest = now() + seconds, time.monotonic() + seconds
    this = object()
    _waits[this] = wakes_at
    try:
        while True:
            left = min(wakes_at - now(), latest - time.monotonic())
            if left <= 0:
                return
            await asyncio.sleep(min(left, LOOK_S))
    finally:
        del _waits[this]


async def advance(by: timedelta) -> None:
    """Moves the clock forward, and halts at the end of each wait on the way: who waits goes on at that time, not days later."""
    left = by
    while _waits and (wait := min(_waits.values()) - now()) <= left.total_seconds():
        step = timedelta(seconds=max(0.0, wait))
        clock.move(step)
        left -= step
        await asyncio.sleep(LOOK_S)
    clock.move(left)


def beijing(moment: float) -> str:
    """``2018-06-08T10:34:56+08:00``."""
    return datetime.fromtimestamp(moment, UTC).astimezone(BEIJING).isoformat(timespec="seconds")


def shown(moment: float | None) -> str | None:
    """A time of the truth: as `beijing`, or None when it has not come."""
    return None if moment is None else beijing(moment)
