"""SQL of feedback."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .feedback_model import FeedbackFigures, FeedbackState, Group


class Row(msgspec.Struct, frozen=True):
    """A piece of feedback as its table holds it, words and answer sealed."""

    id: UUID
    number: str
    words: bytes
    page: str
    address: str
    problem: str
    request: str
    order_number: str | None
    account_id: UUID | None
    locale: str
    browser: str
    is_offline: bool
    happened_at: datetime
    received_at: datetime
    state: FeedbackState
    answer: bytes
    ended_by: str
    ended_at: datetime | None


_ROW: LiteralString = """select f.id, f.number, f.words, f.page, f.address, f.problem, f.request, o.number as order_number, f.account_id, f.locale,
    f.browser, f.is_offline, f.happened_at, f.received_at, f.state, f.answer, f.ended_by, f.ended_at
    from support.feedback f left join orders.orders o on o.id = f.order_id """


async def insert(
    tx: Tx, *, feedback_id: UUID, number: str, key: str, words: bytes, page: str, address: str, problem: str, request: str,
    order_id: UUID | None, account_id: UUID | None, locale: str, browser: str, is_offline: bool, happened_at: datetime,
    received_at: datetime,
) -> bool:  # fmt: skip
    """New feedback; False when this key, or by chance this number, is there already."""
    return await tx.execute(
        """insert into support.feedback (id, number, opening_key, words, page, address, problem, request, order_id, account_id, locale,
                                         browser, is_offline, happened_at, received_at)
           values (%(id)s, %(number)s, %(key)s, %(words)s, %(page)s, %(address)s, %(problem)s, %(request)s, %(order)s, %(account)s,
                   %(locale)s, %(browser)s, %(offline)s, %(happened)s, %(received)s) on conflict do nothing""",
        id=feedback_id, number=number, key=key, words=words, page=page, address=address, problem=problem, request=request,
        order=order_id, account=account_id, locale=locale, browser=browser, offline=is_offline, happened=happened_at,
        received=received_at,
    ) == 1  # fmt: skip


async def number_of_key(tx: ReadTx, key: str) -> str | None:
    """The number of what the same request had sent before."""
    found: str | None = await tx.value("select number from support.feedback where opening_key = %(key)s", key=key)
    return found


async def by_number(tx: ReadTx, number: str) -> Row | None:
    return await tx.maybe(Row, _ROW + "where f.number = %(number)s", number=number)


async def locked(tx: Tx, feedback_id: UUID) -> Row | None:
    """One piece, locked."""
    return await tx.maybe(Row, _ROW + "where f.id = %(id)s for no key update of f", id=feedback_id)


async def in_group(tx: ReadTx, page: str, problem: str, limit: int) -> list[Row]:
    """What was said about one problem on one kind of page, open ones first, the newest first."""
    return await tx.rows(
        Row,
        _ROW + """where f.page = %(page)s and f.problem = %(problem)s
           order by f.state <> 'open', f.received_at desc limit %(limit)s""",
        page=page, problem=problem, limit=limit,
    )  # fmt: skip


async def groups(tx: ReadTx, first: date, today: date, zone: str, limit: int) -> list[Group]:
    """By kind of page and problem since a day, what waits for an answer first, then what came most."""
    return await tx.rows(
        Group,
        """with since as (
             select f.*, (f.received_at at time zone %(zone)s)::date as day from support.feedback f
              where f.received_at >= %(first)s::timestamp at time zone %(zone)s),
           counted as (
             select page, problem, count(*)::int as count, (count(*) filter (where day > %(today)s::date - 7))::int as last_week,
                    (count(*) filter (where state = 'open'))::int as open, max(received_at) as newest from since group by page, problem)
           select c.page, c.problem, c.count, c.last_week, c.open, c.newest,
                  array(select (select count(*) from since s where s.page = c.page and s.problem = c.problem and s.day = d.day)::int
                          from generate_series(%(first)s::date, %(today)s::date, interval '1 day') as d (day) order by d.day) as by_day
             from counted c order by c.open = 0, c.last_week desc, c.count desc, c.newest desc limit %(limit)s""",
        first=first, today=today, zone=zone, limit=limit,
    )  # fmt: skip


async def figures(tx: ReadTx, since: datetime, day: date) -> FeedbackFigures:
    """What came since a moment, and what became of it."""
    found = await tx.maybe(
        FeedbackFigures,
        """select count(*)::int as count, (count(*) filter (where state = 'answered'))::int as answered,
                  (count(*) filter (where state = 'noted'))::int as noted,
                  percentile_cont(0.5) within group (order by extract(epoch from ended_at - received_at)::float8)
                    filter (where ended_at is not null) as median_s, %(day)s::date as since
             from support.feedback where received_at >= %(since)s""",
        since=since, day=day,
    )  # fmt: skip
    assert found
    return found


async def end(tx: Tx, feedback_id: UUID, state: FeedbackState, answer: bytes, by: str, at: datetime) -> None:
    await tx.execute(
        "update support.feedback set state = %(state)s, answer = %(answer)s, ended_by = %(by)s, ended_at = %(at)s where id = %(id)s",
        id=feedback_id, state=state, answer=answer, by=by, at=at,
    )  # fmt: skip


async def of_accounts(tx: ReadTx, accounts: Sequence[UUID]) -> list[Row]:
    """What these accounts sent while they were signed in."""
    return await tx.rows(
        Row, _ROW + "where f.account_id = any(%(ids)s) order by f.received_at", ids=list(accounts)
    )  # fmt: skip


async def erase(tx: Tx, accounts: Sequence[UUID], at: datetime, limit: int) -> int:
    """Words of erased accounts, and who they were: that something did not work stays."""
    return await tx.execute(
        """update support.feedback set words = '', answer = '', address = page, account_id = null, order_id = null,
                  state = case state when 'open' then 'noted' else state end, ended_at = coalesce(ended_at, %(at)s)
            where id in (select id from support.feedback where account_id = any(%(ids)s) order by id limit %(limit)s for no key update)""",
        ids=list(accounts), at=at, limit=limit,
    )  # fmt: skip


async def forget(tx: Tx, before: datetime, limit: int) -> int:
    """Words that were sent before a moment; counts stay."""
    return await tx.execute(
        """update support.feedback set words = '', answer = '', address = page, account_id = null, order_id = null
            where id in (select id from support.feedback where received_at < %(before)s and words <> '' order by received_at
                         limit %(limit)s for no key update)""",
        before=before, limit=limit,
    )  # fmt: skip
