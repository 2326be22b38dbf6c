"""Promises: orders confirmed before they were paid, because no way to pay answered. What is not paid in time ends.

The provider is asked first, as for every hold: money that came keeps the promise.
"""

from __future__ import annotations

from uuid import UUID

from holdfast import payments
from holdfast.kit import clock, log
from holdfast.kit.actor import system
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import Unavailable

from . import cancellation, messages, news, store
from .model import State, may_become

_ACTOR = str(system("promises"))


async def sweep(db: Db) -> int:
    """Ends the promises whose time is over; how many were looked at."""
    due = await db.read(payments.promises_due)
    for intent_id in due:
        try:
            settlement = await payments.settle(db, intent_id)
        except Unavailable as reason:  # comes again with the next round
            log.get().warning("promise.postponed", intent_id=str(intent_id), reason=reason.code)
            continue
        if settlement is payments.Settlement.OVER:
            await db.run(_break, intent_id)
    return len(due)


async def _break(tx: Tx, intent_id: UUID) -> None:
    """The order of a promise that was not kept is cancelled, and its places go back; one that was used stays used."""
    row = await store.by_intent_locked(tx, intent_id)
    if row is None or row.state is not State.CONFIRMED:
        return
    assert may_become(row.state, State.CANCELLED)
    await store.set_state(tx, row.id, State.CANCELLED, expires_at=None, confirmed_at=None)
    await store.add_event(tx, row.id, "promise_not_kept", clock.now(), _ACTOR, {})
    await cancellation.end_with(tx, row.id)
    await store.release(tx, row.id)
    await news.tell(tx, [row], State.CANCELLED)
    await messages.tell(tx, row, "promise-not-kept")


async def kept(tx: Tx, intent_id: UUID) -> None:
    """Money came for an order that was confirmed on a promise: said once in its story."""
    row = await store.by_intent_locked(tx, intent_id)
    if row is None or row.state is not State.CONFIRMED:
        return
    events = await store.events(tx, row.id)
    promised = any(event.kind == "confirmed" and event.details.get("deferred") for event in events)
    if promised and not any(event.kind == "promise_kept" for event in events):
        await store.add_event(tx, row.id, "promise_kept", clock.now(), _ACTOR, {})
