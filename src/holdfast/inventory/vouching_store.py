"""SQL of what suppliers vouch for and say of their nights and sittings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from psycopg.types.json import Jsonb

from holdfast.catalogue.model import Text
from holdfast.kit.db import ReadTx, Tx


class Word(msgspec.Struct, frozen=True):
    """A supplier's last word on a product, and for how many minutes it holds: for days to come, and on the day itself."""

    product_id: str
    said_at: datetime | None
    minutes: int
    day_minutes: int
    barred_at: datetime | None


class Said(msgspec.Struct, frozen=True):
    """What a supplier says of one night or sitting."""

    product_id: str
    visit_date: date
    code: str
    places: int | None = None
    is_stopped: bool = False
    reason: Text = {}


async def set_clock(tx: Tx, product_id: str, minutes: int, day_minutes: int, *, anew: bool) -> None:
    """The product has this clock. `anew`: nobody's word counts any more until somebody speaks."""
    await tx.execute(
        """insert into inventory.words (product_id, minutes, day_minutes) values (%(id)s, %(minutes)s, %(day)s)
           on conflict (product_id) do update set minutes = excluded.minutes, day_minutes = excluded.day_minutes,
             said_at = case when %(anew)s then null else words.said_at end""",
        id=product_id, minutes=minutes, day=day_minutes, anew=anew,
    )  # fmt: skip


async def say(tx: Tx, product_ids: Sequence[str], at: datetime) -> list[str]:
    """Moves the last word forward, never back; the products for which it moved."""
    found: list[str] = await tx.values(
        """update inventory.words set said_at = %(at)s
            where product_id = any(%(ids)s) and (said_at is null or said_at < %(at)s) returning product_id""",
        ids=list(product_ids), at=at,
    )  # fmt: skip
    return found


async def bar(tx: Tx, product_ids: Sequence[str], at: datetime | None) -> None:
    """From `at` on no word counts; None: it counts again."""
    await tx.execute(
        "update inventory.words set barred_at = %(at)s where product_id = any(%(ids)s)", ids=list(product_ids), at=at
    )


async def wind(tx: Tx, product_ids: Sequence[str], now: datetime) -> int:
    """Sets the clocks of all coming slots of these products; how many slots changed."""
    return await tx.execute(
        """with due as (
             select s.id, inventory.word_until(w, s.visit_date, v.time_zone) as until
               from inventory.slots s
               join inventory.words w on w.product_id = s.product_id
               join catalogue.venues v on v.id = s.venue_id
              where s.product_id = any(%(ids)s) and s.ends_at > %(now)s
              order by s.id for no key update of s)
           update inventory.slots s set fresh_until = due.until from due
            where s.id = due.id and s.fresh_until is distinct from due.until""",
        ids=list(product_ids), now=now,
    )  # fmt: skip


async def words(tx: ReadTx, product_ids: Sequence[str]) -> list[Word]:
    return await tx.rows(
        Word,
        """select product_id, said_at, minutes, day_minutes, barred_at from inventory.words
            where product_id = any(%(ids)s) order by product_id""",
        ids=list(product_ids),
    )  # fmt: skip


async def venues_of(tx: ReadTx, product_ids: Sequence[str]) -> list[str]:
    """The venues of these products."""
    found: list[str] = await tx.values(
        "select distinct venue_id from catalogue.products where id = any(%(ids)s) order by venue_id",
        ids=list(product_ids),
    )
    return found


async def stop(
    tx: Tx, product_id: str, first: date, last: date, code: str | None, *, stopped: bool, reason: Text, at: datetime
) -> int:  # fmt: skip
    """Sale of these nights or sittings is stopped, or not any more; newer news stays. How many were touched."""
    return await tx.execute(
        """insert into inventory.supplied (product_id, visit_date, code, is_stopped, stopped_at, reason)
           select t.product_id, d::date, t.code, %(stopped)s, %(at)s, %(reason)s
             from catalogue.timeslots t cross join generate_series(%(first)s::date, %(last)s::date, interval '1 day') d
            where t.product_id = %(product)s and t.retired_at is null and (%(code)s::text is null or t.code = %(code)s)
           on conflict (product_id, visit_date, code) do update set is_stopped = excluded.is_stopped,
             stopped_at = excluded.stopped_at, reason = excluded.reason
            where supplied.stopped_at is null or supplied.stopped_at <= excluded.stopped_at""",
        product=product_id, first=first, last=last, code=code, stopped=stopped, reason=Jsonb(reason), at=at,
    )  # fmt: skip


async def limit(
    tx: Tx, product_id: str, first: date, last: date, code: str | None, *, places: int | None, left: int | None, at: datetime
) -> int:  # fmt: skip
    """At most so many `places` of each, or so many `left` beyond what is taken now; newer news stays. How many were touched."""
    return await tx.execute(
        """insert into inventory.supplied (product_id, visit_date, code, places, places_at)
           select t.product_id, d::date, t.code, coalesce(%(places)s::int, coalesce(s.taken, 0) + %(left)s::int), %(at)s
             from catalogue.timeslots t cross join generate_series(%(first)s::date, %(last)s::date, interval '1 day') d
             left join inventory.slots s on s.product_id = t.product_id and s.visit_date = d::date and s.code = t.code
            where t.product_id = %(product)s and t.retired_at is null and (%(code)s::text is null or t.code = %(code)s)
           on conflict (product_id, visit_date, code) do update set places = excluded.places, places_at = excluded.places_at
            where supplied.places_at is null or supplied.places_at <= excluded.places_at""",
        product=product_id, first=first, last=last, code=code, places=places, left=left, at=at,
    )  # fmt: skip


class Standing(msgspec.Struct, frozen=True):
    """A coming night or sitting of a supplied product, for those who look after it."""

    product_id: str
    product_name: Text
    venue_id: str
    visit_date: date
    code: str
    slot_name: Text
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    capacity: int
    taken: int
    set_aside: int
    state: str
    fresh_until: datetime | None
    is_stopped: bool
    places: int | None

    @property
    def left(self) -> int:
        return max(0, self.capacity - self.taken - self.set_aside)


async def standing(tx: ReadTx, product_ids: Sequence[str], first: date, last: date) -> list[Standing]:
    """The slots of these products between two dates, with what their supplier said of them."""
    return await tx.rows(
        Standing,
        """select s.product_id, p.name as product_name, s.venue_id, s.visit_date, s.code, coalesce(t.name, '{}') as slot_name,
                  s.starts_at, s.ends_at, v.time_zone, s.capacity, s.taken, s.set_aside, s.state, s.fresh_until,
                  coalesce(x.is_stopped, false) as is_stopped, x.places
             from inventory.slots s
             join catalogue.products p on p.id = s.product_id
             join catalogue.venues v on v.id = s.venue_id
             left join catalogue.timeslots t on t.product_id = s.product_id and t.code = s.code
             left join inventory.supplied x on x.product_id = s.product_id and x.visit_date = s.visit_date and x.code = s.code
            where s.product_id = any(%(ids)s) and s.visit_date between %(first)s and %(last)s and s.state <> 'closed'
            order by s.product_id, s.starts_at, s.code""",
        ids=list(product_ids), first=first, last=last,
    )  # fmt: skip
