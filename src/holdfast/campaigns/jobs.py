"""Background entries of campaigns: incidents open, stages grow, what is over ends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast.kit.db import Db
from holdfast.kit.jobs import every, on

from . import incidents, stages


@on("campaign.tripped")
async def open_incident(db: Db, payload: dict[str, Any]) -> None:
    """Every stop becomes an incident; the database tells of it when the booking that it happened in is committed."""
    await db.run(incidents.open_one, UUID(payload["trip_id"]))


@every(30)
async def grow(db: Db) -> None:
    """What did well in its stage goes on to the next one."""
    await stages.grow(db)


@every(30)
async def end_due(db: Db) -> None:
    """What is over ends."""
    await stages.end_due(db)


@every(3600)
async def forget_marks(db: Db) -> None:
    """When orders were placed that nothing counts any more."""
    await stages.forget_marks(db)
