"""SQL of bookings that staff make for somebody, and of practice at desks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx


async def of_key(tx: ReadTx, key: str) -> str | None:
    """The number of the order that the same form has made before."""
    found: str | None = await tx.value(
        """select o.number from orders.assisted a join orders.orders o on o.id = a.order_id where a.key = %(key)s""",
        key=key,
    )
    return found


async def taking_places(tx: ReadTx, price_ids: list[str]) -> set[str]:
    """Those of these prices that take a place."""
    return set(await tx.values("select id from catalogue.prices where id = any(%(ids)s) and uses_place", ids=price_ids))


async def insert(tx: Tx, **columns: Any) -> None:
    await tx.execute(
        """insert into orders.assisted (key, order_id, desk, made_by, made_at)
           values (%(key)s, %(order_id)s, %(desk)s, %(by)s, %(at)s)""",
        **columns,
    )


class Made(msgspec.Struct, frozen=True):
    """A booking that staff made."""

    number: str
    state: str
    amount_minor: int
    currency: str
    desk: str | None
    made_by: str
    made_at: datetime


async def newest(tx: ReadTx, limit: int) -> list[Made]:
    return await tx.rows(
        Made,
        """select o.number, o.state, o.amount_minor, o.currency, a.desk, a.made_by, a.made_at
             from orders.assisted a join orders.orders o on o.id = a.order_id order by a.made_at desc limit %(limit)s""",
        limit=limit,
    )


class Drill(msgspec.Struct, frozen=True):
    """Practice of a desk, in figures: seconds from its beginning; None where it has not come so far."""

    id: UUID
    desk: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    lines: int
    faulty: int
    first_taken_s: float | None
    first_arrived_s: float | None
    last_arrived_s: float | None


async def start_drill(tx: Tx, drill_id: UUID, desk: str, by: str, at: datetime) -> None:
    await tx.execute(
        """insert into orders.desk_drills (id, desk, started_by, started_at) values (%(id)s, %(desk)s, %(by)s, %(at)s)
           on conflict (desk) where ended_at is null do nothing""",
        id=drill_id, desk=desk, by=by, at=at,
    )  # fmt: skip


async def end_drill(tx: Tx, desk: str, at: datetime) -> None:
    await tx.execute(
        "update orders.desk_drills set ended_at = %(at)s where desk = %(desk)s and ended_at is null", desk=desk, at=at
    )


async def drills(tx: ReadTx, limit: int) -> list[Drill]:
    """The newest practices with what was taken and how fast."""
    return await tx.rows(
        Drill,
        """select d.id, d.desk, d.started_by, d.started_at, d.ended_at, count(s.id) as lines,
                  count(s.id) filter (where s.problem <> '') as faulty,
                  extract(epoch from min(s.taken_at) - d.started_at)::float8 as first_taken_s,
                  extract(epoch from min(s.arrived_at) - d.started_at)::float8 as first_arrived_s,
                  extract(epoch from max(s.arrived_at) - d.started_at)::float8 as last_arrived_s
             from orders.desk_drills d
             left join orders.slips s on s.desk = d.desk and s.is_drill and s.state = 'practised' and s.taken_at >= d.started_at
                  and (d.ended_at is null or s.taken_at <= d.ended_at)
            group by d.id order by d.started_at desc limit %(limit)s""",
        limit=limit,
    )
