"""All SQL of tickets as campaigns speak of them."""

from __future__ import annotations

import msgspec

from holdfast.kit.db import ReadTx


class Ticket(msgspec.Struct, frozen=True):
    """A ticket that is on sale, and of what."""

    price_id: str
    amount_minor: int
    currency: str
    ticket: str
    ticket_name: dict[str, str]
    product_id: str
    product_name: dict[str, str]
    venue_id: str
    venue_name: dict[str, str]
    kind: str
    city: dict[str, str]
    time_zone: str


async def tickets(tx: ReadTx, most: int) -> list[Ticket]:
    """Tickets on sale, in the order of the catalogue."""
    return await tx.rows(
        Ticket,
        """select p.id as price_id, p.amount_minor, p.currency, p.ticket, p.name as ticket_name, o.id as product_id,
                  o.name as product_name, v.id as venue_id, v.name as venue_name, v.kind, v.city, v.time_zone
             from catalogue.prices p join catalogue.products o on o.id = p.product_id join catalogue.venues v on v.id = o.venue_id
            where p.retired_at is null and v.retired_at is null order by v.position, v.id, o.id, p.position, p.id limit %(most)s""",
        most=most,
    )


async def kinds(tx: ReadTx) -> list[tuple[str, str]]:
    """Product, price or venue (id), and the kind of its venue."""
    rows = await tx.tuples(
        """select v.id, v.kind from catalogue.venues v
           union all select o.id, v.kind from catalogue.products o join catalogue.venues v on v.id = o.venue_id
           union all select p.id, v.kind from catalogue.prices p join catalogue.products o on o.id = p.product_id
                       join catalogue.venues v on v.id = o.venue_id"""
    )
    return [(str(name), str(kind)) for name, kind in rows]
