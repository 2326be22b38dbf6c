"""SQL of imports: what judging a slip must know, imports and their lines, accounts of people whom a desk booked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.catalogue.model import Price, Text
from holdfast.kit.db import ReadTx, Tx


class SlotFacts(msgspec.Struct, frozen=True):
    """A slot, the rules of its product, and what its tickets cost that day."""

    id: UUID
    venue_id: str
    venue_name: Text
    product_id: str
    product_name: Text
    code: str
    name: Text
    visit_date: date
    starts_at: datetime
    time_zone: str
    state: str
    free: int
    real_name: bool
    documents: list[str]
    once: bool
    prices: list[Price]


class VenueName(msgspec.Struct, frozen=True):
    """A venue by every word it is known by."""

    id: str
    name: Text


class Booked(msgspec.Struct, frozen=True):
    """A document that has a place at a venue on a day."""

    venue_id: str
    visit_date: date
    document_index: bytes
    number: str


async def venues_named(tx: ReadTx, names: Sequence[str]) -> list[VenueName]:
    """The venues of these ids or names, lower case."""
    return await tx.rows(
        VenueName,
        """select id, name from catalogue.venues
            where lower(id) = any(%(names)s) or lower(name ->> 'zh') = any(%(names)s) or lower(name ->> 'en') = any(%(names)s)""",
        names=list(names),
    )


async def slots(tx: ReadTx, venue_ids: Sequence[str], days: Sequence[date]) -> list[SlotFacts]:
    """The slots of these venues on these days; one whose sale rests because it is full counts as open."""
    found = await tx.values(
        """select jsonb_build_object(
             'id', s.id, 'venue_id', s.venue_id, 'venue_name', v.name, 'product_id', s.product_id, 'product_name', p.name,
             'code', s.code, 'name', coalesce(t.name, '{}'), 'visit_date', s.visit_date, 'starts_at', s.starts_at,
             'time_zone', v.time_zone,
             'state', case when s.state = 'paused' and s.overcommitted > 0 then 'open' else s.state end, 'free', s.capacity - s.taken - s.set_aside, 'real_name', p.real_name,
             'documents', p.documents, 'once', p.once_per_document_day,
             'prices', coalesce((select jsonb_agg(c order by c.position, c.id) from catalogue.prices c
                                  where c.product_id = p.id and c.retired_at is null and not c.with_card
                                    and catalogue.in_season(s.visit_date, c.from_day, c.to_day)), '[]'))
             from inventory.slots s
             join catalogue.venues v on v.id = s.venue_id
             join catalogue.products p on p.id = s.product_id
             left join catalogue.timeslots t on t.product_id = s.product_id and t.code = s.code
            where s.venue_id = any(%(venues)s) and s.visit_date = any(%(days)s)
            order by s.starts_at, s.product_id, s.code""",
        venues=list(venue_ids), days=list(days),
    )  # fmt: skip
    return msgspec.convert(found, list[SlotFacts])


async def booked(tx: ReadTx, venue_ids: Sequence[str], days: Sequence[date], indexes: Sequence[bytes]) -> list[Booked]:
    """Which of these documents have a place at these venues on these days, where once a day is the rule."""
    return await tx.rows(
        Booked,
        """select t.venue_id, t.visit_date, t.document_index, o.number from orders.travellers t join orders.orders o on o.id = t.order_id
            where t.live and t.once and t.visit_date = any(%(days)s) and t.venue_id = any(%(venues)s)
              and t.document_index = any(%(indexes)s)""",
        venues=list(venue_ids), days=list(days), indexes=list(indexes),
    )  # fmt: skip


async def holders(tx: ReadTx, day: date, indexes: Sequence[bytes]) -> list[str]:
    """The orders that hold one of these documents on a day."""
    return await tx.values(
        """select o.number from orders.travellers t join orders.orders o on o.id = t.order_id
            where t.live and t.once and t.visit_date = %(day)s and t.document_index = any(%(indexes)s) order by o.id""",
        day=day, indexes=list(indexes),
    )  # fmt: skip


async def account_of_phone(tx: ReadTx, phone_index: bytes) -> UUID | None:
    """The account that a phone identifies, else the one that a desk opened for it."""
    found: UUID | None = await tx.value(
        """select coalesce((select account_id from accounts.identifiers where kind = 'phone' and value_index = %(index)s),
                           (select account_id from orders.desk_accounts where phone_index = %(index)s))""",
        index=phone_index,
    )
    return found


async def insert_desk_account(tx: Tx, phone_index: bytes, account_id: UUID, at: datetime) -> None:
    await tx.execute(
        """insert into orders.desk_accounts (phone_index, account_id, made_at) values (%(index)s, %(id)s, %(at)s)
           on conflict (phone_index) do update set account_id = excluded.account_id""",
        index=phone_index, id=account_id, at=at,
    )  # fmt: skip


async def insert_import(tx: Tx, **columns: Any) -> None:
    await tx.execute(
        """insert into orders.slip_imports (id, desk, source, name, sha256, rows, made_by, made_at)
           values (%(id)s, %(desk)s, %(source)s, %(name)s, %(sha256)s, %(rows)s, %(made_by)s, %(made_at)s)""",
        **columns,
    )


async def end_import(tx: Tx, import_id: UUID, at: datetime) -> None:
    await tx.execute("update orders.slip_imports set ended_at = %(at)s where id = %(id)s", id=import_id, at=at)


class ImportRow(msgspec.Struct, frozen=True):
    """An import in one line."""

    id: UUID
    desk: str
    source: str
    name: str
    rows: int
    made_by: str
    made_at: datetime
    ended_at: datetime | None
    new: int
    same: int
    conflicts: int
    practised: int


async def imports(tx: ReadTx, desk: str, limit: int) -> list[ImportRow]:
    """The newest imports of a desk, or of all when it is empty."""
    return await tx.rows(
        ImportRow,
        """select i.id, i.desk, i.source, i.name, i.rows, i.made_by, i.made_at, i.ended_at,
                  count(*) filter (where a.result = 'new') as new, count(*) filter (where a.result = 'same') as same,
                  count(*) filter (where a.result = 'conflict') as conflicts,
                  count(*) filter (where a.result = 'practised') as practised
             from orders.slip_imports i left join orders.slip_arrivals a on a.import_id = i.id
            where %(desk)s = '' or i.desk = %(desk)s group by i.id order by i.made_at desc limit %(limit)s""",
        desk=desk, limit=limit,
    )  # fmt: skip


async def one_import(tx: ReadTx, import_id: UUID) -> ImportRow | None:
    return await tx.maybe(
        ImportRow,
        """select i.id, i.desk, i.source, i.name, i.rows, i.made_by, i.made_at, i.ended_at,
                  count(*) filter (where a.result = 'new') as new, count(*) filter (where a.result = 'same') as same,
                  count(*) filter (where a.result = 'conflict') as conflicts,
                  count(*) filter (where a.result = 'practised') as practised
             from orders.slip_imports i left join orders.slip_arrivals a on a.import_id = i.id
            where i.id = %(id)s group by i.id""",
        id=import_id,
    )


async def insert_arrivals(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """A line, and which slip it is; the slip is found by its number, since another import may have written it."""
    await tx.execute_many(
        """insert into orders.slip_arrivals (import_id, row, slip_id, result, problem)
           select %(import_id)s, %(row)s, id, %(result)s, %(problem)s from orders.slips where desk = %(desk)s and number = %(number)s
           on conflict (import_id, row) do nothing""",
        rows,
    )
