"""API tokens: a program acts for the member of staff who answers for it, with some of their roles, until a given day.

A token's roles count only as long as its owner has them too.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from holdfast.kit import audit, clock, crypto, i18n, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import InvalidInput

from . import staff_store
from .staff import staff_member
from .staff_model import ApiToken, NewApiToken, Role, Staff, StaffInactive, TokenUnknown, in_order, subject
from .staff_sessions import TOUCH_EVERY

PREFIX = "hfs_"
"""So that a token found in the wrong place is recognised for what it is."""
DAYS_MAX = 366
NAME_FORM = "Say which program the token is for, in 2 to 60 characters."
ROLES_FORM = "A token has at least one role, and none that its owner lacks."
DAYS_FORM = "A token is valid for 1 to 366 days."


async def make_token(
    tx: Tx, actor: Actor, staff_id: UUID, *, name: str, roles: Sequence[str], days: int
) -> NewApiToken:
    """A token for a program. InvalidInput lists what does not fit; StaffInactive, StaffUnknown."""
    owner = await staff_member(tx, staff_id)
    if not owner.active:
        raise StaffInactive(login=owner.login)
    name, given = " ".join(name.split()), in_order(roles)
    faults = [
        ("name", NAME_FORM, 2 <= len(name) <= 60 and name.isprintable()),
        ("roles", ROLES_FORM, bool(given) and set(given) <= set(owner.roles)),
        ("days", DAYS_FORM, 1 <= days <= DAYS_MAX),
    ]
    errors = [
        {"field": field, "code": f"token-{field}", "message": i18n.both(text)}
        for field, text, fine in faults
        if not fine
    ]
    if errors:
        raise InvalidInput(errors=errors)
    now, token_id = clock.now(), ids.uuid7()
    token, expires_at = PREFIX + secrets.token_urlsafe(32), now + timedelta(days=days)
    await staff_store.insert_token(
        tx, token_id=token_id, token_hash=crypto.digest(token), staff_id=staff_id, name=name, roles=given, at=now,
        expires_at=expires_at,
    )  # fmt: skip
    await audit.record(tx, actor, "staff.token-made", subject(owner.login), name=name, roles=given, days=days)
    return NewApiToken(token, token_id, name, tuple(Role(role) for role in given), expires_at)


async def end_token(tx: Tx, actor: Actor, staff_id: UUID, token_id: UUID, *, reason: str) -> None:
    """From now on the program is refused. TokenUnknown when that person has no such token."""
    owner = await staff_member(tx, staff_id)
    name = await staff_store.end_token(tx, staff_id, token_id, clock.now())
    if name is None:
        raise TokenUnknown
    await audit.record(tx, actor, "staff.token-ended", subject(owner.login), name=name, reason=reason)


async def api_tokens(tx: ReadTx, staff_id: UUID) -> list[ApiToken]:
    """The tokens of one person that count, newest first."""
    return await staff_store.tokens(tx, staff_id, clock.now())


async def staff_of_api_token(db: Db, token: str) -> Staff | None:
    """Who answers for a program's token, with the roles that the token and its owner share; None when it does not count."""
    if not token.startswith(PREFIX):
        return None
    now = clock.now()
    found = await db.read(staff_store.token_holder, crypto.digest(token), now)
    if found is None:
        return None
    if found.used_at is None or now - found.used_at > TOUCH_EVERY:
        await db.run_one(staff_store.touch_token, found.token_id, now)
    return Staff(found.id, found.login, found.name, tuple(role for role in found.token_roles if role in found.roles))
