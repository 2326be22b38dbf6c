"""Setting up a staff account: a link that counts once opens a page to choose a password and to scan a secret.

The secret is made with the link, so that the picture stays the same however often the page is opened; a first code
proves that it was scanned.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from holdfast.kit import audit, clock, crypto
from holdfast.kit.db import Db, ReadTx, Tx

from . import staff_passwords as passwords
from . import staff_sessions, staff_store
from .staff_model import (
    Setup,
    SetupCodeWrong,
    SetupLink,
    SetupOver,
    StaffSignedIn,
    subject,
)

LINK_TTL = timedelta(hours=24)
PENDING, KEPT = "accounts.staff_setups.totp_secret", "accounts.staff.totp_secret"
"""The columns for which a secret is sealed: before and after it was proven."""


async def new_link(tx: Tx, staff_id: UUID, login: str) -> SetupLink:
    """A link for an account; earlier links of it no longer count."""
    now = clock.now()
    code, expires_at = secrets.token_urlsafe(24), now + LINK_TTL
    await staff_store.insert_setup(
        tx, code_hash=crypto.digest(code), staff_id=staff_id, at=now, expires_at=expires_at,
        totp_secret=crypto.seal(PENDING, passwords.new_secret()),
    )  # fmt: skip
    return SetupLink(code, login, expires_at)


async def staff_setup_of(tx: ReadTx, code: str) -> Setup:
    """What the page behind a link shows. SetupOver when it was used, replaced or is too old."""
    found = await staff_store.pending_setup(tx, crypto.digest(code), clock.now())
    if found is None:
        raise SetupOver
    return Setup(found.login, found.name, crypto.unseal(PENDING, bytes(found.totp_secret)), found.expires_at)


async def staff_set_up(db: Db, code: str, password: str, totp: str, *, device: str, source: str) -> StaffSignedIn:
    """Sets both proofs, uses up the link and begins a session; sessions from before end.

    SetupOver; SetupCodeWrong when the authenticator shows something else; PasswordUnfit. A mistake costs nothing.
    """
    async with db.reading() as tx:
        found = await staff_setup_of(tx, code)
    password = passwords.check_password(password, found.login, found.name)
    if passwords.step_of(found.secret, totp, clock.now(), 0) is None:
        raise SetupCodeWrong
    return await db.run(_finish, code, await passwords.hashed(password), totp, device, source)


async def _finish(tx: Tx, code: str, password_hash: str, totp: str, device: str, source: str) -> StaffSignedIn:
    now, digest = clock.now(), crypto.digest(code)
    found = await staff_store.pending_setup(tx, digest, now)
    if found is None or not await staff_store.use_setup(tx, digest, now):
        raise SetupOver
    known = await staff_store.lock_credentials(tx, found.staff_id)
    assert known is not None
    secret = crypto.unseal(PENDING, bytes(found.totp_secret))
    step = passwords.step_of(secret, totp, now, 0)
    if step is None:
        raise SetupCodeWrong
    await staff_store.set_credentials(tx, known.id, password_hash, crypto.seal(KEPT, secret), step)
    await staff_store.end_sessions(tx, known.id, now)
    await audit.record(tx, known.staff.actor, "staff.set-up", subject(known.login), device=device, source=source)
    return await staff_sessions.begin(tx, known.staff, step, device)
