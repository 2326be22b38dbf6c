"""Restrictions: what stands where others lock accounts. A row for one credential on unknown devices, with a reason and the
release that wrote it, that ends by itself and can be voided together with all its like, after a look at how many there are.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx, lock

from . import attempts, attempts_store, breaker
from . import restrictions_store as store
from .attempts_model import Method, MethodRestricted, cap_of
from .restrictions_model import Preview, Restriction, Selection, SelectionChanged, SelectionMissing

LISTED = 100


async def restrict(
    tx: Tx, method: Method, key: bytes, account_id: UUID | None, *, reason: str, ttl: timedelta,
    incident_id: UUID | None = None,
) -> bool:  # fmt: skip
    """Lets one credential rest on unknown devices; False when the breaker is open, or opens because there are too many."""
    await lock(tx, f"accounts.restrictions:{method}")
    if await breaker.is_open(tx, method):
        return False
    now = clock.now()
    written = await store.written_since(tx, method, now - breaker.MINUTE)
    cap = cap_of(await attempts_store.people(tx))
    if written >= cap:
        await breaker.trip(tx, method, breaker.FLOOD, {"written": written, "cap": cap})
        return False
    await store.insert(
        tx, restriction_id=ids.uuid7(), scope=method, key=key, account_id=account_id, reason=reason,
        release_id=attempts.release(), incident_id=incident_id, at=now, expires_at=now + ttl,
    )  # fmt: skip
    return True


async def in_force(tx: ReadTx, method: Method, key: bytes) -> MethodRestricted | None:
    """The problem of a restricted credential, which says until when."""
    now = clock.now()
    ends = await store.ends_at(tx, method, key, now)
    return MethodRestricted(retry_after_s=int((ends - now).total_seconds()) + 1) if ends else None


async def preview(tx: ReadTx, chosen: Selection) -> Preview:
    """What voiding these would do: counts by scope, reason and release."""
    groups = await store.groups(tx, chosen.release, chosen.since, chosen.until, clock.now())
    return Preview(groups, sum(one.written for one in groups), sum(one.in_force for one in groups))


async def listed(tx: ReadTx, chosen: Selection, limit: int = LISTED) -> list[Restriction]:
    """Those not voided, newest first."""
    return await store.listed(tx, chosen.release, chosen.since, chosen.until, limit)


async def void(tx: Tx, actor: Actor, chosen: Selection, *, reason: str, most: int | None = None) -> int:
    """Ends all that were chosen, at once, and forgets the failures behind them; how many.

    SelectionMissing: everything is not a choice. `most` is what the preview said: SelectionChanged when there are more.
    """
    if not chosen.is_narrow:
        raise SelectionMissing
    keys = await store.void(
        tx, chosen.release, chosen.since, chosen.until, at=clock.now(), by=str(actor), reason=reason or "-"
    )
    if most is not None and len(keys) > most:
        raise SelectionChanged(now=len(keys), seen=most)
    await attempts_store.forgive_all(tx, keys)
    about = {"release": chosen.release, "since": chosen.since, "until": chosen.until}
    await audit.record(
        tx, actor, "restrictions.void", "restrictions", voided=len(keys), reason=reason,
        **{name: str(value) for name, value in about.items() if value},
    )  # fmt: skip
    return len(keys)
