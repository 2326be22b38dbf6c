"""SQL of what messages hold about people. A redacted message has no recipient any more: its index is empty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .model import Row
from .store import MESSAGE


async def to_contacts(tx: ReadTx, contacts: Sequence[bytes], since: datetime | None) -> list[Row]:
    return await tx.rows(
        Row,
        MESSAGE + """where m.recipient_index = any(%(contacts)s) and m.recipient_index <> ''
             and (%(since)s::timestamptz is null or m.created_at >= %(since)s) order by m.created_at""",
        contacts=list(contacts), since=since,
    )  # fmt: skip


async def count(tx: ReadTx, contacts: Sequence[bytes], until: datetime | None) -> int:
    return int(
        await tx.value(
            """select count(*) from notices.messages where recipient_index = any(%(contacts)s) and recipient_index <> ''
                 and (%(until)s::timestamptz is null or created_at <= %(until)s)""",
            contacts=list(contacts), until=until,
        )
    )  # fmt: skip


async def settled(tx: ReadTx, contacts: Sequence[bytes], until: datetime, stale: datetime, limit: int) -> list[UUID]:
    """Messages until then that were handed over, or will not be any more."""
    return await tx.values(
        """select id from notices.messages where recipient_index = any(%(contacts)s) and recipient_index <> ''
             and created_at <= %(until)s and (sent_at is not null or created_at <= %(stale)s)
           order by created_at limit %(limit)s""",
        contacts=list(contacts), until=until, stale=stale, limit=limit,
    )  # fmt: skip


async def of_templates(tx: ReadTx, templates: Sequence[str], before: datetime, limit: int) -> list[UUID]:
    """Messages of these templates from before then that still have a recipient."""
    return await tx.values(
        """select id from notices.messages where created_at < %(before)s and template = any(%(templates)s)
             and recipient_index <> '' limit %(limit)s""",
        before=before, templates=list(templates), limit=limit,
    )  # fmt: skip


async def empty(tx: Tx, message_ids: Sequence[UUID], recipient: bytes, body: bytes) -> None:
    """Writes nothing where recipient and text were; files go after it, never before."""
    await tx.execute(
        """update notices.messages set recipient = %(recipient)s, body = %(body)s, recipient_index = '', recipient_masked = '',
                  subject = '' where id = any(%(ids)s)""",
        ids=list(message_ids), recipient=recipient, body=body,
    )  # fmt: skip
    await tx.execute("delete from notices.attachments where message_id = any(%(ids)s)", ids=list(message_ids))
