"""SQL of gates that partners run."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx


async def orders_at(tx: ReadTx, number: str, venue_ids: list[str]) -> list[tuple[UUID, str, str]]:
    """Order, partner and venue of what a number stands for at one of these venues: a reseller's booking, a visit of a
    package, or all visits of one whose number it is, or that of one of its cards."""
    found = await tx.tuples(
        """with named as (
             select r.order_id, r.partner_id, null::timestamptz as at from orders.orders o
               join orders.resales r on r.order_id = o.id and not r.is_test where o.number = %(number)s
              union
             select v.order_id, v.partner_id, v.chosen_at from orders.resale_visits v
               join orders.resales r on r.order_id = v.parent_id and not r.is_test
              where v.cancelled_at is null
                and (v.order_id in (select id from orders.orders where number = %(number)s)
                     or v.parent_id in (select id from orders.orders where number = %(number)s)
                     or v.parent_id in (select order_id from passes.cards where number = %(number)s)))
           select distinct n.order_id, n.partner_id, s.venue_id, n.at from named n
             join orders.lines l on l.order_id = n.order_id and l.part = 'current' join inventory.slots s on s.id = l.slot_id
            where s.venue_id = any(%(venues)s) order by n.at, n.order_id""",
        number=number, venues=venue_ids,
    )  # fmt: skip
    return [(order_id, partner_id, venue_id) for order_id, partner_id, venue_id, _at in found]


async def parent_of(tx: ReadTx, order_id: UUID) -> UUID | None:
    """The package that an order is a visit of."""
    found: UUID | None = await tx.value(
        "select parent_id from orders.resale_visits where order_id = %(id)s", id=order_id
    )
    return found


async def device(tx: ReadTx, partner_id: str, venue_id: str) -> tuple[UUID, datetime | None] | None:
    """The device of a partner at a venue, and since when it is revoked."""
    found = await tx.tuples(
        """select d.id, d.revoked_at from orders.resale_gates g join passes.devices d on d.id = g.device_id
            where g.partner_id = %(partner)s and g.venue_id = %(venue)s""",
        partner=partner_id, venue=venue_id,
    )  # fmt: skip
    return (found[0][0], found[0][1]) if found else None


async def insert(tx: Tx, partner_id: str, venue_id: str, device_id: UUID) -> None:
    await tx.execute(
        "insert into orders.resale_gates (partner_id, venue_id, device_id) values (%(partner)s, %(venue)s, %(device)s)",
        partner=partner_id, venue=venue_id, device=device_id,
    )  # fmt: skip


async def last_counter(tx: ReadTx, device_id: UUID) -> int:
    """The highest number of a passage through a device. The caller holds the lock of the device."""
    found: int = await tx.value(
        "select coalesce(max(counter), 0) from passes.admissions where device_id = %(id)s", id=device_id
    )
    return found


async def let_in(tx: ReadTx, device_id: UUID, number: str) -> dict[tuple[int, int], int]:
    """The lines of an order, and on them the people (0: nobody is named), that were let in through a device and still are →
    the number of the passage."""
    found = await tx.tuples(
        """select line_seq, coalesce(traveller_seq, 0), counter from passes.admissions
            where device_id = %(id)s and order_number = %(number)s and kind = 'entry' and counts and undone_at is null""",
        id=device_id, number=number,
    )  # fmt: skip
    return {(line_seq, person): counter for line_seq, person, counter in found}
