"""SQL of consents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .rights_model import Consent

_CONSENT: LiteralString = """select account_id, purpose, version, text_digest, place, given_at, withdrawn_at
    from accounts.consents """


async def insert(
    tx: Tx, *, consent_id: UUID, account_id: UUID, purpose: str, version: str, digest: bytes, place: str, at: datetime
) -> None:
    """Keeps a consent; one that stands already stays as it is."""
    await tx.execute(
        """insert into accounts.consents (id, account_id, purpose, version, text_digest, place, given_at)
           values (%(id)s, %(account)s, %(purpose)s, %(version)s, %(digest)s, %(place)s, %(at)s)
           on conflict (account_id, purpose, version) where withdrawn_at is null do nothing""",
        id=consent_id, account=account_id, purpose=purpose, version=version, digest=digest, place=place, at=at,
    )  # fmt: skip


async def withdraw(tx: Tx, account_id: UUID, purpose: str, at: datetime) -> int:
    """Ends what stands, of every account of the person."""
    return await tx.execute(
        """update accounts.consents set withdrawn_at = %(at)s
           where account_id in (select accounts.members(%(account)s)) and purpose = %(purpose)s and withdrawn_at is null""",
        account=account_id, purpose=purpose, at=at,
    )  # fmt: skip


async def withdraw_all(tx: Tx, accounts: Sequence[UUID], at: datetime) -> int:
    """Ends what stands, of these accounts."""
    return await tx.execute(
        """update accounts.consents set withdrawn_at = %(at)s
           where account_id = any(%(accounts)s) and withdrawn_at is null""",
        accounts=list(accounts), at=at,
    )  # fmt: skip


async def stands(tx: ReadTx, account_id: UUID, purpose: str, version: str) -> bool:
    return bool(
        await tx.value(
            """select true from accounts.consents
               where account_id in (select accounts.members(%(account)s)) and purpose = %(purpose)s
                 and version = %(version)s and withdrawn_at is null limit 1""",
            account=account_id, purpose=purpose, version=version,
        )
    )  # fmt: skip


async def of_person(tx: ReadTx, account_id: UUID) -> list[Consent]:
    return await tx.rows(
        Consent,
        _CONSENT + "where account_id in (select accounts.members(%(account)s)) order by given_at desc",
        account=account_id,
    )


async def of_accounts(tx: ReadTx, accounts: Sequence[UUID]) -> list[Consent]:
    return await tx.rows(
        Consent, _CONSENT + "where account_id = any(%(accounts)s) order by given_at", accounts=list(accounts)
    )
