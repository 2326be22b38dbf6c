"""Second receipts: a provider tells of success under another number for a charge that was paid already.

It may be a second payment or a slip of the provider's: the money waits in a pending journal until the provider, asked
by that number, or its bill, says that there are two. Then it goes back by that number, never by the charge's.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from holdfast.kit import clock, ids, log
from holdfast.kit.db import Db, Tx

from . import bookings, channels, health_store, refunds, refunds_store, store
from .model import Attempt, Intent, IntentUnknown
from .providers.base import CallRecord, Observation, PaymentState

ASK_AGAIN = timedelta(minutes=10)
BILL_DECIDES_AFTER = timedelta(days=2)
"""By then the bill of the day has come: what neither it nor the provider knows is refuted."""


async def suspect(tx: Tx, intent: Intent, attempt: Attempt, seen: Observation) -> None:
    """Notes a second number once, holding its money in a pending journal. The intent is locked."""
    assert seen.provider_txn is not None
    assert seen.amount_minor is not None
    assert seen.currency is not None
    if seen.amount_minor == 0 or await refunds_store.receipt_of_txn(tx, attempt.provider, seen.provider_txn):
        return
    receipt_id, now = ids.uuid7(), clock.now()
    journal_id = await bookings.second_suspected(
        tx, intent, attempt, receipt_id, seen.amount_minor, seen.currency, seen.occurred_at or now
    )
    await refunds_store.insert_receipt(
        tx, receipt_id=receipt_id, attempt_id=attempt.id, provider=attempt.provider, provider_txn=seen.provider_txn,
        amount_minor=seen.amount_minor, currency=seen.currency, at=now, journal_id=journal_id,
    )  # fmt: skip
    log.get().warning("payment.second_receipt", attempt_id=str(attempt.id), provider_txn=seen.provider_txn)


async def ask(db: Db, receipt_id: UUID) -> None:
    """Asks the provider about the second number, and decides."""
    receipt = await db.read(refunds_store.receipt, receipt_id)
    if receipt is None or receipt.state != "suspected":
        return
    attempt = await db.read(store.attempt, receipt.attempt_id)
    assert attempt is not None
    adapter = await channels.current().get(attempt.provider, attempt.adapter_version)
    seen, call = await adapter.query_txn(receipt.provider_txn)
    await db.run(decide, receipt_id, seen, call)


async def decide(tx: Tx, receipt_id: UUID, seen: Observation, call: CallRecord | None = None) -> None:
    """What the provider (or its bill) says of the second number: money that goes back, or nothing at all."""
    receipt = await refunds_store.receipt_locked(tx, receipt_id)
    if receipt is None:
        raise IntentUnknown
    attempt = await store.attempt(tx, receipt.attempt_id)
    assert attempt is not None
    if call is not None:
        await health_store.insert_call(
            tx, call, provider=attempt.provider, method=attempt.method, version=attempt.adapter_version, attempt_id=attempt.id
        )  # fmt: skip
    if receipt.state != "suspected":
        return
    now = clock.now()
    is_that_one = seen.provider_txn == receipt.provider_txn and seen.merchant_ref == attempt.merchant_ref
    if seen.state is PaymentState.SUCCEEDED and is_that_one:
        await refunds_store.decide_receipt(tx, receipt_id, "confirmed", now, None)
        await bookings.second_decided(tx, receipt, real=True)
        await refunds.request(
            tx, attempt.id, receipt.amount_minor, "second receipt", source="unapplied", receipt_id=receipt_id
        )
    elif seen.state is PaymentState.NOT_FOUND or now - receipt.seen_at > BILL_DECIDES_AFTER:
        await refunds_store.decide_receipt(tx, receipt_id, "refuted", now, None)
        await bookings.second_decided(tx, receipt, real=False)
    else:
        await refunds_store.decide_receipt(tx, receipt_id, "suspected", None, now + ASK_AGAIN)
