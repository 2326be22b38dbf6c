"""SQL of orders as far as suppliers hold their places."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx


class Place(msgspec.Struct, frozen=True):
    """The places of one confirmed order in one slot that a supplier holds."""

    number: str
    product_id: str
    partner_id: str
    visit_date: date
    code: str
    starts_at: datetime
    places: int


async def places(tx: ReadTx, order_id: UUID) -> list[Place]:
    """What a confirmed order has of suppliers that we ask."""
    return await tx.rows(
        Place,
        """select o.number, s.product_id, i.partner_id, s.visit_date, s.code, s.starts_at, sum(l.quantity)::int as places
             from orders.orders o join orders.lines l on l.order_id = o.id and l.live join inventory.slots s on s.id = l.slot_id
             join partners.octo_items i on i.product_id = s.product_id
            where o.id = %(id)s and o.state = 'confirmed'
            group by o.number, s.product_id, i.partner_id, s.visit_date, s.code, s.starts_at order by s.starts_at, s.product_id""",
        id=order_id,
    )


async def number_of(tx: ReadTx, order_id: UUID) -> str | None:
    """The number of an order, if there is one."""
    found: str | None = await tx.value("select number from orders.orders where id = %(id)s", id=order_id)
    return found


async def not_needed(tx: ReadTx) -> list[UUID]:
    """Bookings with suppliers whose order is cancelled or expired, or has no places there any more."""
    found: list[UUID] = await tx.values(
        """select b.uuid from partners.octo_bookings b join orders.orders o on o.number = b.order_number
            where b.state in ('held', 'confirmed') and (
              o.state in ('cancelled', 'expired') or not exists (
                select 1 from orders.lines l join inventory.slots s on s.id = l.slot_id
                 where l.order_id = o.id and l.live and s.product_id = b.product_id and s.visit_date = b.visit_date and s.code = b.code))
            limit 100"""
    )
    return found
