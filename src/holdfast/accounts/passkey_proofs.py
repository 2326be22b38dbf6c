"""Signing in and confirming with a passkey, and adding one: for travellers."""

from __future__ import annotations

from uuid import UUID

from holdfast.kit import clock, crypto
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Problem

from . import attempts, attempts_store, breaker, credentials_store, freshness, identifiers, passkeys, sessions, store
from .attempts_model import Method
from .credentials_model import CredentialUnknown, PasskeyRefused
from .model import Session, SignedIn
from .passkeys import Owner
from .places import Place

UNKNOWN = crypto.digest("a passkey nobody has")


def passkey_sign_in_options() -> str:
    """What the sign-in page asks any passkey with (JSON for the browser); valid for ten minutes."""
    return passkeys.request_options("sign-in")


async def sign_in_with_passkey(db: Db, answer: str, *, kept: bool, place: Place) -> SignedIn:
    """Begins a session of the account whose passkey answered (JSON of the browser). PasskeyRefused, SignInPaused."""
    outcome = await db.run(_sign_in, answer, kept, place)
    if isinstance(outcome, Problem):
        await breaker.consider(db, Method.PASSKEY)
        raise outcome
    return outcome


async def _sign_in(tx: Tx, answer: str, kept: bool, place: Place) -> SignedIn | Problem:
    paused = await attempts.limit_source(tx, UNKNOWN, place)
    if paused:
        return paused
    proof = await passkeys.prove(tx, "sign-in", answer)
    if isinstance(proof, passkeys.Proof) and proof.owner.account_id is not None:
        return await sessions.begin(tx, proof.owner.account_id, Method.PASSKEY, proof.subject, kept=kept, place=place)
    account_id = proof if isinstance(proof, UUID) else None
    subject = crypto.blind_index("passkey", str(account_id)) if account_id else UNKNOWN
    known = await attempts_store.is_known(tx, place.key, account_id)
    await attempts.note(tx, Method.PASSKEY, subject, place, account_id, why=PasskeyRefused.code, known=known)
    return PasskeyRefused()


async def passkey_creation_options(tx: ReadTx, session: Session) -> str:
    """What a new passkey of this account is made from (JSON for the browser)."""
    owner = Owner(session.account_id)
    return passkeys.creation_options(owner, "register", session.phone_masked, await passkeys.known_to(tx, owner))


async def add_passkey(tx: Tx, session: Session, answer: str, name: str) -> UUID:
    """Adds a passkey to the account. FreshProofNeeded, PasskeyRefused, PasskeyKnown."""
    freshness.require_fresh(session)
    made = await passkeys.keep(tx, Owner(session.account_id), "register", answer, name)
    await identifiers.tell(tx, session.account_id, "credential-added", "passkey", name)
    return made


async def remove_passkey(tx: Tx, session: Session, passkey_id: UUID) -> None:
    """It opens nothing any more. FreshProofNeeded, LastWayIn, CredentialUnknown."""
    freshness.require_fresh(session)
    await identifiers.keep_a_way_in(tx, session.account_id)
    found = [one for one in await credentials_store.passkeys(tx, session.account_id) if one.id == passkey_id]
    if not found:
        raise CredentialUnknown
    await identifiers.tell(tx, session.account_id, "credential-removed", "passkey", found[0].name)
    await credentials_store.delete_passkey(tx, passkey_id)


async def passkey_confirmation_options(tx: ReadTx, session: Session) -> str:
    """What the page of confirmation asks this account's passkeys with; empty when it has none."""
    owner = Owner(session.account_id)
    known = await passkeys.known_to(tx, owner)
    return passkeys.request_options("confirm", owner, known) if known else ""


async def confirm_with_passkey(db: Db, session: Session, answer: str) -> None:
    """A fresh proof in a session. PasskeyRefused."""
    if not await db.run(_confirm, session, answer):
        raise PasskeyRefused


async def _confirm(tx: Tx, session: Session, answer: str) -> bool:
    proof = await passkeys.prove(tx, "confirm", answer, Owner(session.account_id))
    if not isinstance(proof, passkeys.Proof):
        return False
    await store.note_proof(tx, session.token_hash, clock.now())
    return True
