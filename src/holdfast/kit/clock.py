"""The only source of time. Tests and drills may move it; the hosts of one installation keep theirs by NTP."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

_offset = timedelta(seconds=float(os.environ.get("HOLDFAST_CLOCK_OFFSET_S", "0")))


def now() -> datetime:
    """The present moment, in UTC, moved by the offset of a test or drill."""
    return datetime.now(UTC) + _offset


def move(by: timedelta) -> None:
    """Move this process's clock (tests and drills)."""
    global _offset  # noqa: PLW0603 - one clock per process is the point
    _offset += by


def reset() -> None:
    """Back to the host's time."""
    global _offset  # noqa: PLW0603
    _offset = timedelta(0)
