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
    """How each channel is."""
    await health.watch(db)


@every(1)
async def probe_channels(db: Db) -> None:
    """Trying those that do not serve, beside the watching: a probe may wait for its answer as long as a payer."""
    await health.probe(db)


@every(30)
async def watch_conversion(db: Db) -> None:
    """Whether payers can pay what we show them."""
    await health.watch_conversion(db)


@every(1)
async def resolve_wechatpay(db: Db) -> None:
    """Asks about attempts and refunds that are not final; each provider in rounds of its own, so that none waits for another."""
    await resolver.resolve(db, "wechatpay")


@every(1)
async def resolve_alipay(db: Db) -> None:
    """The same at Alipay."""
    await resolver.resolve(db, "alipay")


@every(1)
async def resolve_stripe(db: Db) -> None:
    """The same at Stripe."""
    await resolver.resolve(db, "stripe")


@every(60)
async def resolve_payments_by_bill(db: Db) -> None:
    """After an outage: what a bill tells need not be asked."""
    await bulk.resolve(db)


@every(300)
async def reconcile_bills(db: Db) -> None:
    """Bills that are due are fetched and compared with our payments and the ledger."""
    await reconciliation.run_all(db)
