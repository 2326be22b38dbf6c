"""Proofs: somebody shows by a code that a phone is theirs, without an account or a session, to be shown what belongs to it."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta

from holdfast import accounts
from holdfast.accounts import codes
from holdfast.accounts.places import Place
from holdfast.kit import clock, crypto
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem

PURPOSE = "order-finding"
FRESH = timedelta(minutes=30)
_COLUMN = "orders.proofs"


async def send_code(db: Db, phone: str, locale: str, source: str) -> accounts.Challenge:
    """Sends a code to an E.164 number that proves nothing but this. TooManyCodes as for signing in."""
    return await codes.request_code(db, phone, locale, source, purpose=PURPOSE)


async def prove(db: Db, phone: str, code: str, source: str, *, request: str = "") -> str:
    """The proof that `code` was read on that phone: sealed, good for half an hour. CodeWrong; CodeExpired."""
    refused: Problem | None = await db.run(
        codes.use_code, "phone", phone, code, purpose=PURPOSE, place=Place(source=source), known=False, request=request
    )
    if refused:
        raise refused
    return sealed(phone)


def sealed(phone: str) -> str:
    """The proof of a phone, for whoever has just shown that it is theirs."""
    until = int((clock.now() + FRESH).timestamp())
    return seal(_COLUMN, f"{until}|{phone}")


def phone_of(proof: str) -> str | None:
    """The phone that a proof proves (E.164); None when it is none of ours, or too old."""
    opened = unseal(_COLUMN, proof)
    until, _, phone = (opened or "0|").partition("|")
    return phone if phone and int(until) > clock.now().timestamp() else None


def seal(column: str, text: str) -> str:
    """A text that only we can read and nobody can change, for a field of a form."""
    return base64.urlsafe_b64encode(crypto.seal(column, text)).decode()


def unseal(column: str, typed: str) -> str | None:
    """The text again; None when we did not seal it for this."""
    try:
        return crypto.unseal(column, base64.urlsafe_b64decode(typed.encode()))
    except (binascii.Error, crypto.Undecipherable, UnicodeError):
        return None
