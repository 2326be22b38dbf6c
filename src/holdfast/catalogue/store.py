"""All SQL of the catalogue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .model import City, Venue, VenueCard


async def venue(tx: ReadTx, venue_id: str) -> Venue | None:
    """The venue with everything below it, in one statement; what is retired below it is left out."""
    found = await tx.value(
        """with venue as (select * from catalogue.venues where id = %(id)s),
                product as (select * from catalogue.products where venue_id = %(id)s and retired_at is null),
                slot as (
                  select t.* from catalogue.timeslots t join product p on p.id = t.product_id where t.retired_at is null),
                price as (
                  select c.* from catalogue.prices c join product p on p.id = c.product_id where c.retired_at is null),
                opening as (
                  select * from catalogue.openings where venue_id = %(id)s and retired_at is null),
                special as (
                  select * from catalogue.special_days where venue_id = %(id)s and retired_at is null),
                named as (
                  select f ->> 'source' as id from venue, jsonb_array_elements(facts) f
                  union select provenance ->> 'source' from opening
                  union select provenance ->> 'source' from slot
                  union select provenance ->> 'source' from price
                  union select e.value ->> 'source' from product p, jsonb_each(p.provenance) e)
           select to_jsonb(v) || jsonb_build_object(
             'openings', coalesce((select jsonb_agg(o order by o.season) from opening o), '[]'),
             'special_days', coalesce((select jsonb_agg(d order by d.day) from special d), '[]'),
             'sources', coalesce((select jsonb_object_agg(s.id, s) from catalogue.sources s
                                   where s.id in (select id from named)), '{}'),
             'products', coalesce((
               select jsonb_agg(to_jsonb(p) || jsonb_build_object(
                 'timeslots', coalesce((select jsonb_agg(t order by t.starts, t.code) from slot t
                                         where t.product_id = p.id), '[]'),
                 'prices', coalesce((select jsonb_agg(c order by c.position, c.id) from price c
                                      where c.product_id = p.id), '[]')) order by p.id)
                 from product p), '[]'))
             from venue v""",
        id=venue_id,
    )  # fmt: skip
    return None if found is None else msgspec.convert(found, Venue)


async def search(tx: ReadTx, words: list[str], city: str, kind: str) -> list[VenueCard]:
    """Venues on offer whose search text holds every word; those with a word in their name come first.

    Chinese is written without spaces: of "北京故宫" the city's own name is set aside before looking.
    """
    rows = await tx.dicts(
        """select v.id, v.name, v.city, v.province, v.kind, v.summary, v.latitude, v.longitude, v.retired_at,
                  low.price as lowest
             from catalogue.venues v
             left join lateral (
               select jsonb_build_object('amount_minor', c.amount_minor, 'currency', c.currency) as price
                 from catalogue.products p join catalogue.prices c on c.product_id = p.id
                where p.venue_id = v.id and p.retired_at is null and c.retired_at is null and c.uses_place and not c.with_card
                order by c.amount_minor limit 1) low on true
            where v.retired_at is null
              and not exists (
                select 1 from unnest(%(words)s::text[]) w
                 where position(replace(replace(w, lower(v.province), ''), lower(coalesce(v.city ->> 'zh', '')), '')
                                in v.search_text) = 0)
              and (%(city)s = '' or %(city)s in (lower(v.city ->> 'zh'), replace(lower(v.city ->> 'en'), '''', '')))
              and (v.kind = %(only)s or %(only)s = '' and v.kind not in ('hotel', 'restaurant', 'card'))
            order by (select count(*) from unnest(%(words)s::text[]) w
                       where position(w in lower(concat_ws(' ', v.name ->> 'zh', v.name ->> 'en'))) > 0) desc,
                     v.position, v.id""",
        words=words, city=city, only=kind,
    )  # fmt: skip
    return msgspec.convert(rows, list[VenueCard])


async def many(tx: ReadTx, venue_ids: list[str]) -> list[VenueCard]:
    """The cards of these venues, retired ones too: orders may still name them."""
    rows = await tx.dicts(
        """select id, name, city, province, kind, summary, latitude, longitude, retired_at
             from catalogue.venues where id = any(%(ids)s) order by position, id""",
        ids=venue_ids,
    )
    return msgspec.convert(rows, list[VenueCard])


async def cities(tx: ReadTx) -> list[City]:
    """The cities with something on offer, most venues first."""
    return await tx.rows(
        City,
        """select (array_agg(city order by position, id))[1] as name, count(*)::int as venues
             from catalogue.venues where retired_at is null and kind not in ('hotel', 'restaurant', 'card')
            group by city ->> 'zh', city ->> 'en' order by venues desc, min(position), min(id)""",
    )


async def kinds(tx: ReadTx) -> list[str]:
    """The kinds of venue on offer, most venues first."""
    return await tx.values(
        """select kind from catalogue.venues where retired_at is null group by kind order by count(*) desc, kind"""
    )


async def card_prices(tx: ReadTx, product_ids: Sequence[str]) -> dict[str, str]:
    """Product → the price of it that is paid with a card."""
    return dict(
        await tx.tuples(
            """select product_id, min(id) from catalogue.prices
                where product_id = any(%(ids)s) and with_card and retired_at is null group by product_id""",
            ids=list(product_ids),
        )
    )


# What imports read and write: whole rows, as JSON


async def venues_of(tx: ReadTx, product_ids: list[str], price_ids: list[str]) -> list[str]:
    """The venues that own these products and prices."""
    return await tx.values(
        """select distinct p.venue_id from catalogue.products p
             left join catalogue.prices c on c.product_id = p.id and c.id = any(%(prices)s)
            where p.id = any(%(products)s) or c.id is not null""",
        products=product_ids, prices=price_ids,
    )  # fmt: skip


async def venues_on_offer(tx: ReadTx) -> list[str]:
    """The ids of all venues that are not retired."""
    return await tx.values("select id from catalogue.venues where retired_at is null order by id")


async def stored(tx: ReadTx, venue_ids: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """All sources, and every row of these venues, retired ones too: table and row."""
    return await tx.tuples(
        """with product as (select * from catalogue.products where venue_id = any(%(ids)s))
           select 'sources', to_jsonb(s) from catalogue.sources s
           union all select 'venues', to_jsonb(v) from catalogue.venues v where v.id = any(%(ids)s)
           union all select 'openings', to_jsonb(o) from catalogue.openings o where o.venue_id = any(%(ids)s)
           union all select 'special_days', to_jsonb(d) from catalogue.special_days d where d.venue_id = any(%(ids)s)
           union all select 'products', to_jsonb(p) from product p
           union all select 'timeslots', to_jsonb(t) from catalogue.timeslots t join product p on p.id = t.product_id
           union all select 'prices', to_jsonb(c) from catalogue.prices c join product p on p.id = c.product_id""",
        ids=venue_ids,
    )  # fmt: skip


async def write(tx: Tx, table: str, rows: list[dict[str, Any]], now: datetime) -> None:
    """Inserts or overwrites whole rows of one table."""
    await _WRITERS[table](tx, Jsonb(rows), now)


async def _sources(tx: Tx, rows: Jsonb, now: datetime) -> None:
    await tx.execute(
        """insert into catalogue.sources (id, what, url, quality, as_of)
           select * from jsonb_to_recordset(%(rows)s) as t (id text, what text, url text, quality text, as_of text)
           on conflict (id) do update set what = excluded.what, url = excluded.url, quality = excluded.quality,
             as_of = excluded.as_of""",
        rows=rows,
    )  # fmt: skip


async def _venues(tx: Tx, rows: Jsonb, now: datetime) -> None:
    await tx.execute(
        """insert into catalogue.venues (id, name, city, province, kind, summary, latitude, longitude, time_zone, position,
                                         facts, search_text, retired_at, updated_at)
           select t.*, %(now)s from jsonb_to_recordset(%(rows)s) as t (
             id text, name jsonb, city jsonb, province text, kind text, summary jsonb, latitude double precision,
             longitude double precision, time_zone text, position int, facts jsonb, search_text text,
             retired_at timestamptz)
           on conflict (id) do update set name = excluded.name, city = excluded.city, province = excluded.province,
             kind = excluded.kind, summary = excluded.summary, latitude = excluded.latitude,
             longitude = excluded.longitude, time_zone = excluded.time_zone, position = excluded.position,
             facts = excluded.facts, search_text = excluded.search_text, retired_at = excluded.retired_at,
             updated_at = excluded.updated_at""",
        rows=rows, now=now,
    )  # fmt: skip


async def _openings(tx: Tx, rows: Jsonb, now: datetime) -> None:
    await tx.execute(
        """insert into catalogue.openings (venue_id, season, from_day, to_day, opens, closes, last_entry, closed_weekdays,
                                           provenance, retired_at)
           select * from jsonb_to_recordset(%(rows)s) as t (
             venue_id text, season text, from_day text, to_day text, opens time, closes time, last_entry time,
             closed_weekdays int[], provenance jsonb, retired_at timestamptz)
           on conflict (venue_id, season) do update set from_day = excluded.from_day, to_day = excluded.to_day,
             opens = excluded.opens, closes = excluded.closes, last_entry = excluded.last_entry,
             closed_weekdays = excluded.closed_weekdays, provenance = excluded.provenance,
             retired_at = excluded.retired_at""",
        rows=rows,
    )  # fmt: skip


async def _special_days(tx: Tx, rows: Jsonb, now: datetime) -> None:
    await tx.execute(
        """insert into catalogue.special_days (venue_id, day, is_open, opens, closes, last_entry, reason, retired_at)
           select * from jsonb_to_recordset(%(rows)s) as t (
             venue_id text, day date, is_open boolean, opens time, closes time, last_entry time, reason jsonb,
             retired_at timestamptz)
           on conflict (venue_id, day) do update set is_open = excluded.is_open, opens = excluded.opens,
             closes = excluded.closes, last_entry = excluded.last_entry, reason = excluded.reason,
             retired_at = excluded.retired_at""",
        rows=rows,
    )  # fmt: skip


async def _products(tx: Tx, rows: Jsonb, now: datetime) -> None:
    await tx.execute(
        """insert into catalogue.products (id, venue_id, name, real_name, documents, max_per_order, once_per_document_day,
                                           per_account_day, release_days, release_time, same_day_sale, cancel_rule,
                                           notice_minutes, provenance, retired_at, updated_at)
           select t.*, %(now)s from jsonb_to_recordset(%(rows)s) as t (
             id text, venue_id text, name jsonb, real_name boolean, documents text[], max_per_order int,
             once_per_document_day boolean, per_account_day int, release_days int, release_time time,
             same_day_sale boolean, cancel_rule jsonb, notice_minutes int, provenance jsonb, retired_at timestamptz)
           on conflict (id) do update set name = excluded.name, real_name = excluded.real_name,
             documents = excluded.documents, max_per_order = excluded.max_per_order,
             once_per_document_day = excluded.once_per_document_day, per_account_day = excluded.per_account_day,
             release_days = excluded.release_days, release_time = excluded.release_time,
             same_day_sale = excluded.same_day_sale, cancel_rule = excluded.cancel_rule,
             notice_minutes = excluded.notice_minutes,
             provenance = excluded.provenance, retired_at = excluded.retired_at, updated_at = excluded.updated_at""",
        rows=rows, now=now,
    )  # fmt: skip


async def _timeslots(tx: Tx, rows: Jsonb, now: datetime) -> None:
    await tx.execute(
        """insert into catalogue.timeslots (product_id, code, name, starts, ends, share_bp, capacity, provenance, retired_at)
           select * from jsonb_to_recordset(%(rows)s) as t (
             product_id text, code text, name jsonb, starts time, ends time, share_bp int, capacity int,
             provenance jsonb, retired_at timestamptz)
           on conflict (product_id, code) do update set name = excluded.name, starts = excluded.starts,
             ends = excluded.ends, share_bp = excluded.share_bp, capacity = excluded.capacity,
             provenance = excluded.provenance, retired_at = excluded.retired_at""",
        rows=rows,
    )  # fmt: skip


async def _prices(tx: Tx, rows: Jsonb, now: datetime) -> None:
    await tx.execute(
        """insert into catalogue.prices (id, product_id, ticket, name, amount_minor, currency, from_day, to_day, uses_place,
                                         with_card, per_main, position, provenance, retired_at)
           select * from jsonb_to_recordset(%(rows)s) as t (
             id text, product_id text, ticket text, name jsonb, amount_minor bigint, currency char(3), from_day text,
             to_day text, uses_place boolean, with_card boolean, per_main int, position int, provenance jsonb, retired_at timestamptz)
           on conflict (id) do update set ticket = excluded.ticket, name = excluded.name,
             amount_minor = excluded.amount_minor, currency = excluded.currency, from_day = excluded.from_day,
             to_day = excluded.to_day, uses_place = excluded.uses_place, with_card = excluded.with_card,
             per_main = excluded.per_main, position = excluded.position,
             provenance = excluded.provenance, retired_at = excluded.retired_at""",
        rows=rows,
    )  # fmt: skip


_WRITERS: dict[str, Callable[[Tx, Jsonb, datetime], Awaitable[None]]] = {
    "sources": _sources,
    "venues": _venues,
    "openings": _openings,
    "special_days": _special_days,
    "products": _products,
    "timeslots": _timeslots,
    "prices": _prices,
}
TABLES = tuple(_WRITERS)
"""The tables of the catalogue, in the order in which they are written."""
