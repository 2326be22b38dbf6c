"""The SQL with which the drill of the mass lock sets its stage and counts; no command could make so many so fast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from holdfast.accounts import sessions
from holdfast.accounts.contacts import mask_phone
from holdfast.kit.db import ReadTx, Tx


async def open_person(tx: Tx, phone: str, password_hash: str, at: datetime) -> UUID:
    """An account with a phone and a password."""
    account_id = await sessions.open_account(tx, "zh")
    await sessions.identify(tx, account_id, "phone", phone, mask_phone(phone))
    await tx.execute(
        "insert into accounts.passwords (account_id, hash, set_at) values (%(id)s, %(hash)s, %(at)s)",
        id=account_id, hash=password_hash, at=at,
    )  # fmt: skip
    return account_id


async def fail_before(tx: Tx, subjects: Sequence[bytes], failed: int, at: datetime) -> None:
    """Each of these credentials has failed so often in a row on unknown devices."""
    await tx.execute(
        """insert into accounts.failures (subject, place, failed, last_at)
           select s, '', %(failed)s, %(at)s from unnest(%(subjects)s::bytea[]) as s
           on conflict (subject, place) do update set failed = excluded.failed""",
        subjects=list(subjects), failed=failed, at=at,
    )  # fmt: skip


async def tries_until(tx: ReadTx, at: datetime) -> float:
    """How many tries were written down when a breaker opened."""
    return float(await tx.value("select count(*) from accounts.sign_ins where at <= %(at)s and not succeeded", at=at))


async def forget_tries(tx: Tx) -> None:
    """Nothing was ever tried."""
    await tx.execute("delete from accounts.sign_ins")
    await tx.execute("delete from accounts.failures")
    await tx.execute("delete from admission.windows")
