"""SQL of attendance. Admissions are written by `passes.admit_many`, no-shows by `passes.note_no_shows`: their own doors."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx
from holdfast.passes import Rules

from .attendance_model import Asked, GateOrder, Printed

# The tickets of the orders `o`, numbered as orders.tickets numbers them.
_TICKETS: LiteralString = """
    select l.order_id, l.seq as line_seq, t.seq as traveller_seq, l.slot_id, case when t.seq is null then l.quantity else 1 end as admits,
           coalesce(t.name_masked, '') as holder, coalesce(encode(substring(t.document_index for 6), 'hex'), '') as tag,
           coalesce(t.document_last4, '') as last4,
           row_number() over (partition by l.order_id order by l.seq, t.seq)::int as ticket
      from orders.lines l
      left join orders.travellers t on t.order_id = l.order_id and t.line_seq = l.seq and t.part = 'current'
     where l.part = 'current' """


async def admit(tx: Tx, device_id: UUID, asked: list[Asked], at: datetime, usual: Rules, subscribers: list[str]) -> str:
    """What orders know of each ticket, handed to the door of passes in the same statement; its JSON answer."""
    found: str = await tx.value(
        """with asked as (
             select * from json_to_recordset(%(asked)s::json) as j (
               n int, counter bigint, kind text, number text, ticket int, version int, tag text, of_venue text, people int, passed_at timestamptz,
               offline boolean, insisted boolean, shift uuid)),
           known as (
             select a.*, o.id as order_id, o.state, o.ticket_version, k.line_seq, k.traveller_seq, k.slot_id, k.admits, k.holder,
                    k.ticket as now_ticket, s.venue_id, s.starts_at, s.ends_at
               from asked a left join orders.orders o on o.number = a.number
               left join lateral (
                 select * from ("""
        + _TICKETS
        + """ and l.order_id = o.id) t
                  where case when coalesce(a.version, o.ticket_version) = o.ticket_version then t.ticket = a.ticket
                             else a.tag <> '' and t.tag = a.tag end limit 1) k on true
               left join inventory.slots s on s.id = k.slot_id)
           select passes.admit_many(%(device)s, json_agg(json_build_object(
             'n', n, 'counter', counter, 'kind', kind, 'number', number, 'ticket', ticket, 'version', coalesce(version, ticket_version),
             'people', case when kind = 'exit' then people when people between 1 and coalesce(admits, 1) then people else coalesce(admits, 1) end,
             'passed_at', passed_at, 'offline', offline, 'insisted', insisted,
             'shift', (select h.id from passes.shifts h where h.id = shift and h.device_id = %(device)s),
             'of_venue', coalesce(of_venue, venue_id), 'line_seq', line_seq, 'traveller_seq', traveller_seq, 'slot_id', slot_id,
             'starts_at', starts_at, 'ends_at', ends_at, 'holder', holder,
             'standing', case when order_id is null then 'unknown' when state in ('held', 'awaiting_payment') then 'unpaid'
                              when state not in ('confirmed', 'used') or slot_id is null
                                or coalesce(version, ticket_version) <> ticket_version then 'revoked'
                              else 'ok' end)),
             %(at)s, %(early)s, %(late)s, %(subscribers)s)::text from known""",
        device=device_id, asked=msgspec.json.encode(asked).decode(), at=at, early=timedelta(minutes=usual.early_minutes),
        late=timedelta(minutes=usual.late_minutes), subscribers=subscribers,
    )  # fmt: skip
    return found


async def listed(
    tx: ReadTx, venue_id: str, ends_after: datetime, starts_before: datetime, since: datetime | None
) -> list[GateOrder]:
    """Orders with something in these slots, or that had; those of which something happened since a moment, if one is given."""
    return await tx.rows(
        GateOrder,
        """with slots as materialized (
             select id, starts_at, ends_at from inventory.slots
              where venue_id = %(venue)s and ends_at > %(after)s and starts_at < %(before)s),
           here as materialized (
             select l.order_id from slots s join orders.lines l on l.slot_id = s.id and l.live
              union
             select l.order_id from slots s join orders.lines l on l.slot_id = s.id and not l.live),
           came as materialized (
             select a.order_number, a.line_seq, coalesce(a.traveller_seq, 0) as traveller_seq, a.at, d.name
               from passes.admissions a join passes.devices d on d.id = a.device_id
              where a.venue_id = %(venue)s and a.counts and a.undone_at is null and a.at > %(after)s - interval '2 days'),
           passed as materialized (
             select order_number from passes.admissions where venue_id = %(venue)s and recorded_at > %(since)s
              union
             select order_number from passes.admissions where venue_id = %(venue)s and undone_at > %(since)s),
           chosen as materialized (
             select o.id, o.number, o.state, o.ticket_version, o.channel from here h join orders.orders o on o.id = h.order_id
              where (o.state in ('confirmed', 'used') or o.ticket_version > 1)
                and (%(since)s::timestamptz is null
                     or exists (select 1 from orders.events e where e.order_id = o.id and e.at > %(since)s)
                     or o.number in (select order_number from passed))),
           tickets as (
             select c.id, json_build_object(
                      'seq', t.ticket, 'admits', t.admits, 'starts', extract(epoch from s.starts_at)::bigint,
                      'ends', extract(epoch from s.ends_at)::bigint, 'holder', t.holder, 'tag', t.tag,
                      'group', case when c.channel = 'card' and count(*) over (partition by c.id, t.slot_id) > 1
                                    then first_value(t.ticket) over (partition by c.id, t.slot_id order by t.ticket) else 0 end,
                      'used', case when a.at is not null then json_build_array(extract(epoch from a.at)::bigint, a.name) end) as ticket, t.ticket as seq
               from chosen c
               join lateral ("""
        + _TICKETS
        + """ and l.order_id = c.id) t on true
               join slots s on s.id = t.slot_id
               left join came a on a.order_number = c.number and a.line_seq = t.line_seq and a.traveller_seq = coalesce(t.traveller_seq, 0)
              where c.state in ('confirmed', 'used'))
           select c.number, c.ticket_version as version, coalesce(t.tickets, '[]') as tickets
             from chosen c
             left join (select id, json_agg(ticket order by seq) as tickets from tickets group by id) t on t.id = c.id
            order by c.number""",
        venue=venue_id, after=ends_after, before=starts_before, since=since,
    )  # fmt: skip


async def printed(tx: ReadTx, venue_id: str, day: date) -> list[Printed]:
    return await tx.rows(
        Printed,
        """select s.starts_at, s.ends_at, p.name as product_name, o.number, t.ticket, t.admits, t.holder,
                  case when t.last4 = '' then '' else '••••' || t.last4 end as document, a.at as used_at
             from inventory.slots s join catalogue.products p on p.id = s.product_id
             join (select distinct l.order_id, l.slot_id from orders.lines l where l.live) h on h.slot_id = s.id
             join orders.orders o on o.id = h.order_id and o.state in ('confirmed', 'used')
             join lateral ("""
        + _TICKETS
        + """ and l.order_id = o.id) t on t.slot_id = s.id
             left join passes.admissions a on a.order_number = o.number and a.line_seq = t.line_seq
                  and coalesce(a.traveller_seq, 0) = coalesce(t.traveller_seq, 0) and a.counts and a.undone_at is null
            where s.venue_id = %(venue)s and s.visit_date = %(day)s
            order by s.starts_at, p.id, o.number, t.ticket""",
        venue=venue_id, day=day,
    )  # fmt: skip


async def has_event(tx: ReadTx, order_id: UUID, kind: str, device: str, counter: int) -> bool:
    """Whether the story tells of this admission already."""
    return bool(
        await tx.value(
            """select exists (select 1 from orders.events where order_id = %(id)s and kind = %(kind)s
                               and details ->> 'device' = %(device)s and (details ->> 'counter')::bigint = %(counter)s)""",
            id=order_id, kind=kind, device=device, counter=counter,
        )
    )  # fmt: skip


async def not_admitted(tx: ReadTx, order_id: UUID) -> int:
    """How many tickets of an order were not admitted yet."""
    return int(
        await tx.value(
            """select count(*) from ("""
            + _TICKETS
            + """ and l.order_id = %(id)s) t join orders.orders o on o.id = t.order_id
               where not exists (
                 select 1 from passes.admissions a where a.order_number = o.number and a.line_seq = t.line_seq
                    and coalesce(a.traveller_seq, 0) = coalesce(t.traveller_seq, 0) and a.counts and a.undone_at is null)""",
            id=order_id,
        )
    )


async def admitted(tx: ReadTx, number: str, travellers: list[int] | None) -> bool:
    """Whether one of these travellers was admitted, or anybody of the order for None."""
    return bool(
        await tx.value(
            """select exists (select 1 from passes.admissions a where a.order_number = %(number)s and a.counts and a.undone_at is null
                               and (%(travellers)s::int[] is null or a.traveller_seq = any(%(travellers)s)))""",
            number=number, travellers=travellers,
        )
    )  # fmt: skip


async def slot_was_used(tx: ReadTx, number: str, slot_id: UUID) -> bool:
    return bool(
        await tx.value(
            """select exists (select 1 from passes.admissions a where a.order_number = %(number)s and a.slot_id = %(slot)s
                               and a.counts and a.undone_at is null)""",
            number=number, slot=slot_id,
        )
    )  # fmt: skip


async def slots_over(tx: ReadTx, now: datetime, usual_grace_minutes: int, waits: timedelta) -> list[UUID]:
    """Slots that are over at venues whose gates let somebody in that day, with tickets that nobody has decided about.

    Not while a device that worked there that day has not been heard of since the slot ended, unless that is long ago.
    """
    return await tx.values(
        """select s.id from inventory.slots s left join passes.gate_rules r on r.venue_id = s.venue_id
           where s.ends_at between %(now)s - interval '8 days' and %(now)s
             and s.ends_at + coalesce(r.grace_minutes, %(grace)s) * interval '1 minute' < %(now)s
             and exists (select 1 from passes.admissions a where a.venue_id = s.venue_id and a.kind = 'entry'
                          and a.at between s.starts_at - interval '12 hours' and s.ends_at + interval '12 hours')
             and (s.ends_at < %(now)s - %(waits)s::interval or not exists (
                   select 1 from passes.devices d where d.venue_id = s.venue_id and d.revoked_at is null
                      and d.seen_at between s.starts_at - interval '2 days' and s.ends_at))
             and exists (select 1 from orders.lines l join orders.orders o on o.id = l.order_id and o.state = 'confirmed'
                           left join orders.travellers t on t.order_id = l.order_id and t.line_seq = l.seq and t.part = 'current'
                          where l.slot_id = s.id and l.live and l.part = 'current'
                            and not exists (select 1 from passes.no_shows n where n.order_number = o.number and n.line_seq = l.seq
                                             and n.traveller_seq = coalesce(t.seq, 0))
                            and not exists (select 1 from passes.admissions a where a.order_number = o.number and a.line_seq = l.seq
                                             and coalesce(a.traveller_seq, 0) = coalesce(t.seq, 0) and a.counts and a.undone_at is null))
           order by s.ends_at limit 500""",
        now=now, grace=usual_grace_minutes, waits=waits,
    )  # fmt: skip


async def note_no_shows(tx: Tx, slot_id: UUID, at: datetime) -> int:
    """The tickets of a slot that were not admitted."""
    return int(
        await tx.value(
            """select coalesce(passes.note_no_shows(json_agg(json_build_object(
                        'order_number', o.number, 'line_seq', t.line_seq, 'traveller_seq', coalesce(t.traveller_seq, 0),
                        'account_id', o.account_id, 'venue_id', s.venue_id, 'slot_id', s.id, 'visit_date', s.visit_date,
                        'people', t.admits)), %(at)s), 0)
                 from inventory.slots s
                 join (select distinct l.order_id, l.slot_id from orders.lines l where l.live and l.slot_id = %(slot)s) h on h.slot_id = s.id
                 join orders.orders o on o.id = h.order_id and o.state = 'confirmed'
                 join lateral ("""
            + _TICKETS
            + """ and l.order_id = o.id) t on t.slot_id = s.id
                where s.id = %(slot)s and not exists (
                  select 1 from passes.admissions a where a.order_number = o.number and a.line_seq = t.line_seq
                     and coalesce(a.traveller_seq, 0) = coalesce(t.traveller_seq, 0) and a.counts and a.undone_at is null)
               having count(*) > 0""",
            slot=slot_id,
            at=at,
        )
        or 0
    )
