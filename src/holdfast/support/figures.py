"""Figures: how long people wait for a first answer, of the last seven days, as we publish them."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import store

DAYS = 7
ENOUGH, MANY = 5, 20
"""Below the first nothing is published but the number of cases; below the second the figures are called thin."""


class Figures(msgspec.Struct, frozen=True):
    """First answers of the cases that travellers opened themselves. Who still waits counts with the time so far."""

    cases: int
    waiting: int
    median_s: float | None
    ninety_s: float | None
    ratings: int
    score: float | None

    @property
    def is_enough(self) -> bool:
        return self.cases >= ENOUGH

    @property
    def is_thin(self) -> bool:
        return self.cases < MANY


async def look(tx: ReadTx) -> Figures:
    """The figures of the last seven days, at this moment."""
    now = clock.now()
    since = now - timedelta(days=DAYS)
    return Figures(*await store.answer_times(tx, since, now), *await store.ratings(tx, since))
