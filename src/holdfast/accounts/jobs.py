"""Background entries of accounts."""

from __future__ import annotations

from holdfast.kit.db import Db
from holdfast.kit.jobs import every

from . import attempts, breaker


@every(10)
async def watch_sign_in(db: Db) -> None:
    """Ways to sign in that fail for everybody, and those that have recovered."""
    await breaker.watch(db)


@every(600)
async def tidy_sign_ins(db: Db) -> None:
    """What is usual at this hour, how many people there are, and what is no longer kept."""
    await attempts.tidy(db)
