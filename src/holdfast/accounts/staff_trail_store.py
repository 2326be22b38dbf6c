"""The SQL that searches the audit trail; only here are its actors given their names."""

from __future__ import annotations

from datetime import datetime

from holdfast.kit.db import ReadTx

from .staff_model import TrailEntry


async def entries(
    tx: ReadTx, actor: str, action: str, subject: str, since: datetime | None, until: datetime | None,
    before: int | None, limit: int,
) -> list[TrailEntry]:  # fmt: skip
    """Lines of the trail, newest first; empty texts and None ask for nothing."""
    return await tx.rows(
        TrailEntry,
        """select a.id, a.at, a.actor, coalesce(s.name, '') as name, coalesce(s.login, '') as login, a.action, a.subject, a.details
           from kit.audit a left join accounts.staff s on a.actor = 'staff:' || s.id::text
           where (%(before)s::bigint is null or a.id < %(before)s)
             and (%(since)s::timestamptz is null or a.at >= %(since)s)
             and (%(until)s::timestamptz is null or a.at < %(until)s)
             and (%(actor)s = '' or starts_with(a.actor, %(actor)s)
                  or a.actor in (select 'staff:' || o.id::text from accounts.staff o
                                 where strpos(lower(o.login || ' ' || o.name), lower(%(actor)s)) > 0))
             and (%(action)s = '' or starts_with(a.action, %(action)s))
             and (%(subject)s = '' or starts_with(a.subject, %(subject)s))
           order by a.id desc limit %(limit)s""",
        actor=actor, action=action, subject=subject, since=since, until=until, before=before, limit=limit,
    )  # fmt: skip
