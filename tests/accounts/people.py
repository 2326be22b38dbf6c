"""People with sessions and places, for the tests of credentials."""

from __future__ import annotations

import itertools
import re

from holdfast import accounts
from holdfast.kit.db import Db
from tests import world

_numbers = itertools.count(1)
PASSWORD = "kelp anchors seven boats"


def place(*, source: str | None = None, token: str = "") -> accounts.Place:
    """A device nobody has seen, at an address nobody has used, unless said otherwise."""
    number = next(_numbers)
    return accounts.Place(
        "Chrome · Android", source or f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}", token
    )


def address() -> str:
    return f"traveller-{next(_numbers)}@example.org"


async def session_of(db: Db, token: str) -> accounts.Session:
    found = await db.read(accounts.session, token)
    assert found is not None
    return found


async def signed_in(db: Db, phone: str | None = None) -> tuple[world.Person, accounts.Session]:
    """Somebody with a fresh session."""
    person = await world.traveller(db, phone)
    return person, await session_of(db, person.token)


async def with_password(db: Db, password: str = PASSWORD) -> tuple[world.Person, accounts.Session]:
    person, session = await signed_in(db)
    await accounts.identifiers.set_password(db, session, password)
    return person, session


async def code_to(db: Db, contact: str) -> str:
    """The newest code that a phone or an address got."""
    message = next(m for m in await world.messages(db, contact) if m.template == "sign-in-code")
    found = re.search(r"\b\d{6}\b", message.body)
    assert found is not None
    return found[0]


async def try_password(
    db: Db, phone: str, password: str = "wrong wrong wrong", at: accounts.Place | None = None
) -> accounts.SignedIn:
    kept = bool(at and at.token)
    return await accounts.sign_in_with_password(db, "phone", phone, password, kept=kept, place=at or place())
