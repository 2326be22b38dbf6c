"""SQL of cases in a copy of somebody's data, and of erasing them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx


class HeldRow(msgspec.Struct, frozen=True):
    """A case as it goes into a copy; its phone sealed."""

    id: UUID
    number: str
    kind: str
    state: str
    order_number: str | None
    phone: bytes
    opened_at: datetime
    closed_at: datetime | None
    score: int | None
    why: str | None


async def of_accounts(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldRow]:
    """Every case that these accounts opened, or that was opened with a phone of theirs, the oldest first."""
    return await tx.rows(
        HeldRow,
        """select c.id, c.number, c.kind, c.state, o.number as order_number, c.phone, c.opened_at, c.closed_at, r.score, r.words as why
           from support.cases c left join orders.orders o on o.id = c.order_id left join support.ratings r on r.case_id = c.id
           where c.account_id = any(%(accounts)s) or c.phone_index in (
                 select value_index from accounts.identifiers where kind = 'phone' and account_id = any(%(accounts)s))
           order by c.opened_at""",
        accounts=list(accounts),
    )


async def to_erase(tx: Tx, accounts: Sequence[UUID], contacts: Sequence[bytes], limit: int) -> list[UUID]:
    """Cases of erased accounts or phones that still hold something, locked."""
    return await tx.values(
        """select id from support.cases where phone <> '' and (account_id = any(%(accounts)s) or phone_index = any(%(contacts)s))
           order by id limit %(limit)s for no key update""",
        accounts=list(accounts), contacts=list(contacts), limit=limit,
    )  # fmt: skip


async def older_than(tx: Tx, before: datetime, limit: int) -> list[UUID]:
    """Cases that were closed before a moment and still hold something, locked."""
    return await tx.values(
        """select id from support.cases where phone <> '' and state = 'closed' and closed_at < %(before)s
           order by closed_at limit %(limit)s for no key update skip locked""",
        before=before, limit=limit,
    )  # fmt: skip


async def erase(tx: Tx, case_ids: list[UUID], at: datetime) -> None:
    """That there was a case stays, with its times; words, evidence and phone go, and nobody is waited for any more."""
    await tx.execute("update support.messages set body = '' where case_id = any(%(ids)s) and body <> ''", ids=case_ids)
    await tx.execute(
        "update support.evidence set content = '{}' where case_id = any(%(ids)s) and content <> '{}'", ids=case_ids
    )
    await tx.execute("update support.ratings set words = '' where case_id = any(%(ids)s)", ids=case_ids)
    await tx.execute(
        """update support.cases set phone = '', phone_masked = '', phone_index = sha256(convert_to('erased:' || id::text, 'UTF8')),
                  state = 'closed', waiting_since = null, sla_due_at = null, closed_at = coalesce(closed_at, %(at)s)
           where id = any(%(ids)s)""",
        ids=case_ids, at=at,
    )  # fmt: skip
