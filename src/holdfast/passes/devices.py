"""Devices: a shared phone or tablet becomes a gate by a link from the console, and people sign in on it for their shift.

The device's token lets it upload what it recorded, whoever is on duty; the list of tickets it gets only while somebody is.
A shift outlives the half hour after which a session at the console ends: a gate may be without a network for longer.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from holdfast import accounts
from holdfast.accounts import Role
from holdfast.kit import audit, clock, crypto, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

from . import devices_store
from .gate_model import (
    Device,
    Enrolled,
    Enrolment,
    EnrolmentOver,
    GateRevoked,
    GateSignInNeeded,
    GateUnknown,
    Known,
    Shift,
    ShiftNeeded,
)

ENROLMENT_LASTS = timedelta(hours=1)
SHIFT_LASTS = timedelta(hours=12)
ROLES = (Role.DESK, Role.OPERATIONS)
"""Who may stand at a gate."""
TOKEN_PREFIX = "hfg_"  # noqa: S105 - what tokens of gates begin with


async def make(tx: Tx, actor: Actor, venue_id: str, name: str) -> Enrolment:
    """A new device of a venue, and the link that makes a phone it. The venue exists: the caller has chosen it from a list."""
    now, device_id, code = clock.now(), ids.uuid7(), ids.new_code(19)
    until = now + ENROLMENT_LASTS
    await devices_store.insert(tx, device_id, venue_id, name, str(actor), now, crypto.digest(code), until)
    await audit.record(tx, actor, "gate.device-made", f"gate:{device_id}", venue=venue_id, name=name)
    return Enrolment(device_id, name, code, until)


async def enrol(tx: Tx, code: str, agent: str) -> Enrolled:
    """The device of a link, and its token. EnrolmentOver when the link is used up, too old, or none."""
    now, token = clock.now(), TOKEN_PREFIX + secrets.token_urlsafe(32)
    clean = ids.read_code(code, 19) or ""
    known = await devices_store.enrol(tx, crypto.digest(clean), crypto.digest(token), agent[:200], now)
    if known is None:
        raise EnrolmentOver
    actor = Actor("system", name=f"gate:{known.id}")
    await audit.record(tx, actor, "gate.device-enrolled", f"gate:{known.id}", agent=agent[:200])
    return Enrolled(token, known.id, known.name, known.venue_id)


async def revoke(tx: Tx, actor: Actor, device_id: UUID, reason: str) -> None:
    """It may no longer do anything, from this moment. GateUnknown, GateRevoked."""
    if not await devices_store.exists(tx, device_id):
        raise GateUnknown
    if not await devices_store.revoke(tx, device_id, str(actor), clock.now(), reason):
        raise GateRevoked
    await devices_store.end_shift(tx, device_id, clock.now())
    await audit.record(tx, actor, "gate.device-revoked", f"gate:{device_id}", reason=reason)


async def of_token(tx: ReadTx, token: str) -> Known:
    """The device that a token is of. GateSignInNeeded when it is none of ours, or was revoked."""
    known = None
    if token.startswith(TOKEN_PREFIX):
        known = await devices_store.of_token(tx, crypto.digest(token), clock.now(), list(ROLES))
    if known is None:
        raise GateSignInNeeded
    return known


async def every(tx: ReadTx) -> list[Device]:
    """Every device there ever was, those in use first."""
    return await devices_store.every(tx, clock.now())


async def heard(tx: Tx, device_id: UUID, pending: int, *, synced: bool) -> None:
    """Notes that a device spoke to us."""
    await devices_store.heard(tx, device_id, clock.now(), pending, synced=synced)


async def sign_in(db: Db, device: Known, login: str, password: str, code: str, source: str) -> Shift:
    """Begins a shift of somebody who may stand at a gate, by the proof that the console asks for; it ends any other there.

    StaffSignInWrong, StaffSignInPaused as at the console; RoleMissing for colleagues who have other work.
    """
    begun = await accounts.staff_sign_in(db, login, password, code, device=f"gate: {device.name}", source=source)
    await db.run(accounts.staff_sign_out, begun.staff.actor, begun.token)  # the shift is what goes on
    if not begun.staff.may(*ROLES):
        await accounts.note_refusal(db, begun.staff, "/gate", ROLES)
        raise accounts.RoleMissing(roles=list(ROLES))
    return await db.run(begin_shift, begun.staff, device)


async def begin_shift(tx: Tx, staff: accounts.Staff, device: Known) -> Shift:
    """Somebody who has just proven who they are is on duty."""
    now = clock.now()
    made = Shift(ids.uuid7(), staff.name, now + SHIFT_LASTS)
    await devices_store.begin_shift(tx, made.id, device.id, staff.id, now, made.ends_at)
    await audit.record(tx, staff.actor, "gate.shift-begun", f"gate:{device.id}", name=device.name)
    return made


async def end_shift(tx: Tx, device: Known) -> None:
    """Nobody is on duty there any more."""
    staff_id = await devices_store.end_shift(tx, device.id, clock.now())
    if staff_id is not None:
        await audit.record(tx, Actor("staff", staff_id), "gate.shift-ended", f"gate:{device.id}", name=device.name)


def on_duty(device: Known) -> Shift:
    """Who is on duty at a device. ShiftNeeded when nobody is."""
    if device.shift_id is None or device.shift_ends_at is None:
        raise ShiftNeeded
    return Shift(device.shift_id, device.staff_name or "", device.shift_ends_at)
