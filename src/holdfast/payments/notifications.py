"""Notifications: a provider's callback is verified, stored and answered; a worker acts on it at our own pace."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from holdfast.kit import clock, faults, ids, jobs
from holdfast.kit.db import Db, Tx

from . import channels, refunds, store
from .observations import observe
from .providers.base import Notification, Observation, RefundObservation

PROVEN = faults.declare("payments.notify.before_store", "a callback is proven, not stored")
STORED = faults.declare("payments.notify.stored", "a callback is stored, not answered")


async def receive(db: Db, provider: str, headers: Mapping[str, str], raw: bytes) -> None:
    """Takes a callback. Raises Forged when it is not proven; returns when it is stored, also for the second time."""
    adapter = await channels.current().get(provider)
    notification = adapter.notification(headers, raw)
    faults.point(PROVEN)
    await db.run(_store, provider, notification)
    faults.point(STORED)


async def _store(tx: Tx, provider: str, notification: Notification) -> None:
    inbox_id = ids.uuid7()
    content = msgspec.to_builtins(
        {"payment": notification.observation, "refund": notification.refund_observation}, str_keys=True
    )
    if await store.insert_notification(
        tx, inbox_id=inbox_id, provider=provider, dedupe_key=notification.dedupe_key, kind=notification.kind,
        content=content, at=clock.now(),
    ):  # fmt: skip
        await jobs.emit(tx, "payment.notified", {"inbox_id": str(inbox_id)})


async def apply(db: Db, inbox_id: UUID) -> None:
    """Acts on a stored callback; one about nothing we know is kept for a person to look at."""
    await db.run(_apply, inbox_id)


async def _apply(tx: Tx, inbox_id: UUID) -> None:
    stored = await store.notification(tx, inbox_id)
    if stored is None or stored[2] != "new":
        return
    provider, content, _ = stored
    if content["refund"] is not None:
        seen_refund = msgspec.convert(content["refund"], RefundObservation, strict=False)
        refund = await store.refund_of_reference(tx, seen_refund.refund_ref)
        if refund is not None:
            await refunds.observe_refund(tx, refund.id, seen_refund)
        known = refund is not None
    else:
        seen = msgspec.convert(content["payment"], Observation, strict=False)
        attempt = await store.attempt_of_reference(tx, provider, seen.merchant_ref)
        if attempt is not None:
            await observe(tx, attempt.id, seen)
        known = attempt is not None
    await store.mark_notification(
        tx, inbox_id, "applied" if known else "needs_review", None if known else "unknown reference"
    )
