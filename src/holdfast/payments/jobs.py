"""Background entries of payments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast.kit.db import Db
from holdfast.kit.jobs import every, on

from . import notifications, resolver


@on("payment.notified")
async def apply_notification(db: Db, payload: dict[str, Any]) -> None:
    """A callback was stored."""
    await notifications.apply(db, UUID(payload["inbox_id"]))


@every(1)
async def resolve_payments(db: Db) -> None:
    """Asks about attempts and refunds that are not final."""
    await resolver.resolve(db)
