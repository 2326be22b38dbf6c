"""SQL of what accounts itself holds about a person: for copies, for what an erasure would do, and for the erasure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .held_model import (
    Contact,
    HeldAccount,
    HeldAct,
    HeldDevice,
    HeldLink,
    HeldPasskey,
    HeldPassword,
    HeldRestriction,
    HeldSession,
    HeldSignIn,
)


async def accounts(tx: ReadTx, ids: Sequence[UUID]) -> list[HeldAccount]:
    return await tx.rows(
        HeldAccount,
        """select id as account_id, root as person_id, locale, created_at, erased_at from accounts.accounts
           where id = any(%(ids)s) order by id""",
        ids=list(ids),
    )


async def contacts(tx: ReadTx, ids: Sequence[UUID]) -> list[Contact]:
    """What identifies the accounts, sealed."""
    return await tx.rows(
        Contact,
        """select account_id, kind, value, value_index, verified_at from accounts.identifiers
           where account_id = any(%(ids)s) order by account_id, verified_at""",
        ids=list(ids),
    )


async def sessions(tx: ReadTx, ids: Sequence[UUID]) -> list[HeldSession]:
    return await tx.rows(
        HeldSession,
        """select account_id, device, kept, created_at, seen_at, expires_at, ended_at from accounts.sessions
           where account_id = any(%(ids)s) order by created_at""",
        ids=list(ids),
    )


async def devices(tx: ReadTx, ids: Sequence[UUID]) -> list[HeldDevice]:
    return await tx.rows(
        HeldDevice,
        """select account_id, method, first_at, last_at from accounts.devices
           where account_id = any(%(ids)s) order by first_at""",
        ids=list(ids),
    )


async def passkeys(tx: ReadTx, ids: Sequence[UUID]) -> list[HeldPasskey]:
    return await tx.rows(
        HeldPasskey,
        """select account_id, name as passkey_name, synced, created_at, used_at from accounts.passkeys
           where account_id = any(%(ids)s) order by created_at""",
        ids=list(ids),
    )


async def passwords(tx: ReadTx, ids: Sequence[UUID]) -> list[HeldPassword]:
    return await tx.rows(
        HeldPassword, "select account_id, set_at from accounts.passwords where account_id = any(%(ids)s)", ids=list(ids)
    )


async def sign_ins(tx: ReadTx, ids: Sequence[UUID]) -> list[HeldSignIn]:
    return await tx.rows(
        HeldSignIn,
        """select account_id, at, method, succeeded, why, device from accounts.sign_ins
           where account_id = any(%(ids)s) order by at""",
        ids=list(ids),
    )


async def restrictions(tx: ReadTx, ids: Sequence[UUID]) -> list[HeldRestriction]:
    return await tx.rows(
        HeldRestriction,
        """select account_id, scope, reason, created_at, expires_at, voided_at, void_reason from accounts.restrictions
           where account_id = any(%(ids)s) order by created_at""",
        ids=list(ids),
    )


async def links(tx: ReadTx, ids: Sequence[UUID]) -> list[HeldLink]:
    """Evidence may name what the other side has, so only its means are told."""
    return await tx.rows(
        HeldLink,
        """select id as link_id, a as one_account, b as other_account, coalesce(evidence ->> 'means', '') as proven_by,
                  made_at, ended_at, end_reason
           from accounts.links where a = any(%(ids)s) or b = any(%(ids)s) order by made_at""",
        ids=list(ids),
    )


async def acts(tx: ReadTx, ids: Sequence[UUID]) -> list[HeldAct]:
    """The audit trail: what the owners did, and what was done to their accounts. Which colleague it was is not told."""
    return await tx.rows(
        HeldAct,
        """select at, case when actor like 'staff:%%' then 'staff' else actor end as done_by, action, subject, details from kit.audit
           where actor = any(%(actors)s) or subject = any(%(subjects)s) order by id""",
        actors=[f"traveller:{one}" for one in ids], subjects=[f"account:{one}" for one in ids],
    )  # fmt: skip


async def counts(tx: ReadTx, ids: Sequence[UUID]) -> dict[str, int]:
    """How many things of each kind there are, for a preview."""
    [found] = await tx.dicts(
        """select (select count(*) from accounts.identifiers where account_id = any(%(ids)s)) as identifiers,
                  (select count(*) from accounts.passkeys where account_id = any(%(ids)s))
                + (select count(*) from accounts.passwords where account_id = any(%(ids)s)) as credentials,
                  (select count(*) from accounts.sessions where account_id = any(%(ids)s))
                + (select count(*) from accounts.devices where account_id = any(%(ids)s))
                + (select count(*) from accounts.sign_ins where account_id = any(%(ids)s)) as sessions,
                  (select count(*) from accounts.exports where accounts && %(ids)s::uuid[] and state <> 'ended') as exports,
                  (select count(*) from accounts.consents where account_id = any(%(ids)s)) as consents,
                  (select count(*) from accounts.links where a = any(%(ids)s) or b = any(%(ids)s)) as links""",
        ids=list(ids),
    )
    return {str(name): int(count) for name, count in found.items()}


async def audit_lines(tx: ReadTx, ids: Sequence[UUID]) -> int:
    return int(
        await tx.value(
            "select count(*) from kit.audit where actor = any(%(actors)s) or subject = any(%(subjects)s)",
            actors=[f"traveller:{one}" for one in ids], subjects=[f"account:{one}" for one in ids],
        )
    )  # fmt: skip


async def forget(tx: Tx, ids: Sequence[UUID], contacts: Sequence[bytes]) -> dict[str, int]:
    """Takes from accounts all that identifies or lets in; how many rows of each kind. Again: nothing is left to take."""
    args: dict[str, Any] = {"ids": list(ids), "contacts": list(contacts)}
    done = {"sessions": await tx.execute("delete from accounts.sessions where account_id = any(%(ids)s)", **args)}
    done["sessions"] += await tx.execute("delete from accounts.devices where account_id = any(%(ids)s)", **args)
    done["sessions"] += await tx.execute(
        "update accounts.sign_ins set account_id = null, device = '' where account_id = any(%(ids)s)", **args
    )
    done["credentials"] = await tx.execute("delete from accounts.passkeys where account_id = any(%(ids)s)", **args)
    done["credentials"] += await tx.execute("delete from accounts.passwords where account_id = any(%(ids)s)", **args)
    done["identifiers"] = await tx.execute("delete from accounts.identifiers where account_id = any(%(ids)s)", **args)
    await tx.execute("update accounts.restrictions set account_id = null where account_id = any(%(ids)s)", **args)
    await tx.execute("delete from accounts.codes where phone_index = any(%(contacts)s)", **args)
    await tx.execute("delete from accounts.proofs where account_id = any(%(ids)s) or asker = any(%(ids)s)", **args)
    await tx.execute(
        "delete from accounts.proof_codes where asker = any(%(ids)s) or phone_index = any(%(contacts)s)", **args
    )
    return done


async def close(tx: Tx, ids: Sequence[UUID], at: datetime) -> None:
    """The accounts are tombstones from now on."""
    await tx.execute(
        "update accounts.accounts set erased_at = %(at)s where id = any(%(ids)s) and erased_at is null",
        ids=list(ids), at=at,
    )  # fmt: skip


async def forget_codes(tx: Tx, before: datetime, limit: int) -> int:
    """Codes that were sent before then."""
    return await tx.execute(
        """delete from accounts.codes where id in (
               select id from accounts.codes where created_at < %(before)s limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip


async def forget_sessions(tx: Tx, before: datetime, limit: int) -> int:
    """Sessions that ended, or were over, before then."""
    return await tx.execute(
        """delete from accounts.sessions where token_hash in (
               select token_hash from accounts.sessions
               where least(coalesce(ended_at, expires_at), expires_at) < %(before)s limit %(limit)s)""",
        before=before, limit=limit,
    )  # fmt: skip


async def lines_of_subjects(tx: ReadTx, ids: Sequence[UUID], subjects: Sequence[str]) -> list[HeldAct]:
    """The audit trail about other things, without what the owners of the accounts did."""
    return await tx.rows(
        HeldAct,
        """select at, case when actor like 'staff:%%' then 'staff' else actor end as done_by, action, subject, details
           from kit.audit where subject = any(%(subjects)s) and actor <> all(%(actors)s) order by id""",
        subjects=list(subjects), actors=[f"traveller:{one}" for one in ids],
    )  # fmt: skip
