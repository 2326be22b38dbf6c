"""Partners come and go, and their programs get tokens."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from uuid import UUID

from holdfast import accounts
from holdfast.catalogue.model import Text
from holdfast.kit import audit, clock, crypto, i18n, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import InvalidInput

from . import store
from .model import Partner, PartnerExists, PartnerToken, PartnerTokenUnknown, PartnerUnknown

PREFIX = "hfp_"
"""So that a token found in the wrong place is recognised for what it is."""
TOUCH_EVERY = timedelta(minutes=1)
ID_FORM = "The short name has 2 to 63 small letters, digits and dashes, and begins with a letter or digit."
NAME_FORM = "Enter the partner's name in Chinese or English, at most 120 characters."
TOKEN_FORM = "Say which program the token is for, in 2 to 60 characters."  # noqa: S105


async def register(tx: Tx, actor: Actor, *, partner_id: str, name: Text, email: str = "", phone: str = "") -> Partner:
    """A new partner. InvalidInput lists what does not fit; PartnerExists."""
    partner_id = partner_id.strip().lower()
    name = {language: " ".join(said.split()) for language, said in name.items() if said.strip()}
    faults = [
        ("partner_id", ID_FORM, bool(re.fullmatch(r"[a-z0-9][a-z0-9-]{1,62}", partner_id))),
        ("name", NAME_FORM, bool(name) and all(len(said) <= 120 and said.isprintable() for said in name.values())),
    ]
    _require(faults)
    if not await store.insert_partner(tx, partner_id, name, email.strip(), phone.strip(), clock.now()):
        raise PartnerExists(partner_id=partner_id)
    await audit.record(tx, actor, "partner.registered", f"partner:{partner_id}", name=name)
    return await require(tx, partner_id)


async def require(tx: ReadTx, partner_id: str) -> Partner:
    """PartnerUnknown when there is none."""
    found = await store.partner(tx, partner_id)
    if found is None:
        raise PartnerUnknown(partner_id=partner_id)
    return found


async def every(tx: ReadTx) -> list[Partner]:
    """All partners, those that are switched off last."""
    return await store.partners(tx)


async def account_of(tx: Tx, partner_id: str) -> UUID:
    """The account that a reseller's orders are written to; opened with the first of them."""
    found = await require(tx, partner_id)
    if found.account_id is not None:
        return found.account_id
    account_id = await accounts.open_account(tx)
    await store.set_account(tx, partner_id, account_id)
    return account_id


async def disable(tx: Tx, actor: Actor, partner_id: str, *, reason: str) -> None:
    """From now on its programs are refused."""
    if not await store.disable(tx, partner_id, clock.now(), reason):
        raise PartnerUnknown(partner_id=partner_id)
    await audit.record(tx, actor, "partner.disabled", f"partner:{partner_id}", reason=reason)


async def enable(tx: Tx, actor: Actor, partner_id: str, *, reason: str) -> None:
    """Its programs are let in again."""
    if not await store.disable(tx, partner_id, None, ""):
        raise PartnerUnknown(partner_id=partner_id)
    await audit.record(tx, actor, "partner.enabled", f"partner:{partner_id}", reason=reason)


async def make_token(tx: Tx, actor: Actor, partner_id: str, *, name: str) -> tuple[PartnerToken, str]:
    """A token for one program of a partner, and its secret, which is shown once."""
    await require(tx, partner_id)
    name = " ".join(name.split())
    _require([("name", TOKEN_FORM, 2 <= len(name) <= 60 and name.isprintable())])
    now, token_id, secret = clock.now(), ids.uuid7(), PREFIX + secrets.token_urlsafe(32)
    await store.insert_token(tx, token_id, partner_id, crypto.digest(secret), name, now)
    await audit.record(tx, actor, "partner.token-made", f"partner:{partner_id}", name=name)
    return PartnerToken(token_id, partner_id, name, now, None), secret


async def tokens(tx: ReadTx, partner_id: str) -> list[PartnerToken]:
    """The tokens that count, newest first."""
    return await store.tokens(tx, partner_id)


async def end_token(tx: Tx, actor: Actor, partner_id: str, token_id: UUID, *, reason: str) -> None:
    """From now on the program is refused. PartnerTokenUnknown when the partner has no such token."""
    if not await store.end_token(tx, partner_id, token_id, clock.now()):
        raise PartnerTokenUnknown(partner_id=partner_id)
    await audit.record(tx, actor, "partner.token-ended", f"partner:{partner_id}", token_id=str(token_id), reason=reason)


async def of_token(db: Db, secret: str) -> Partner | None:
    """Whose program asks; None when the token does not count or the partner is switched off."""
    if not secret.startswith(PREFIX):
        return None
    found = await db.read(store.token, crypto.digest(secret))
    if found is None:
        return None
    now = clock.now()
    if found.used_at is None or now - found.used_at > TOUCH_EVERY:
        await db.run_one(store.touch_token, found.id, now)
    return await db.read(require, found.partner_id)


def _require(faults: list[tuple[str, str, bool]]) -> None:
    errors = [
        {"field": field, "code": f"partner-{field}", "message": i18n.both(text)}
        for field, text, fine in faults
        if not fine
    ]
    if errors:
        raise InvalidInput(errors=errors)
