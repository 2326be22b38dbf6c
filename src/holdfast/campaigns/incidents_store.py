"""All SQL of stops: the incident of each, what was granted before it, how its watches stood, beginning anew."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

_BEFORE: LiteralString = """ v.version_id = t.version_id and v.epoch < t.epoch and v.epoch >= coalesce((
    select max(b.epoch) from campaigns.trips b where b.version_id = t.version_id and b.epoch < t.epoch), 0) """
_STOP: LiteralString = """select t.id as trip_id, t.version_id, n.campaign_id, c.name, n.n, n.content, n.envelope_id, e.label, e.payer, t.epoch,
    t.reason, t.at, t.by, t.evidence, r.state, r.epoch as epoch_now, r.ends_at, r.budget_minor, r.used_minor, r.share_limit, r.size_limit,
    r.pace_depth, r.max_minor, r.max_bp, i.opened_at, i.found, i.restarted_at, i.restarted_by,
    exists (select from campaigns.running o join campaigns.versions w on w.id = o.version_id
             where o.campaign_id = n.campaign_id and w.n > n.n) as is_succeeded
    from campaigns.trips t join campaigns.versions n on n.id = t.version_id join campaigns.campaigns c on c.id = n.campaign_id
    join campaigns.envelopes e on e.id = n.envelope_id join campaigns.running r on r.version_id = t.version_id
    left join campaigns.incidents i on i.trip_id = t.id """


class Stop(msgspec.Struct, frozen=True):
    """A stop, by the guard or by a person, and how its version stands now. `found`: what had been granted, when the incident opened.

    `is_succeeded`: another version of the campaign was started since.
    """

    trip_id: UUID
    version_id: UUID
    campaign_id: str
    name: dict[str, str]
    n: int
    content: dict[str, Any]
    envelope_id: UUID
    label: dict[str, str]
    payer: str
    epoch: int
    reason: str
    at: datetime
    by: str
    evidence: dict[str, Any]
    state: str
    epoch_now: int
    ends_at: datetime
    budget_minor: int
    used_minor: int
    share_limit: float | None
    size_limit: float | None
    pace_depth: int | None
    max_minor: int
    max_bp: int
    opened_at: datetime | None
    found: dict[str, Any] | None
    restarted_at: datetime | None
    restarted_by: UUID | None
    is_succeeded: bool

    @property
    def is_still(self) -> bool:
        """Nothing has begun anew since: neither this version nor another."""
        return self.state == "tripped" and self.epoch == self.epoch_now and not self.is_succeeded


class Granted(msgspec.Struct, frozen=True):
    """An order that got something before a stop, and where the watches stood after it."""

    order_id: UUID
    order_number: str
    amount_minor: int
    listed_minor: int
    currency: str
    state: str
    stage: int
    made_at: datetime
    share_sum: float | None
    size_sum: float | None
    tokens: float | None


class Sums(msgspec.Struct, frozen=True):
    """What was granted: orders, people, minor units, the first and the last."""

    orders: int
    people: int
    minor: int
    first_at: datetime | None
    last_at: datetime | None


async def stop(tx: ReadTx, trip_id: UUID) -> Stop | None:
    """One stop."""
    return await tx.maybe(Stop, _STOP + "where t.id = %(id)s", id=trip_id)


async def newest(tx: ReadTx, limit: int) -> list[Stop]:
    """The newest stops of all campaigns."""
    return await tx.rows(Stop, _STOP + "order by t.at desc limit %(limit)s", limit=limit)


async def last_of(tx: ReadTx, version_id: UUID) -> UUID | None:
    """The newest stop of a version."""
    found: UUID | None = await tx.value(
        "select id from campaigns.trips where version_id = %(id)s order by epoch desc limit 1", id=version_id
    )
    return found


async def sums(tx: ReadTx, trip_id: UUID) -> Sums:
    """What had been granted before a stop, and after the one before it."""
    [found] = await tx.rows(
        Sums,
        """select count(*) as orders, count(distinct a.root) as people, coalesce(sum(v.amount_minor + v.passed_minor), 0)::bigint as minor,
                  min(v.made_at) as first_at, max(v.made_at) as last_at
             from campaigns.trips t join campaigns.reservations v on """
        + _BEFORE
        + "join accounts.accounts a on a.id = v.account_id where t.id = %(id)s and v.carried_from is null",
        id=trip_id,
    )
    return found


async def before(tx: ReadTx, trip_id: UUID, limit: int) -> list[Granted]:
    """The last orders before a stop, the newest first."""
    return await tx.rows(
        Granted,
        """select v.order_id, v.order_number, v.amount_minor, v.currency, v.state, v.stage, v.made_at, v.share_sum, v.size_sum, v.tokens,
                  coalesce((select sum((l ->> 'listed_minor')::bigint) from jsonb_array_elements(v.lines) l), 0)::bigint as listed_minor
             from campaigns.trips t join campaigns.reservations v on """
        + _BEFORE
        + "where t.id = %(id)s order by v.made_at desc, v.order_id desc limit %(limit)s",
        id=trip_id, limit=limit,
    )  # fmt: skip


async def opened(tx: Tx, trip_id: UUID, found: dict[str, Any], at: datetime) -> bool:
    """Opens the incident of a stop; False when it was."""
    return bool(
        await tx.execute(
            """insert into campaigns.incidents (trip_id, campaign_id, opened_at, found)
               select t.id, n.campaign_id, %(at)s, %(found)s from campaigns.trips t join campaigns.versions n on n.id = t.version_id
                where t.id = %(id)s on conflict do nothing""",
            id=trip_id, at=at, found=Jsonb(found),
        )
    )  # fmt: skip


async def begin_anew(
    tx: Tx, trip_id: UUID, stage_minor: int | None, stage_count: int | None, by: str, proposal_id: UUID, at: datetime
) -> bool:
    """A stopped version runs again from its first stage, its watches at nought, its money as its reservations have it; False when it
    does not stand stopped by this."""
    found: bool = await tx.value(
        """with begun as (
             update campaigns.running r
                set state = 'canary', state_since = %(at)s, stage = 1, stage_since = %(at)s, stage_minor = %(minor)s, stage_count = %(count)s,
                    stage_used_minor = 0, stage_used_count = 0, full_since = null, share_sum = 0, share_seen = (select last_value from campaigns.orders_seen), size_sum = 0,
                    tokens = null, tokens_at = null, used_minor = k.minor, used_count = k.orders, late_minor = k.late_minor, late_count = k.late
               from campaigns.trips t, lateral (
                 select coalesce(sum(v.amount_minor), 0)::bigint as minor, count(*) as orders,
                        coalesce(sum(v.amount_minor) filter (where v.late), 0)::bigint as late_minor, count(*) filter (where v.late) as late
                   from campaigns.reservations v
                  where v.version_id = t.version_id and v.state <> 'released') k
              where t.id = %(id)s and r.version_id = t.version_id and r.state = 'tripped' and r.epoch = t.epoch
             returning r.version_id, r.epoch, r.stage_minor, r.stage_count, r.matched, r.share_seen
           ), staged as (
             insert into campaigns.stages (version_id, epoch, stage, limit_minor, limit_count, seen_from, matched_from, began_at, began_by)
             select version_id, epoch, 1, stage_minor, stage_count, share_seen, matched, %(at)s, %(by)s from begun
           ), noted as (
             update campaigns.incidents i set restarted_at = %(at)s, restarted_by = %(proposal)s where i.trip_id = %(id)s and exists (select from begun)
           ), epochs as (
             update campaigns.epoch set epoch = epoch + 1 where exists (select from begun)
           )
           select exists (select from begun)""",
        id=trip_id, minor=stage_minor, count=stage_count, by=by, proposal=proposal_id, at=at,
    )  # fmt: skip
    return found
