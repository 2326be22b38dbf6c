"""SQL of alternatives: slots on sale that take a party."""

from __future__ import annotations

from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx


class Alternative(msgspec.Struct, frozen=True):
    """A slot on sale with places for the party. `km` is how far its venue is, 0 at the same one, None where nobody knows."""

    slot_id: UUID
    venue_id: str
    venue_name: dict[str, str]
    product_id: str
    product_name: dict[str, str]
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    places_left: int
    lowest_minor: int | None
    currency: str | None
    km: float | None = 0.0


class Wanted(msgspec.Struct, frozen=True):
    """The slot that is full or closed, and where it is."""

    slot_id: UUID
    venue_id: str
    product_id: str
    visit_date: date
    starts_at: datetime
    kind: str
    city: str
    latitude: float | None
    longitude: float | None


async def wanted(tx: ReadTx, slot_id: UUID) -> Wanted | None:
    return await tx.maybe(
        Wanted,
        """select s.id as slot_id, s.venue_id, s.product_id, s.visit_date, s.starts_at, v.kind, coalesce(v.city ->> 'zh', v.city ->> 'en', '') as city,
                  v.latitude, v.longitude
             from inventory.slots s join catalogue.venues v on v.id = s.venue_id where s.id = %(id)s""",
        id=slot_id,
    )


_PLACES: LiteralString = "s.capacity - s.taken - s.set_aside"
_FITS: LiteralString = (
    """s.state = 'open' and %(now)s >= s.sale_opens_at and %(now)s < s.sale_closes_at and coalesce(s.fresh_until > %(now)s, true)
    and p.retired_at is null and p.max_per_order >= %(people)s and """
    + _PLACES
    + " >= %(people)s "
)
_SHOWN: LiteralString = (
    """s.id as slot_id, s.venue_id, v.name as venue_name, s.product_id, p.name as product_name, s.visit_date, s.starts_at, s.ends_at,
    v.time_zone, """
    + _PLACES
    + " as places_left, low.amount_minor as lowest_minor, low.currency "
)
_LOW: LiteralString = """ join lateral (
    select c.amount_minor, c.currency from catalogue.prices c
     where c.product_id = s.product_id and c.retired_at is null and c.uses_place and not c.with_card
       and catalogue.in_season(s.visit_date, c.from_day, c.to_day) order by c.amount_minor limit 1) low on true """


async def at_venue(tx: ReadTx, here: Wanted, first: date, last: date, people: int, now: datetime) -> list[Alternative]:
    """Every other slot of the same venue between two dates that takes the party."""
    return await tx.rows(
        Alternative,
        "select " + _SHOWN + """from inventory.slots s join catalogue.products p on p.id = s.product_id
             join catalogue.venues v on v.id = s.venue_id""" + _LOW + """
            where s.venue_id = %(venue)s and s.visit_date between %(first)s and %(last)s and s.id <> %(id)s and """ + _FITS
        + "order by s.starts_at, s.id",
        venue=here.venue_id, id=here.slot_id, first=first, last=last, people=people, now=now,
    )  # fmt: skip


async def nearby(
    tx: ReadTx, here: Wanted, days: int, km_most: float, people: int, now: datetime, limit: int
) -> list[Alternative]:
    """Other venues of the same kind: of each the slot nearest in time that takes the party, the nearest venues first.

    Nearby is so many kilometres as the crow flies; where a place is not on the map, the same city.
    """
    return await tx.rows(
        Alternative,
        """with around as (
             select v.id, case when v.latitude is null or v.longitude is null or %(lat)s::float8 is null or %(lon)s::float8 is null then null
                    else round((12742 * asin(sqrt(sin(radians(v.latitude - %(lat)s) / 2) ^ 2 + cos(radians(%(lat)s))
                         * cos(radians(v.latitude)) * sin(radians(v.longitude - %(lon)s) / 2) ^ 2)))::numeric, 1)::float8 end as km,
                    coalesce(v.city ->> 'zh', v.city ->> 'en', '') = %(city)s as same_city
               from catalogue.venues v where v.kind = %(like)s and v.id <> %(venue)s and v.retired_at is null)
           select n.*, around.km from around join catalogue.venues v on v.id = around.id
            join lateral (select """ + _SHOWN + """from inventory.slots s join catalogue.products p on p.id = s.product_id""" + _LOW + """
                   where s.venue_id = around.id and s.visit_date between %(day)s::date - %(days)s::int and %(day)s::date + %(days)s::int and """
        + _FITS + """order by s.visit_date <> %(day)s, abs(extract(epoch from s.starts_at - %(starts)s)), s.id limit 1) n on true
            where coalesce(around.km <= %(most)s, around.same_city)
            order by n.visit_date <> %(day)s, around.km nulls last, v.position, v.id limit %(limit)s""",
        lat=here.latitude, lon=here.longitude, city=here.city, like=here.kind, venue=here.venue_id, day=here.visit_date,
        days=days, starts=here.starts_at, most=km_most, people=people, now=now, limit=limit,
    )  # fmt: skip
