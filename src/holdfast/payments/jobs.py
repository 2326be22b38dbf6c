"""Background entries of payments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from holdfast.kit.db import Db
from holdfast.kit.jobs import every, on

from . import attempts, bulk, health, notifications, reconciliation, resolver


@on("payment.notified")
async def apply_notification(db: Db, payload: dict[str, Any]) -> None:
    """A callback was stored."""
    await notifications.apply(db, UUID(payload["inbox_id"]))


@on("payment.paid")
async def close_what_else_could_be_paid(db: Db, payload: dict[str, Any]) -> None:
    """The money has come: other attempts of the same intent are closed at their providers."""
    await attempts.close_others(db, UUID(payload["intent_id"]))


@every(1)
async def watch_channels(db: Db) -> None:
    """How each channel is, and trying those that do not serve."""
    await health.watch(db)
    await health.probe(db)


@every(30)
async def watch_conversion(db: Db) -> None:
    """Whether payers can pay what we show them."""
    await health.watch_conversion(db)


@every(1)
async def resolve_payments(db: Db) -> None:
    """Asks about attempts and refunds that are not final."""
    await resolver.resolve(db)


@every(60)
async def resolve_payments_by_bill(db: Db) -> None:
    """After an outage: what a bill tells need not be asked."""
    await bulk.resolve(db)


@every(300)
async def reconcile_bills(db: Db) -> None:
    """Bills that are due are fetched and compared with our payments and the ledger."""
    await reconciliation.run_all(db)
