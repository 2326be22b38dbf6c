"""The SQL with which the drill of silent partners sets its stage and judges."""

from __future__ import annotations

from typing import TypeVar

from holdfast.kit.db import ReadTx, Tx

T = TypeVar("T")


async def make_free(tx: Tx) -> None:
    """Nothing costs anything: a booking is confirmed as it is placed."""
    await tx.execute(
        """update catalogue.prices c set amount_minor = 0 from catalogue.products p join catalogue.venues v on v.id = p.venue_id
            where c.product_id = p.id and v.kind in ('hotel', 'restaurant')"""
    )


async def slots(tx: ReadTx, product_ids: list[str], kind: type[T]) -> list[T]:
    """The coming days' slots of these products that are on sale, with a price each."""
    return await tx.rows(
        kind,
        """select s.id, s.product_id, min(c.id) as price_id, s.starts_at, s.sale_closes_at
             from inventory.slots s join catalogue.prices c on c.product_id = s.product_id and not c.with_card
            where s.product_id = any(%(ids)s) and s.state = 'open' and s.visit_date < (select min(visit_date) from inventory.slots) + 6
            group by s.id, s.product_id, s.starts_at, s.sale_closes_at order by s.starts_at, s.id""",
        ids=product_ids,
    )


async def booked(tx: ReadTx, kind: type[T]) -> list[T]:
    """Every booking with the moment at which it was decided."""
    return await tx.rows(
        kind,
        """select o.number, s.product_id, s.starts_at, o.placed_at
             from orders.orders o join orders.lines l on l.order_id = o.id join inventory.slots s on s.id = l.slot_id
            order by o.placed_at""",
    )


async def not_as_booked(tx: ReadTx) -> int:
    """Bookings that are not confirmed any more, or have lost a line."""
    return int(
        await tx.value(
            """select count(*) from orders.orders o
                where o.state <> 'confirmed' or exists (select 1 from orders.lines l where l.order_id = o.id and not l.live)"""
        )
    )
