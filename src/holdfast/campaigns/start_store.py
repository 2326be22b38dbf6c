"""All SQL of starting and stopping: versions, the row that runs, and the trip of one that a person stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .guards import Watch

_RUNNING: LiteralString = """select r.version_id, r.campaign_id, c.name, v.n, v.content, v.content_hash, v.envelope_id, r.state, r.state_since,
    r.epoch, r.starts_at, r.ends_at, r.budget_minor, r.used_minor, r.used_count, r.stage, r.stage_minor, r.stage_count,
    r.stage_used_minor, r.pace_minor, r.matched, v.made_at, v.made_by, r.late_minor, r.late_count,
    coalesce((select sum(h::bigint) from changes.proposals p, jsonb_array_elements_text(p.preview #> '{forecast,hourly_minor}') h
               where p.id = v.id), 0)::bigint as forecast_minor
    from campaigns.running r join campaigns.versions v on v.id = r.version_id join campaigns.campaigns c on c.id = r.campaign_id """
LIVE: tuple[str, ...] = ("canary", "ramping", "live", "paused")


class Running(msgspec.Struct, frozen=True):
    """A version that was started, as it stands. Money in minor units."""

    version_id: UUID
    campaign_id: str
    name: dict[str, str]
    n: int
    content: dict[str, Any]
    content_hash: bytes
    envelope_id: UUID
    state: str
    state_since: datetime
    epoch: int
    starts_at: datetime
    ends_at: datetime
    budget_minor: int
    used_minor: int
    used_count: int
    stage: int
    stage_minor: int | None
    stage_count: int | None
    stage_used_minor: int
    pace_minor: list[int] | None
    matched: int
    made_at: datetime
    made_by: str
    forecast_minor: int
    """What was approved as the forecast of a day (on which it is offered)."""
    late_minor: int
    late_count: int
    """Of what is used: orders that had run out or were cut, and stand after all, over the budget if need be."""

    @property
    def is_live(self) -> bool:
        """Whether bookings may still get it, now or after a pause."""
        return self.state in LIVE


class Limits(msgspec.Struct, frozen=True):
    """What the row that runs is bounded by."""

    starts_at: datetime
    ends_at: datetime
    max_minor: int
    max_bp: int
    kinds: list[str]
    channels: list[str]
    budget_minor: int
    budget_count: int | None
    day_minor: int | None
    per_person: int | None
    stage_minor: int | None
    stage_count: int | None
    pushes: list[dict[str, Any]]


async def last_n(tx: ReadTx, campaign_id: str) -> int:
    """The number of a campaign's newest version; 0 when there is none."""
    found: int = await tx.value(
        "select coalesce(max(n), 0) from campaigns.versions where campaign_id = %(id)s", id=campaign_id
    )
    return found


async def insert_version(
    tx: Tx, version_id: UUID, campaign_id: str, n: int, content: dict[str, Any], content_hash: bytes, envelope_id: UUID, by: str,
    at: datetime,
) -> None:  # fmt: skip
    """Writes a version; it is never changed."""
    await tx.execute(
        """insert into campaigns.versions (id, campaign_id, n, content, content_hash, envelope_id, made_by, made_at)
           values (%(id)s, %(campaign)s, %(n)s, %(content)s, %(hash)s, %(envelope)s, %(by)s, %(at)s)""",
        id=version_id, campaign=campaign_id, n=n, content=Jsonb(content), hash=content_hash, envelope=envelope_id, by=by, at=at,
    )  # fmt: skip


async def insert_running(
    tx: Tx, version_id: UUID, campaign_id: str, limits: Limits, watch: Watch, at: datetime, *, has_clock: bool
) -> None:
    """The row that runs, in its first stage. Orders that were placed until now are not those of its watch.

    `has_clock`: it is offered at some hours only (`insert_windows`), and its first matching order looks in which window it is.
    """
    await tx.execute(
        """insert into campaigns.running (
             version_id, campaign_id, state, state_since, starts_at, ends_at, max_minor, max_bp, kinds, channels, budget_minor,
             budget_count, stage_minor, stage_count, stage_since, day_minor, per_person, share_up, share_down, share_limit, share_seen,
             size_mean, size_gain, size_shift, size_limit, pace_minor, pace_factor, pace_depth, pushes, open_until)
           select %(version)s, %(campaign)s, 'canary', %(at)s, %(starts)s, %(ends)s, %(max_minor)s, %(max_bp)s, %(kinds)s, %(channels)s,
                  %(budget)s, %(count)s, %(stage_minor)s, %(stage_count)s, %(at)s, %(day)s, %(person)s, %(share_up)s, %(share_down)s,
                  %(share_limit)s, s.last_value, %(size_mean)s, %(size_gain)s, %(size_shift)s, %(size_limit)s, %(pace_minor)s,
                  %(pace_factor)s, %(pace_depth)s, %(pushes)s, %(open_until)s
             from campaigns.orders_seen s""",
        version=version_id, campaign=campaign_id, at=at, starts=limits.starts_at, ends=limits.ends_at, max_minor=limits.max_minor,
        max_bp=limits.max_bp, kinds=limits.kinds, channels=limits.channels, budget=limits.budget_minor, count=limits.budget_count,
        stage_minor=limits.stage_minor, stage_count=limits.stage_count, day=limits.day_minor, person=limits.per_person,
        pushes=Jsonb(limits.pushes), open_until=at if has_clock else None, **msgspec.structs.asdict(watch),
    )  # fmt: skip


async def insert_windows(tx: Tx, version_id: UUID, windows: Sequence[tuple[datetime, datetime]]) -> None:
    """When it is offered, from its start to its end."""
    await tx.execute(
        """insert into campaigns.windows (version_id, opens, closes)
           select %(version)s, o, c from unnest(%(opens)s::timestamptz[], %(closes)s::timestamptz[]) as t (o, c)""",
        version=version_id, opens=[opens for opens, _closes in windows], closes=[closes for _opens, closes in windows],
    )  # fmt: skip


async def is_known(tx: ReadTx, campaign_id: str) -> bool:
    """Whether there is a campaign of this name."""
    return bool(await tx.value("select exists (select from campaigns.campaigns where id = %(id)s)", id=campaign_id))


async def move_epoch(tx: Tx) -> None:
    """What is offered has changed: bookings that were priced before are priced again."""
    await tx.execute("update campaigns.epoch set epoch = epoch + 1")


async def running(tx: ReadTx, campaign_id: str) -> Running | None:
    """The newest started version of a campaign."""
    return await tx.maybe(Running, _RUNNING + "where r.campaign_id = %(id)s order by v.n desc limit 1", id=campaign_id)


async def live(tx: ReadTx) -> list[Running]:
    """Every version that bookings may get, now or after a pause, in the order of their ids."""
    return await tx.rows(
        Running, _RUNNING + "where r.state = any (%(states)s) order by r.version_id", states=list(LIVE)
    )


async def newest(tx: ReadTx, limit: int) -> list[Running]:
    """What was started, the newest version of each campaign, those that run first."""
    return await tx.rows(
        Running,
        _RUNNING + """where not exists (select from campaigns.versions w join campaigns.running o on o.version_id = w.id
                                         where w.campaign_id = r.campaign_id and w.n > v.n)
           order by r.state in ('tripped', 'ended'), v.made_at desc limit %(limit)s""",
        limit=limit,
    )  # fmt: skip


async def end(tx: Tx, version_id: UUID, at: datetime) -> bool:
    """Another version takes its place; whether it still ran."""
    return bool(
        await tx.execute(
            """update campaigns.running set state = 'ended', state_since = %(at)s, epoch = epoch + 1
                where version_id = %(id)s and state in ('canary', 'ramping', 'live', 'paused', 'tripped')""",
            id=version_id, at=at,
        )
    )  # fmt: skip


async def stop(tx: Tx, campaign_id: str, by: str, reason: str, at: datetime) -> UUID | None:
    """Stops what runs of a campaign at once and writes down who did and on what; the version, or None when nothing ran."""
    found: UUID | None = await tx.value(
        """with stopped as (
             update campaigns.running set state = 'tripped', state_since = %(at)s, epoch = epoch + 1
              where campaign_id = %(id)s and state in ('canary', 'ramping', 'live', 'paused')
             returning version_id, epoch, used_minor, used_count, matched, share_sum, share_limit, size_sum, size_limit, tokens, stage
           ), noted as (
             insert into campaigns.trips (version_id, epoch, reason, at, by, evidence)
             select version_id, epoch, 'person', %(at)s, %(by)s, jsonb_build_object('reason', %(reason)s::text, 'used_minor', used_minor,
                    'used_count', used_count, 'matched', matched, 'share_sum', share_sum, 'share_limit', share_limit,
                    'size_sum', size_sum, 'size_limit', size_limit, 'tokens', tokens, 'stage', stage) from stopped
           ), moved as (
             update campaigns.epoch set epoch = epoch + 1 where exists (select from stopped)
           )
           select version_id from stopped""",
        id=campaign_id, at=at, by=by, reason=reason,
    )  # fmt: skip
    return found
