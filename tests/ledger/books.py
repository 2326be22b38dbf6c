"""Short words for the ledger's tests: accounts, one-journal transactions, and what is left."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from holdfast import ledger
from holdfast.kit import checks, clock
from holdfast.kit.db import Db
from holdfast.ledger import Account, Leg, credit, debit
from holdfast.ledger import checks as own

_numbers = itertools.count(1)


def new(code: str, currency: str = "CNY") -> Account:
    """An account that nobody else uses."""
    return Account(code, f"test:{next(_numbers)}", currency)


def key() -> str:
    return f"key-{next(_numbers)}"


def move(source: Account, target: Account, amount: int) -> list[Leg]:
    """So much from one credit-normal account to another, or any pair: debit the first, credit the second."""
    return [debit(source, amount), credit(target, amount)]


async def record(db: Db, legs: Sequence[Leg], name: str | None = None, **given: Any) -> UUID:
    given = {"subject": "test:subject", "at": clock.now(), **given}
    return await db.run(ledger.record, given.pop("kind", "test"), name or key(), legs, **given)


async def pend(db: Db, legs: Sequence[Leg], name: str | None = None, **given: Any) -> UUID:
    given = {"subject": "test:subject", "at": clock.now(), **given}
    return await db.run(ledger.pend, given.pop("kind", "test"), name or key(), legs, **given)


async def post(db: Db, journal: UUID, name: str | None = None) -> UUID:
    return await db.run(ledger.post, journal, name or key(), at=clock.now())


async def void(db: Db, journal: UUID, name: str | None = None) -> UUID:
    return await db.run(ledger.void, journal, name or key(), at=clock.now())


async def reverse(db: Db, journal: UUID, name: str | None = None) -> UUID:
    return await db.run(ledger.reverse, journal, name or key(), at=clock.now())


async def received(db: Db, amount: int, code: str = "2010") -> tuple[Account, Account]:
    """A provider's account and a guarded one on which so much came."""
    provider, order = new("1010"), new(code)
    await record(db, move(provider, order, amount))
    return provider, order


async def left(db: Db, account: Account) -> tuple[int, int]:
    """Posted and available."""
    found = await db.read(ledger.balance, account)
    return found.amount_minor, found.available_minor


async def require_invariants(db: Db) -> None:
    """AssertionError with the ledger's sentences that do not hold, and who breaks them; its journals here are nobody's payments."""
    broken = {}
    async with db.reading() as tx:
        for sentence, query in checks.REGISTRY.items():
            if query.__module__ == own.__name__ and (offenders := await query(tx)):
                broken[sentence] = offenders[:5]
    assert not broken, broken
