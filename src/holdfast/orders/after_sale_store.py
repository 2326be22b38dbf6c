"""SQL of what happens to an order after the sale: what its lines are subject to, and how a part of it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .discounts_model import LineDiscount, share_of
from .policies import Item


async def items(tx: ReadTx, order_id: UUID) -> list[Item]:
    """The current lines of an order, each with its slot, its product's rule, and who it is for."""
    return await tx.rows(
        Item,
        """select l.seq, l.slot_id, s.product_id, s.venue_id, l.price_id, c.ticket, s.visit_date, s.starts_at, s.ends_at,
                  v.time_zone, l.quantity, l.places, l.unit_minor, s.state as slot_state, p.cancel_rule,
                  coalesce((select array_agg(t.seq order by t.seq) from orders.travellers t
                             where t.order_id = l.order_id and t.line_seq = l.seq and t.part = 'current'), '{}') as travellers,
                  v.kind, coalesce((select r.commission_bp from orders.resales r where r.order_id = l.order_id), 0) as commission_bp,
                  case when l.discount_minor = 0 then '[]' else (
                    select jsonb_agg(jsonb_build_object('version_id', d.version_id, 'amount_minor', d.amount_minor,
                                                        'granted_minor', d.granted_minor, 'granted_unit_minor', d.granted_unit_minor) order by d.version_id)
                      from orders.line_discounts d where d.order_id = l.order_id and d.line_seq = l.seq) end as discounts
           from orders.lines l join inventory.slots s on s.id = l.slot_id join catalogue.venues v on v.id = s.venue_id
           join catalogue.products p on p.id = s.product_id join catalogue.prices c on c.id = l.price_id
           where l.order_id = %(id)s and l.part = 'current' order by l.seq""",
        id=order_id,
    )


async def intents(tx: ReadTx, order_id: UUID) -> list[UUID]:
    """The payments whose money is the order's, the newest first: not that of a change that is still under way."""
    return await tx.values(
        """select i.intent_id from orders.intents i left join orders.changes c on c.intent_id = i.intent_id
           where i.order_id = %(id)s and (i.seq = 0 or c.state = 'done') order by i.seq desc""",
        id=order_id,
    )


async def of_any_intent(tx: ReadTx, intent_id: UUID) -> UUID | None:
    """The order that a payment is for, that of its placing or one of a change."""
    found: UUID | None = await tx.value("select order_id from orders.intents where intent_id = %(id)s", id=intent_id)
    return found


class Leaving(msgspec.Struct, frozen=True):
    """So many tickets of a line that leave, whose they are, and what of the line's discounts is theirs."""

    line_seq: int
    quantity: int
    travellers: list[int]
    discounts: list[LineDiscount] = []

    @property
    def discount_minor(self) -> int:
        return sum(one.amount_minor for one in self.discounts)


def leaving(item: Item, travellers: Sequence[int] | None = None) -> Leaving:
    """What leaves with some travellers of a line (None: all of it, whoever comes)."""
    if travellers is None or (set(item.travellers) <= set(travellers) and item.travellers):
        return Leaving(item.seq, item.quantity, list(item.travellers), list(item.discounts))
    places = item.places_of(set(travellers))
    return Leaving(
        item.seq,
        len(places),
        [item.travellers[place] for place in places],
        share_of(item.discounts, item.quantity, places),
    )


async def leave(tx: Tx, order_id: UUID, leaving: list[Leaving]) -> None:
    """Tickets leave an order that goes on: their part of each line becomes a line of its own that is over.

    Places and documents go back; the amount of the order is what stays. The caller has locked the order.
    """
    for one in leaving:
        await tx.execute(
            """with gone as (
                 insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor, discount_minor, live, part)
                 select order_id, (select max(seq) + 1 from orders.lines where order_id = %(id)s), slot_id, price_id,
                        %(quantity)s, places * %(quantity)s / quantity, unit_minor, %(discount)s, false, 'left'
                 from orders.lines where order_id = %(id)s and seq = %(line)s and quantity > %(quantity)s returning seq),
               parts as (select * from unnest(%(versions)s::uuid[], %(amounts)s::bigint[], %(most)s::bigint[]) as t (version_id, amount, most)),
               moved as (
                 insert into orders.line_discounts (order_id, line_seq, version_id, amount_minor, granted_minor, granted_unit_minor)
                 select %(id)s, gone.seq, p.version_id, p.amount, p.most, d.granted_unit_minor from gone, parts p
                   join orders.line_discounts d on d.order_id = %(id)s and d.line_seq = %(line)s and d.version_id = p.version_id),
               stay as (
                 update orders.line_discounts d set amount_minor = d.amount_minor - p.amount, granted_minor = d.granted_minor - p.most
                   from parts p where d.order_id = %(id)s and d.line_seq = %(line)s and d.version_id = p.version_id
                    and exists (select from gone))
               update orders.travellers t set live = false, part = 'left', line_seq = coalesce((select seq from gone), t.line_seq)
               where t.order_id = %(id)s and t.seq = any(%(travellers)s)""",
            id=order_id, line=one.line_seq, quantity=one.quantity, travellers=one.travellers, discount=one.discount_minor,
            versions=[part.version_id for part in one.discounts], amounts=[part.amount_minor for part in one.discounts],
            most=[part.granted_minor for part in one.discounts],
        )  # fmt: skip
    await tx.execute(
        """with going as (select * from unnest(%(lines)s::int[], %(quantities)s::int[], %(discounts)s::bigint[])
                            as t (line_seq, quantity, discount)),
                lines as (select l.* from orders.lines l where l.order_id = %(id)s),
                shrunk as (
                  update orders.lines l set quantity = l.quantity - going.quantity, discount_minor = l.discount_minor - going.discount,
                         places = l.places - l.places * going.quantity / l.quantity
                  from going where l.order_id = %(id)s and l.seq = going.line_seq and l.quantity > going.quantity returning l.seq),
                ended as (
                  update orders.lines l set live = false, part = 'left'
                  from going where l.order_id = %(id)s and l.seq = going.line_seq and l.quantity = going.quantity returning l.seq),
                sums as (select l.slot_id, sum(l.places * going.quantity / l.quantity)::int as places
                         from going join lines l on l.seq = going.line_seq group by l.slot_id),
                ids as (select array_agg(slot_id order by slot_id) as slots, array_agg(places order by slot_id) as places from sums)
           select inventory.lock_many(slots), inventory.release_many(slots, places) from ids where slots is not null""",
        id=order_id, lines=[one.line_seq for one in leaving], quantities=[one.quantity for one in leaving],
        discounts=[one.discount_minor for one in leaving],
    )  # fmt: skip
    await settle_amount(tx, order_id)


async def settle_amount(tx: Tx, order_id: UUID) -> None:
    """The order costs what its current lines cost, and the tickets it had are void."""
    await tx.execute(
        """update orders.orders set ticket_version = ticket_version + 1, amount_minor = (
             select coalesce(sum(quantity * unit_minor - discount_minor), 0) from orders.lines where order_id = %(id)s and part = 'current')
           where id = %(id)s""",
        id=order_id,
    )


async def void_tickets(tx: Tx, order_id: UUID) -> None:
    """Every ticket of the order that was ever issued is void."""
    await tx.execute("update orders.orders set ticket_version = ticket_version + 1 where id = %(id)s", id=order_id)


class Void(msgspec.Struct, frozen=True):
    """Codes of an order with a lower version than this do not admit."""

    number: str
    version: int


async def voids(tx: ReadTx, venue_id: str, since: datetime) -> list[Void]:
    """The orders of a venue some of whose codes are void, as long as the visits they were for end after that."""
    return await tx.rows(
        Void,
        """select o.number, o.ticket_version as version from orders.orders o
           where o.ticket_version > 1 and exists (
             select 1 from orders.lines l join inventory.slots s on s.id = l.slot_id
             where l.order_id = o.id and s.venue_id = %(venue)s and s.ends_at > %(since)s)
           order by o.number""",
        venue=venue_id, since=since,
    )  # fmt: skip
