"""All SQL of accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from holdfast.kit.db import ReadTx, Tx


class Code(msgspec.Struct, frozen=True):
    """A code: its digest, and whether it may still be used."""

    id: UUID
    code_hash: bytes
    source: str
    tries_left: int
    tries_left_elsewhere: int
    expires_at: datetime
    used_at: datetime | None
    used_for: bytes | None


async def codes_since(
    tx: ReadTx, index: bytes, source: str, since: datetime, device: bytes | None
) -> tuple[int, int, datetime | None]:
    """Codes since then: for a contact by this known device (None: by all unknown ones), from a source; and the last of the first."""
    [(by_contact, by_source, last)] = await tx.tuples(
        """select count(*) filter (where phone_index = %(index)s and device is not distinct from %(device)s),
                  count(*) filter (where source = %(source)s),
                  max(created_at) filter (where phone_index = %(index)s and device is not distinct from %(device)s)
           from accounts.codes where created_at > %(since)s and (phone_index = %(index)s or source = %(source)s)""",
        index=index, source=source, since=since, device=device,
    )  # fmt: skip
    return by_contact, by_source, last


async def insert_code(
    tx: Tx, *, code_id: UUID, channel: str, contact: bytes, index: bytes, source: str, device: bytes | None, purpose: str,
    code_hash: bytes, tries: int, at: datetime, expires_at: datetime,
) -> None:  # fmt: skip
    """Writes a code; only its digest is kept."""
    await tx.execute(
        """insert into accounts.codes (id, channel, phone, phone_index, source, device, purpose, code_hash, tries_left,
                                       tries_left_elsewhere, created_at, expires_at)
           values (%(id)s, %(channel)s, %(contact)s, %(index)s, %(source)s, %(device)s, %(purpose)s, %(hash)s, %(tries)s,
                   %(tries)s, %(at)s, %(expires)s)""",
        id=code_id, channel=channel, contact=contact, index=index, source=source, device=device, purpose=purpose,
        hash=code_hash, tries=tries, at=at, expires=expires_at,
    )  # fmt: skip


async def newest_code(tx: Tx, index: bytes, purpose: str) -> Code | None:
    """The newest code of a contact for one purpose, locked, used or not: older ones no longer count."""
    return await tx.maybe(
        Code,
        """select id, code_hash, source, tries_left, tries_left_elsewhere, expires_at, used_at, used_for from accounts.codes
           where phone_index = %(index)s and purpose = %(purpose)s order by created_at desc limit 1 for update""",
        index=index, purpose=purpose,
    )  # fmt: skip


async def use_try(tx: Tx, code_id: UUID, *, elsewhere: bool) -> None:
    """One try less, of those for the place that asked or of those for all others."""
    await tx.execute(
        """update accounts.codes set tries_left = tries_left - (not %(elsewhere)s)::int,
                                     tries_left_elsewhere = tries_left_elsewhere - %(elsewhere)s::int where id = %(id)s""",
        id=code_id, elsewhere=elsewhere,
    )  # fmt: skip


async def use_code(tx: Tx, code_id: UUID, at: datetime, used_for: bytes | None) -> None:
    """A code counts for one request."""
    await tx.execute(
        "update accounts.codes set used_at = %(at)s, used_for = %(for)s where id = %(id)s",
        id=code_id,
        at=at,
        **{"for": used_for},
    )


async def account_of(tx: ReadTx, kind: str, index: bytes) -> UUID | None:
    """The account that a phone, an e-mail address or an identity elsewhere identifies."""
    found: UUID | None = await tx.value(
        "select account_id from accounts.identifiers where kind = %(kind)s and value_index = %(index)s",
        kind=kind, index=index,
    )  # fmt: skip
    return found


async def account_of_phone(tx: ReadTx, phone_index: bytes) -> UUID | None:
    """The account that a phone identifies."""
    return await account_of(tx, "phone", phone_index)


async def insert_account(tx: Tx, account_id: UUID, locale: str, at: datetime) -> None:
    """A new person, alone in its cluster."""
    await tx.execute(
        "insert into accounts.accounts (id, root, locale, created_at) values (%(id)s, %(id)s, %(locale)s, %(at)s)",
        id=account_id, locale=locale, at=at,
    )  # fmt: skip


async def insert_identifier(
    tx: Tx, *, identifier_id: UUID, account_id: UUID, kind: str, value: bytes, index: bytes, masked: str, at: datetime
) -> None:  # fmt: skip
    """Something proven that identifies an account."""
    await tx.execute(
        """insert into accounts.identifiers (id, account_id, kind, value, value_index, masked, verified_at)
           values (%(id)s, %(account)s, %(kind)s, %(value)s, %(index)s, %(masked)s, %(at)s)""",
        id=identifier_id, account=account_id, kind=kind, value=value, index=index, masked=masked, at=at,
    )  # fmt: skip


async def insert_session(
    tx: Tx, *, token_hash: bytes, account_id: UUID, kept: bool, device: str, form: int, facts: dict[str, Any], at: datetime,
    expires_at: datetime,
) -> None:  # fmt: skip
    """Begins a session, proven now."""
    await tx.execute(
        """insert into accounts.sessions (token_hash, account_id, kept, device, format, facts, created_at, seen_at, proven_at,
                                          expires_at)
           values (%(hash)s, %(account)s, %(kept)s, %(device)s, %(format)s, %(facts)s, %(at)s, %(at)s, %(at)s, %(expires)s)""",
        hash=token_hash, account=account_id, kept=kept, device=device, format=form, facts=Jsonb(facts), at=at,
        expires=expires_at,
    )  # fmt: skip


class Found(msgspec.Struct, frozen=True):
    """A live session and the digest it was found by; `facts` as whatever release wrote them."""

    token_hash: bytes
    account_id: UUID
    phone_masked: str
    kept: bool
    expires_at: datetime
    proven_at: datetime | None
    seen_at: datetime | None
    facts: Any


async def live_sessions(tx: ReadTx, token_hashes: list[bytes], now: datetime) -> list[Found]:
    """The live sessions among these digests; a phone is shown before anything else that identifies the account."""
    return await tx.rows(
        Found,
        """select s.token_hash, s.account_id, s.kept, s.expires_at, s.proven_at, s.seen_at, s.facts,
                  coalesce((select i.masked from accounts.identifiers i where i.account_id = s.account_id
                            order by i.kind <> 'phone', i.kind <> 'email', i.verified_at limit 1), '') as phone_masked
           from accounts.sessions s
           where s.token_hash = any(%(hashes)s) and s.ended_at is null and s.expires_at > %(now)s""",
        hashes=token_hashes, now=now,
    )  # fmt: skip


async def touch_sessions(tx: Tx, token_hashes: list[bytes], at: datetime) -> None:
    """They are in use."""
    await tx.execute(
        """update accounts.sessions set seen_at = %(at)s where token_hash in (
               select s.token_hash from accounts.sessions s where s.token_hash = any(%(hashes)s)
               order by s.token_hash for update skip locked)""",
        hashes=token_hashes, at=at,
    )  # fmt: skip


async def note_proof(tx: Tx, token_hash: bytes, at: datetime) -> None:
    """The person proved again who they are."""
    await tx.execute(
        "update accounts.sessions set proven_at = %(at)s, seen_at = %(at)s where token_hash = %(hash)s and ended_at is null",
        hash=token_hash, at=at,
    )  # fmt: skip


class LiveDevice(msgspec.Struct, frozen=True):
    """A live session in its owner's list."""

    device: str
    kept: bool
    created_at: datetime
    expires_at: datetime
    token_hash: bytes
    seen_at: datetime
    facts: Any


async def devices(tx: ReadTx, account_id: UUID, now: datetime) -> list[LiveDevice]:
    """The live sessions of the person behind an account, last used first."""
    return await tx.rows(
        LiveDevice,
        """select device, kept, created_at, expires_at, token_hash, coalesce(seen_at, created_at) as seen_at, facts
           from accounts.sessions
           where account_id in (select accounts.members(%(account)s)) and ended_at is null and expires_at > %(now)s
           order by coalesce(seen_at, created_at) desc""",
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
