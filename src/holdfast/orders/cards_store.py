"""SQL of orders that buy cards, and of visits that are booked with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx


class Bought(msgspec.Struct, frozen=True):
    """A person on an order of cards, sealed, and whose ticket it is."""

    seq: int
    product_id: str
    per_main: int | None
    ticket: str
    name: bytes | None
    document_type: str
    document: bytes | None
    document_last4: str

    @property
    def kind(self) -> str:
        """``holder`` of a card, or who comes along: ``adult`` or ``child``."""
        return kind_of(self.ticket) if self.per_main is not None else "holder"


def kind_of(ticket: str) -> str:
    """What a ticket for a card makes of somebody: ``holder``, or who comes along."""
    return {"companion-child": "child", "companion": "adult"}.get(ticket, "holder")


async def bought(tx: ReadTx, order_id: UUID) -> list[Bought]:
    """The people of the lines of an order that are cards; none for any other order."""
    return await tx.rows(
        Bought,
        """select t.seq, s.product_id, c.per_main, c.ticket, t.name, t.document_type, t.document, t.document_last4
           from orders.lines l join inventory.slots s on s.id = l.slot_id
           join catalogue.venues v on v.id = s.venue_id and v.kind = 'card'
           join catalogue.prices c on c.id = l.price_id
           join orders.travellers t on t.order_id = l.order_id and t.line_seq = l.seq and t.part = 'current'
           where l.order_id = %(id)s and l.part = 'current' order by t.seq""",
        id=order_id,
    )


class CardSlot(msgspec.Struct, frozen=True):
    """A slot that is to be visited with a card, with what booking it needs."""

    id: UUID
    product_id: str
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    real_name: bool
    kind: str
    price_id: str | None


async def slots(tx: ReadTx, slot_ids: Sequence[UUID]) -> dict[UUID, CardSlot]:
    """These slots by id; `price_id` is the price that a card pays there, if there is one."""
    rows = await tx.rows(
        CardSlot,
        """select s.id, s.product_id, s.visit_date, s.starts_at, s.ends_at, p.real_name, v.kind,
                  (select min(c.id) from catalogue.prices c where c.product_id = p.id and c.with_card and c.retired_at is null) as price_id
           from inventory.slots s join catalogue.products p on p.id = s.product_id join catalogue.venues v on v.id = s.venue_id
           where s.id = any(%(ids)s)""",
        ids=list(slot_ids),
    )
    return {row.id: row for row in rows}
