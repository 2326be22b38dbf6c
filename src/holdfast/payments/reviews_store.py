"""SQL of callbacks that a person must look at."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx


class Parked(msgspec.Struct, frozen=True):
    """A proven callback that could not be acted on; `content` is what it said, without personal data."""

    id: UUID
    provider: str
    kind: str
    received_at: datetime
    note: str | None
    content: dict[str, Any]


async def parked(tx: ReadTx, limit: int) -> list[Parked]:
    """What waits, oldest first."""
    return await tx.rows(
        Parked,
        """select id, provider, kind, received_at, note, content from payments.inbox where state = 'needs_review'
           order by received_at limit %(limit)s""",
        limit=limit,
    )


async def settle(tx: Tx, inbox_id: UUID, note: str) -> bool:
    """Looked at; False when it does not wait, or is not there."""
    return bool(
        await tx.execute(
            "update payments.inbox set state = 'applied', note = %(note)s where id = %(id)s and state = 'needs_review'",
            id=inbox_id, note=note,
        )
    )  # fmt: skip
