"""One-time codes: six digits sent to a phone or an e-mail address, for one purpose, valid for ten minutes (ASVS 6.5, 6.6).

A wrong code costs a try of that code, never the account. Strangers can use up neither the tries nor the number of codes of
who waits for one: a device that has signed in before has a limit of its own, and tries from elsewhere are counted apart.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Literal

from holdfast import notices
from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import Db, Tx, lock
from holdfast.kit.problems import Problem

from . import attempts_store, store, verification
from .contacts import mask_phone
from .emails import mask_email
from .model import Challenge, CodeExpired, CodeWrong, TooManyCodes
from .places import Place

Channel = Literal["phone", "email"]
SIGN_IN = "sign-in"
CODE_TTL = timedelta(minutes=10)
CODE_TRIES = 5
CODES_PER_PHONE_HOUR = 6
CODES_PER_SOURCE_HOUR = 60
CODE_PAUSE = timedelta(seconds=30)


def masked(channel: Channel, contact: str) -> str:
    """A number or an address as it is shown."""
    return mask_phone(contact) if channel == "phone" else mask_email(contact)


async def request_code(
    db: Db, contact: str, locale: str, source: str, *, channel: Channel = "phone", purpose: str = SIGN_IN, device: str = ""
) -> Challenge:  # fmt: skip
    """Sends a code to an E.164 number or an e-mail address. TooManyCodes limits per contact and per source, until when.

    `purpose` says what it will prove: a code that was asked for one thing counts for no other. `device` is the random number
    in the asking device's cookie.
    """
    return await db.run(_request_code, channel, contact, locale, Place(source=source, token=device), purpose)


async def _request_code(tx: Tx, channel: Channel, contact: str, locale: str, place: Place, purpose: str) -> Challenge:
    now = clock.now()
    index = crypto.blind_index(channel, contact)
    await lock(tx, f"accounts.codes.phone:{index.hex()}", f"accounts.codes.source:{place.source}")
    account_id = await store.account_of(tx, channel, index)
    known = place.key if await attempts_store.is_known(tx, place.key, account_id) else None
    by_contact, by_source, last = await store.codes_since(tx, index, place.source, now - timedelta(hours=1), known)
    if last is not None and now - last < CODE_PAUSE:
        raise TooManyCodes(retry_after_s=int((CODE_PAUSE - (now - last)).total_seconds()) + 1)
    if by_contact >= CODES_PER_PHONE_HOUR or by_source >= CODES_PER_SOURCE_HOUR:
        raise TooManyCodes(retry_after_s=3600)
    code = f"{secrets.randbelow(1_000_000):06d}"
    await store.insert_code(
        tx, code_id=ids.uuid7(), channel=channel, contact=crypto.seal("accounts.codes.phone", contact), index=index,
        source=place.source, device=known, purpose=purpose, code_hash=_code_hash(contact, code), tries=CODE_TRIES, at=now,
        expires_at=now + CODE_TTL,
    )  # fmt: skip
    send = notices.send if channel == "phone" else notices.send_mail
    await send(tx, contact, masked(channel, contact), "sign-in-code", locale, code=code)
    return Challenge(masked(channel, contact), now + CODE_TTL)


def _code_hash(contact: str, code: str) -> bytes:
    """Keyed, so that a copy of the table does not give a million codes to try."""
    return crypto.blind_index("sign-in-code", f"{contact}|{code}")


async def use_code(
    tx: Tx, channel: Channel, contact: str, code: str, *, purpose: str, place: Place, known: bool, request: str = ""
) -> Problem | None:  # fmt: skip
    """Uses up the newest code of a contact; None when it fits.

    CodeWrong and CodeExpired are returned, not raised, so that what a wrong one costs is written down. The same `request`, such
    as the key of a form sent again because its answer was lost, may use its code again.
    """
    now = clock.now()
    sent = await store.newest_code(tx, crypto.blind_index(channel, contact), purpose)
    used_for = crypto.digest(request) if request else None
    if sent is None or sent.expires_at <= now:
        return CodeExpired()
    elsewhere = bool(place.source) and place.source != sent.source and not known
    left = sent.tries_left_elsewhere if elsewhere else sent.tries_left
    if left <= 0:
        return CodeExpired()
    if sent.used_at is not None and (used_for is None or sent.used_for != used_for):
        return CodeExpired()
    fits = secrets.compare_digest(bytes(sent.code_hash), _code_hash(contact, code.strip()))
    if not (fits and verification.stands()):
        await store.use_try(tx, sent.id, elsewhere=elsewhere)
        return CodeWrong(tries_left=left - 1)
    await store.use_code(tx, sent.id, now, used_for)
    return None
