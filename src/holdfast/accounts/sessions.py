"""Sessions: signing in with a code, staying signed in, signing out here and everywhere.

There is nothing to lock: a wrong code costs a try of that code, never the account. A session outlives releases: its row says
which form it has, readers take the facts they know and leave the others, and tokens are looked up whole, whatever their form.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from holdfast.kit import clock, crypto, ids
from holdfast.kit.db import Batch, Db, ReadTx, Tx
from holdfast.kit.problems import Problem

from . import attempts, attempts_store, breaker, codes, store
from .attempts_model import Method
from .model import Device, Session, SignedIn
from .places import Place
from .store import Found

KEPT_TTL = timedelta(days=90)
GUEST_TTL = timedelta(hours=4)
FORM = 2
"""Of the sessions that this release writes: 1 had no facts, and a token without ``2.`` before it."""
TOUCH_EVERY = timedelta(minutes=5)
"""How exactly the time of last use is kept."""


async def sign_in(
    db: Db, contact: str, code: str, *, kept: bool, device: str, locale: str = "zh", request: str = "",
    channel: codes.Channel = "phone", source: str = "", device_token: str = "",
) -> SignedIn:  # fmt: skip
    """Begins a session of the account that a phone or an e-mail address identifies; its first proof opens its account.

    `kept` sessions last 90 days, others four hours. A code counts once, except for the same `request`, such as the key
    of a form that is sent again because its answer was lost. CodeWrong costs one of five tries of that code; CodeExpired when
    there is no code to compare with. A wrong code is written down even though it is refused.
    """
    place = Place(device[:200], source, device_token)
    outcome = await db.run(_sign_in, channel, contact, code, kept, place, locale, request)
    if isinstance(outcome, Problem):
        await breaker.consider(db, Method.CODE)
        raise outcome
    return outcome


async def _sign_in(
    tx: Tx, channel: codes.Channel, contact: str, code: str, kept: bool, place: Place, locale: str, request: str
) -> SignedIn | Problem:
    index = crypto.blind_index(channel, contact)
    account_id = await store.account_of(tx, channel, index)
    known = await attempts_store.is_known(tx, place.key, account_id)
    refusal = await codes.use_code(
        tx, channel, contact, code, purpose=codes.SIGN_IN, place=place, known=known, request=request
    )
    if refusal:
        await attempts.note(tx, Method.CODE, index, place, account_id, why=refusal.code, known=known)
        return refusal
    account_id = account_id or await store.account_of(
        tx, channel, index
    )  # another request may have opened it meanwhile
    if account_id is None:
        account_id = await open_account(tx, locale)
        await identify(tx, account_id, channel, contact, codes.masked(channel, contact))
    return await begin(tx, account_id, Method.CODE, index, kept=kept, place=place, shown=codes.masked(channel, contact))


async def open_account(tx: Tx, locale: str) -> UUID:
    """A new person."""
    account_id = ids.uuid7()
    await store.insert_account(tx, account_id, locale, clock.now())
    return account_id


async def identify(tx: Tx, account_id: UUID, kind: str, value: str, masked: str) -> None:
    """Something proven identifies an account from now on."""
    await store.insert_identifier(
        tx, identifier_id=ids.uuid7(), account_id=account_id, kind=kind, value=crypto.seal("accounts.identifiers.value", value),
        index=crypto.blind_index(kind, value), masked=masked, at=clock.now(),
    )  # fmt: skip


async def begin(
    tx: Tx, account_id: UUID, method: Method, subject: bytes, *, kept: bool, place: Place, shown: str = ""
) -> SignedIn:
    """A session of somebody who has just proven who they are; a device that keeps it is known from now on."""
    now = clock.now()
    token = f"{FORM}.{secrets.token_urlsafe(32)}"
    digest, expires_at = crypto.digest(token), now + (KEPT_TTL if kept else GUEST_TTL)
    known = await attempts_store.is_known(tx, place.key, account_id)
    await store.insert_session(
        tx, token_hash=digest, account_id=account_id, kept=kept, device=place.device, form=FORM,
        facts={"methods": [method.value]}, at=now, expires_at=expires_at,
    )  # fmt: skip
    if place.key is not None and kept:
        await attempts_store.note_device(tx, place.key, account_id, method, now)
    await attempts.note(tx, method, subject, place, account_id, succeeded=True, known=known)
    if not shown:
        [found] = await store.live_sessions(tx, [digest], now)
        shown = found.phone_masked
    return SignedIn(token, account_id, shown, expires_at)


def _session(found: Found) -> Session:
    return Session(
        found.account_id, found.phone_masked, found.kept, found.expires_at, found.proven_at, _methods(found.facts),
        bytes(found.token_hash),
    )  # fmt: skip


def _methods(facts: Any) -> tuple[str, ...]:
    """As far as this release understands what is written there."""
    given = facts.get("methods") if isinstance(facts, dict) else None
    return tuple(str(one) for one in given) if isinstance(given, list) else ()


async def session(tx: ReadTx, token: str) -> Session | None:
    """Who a token speaks for now, or None."""
    found = await store.live_sessions(tx, [crypto.digest(token)], clock.now())
    return _session(found[0]) if found else None


async def sign_out(tx: Tx, token: str) -> None:
    """Ends the session of this token."""
    await store.end_session(tx, crypto.digest(token), clock.now())


async def sign_out_everywhere(tx: Tx, account_id: UUID) -> int:
    """Ends every session of the person, and no device of theirs is known any more; how many sessions there were."""
    await attempts_store.forget_devices(tx, account_id)
    return await store.end_sessions(tx, account_id, clock.now())


async def sign_out_device(tx: Tx, account_id: UUID, device_id: str) -> bool:
    """Ends one session of the person by its `Device.id`; whether there was one."""
    for device in await devices(tx, account_id):
        if device.id == device_id:
            await store.end_session(tx, device.token_hash, clock.now())
            return True
    return False


async def devices(tx: ReadTx, account_id: UUID) -> list[Device]:
    """Where the person is signed in, last used first."""
    return [
        Device(
            row.device,
            row.kept,
            row.created_at,
            row.expires_at,
            bytes(row.token_hash),
            row.seen_at,
            _methods(row.facts),
        )
        for row in await store.devices(tx, account_id, clock.now())
    ]


async def phone_of(tx: ReadTx, account_id: UUID) -> str | None:
    """The E.164 number an account signs in with; None when it has no phone."""
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
        now = clock.now()
        rows = await self._db.read(store.live_sessions, list(digests), now)
        stale = [bytes(row.token_hash) for row in rows if row.seen_at is None or now - row.seen_at > TOUCH_EVERY]
        if stale:
            await self._db.run_one(store.touch_sessions, stale, now)
        found = {bytes(row.token_hash): _session(row) for row in rows}
        return [found.get(digest, _NOBODY) for digest in digests]


class _Nobody:
    """The answer for a token that speaks for nobody."""


_NOBODY = _Nobody()
