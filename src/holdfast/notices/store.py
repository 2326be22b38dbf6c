"""All SQL of notices."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .model import Row

_MESSAGE: LiteralString = """select m.id, m.channel, m.recipient, m.recipient_masked, m.template, m.locale, m.body,
    m.created_at, m.sent_at from notices.messages m """


async def insert(
    tx: Tx, *, message_id: UUID, recipient: bytes, recipient_index: bytes, masked: str, template: str, locale: str,
    body: bytes, at: datetime,
) -> None:  # fmt: skip
    """Writes one text message into the outbox."""
    await tx.execute(
        """insert into notices.messages (id, channel, recipient, recipient_index, recipient_masked, template, locale, body, created_at)
           values (%(id)s, 'sms', %(recipient)s, %(index)s, %(masked)s, %(template)s, %(locale)s, %(body)s, %(at)s)""",
        id=message_id, recipient=recipient, index=recipient_index, masked=masked, template=template, locale=locale,
        body=body, at=at,
    )  # fmt: skip


async def newest(tx: ReadTx, limit: int) -> list[Row]:
    """The latest messages of the installation; for the development mailbox."""
    return await tx.rows(Row, _MESSAGE + "order by m.created_at desc limit %(limit)s", limit=limit)


async def unsent(tx: ReadTx, message_id: UUID, now: datetime) -> Row | None:
    """A message that is still to be sent; one older than an hour is out of date."""
    return await tx.maybe(
        Row,
        _MESSAGE + "where m.id = %(id)s and m.sent_at is null and m.created_at > %(since)s",
        id=message_id, since=now - timedelta(hours=1),
    )  # fmt: skip


async def mark_sent(tx: Tx, message_id: UUID, at: datetime) -> None:
    """Writes that the gateway took the message."""
    await tx.execute("update notices.messages set sent_at = %(at)s where id = %(id)s", id=message_id, at=at)
