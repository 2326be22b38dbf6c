"""SQL of the policies that staff make, of day types, and of how a venue's days stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.catalogue.model import Text
from holdfast.kit.db import ReadTx, Tx

from .model import Policy, Slot

_POLICY: LiteralString = """select to_jsonb(l) || jsonb_build_object('days', inventory.marked_days(l.venue_id, l.day_type))
    from inventory.policies l """


async def insert(tx: Tx, policies: Sequence[Policy]) -> None:
    """New rows; none of those that are there is touched."""
    await tx.execute(
        """insert into inventory.policies (id, venue_id, product_id, code, from_date, to_date, weekdays, kind, value, reason,
                                           authority, document_no, day_type, supersedes, until_at, issued_at, made_by)
           select * from jsonb_to_recordset(%(rows)s) as t (
             id uuid, venue_id text, product_id text, code text, from_date date, to_date date, weekdays int[], kind text,
             value int, reason jsonb, authority text, document_no text, day_type text, supersedes uuid,
             until_at timestamptz, issued_at timestamptz, made_by text)""",
        rows=Jsonb([msgspec.to_builtins(policy) for policy in policies]),
    )  # fmt: skip


async def find(tx: ReadTx, policy_id: UUID) -> Policy | None:
    found = await tx.value(_POLICY + "where l.id = %(id)s", id=policy_id)
    return msgspec.convert(found, Policy) if found else None


async def of_venue(tx: ReadTx, venue_id: str) -> list[Policy]:
    """Every policy a venue ever had, the newest first."""
    found = await tx.values(_POLICY + "where l.venue_id = %(id)s order by l.issued_at desc, l.id desc", id=venue_id)
    return msgspec.convert(found, list[Policy])


async def entry_pause(tx: ReadTx, venue_id: str, now: datetime) -> Policy | None:
    """The pause of entry that holds now and ends last."""
    found = await tx.value(
        _POLICY
        + """where l.venue_id = %(id)s and l.kind = 'entry_paused' and l.until_at > %(now)s
               and not exists (select 1 from inventory.policies n where n.supersedes = l.id)
             order by l.until_at desc limit 1""",
        id=venue_id, now=now,
    )  # fmt: skip
    return msgspec.convert(found, Policy) if found else None


class Ground(msgspec.Struct, frozen=True):
    """What a policy can be about: a venue, one of its products, one time of that."""

    venue_id: str
    product_id: str
    product_name: Text
    code: str
    starts: str
    ends: str


async def grounds(tx: ReadTx, venue_id: str) -> list[Ground]:
    """The products and times of a venue on offer."""
    return await tx.rows(
        Ground,
        """select p.venue_id, p.id as product_id, p.name as product_name, t.code, to_char(t.starts, 'HH24:MI') as starts,
                  to_char(t.ends, 'HH24:MI') as ends
             from catalogue.products p join catalogue.timeslots t on t.product_id = p.id and t.retired_at is null
            where p.venue_id = %(id)s and p.retired_at is null order by p.id, t.starts, t.code""",
        id=venue_id,
    )


class VenueName(msgspec.Struct, frozen=True):
    """A venue on offer."""

    id: str
    name: Text
    city: Text
    kind: str
    time_zone: str


async def venues(tx: ReadTx) -> list[VenueName]:
    """Every venue on offer, as the catalogue orders them."""
    return await tx.rows(
        VenueName,
        """select id, name, city, kind, time_zone from catalogue.venues where retired_at is null order by position, id""",
    )


class VenueDay(msgspec.Struct, frozen=True):
    """A venue's slots of one date, added up."""

    venue_id: str
    capacity: int
    taken: int
    set_aside: int
    slots: int
    stopped: int


async def day_totals(tx: ReadTx, day: date) -> list[VenueDay]:
    """How every venue stands on a date."""
    return await tx.rows(
        VenueDay,
        """select venue_id, sum(capacity)::int as capacity, sum(taken)::int as taken, sum(set_aside)::int as set_aside,
                  count(*)::int as slots, (count(*) filter (where state <> 'open'))::int as stopped
             from inventory.slots where visit_date = %(day)s group by venue_id""",
        day=day,
    )


async def slots_between(tx: ReadTx, venue_ids: Sequence[str], first: date, last: date | None = None) -> list[Slot]:
    """The slots of these venues from one date on, to another if named."""
    return await tx.rows(
        Slot,
        """select id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at, sale_closes_at, state,
                  reason, capacity, overcommitted, taken, set_aside, fresh_until
             from inventory.slots where venue_id = any(%(venues)s) and visit_date >= %(first)s
              and (%(last)s::date is null or visit_date <= %(last)s)
            order by venue_id, visit_date, starts_at, product_id, code""",
        venues=list(venue_ids), first=first, last=last,
    )  # fmt: skip


class DayType(msgspec.Struct, frozen=True):
    """A kind of day on which other limits hold."""

    code: str
    name: Text


async def day_types(tx: ReadTx) -> list[DayType]:
    return await tx.rows(DayType, "select code, name from inventory.day_types order by made_at, code")


async def insert_day_type(tx: Tx, made: DayType, by: str, at: datetime) -> bool:
    """False when there is one of that code already."""
    return bool(
        await tx.execute(
            """insert into inventory.day_types (code, name, made_by, made_at) values (%(code)s, %(name)s, %(by)s, %(at)s)
               on conflict (code) do nothing""",
            code=made.code, name=Jsonb(made.name), by=by, at=at,
        )
    )  # fmt: skip


class MarkedDay(msgspec.Struct, frozen=True):
    """A date that is of a type now, and who says so."""

    day: date
    day_type: str
    reason: str
    made_by: str
    made_at: datetime


async def marked(tx: ReadTx, venue_id: str, since: date) -> list[MarkedDay]:
    """The dates of a venue that are of a type."""
    return await tx.rows(
        MarkedDay,
        """select day, day_type, reason, made_by, made_at from (
             select distinct on (day, day_type) * from inventory.day_marks where venue_id = %(id)s and day >= %(since)s
              order by day, day_type, id desc) m where is_on order by day, day_type""",
        id=venue_id, since=since,
    )  # fmt: skip


async def insert_marks(
    tx: Tx, ids: Sequence[UUID], venue_id: str, day_type: str, days: Sequence[date], *, is_on: bool, reason: str,
    by: str, at: datetime,
) -> None:  # fmt: skip
    await tx.execute(
        """insert into inventory.day_marks (id, venue_id, day, day_type, is_on, reason, made_by, made_at)
           select t.id, %(venue)s, t.day, %(type)s, %(on)s, %(reason)s, %(by)s, %(at)s
             from unnest(%(ids)s::uuid[], %(days)s::date[]) as t (id, day)""",
        ids=list(ids), venue=venue_id, type=day_type, days=list(days), on=is_on, reason=reason, by=by, at=at,
    )  # fmt: skip


async def set_aside(tx: Tx, slot_ids: Sequence[UUID], places: Sequence[int]) -> None:
    """Adds to what is set aside of these slots, in id order; below zero gives back, never more than there is."""
    await tx.execute(
        """with locked as (select id from inventory.slots where id = any(%(ids)s) order by id for no key update),
                wanted as (select id, sum(places)::int as places from unnest(%(ids)s::uuid[], %(places)s::int[]) as t (id, places) group by id)
           update inventory.slots s set set_aside = greatest(0, s.set_aside + wanted.places)
             from wanted join locked using (id) where s.id = wanted.id""",
        ids=list(slot_ids), places=list(places),
    )  # fmt: skip
