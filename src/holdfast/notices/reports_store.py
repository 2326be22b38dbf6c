"""SQL of reported texts."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx


class ClusterRow(msgspec.Struct, frozen=True):
    """A heap as its table holds it, its sample sealed."""

    id: UUID
    sample: bytes
    first_at: datetime
    last_at: datetime
    reports: int
    sources: int
    raised_at: datetime | None
    state: str
    handled_by: str | None
    handled_why: str
    handled_at: datetime | None


class ReportRow(msgspec.Struct, frozen=True):
    """A report, its text sealed."""

    id: UUID
    text: bytes
    sender: str
    verdict: str
    locale: str
    reported_at: datetime


_CLUSTER: LiteralString = """select c.id, c.sample, c.first_at, c.last_at, c.reports,
    (select count(distinct r.source) from notices.reports r where r.cluster_id = c.id)::int as sources,
    c.raised_at, c.state, c.handled_by, c.handled_why, c.handled_at from notices.report_clusters c """


async def recent(tx: ReadTx, since: datetime, limit: int) -> list[tuple[UUID, bytes]]:
    """Heaps that somebody added to since then, and whose sample is still kept."""
    return await tx.tuples(
        """select id, sample from notices.report_clusters where last_at >= %(since)s and sample <> ''
           order by last_at desc limit %(limit)s""",
        since=since, limit=limit,
    )  # fmt: skip


async def open_cluster(tx: Tx, cluster_id: UUID, sample: bytes, at: datetime) -> None:
    await tx.execute(
        "insert into notices.report_clusters (id, sample, first_at, last_at) values (%(id)s, %(sample)s, %(at)s, %(at)s)",
        id=cluster_id, sample=sample, at=at,
    )  # fmt: skip


async def insert(
    tx: Tx,
    report_id: UUID,
    cluster_id: UUID,
    *,
    text: bytes,
    sender: str,
    source: bytes,
    verdict: str,
    locale: str,
    at: datetime,
) -> None:
    await tx.execute(
        """insert into notices.reports (id, cluster_id, text, sender, source, verdict, locale, reported_at)
           values (%(id)s, %(cluster)s, %(text)s, %(sender)s, %(source)s, %(verdict)s, %(locale)s, %(at)s)""",
        id=report_id, cluster=cluster_id, text=text, sender=sender, source=source, verdict=verdict, locale=locale, at=at,
    )  # fmt: skip


async def count_one(tx: Tx, cluster_id: UUID, at: datetime, raised_at: int) -> None:
    """Counts a report; at so many the heap is raised."""
    await tx.execute(
        """update notices.report_clusters set reports = reports + 1, last_at = %(at)s,
                  raised_at = case when reports + 1 >= %(raised)s then coalesce(raised_at, %(at)s) end where id = %(id)s""",
        id=cluster_id, at=at, raised=raised_at,
    )  # fmt: skip


async def clusters(tx: ReadTx, limit: int) -> list[ClusterRow]:
    return await tx.rows(
        ClusterRow,
        _CLUSTER + """order by (c.state = 'open' and c.raised_at is not null) desc, c.state = 'open' desc, c.reports desc, c.last_at desc
                      limit %(limit)s""",
        limit=limit,
    )  # fmt: skip


async def count_raised(tx: ReadTx) -> int:
    return int(
        await tx.value("select count(*) from notices.report_clusters where state = 'open' and raised_at is not null")
    )


async def find(tx: ReadTx, cluster_id: UUID) -> ClusterRow | None:
    return await tx.maybe(ClusterRow, _CLUSTER + "where c.id = %(id)s", id=cluster_id)


async def within(tx: ReadTx, cluster_id: UUID, limit: int) -> list[ReportRow]:
    return await tx.rows(
        ReportRow,
        """select id, text, sender, verdict, locale, reported_at from notices.reports where cluster_id = %(id)s
           order by id desc limit %(limit)s""",
        id=cluster_id, limit=limit,
    )  # fmt: skip


async def handle(tx: Tx, cluster_id: UUID, state: str, by: str, why: str, at: datetime) -> bool:
    """False when it was dealt with before."""
    return await tx.execute(
        """update notices.report_clusters set state = %(state)s, handled_by = %(by)s, handled_why = %(why)s, handled_at = %(at)s
           where id = %(id)s and state = 'open'""",
        id=cluster_id, state=state, by=by, why=why, at=at,
    ) == 1  # fmt: skip


async def forget(tx: Tx, before: datetime, limit: int) -> int:
    """Takes text, sender and network out of old reports."""
    return await tx.execute(
        """update notices.reports set text = '', sender = '', source = '' where id in (
               select id from notices.reports where reported_at < %(before)s and text <> '' limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip


async def forget_samples(tx: Tx, before: datetime, limit: int) -> int:
    """Takes the text out of heaps that were begun before then."""
    return await tx.execute(
        """update notices.report_clusters set sample = '' where id in (
               select id from notices.report_clusters where first_at < %(before)s and sample <> '' limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip
