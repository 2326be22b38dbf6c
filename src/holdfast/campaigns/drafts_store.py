"""All SQL of campaigns' names and drafts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

_DRAFT: LiteralString = """select d.id, d.campaign_id, c.name, d.typed, d.content, d.content_hash, d.revision, d.made_by, d.made_at,
    d.changed_by, d.changed_at, d.editors, d.proposal_id, d.dropped_at
    from campaigns.drafts d join campaigns.campaigns c on c.id = d.campaign_id """


class Draft(msgspec.Struct, frozen=True):
    """A campaign that is being written. `typed` is the form as it is; `content` null while something in it is wrong."""

    id: UUID
    campaign_id: str
    name: dict[str, str]
    typed: dict[str, str]
    content: dict[str, Any] | None
    content_hash: bytes | None
    revision: int
    made_by: str
    made_at: datetime
    changed_by: str
    changed_at: datetime
    editors: tuple[str, ...]
    proposal_id: UUID | None
    dropped_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.proposal_id is None and self.dropped_at is None


async def insert_campaign(tx: Tx, campaign_id: str, name: dict[str, str], by: str, at: datetime) -> bool:
    """A campaign's name, once; whether it is new."""
    return bool(
        await tx.execute(
            """insert into campaigns.campaigns (id, name, made_by, made_at) values (%(id)s, %(name)s, %(by)s, %(at)s)
               on conflict (id) do nothing""",
            id=campaign_id, name=Jsonb(name), by=by, at=at,
        )
    )  # fmt: skip


async def insert(tx: Tx, draft: Draft) -> None:
    """Writes a new draft."""
    await tx.execute(
        """insert into campaigns.drafts (id, campaign_id, typed, content, content_hash, made_by, made_at, changed_by, changed_at, editors)
           values (%(id)s, %(campaign)s, %(typed)s, %(content)s, %(hash)s, %(by)s, %(at)s, %(by)s, %(at)s, array[%(by)s])""",
        id=draft.id, campaign=draft.campaign_id, typed=Jsonb(draft.typed),
        content=None if draft.content is None else Jsonb(draft.content), hash=draft.content_hash, by=draft.made_by,
        at=draft.made_at,
    )  # fmt: skip


async def save(
    tx: Tx, draft_id: UUID, revision: int, typed: dict[str, str], content: dict[str, Any] | None, content_hash: bytes | None,
    by: str, at: datetime,
) -> bool:  # fmt: skip
    """The next revision, if nobody has saved another since `revision`; whether it was."""
    return bool(
        await tx.execute(
            """update campaigns.drafts set typed = %(typed)s, content = %(content)s, content_hash = %(hash)s,
                      revision = revision + 1, changed_by = %(by)s, changed_at = %(at)s,
                      editors = case when %(by)s = any (editors) then editors else editors || %(by)s::text end
                where id = %(id)s and revision = %(revision)s and proposal_id is null and dropped_at is null""",
            id=draft_id, revision=revision, typed=Jsonb(typed), content=None if content is None else Jsonb(content),
            hash=content_hash, by=by, at=at,
        )
    )  # fmt: skip


async def find(tx: ReadTx, draft_id: UUID) -> Draft | None:
    """A draft by its id."""
    return await tx.maybe(Draft, _DRAFT + "where d.id = %(id)s", id=draft_id)


async def open_ones(tx: ReadTx, limit: int) -> list[Draft]:
    """Drafts that are still written, the last changed first."""
    return await tx.rows(
        Draft,
        _DRAFT + "where d.proposal_id is null and d.dropped_at is null order by d.changed_at desc limit %(limit)s",
        limit=limit,
    )


async def set_proposal(tx: Tx, draft_id: UUID, proposal_id: UUID) -> bool:
    """It was proposed; whether it still could be."""
    return bool(
        await tx.execute(
            """update campaigns.drafts set proposal_id = %(proposal)s
                where id = %(id)s and proposal_id is null and dropped_at is null""",
            id=draft_id, proposal=proposal_id,
        )
    )  # fmt: skip


async def drop(tx: Tx, draft_id: UUID, at: datetime) -> bool:
    """It is not wanted any more; whether it was open."""
    return bool(
        await tx.execute(
            """update campaigns.drafts set dropped_at = %(at)s
                where id = %(id)s and proposal_id is null and dropped_at is null""",
            id=draft_id, at=at,
        )
    )  # fmt: skip
