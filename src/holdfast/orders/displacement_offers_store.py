"""SQL of places that are held for parties of a cut: another time in exchange, or places that came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .discounts_model import LineDiscount

Kind = Literal["alternative", "return"]


class Offer(msgspec.Struct, frozen=True):
    """Places held for one party."""

    id: UUID
    cut_id: UUID
    order_id: UUID
    from_slot: UUID
    to_slot: UUID
    kind: Kind
    places: int
    made_at: datetime
    until_at: datetime


class Free(msgspec.Struct, frozen=True):
    """Another time of the same ticket with free places."""

    slot_id: UUID
    product_id: str
    visit_date: date
    starts_at: datetime
    ends_at: datetime
    places: int


async def free_beside(tx: ReadTx, slot_ids: Sequence[UUID], now: datetime, first: date, last: date) -> list[Free]:
    """The times of the same tickets that are on sale and not among these, by date and clock."""
    return await tx.rows(
        Free,
        """select s.id as slot_id, s.product_id, s.visit_date, s.starts_at, s.ends_at,
                  (s.capacity - s.taken - s.set_aside) as places
             from inventory.slots s
            where s.product_id in (select product_id from inventory.slots where id = any(%(slots)s))
              and s.id <> all(%(slots)s) and s.state = 'open' and s.visit_date between %(first)s and %(last)s
              and %(now)s >= s.sale_opens_at and %(now)s < s.sale_closes_at and coalesce(s.fresh_until > %(now)s, true)
              and s.capacity - s.taken - s.set_aside > 0
            order by s.visit_date, s.starts_at, s.id""",
        slots=list(slot_ids), now=now, first=first, last=last,
    )  # fmt: skip


async def insert(tx: Tx, offers: Sequence[Offer]) -> int:
    """Writes offers; a party that has one of the kind already keeps that one."""
    return await tx.execute(
        """insert into orders.cut_offers (id, cut_id, order_id, from_slot, to_slot, kind, places, made_at, until_at)
           select * from unnest(%(ids)s::uuid[], %(cuts)s::uuid[], %(orders)s::uuid[], %(froms)s::uuid[], %(tos)s::uuid[],
                  %(kinds)s::text[], %(places)s::int[], %(made)s::timestamptz[], %(until)s::timestamptz[])""",
        ids=[one.id for one in offers], cuts=[one.cut_id for one in offers], orders=[one.order_id for one in offers],
        froms=[one.from_slot for one in offers], tos=[one.to_slot for one in offers], kinds=[one.kind for one in offers],
        places=[one.places for one in offers], made=[one.made_at for one in offers], until=[one.until_at for one in offers],
    )  # fmt: skip


async def held(tx: ReadTx, order_id: UUID, now: datetime) -> list[Offer]:
    """What is held for an order now."""
    return await tx.rows(
        Offer,
        """select id, cut_id, order_id, from_slot, to_slot, kind, places, made_at, until_at from orders.cut_offers
           where order_id = %(id)s and state = 'held' and until_at > %(now)s order by made_at""",
        id=order_id, now=now,
    )  # fmt: skip


async def of_cut(tx: ReadTx, cut_id: UUID) -> dict[str, int]:
    """Kind and state of the offers of a cut → how many."""
    return dict(
        await tx.tuples(
            "select kind || ' ' || state, count(*) from orders.cut_offers where cut_id = %(id)s group by 1", id=cut_id
        )
    )


async def end_offers(
    tx: Tx, cut_id: UUID, order_id: UUID, from_slot: UUID, kind: Kind, at: datetime, *, taken: UUID | None = None
) -> dict[UUID, int]:
    """Ends what is held for a party: taken where it goes there, else lapsed. Slot → places to give back to it."""
    found = await tx.tuples(
        """update orders.cut_offers set state = case when to_slot = %(taken)s then 'taken' else 'lapsed' end, ended_at = %(at)s
           where cut_id = %(cut)s and order_id = %(order)s and from_slot = %(from)s and kind = %(kind)s and state = 'held'
           returning to_slot, places""",
        cut=cut_id, order=order_id, kind=kind, at=at, taken=taken, **{"from": from_slot},
    )  # fmt: skip
    return _added(found)


async def lapse(tx: Tx, cut_id: UUID | None, kind: Kind, at: datetime, *, overdue: bool) -> dict[UUID, int]:
    """Ends the offers of a cut (None: of all) that nobody took, or only those whose time is over. Slot → places."""
    found = await tx.tuples(
        """update orders.cut_offers set state = 'lapsed', ended_at = %(at)s
           where state = 'held' and kind = %(kind)s and (%(cut)s::uuid is null or cut_id = %(cut)s)
             and (not %(overdue)s or until_at <= %(at)s) returning to_slot, places""",
        cut=cut_id, kind=kind, at=at, overdue=overdue,
    )  # fmt: skip
    return _added(found)


def _added(rows: list[tuple[Any, ...]]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for slot_id, places in rows:
        found[slot_id] = found.get(slot_id, 0) + places
    return found


class Lost(msgspec.Struct, frozen=True):
    """A party that lost its places in a slot and could have them back."""

    cut_id: UUID
    order_id: UUID
    slot_id: UUID
    places: int
    outcome: str


async def lost(tx: ReadTx, slot_ids: Sequence[UUID]) -> list[Lost]:
    """Whoever was moved or refunded by the published order or by choice, in that order; visits with cards are booked anew."""
    return await tx.rows(
        Lost,
        """select p.cut_id, p.order_id, p.slot_id, p.places, p.outcome
             from orders.cut_parties p join orders.cuts c on c.id = p.cut_id join orders.orders o on o.id = p.order_id
            where p.slot_id = any(%(slots)s) and p.outcome in ('moved', 'refunded') and p.returned_at is null
              and p.places > 0 and o.channel <> 'card' and o.phone is not null
            order by c.made_at, p.position""",
        slots=list(slot_ids),
    )  # fmt: skip


async def set_returned(tx: Tx, lost_ones: Sequence[Lost], at: datetime) -> None:
    """They were asked whether they want their places back: once."""
    await tx.execute(
        """update orders.cut_parties p set returned_at = %(at)s
             from unnest(%(cuts)s::uuid[], %(orders)s::uuid[], %(slots)s::uuid[]) as t (cut_id, order_id, slot_id)
            where p.cut_id = t.cut_id and p.order_id = t.order_id and p.slot_id = t.slot_id""",
        at=at, cuts=[one.cut_id for one in lost_ones], orders=[one.order_id for one in lost_ones],
        slots=[one.slot_id for one in lost_ones],
    )  # fmt: skip


class Again(msgspec.Struct, frozen=True):
    """What a new order for the same people needs of the old one; sealed fields as they are."""

    phone: bytes
    phone_index: bytes
    locale: str


class AgainLine(msgspec.Struct, frozen=True):
    """A line of the visit that was lost: what a ticket cost then and costs now in the list, and what campaigns took off."""

    seq: int
    price_id: str
    quantity: int
    unit_minor: int
    listed_minor: int
    currency: str
    ticket_name: dict[str, str]
    discounts: list[LineDiscount]


class AgainTraveller(msgspec.Struct, frozen=True):
    """A traveller of that line."""

    line_seq: int
    name: bytes
    name_masked: str
    document_type: str
    document: bytes
    document_index: bytes
    document_last4: str


async def again(tx: ReadTx, order_id: UUID) -> Again | None:
    return await tx.maybe(
        Again,
        "select phone, phone_index, locale from orders.orders where id = %(id)s and phone is not null",
        id=order_id,
    )


async def again_lines(tx: ReadTx, cut_id: UUID, order_id: UUID, slot_id: UUID) -> list[AgainLine]:
    return await tx.rows(
        AgainLine,
        """select l.seq, l.price_id, l.quantity, l.unit_minor, c.amount_minor as listed_minor, c.currency, c.name as ticket_name,
                  coalesce((select jsonb_agg(jsonb_build_object('version_id', d.version_id, 'amount_minor', d.amount_minor,
                                    'granted_minor', d.granted_minor, 'granted_unit_minor', d.granted_unit_minor) order by d.version_id)
                              from orders.line_discounts d where d.order_id = l.order_id and d.line_seq = l.seq), '[]') as discounts
             from orders.cut_parties p
             join orders.lines l on l.order_id = p.order_id and l.seq = any(p.line_seqs) join catalogue.prices c on c.id = l.price_id
            where p.cut_id = %(cut)s and p.order_id = %(id)s and p.slot_id = %(slot)s order by l.seq""",
        cut=cut_id, id=order_id, slot=slot_id,
    )  # fmt: skip


async def again_travellers(tx: ReadTx, order_id: UUID, seqs: Sequence[int]) -> list[AgainTraveller]:
    return await tx.rows(
        AgainTraveller,
        """select line_seq, name, name_masked, document_type, document, document_index, document_last4
             from orders.travellers where order_id = %(id)s and line_seq = any(%(lines)s) and document is not null order by seq""",
        id=order_id, lines=list(seqs),
    )  # fmt: skip
