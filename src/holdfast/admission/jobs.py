"""Background entries of admission."""

from __future__ import annotations

from datetime import timedelta

from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.kit.jobs import every

from . import store


@every(3600)
async def forget_old_windows(db: Db) -> None:
    """Limits are kept no longer than they count."""
    await db.run(store.forget, clock.now() - timedelta(days=1))
