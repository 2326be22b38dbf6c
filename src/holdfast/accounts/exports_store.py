"""SQL of copies of personal data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .rights_model import Export

_EXPORT: LiteralString = """select id, account_id, accounts, state, asked_at, built_at, expires_at, size_bytes, fetched
    from accounts.exports """


async def insert(tx: Tx, export_id: UUID, account_id: UUID, accounts: Sequence[UUID], at: datetime) -> bool:
    """Asks for a copy; False when one is being made for this account."""
    return bool(
        await tx.execute(
            """insert into accounts.exports (id, account_id, accounts, asked_at) values (%(id)s, %(account)s, %(accounts)s, %(at)s)
               on conflict (account_id) where state = 'asked' do nothing""",
            id=export_id, account=account_id, accounts=list(accounts), at=at,
        )
    )  # fmt: skip


async def one(tx: ReadTx, export_id: UUID) -> Export | None:
    return await tx.maybe(Export, _EXPORT + "where id = %(id)s", id=export_id)


async def waiting(tx: ReadTx, account_id: UUID) -> Export | None:
    """The copy that is being made for an account."""
    return await tx.maybe(Export, _EXPORT + "where account_id = %(id)s and state = 'asked'", id=account_id)


async def of_person(tx: ReadTx, account_id: UUID) -> list[Export]:
    return await tx.rows(
        Export,
        _EXPORT + "where account_id in (select accounts.members(%(account)s)) order by asked_at desc limit 100",
        account=account_id,
    )


async def of_accounts(tx: ReadTx, accounts: Sequence[UUID]) -> list[Export]:
    return await tx.rows(
        Export, _EXPORT + "where account_id = any(%(accounts)s) order by asked_at", accounts=list(accounts)
    )


async def content(tx: ReadTx, export_id: UUID) -> bytes | None:
    """The sealed file, as long as it is there."""
    found = await tx.value("select content from accounts.exports where id = %(id)s", id=export_id)
    return bytes(found) if found is not None else None


async def finish(tx: Tx, export_id: UUID, sealed: bytes, size: int, at: datetime, expires_at: datetime) -> bool:
    """Writes the file of a copy; False when it is written already or was ended meanwhile."""
    return bool(
        await tx.execute(
            """update accounts.exports set state = 'ready', content = %(content)s, size_bytes = %(size)s, built_at = %(at)s,
                      expires_at = %(expires)s where id = %(id)s and state = 'asked'""",
            id=export_id, content=sealed, size=size, at=at, expires=expires_at,
        )
    )  # fmt: skip


async def count_fetch(tx: Tx, export_id: UUID) -> None:
    await tx.execute("update accounts.exports set fetched = fetched + 1 where id = %(id)s", id=export_id)


async def end(tx: Tx, before: datetime, limit: int) -> int:
    """Takes the files of copies that were made before then."""
    return await tx.execute(
        """update accounts.exports set state = 'ended', content = null where id in (
               select id from accounts.exports where state = 'ready' and built_at <= %(before)s limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip


async def end_of(tx: Tx, accounts: Sequence[UUID]) -> int:
    """Takes every file in which data of these accounts are, and ends what was asked for."""
    return await tx.execute(
        """update accounts.exports set state = 'ended', content = null
           where state <> 'ended' and accounts && %(accounts)s::uuid[]""",
        accounts=list(accounts),
    )
