"""Background entries of changes."""

from __future__ import annotations

from holdfast.kit.db import Db
from holdfast.kit.jobs import every

from . import proposals


@every(60)
async def expire_proposals(db: Db) -> None:
    """Proposals that nobody decided in time."""
    await db.run(proposals.expire)
