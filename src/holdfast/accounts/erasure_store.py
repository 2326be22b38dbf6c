"""SQL of erasures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx

from .rights_model import Erasure

_ERASURE: LiteralString = """select id, account_id, accounts, scope, state, asked_at, due_at, postponed, closed_at, finished_at,
    done, counts from accounts.erasures """


async def insert(
    tx: Tx, erasure_id: UUID, account_id: UUID, accounts: Sequence[UUID], scope: str, at: datetime, due_at: datetime
) -> None:
    await tx.execute(
        """insert into accounts.erasures (id, account_id, accounts, scope, asked_at, due_at, next_at)
           values (%(id)s, %(account)s, %(accounts)s, %(scope)s, %(at)s, %(due)s, %(due)s)""",
        id=erasure_id, account=account_id, accounts=list(accounts), scope=scope, at=at, due=due_at,
    )  # fmt: skip


async def one(tx: ReadTx, erasure_id: UUID) -> Erasure | None:
    return await tx.maybe(Erasure, _ERASURE + "where id = %(id)s", id=erasure_id)


async def locked(tx: Tx, erasure_id: UUID) -> Erasure | None:
    """The erasure, held until the transaction ends: one step of it at a time."""
    return await tx.maybe(Erasure, _ERASURE + "where id = %(id)s for update", id=erasure_id)


async def open_of(tx: ReadTx, accounts: Sequence[UUID]) -> Erasure | None:
    """The erasure that one of these accounts is in."""
    return await tx.maybe(
        Erasure,
        _ERASURE + "where accounts && %(accounts)s::uuid[] and next_at is not null order by asked_at limit 1",
        accounts=list(accounts),
    )


async def of_accounts(tx: ReadTx, accounts: Sequence[UUID]) -> list[Erasure]:
    return await tx.rows(
        Erasure, _ERASURE + "where accounts && %(accounts)s::uuid[] order by asked_at", accounts=list(accounts)
    )


async def due(tx: ReadTx, now: datetime) -> list[UUID]:
    """Erasures to carry on with, those that wait longest first."""
    return await tx.values(
        "select id from accounts.erasures where next_at <= %(now)s order by next_at limit 100", now=now
    )


async def contacts(tx: ReadTx, erasure_id: UUID) -> list[bytes]:
    """Blind indexes of what identified the accounts."""
    found = await tx.value("select contacts from accounts.erasures where id = %(id)s", id=erasure_id)
    return [bytes(one) for one in found or ()]


async def withdraw(tx: Tx, accounts: Sequence[UUID], at: datetime) -> int:
    """Takes back what is waiting for these accounts; how many that were."""
    return await tx.execute(
        """update accounts.erasures set state = 'withdrawn', withdrawn_at = %(at)s, next_at = null
           where accounts && %(accounts)s::uuid[] and state = 'waiting'""",
        accounts=list(accounts), at=at,
    )  # fmt: skip


async def put_off(tx: Tx, erasure_id: UUID, until: datetime) -> None:
    """It did not happen on its day."""
    await tx.execute(
        """update accounts.erasures set due_at = %(until)s, next_at = %(until)s, postponed = postponed + 1
           where id = %(id)s and state = 'waiting'""",
        id=erasure_id, until=until,
    )  # fmt: skip


async def postpone(tx: Tx, erasure_id: UUID, until: datetime) -> None:
    """The job looks again then."""
    await tx.execute(
        "update accounts.erasures set next_at = %(until)s where id = %(id)s and next_at is not null",
        id=erasure_id, until=until,
    )  # fmt: skip


async def close(
    tx: Tx, erasure_id: UUID, accounts: Sequence[UUID], contacts: Sequence[bytes], counts: dict[str, int], at: datetime,
    next_at: datetime,
) -> None:  # fmt: skip
    """The accounts are closed; what is to be erased is known by their former contacts."""
    await tx.execute(
        """update accounts.erasures set state = 'erasing', accounts = %(accounts)s, contacts = %(contacts)s, counts = %(counts)s,
                  closed_at = %(at)s, next_at = %(next)s where id = %(id)s""",
        id=erasure_id, accounts=list(accounts), contacts=list(contacts), counts=Jsonb(counts), at=at, next=next_at,
    )  # fmt: skip


async def note_step(tx: Tx, erasure_id: UUID, kind: str, count: int, *, is_done: bool) -> None:
    """Adds to what was erased of a kind, and whether that was all."""
    await tx.execute(
        """update accounts.erasures
           set counts = counts || jsonb_build_object(%(kind)s::text, coalesce((counts ->> %(kind)s)::int, 0) + %(count)s),
               done = case when %(is_done)s then array_append(done, %(kind)s::text) else done end
           where id = %(id)s""",
        id=erasure_id, kind=kind, count=count, is_done=is_done,
    )  # fmt: skip


async def finish(tx: Tx, erasure_id: UUID, at: datetime) -> None:
    """Nothing is left to do; the contacts are forgotten too."""
    await tx.execute(
        """update accounts.erasures set state = 'done', finished_at = %(at)s, next_at = null, contacts = '{}'
           where id = %(id)s""",
        id=erasure_id, at=at,
    )  # fmt: skip
