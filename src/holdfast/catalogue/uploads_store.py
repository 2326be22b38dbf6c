"""SQL of catalogue files that were sent to the console."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx


class Upload(msgspec.Struct, frozen=True):
    """A file as it was sent."""

    id: UUID
    name: str
    content: bytes
    sha256: bytes
    made_by: str
    made_at: datetime


async def insert(tx: Tx, made: Upload) -> None:
    await tx.execute(
        """insert into catalogue.uploads (id, name, content, sha256, made_by, made_at)
           values (%(id)s, %(name)s, %(content)s, %(sha256)s, %(by)s, %(at)s)""",
        id=made.id, name=made.name, content=made.content, sha256=made.sha256, by=made.made_by, at=made.made_at,
    )  # fmt: skip


async def find(tx: ReadTx, upload_id: UUID) -> Upload | None:
    return await tx.maybe(
        Upload,
        "select id, name, content, sha256, made_by, made_at from catalogue.uploads where id = %(id)s",
        id=upload_id,
    )
