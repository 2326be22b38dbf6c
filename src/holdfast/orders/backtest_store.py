"""All SQL of backtests: orders as they were when they were placed, with what was known of their person then."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx

EARLIER_MAX = 1000
"""Nobody counts further: an account of a desk may have very many."""


class RecordedLine(msgspec.Struct, frozen=True):
    """Tickets of one price in one slot, as they were booked first."""

    product_id: str
    venue_id: str
    city: dict[str, str]
    kind: str
    ticket: str
    price_id: str
    visit_date: date
    starts_at: datetime
    time_zone: str
    quantity: int
    unit_minor: int


class Recorded(msgspec.Struct, frozen=True):
    """An order. `earlier`: orders that the person had confirmed before, a thousand at most."""

    id: UUID
    number: str
    account_id: UUID
    person: UUID
    account_since: datetime
    placed_at: datetime
    channel: str
    locale: str
    currency: str
    is_paid: bool
    earlier: int
    lines: list[RecordedLine]

    @property
    def list_minor(self) -> int:
        return sum(line.quantity * line.unit_minor for line in self.lines)


async def count(tx: ReadTx, after: UUID, from_at: datetime, until_at: datetime) -> int:
    """How many orders were placed in a span of time. `after`: every id of one is greater."""
    found: int = await tx.value(
        "select count(*) from orders.orders where id > %(after)s and placed_at >= %(from)s and placed_at < %(until)s",
        after=after, **{"from": from_at, "until": until_at},
    )  # fmt: skip
    return found


async def recorded(
    tx: ReadTx, after: UUID, from_at: datetime, until_at: datetime, *, sample: int, limit: int
) -> list[Recorded]:
    """Orders in the order of their ids (that is: of time), of one person in `sample`.

    A date that was changed later counts as it was booked first. Orders of resellers take no part: no campaign is offered there.
    """
    return await tx.rows(
        Recorded,
        """with batch as (
             select o.id, o.number, o.account_id, a.root, a.created_at, o.placed_at, o.channel, o.locale, o.currency, o.confirmed_at
               from orders.orders o join accounts.accounts a on a.id = o.account_id
              where o.id > %(after)s and o.placed_at >= %(from)s and o.placed_at < %(until)s and o.channel not like 'octo%%'
                and (%(sample)s = 1 or abs(hashtextextended(a.root::text, 0) %% %(sample)s) = 0)
              order by o.id limit %(limit)s)
           select s.id, s.number, s.account_id, s.root as person, s.created_at as account_since, s.placed_at, s.channel, s.locale,
                  s.currency, s.confirmed_at is not null as is_paid,
                  (select count(*) from (
                     select from accounts.accounts m join orders.orders e on e.account_id = m.id
                      where m.root = s.root and e.id < s.id and e.confirmed_at < s.placed_at limit %(most)s) counted) as earlier,
                  (select coalesce(json_agg(json_build_object(
                            'product_id', t.product_id, 'venue_id', t.venue_id, 'city', v.city, 'kind', v.kind,
                            'ticket', coalesce(p.ticket, ''), 'price_id', l.price_id, 'visit_date', t.visit_date,
                            'starts_at', t.starts_at, 'time_zone', v.time_zone, 'quantity', l.quantity, 'unit_minor', l.unit_minor)
                          order by l.seq), '[]')
                     from orders.lines l join inventory.slots t on t.id = l.slot_id join catalogue.venues v on v.id = t.venue_id
                     left join catalogue.prices p on p.id = l.price_id
                    where l.order_id = s.id and not exists (
                      select from orders.changes c join orders.lines f on f.order_id = c.order_id and f.slot_id = c.from_slot
                       where c.order_id = s.id and c.to_slot = l.slot_id and f.seq < l.seq)) as lines
             from batch s order by s.id""",
        after=after, sample=sample, limit=limit, most=EARLIER_MAX, **{"from": from_at, "until": until_at},
    )  # fmt: skip
