"""All SQL of accounts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .model import Device, Session


class Code(msgspec.Struct, frozen=True):
    """A sign-in code: its digest, and whether it may still be used."""

    id: UUID
    code_hash: bytes
    tries_left: int
    expires_at: datetime
    used_at: datetime | None
    used_for: bytes | None


async def codes_since(tx: ReadTx, phone_index: bytes, source: str, since: datetime) -> tuple[int, int, datetime | None]:
    """How many codes were asked for a phone and from a source since then, and the last for the phone."""
    [(by_phone, by_source, last)] = await tx.tuples(
        """select count(*) filter (where phone_index = %(phone)s), count(*) filter (where source = %(source)s),
                  max(created_at) filter (where phone_index = %(phone)s)
           from accounts.codes where created_at > %(since)s and (phone_index = %(phone)s or source = %(source)s)""",
        phone=phone_index, source=source, since=since,
    )  # fmt: skip
    return by_phone, by_source, last


async def insert_code(
    tx: Tx,
    *,
    code_id: UUID,
    phone: bytes,
    phone_index: bytes,
    source: str,
    code_hash: bytes,
    tries: int,
    at: datetime,
    expires_at: datetime,
) -> None:
    """Writes a code; only its digest is kept."""
    await tx.execute(
        """insert into accounts.codes (id, phone, phone_index, source, code_hash, tries_left, created_at, expires_at)
           values (%(id)s, %(phone)s, %(index)s, %(source)s, %(hash)s, %(tries)s, %(at)s, %(expires)s)""",
        id=code_id, phone=phone, index=phone_index, source=source, hash=code_hash, tries=tries, at=at, expires=expires_at,
    )  # fmt: skip


async def newest_code(tx: Tx, phone_index: bytes) -> Code | None:
    """The newest code of a phone, locked, used or not: older ones no longer count."""
    return await tx.maybe(
        Code,
        """select id, code_hash, tries_left, expires_at, used_at, used_for from accounts.codes
           where phone_index = %(phone)s order by created_at desc limit 1 for update""",
        phone=phone_index,
    )


async def use_try(tx: Tx, code_id: UUID) -> None:
    """One try less."""
    await tx.execute("update accounts.codes set tries_left = tries_left - 1 where id = %(id)s", id=code_id)


async def use_code(tx: Tx, code_id: UUID, at: datetime, used_for: bytes | None) -> None:
    """A code counts for one request."""
    await tx.execute(
        "update accounts.codes set used_at = %(at)s, used_for = %(for)s where id = %(id)s",
        id=code_id,
        at=at,
        **{"for": used_for},
    )


async def account_of_phone(tx: ReadTx, phone_index: bytes) -> UUID | None:
    """The account that a phone identifies."""
    found: UUID | None = await tx.value(
        "select account_id from accounts.identifiers where kind = 'phone' and value_index = %(phone)s",
        phone=phone_index,
    )
    return found


async def insert_account(tx: Tx, account_id: UUID, locale: str, at: datetime) -> None:
    """A new person, alone in its cluster."""
    await tx.execute(
        "insert into accounts.accounts (id, root, locale, created_at) values (%(id)s, %(id)s, %(locale)s, %(at)s)",
        id=account_id, locale=locale, at=at,
    )  # fmt: skip


async def insert_phone(
    tx: Tx, *, identifier_id: UUID, account_id: UUID, phone: bytes, phone_index: bytes, masked: str, at: datetime
) -> None:
    """A proven phone of an account."""
    await tx.execute(
        """insert into accounts.identifiers (id, account_id, kind, value, value_index, masked, verified_at)
           values (%(id)s, %(account)s, 'phone', %(phone)s, %(index)s, %(masked)s, %(at)s)""",
        id=identifier_id, account=account_id, phone=phone, index=phone_index, masked=masked, at=at,
    )  # fmt: skip


async def insert_session(
    tx: Tx, *, token_hash: bytes, account_id: UUID, kept: bool, device: str, at: datetime, expires_at: datetime
) -> None:
    """Begins a session."""
    await tx.execute(
        """insert into accounts.sessions (token_hash, account_id, kept, device, created_at, expires_at)
           values (%(hash)s, %(account)s, %(kept)s, %(device)s, %(at)s, %(expires)s)""",
        hash=token_hash, account=account_id, kept=kept, device=device, at=at, expires=expires_at,
    )  # fmt: skip


class Found(msgspec.Struct, frozen=True):
    """A live session and the digest it was found by."""

    token_hash: bytes
    account_id: UUID
    phone_masked: str
    kept: bool
    expires_at: datetime


async def live_sessions(tx: ReadTx, token_hashes: list[bytes], now: datetime) -> dict[bytes, Session]:
    """The live sessions among these digests."""
    rows = await tx.rows(
        Found,
        """select s.token_hash, s.account_id, s.kept, s.expires_at, coalesce((select i.masked from accounts.identifiers i
                    where i.account_id = s.account_id and i.kind = 'phone' order by i.verified_at limit 1), '') as phone_masked
           from accounts.sessions s
           where s.token_hash = any(%(hashes)s) and s.ended_at is null and s.expires_at > %(now)s""",
        hashes=token_hashes, now=now,
    )  # fmt: skip
    return {bytes(row.token_hash): Session(row.account_id, row.phone_masked, row.kept, row.expires_at) for row in rows}


async def devices(tx: ReadTx, account_id: UUID, now: datetime) -> list[Device]:
    """The live sessions of the person behind an account, newest first."""
    return await tx.rows(
        Device,
        """select device, kept, created_at, expires_at, token_hash from accounts.sessions
           where account_id in (select accounts.members(%(account)s)) and ended_at is null and expires_at > %(now)s
           order by created_at desc""",
        account=account_id, now=now,
    )  # fmt: skip


async def end_session(tx: Tx, token_hash: bytes, at: datetime) -> None:
    """Ends one session."""
    await tx.execute(
        "update accounts.sessions set ended_at = %(at)s where token_hash = %(hash)s and ended_at is null",
        hash=token_hash, at=at,
    )  # fmt: skip


async def end_sessions(tx: Tx, account_id: UUID, at: datetime) -> int:
    """Ends every session of the person behind an account; how many there were."""
    return await tx.execute(
        """update accounts.sessions set ended_at = %(at)s
           where account_id in (select accounts.members(%(account)s)) and ended_at is null""",
        account=account_id, at=at,
    )  # fmt: skip


async def phone_of(tx: ReadTx, account_id: UUID) -> bytes | None:
    """The sealed first phone of an account."""
    found: bytes | None = await tx.value(
        "select value from accounts.identifiers where account_id = %(id)s and kind = 'phone' order by verified_at limit 1",
        id=account_id,
    )
    return found
