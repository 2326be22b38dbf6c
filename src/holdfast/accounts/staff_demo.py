"""A staff account that is ready at once, for demonstrations and tests of an installation; refused in production."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.kit import audit, clock, crypto, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, Tx

from . import staff_passwords as passwords
from . import staff_store
from .staff import add_staff, staff_named
from .staff_model import DemoRefused, subject
from .staff_reviewing import RIPE
from .staff_setup import KEPT


async def furnish_staff(db: Db, actor: Actor, *, login: str, name: str, roles: Sequence[str], password: str) -> str:
    """Adds an account with a given password; the authenticator secret. DemoRefused in production; what `add_staff` raises."""
    if settings.current().is_production:
        raise DemoRefused
    password_hash = await passwords.hashed(passwords.check_password(password, login, name))
    return await db.run(_furnish, actor, login, name, roles, password_hash)


async def _furnish(tx: Tx, actor: Actor, login: str, name: str, roles: Sequence[str], password_hash: str) -> str:
    link = await add_staff(tx, actor, login=login, name=name, roles=roles, reason="demonstration")
    member, secret = await staff_named(tx, link.login), passwords.new_secret()
    await staff_store.end_setups(tx, member.id, clock.now())
    await staff_store.set_roles_since(tx, member.id, clock.now() - RIPE)
    await staff_store.set_credentials(tx, member.id, password_hash, crypto.seal(KEPT, secret), 0)
    await audit.record(tx, actor, "staff.demo", subject(link.login))
    return secret
