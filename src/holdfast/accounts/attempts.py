"""Attempts to sign in: each is written down, for the account's owner, for the breaker, and for the list of those an incident touched.

Failures make the next try of the same credential from the same place wait, longer and longer; success there forgets them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from holdfast import __version__, admission
from holdfast.kit import clock, crypto, settings
from holdfast.kit.db import Db, ReadTx, Tx

from . import attempts_store as store
from .attempts_model import Method, SignInPaused, SignInRecord, wait_after
from .places import Place

SOURCE_LIMITS = ((60, 60), (600, 3600))
"""Tries from one network, whoever they are for, in so many seconds; they hold whatever else does not."""
PAIR_LIMITS = ((12, 60), (60, 3600))
"""Tries of one credential from one network."""
EVERYWHERE = b""
"""The place of all unknown devices together."""
KEPT_SIGN_INS, KEPT_HOURS, KEPT_FAILURES = timedelta(days=90), timedelta(days=8), timedelta(days=2)
ACTIVE_WITHIN = timedelta(days=90)


def release() -> str:
    """The release that is running, as sign-ins and restrictions name it."""
    return settings.current().release or __version__


async def note(
    tx: Tx, method: Method, subject: bytes, place: Place, account_id: UUID | None, *, succeeded: bool = False, why: str = "",
    known: bool = False,
) -> None:  # fmt: skip
    """Writes down one attempt. `subject` is a blind index of what was tried."""
    await store.insert_sign_in(
        tx, method=method, succeeded=succeeded, why=why, subject=subject, source=place.source_index, account_id=account_id,
        known=known, device=place.device, release_id=release(), at=clock.now(),
    )  # fmt: skip


async def recent(tx: ReadTx, account_id: UUID, limit: int = 20) -> list[SignInRecord]:
    """The latest attempts on the accounts of a person, newest first."""
    return await store.recent(tx, account_id, limit)


async def curve(tx: ReadTx, method: Method, since: datetime) -> list[tuple[datetime, int, int]]:
    """Each minute since then in which somebody tried, with tries and successes, oldest first."""
    return await store.curve(tx, method, since)


async def ways_used(tx: ReadTx, device_token: str) -> list[Method]:
    """How people signed in on the device with this cookie, the latest way first; it does not say who."""
    known = {one.value for one in Method}
    found = await store.methods_of(tx, crypto.digest(device_token)) if device_token else []
    return [Method(one) for one in found if one in known]


async def limit_source(tx: Tx, subject: bytes, place: Place) -> SignInPaused | None:
    """Counts a try against its network, and against the pair of network and credential."""
    limits = [("sign-in", "", SOURCE_LIMITS), ("sign-in-pair", subject.hex(), PAIR_LIMITS)]
    for name, who, windows in limits:
        for uses, per_s in windows:
            left = await admission.spend(
                tx, f"{name}-{per_s}", f"{who}{place.source_index.hex()}", uses=uses, per_s=per_s
            )
            if not left.allowed:
                return SignInPaused(retry_after_s=left.resets_in_s)
    return None


def where(place: Place, *, known: bool) -> bytes:
    """What failures are counted beside: the known device itself, else the network."""
    return crypto.blind_index("sign-in-device", place.token) if known else place.source_index


async def must_wait(tx: ReadTx, subject: bytes, place: Place, *, known: bool) -> SignInPaused | None:
    """Whether the failures of a credential from here make its next try wait still."""
    found = await store.failed(tx, subject, where(place, known=known))
    left = found.last_at + wait_after(found.failed) - clock.now() if found else timedelta(0)
    return SignInPaused(retry_after_s=int(left.total_seconds()) + 1) if left > timedelta(0) else None


async def count_failure(tx: Tx, subject: bytes, place: Place, *, known: bool) -> int:
    """Counts a failure; how many there are in a row from all unknown devices, 0 for one on a known device."""
    now = clock.now()
    await store.note_failure(tx, subject, where(place, known=known), now)
    return 0 if known else await store.note_failure(tx, subject, EVERYWHERE, now)


async def forgive(tx: Tx, subject: bytes, place: Place, *, known: bool) -> None:
    """A success forgets the failures from its place; on an unknown device those of all unknown devices, too."""
    places = [where(place, known=known)] if known else [where(place, known=known), EVERYWHERE]
    await store.forgive(tx, subject, places)


async def tidy(db: Db) -> None:
    """Sums up whole hours, counts the people who use the place, and forgets what is older than it is kept."""
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    await db.run(store.roll_up, hour - timedelta(hours=3), hour)
    await db.run(store.count_people, now - ACTIVE_WITHIN, now)
    await db.run(
        store.forget, sign_ins=now - KEPT_SIGN_INS, hours=now - KEPT_HOURS, failures=now - KEPT_FAILURES, now=now
    )
