"""What cases hold about people: in a copy of their data, in an erasure, and how long closed ones keep their words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.accounts.rights import eraser, exported, foreseen
from holdfast.accounts.rights_model import Erased, Foreseen, Progress
from holdfast.kit import clock, crypto, retention
from holdfast.kit.db import ReadTx, Tx

from . import cases, rights_store, store


class HeldWords(msgspec.Struct, frozen=True):
    """One message of a case. `author`: traveller, staff (which colleague is not told) or system."""

    author: str
    body: str
    at: datetime


class HeldCase(msgspec.Struct, frozen=True):
    """A case with everything that was written in it and how it was rated."""

    number: str
    kind: str
    state: str
    order_number: str | None
    phone: str
    opened_at: datetime
    closed_at: datetime | None
    messages: list[HeldWords]
    score: int | None
    why: str | None


@exported("cases", HeldCase)
async def held(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldCase]:
    """Cases of the accounts and of their phones."""
    return [
        HeldCase(
            number=row.number, kind=row.kind, state=row.state, order_number=row.order_number,
            phone=crypto.unseal(cases.PHONE, bytes(row.phone)) if row.phone else "", opened_at=row.opened_at,
            closed_at=row.closed_at, score=row.score, why=row.why,
            messages=[
                HeldWords(one.author, cases.opened(bytes(one.body)), one.at) for one in await store.messages(tx, row.id)
            ],
        )
        for row in await rights_store.of_accounts(tx, accounts)
    ]  # fmt: skip


@foreseen("cases")
async def foresee(tx: ReadTx, accounts: Sequence[UUID], now: datetime) -> list[Foreseen]:
    """What was written goes; open cases end."""
    found = await rights_store.of_accounts(tx, accounts)
    return [Foreseen("cases", len(found), "What was written in your cases goes, and open ones are closed.")]


@eraser("cases")
async def erase(tx: Tx, erased: Erased, limit: int) -> Progress:
    """Words, evidence and phones of the person's cases."""
    found = await rights_store.to_erase(tx, erased.accounts, erased.contacts, limit)
    await rights_store.erase(tx, found, clock.now())
    return Progress(len(found))


@retention.rule("words of closed cases", "cases_kept_days")
async def forget_cases(tx: Tx, before: datetime, limit: int) -> int:
    """So long after a case was closed its words serve as the record of what was agreed (E-commerce Law art. 31: three years)."""
    found = await rights_store.older_than(tx, before, limit)
    await rights_store.erase(tx, found, clock.now())
    return len(found)
