"""All SQL of the inventory; it reads the catalogue below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.catalogue.model import Opening, Price, SpecialDay, Text, Timeslot
from holdfast.kit.db import ReadTx, Tx

from .model import Policy, Slot
from .vouching_store import Said


class OfferedProduct(msgspec.Struct, frozen=True):
    """A product as far as its slots need it."""

    id: str
    release_days: int
    release_time: time
    same_day_sale: bool
    notice_minutes: int | None
    timeslots: list[Timeslot]


class Offer(msgspec.Struct, frozen=True):
    """A venue as far as its slots need it: hours, products on sale and the policies that are not yet over."""

    venue_id: str
    time_zone: str
    openings: list[Opening]
    special_days: list[SpecialDay]
    products: list[OfferedProduct]
    policies: list[Policy]
    supplied: list[Said] = []
    """What suppliers say of single nights and sittings; only what differs from the policies."""


class DayTotals(msgspec.Struct, frozen=True):
    """The slots of one venue on one date, added up as of a moment."""

    date: date
    selling: bool
    places_left: int
    on_sale: bool
    coming: bool
    stopped: bool
    unconfirmed: bool
    opens_at: datetime | None
    reason: Text
    lowest_minor: int | None
    currency: str | None


class VenueDays(msgspec.Struct, frozen=True):
    """A venue's calendar: its hours and the dates that have slots."""

    venue_id: str
    time_zone: str
    openings: list[Opening]
    special_days: list[SpecialDay]
    days: list[DayTotals]


class SlotOnSale(msgspec.Struct, frozen=True):
    """A slot with the names a traveller sees and the prices valid that day."""

    slot: Slot
    product_name: Text
    slot_name: Text
    time_zone: str
    prices: list[Price]


async def offers(tx: ReadTx, venue_id: str | None, since: date) -> list[Offer]:
    """What every venue on offer sells, in one statement. Policies that ended before `since` are left out."""
    found = await tx.values(
        """select jsonb_build_object(
             'venue_id', v.id, 'time_zone', v.time_zone,
             'openings', coalesce((select jsonb_agg(o order by o.season) from catalogue.openings o
                                    where o.venue_id = v.id and o.retired_at is null), '[]'),
             'special_days', coalesce((select jsonb_agg(d order by d.day) from catalogue.special_days d
                                        where d.venue_id = v.id and d.retired_at is null and d.day >= %(since)s), '[]'),
             'policies', coalesce((select jsonb_agg(to_jsonb(l) || jsonb_build_object(
                                            'days', inventory.marked_days(l.venue_id, l.day_type)) order by l.id) from inventory.policies l
                                    where l.venue_id = v.id and (l.to_date is null or l.to_date >= %(since)s)), '[]'),
             'supplied', coalesce((select jsonb_agg(x) from inventory.supplied x join catalogue.products q on q.id = x.product_id
                                    where q.venue_id = v.id and x.visit_date >= %(since)s and (x.is_stopped or x.places is not null)), '[]'),
             'products', coalesce((
               select jsonb_agg(jsonb_build_object(
                 'id', p.id, 'release_days', p.release_days, 'release_time', p.release_time,
                 'same_day_sale', p.same_day_sale, 'notice_minutes', p.notice_minutes,
                 'timeslots', coalesce((select jsonb_agg(t order by t.starts, t.code) from catalogue.timeslots t
                                         where t.product_id = p.id and t.retired_at is null), '[]')) order by p.id)
                 from catalogue.products p where p.venue_id = v.id and p.retired_at is null), '[]'))
           from catalogue.venues v
          where v.retired_at is null and (%(venue_id)s::text is null or v.id = %(venue_id)s)
          order by v.id""",
        venue_id=venue_id, since=since,
    )  # fmt: skip
    return msgspec.convert(found, list[Offer])


async def slots_since(tx: ReadTx, venue_id: str | None, since: date) -> list[Slot]:
    """Every slot from that date on."""
    return await tx.rows(
        Slot,
        """select id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at, sale_closes_at, state,
                  reason, capacity, overcommitted, taken, set_aside, fresh_until
             from inventory.slots
            where visit_date >= %(since)s and (%(venue_id)s::text is null or venue_id = %(venue_id)s)""",
        venue_id=venue_id, since=since,
    )  # fmt: skip


async def slots(tx: ReadTx, ids: list[UUID]) -> list[Slot]:
    """These slots."""
    return await tx.rows(
        Slot,
        """select id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at, sale_closes_at, state,
                  reason, capacity, overcommitted, taken, set_aside, fresh_until
             from inventory.slots where id = any(%(ids)s) order by id""",
        ids=ids,
    )  # fmt: skip


async def lock_slots(tx: Tx, ids: list[UUID]) -> list[Slot]:
    """These slots, locked in id order until the transaction ends."""
    return await tx.rows(
        Slot,
        """select id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at, sale_closes_at, state,
                  reason, capacity, overcommitted, taken, set_aside, fresh_until
             from inventory.slots where id = any(%(ids)s) order by id for no key update""",
        ids=ids,
    )  # fmt: skip


async def insert_slots(tx: Tx, rows: Sequence[Slot]) -> int:
    """New slots; one that exists meanwhile is left as it is. The number inserted."""
    return await tx.execute(
        """insert into inventory.slots (id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at,
                                        sale_closes_at, state, reason, capacity, overcommitted, taken)
           select *, 0, 0 from unnest(
             %(id)s::uuid[], %(product)s::text[], %(venue)s::text[], %(date)s::date[], %(code)s::text[],
             %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(opens)s::timestamptz[], %(closes)s::timestamptz[],
             %(state)s::text[], %(reason)s::jsonb[], %(capacity)s::int[])
           on conflict (product_id, visit_date, code) do nothing""",
        **_columns(rows), product=[row.product_id for row in rows], venue=[row.venue_id for row in rows],
        date=[row.visit_date for row in rows], code=[row.code for row in rows],
    )  # fmt: skip


async def update_slots(tx: Tx, rows: Sequence[Slot]) -> int:
    """Times, window, state and capacity of slots that `lock_slots` holds; `taken` is never written here."""
    return await tx.execute(
        """update inventory.slots s
              set starts_at = t.starts_at, ends_at = t.ends_at, sale_opens_at = t.opens, sale_closes_at = t.closes,
                  state = t.state, reason = t.reason, capacity = t.capacity, overcommitted = t.overcommitted
             from unnest(%(id)s::uuid[], %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(opens)s::timestamptz[],
                         %(closes)s::timestamptz[], %(state)s::text[], %(reason)s::jsonb[], %(capacity)s::int[],
                         %(overcommitted)s::int[])
                  as t (id, starts_at, ends_at, opens, closes, state, reason, capacity, overcommitted)
            where s.id = t.id""",
        **_columns(rows), overcommitted=[row.overcommitted for row in rows],
    )  # fmt: skip


def _columns(rows: Sequence[Slot]) -> dict[str, list[Any]]:
    return {
        "id": [row.id for row in rows],
        "starts": [row.starts_at for row in rows],
        "ends": [row.ends_at for row in rows],
        "opens": [row.sale_opens_at for row in rows],
        "closes": [row.sale_closes_at for row in rows],
        "state": [row.state for row in rows],
        "reason": [Jsonb(row.reason) for row in rows],
        "capacity": [row.capacity for row in rows],
    }


async def days(tx: ReadTx, venue_ids: list[str], first: date, last: date, now: datetime) -> list[VenueDays]:
    """The calendars of these venues between two dates, with slots added up by date, in one statement."""
    found = await tx.values(
        """with day as (
             select s.venue_id, s.visit_date as date,
                    bool_or(s.state = 'open' and w.now >= s.sale_opens_at and w.now < s.sale_closes_at and u.fresh
                            and s.capacity - s.set_aside > s.taken) as selling,
                    bool_or(s.state = 'open' and w.now >= s.sale_opens_at and w.now < s.sale_closes_at and u.fresh) as on_sale,
                    bool_or(s.state = 'open' and w.now < s.sale_opens_at) as coming,
                    bool_or((s.state <> 'open' or not u.fresh) and w.now < s.sale_closes_at) as stopped,
                    bool_or(s.state = 'open' and not u.fresh and w.now < s.sale_closes_at) as unconfirmed,
                    coalesce(sum(greatest(s.capacity - s.taken - s.set_aside, 0)) filter (
                      where s.state = 'open' and w.now >= s.sale_opens_at and w.now < s.sale_closes_at and u.fresh), 0) as places_left,
                    min(s.sale_opens_at) filter (where s.state = 'open' and w.now < s.sale_opens_at) as opens_at,
                    coalesce((array_agg(s.reason order by s.starts_at) filter (where s.state <> 'open'))[1], '{}') as reason,
                    array_agg(distinct s.product_id) as products
               from inventory.slots s cross join (select %(now)s::timestamptz as now) w
              cross join lateral (select coalesce(s.fresh_until > w.now, true) as fresh) u
              where s.venue_id = any(%(ids)s) and s.visit_date between %(first)s and %(last)s
              group by s.venue_id, s.visit_date)
           select jsonb_build_object(
             'venue_id', v.id, 'time_zone', v.time_zone,
             'openings', coalesce((select jsonb_agg(o order by o.season) from catalogue.openings o
                                    where o.venue_id = v.id and o.retired_at is null), '[]'),
             'special_days', coalesce((select jsonb_agg(x order by x.day) from catalogue.special_days x
                                        where x.venue_id = v.id and x.retired_at is null
                                          and x.day between %(first)s and %(last)s), '[]'),
             'days', coalesce((
               select jsonb_agg(to_jsonb(d) || jsonb_build_object('lowest_minor', c.amount_minor, 'currency', c.currency))
                 from day d left join lateral (
                   select c.amount_minor, c.currency from catalogue.prices c
                    where c.product_id = any(d.products) and c.retired_at is null and c.uses_place and not c.with_card
                      and catalogue.in_season(d.date, c.from_day, c.to_day)
                    order by c.amount_minor limit 1) c on true
                where d.venue_id = v.id), '[]'))
           from catalogue.venues v where v.id = any(%(ids)s)""",
        ids=venue_ids, first=first, last=last, now=now,
    )  # fmt: skip
    return msgspec.convert(found, list[VenueDays])


async def slots_on_sale(tx: ReadTx, venue_id: str, day: date) -> list[SlotOnSale]:
    """The slots of a venue on one date with their names and that day's prices, in the order of the clock."""
    found = await tx.values(
        """select jsonb_build_object(
             'slot', to_jsonb(s), 'product_name', p.name, 'slot_name', coalesce(t.name, '{}'), 'time_zone', v.time_zone,
             'prices', coalesce((select jsonb_agg(c order by c.position, c.id) from catalogue.prices c
                                  where c.product_id = p.id and c.retired_at is null and not c.with_card
                                    and catalogue.in_season(s.visit_date, c.from_day, c.to_day)), '[]'))
             from inventory.slots s
             join catalogue.products p on p.id = s.product_id
             join catalogue.venues v on v.id = s.venue_id
             left join catalogue.timeslots t on t.product_id = s.product_id and t.code = s.code
            where s.venue_id = %(venue_id)s and s.visit_date = %(day)s
            order by p.id, s.starts_at, s.code""",
        venue_id=venue_id, day=day,
    )  # fmt: skip
    return msgspec.convert(found, list[SlotOnSale])


async def room(tx: ReadTx, day: date, people: int, now: datetime) -> dict[str, int]:
    """Venue → most places in one slot of that date, where one slot on sale takes that many people."""
    found = await tx.tuples(
        """select s.venue_id, max(s.capacity - s.taken - s.set_aside)
             from inventory.slots s
            where s.visit_date = %(day)s and s.state = 'open' and %(now)s >= s.sale_opens_at and %(now)s < s.sale_closes_at
              and coalesce(s.fresh_until > %(now)s, true) and s.capacity - s.taken - s.set_aside >= %(people)s
            group by s.venue_id""",
        day=day, people=people, now=now,
    )  # fmt: skip
    return dict(found)


class Sold(msgspec.Struct, frozen=True):
    """Places sold in one slot."""

    venue_id: str
    product_id: str
    visit_date: date
    code: str
    taken: int


async def sold(tx: ReadTx, venue_ids: list[str], since: date) -> list[Sold]:
    """The slots with visitors from that date on, without those that are over their capacity already."""
    return await tx.rows(
        Sold,
        """select venue_id, product_id, visit_date, code, taken from inventory.slots
            where venue_id = any(%(ids)s) and visit_date >= %(since)s and taken > 0 and overcommitted = 0
            order by visit_date, product_id, code""",
        ids=venue_ids, since=since,
    )  # fmt: skip


async def policy_rows(tx: ReadTx, venue_ids: list[str]) -> list[dict[str, Any]]:
    """The policies of these venues as an import knows them: named by origin (else id), also where they supersede."""
    return await tx.values(
        """select to_jsonb(l) || jsonb_build_object(
             'origin', coalesce(nullif(l.origin, ''), l.id::text), 'days', inventory.marked_days(l.venue_id, l.day_type),
             'supersedes', (select coalesce(nullif(o.origin, ''), o.id::text) from inventory.policies o
                             where o.id = l.supersedes))
             from inventory.policies l where l.venue_id = any(%(ids)s)""",
        ids=venue_ids,
    )  # fmt: skip


async def write_policies(tx: Tx, rows: list[dict[str, Any]], now: datetime) -> None:
    """Inserts policies or overwrites those of the same origin, then joins each to the one it supersedes."""
    await tx.execute(
        """insert into inventory.policies (id, venue_id, product_id, from_date, to_date, weekdays, kind, value, reason,
                                           authority, provenance, issued_at, origin)
           select t.id, t.venue_id, t.product_id, t.from_date, t.to_date, t.weekdays, t.kind, t.value, t.reason,
                  t.authority, t.provenance, %(now)s, t.origin from jsonb_to_recordset(%(rows)s) as t (
             id uuid, venue_id text, product_id text, from_date date, to_date date, weekdays int[], kind text, value int,
             reason jsonb, authority text, provenance jsonb, origin text)
           on conflict (venue_id, origin) where origin <> '' do update set product_id = excluded.product_id,
             from_date = excluded.from_date, to_date = excluded.to_date, weekdays = excluded.weekdays,
             kind = excluded.kind, value = excluded.value, reason = excluded.reason, authority = excluded.authority,
             provenance = excluded.provenance""",
        rows=Jsonb(rows), now=now,
    )  # fmt: skip
    await tx.execute(
        """update inventory.policies l set supersedes = o.id
             from jsonb_to_recordset(%(rows)s) as t (venue_id text, origin text, supersedes text)
             left join inventory.policies o on o.venue_id = t.venue_id
                   and t.supersedes in (nullif(o.origin, ''), o.id::text)
            where l.venue_id = t.venue_id and l.origin = t.origin and l.supersedes is distinct from o.id""",
        rows=Jsonb(rows),
    )  # fmt: skip
