"""Background entries of support."""

from __future__ import annotations

from holdfast.kit.db import Db
from holdfast.kit.jobs import every

from . import desk


@every(60)
async def weigh_cases(db: Db) -> None:
    """Who is to be helped first changes with time."""
    await desk.weigh_all(db)
