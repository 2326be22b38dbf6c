"""Passkeys of staff: one stands for password and one-time code together, since the device asks for its own second factor.

Adding one asks for the code the authenticator shows now. A reset ends them with the other proofs.
"""

from __future__ import annotations

from uuid import UUID

from holdfast import admission
from holdfast.kit import audit, clock, crypto
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Problem

from . import credentials_store, passkeys, staff_sessions, staff_store
from . import staff_passwords as rules
from .credentials_model import CredentialUnknown, Passkey, PasskeyRefused
from .passkeys import Owner
from .places import network
from .staff_model import SetupCodeWrong, Staff, StaffSignedIn, StaffSignInPaused, StaffSignInWrong, subject
from .staff_sessions import CODES_PER_HOUR, DOOR, TRIES_OF_SOURCE


def staff_passkey_sign_in_options() -> str:
    """What the console's sign-in page asks any passkey with (JSON for the browser)."""
    return passkeys.request_options("staff-sign-in")


async def staff_sign_in_with_passkey(db: Db, answer: str, *, device: str, source: str) -> StaffSignedIn:
    """Begins a session at the console. StaffSignInWrong, StaffSignInPaused."""
    outcome = await db.run(_sign_in, answer, device[:200], source)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


async def _sign_in(tx: Tx, answer: str, device: str, source: str) -> StaffSignedIn | Problem:
    for uses, per_s in TRIES_OF_SOURCE:
        left = await admission.spend(tx, f"staff-sign-in-source-{per_s}", network(source), uses=uses, per_s=per_s)
        if not left.allowed:
            return StaffSignInPaused(retry_after_s=left.resets_in_s)
    proof = await passkeys.prove(tx, "staff-sign-in", answer)
    staff_id = proof.owner.staff_id if isinstance(proof, passkeys.Proof) else None
    known = await staff_store.lock_credentials(tx, staff_id) if staff_id else None
    if known is None or not known.active:
        about = subject(known.login) if known else "staff:unknown"
        await audit.record(tx, DOOR, "staff.sign-in-refused", about, wrong="passkey", device=device, source=source)
        return StaffSignInWrong()
    await audit.record(
        tx, known.staff.actor, "staff.sign-in", subject(known.login), device=device, source=source, by="passkey"
    )
    return await staff_sessions.begin(tx, known.staff, known.totp_step, device)


async def staff_passkeys(tx: ReadTx, staff_id: UUID) -> list[Passkey]:
    """The passkeys of one member of staff."""
    return await credentials_store.passkeys(tx, None, staff_id)


async def staff_passkey_creation_options(tx: ReadTx, staff: Staff) -> str:
    """What a new passkey is made from (JSON for the browser)."""
    owner = Owner(staff_id=staff.id)
    return passkeys.creation_options(owner, "staff-register", staff.login, await passkeys.known_to(tx, owner))


async def add_staff_passkey(db: Db, staff: Staff, answer: str, name: str, code: str) -> None:
    """Adds a passkey to one's own account. SetupCodeWrong, StaffSignInPaused, PasskeyRefused, PasskeyKnown."""
    outcome = await db.run(_add, staff, answer, name, code)
    if outcome:
        raise outcome


async def _add(tx: Tx, staff: Staff, answer: str, name: str, code: str) -> Problem | None:
    known = await staff_store.lock_credentials(tx, staff.id)
    if known is None or known.totp_secret is None:
        return SetupCodeWrong()
    left = await admission.spend(tx, "staff-code", str(staff.id), uses=CODES_PER_HOUR, per_s=3600)
    if not left.allowed:
        return StaffSignInPaused(retry_after_s=left.resets_in_s)
    secret = crypto.unseal("accounts.staff.totp_secret", bytes(known.totp_secret))
    step = rules.step_of(secret, code, clock.now(), known.totp_step)
    if step is None:
        return SetupCodeWrong()
    try:
        await passkeys.keep(tx, Owner(staff_id=staff.id), "staff-register", answer, name)
    except PasskeyRefused as problem:
        return problem
    await staff_store.use_step(tx, staff.id, step)
    await audit.record(tx, staff.actor, "staff.passkey-added", subject(staff.login), name=name)
    return None


async def remove_staff_passkey(tx: Tx, staff: Staff, passkey_id: UUID) -> None:
    """It opens the console no more. CredentialUnknown."""
    found = [one for one in await staff_passkeys(tx, staff.id) if one.id == passkey_id]
    if not found:
        raise CredentialUnknown
    await credentials_store.delete_passkey(tx, passkey_id)
    await audit.record(tx, staff.actor, "staff.passkey-removed", subject(staff.login), name=found[0].name)
