"""Notifications: a provider's callback is verified, stored and answered; a worker acts on it at our own pace."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from holdfast.kit import clock, faults, ids, jobs, log
from holdfast.kit.db import Db, Tx

from . import channels, refunds, refunds_store, store
from .model import PROBE
from .observations import observe
from .providers.base import Acknowledgement, Notification, Observation, RefundObservation


class _Content(msgspec.Struct, frozen=True):
    """What a callback said, as the inbox keeps it."""

    payment: Observation | None = None
    refund: RefundObservation | None = None


PROVEN = faults.declare("payments.notify.before_store", "a callback is proven, not stored")
STORED = faults.declare("payments.notify.stored", "a callback is stored, not answered")


async def receive(db: Db, provider: str, headers: Mapping[str, str], raw: bytes) -> Acknowledgement:
    """Takes a callback; what the provider must be told once it is stored, also when it comes again.

    Raises Forged when it is not proven, KeyError for a provider that there is not.
    """
    adapter = await channels.current().get(provider)
    notification = adapter.notification(headers, raw)
    faults.point(PROVEN)
    await db.run(_store, provider, notification)
    faults.point(STORED)
    return adapter.acknowledgement


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
    try:
        told = msgspec.convert(content, _Content, strict=False)
    except msgspec.ValidationError as poison:  # proven, and impossible: a person looks at it
        log.get().error("webhook.poison", inbox_id=str(inbox_id), reason=str(poison))
        await store.mark_notification(tx, inbox_id, "needs_review", f"impossible content: {poison}")
        return
    note = await _act(tx, provider, told)
    await store.mark_notification(tx, inbox_id, "needs_review" if note else "applied", note)


async def _act(tx: Tx, provider: str, told: _Content) -> str | None:
    """Applies what was told; why a person must look at it instead, else None."""
    if told.refund is not None:
        refund = await refunds_store.refund_of_reference(tx, told.refund.refund_ref)
        if refund is None:
            return "unknown reference"
        await refunds.observe_refund(tx, refund.id, told.refund)
    elif told.payment is not None:
        if told.payment.merchant_ref.startswith(PROBE):
            return None  # the end of a synthetic charge: nobody's payment
        attempt = await store.attempt_of_reference(tx, provider, told.payment.merchant_ref)
        if attempt is None:
            return "unknown reference"
        await observe(tx, attempt.id, told.payment)
    else:
        return "for a person to look at"
    return None
