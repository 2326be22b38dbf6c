"""Signing in with a password, and confirming with one: nobody is told what was wrong, and no answer is quicker than another.

Whoever types a phone that nobody has waits as long, is counted as often and rests as surely as with one that somebody has.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from holdfast.kit import clock, crypto
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import Problem

from . import attempts, attempts_store, breaker, credentials_store, passwords, restrictions, sessions, store
from .attempts_model import FAILURES_MAX, REST, Method
from .codes import Channel
from .credentials_model import PasswordWrong
from .model import Session, SignedIn
from .places import Place

TOO_MANY_FAILURES = "a hundred failures in a row from unknown devices"


class Known(msgspec.Struct, frozen=True):
    """What a typed password is compared with; without an account, nothing."""

    subject: bytes
    account_id: UUID | None
    hash: str | None
    known: bool


async def sign_in_with_password(
    db: Db, channel: Channel, contact: str, password: str, *, kept: bool, place: Place
) -> SignedIn:
    """Begins a session. PasswordWrong, the same whatever did not fit; SignInPaused and MethodRestricted say until when."""
    known = await _known(db, channel, contact, place)
    fits = await passwords.fits(known.hash, password)
    outcome = await db.run(_enter, known, place, kept, fits=fits)
    if isinstance(outcome, Problem):
        await breaker.consider(db, Method.PASSWORD)
        raise outcome
    return outcome


async def _known(db: Db, channel: Channel, contact: str, place: Place) -> Known:
    known = await db.run(_knock, channel, contact, place)
    if isinstance(known, Problem):
        raise known
    return known


async def _knock(tx: Tx, channel: Channel, contact: str, place: Place) -> Known | Problem:
    """Counts the try against its network and looks up what it is to be compared with."""
    account_id = await store.account_of(tx, channel, crypto.blind_index(channel, contact))
    return await knock(tx, account_id, f"{channel}|{contact}", place)


async def knock(tx: Tx, account_id: UUID | None, otherwise: str, place: Place) -> Known | Problem:
    """The same for an account, or for `otherwise`, which identifies none."""
    subject = subject_of(account_id, otherwise)
    known = await attempts_store.is_known(tx, place.key, account_id)
    refusal: Problem | None = await attempts.limit_source(tx, subject, place)
    refusal = refusal or await attempts.must_wait(tx, subject, place, known=known)
    if not refusal and not known:
        refusal = await restrictions.in_force(tx, Method.PASSWORD, subject)
    if refusal:
        return refusal
    stored = await credentials_store.password_of(tx, account_id) if account_id else None
    return Known(subject, account_id, stored[0] if stored else None, known)


def subject_of(account_id: UUID | None, otherwise: str) -> bytes:
    """What failures of a password are counted under: the account's, or `otherwise`, which identifies none."""
    return crypto.blind_index("password", str(account_id or otherwise))


async def _enter(tx: Tx, known: Known, place: Place, kept: bool, *, fits: bool) -> SignedIn | Problem:
    refusal = await judge(tx, known, place, fits=fits)
    if refusal or known.account_id is None:
        return refusal or PasswordWrong()
    return await sessions.begin(tx, known.account_id, Method.PASSWORD, known.subject, kept=kept, place=place)


async def judge(tx: Tx, known: Known, place: Place, *, fits: bool) -> Problem | None:
    """Writes down what a wrong password costs; a right one forgets what was counted.

    While the breaker is open it costs nothing: then failing says nothing about who fails.
    """
    if fits:
        await attempts.forgive(tx, known.subject, place, known=known.known)
        return None
    await attempts.note(
        tx, Method.PASSWORD, known.subject, place, known.account_id, why=PasswordWrong.code, known=known.known
    )
    if not await breaker.is_open(tx, Method.PASSWORD):
        in_a_row = await attempts.count_failure(tx, known.subject, place, known=known.known)
        if in_a_row >= FAILURES_MAX:
            await restrictions.restrict(
                tx, Method.PASSWORD, known.subject, known.account_id, reason=TOO_MANY_FAILURES, ttl=REST
            )
            await attempts_store.forgive(tx, known.subject, [attempts.EVERYWHERE])
    return PasswordWrong()


async def confirm_with_password(db: Db, session: Session, password: str, place: Place) -> None:
    """A fresh proof in a session. PasswordWrong, SignInPaused, MethodRestricted."""
    known = await db.run(knock, session.account_id, "", place)
    if isinstance(known, Problem):
        raise known
    fits = await passwords.fits(known.hash, password)
    refusal = await db.run(_confirm, known, place, session.token_hash, fits=fits)
    if refusal:
        await breaker.consider(db, Method.PASSWORD)
        raise refusal


async def _confirm(tx: Tx, known: Known, place: Place, token_hash: bytes, *, fits: bool) -> Problem | None:
    refusal = await judge(tx, known, place, fits=fits)
    if refusal is None:
        await store.note_proof(tx, token_hash, clock.now())
    return refusal
