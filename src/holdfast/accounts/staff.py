"""Staff accounts: adding people, giving roles, switching accounts off and on, new set-up links; who there is.

Every change is an act of somebody with a reason, and is in the audit trail. Nothing here ever knows a password: a link,
valid once and for a day, lets people choose their own (`staff_setup`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from holdfast.kit import audit, clock, i18n, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx, lock
from holdfast.kit.problems import InvalidInput

from . import credentials_store, staff_setup, staff_store
from .staff_model import (
    IDLE,
    LastEngineer,
    LoginTaken,
    Member,
    Role,
    SetupLink,
    StaffInactive,
    StaffUnknown,
    in_order,
    subject,
    tidy_login,
)

LOGIN_FORM = "A login looks like an e-mail address: name@example.org, letters, digits and . _ + - only."
NAME_FORM = "A name has 2 to 60 characters."
NO_ROLE = "Choose at least one role."
_LOGIN = re.compile(r"[a-z0-9._+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,5}").fullmatch


async def add_staff(
    tx: Tx, actor: Actor, *, login: str, name: str, roles: Sequence[str], reason: str = ""
) -> SetupLink:
    """A new account and the link to set it up. InvalidInput lists what does not fit; LoginTaken."""
    login, name = tidy_login(login), " ".join(name.split())
    errors = [
        *([] if _LOGIN(login) else [_error("login", LOGIN_FORM)]),
        *([] if 2 <= len(name) <= 60 and name.isprintable() else [_error("name", NAME_FORM)]),
        *([] if roles else [_error("roles", NO_ROLE)]),
    ]
    if errors:
        raise InvalidInput(errors=errors)
    staff_id, given, now = ids.uuid7(), in_order(roles), clock.now()
    if not await staff_store.insert_staff(tx, staff_id=staff_id, login=login, name=name, roles=given, at=now):
        raise LoginTaken(login=login)
    await audit.record(tx, actor, "staff.add", subject(login), name=name, roles=given, reason=reason)
    return await staff_setup.new_link(tx, staff_id, login)


async def change_roles(tx: Tx, actor: Actor, staff_id: UUID, roles: Sequence[str], *, reason: str) -> None:
    """From now on these roles and no others; sessions and tokens feel it at once. LastEngineer keeps one who can."""
    found = await staff_member(tx, staff_id)
    given = in_order(roles)
    if not given:
        raise InvalidInput(errors=[_error("roles", NO_ROLE)])
    if Role.ENGINEER not in given:
        await _keep_an_engineer(tx, found)
    await staff_store.set_roles(tx, staff_id, given, clock.now())
    await audit.record(tx, actor, "staff.roles", subject(found.login), before=found.roles, after=given, reason=reason)


async def disable_staff(tx: Tx, actor: Actor, staff_id: UUID, *, reason: str) -> None:
    """Switches an account off and ends its sessions, tokens and set-up links. LastEngineer keeps one who can."""
    found = await staff_member(tx, staff_id)
    await _keep_an_engineer(tx, found)
    now = clock.now()
    await staff_store.set_active(tx, staff_id, reason or "-")
    await staff_store.end_setups(tx, staff_id, now)
    sessions = await staff_store.end_sessions(tx, staff_id, now)
    tokens = await staff_store.end_tokens(tx, staff_id, now)
    await audit.record(
        tx, actor, "staff.disable", subject(found.login), reason=reason, sessions_ended=sessions, tokens_ended=tokens
    )


async def enable_staff(tx: Tx, actor: Actor, staff_id: UUID, *, reason: str) -> None:
    """Switches an account on again; password and authenticator are as they were."""
    found = await staff_member(tx, staff_id)
    await staff_store.set_active(tx, staff_id, None)
    await audit.record(tx, actor, "staff.enable", subject(found.login), reason=reason)


async def reset_staff(tx: Tx, actor: Actor, staff_id: UUID, *, reason: str) -> SetupLink:
    """A lost phone, a forgotten password, a doubt: old proofs and sessions end now, the link sets new ones. StaffInactive.

    Tokens stay: they belong to programs and are ended one by one.
    """
    found = await staff_member(tx, staff_id)
    if not found.active:
        raise StaffInactive(login=found.login)
    await staff_store.clear_credentials(tx, staff_id)
    await credentials_store.delete_staff_passkeys(tx, staff_id)
    sessions = await staff_store.end_sessions(tx, staff_id, clock.now())
    await audit.record(tx, actor, "staff.reset", subject(found.login), reason=reason, sessions_ended=sessions)
    return await staff_setup.new_link(tx, staff_id, found.login)


async def staff_members(tx: ReadTx) -> list[Member]:
    """Every account, those that are switched off last."""
    now = clock.now()
    return await staff_store.members(tx, now, now - IDLE)


async def staff_member(tx: ReadTx, staff_id: UUID) -> Member:
    """One account. StaffUnknown."""
    return _only(await staff_members(tx), "id", staff_id)


async def staff_named(tx: ReadTx, login: str) -> Member:
    """One account by its login. StaffUnknown."""
    return _only(await staff_members(tx), "login", tidy_login(login))


def _only(members: Sequence[Member], field: str, value: Any) -> Member:
    found = next((member for member in members if getattr(member, field) == value), None)
    if found is None:
        raise StaffUnknown
    return found


async def _keep_an_engineer(tx: Tx, found: Member) -> None:
    """Somebody must be able to manage staff: of two engineers who remove each other, one stays."""
    if found.active and found.ready and Role.ENGINEER in found.roles:
        await lock(tx, "accounts.staff.engineers")
        if not await staff_store.other_engineers(tx, found.id):
            raise LastEngineer(login=found.login)


def _error(field: str, text: str) -> dict[str, Any]:
    return {"field": field, "code": f"staff-{field}", "message": i18n.both(text)}
