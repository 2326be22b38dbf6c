"""SQL of resellers' bookings: what they hold, and how tickets come and go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .model import Event, OrderRow, TravellerView
from .resale_model import Item, Resale

_RESALE: LiteralString = """select order_id, partner_id, uuid, content, is_test, test_state, product_id, commission_bp,
    reseller_reference, notes, contact, held_until, confirmed_at, cancelled_at, cancel_reason, refund, updated_at
    from orders.resales """


async def of_uuid(tx: ReadTx, partner_id: str, uuid: UUID) -> Resale | None:
    return await tx.maybe(
        Resale, _RESALE + "where partner_id = %(partner)s and uuid = %(uuid)s", partner=partner_id, uuid=uuid
    )


async def of_order(tx: ReadTx, order_id: UUID) -> Resale | None:
    return await tx.maybe(Resale, _RESALE + "where order_id = %(id)s", id=order_id)


async def of_orders(tx: ReadTx, order_ids: list[UUID]) -> list[Resale]:
    return await tx.rows(Resale, _RESALE + "where order_id = any(%(ids)s)", ids=order_ids)


class NewOrder(msgspec.Struct, frozen=True):
    """An order as it begins: of the partner's account, without a phone, because its reseller tells its customer."""

    id: UUID
    number: str
    account_id: UUID
    state: str
    currency: str
    phone_index: bytes
    locale: str
    channel: str
    placed_at: datetime
    expires_at: datetime | None


async def insert_order(tx: Tx, made: NewOrder) -> None:
    """An order without lines yet."""
    await tx.execute(
        """insert into orders.orders (id, number, account_id, state, amount_minor, currency, phone_index, phone_masked, locale, channel,
                                      placed_at, expires_at)
           values (%(id)s, %(number)s, %(account_id)s, %(state)s, 0, %(currency)s, %(phone_index)s, '', %(locale)s, %(channel)s,
                   %(placed_at)s, %(expires_at)s)""",
        **msgspec.structs.asdict(made),
    )


async def phone_index(tx: ReadTx, order_id: UUID) -> bytes:
    """What stands in the place of a phone where an order has none of its own."""
    found: bytes = await tx.value("select phone_index from orders.orders where id = %(id)s", id=order_id)
    return found


async def insert(tx: Tx, resale: Resale) -> None:
    await tx.execute(
        """insert into orders.resales (order_id, partner_id, uuid, content, is_test, test_state, product_id, commission_bp,
                                       reseller_reference, notes, contact, held_until, updated_at)
           values (%(order_id)s, %(partner_id)s, %(uuid)s, %(content)s, %(is_test)s, %(test_state)s, %(product_id)s,
                   %(commission_bp)s, %(reseller_reference)s, %(notes)s, %(contact)s, %(held_until)s, %(updated_at)s)""",
        **msgspec.structs.asdict(resale),
    )


async def update(tx: Tx, resale: Resale) -> None:
    """Writes all that may change of a booking."""
    await tx.execute(
        """update orders.resales set test_state = %(test_state)s, product_id = %(product_id)s,
                  reseller_reference = %(reseller_reference)s, notes = %(notes)s, contact = %(contact)s,
                  held_until = %(held_until)s, confirmed_at = %(confirmed_at)s, cancelled_at = %(cancelled_at)s,
                  cancel_reason = %(cancel_reason)s, refund = %(refund)s, updated_at = %(updated_at)s
           where order_id = %(order_id)s""",
        **msgspec.structs.asdict(resale),
    )


async def holds(tx: ReadTx, partner_id: str, now: datetime) -> int:
    """How many of a partner's bookings are held and not confirmed."""
    return int(
        await tx.value(
            """select count(*) from orders.orders o join orders.resales r on r.order_id = o.id
                where r.partner_id = %(partner)s and o.state = 'held' and o.expires_at > %(now)s""",
            partner=partner_id, now=now,
        )
    )  # fmt: skip


async def set_expiry(tx: Tx, order_id: UUID, until: datetime) -> None:
    await tx.execute("update orders.orders set expires_at = %(until)s where id = %(id)s", id=order_id, until=until)


async def items(tx: ReadTx, order_ids: list[UUID]) -> list[Item]:
    """The tickets of bookings that were not taken off, in their order."""
    return await tx.rows(
        Item,
        """select order_id, seq, uuid, line_seq, unit, retail_minor, reseller_reference, contact
             from orders.resale_items where order_id = any(%(ids)s) and live order by order_id, seq""",
        ids=order_ids,
    )


async def last_seqs(tx: ReadTx, order_id: UUID) -> tuple[int, int, int]:
    """The highest numbers of an order's lines, travellers and tickets so far."""
    [found] = await tx.tuples(
        """select coalesce((select max(seq) from orders.lines where order_id = %(id)s), 0)::int,
                  coalesce((select max(seq) from orders.travellers where order_id = %(id)s), 0)::int,
                  coalesce((select max(seq) from orders.resale_items where order_id = %(id)s), 0)::int""",
        id=order_id,
    )
    return found[0], found[1], found[2]


async def leave(tx: Tx, order_id: UUID, line_seqs: list[int]) -> None:
    """These lines leave the order; their places and documents go back. The caller has locked the order and the slots."""
    await tx.execute(
        """with before as (select slot_id, places from orders.lines
                            where order_id = %(id)s and seq = any(%(lines)s) and part = 'current' and live),
                gone as (update orders.lines set live = false, part = 'left'
                          where order_id = %(id)s and seq = any(%(lines)s) and part = 'current' returning 1),
                sums as (select slot_id, sum(places)::int as places from before group by slot_id)
           select inventory.release_many(array_agg(slot_id), array_agg(places)) from sums having count(*) > 0""",
        id=order_id, lines=line_seqs,
    )  # fmt: skip
    await tx.execute(
        """update orders.travellers set live = false, part = 'left'
            where order_id = %(id)s and line_seq = any(%(lines)s) and part = 'current'""",
        id=order_id, lines=line_seqs,
    )  # fmt: skip


class NewLine(msgspec.Struct, frozen=True):
    """A line for one ticket."""

    seq: int
    price_id: str
    places: int
    unit_minor: int


async def enter(tx: Tx, order_id: UUID, slot_id: UUID, lines: Sequence[NewLine], *, live: bool) -> None:
    """New lines in a slot that the caller has locked; where they are live they take their places."""
    await tx.execute(
        """insert into orders.lines (order_id, seq, slot_id, price_id, quantity, places, unit_minor, live)
           select %(id)s, t.seq, %(slot)s, t.price_id, 1, t.places, t.unit_minor, %(live)s
             from unnest(%(seqs)s::int[], %(prices)s::text[], %(places)s::int[], %(units)s::bigint[])
                  as t (seq, price_id, places, unit_minor)""",
        id=order_id, slot=slot_id, live=live, seqs=[line.seq for line in lines], prices=[line.price_id for line in lines],
        places=[line.places for line in lines], units=[line.unit_minor for line in lines],
    )  # fmt: skip
    taken = sum(line.places for line in lines)
    if live and taken:
        await tx.value(
            "select inventory.take_many(array[%(slot)s::uuid], array[%(places)s::int])", slot=slot_id, places=taken
        )


async def insert_traveller(tx: Tx, order_id: UUID, traveller: dict[str, Any]) -> None:
    """One visitor of a line; document_once_a_day when the document is booked there that day."""
    await tx.execute(
        """insert into orders.travellers (order_id, seq, line_seq, venue_id, visit_date, name, name_masked, document_type,
                                          document, document_index, document_last4, once)
           select %(id)s, %(seq)s, %(line_seq)s, s.venue_id, s.visit_date, %(name)s::bytea, %(name_masked)s, %(document_type)s,
                  %(document)s::bytea, %(document_index)s::bytea, %(document_last4)s, p.once_per_document_day
             from inventory.slots s join catalogue.products p on p.id = s.product_id where s.id = %(slot_id)s""",
        id=order_id, **traveller,
    )  # fmt: skip


async def move_traveller(tx: Tx, order_id: UUID, seq: int, from_line: int, to_line: int, slot_id: UUID) -> None:
    """The visitor of a line that has left comes with the ticket to its new line."""
    await tx.execute(
        """insert into orders.travellers (order_id, seq, line_seq, venue_id, visit_date, name, name_masked, document_type,
                                          document, document_index, document_last4, once)
           select t.order_id, %(seq)s, %(to)s, s.venue_id, s.visit_date, t.name, t.name_masked, t.document_type, t.document,
                  t.document_index, t.document_last4, p.once_per_document_day
             from orders.travellers t join inventory.slots s on s.id = %(slot)s join catalogue.products p on p.id = s.product_id
            where t.order_id = %(id)s and t.line_seq = %(from)s and t.document is not null
            order by t.seq desc limit 1""",
        id=order_id, seq=seq, to=to_line, slot=slot_id, **{"from": from_line},
    )  # fmt: skip


async def drop_traveller(tx: Tx, order_id: UUID, line_seq: int) -> None:
    """Somebody else comes on this ticket."""
    await tx.execute(
        """update orders.travellers set live = false, part = 'left'
            where order_id = %(id)s and line_seq = %(line)s and part = 'current'""",
        id=order_id, line=line_seq,
    )  # fmt: skip


async def insert_item(tx: Tx, item: Item) -> None:
    await tx.execute(
        """insert into orders.resale_items (order_id, seq, uuid, line_seq, unit, retail_minor, reseller_reference, contact)
           values (%(order_id)s, %(seq)s, %(uuid)s, %(line_seq)s, %(unit)s, %(retail_minor)s, %(reseller_reference)s,
                   %(contact)s)""",
        **msgspec.structs.asdict(item),
    )


async def update_item(tx: Tx, item: Item) -> None:
    """Writes all of a ticket but its number and its name."""
    await tx.execute(
        """update orders.resale_items set line_seq = %(line_seq)s, unit = %(unit)s, retail_minor = %(retail_minor)s,
                  reseller_reference = %(reseller_reference)s, contact = %(contact)s
            where order_id = %(order_id)s and seq = %(seq)s""",
        **msgspec.structs.asdict(item),
    )


async def drop_items(tx: Tx, order_id: UUID, seqs: list[int]) -> None:
    await tx.execute(
        "update orders.resale_items set live = false where order_id = %(id)s and seq = any(%(seqs)s)",
        id=order_id, seqs=seqs,
    )  # fmt: skip


async def settle_amount(tx: Tx, order_id: UUID) -> None:
    """The order costs what its current lines cost; its tickets stay as they are."""
    await tx.execute(
        """update orders.orders set amount_minor = (
             select coalesce(sum(quantity * unit_minor - discount_minor), 0) from orders.lines where order_id = %(id)s and part = 'current')
           where id = %(id)s""",
        id=order_id,
    )


async def rows(tx: ReadTx, order_ids: list[UUID]) -> list[OrderRow]:
    return await tx.rows(
        OrderRow,
        """select id, number, account_id, state, amount_minor, currency, phone_masked, locale, channel, placed_at, expires_at,
                  confirmed_at, intent_id, ticket_version from orders.orders where id = any(%(ids)s)""",
        ids=order_ids,
    )


class EventOf(Event, frozen=True):
    order_id: UUID


class TravellerOf(TravellerView, frozen=True):
    order_id: UUID


async def events(tx: ReadTx, order_ids: list[UUID]) -> list[EventOf]:
    return await tx.rows(
        EventOf,
        "select order_id, seq, kind, at, actor, details from orders.events where order_id = any(%(ids)s) order by order_id, seq",
        ids=order_ids,
    )


async def travellers(tx: ReadTx, order_ids: list[UUID]) -> list[TravellerOf]:
    return await tx.rows(
        TravellerOf,
        """select order_id, seq, line_seq, name_masked, document_type, document_last4,
                  encode(substring(document_index for 6), 'hex') as document_tag
             from orders.travellers where order_id = any(%(ids)s) and part = 'current' order by order_id, seq""",
        ids=order_ids,
    )


async def admitted(tx: ReadTx, numbers: list[str]) -> dict[tuple[str, int, int], datetime]:
    """When the tickets of orders were used, by number of the order, line and person (0 for a ticket without a name)."""
    found = await tx.tuples(
        """select order_number, line_seq, coalesce(traveller_seq, 0), min(at) from passes.admissions
            where order_number = any(%(numbers)s) and kind = 'entry' and counts and undone_at is null
            group by 1, 2, 3""",
        numbers=numbers,
    )
    return {(number, line_seq, person): at for number, line_seq, person, at in found}


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """By what bookings are looked for: what is None does not matter."""

    reseller_reference: str | None = None
    number: str | None = None
    first: date | None = None
    last: date | None = None
    product_id: str | None = None


async def find(tx: ReadTx, partner_id: str, sought: Sought, limit: int) -> list[UUID]:
    """The orders of a partner that fit, the oldest first."""
    return await tx.values(
        """select r.order_id from orders.resales r join orders.orders o on o.id = r.order_id
            where r.partner_id = %(partner)s
              and (%(reseller_reference)s::text is null or r.reseller_reference = %(reseller_reference)s)
              and (%(number)s::text is null or o.number = %(number)s or exists (
                     select 1 from orders.resale_visits v join orders.orders w on w.id = v.order_id
                      where v.parent_id = o.id and w.number = %(number)s))
              and (%(product_id)s::text is null or r.product_id = %(product_id)s)
              and (%(first)s::date is null or exists (
                     select 1 from orders.lines l join inventory.slots s on s.id = l.slot_id
                      where (l.order_id = o.id or l.order_id in (select v.order_id from orders.resale_visits v where v.parent_id = o.id))
                        and l.part = 'current' and s.visit_date between %(first)s and %(last)s))
            order by r.order_id limit %(limit)s""",
        partner=partner_id, limit=limit, **msgspec.structs.asdict(sought),
    )  # fmt: skip


async def forget_people(tx: Tx, before: datetime, limit: int) -> int:
    """What was said of customers goes when a booking has been at rest so long; how many bookings."""
    return await tx.execute(
        """with old as (select r.order_id from orders.resales r
                         where (r.contact is not null or r.notes is not null) and r.updated_at < %(before)s
                           and not exists (select 1 from orders.lines l join inventory.slots s on s.id = l.slot_id
                                            where l.order_id = r.order_id and l.part = 'current' and s.ends_at >= %(before)s)
                         limit %(limit)s for update skip locked),
                people as (update orders.resale_items i set contact = null from old where i.order_id = old.order_id)
           update orders.resales r set contact = null, notes = null from old where r.order_id = old.order_id""",
        before=before, limit=limit,
    )  # fmt: skip
