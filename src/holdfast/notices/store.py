"""All SQL of notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .model import Row
from .wordings import Wording

MESSAGE: LiteralString = """select m.id, m.channel, m.recipient, m.recipient_masked, m.template, m.locale, m.subject, m.body,
    m.created_at, m.sent_at from notices.messages m """


async def insert(
    tx: Tx, *, message_id: UUID, channel: str, recipient: bytes, recipient_index: bytes, masked: str, wording: Wording,
    subject: str, body: bytes, check_code: str, link_hosts: Sequence[str], at: datetime,
) -> None:  # fmt: skip
    """Writes one message into the outbox, and its wording when it is the first in it."""
    await tx.execute(
        """with first as (
             insert into notices.wordings (digest, template, locale, text, first_at)
             select %(wording)s, %(template)s, %(locale)s, %(words)s, %(at)s
              where not exists (select from notices.wordings where digest = %(wording)s) on conflict do nothing)
           insert into notices.messages (id, channel, recipient, recipient_index, recipient_masked, template, locale, subject,
                                         body, check_code, wording, link_hosts, created_at)
           values (%(id)s, %(channel)s, %(recipient)s, %(index)s, %(masked)s, %(template)s, %(locale)s, %(subject)s, %(body)s,
                   %(check)s, %(wording)s, %(hosts)s, %(at)s)""",
        id=message_id, channel=channel, recipient=recipient, index=recipient_index, masked=masked, template=wording.template,
        locale=wording.locale, subject=subject, body=body, check=check_code, wording=wording.digest, words=wording.text,
        hosts=list(link_hosts), at=at,
    )  # fmt: skip


async def insert_attachment(tx: Tx, message_id: UUID, *, name: str, media_type: str, content: bytes) -> None:
    """Writes a file of a message."""
    await tx.execute(
        """insert into notices.attachments (message_id, name, media_type, content)
           values (%(message)s, %(name)s, %(type)s, %(content)s)""",
        message=message_id, name=name, type=media_type, content=content,
    )  # fmt: skip


async def attachments(tx: ReadTx, message_id: UUID) -> list[tuple[str, str, bytes]]:
    """Name, media type and sealed content of each file of a message."""
    return await tx.tuples(
        "select name, media_type, content from notices.attachments where message_id = %(id)s order by id", id=message_id
    )


async def newest(tx: ReadTx, limit: int) -> list[Row]:
    """The latest messages of the installation; for the development mailbox."""
    return await tx.rows(Row, MESSAGE + "order by m.created_at desc limit %(limit)s", limit=limit)


async def unsent(tx: ReadTx, message_id: UUID, now: datetime) -> Row | None:
    """A message that is still to be sent; one older than an hour is out of date."""
    return await tx.maybe(
        Row,
        MESSAGE + "where m.id = %(id)s and m.sent_at is null and m.created_at > %(since)s",
        id=message_id, since=now - timedelta(hours=1),
    )  # fmt: skip


async def mark_sent(tx: Tx, message_id: UUID, at: datetime) -> None:
    """Writes that the gateway took the message."""
    await tx.execute("update notices.messages set sent_at = %(at)s where id = %(id)s", id=message_id, at=at)
