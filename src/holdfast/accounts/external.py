"""Signing in with an identity at a provider, adding one to an account, confirming with one.

What a browser must bring back (state, nonce, PKCE verifier, where it wanted to go) travels sealed in a cookie of its own, so that a
return without it, or into another browser, opens nothing.
"""

from __future__ import annotations

import secrets
from typing import Literal
from uuid import UUID

import msgspec

from holdfast.kit import clock, crypto
from holdfast.kit.db import Db, Tx, lock
from holdfast.kit.problems import Problem

from . import attempts, identifiers, oidc, sessions, store
from .attempts_model import Method
from .credentials_model import CredentialUnknown, ExternalRefused, ProviderUnknown
from .external_model import Identity, Provider, providers
from .freshness import require_fresh
from .model import Session, SignedIn
from .places import Place

Purpose = Literal["sign-in", "add", "confirm"]
TTL_S = 900
SEAL = "accounts.external.cookie"


class Errand(msgspec.Struct, frozen=True):
    """Why a browser was sent away, and where it goes afterwards."""

    asked: oidc.Asked
    purpose: Purpose
    following: str
    account_id: UUID | None
    ends_at: float


def provider(provider_id: str) -> Provider:
    """ProviderUnknown."""
    found = next((one for one in providers() if one.id == provider_id), None)
    if found is None:
        raise ProviderUnknown
    return found


async def set_off(
    provider_id: str, purpose: Purpose, *, redirect_uri: str, following: str, account_id: UUID | None = None
) -> tuple[str, str]:
    """Where to send the browser, and what its cookie holds meanwhile. ProviderUnknown, ExternalUnavailable.

    A provider that cannot say when somebody proved themselves confirms nothing: ExternalRefused.
    """
    if purpose == "confirm" and not provider(provider_id).id_token:
        raise ExternalRefused(reason="no-auth-time")
    asked = oidc.Asked(
        provider_id, secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), redirect_uri
    )
    url = await oidc.authorisation(provider(provider_id), asked, again=purpose == "confirm")
    errand = Errand(asked, purpose, following, account_id, clock.now().timestamp() + TTL_S)
    return url, crypto.seal(SEAL, msgspec.json.encode(errand).decode()).hex()


async def come_back(provider_id: str, cookie: str, returned: dict[str, str]) -> tuple[Errand, Identity]:
    """Who came back, and what for. ExternalRefused when it is not the browser that was sent away, or the answers do not fit."""
    try:
        errand = msgspec.json.decode(crypto.unseal(SEAL, bytes.fromhex(cookie)), type=Errand)
    except (ValueError, crypto.Undecipherable) as error:
        raise ExternalRefused(reason="cookie") from error
    if errand.asked.provider != provider_id or errand.ends_at < clock.now().timestamp():
        raise ExternalRefused(reason="too-late")
    who = await oidc.identity(provider(provider_id), errand.asked, returned, again=errand.purpose == "confirm")
    return errand, who


def shown(who: Identity) -> str:
    """How an identity is listed: ``demo: Mei``."""
    return f"{who.provider}: {who.shown}"


async def sign_in_external(db: Db, who: Identity, *, kept: bool, place: Place, locale: str) -> SignedIn:
    """Begins a session of the account that has this identity; its first proof opens an account."""
    return await db.run(_sign_in, who, kept, place, locale)


async def _sign_in(tx: Tx, who: Identity, kept: bool, place: Place, locale: str) -> SignedIn:
    index = crypto.blind_index("external", who.value)
    await lock(tx, f"accounts.identifiers:external:{index.hex()}")
    account_id = await store.account_of(tx, "external", index)
    if account_id is None:
        account_id = await sessions.open_account(tx, locale)
        await sessions.identify(tx, account_id, "external", who.value, shown(who))
    return await sessions.begin(tx, account_id, Method.EXTERNAL, index, kept=kept, place=place)


async def add_external(db: Db, session: Session, errand: Errand, who: Identity) -> None:
    """Adds an identity to the account that set off. FreshProofNeeded, IdentifierYours, IdentifierTaken."""
    require_fresh(session)
    _same(session, errand)
    refusal: Problem | None = await db.run(
        identifiers.add_proven, session.account_id, "external", who.value, shown(who)
    )
    if refusal:
        raise refusal


async def confirm_external(db: Db, session: Session, errand: Errand, who: Identity) -> None:
    """A fresh proof in a session, by an identity the account has. CredentialUnknown."""
    _same(session, errand)
    await db.run(_confirm, session, who)


async def _confirm(tx: Tx, session: Session, who: Identity) -> None:
    if await store.account_of(tx, "external", crypto.blind_index("external", who.value)) != session.account_id:
        raise CredentialUnknown
    await store.note_proof(tx, session.token_hash, clock.now())


def _same(session: Session, errand: Errand) -> None:
    """Who comes back is who set off."""
    if errand.account_id != session.account_id:
        raise ExternalRefused(reason="another-person")


async def note_refusal(db: Db, place: Place, reason: str) -> None:
    """A return that opened nothing, for the record."""
    await db.run(attempts.note, Method.EXTERNAL, crypto.digest("external"), place, None, why=reason[:60])
