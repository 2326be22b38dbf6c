"""Background entries of notices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast.kit.db import Db
from holdfast.kit.jobs import on

from . import outbox


@on("message.queued")
async def send_message(db: Db, payload: dict[str, Any]) -> None:
    """Hands a message to the text gateway."""
    await outbox.deliver(db, UUID(payload["message_id"]))
