"""Sessions: signing in with a code sent to a phone, staying signed in, signing out here and everywhere.

There is nothing to lock: a wrong code costs a try of that code, never the account.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from holdfast import notices
from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import Batch, Db, ReadTx, Tx, lock
from holdfast.kit.problems import Problem

from . import store
from .contacts import mask_phone
from .model import Challenge, CodeExpired, CodeWrong, Device, Session, SignedIn, TooManyCodes

CODE_TTL = timedelta(minutes=10)
CODE_TRIES = 5
CODES_PER_PHONE_HOUR = 6
CODES_PER_SOURCE_HOUR = 60
CODE_PAUSE = timedelta(seconds=30)
KEPT_TTL = timedelta(days=90)
GUEST_TTL = timedelta(hours=4)


async def request_code(db: Db, phone: str, locale: str, source: str) -> Challenge:
    """Sends a six-digit code to an E.164 number. TooManyCodes limits per phone and per source, and says until when."""
    return await db.run(_request_code, phone, locale, source)


async def _request_code(tx: Tx, phone: str, locale: str, source: str) -> Challenge:
    now = clock.now()
    index = crypto.blind_index("phone", phone)
    await lock(tx, f"accounts.codes.phone:{index.hex()}", f"accounts.codes.source:{source}")
    by_phone, by_source, last = await store.codes_since(tx, index, source, now - timedelta(hours=1))
    if last is not None and now - last < CODE_PAUSE:
        raise TooManyCodes(retry_after_s=int((CODE_PAUSE - (now - last)).total_seconds()) + 1)
    if by_phone >= CODES_PER_PHONE_HOUR or by_source >= CODES_PER_SOURCE_HOUR:
        raise TooManyCodes(retry_after_s=3600)
    code = f"{secrets.randbelow(1_000_000):06d}"
    await store.insert_code(
        tx, code_id=ids.uuid7(), phone=crypto.seal("accounts.codes.phone", phone), phone_index=index, source=source,
        code_hash=_code_hash(phone, code), tries=CODE_TRIES, at=now, expires_at=now + CODE_TTL,
    )  # fmt: skip
    await notices.send(tx, phone, mask_phone(phone), "sign-in-code", locale, code=code)
    return Challenge(mask_phone(phone), now + CODE_TTL)


def _code_hash(phone: str, code: str) -> bytes:
    """Keyed, so that a copy of the table does not give a million codes to try."""
    return crypto.blind_index("sign-in-code", f"{phone}|{code}")


async def sign_in(
    db: Db, phone: str, code: str, *, kept: bool, device: str, locale: str = "zh", request: str = ""
) -> SignedIn:
    """Begins a session of the account that the phone identifies; the first proof of a phone opens its account.

    `kept` sessions last 90 days, others four hours. A code counts once, except for the same `request`, such as the key
    of a form that is sent again because its answer was lost. CodeWrong costs one of five tries of that code; CodeExpired when
    there is no code to compare with. A wrong code is written down even though it is refused.
    """
    outcome = await db.run(_sign_in, phone, code.strip(), kept, device[:200], locale, request)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


async def _sign_in(
    tx: Tx, phone: str, code: str, kept: bool, device: str, locale: str, request: str
) -> SignedIn | Problem:
    now = clock.now()
    index = crypto.blind_index("phone", phone)
    sent = await store.newest_code(tx, index)
    used_for = crypto.digest(request) if request else None
    if sent is None or sent.expires_at <= now or sent.tries_left <= 0:
        return CodeExpired()
    if sent.used_at is not None and (used_for is None or sent.used_for != used_for):
        return CodeExpired()
    if not secrets.compare_digest(bytes(sent.code_hash), _code_hash(phone, code)):
        await store.use_try(tx, sent.id)
        return CodeWrong(tries_left=sent.tries_left - 1)
    await store.use_code(tx, sent.id, now, used_for)
    account_id = await store.account_of_phone(tx, index)
    if account_id is None:
        account_id = ids.uuid7()
        await store.insert_account(tx, account_id, locale, now)
        await store.insert_phone(
            tx, identifier_id=ids.uuid7(), account_id=account_id, phone=crypto.seal("accounts.identifiers.value", phone),
            phone_index=index, masked=mask_phone(phone), at=now,
        )  # fmt: skip
    token = secrets.token_urlsafe(32)
    expires_at = now + (KEPT_TTL if kept else GUEST_TTL)
    await store.insert_session(
        tx,
        token_hash=crypto.digest(token),
        account_id=account_id,
        kept=kept,
        device=device,
        at=now,
        expires_at=expires_at,
    )
    return SignedIn(token, account_id, mask_phone(phone), expires_at)


async def session(tx: ReadTx, token: str) -> Session | None:
    """Who a token speaks for now, or None."""
    digest = crypto.digest(token)
    return (await store.live_sessions(tx, [digest], clock.now())).get(digest)


async def sign_out(tx: Tx, token: str) -> None:
    """Ends the session of this token."""
    await store.end_session(tx, crypto.digest(token), clock.now())


async def sign_out_everywhere(tx: Tx, account_id: UUID) -> int:
    """Ends every session of the person; how many there were."""
    return await store.end_sessions(tx, account_id, clock.now())


async def devices(tx: ReadTx, account_id: UUID) -> list[Device]:
    """Where the person is signed in."""
    return await store.devices(tx, account_id, clock.now())


async def phone_of(tx: ReadTx, account_id: UUID) -> str | None:
    """The E.164 number an account signs in with."""
    sealed = await store.phone_of(tx, account_id)
    return crypto.unseal("accounts.identifiers.value", bytes(sealed)) if sealed else None


class Doorkeeper:
    """Sessions for a surface under load: look-ups share a statement, and an answer counts for a few seconds.

    Signing out therefore takes effect elsewhere within `fresh_s`, and at once in the process that signed out.
    """

    def __init__(self, db: Db, *, fresh_s: float = 3.0, size: int = 20_000) -> None:
        self._db = db
        self._fresh_s, self._size = fresh_s, size
        self._known: dict[bytes, tuple[float, Session | None]] = {}
        self._find: Batch[bytes, Session | _Nobody] = Batch(self._find_many, limit=256, lanes=2, depth=20_000)

    async def __call__(self, token: str) -> Session | None:
        """Who a token speaks for, at most `fresh_s` seconds ago."""
        digest = crypto.digest(token)
        known = self._known.get(digest)
        if known and known[0] > time.monotonic() and (known[1] is None or known[1].expires_at > clock.now()):
            return known[1]
        found = await self._find(digest)
        session = None if isinstance(found, _Nobody) else found
        if len(self._known) >= self._size:
            self._known.clear()
        self._known[digest] = (time.monotonic() + self._fresh_s, session)
        return session

    def forget(self, token: str) -> None:
        """Signed out here: ask again."""
        self._known.pop(crypto.digest(token), None)

    def forget_all(self) -> None:
        """Signed out everywhere: ask again for everybody."""
        self._known.clear()

    async def _find_many(self, digests: Sequence[bytes]) -> list[Session | _Nobody | Problem]:
        found = await self._db.read(store.live_sessions, list(digests), clock.now())
        return [found.get(digest, _NOBODY) for digest in digests]


class _Nobody:
    """The answer for a token that speaks for nobody."""


_NOBODY = _Nobody()
