"""SQL of no-shows. They are noted by orders, which know who was expected, through `passes.note_no_shows`."""

from __future__ import annotations

from datetime import date
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .gate_model import Shows


async def of_person(tx: ReadTx, account_id: UUID, since: date) -> int:
    return int(
        await tx.value(
            """select coalesce(sum(n.people), 0) from passes.no_shows n
               where n.account_id in (select accounts.members(%(account)s)) and n.came_at is null and n.visit_date >= %(since)s""",
            account=account_id, since=since,
        )
    )  # fmt: skip


async def by_day(tx: ReadTx, venue_id: str, from_day: date, to_day: date) -> dict[date, Shows]:
    rows = await tx.tuples(
        """with came as (
             select s.visit_date, sum(a.people) as n from passes.admissions a join inventory.slots s on s.id = a.slot_id
              where a.venue_id = %(venue)s and a.counts and a.undone_at is null and s.visit_date between %(first)s and %(last)s
              group by s.visit_date),
           missing as (
             select visit_date, sum(people) as n from passes.no_shows
              where venue_id = %(venue)s and came_at is null and visit_date between %(first)s and %(last)s group by visit_date)
           select coalesce(c.visit_date, m.visit_date), coalesce(c.n, 0), coalesce(m.n, 0)
             from came c full join missing m on m.visit_date = c.visit_date order by 1""",
        venue=venue_id, first=from_day, last=to_day,
    )  # fmt: skip
    return {day: Shows(int(admitted), int(absent)) for day, admitted, absent in rows}


async def came(tx: Tx, order_number: str) -> int:
    """Those of an order who were taken not to have come and were admitted after all."""
    return await tx.execute(
        """update passes.no_shows n set came_at = a.at from passes.admissions a
           where n.order_number = %(number)s and n.came_at is null and a.order_number = n.order_number and a.line_seq = n.line_seq
             and coalesce(a.traveller_seq, 0) = n.traveller_seq and a.counts and a.undone_at is null""",
        number=order_number,
    )


HELD: LiteralString = """select order_number, venue_id, visit_date, people, noted_at, came_at from passes.no_shows
    where account_id = any(%(ids)s) order by noted_at, order_number"""
