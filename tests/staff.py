"""Colleagues for tests: made, set up and signed in by the real commands.

lin = await staff.colleague(db, "engineer")
client.cookies.set("hf_staff", lin.token)
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from uuid import UUID

import msgspec

from holdfast import accounts
from holdfast.accounts import staff_passwords
from holdfast.kit import actor, clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db

PASSWORD = "kelp anchors seven boats"
TEST = actor.system("test")
_numbers = itertools.count(1)


class Colleague(msgspec.Struct, frozen=True):
    """Somebody on the staff who is set up and signed in."""

    id: UUID
    login: str
    secret: str
    token: str

    @property
    def actor(self) -> Actor:
        return Actor("staff", self.id, self.login)


def new_login() -> str:
    """A login that nobody else has."""
    return f"colleague-{next(_numbers)}@example.org"


def address() -> str:
    """A network address from which nobody has tried anything yet (RFC 5737 is too small: a private one)."""
    number = next(_numbers)
    return f"10.7.{number // 250}.{number % 250 + 1}"


async def invited(db: Db, *roles: str, name: str = "Lin Wen") -> accounts.SetupLink:
    """A new account with its set-up link."""
    return await db.run(accounts.add_staff, TEST, login=new_login(), name=name, roles=roles or ("support",))


async def colleague(db: Db, *roles: str, name: str = "Lin Wen") -> Colleague:
    """Somebody who used a set-up link and is signed in."""
    link = await invited(db, *roles, name=name)
    setup = await db.read(accounts.staff_setup_of, link.code)
    code = staff_passwords.code_at(setup.secret, clock.now())
    begun = await accounts.staff_set_up(db, link.code, PASSWORD, code, device="test", source=address())
    return Colleague(begun.staff.id, link.login, setup.secret, begun.token)


def next_code(person: Colleague) -> str:
    """A code that was not used yet: time moves on by a step."""
    clock.move(timedelta(seconds=staff_passwords.STEP_S))
    return staff_passwords.code_at(person.secret, clock.now())


async def api_token(db: Db, person: Colleague, *roles: str, days: int = 30) -> str:
    """A token for a program of that colleague."""
    made = await db.run(accounts.make_token, TEST, person.id, name="test program", roles=roles, days=days)
    return made.token
