"""Texts that people report: kept because they pressed the button, put on heaps of near duplicates, raised to people at the third.

What became of a heap is for a person to say: a position was published about it, or it needs nothing. Texts are sealed, and go
after their time; how many there were, and when, stays.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from rapidfuzz import fuzz

from holdfast.kit import audit, clock, crypto, ids, retention
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx, lock
from holdfast.kit.problems import Conflict, NotFound

from . import reports_store as store
from . import wordings
from .checking_model import Verdict

RAISED_AT = 3
"""Reports of one heap that raise it."""
ALIKE = 80.0
"""Likeness in percent from which two texts lie on one heap; see tests/notices/test_reports.py."""
WINDOW = timedelta(days=60)
"""A heap that nobody added to for so long gets nothing more, nor does one whose first text is gone; the same text then begins
a new one."""
LOOKED_AT = 500
_SAMPLE, _TEXT = "notices.report_clusters.sample", "notices.reports.text"


class ReportUnknown(NotFound):
    """There is no such heap of reports."""


class ReportHandled(Conflict):
    """Somebody has dealt with this heap already."""

    safe = "Nothing was changed."
    next_step = "Look at it: it says who did what and when."


class Cluster(msgspec.Struct, frozen=True):
    """A heap: its first text (empty when its time is over), how many reports from how many networks, since when."""

    id: UUID
    sample: str
    first_at: datetime
    last_at: datetime
    reports: int
    sources: int
    raised_at: datetime | None
    state: str
    handled_by: str | None
    handled_why: str
    handled_at: datetime | None


class Report(msgspec.Struct, frozen=True):
    """One report."""

    id: UUID
    text: str
    sender: str
    verdict: str
    locale: str
    reported_at: datetime


async def add(tx: Tx, text: str, *, sender: str, source: str, verdict: Verdict, locale: str) -> UUID:
    """Keeps a text that somebody reported; the heap it lies on. `source` is the network it comes from, kept as an index.

    The third report of a heap raises it. What comes after it was dealt with is counted, and opens it no more.
    """
    now, sealed = clock.now(), crypto.seal(_TEXT, text)
    await lock(tx, "notices.reports")
    cluster_id = _like(text, await store.recent(tx, now - WINDOW, LOOKED_AT))
    if cluster_id is None:
        cluster_id = ids.uuid7()
        await store.open_cluster(tx, cluster_id, crypto.seal(_SAMPLE, text), now)
    await store.insert(
        tx, ids.uuid7(), cluster_id, text=sealed, sender=sender, source=crypto.blind_index("report-source", source), verdict=verdict,
        locale=locale, at=now,
    )  # fmt: skip
    await store.count_one(tx, cluster_id, now, RAISED_AT)
    return cluster_id


def _like(text: str, known: list[tuple[UUID, bytes]]) -> UUID | None:
    """The heap whose first text this one is most like, if it is like enough."""
    asked = wordings.shape(text)
    best, most = None, ALIKE
    for cluster_id, sealed in known:
        score = fuzz.ratio(asked, wordings.shape(crypto.unseal(_SAMPLE, sealed)), score_cutoff=most)
        if score >= most:
            best, most = cluster_id, score
    return best


async def clusters(tx: ReadTx, limit: int = 100) -> list[Cluster]:
    """Raised and open ones first, then by how many reports they have."""
    return [_opened(row) for row in await store.clusters(tx, limit)]


async def count_raised(tx: ReadTx) -> int:
    """How many heaps wait for a person."""
    return await store.count_raised(tx)


async def require(tx: ReadTx, cluster_id: UUID) -> Cluster:
    """ReportUnknown."""
    row = await store.find(tx, cluster_id)
    if row is None:
        raise ReportUnknown
    return _opened(row)


async def within(tx: ReadTx, cluster_id: UUID, limit: int = 50) -> list[Report]:
    """The reports of a heap, the newest first."""
    found = await store.within(tx, cluster_id, limit)
    return [
        Report(
            one.id,
            crypto.unseal(_TEXT, one.text) if one.text else "",
            one.sender,
            one.verdict,
            one.locale,
            one.reported_at,
        )
        for one in found
    ]


async def handle(tx: Tx, actor: Actor, cluster_id: UUID, state: str, why: str) -> None:
    """Says what became of a heap: ``answered`` by a position, or ``noted``. ReportUnknown, ReportHandled."""
    row = await store.find(tx, cluster_id)
    if row is None:
        raise ReportUnknown
    if not await store.handle(tx, cluster_id, state, actor.name or str(actor), why, clock.now()):
        raise ReportHandled
    await audit.record(tx, actor, f"report.{state}", f"report:{cluster_id}", reason=why)


def _opened(row: store.ClusterRow) -> Cluster:
    fields = {name: getattr(row, name) for name in store.ClusterRow.__struct_fields__}
    return Cluster(**fields | {"sample": crypto.unseal(_SAMPLE, row.sample) if row.sample else ""})


@retention.rule("reported texts", "reports_kept_days")
async def forget(tx: Tx, before: datetime, limit: int) -> int:
    """So long they help to see what goes round."""
    return await store.forget(tx, before, limit) + await store.forget_samples(tx, before, limit)
