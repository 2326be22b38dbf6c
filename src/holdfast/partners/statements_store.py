"""SQL of partners' statements."""

from __future__ import annotations

from datetime import datetime

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .statements_model import Line, Month


async def insert(tx: Tx, partner_id: str, line: Line) -> None:
    """The same line again: nothing, as with its journal."""
    await tx.execute(
        """insert into partners.statement_lines (partner_id, kind, subject, journal_key, at, retail_minor, net_minor, kept_minor,
                                                 currency, tickets, details)
           values (%(partner)s, %(kind)s, %(subject)s, %(journal_key)s, %(at)s, %(retail_minor)s, %(net_minor)s, %(kept_minor)s,
                   %(currency)s, %(tickets)s, %(about)s) on conflict (journal_key) do nothing""",
        partner=partner_id, about=Jsonb(line.details), **msgspec.structs.asdict(line),
    )  # fmt: skip


async def count_of(tx: ReadTx, subject: str) -> int:
    return int(await tx.value("select count(*) from partners.statement_lines where subject = %(s)s", s=subject))


async def lines(tx: ReadTx, partner_id: str, begin: datetime, end: datetime) -> list[Line]:
    return await tx.rows(
        Line,
        """select kind, subject, journal_key, at, retail_minor, net_minor, kept_minor, currency, tickets, details
             from partners.statement_lines where partner_id = %(partner)s and at >= %(begin)s and at < %(end)s order by seq""",
        partner=partner_id, begin=begin, end=end,
    )  # fmt: skip


async def months(tx: ReadTx, partner_id: str, zone: str) -> list[Month]:
    return await tx.rows(
        Month,
        """select first, currency, bookings, tickets, retail_minor, sold_minor, cancelled_minor, kept_minor, paid_minor,
                  sum(net_minor) over (partition by currency order by first)::bigint as owed_minor
             from (select date_trunc('month', at at time zone %(zone)s)::date as first, currency,
                          count(*) filter (where kind = 'sale')::int as bookings, sum(tickets)::int as tickets,
                          sum(retail_minor)::bigint as retail_minor,
                          coalesce(sum(net_minor) filter (where kind <> 'payment' and net_minor > 0), 0)::bigint as sold_minor,
                          coalesce(-sum(net_minor) filter (where kind <> 'payment' and net_minor < 0), 0)::bigint as cancelled_minor,
                          sum(kept_minor)::bigint as kept_minor,
                          coalesce(-sum(net_minor) filter (where kind = 'payment'), 0)::bigint as paid_minor,
                          sum(net_minor)::bigint as net_minor
                     from partners.statement_lines where partner_id = %(partner)s group by 1, 2) m
            order by first desc, currency""",
        partner=partner_id, zone=zone,
    )  # fmt: skip
