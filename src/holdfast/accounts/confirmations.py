"""Confirming with a code that it is still the person who signed in; `password_proofs` and `passkey_proofs` do it their way."""

from __future__ import annotations

from uuid import UUID

from holdfast.kit import clock
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Problem

from . import attempts_store, codes, credentials_store, store
from .credentials_model import CredentialUnknown
from .credentials_store import Sealed
from .identifiers import opened
from .model import Challenge, Session
from .places import Place

CONFIRM = "confirm"


async def send_confirmation_code(db: Db, session: Session, identifier_id: UUID, locale: str, place: Place) -> Challenge:
    """Sends a code to a phone or an e-mail address of the account. CredentialUnknown, TooManyCodes."""
    found = await db.read(_reachable, session, identifier_id)
    channel: codes.Channel = "phone" if found.kind == "phone" else "email"
    return await codes.request_code(
        db, opened(found), locale, place.source, channel=channel, purpose=_purpose(session), device=place.token
    )


def _purpose(session: Session) -> str:
    return f"{CONFIRM}:{session.account_id}"


async def _reachable(tx: ReadTx, session: Session, identifier_id: UUID) -> Sealed:
    for found in await credentials_store.sealed_identifiers(tx, session.account_id):
        if found.id == identifier_id and found.kind in ("phone", "email"):
            return found
    raise CredentialUnknown


async def confirm_with_code(db: Db, session: Session, identifier_id: UUID, code: str, place: Place) -> None:
    """A fresh proof in a session. CodeWrong, CodeExpired, CredentialUnknown."""
    refusal = await db.run(_confirm, session, identifier_id, code, place)
    if refusal:
        raise refusal


async def _confirm(tx: Tx, session: Session, identifier_id: UUID, code: str, place: Place) -> Problem | None:
    found = await _reachable(tx, session, identifier_id)
    channel: codes.Channel = "phone" if found.kind == "phone" else "email"
    known = await attempts_store.is_known(tx, place.key, session.account_id)
    refusal = await codes.use_code(
        tx, channel, opened(found), code, purpose=_purpose(session), place=place, known=known
    )
    if refusal is None:
        await store.note_proof(tx, session.token_hash, clock.now())
    return refusal
