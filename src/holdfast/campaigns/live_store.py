"""All SQL of what is on offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

from .facts import Code


class VersionRow(msgspec.Struct, frozen=True):
    """A version and its envelope as their tables hold them."""

    id: UUID
    campaign_id: str
    n: int
    content: dict[str, Any]
    content_hash: bytes
    envelope: dict[str, Any]


async def epoch(tx: ReadTx) -> int:
    """Moves whenever what is on offer changes."""
    found: int = await tx.value("select epoch from campaigns.epoch")
    return found


async def running(tx: ReadTx, today: date) -> list[UUID]:
    """The versions that may be granted: those that run and have money left. A day's money is there again on the next day."""
    return await tx.values(
        """select version_id from campaigns.running
            where state in ('canary', 'ramping', 'live')
              and (full_since is null or (day_minor is not null and (full_since at time zone 'Asia/Shanghai')::date < %(today)s
                                          and used_minor < budget_minor))
            order by version_id""",
        today=today,
    )


async def versions(tx: ReadTx, ids: Sequence[UUID]) -> list[VersionRow]:
    """These versions, word for word."""
    return await tx.rows(
        VersionRow,
        """select v.id, v.campaign_id, v.n, v.content, v.content_hash, to_jsonb(e) as envelope
             from campaigns.versions v join campaigns.envelopes e on e.id = v.envelope_id where v.id = any(%(ids)s)""",
        ids=list(ids),
    )


async def code(tx: ReadTx, read: str) -> Code | None:
    """A code, and whether it can still be used."""
    return await tx.maybe(
        Code,
        "select code, campaign_id, uses < uses_max and ended_at is null as usable from campaigns.codes where code = %(code)s",
        code=read,
    )  # fmt: skip
