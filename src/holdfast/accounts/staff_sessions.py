"""Sessions of staff: signing in with password and one-time code, staying signed in while at work, signing out.

No account is ever locked: tries are counted by where they come from, so a stranger's wrong passwords cannot lock the
owner out; pauses grow with the tries from one address. The one limit per account counts right passwords with wrong codes,
which only somebody who has the password can make.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from holdfast import admission
from holdfast.kit import actor, audit, clock, crypto
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Problem

from . import staff_passwords as passwords
from . import staff_store
from .places import network
from .staff_model import (
    IDLE,
    Staff,
    StaffDevice,
    StaffSession,
    StaffSignedIn,
    StaffSignInPaused,
    StaffSignInWrong,
    subject,
    tidy_login,
)
from .staff_store import Credentials

SESSION_TTL = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=1)
"""How exactly the time of last use is kept."""
TRIES = ((5, 60), (10, 900), (30, 86_400))
"""How many tries to sign in as one account from one address, in so many seconds; signing in counts as one."""
TRIES_OF_SOURCE = ((30, 60), (100, 900), (400, 86_400))
"""How many from one address, whatever the login: a desk behind one address has many people."""
CODES_PER_HOUR = 10
"""Tries of a code by somebody who has the password."""
DOOR = actor.system("staff-door")
"""The audit trail's name for sign-in itself: who is refused has not proven to be anybody."""


async def staff_sign_in(db: Db, login: str, password: str, code: str, *, device: str, source: str) -> StaffSignedIn:
    """Begins a session. StaffSignInWrong, the same whatever did not fit and as slow; StaffSignInPaused says until when.

    Every try is in the audit trail; of those refused for their number, one a minute.
    """
    login, device = tidy_login(login), device[:200]
    known = await db.run(_knock, login, source)
    if isinstance(known, Problem):
        raise known
    fits = await passwords.fits(known.password_hash if known else None, password)
    outcome = await db.run(_enter, known, code, device, source, fits=fits)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


async def _knock(tx: Tx, login: str, source: str) -> Credentials | Problem | None:
    """Counts the try, smallest window first, and looks up what it is to be compared with."""
    place = network(source)
    limits = [("staff-sign-in", f"{login}|{place}", TRIES), ("staff-sign-in-source", place, TRIES_OF_SOURCE)]
    for name, who, windows in limits:
        for uses, per_s in windows:
            left = await admission.spend(tx, f"{name}-{per_s}", who, uses=uses, per_s=per_s)
            if not left.allowed:
                await _note_once(tx, f"{name}|{who}", "staff.sign-in-paused", source=source, wait_s=left.resets_in_s)
                return StaffSignInPaused(retry_after_s=left.resets_in_s)
    return await staff_store.credentials(tx, login)


async def _enter(
    tx: Tx, known: Credentials | None, code: str, device: str, source: str, *, fits: bool
) -> StaffSignedIn | Problem:
    """Decides with the account locked: of two requests with the same code, one begins a session."""
    now = clock.now()
    found = await staff_store.lock_credentials(tx, known.id) if known else None
    if found is None or known is None:
        return await _refuse(tx, None, "unknown login", device, source)
    if not fits or found.password_hash != known.password_hash:
        return await _refuse(tx, found, "password", device, source)
    if not found.active:
        return await _refuse(tx, found, "switched off", device, source)
    left = await admission.spend(tx, "staff-code", str(found.id), uses=CODES_PER_HOUR, per_s=3600)
    if not left.allowed:
        await _refuse(tx, found, "too many codes", device, source)
        return StaffSignInPaused(retry_after_s=left.resets_in_s)
    secret = crypto.unseal("accounts.staff.totp_secret", bytes(found.totp_secret or b""))
    step = passwords.step_of(secret, code, now, found.totp_step)
    if step is None:
        return await _refuse(tx, found, "code", device, source)
    await audit.record(tx, found.staff.actor, "staff.sign-in", subject(found.login), device=device, source=source)
    return await begin(tx, found.staff, step, device)


async def _refuse(tx: Tx, found: Credentials | None, wrong: str, device: str, source: str) -> StaffSignInWrong:
    """Writes down what was wrong; who asked is not told. A login nobody has is not kept: it may be a password."""
    about = subject(found.login) if found else "staff:unknown"
    await audit.record(tx, DOOR, "staff.sign-in-refused", about, wrong=wrong, device=device, source=source)
    return StaffSignInWrong()


async def begin(tx: Tx, staff: Staff, totp_step: int, device: str) -> StaffSignedIn:
    """A session of somebody who has just proven who they are."""
    now = clock.now()
    token, expires_at = secrets.token_urlsafe(32), now + SESSION_TTL
    await staff_store.note_sign_in(tx, staff.id, totp_step, now)
    await staff_store.insert_session(
        tx, token_hash=crypto.digest(token), staff_id=staff.id, device=device[:200], at=now, expires_at=expires_at
    )
    return StaffSignedIn(token, staff, expires_at)


async def staff_of_token(db: Db, token: str) -> StaffSession | None:
    """Whose session a token is, with the roles they have now, or None; using it keeps it alive for another half hour."""
    now, digest = clock.now(), crypto.digest(token)
    found = await db.read(staff_store.live_session, digest, now, now - IDLE)
    if found is None:
        return None
    if now - found.seen_at > TOUCH_EVERY:
        await db.run_one(staff_store.touch_session, digest, now)
    staff = Staff(found.id, found.login, found.name, found.roles)
    return StaffSession(staff, found.device, found.created_at, found.expires_at, digest)


async def staff_devices(tx: ReadTx, staff_id: UUID) -> list[StaffDevice]:
    """Where somebody is signed in."""
    now = clock.now()
    return await staff_store.devices(tx, staff_id, now, now - IDLE)


async def staff_sign_out(tx: Tx, actor: Actor, token: str) -> None:
    """Ends the session of this token."""
    if await staff_store.end_session(tx, crypto.digest(token), clock.now()):
        await audit.record(tx, actor, "staff.sign-out", subject(actor.name))


async def staff_sign_out_everywhere(tx: Tx, staff: Staff) -> int:
    """Ends every session of one person; how many had not been ended."""
    ended = await staff_store.end_sessions(tx, staff.id, clock.now())
    await audit.record(tx, staff.actor, "staff.sign-out-everywhere", subject(staff.login), sessions_ended=ended)
    return ended


async def note_refusal(db: Db, staff: Staff, place: str, needed: tuple[str, ...]) -> None:
    """Somebody without the role was at a page or an endpoint: written down, for each place once a minute."""
    await db.run(_note_refusal, staff, place[:200], needed)


async def _note_refusal(tx: Tx, staff: Staff, place: str, needed: tuple[str, ...]) -> None:
    await _note_once(tx, f"{staff.id}|{place}", "staff.role-missing", staff, place=place, needed=needed)


async def _note_once(tx: Tx, key: str, action: str, staff: Staff | None = None, **details: object) -> None:
    """A line that may come often: one a minute is enough to see it, and the trail cannot be flooded."""
    if (await admission.spend(tx, f"{action}-noted", key, uses=1, per_s=60)).allowed:
        who, about = (staff.actor, subject(staff.login)) if staff else (DOOR, "staff:unknown")
        await audit.record(tx, who, action, about, **details)
