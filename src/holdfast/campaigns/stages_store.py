"""All SQL of stages: where a campaign stands in its own, what was granted in it, the step to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .recounting import Kept

_STANDING: LiteralString = """select r.version_id, r.campaign_id, r.state, r.epoch, r.stage, r.stage_since, r.starts_at, r.ends_at,
    r.stage_minor, r.stage_count, r.stage_used_minor, r.stage_used_count, r.budget_minor, r.budget_count, r.used_minor, r.full_since,
    r.matched - s.matched_from as matched,
    greatest(0, until.n - s.seen_from - case when r.open_until is null then 0 else campaigns.not_offered(r.version_id, s.seen_from, until.n + 1) end) as seen,
    v.content, e.label, p.preview -> 'forecast' as forecast, now.logs, now.log_mean
    from campaigns.running r join campaigns.versions v on v.id = r.version_id join campaigns.envelopes e on e.id = v.envelope_id
    join campaigns.stages s on s.version_id = r.version_id and s.epoch = r.epoch and s.stage = r.stage
    cross join campaigns.orders_seen q
    cross join lateral (select case when r.full_since is null then q.last_value else r.share_seen end) as until (n)
    left join changes.proposals p on p.id = r.version_id
    cross join lateral (select count(*) as logs, avg(ln(o.amount_minor)) as log_mean from campaigns.reservations o
       where o.version_id = r.version_id and o.epoch = r.epoch and o.stage = r.stage and o.amount_minor > 0
         and o.carried_from is null) now """


class Standing(msgspec.Struct, frozen=True):
    """A version in its stage. `matched` of the `seen` orders since the stage began, of its weekdays and hours; while it is full it is not
    offered, so orders count to the last one that matched. `logs` amounts above 0 in this stage, `log_mean` their mean logarithm. `forecast`: as approved."""

    version_id: UUID
    campaign_id: str
    state: str
    epoch: int
    stage: int
    stage_since: datetime
    starts_at: datetime
    ends_at: datetime
    stage_minor: int | None
    stage_count: int | None
    stage_used_minor: int
    stage_used_count: int
    budget_minor: int
    budget_count: int | None
    used_minor: int
    full_since: datetime | None
    matched: int
    seen: int
    content: dict[str, Any]
    label: dict[str, str]
    forecast: dict[str, Any] | None
    logs: int
    log_mean: float | None


class Stage(msgspec.Struct, frozen=True):
    """A stage that began: when, by whom (or what), and on what the step into it rested."""

    epoch: int
    stage: int
    limit_minor: int | None
    limit_count: int | None
    began_at: datetime
    began_by: str
    rested_on: list[dict[str, Any]]


class Judged(msgspec.Struct, frozen=True):
    """The newest look at whether a step may be taken."""

    at: datetime
    epoch: int
    stage: int
    findings: list[dict[str, Any]]


async def standing(tx: ReadTx, version_id: UUID) -> Standing | None:
    """How a version stands in its stage."""
    return await tx.maybe(Standing, _STANDING + "where r.version_id = %(id)s", id=version_id)


async def stepping(tx: ReadTx) -> list[UUID]:
    """Versions that run and are not in their last stage."""
    return await tx.values(
        "select version_id from campaigns.running where state in ('canary', 'ramping') order by version_id"
    )


async def kept(tx: ReadTx, version_id: UUID, epoch: int, stage: int, after: UUID | None, limit: int) -> Sequence[Kept]:
    """What was granted in a stage, in the order of orders' ids, from after `after` on; not again what came along to another order."""
    return await tx.rows(
        Kept,
        """select v.order_id, v.order_number, v.amount_minor + v.passed_minor as amount_minor, v.lines, v.label, v.gift, v.code, v.trace, v.made_at,
                  coalesce((select jsonb_agg(o.lines) from campaigns.reservations o
                             where o.order_id = v.order_id and o.version_id <> v.version_id), '[]') as others
             from campaigns.reservations v
            where v.version_id = %(id)s and v.epoch = %(epoch)s and v.stage = %(stage)s and v.carried_from is null
              and (%(after)s::uuid is null or v.order_id > %(after)s) order by v.order_id limit %(limit)s""",
        id=version_id, epoch=epoch, stage=stage, after=after, limit=limit,
    )  # fmt: skip


async def step(
    tx: Tx, before: Standing, stage: int, state: str, limit_minor: int | None, limit_count: int | None, by: str,
    rested_on: list[dict[str, Any]], at: datetime,
) -> bool:  # fmt: skip
    """Begins the next stage, if it still stands where it stood. What is offered changes by it."""
    found: bool = await tx.value(
        """with moved as (
             update campaigns.running
                set stage = %(stage)s, state = %(state)s, state_since = case when state = %(state)s then state_since else %(at)s end,
                    stage_minor = %(minor)s, stage_count = %(count)s, stage_used_minor = 0, stage_used_count = 0, stage_since = %(at)s,
                    full_since = null
              where version_id = %(id)s and epoch = %(epoch)s and stage = %(before)s and state in ('canary', 'ramping')
             returning version_id, epoch, stage, stage_minor, stage_count, matched
           ), noted as (
             insert into campaigns.stages (version_id, epoch, stage, limit_minor, limit_count, seen_from, matched_from, began_at, began_by, rested_on)
             select m.version_id, m.epoch, m.stage, m.stage_minor, m.stage_count, q.last_value, m.matched, %(at)s, %(by)s, %(rested)s
               from moved m cross join campaigns.orders_seen q
           ), epochs as (
             update campaigns.epoch set epoch = epoch + 1 where exists (select from moved)
           )
           select exists (select from moved)""",
        stage=stage, state=state, at=at, minor=limit_minor, count=limit_count, id=before.version_id, epoch=before.epoch, before=before.stage,
        by=by, rested=Jsonb(rested_on),
    )  # fmt: skip
    return found


async def judged(tx: Tx, before: Standing, findings: list[dict[str, Any]], at: datetime) -> None:
    """Keeps the newest look."""
    await tx.execute(
        """insert into campaigns.judgements (version_id, at, epoch, stage, findings) values (%(id)s, %(at)s, %(epoch)s, %(stage)s, %(found)s)
           on conflict (version_id) do update set at = excluded.at, epoch = excluded.epoch, stage = excluded.stage, findings = excluded.findings""",
        id=before.version_id, at=at, epoch=before.epoch, stage=before.stage, found=Jsonb(findings),
    )  # fmt: skip


async def latest(tx: ReadTx, version_id: UUID) -> Judged | None:
    """The newest look."""
    return await tx.maybe(
        Judged,
        """select j.at, j.epoch, j.stage, j.findings from campaigns.judgements j
             join campaigns.running r on (r.version_id, r.epoch, r.stage) = (j.version_id, j.epoch, j.stage)
            where j.version_id = %(id)s""",
        id=version_id,
    )


async def stages(tx: ReadTx, version_id: UUID) -> list[Stage]:
    """Every stage that a version began, the first first."""
    return await tx.rows(
        Stage,
        """select epoch, stage, limit_minor, limit_count, began_at, began_by, rested_on from campaigns.stages
            where version_id = %(id)s order by began_at, epoch, stage""",
        id=version_id,
    )


async def count_from_start(tx: Tx, now: datetime) -> int:
    """What starts later is not judged by the orders before: its first stage counts from when it starts."""
    return await tx.execute(
        """update campaigns.stages s set seen_from = (select last_value from campaigns.orders_seen)
             from campaigns.running r
            where (r.version_id, r.epoch, r.stage) = (s.version_id, s.epoch, s.stage) and r.starts_at > %(now)s and r.matched = s.matched_from
              and r.state in ('canary', 'ramping') and s.seen_from < (select last_value from campaigns.orders_seen)""",
        now=now,
    )


async def end_due(tx: Tx, now: datetime) -> list[tuple[UUID, str]]:
    """Ends what is over; versions and their campaigns."""
    found = await tx.tuples(
        """with ended as (
             update campaigns.running set state = 'ended', state_since = %(now)s
              where ends_at <= %(now)s and state in ('canary', 'ramping', 'live', 'paused') returning version_id, campaign_id
           ), epochs as (
             update campaigns.epoch set epoch = epoch + 1 where exists (select from ended)
           )
           select version_id, campaign_id from ended""",
        now=now,
    )
    return [(version_id, str(campaign_id)) for version_id, campaign_id in found]


async def forget_marks(tx: Tx) -> int:
    """Drops the marks of orders that nothing which runs counts any more, all but the newest of them; how many."""
    return await tx.execute(
        """delete from campaigns.seen_marks where at < (
             select b.at from campaigns.seen_marks b
              where b.seen <= coalesce((
                select min(least(r.share_seen, s.seen_from)) from campaigns.running r left join campaigns.stages s using (version_id)
                 where r.state in ('canary', 'ramping', 'live', 'paused')), (select max(m.seen) from campaigns.seen_marks m))
              order by b.seen desc, b.at desc limit 1)"""
    )
