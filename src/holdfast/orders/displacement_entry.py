"""Entry: whether a venue lets people in now: a pause of entry, and how many may be inside at once against how many are."""

from __future__ import annotations

from datetime import datetime

import msgspec

from holdfast import passes
from holdfast.inventory import policies
from holdfast.kit.db import ReadTx

WARN_PERCENT = (60, 80, 100)
"""Levels at which flow control is usual: part of the most people at once."""


class Entry(msgspec.Struct, frozen=True):
    """How entry stands. `most` is None where nobody set a limit; `paused_until` while only exits are open."""

    inside: int
    most: int | None
    paused_until: datetime | None
    reason: dict[str, str]

    @property
    def admits(self) -> bool:
        """Whether somebody may go in now."""
        return self.paused_until is None and (self.most is None or self.inside < self.most)

    @property
    def level(self) -> int:
        """The highest of `WARN_PERCENT` that is reached; 0 for none."""
        reached = [level for level in WARN_PERCENT if self.most is not None and self.inside * 100 >= self.most * level]
        return max(reached, default=0)


async def entry(tx: ReadTx, venue_id: str, time_zone: str) -> Entry:
    """How entry to a venue stands at this moment."""
    pause = await policies.entry_pause(tx, venue_id)
    return Entry(
        inside=await passes.inside(tx, venue_id),
        most=await policies.inside_limit(tx, venue_id, time_zone),
        paused_until=pause.until_at if pause else None,
        reason=pause.reason if pause else {},
    )
