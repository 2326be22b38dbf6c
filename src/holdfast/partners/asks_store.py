"""SQL of bookings that suppliers are to answer, and of bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .asks_model import Ask, Bar, Wanted

_ASK: LiteralString = """select a.id, a.kind, a.partner_id, a.product_id, p.name as product_name, coalesce(t.name, '{}') as slot_name,
    a.order_number, a.visit_date, a.code, a.starts_at, v.time_zone, a.places, a.asked_at, a.due_at, a.answer, a.answered_at,
    a.answered_by, a.note, a.settled_at, a.settled_by
    from partners.asks a join catalogue.products p on p.id = a.product_id join catalogue.venues v on v.id = p.venue_id
    left join catalogue.timeslots t on t.product_id = a.product_id and t.code = a.code """


class AskRow(msgspec.Struct, frozen=True):
    """A booking to be asked about, with whom and until when."""

    id: UUID
    partner_id: str
    due_at: datetime
    wanted: Wanted


async def insert(tx: Tx, rows: Sequence[AskRow], at: datetime) -> int:
    """New ones; those of the same name stand as they are. How many are new."""
    return await tx.execute(
        """insert into partners.asks (id, once, kind, partner_id, product_id, order_number, visit_date, code, starts_at, places,
                                      asked_at, due_at)
           select t.id, t.once, t.kind, t.partner_id, t.product_id, t.order_number, t.visit_date, t.code, t.starts_at, t.places,
                  %(at)s, t.due_at
             from jsonb_to_recordset(%(rows)s) as t (
               id uuid, once text, kind text, partner_id text, product_id text, order_number text, visit_date date, code text,
               starts_at timestamptz, places int, due_at timestamptz)
           on conflict (once) do nothing""",
        rows=Jsonb(
            [
                msgspec.to_builtins(row.wanted)
                | {"id": str(row.id), "partner_id": row.partner_id, "due_at": row.due_at.isoformat()}
                for row in rows
            ]
        ),
        at=at,
    )


async def answer(
    tx: Tx, partner_id: str | None, order_number: str, said: str, by: str, note: str, at: datetime
) -> list[str]:
    """Answers what is open of an order; the products that it was about."""
    found: list[str] = await tx.values(
        """update partners.asks set answer = %(said)s, answered_at = %(at)s, answered_by = %(by)s, note = %(note)s
            where order_number = %(number)s and answer is null and (%(partner)s::text is null or partner_id = %(partner)s)
           returning product_id""",
        partner=partner_id, number=order_number, said=said, by=by, note=note, at=at,
    )  # fmt: skip
    return found


async def open_numbers(tx: ReadTx, partner_id: str) -> set[str]:
    """The orders that a partner is asked about."""
    found = await tx.values(
        "select distinct order_number from partners.asks where partner_id = %(partner)s and answer is null",
        partner=partner_id,
    )
    return set(found)


async def of_partner(tx: ReadTx, partner_id: str, *, is_open: bool, limit: int) -> list[Ask]:
    """Those that wait, the most urgent first; or those that were answered, the latest first."""
    if is_open:
        return await tx.rows(
            Ask, _ASK + "where a.partner_id = %(partner)s and a.answer is null order by a.due_at, a.id limit %(limit)s",
            partner=partner_id, limit=limit,
        )  # fmt: skip
    return await tx.rows(
        Ask,
        _ASK
        + """where a.partner_id = %(partner)s and a.answer is not null
             order by (a.answer = 'cannot' and a.settled_at is null) desc, a.answered_at desc, a.id desc limit %(limit)s""",
        partner=partner_id, limit=limit,
    )  # fmt: skip


async def late(tx: ReadTx, now: datetime) -> dict[str, int]:
    """Product → how many bookings for it are past their time and were not answered, of visits still to come."""
    return dict(
        await tx.tuples(
            """select product_id, count(distinct order_number)::int from partners.asks
                where answer is null and kind = 'booking' and due_at <= %(now)s and starts_at > %(now)s group by product_id""",
            now=now,
        )
    )


async def take_untold(tx: Tx, partner_id: str, at: datetime) -> list[Ask]:
    """Those that the partner has not been told of yet; now it has."""
    fresh = await tx.values(
        "update partners.asks set told_at = %(at)s where partner_id = %(partner)s and told_at is null and answer is null returning id",
        partner=partner_id, at=at,
    )  # fmt: skip
    return await tx.rows(Ask, _ASK + "where a.id = any(%(ids)s) order by a.due_at, a.id", ids=fresh)


async def untold_partners(tx: ReadTx) -> list[str]:
    found: list[str] = await tx.values(
        "select distinct partner_id from partners.asks where told_at is null and answer is null order by partner_id"
    )
    return found


async def settle(tx: Tx, ask_id: UUID, by: str, at: datetime) -> bool:
    return bool(
        await tx.execute(
            """update partners.asks set settled_at = %(at)s, settled_by = %(by)s
                where id = %(id)s and answer = 'cannot' and settled_at is null""",
            id=ask_id, by=by, at=at,
        )
    )  # fmt: skip


async def begin_bar(
    tx: Tx, bar_id: UUID, product_id: str, partner_id: str, kind: str, note: str, by: str, at: datetime
) -> bool:
    """False when it stands already."""
    return bool(
        await tx.execute(
            """insert into partners.bars (id, product_id, partner_id, kind, note, began_at, began_by)
               values (%(id)s, %(product)s, %(partner)s, %(kind)s, %(note)s, %(at)s, %(by)s)
               on conflict (product_id, kind) where ended_at is null do nothing""",
            id=bar_id, product=product_id, partner=partner_id, kind=kind, note=note, at=at, by=by,
        )
    )  # fmt: skip


async def end_bars(tx: Tx, product_ids: Sequence[str], kinds: Sequence[str], by: str, at: datetime) -> list[str]:
    """The products from which one was taken."""
    found: list[str] = await tx.values(
        """update partners.bars set ended_at = %(at)s, ended_by = %(by)s
            where product_id = any(%(ids)s) and kind = any(%(kinds)s) and ended_at is null returning product_id""",
        ids=list(product_ids), kinds=list(kinds), by=by, at=at,
    )  # fmt: skip
    return found


async def standing_bars(tx: ReadTx, product_ids: Sequence[str] | None = None) -> list[Bar]:
    """Those that stand, of these products or of all."""
    return await tx.rows(
        Bar,
        """select id, product_id, partner_id, kind, note, began_at, began_by from partners.bars
            where ended_at is null and (%(ids)s::text[] is null or product_id = any(%(ids)s)) order by began_at, id""",
        ids=None if product_ids is None else list(product_ids),
    )  # fmt: skip
