"""All SQL of looking at what runs: its row, its spending over time, its last grants."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

from .incidents_store import Granted


class Row(msgspec.Struct, frozen=True):
    """The row that runs, as the bookings see it. Money in minor units; null limits are not watched, or do not bound.

    `late_minor`, `late_count`: of what is used, orders that had run out or were cut, and stand after all, over the bounds if need be.
    """

    version_id: UUID
    campaign_id: str
    name: dict[str, str]
    n: int
    state: str
    state_since: datetime
    epoch: int
    starts_at: datetime
    ends_at: datetime
    budget_minor: int
    budget_count: int | None
    used_minor: int
    used_count: int
    stage: int
    stage_minor: int | None
    stage_count: int | None
    stage_used_minor: int
    stage_used_count: int
    stage_since: datetime
    day_minor: int | None
    day_used_minor: int
    full_since: datetime | None
    late_minor: int
    late_count: int
    share_sum: float
    share_limit: float | None
    size_sum: float
    size_limit: float | None
    pace_minor: list[int] | None
    pace_factor: float
    pace_depth: int | None
    pushes: list[dict[str, Any]]
    tokens: float | None
    tokens_at: datetime | None
    matched: int
    made_at: datetime

    @property
    def is_live(self) -> bool:
        """Whether bookings may still get it, now or after a pause."""
        return self.state in ("canary", "ramping", "live", "paused")


async def row(tx: ReadTx, campaign_id: str, today: date) -> Row | None:
    """The newest started version of a campaign. What a day has used counts on that day alone."""
    return await tx.maybe(
        Row,
        """select r.version_id, r.campaign_id, c.name, v.n, r.state, r.state_since, r.epoch, r.starts_at, r.ends_at, r.budget_minor, r.budget_count,
                  r.used_minor, r.used_count, r.stage, r.stage_minor, r.stage_count, r.stage_used_minor, r.stage_used_count, r.stage_since,
                  r.day_minor, case when r.day = %(today)s then r.day_used_minor else 0 end as day_used_minor,
                  r.full_since, r.late_minor, r.late_count, r.share_sum, r.share_limit, r.size_sum, r.size_limit, r.pace_minor, r.pace_factor, r.pace_depth, r.pushes,
                  r.tokens, r.tokens_at, r.matched, v.made_at
             from campaigns.running r join campaigns.versions v on v.id = r.version_id join campaigns.campaigns c on c.id = r.campaign_id
            where r.campaign_id = %(id)s order by v.n desc limit 1""",
        id=campaign_id, today=today,
    )  # fmt: skip


async def spending(tx: ReadTx, version_id: UUID, since: datetime, step_s: float) -> dict[int, int]:
    """Number of the step since `since` → minor units that were granted in it, whatever became of the orders."""
    rows = await tx.tuples(
        """select floor(extract(epoch from made_at - %(since)s::timestamptz) / %(step)s)::int as n, sum(amount_minor + passed_minor)::bigint
             from campaigns.reservations where version_id = %(id)s and made_at >= %(since)s and carried_from is null group by n""",
        id=version_id, since=since, step=step_s,
    )  # fmt: skip
    return {int(n): int(minor) for n, minor in rows}


async def grants(tx: ReadTx, version_id: UUID, limit: int) -> list[Granted]:
    """The last orders that got something, the newest first."""
    return await tx.rows(
        Granted,
        """select v.order_id, v.order_number, v.amount_minor, v.currency, v.state, v.stage, v.made_at, v.share_sum, v.size_sum, v.tokens,
                  coalesce((select sum((l ->> 'listed_minor')::bigint) from jsonb_array_elements(v.lines) l), 0)::bigint as listed_minor
             from campaigns.reservations v where v.version_id = %(id)s order by v.made_at desc, v.order_id desc limit %(limit)s""",
        id=version_id, limit=limit,
    )  # fmt: skip
