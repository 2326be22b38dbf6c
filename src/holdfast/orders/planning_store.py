"""SQL of planning: demand rolled up from orders, and what the figures of a venue are made of."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .planning_model import Pickup, SlotDay, VenueLoad


async def roll_up(tx: Tx, first: date, last: date) -> int:
    """Makes the demand for visits between two dates anew; how many rows there are."""
    await tx.execute(
        "delete from orders.demand where visit_date between %(first)s and %(last)s", first=first, last=last
    )
    return await tx.execute(
        """insert into orders.demand (slot_id, channel, days_before, venue_id, product_id, code, visit_date, booked, given_back, expired)
           with line as materialized (
             select s.id as slot_id, s.venue_id, s.product_id, s.code, s.visit_date, v.time_zone, o.id as order_id, o.channel, l.places, l.live,
                    o.confirmed_at is not null as is_firm,
                    greatest(0, s.visit_date - (o.placed_at at time zone v.time_zone)::date) as days_before
               from inventory.slots s join catalogue.venues v on v.id = s.venue_id join orders.lines l on l.slot_id = s.id
               join orders.orders o on o.id = l.order_id
              where s.visit_date between %(first)s and %(last)s and l.places > 0 and l.part <> 'awaited'),
           parted as (
             select e.order_id, max(e.at) as at from orders.events e
              where e.order_id in (select order_id from line where is_firm and not live)
                and e.kind in ('cancelled', 'part_cancelled', 'changed', 'moved', 'promise_not_kept', 'expired') group by e.order_id),
           step as (
             select slot_id, venue_id, product_id, code, visit_date, channel, days_before, case when is_firm then places else 0 end as booked,
                    0 as given_back, case when is_firm or live then 0 else places end as expired from line
             union all
             select l.slot_id, l.venue_id, l.product_id, l.code, l.visit_date, l.channel,
                    least(l.days_before, greatest(0, l.visit_date - (p.at at time zone l.time_zone)::date)), 0, l.places, 0
               from line l join parted p on p.order_id = l.order_id where l.is_firm and not l.live)
           select slot_id, channel, days_before, venue_id, product_id, code, visit_date, sum(booked), sum(given_back), sum(expired)
             from step group by slot_id, channel, days_before, venue_id, product_id, code, visit_date""",
        first=first, last=last,
    )  # fmt: skip


async def note_round(tx: Tx, begun_at: datetime, first: date, last: date, rows: int, took_ms: int) -> None:
    """That the figures were made; of earlier rounds the newest thousand are remembered."""
    await tx.execute(
        """insert into orders.demand_rounds (begun_at, first, last, rows, took_ms) values (%(at)s, %(first)s, %(last)s, %(rows)s, %(took)s)
           on conflict do nothing""",
        at=begun_at, first=first, last=last, rows=rows, took=took_ms,
    )  # fmt: skip
    await tx.execute(
        """delete from orders.demand_rounds where begun_at < (
             select begun_at from orders.demand_rounds order by begun_at desc offset 1000 limit 1)"""
    )


async def newest_round(tx: ReadTx) -> datetime | None:
    """When the figures were made last."""
    found: datetime | None = await tx.value("select max(begun_at) from orders.demand_rounds")
    return found


async def span(tx: ReadTx) -> tuple[date, date] | None:
    """The first and the last day of which there are slots."""
    [(first, last)] = await tx.tuples("select min(visit_date), max(visit_date) from inventory.slots")
    return (first, last) if first else None


async def loads(tx: ReadTx, since: date, today: date, until: date) -> list[VenueLoad]:
    """Every venue on offer: places and sold places of the days past and to come, and how many people wait there."""
    return await tx.rows(
        VenueLoad,
        """with day as (
             select s.venue_id, coalesce(sum(s.capacity) filter (where s.visit_date < %(today)s), 0) as past_capacity,
                    coalesce(sum(s.taken) filter (where s.visit_date < %(today)s), 0) as past_sold,
                    coalesce(sum(s.capacity) filter (where s.visit_date >= %(today)s), 0) as next_capacity,
                    coalesce(sum(s.taken) filter (where s.visit_date >= %(today)s), 0) as next_sold,
                    count(*) filter (where s.visit_date >= %(today)s and s.capacity > 0 and s.taken >= s.capacity) as full_slots
               from inventory.slots s where s.visit_date between %(since)s and %(until)s group by s.venue_id),
           waiting as (
             select s.venue_id, sum(w.places) as places from orders.waits w join inventory.slots s on s.id = w.slot_id
              where w.state = 'waiting' group by s.venue_id)
           select v.id as venue_id, v.name, v.city, v.kind, d.past_capacity, d.past_sold, d.next_capacity, d.next_sold, d.full_slots,
                  coalesce(w.places, 0) as waiting
             from catalogue.venues v join day d on d.venue_id = v.id left join waiting w on w.venue_id = v.id
            where v.retired_at is null order by d.next_sold::float8 / greatest(d.next_capacity, 1) desc, v.position, v.id""",
        since=since, today=today, until=until,
    )  # fmt: skip


async def slot_days(tx: ReadTx, venue_id: str, first: date, last: date) -> list[SlotDay]:
    """Every slot of a venue between two dates: places, sold, set aside, and how many people waited in vain so far."""
    return await tx.rows(
        SlotDay,
        """select s.visit_date as date, s.product_id, p.name as product_name, s.code, coalesce(nullif(t.name, '{}'), p.name) as slot_name,
                  to_char(s.starts_at at time zone v.time_zone, 'HH24:MI') as starts, s.state, s.capacity, s.taken as sold, s.set_aside,
                  coalesce(w.places, 0) as waited
             from inventory.slots s join catalogue.venues v on v.id = s.venue_id join catalogue.products p on p.id = s.product_id
             left join catalogue.timeslots t on t.product_id = s.product_id and t.code = s.code
             left join lateral (select sum(w.places) as places from orders.waits w
                                 where w.slot_id = s.id and w.state in ('waiting', 'over', 'left')) w on true
            where s.venue_id = %(venue)s and s.visit_date between %(first)s and %(last)s order by s.visit_date, s.starts_at, s.code""",
        venue=venue_id, first=first, last=last,
    )  # fmt: skip


async def pickups(tx: ReadTx, venue_id: str, first: date, last: date) -> list[Pickup]:
    """Places booked and given back for a venue, by date of the visit and days before it."""
    return await tx.rows(
        Pickup,
        """select visit_date as date, days_before, sum(booked)::int as booked, sum(given_back)::int as given_back, sum(expired)::int as expired
             from orders.demand where venue_id = %(venue)s and visit_date between %(first)s and %(last)s
            group by visit_date, days_before order by visit_date, days_before desc""",
        venue=venue_id, first=first, last=last,
    )  # fmt: skip


class Channel(msgspec.Struct, frozen=True):
    """What came through one channel."""

    channel: str
    booked: int
    given_back: int
    expired: int


async def channels(tx: ReadTx, venue_id: str, first: date, last: date) -> list[Channel]:
    """Places by the channel through which they were booked, the largest first."""
    return await tx.rows(
        Channel,
        """select channel, sum(booked)::int as booked, sum(given_back)::int as given_back, sum(expired)::int as expired
             from orders.demand where venue_id = %(venue)s and visit_date between %(first)s and %(last)s
            group by channel order by 2 desc, 1""",
        venue=venue_id, first=first, last=last,
    )  # fmt: skip


async def differences(tx: ReadTx, slot_ids: list[UUID]) -> list[UUID]:
    """Slots whose rolled-up demand is not what their orders say now: to be confirmed places are left out on both sides."""
    return await tx.values(
        """select s.id from inventory.slots s
             left join (select slot_id, sum(booked - given_back) as n from orders.demand group by slot_id) d on d.slot_id = s.id
             left join (select l.slot_id, sum(l.places) as n from orders.lines l join orders.orders o on o.id = l.order_id
                         where l.live and l.part = 'current' and o.confirmed_at is not null group by l.slot_id) r on r.slot_id = s.id
            where s.id = any(%(ids)s) and coalesce(d.n, 0) <> coalesce(r.n, 0)""",
        ids=slot_ids,
    )
