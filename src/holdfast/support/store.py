"""All SQL of support."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .model import Case, Evidence, Opened, Rating, State
from .priorities import Money, Priority

_CASE: LiteralString = """select c.id, c.number, c.kind, c.order_id, o.number as order_number, c.intent_id, c.account_id,
    c.phone_masked, c.locale, c.channel, c.people, c.state, c.priority, c.reasons, c.trip_at, c.money, c.assigned_to,
    s.name as assigned_name, c.opened_at, c.waiting_since, c.sla_due_at, c.answered_at, c.closed_at
    from support.cases c left join orders.orders o on o.id = c.order_id left join accounts.staff s on s.id = c.assigned_to """


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it is first written."""

    id: UUID
    number: str
    opening_key: str
    kind: str
    order_id: UUID | None
    intent_id: UUID | None
    account_id: UUID | None
    phone: bytes
    phone_index: bytes
    phone_masked: str
    locale: str
    channel: str
    people: int
    priority: int
    reasons: list[str]
    trip_at: datetime | None
    money: str
    opened_at: datetime
    sla_due_at: datetime


async def opened_before(tx: ReadTx, key: str) -> Opened | None:
    """The case that this request made before."""
    return await tx.maybe(
        Opened, "select id, number, true as again from support.cases where opening_key = %(key)s", key=key
    )


async def insert(tx: Tx, row: Row) -> bool:
    """Writes an open case; False when its number is taken."""
    return bool(
        await tx.execute(
            """insert into support.cases (id, number, opening_key, kind, order_id, intent_id, account_id, phone, phone_index,
                 phone_masked, locale, channel, people, state, priority, reasons, trip_at, money, opened_at, waiting_since, sla_due_at)
               values (%(id)s, %(number)s, %(opening_key)s, %(kind)s, %(order_id)s, %(intent_id)s, %(account_id)s, %(phone)s,
                 %(phone_index)s, %(phone_masked)s, %(locale)s, %(channel)s, %(people)s, 'open', %(priority)s, %(reasons)s,
                 %(trip_at)s, %(money)s, %(opened_at)s, %(opened_at)s, %(sla_due_at)s)
               on conflict (number) do nothing""",
            **msgspec.structs.asdict(row),
        )
    )


async def by_number(tx: ReadTx, number: str) -> Case | None:
    """The case of a number, whoever opened it: callers authorise."""
    return await tx.maybe(Case, _CASE + "where c.number = %(number)s", number=number)


async def of_person(tx: ReadTx, number: str, account_id: UUID) -> Case | None:
    """The case of a number if the person behind an account opened it, or one of their phones did as a guest."""
    return await tx.maybe(
        Case,
        _CASE + """where c.number = %(number)s and (
               c.account_id in (select accounts.members(%(account)s))
               or c.phone_index in (select i.value_index from accounts.identifiers i where i.kind = 'phone'
                                    and i.account_id in (select accounts.members(%(account)s))))""",
        number=number, account=account_id,
    )  # fmt: skip


async def of_account(tx: ReadTx, account_id: UUID, limit: int) -> list[Case]:
    """The latest cases of the person behind an account."""
    return await tx.rows(
        Case,
        _CASE + """where c.account_id in (select accounts.members(%(account)s))
               or c.phone_index in (select i.value_index from accounts.identifiers i where i.kind = 'phone'
                                    and i.account_id in (select accounts.members(%(account)s)))
           order by c.opened_at desc limit %(limit)s""",
        account=account_id, limit=limit,
    )  # fmt: skip


async def locked(tx: Tx, case_id: UUID) -> Case:
    """The case, locked until the transaction ends."""
    found = await tx.maybe(Case, _CASE + "where c.id = %(id)s for no key update of c", id=case_id)
    assert found is not None
    return found


async def queue(tx: ReadTx, state: State | None, assigned_to: UUID | None, limit: int) -> list[Case]:
    """Cases in a state, the weightiest before, then the earliest due; of one colleague if named."""
    return await tx.rows(
        Case,
        _CASE + """where (%(state)s::text is null or c.state = %(state)s)
             and (%(staff)s::uuid is null or c.assigned_to = %(staff)s)
           order by (c.state = 'open') desc, c.priority desc, c.sla_due_at, c.opened_at desc limit %(limit)s""",
        state=state, staff=assigned_to, limit=limit,
    )  # fmt: skip


async def counts(tx: ReadTx) -> dict[str, int]:
    """How many cases are in each state that is not closed."""
    return dict(await tx.tuples("select state, count(*) from support.cases where state <> 'closed' group by state"))


async def with_text(tx: ReadTx, *, number: str, order: str, phone_index: bytes | None, limit: int) -> list[Case]:
    """The cases with a number, about an order, or of a phone."""
    return await tx.rows(
        Case,
        _CASE + """where c.number = %(number)s or o.number = %(order)s or c.phone_index = %(phone)s
           order by c.opened_at desc limit %(limit)s""",
        number=number, order=order, phone=phone_index, limit=limit,
    )  # fmt: skip


async def set_state(
    tx: Tx, case_id: UUID, state: State, *, waiting_since: datetime | None, sla_due_at: datetime | None,
    answered_at: datetime | None, closed_at: datetime | None,
) -> None:  # fmt: skip
    """Writes a new state; callers have locked the case and asked the transition table. The first answer stays the first."""
    await tx.execute(
        """update support.cases set state = %(state)s, waiting_since = %(waiting)s, sla_due_at = %(due)s, closed_at = %(closed)s,
                  answered_at = coalesce(answered_at, %(answered)s) where id = %(id)s""",
        id=case_id, state=state, waiting=waiting_since, due=sla_due_at, answered=answered_at, closed=closed_at,
    )  # fmt: skip


async def set_priority(tx: Tx, case_id: UUID, priority: Priority, trip_at: datetime | None, money: Money) -> None:
    await tx.execute(
        """update support.cases set priority = %(points)s, reasons = %(reasons)s, trip_at = %(trip)s, money = %(money)s
           where id = %(id)s""",
        id=case_id, points=priority.points, reasons=[str(reason) for reason in priority.reasons], trip=trip_at, money=money,
    )  # fmt: skip


async def assign(tx: Tx, case_id: UUID, staff_id: UUID | None) -> None:
    await tx.execute("update support.cases set assigned_to = %(staff)s where id = %(id)s", id=case_id, staff=staff_id)


async def bind_order(tx: Tx, case_id: UUID, order_id: UUID, intent_id: UUID | None) -> None:
    """What a case turned out to be about."""
    await tx.execute(
        "update support.cases set order_id = %(order)s, intent_id = %(intent)s where id = %(id)s",
        id=case_id, order=order_id, intent=intent_id,
    )  # fmt: skip


async def phone(tx: ReadTx, case_id: UUID) -> bytes:
    """The sealed number that gets the case's messages."""
    found = await tx.value("select phone from support.cases where id = %(id)s", id=case_id)
    return bytes(found)


class MessageRow(msgspec.Struct, frozen=True):
    """A message as its table holds it: sealed."""

    seq: int
    author: str
    actor: str
    name: str
    body: bytes
    at: datetime


async def add_message(
    tx: Tx, case_id: UUID, author: str, actor: str, body: bytes, at: datetime, key: str | None
) -> bool:
    """Appends a message to a case that the caller has locked; False when this request had written it before."""
    return bool(
        await tx.execute(
            """insert into support.messages (case_id, seq, author, actor, key, body, at)
               select %(id)s, coalesce(max(seq), 0) + 1, %(author)s, %(actor)s, %(key)s, %(body)s, %(at)s
               from support.messages where case_id = %(id)s
               on conflict (case_id, key) do nothing""",
            id=case_id, author=author, actor=actor, key=key, body=body, at=at,
        )
    )  # fmt: skip


async def messages(tx: ReadTx, case_id: UUID) -> list[MessageRow]:
    return await tx.rows(
        MessageRow,
        """select m.seq, m.author, m.actor, coalesce(s.name, '') as name, m.body, m.at from support.messages m
           left join accounts.staff s on m.author <> 'traveller' and m.actor = 'staff:' || s.id
           where m.case_id = %(id)s order by m.seq""",
        id=case_id,
    )


async def add_evidence(tx: Tx, case_id: UUID, kind: str, content: dict[str, Any], at: datetime) -> None:
    """Attaches what is known now to a case that the caller has locked or just made."""
    await tx.execute(
        """insert into support.evidence (case_id, seq, kind, content, at)
           select %(id)s, coalesce(max(seq), 0) + 1, %(kind)s, %(content)s, %(at)s from support.evidence where case_id = %(id)s""",
        id=case_id, kind=kind, content=Jsonb(content), at=at,
    )  # fmt: skip


async def evidence(tx: ReadTx, case_id: UUID) -> list[Evidence]:
    return await tx.rows(
        Evidence,
        "select seq, kind, content, at from support.evidence where case_id = %(id)s order by seq",
        id=case_id,
    )


async def rating(tx: ReadTx, case_id: UUID) -> Rating | None:
    return await tx.maybe(Rating, "select score, words, at from support.ratings where case_id = %(id)s", id=case_id)


async def rate(tx: Tx, case_id: UUID, score: int, words: str, at: datetime) -> None:
    """The latest word of a traveller counts."""
    await tx.execute(
        """insert into support.ratings (case_id, score, words, at) values (%(id)s, %(score)s, %(words)s, %(at)s)
           on conflict (case_id) do update set score = excluded.score, words = excluded.words, at = excluded.at""",
        id=case_id, score=score, words=words, at=at,
    )  # fmt: skip


async def staff_exists(tx: ReadTx, staff_id: UUID) -> bool:
    return bool(await tx.value("select exists (select from accounts.staff where id = %(id)s and active)", id=staff_id))


async def answer_times(tx: ReadTx, since: datetime, now: datetime) -> tuple[int, int, float | None, float | None]:
    """Of cases that travellers opened themselves: how many, how many still wait, and the first answer's median and 90 %, seconds.

    Who still waits counts with the time so far, so that silence does not make the figures better; a case that its traveller
    closed before any answer does not count.
    """
    [(cases, waiting, median, ninety)] = await tx.tuples(
        """select count(*), count(*) filter (where answered_at is null),
                  percentile_cont(0.5) within group (order by extract(epoch from coalesce(answered_at, %(now)s) - opened_at)),
                  percentile_cont(0.9) within group (order by extract(epoch from coalesce(answered_at, %(now)s) - opened_at))
           from support.cases where opened_at > %(since)s and channel in ('web', 'api')
             and not (answered_at is null and state = 'closed')""",
        since=since, now=now,
    )  # fmt: skip
    return cases, waiting, median, ninety


async def ratings(tx: ReadTx, since: datetime) -> tuple[int, float | None]:
    """How many ratings came, and their mean."""
    [(count, mean)] = await tx.tuples(
        "select count(*), avg(score)::float from support.ratings where at > %(since)s", since=since
    )
    return count, mean
