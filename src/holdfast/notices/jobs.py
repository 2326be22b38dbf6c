"""Background entries of notices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast.kit.db import Db
from holdfast.kit.jobs import every, on

from . import courier, outbox, webhooks


@on("message.queued")
async def send_message(db: Db, payload: dict[str, Any]) -> None:
    """Hands a message to the gateway of its channel."""
    await outbox.deliver(db, UUID(payload["message_id"]))


@every(1)
async def deliver_webhooks(db: Db) -> None:
    """Webhooks that are due set off; slow ones stay under way behind this turn."""
    await courier.current(db).shift()


@every(3600)
async def forget_old_webhooks(db: Db) -> None:
    """What was said and settled months ago."""
    await webhooks.forget(db)
