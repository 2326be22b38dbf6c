"""SQL of bookings as far as their suppliers are asked about them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx


class Visit(msgspec.Struct, frozen=True):
    """The places of one order in one slot."""

    number: str
    product_id: str
    visit_date: date
    code: str
    starts_at: datetime
    places: int


async def visits(tx: ReadTx, order_id: UUID) -> list[Visit]:
    """What an order has of what suppliers vouch for."""
    return await tx.rows(
        Visit,
        """select o.number, s.product_id, s.visit_date, s.code, s.starts_at, sum(l.quantity)::int as places
             from orders.orders o join orders.lines l on l.order_id = o.id join inventory.slots s on s.id = l.slot_id
             join inventory.words w on w.product_id = s.product_id
            where o.id = %(id)s and o.state = 'confirmed' and l.live
            group by o.number, s.product_id, s.visit_date, s.code, s.starts_at order by s.starts_at, s.product_id, s.code""",
        id=order_id,
    )


async def booked(
    tx: ReadTx, product_id: str, first: str, last: str, code: str | None, *, only_over: bool
) -> list[Visit]:
    """The confirmed bookings of these nights or sittings, or of those alone in which more is booked than there is."""
    return await tx.rows(
        Visit,
        """select o.number, s.product_id, s.visit_date, s.code, s.starts_at, sum(l.quantity)::int as places
             from inventory.slots s join orders.lines l on l.slot_id = s.id join orders.orders o on o.id = l.order_id
            where s.product_id = %(product)s and s.visit_date between %(first)s::date and %(last)s::date
              and (%(code)s::text is null or s.code = %(code)s) and o.state = 'confirmed' and l.live
              and (not %(only_over)s or s.overcommitted > 0)
            group by o.number, s.product_id, s.visit_date, s.code, s.starts_at order by s.starts_at, o.number""",
        product=product_id, first=first, last=last, code=code, only_over=only_over,
    )  # fmt: skip


async def over(tx: ReadTx) -> list[str]:
    """Orders whose supplier is asked about places that they do not have any more."""
    found: list[str] = await tx.values(
        """select distinct a.order_number from partners.asks a
            where a.answer is null and not exists (
              select 1 from orders.orders o join orders.lines l on l.order_id = o.id join inventory.slots s on s.id = l.slot_id
               where o.number = a.order_number and o.state in ('confirmed', 'used') and l.live
                 and s.product_id = a.product_id and s.visit_date = a.visit_date and s.code = a.code)
            limit 500"""
    )
    return found


async def unasked(tx: ReadTx, now: datetime) -> list[Visit]:
    """What is booked of what is to be answered, and nobody was asked about: after a change of date, or from before."""
    return await tx.rows(
        Visit,
        """select o.number, s.product_id, s.visit_date, s.code, s.starts_at, sum(l.quantity)::int as places
             from partners.supplies y join inventory.slots s on s.product_id = y.product_id and s.starts_at > %(now)s
             join orders.lines l on l.slot_id = s.id and l.live join orders.orders o on o.id = l.order_id and o.state = 'confirmed'
            where y.answer_minutes is not null and not exists (
              select 1 from partners.asks a where a.order_number = o.number and a.product_id = s.product_id
                 and a.visit_date = s.visit_date and a.code = s.code)
            group by o.number, s.product_id, s.visit_date, s.code, s.starts_at order by s.starts_at limit 500""",
        now=now,
    )
