"""Background entries of people's rights."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast.kit.db import Db
from holdfast.kit.jobs import every, on

from . import erasure, exports


@on("export.asked")
async def build_export(db: Db, payload: dict[str, Any]) -> None:
    """A copy of somebody's data was asked for."""
    await exports.build(db, UUID(payload["export_id"]))


@every(60)
async def carry_on_erasing(db: Db) -> None:
    """Erasures whose time has come."""
    await erasure.run(db)
