"""The SQL of credentials: identifiers, passwords, passkeys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx, Tx

from .credentials_model import Identifier, Passkey


class Sealed(msgspec.Struct, frozen=True):
    """An identifier with its value."""

    id: UUID
    account_id: UUID
    kind: str
    value: bytes
    masked: str


class StoredPasskey(msgspec.Struct, frozen=True):
    """What an answer is verified with, and whose it is."""

    id: UUID
    account_id: UUID | None
    staff_id: UUID | None
    credential_id: bytes
    public_key: bytes
    sign_count: int


async def identifiers(tx: ReadTx, account_id: UUID) -> list[Identifier]:
    """What identifies an account, phones first."""
    return await tx.rows(
        Identifier,
        """select id, kind, masked, verified_at from accounts.identifiers where account_id = %(account)s
           order by kind <> 'phone', kind <> 'email', verified_at""",
        account=account_id,
    )


async def sealed_identifiers(tx: ReadTx, account_id: UUID) -> list[Sealed]:
    """The same with their values."""
    return await tx.rows(
        Sealed,
        """select id, account_id, kind, value, masked from accounts.identifiers where account_id = %(account)s
           order by kind <> 'phone', kind <> 'email', verified_at""",
        account=account_id,
    )


async def delete_identifier(tx: Tx, account_id: UUID, identifier_id: UUID) -> None:
    """Takes an identifier off an account."""
    await tx.execute(
        "delete from accounts.identifiers where id = %(id)s and account_id = %(account)s",
        id=identifier_id, account=account_id,
    )  # fmt: skip


async def lock_account(tx: Tx, account_id: UUID) -> None:
    """One change of an account's credentials at a time."""
    await tx.value("select id from accounts.accounts where id = %(id)s for no key update", id=account_id)


async def locale_of(tx: ReadTx, account_id: UUID) -> str:
    return str(await tx.value("select locale from accounts.accounts where id = %(id)s", id=account_id) or "zh")


async def password_of(tx: ReadTx, account_id: UUID) -> tuple[str, datetime] | None:
    """The hash of an account's password, and since when."""
    rows = await tx.tuples("select hash, set_at from accounts.passwords where account_id = %(id)s", id=account_id)
    return (rows[0][0], rows[0][1]) if rows else None


async def set_password(tx: Tx, account_id: UUID, password_hash: str, at: datetime) -> None:
    await tx.execute(
        """insert into accounts.passwords (account_id, hash, set_at) values (%(id)s, %(hash)s, %(at)s)
           on conflict (account_id) do update set hash = excluded.hash, set_at = excluded.set_at""",
        id=account_id, hash=password_hash, at=at,
    )  # fmt: skip


async def delete_password(tx: Tx, account_id: UUID) -> bool:
    return bool(await tx.execute("delete from accounts.passwords where account_id = %(id)s", id=account_id))


async def passkeys(tx: ReadTx, account_id: UUID | None, staff_id: UUID | None = None) -> list[Passkey]:
    """The passkeys of an account or of a member of staff, oldest first."""
    return await tx.rows(
        Passkey,
        """select id, name, synced, created_at, used_at from accounts.passkeys
           where account_id = %(account)s or staff_id = %(staff)s order by created_at""",
        account=account_id, staff=staff_id,
    )  # fmt: skip


async def passkey_ids(tx: ReadTx, account_id: UUID | None, staff_id: UUID | None = None) -> list[bytes]:
    """Their credential ids, so that a device is not asked for a second one."""
    return [
        bytes(one)
        for one in await tx.values(
            "select credential_id from accounts.passkeys where account_id = %(account)s or staff_id = %(staff)s",
            account=account_id, staff=staff_id,
        )
    ]  # fmt: skip


async def passkey(tx: Tx, credential_id: bytes) -> StoredPasskey | None:
    """A passkey, locked: its counter moves with each use."""
    return await tx.maybe(
        StoredPasskey,
        """select id, account_id, staff_id, credential_id, public_key, sign_count from accounts.passkeys
           where credential_id = %(id)s for update""",
        id=credential_id,
    )


async def insert_passkey(
    tx: Tx, *, passkey_id: UUID, account_id: UUID | None, staff_id: UUID | None, credential_id: bytes, public_key: bytes,
    sign_count: int, transports: Sequence[str], synced: bool, name: str, at: datetime,
) -> bool:  # fmt: skip
    """Keeps a passkey; False when it is there already."""
    return bool(
        await tx.execute(
            """insert into accounts.passkeys (id, account_id, staff_id, credential_id, public_key, sign_count, transports, synced,
                                              name, created_at)
               values (%(id)s, %(account)s, %(staff)s, %(credential)s, %(key)s, %(count)s, %(transports)s, %(synced)s, %(name)s,
                       %(at)s)
               on conflict on constraint passkey_unique do nothing""",
            id=passkey_id, account=account_id, staff=staff_id, credential=credential_id, key=public_key, count=sign_count,
            transports=list(transports), synced=synced, name=name, at=at,
        )
    )  # fmt: skip


async def use_passkey(tx: Tx, passkey_id: UUID, sign_count: int, *, synced: bool, at: datetime) -> None:
    await tx.execute(
        "update accounts.passkeys set sign_count = %(count)s, synced = %(synced)s, used_at = %(at)s where id = %(id)s",
        id=passkey_id, count=sign_count, synced=synced, at=at,
    )  # fmt: skip


async def delete_passkey(tx: Tx, passkey_id: UUID) -> None:
    await tx.execute("delete from accounts.passkeys where id = %(id)s", id=passkey_id)


async def delete_staff_passkeys(tx: Tx, staff_id: UUID) -> int:
    return await tx.execute("delete from accounts.passkeys where staff_id = %(staff)s", staff=staff_id)


async def spend_challenge(tx: Tx, digest: bytes, expires_at: datetime) -> bool:
    """A challenge counts once; False when it has been answered."""
    return bool(
        await tx.execute(
            """insert into accounts.spent_challenges (digest, expires_at) values (%(digest)s, %(expires)s)
               on conflict (digest) do nothing""",
            digest=digest, expires=expires_at,
        )
    )  # fmt: skip
