"""Refunds: accepted is not refunded. Each has its own reference, is sent until taken and asked about until final.

A refund that got no answer is sent again under the same reference; only a closed one gets a new reference.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from holdfast.kit import clock, faults, ids, jobs, log, settings
from holdfast.kit.db import Db, Tx

from . import channels, store
from .model import QUERY_PAUSES_S, IntentUnknown, RefundRow
from .providers.base import CallRecord, Refund, RefundObservation, RefundState

REQUESTED = faults.declare("payments.refund.before_call", "a refund is committed, the provider is not called")
REFUND_ANSWERED = faults.declare("payments.refund.answered", "the provider has answered a refund, nothing is recorded")
FINAL = ("succeeded", "closed")
CLOSED_MAX = 5
"""A provider allows 50 refunds of a payment; closing this many in a row, it is not going to change its mind."""


async def request(tx: Tx, attempt_id: UUID, amount_minor: int, reason: str) -> UUID | None:
    """Promises money back, never more than was paid; None when all of it is promised already.

    The attempt's intent is locked by the caller or here, so that two requests cannot both see the same money.
    """
    attempt = await store.attempt_locked(tx, attempt_id)
    if attempt is None or attempt.paid_minor is None:
        raise IntentUnknown
    amount = min(amount_minor, attempt.paid_minor - await store.refunded_or_promised(tx, attempt_id))
    if amount <= 0:
        return None
    refund_id = ids.uuid7()
    await store.insert_refund(
        tx, refund_id=refund_id, attempt_id=attempt_id, refund_ref=f"HFR{refund_id.hex.upper()}", amount_minor=amount,
        currency=attempt.paid_currency or attempt.currency, reason=reason, at=clock.now(),
    )  # fmt: skip
    return refund_id


async def pursue(db: Db, refund_id: UUID) -> None:
    """Takes a refund one step further: sends it, or asks about it; the resolver comes again until it is final."""
    refund = await db.read(store.refund, refund_id)
    if refund is None or refund.state in FINAL:
        return
    attempt = await db.read(store.attempt, refund.attempt_id)
    assert attempt is not None
    adapter = await channels.current().get(attempt.provider)
    seen: RefundObservation | None = None
    if refund.state != "requested":
        seen, call = await adapter.query_refund(refund.refund_ref)
    if seen is None or seen.state is RefundState.NOT_FOUND:
        faults.point(REQUESTED)
        seen, call = await adapter.refund(
            Refund(
                refund_ref=refund.refund_ref,
                merchant_ref=attempt.merchant_ref,
                amount_minor=refund.amount_minor,
                total_minor=attempt.paid_minor or attempt.amount_minor,
                currency=refund.currency,
                reason=refund.reason,
                notify_url=f"{settings.current().base_url}/webhooks/{adapter.name}",
            )
        )
        faults.point(REFUND_ANSWERED)
    await db.run(observe_refund, refund_id, seen, call)


async def observe_refund(tx: Tx, refund_id: UUID, seen: RefundObservation, call: CallRecord | None = None) -> RefundRow:
    """Applies what a provider said about a refund. Succeeded and closed are final."""
    refund = await store.refund_locked(tx, refund_id)
    if refund is None:
        raise IntentUnknown
    if call is not None:
        await store.insert_call(tx, refund.attempt_id, call)
    if refund.state in FINAL:
        return refund
    now = clock.now()
    state = "unknown" if seen.state is RefundState.NOT_FOUND else str(seen.state)
    final = state in FINAL
    pause = timedelta(seconds=QUERY_PAUSES_S[min(refund.queries, len(QUERY_PAUSES_S) - 1)])
    await store.update_refund(
        tx, refund_id, state=state, seen=seen, queries=refund.queries + 1,
        next_query_at=None if final else now + pause, finished_at=now if final else None,
    )  # fmt: skip
    if state == "succeeded":
        await jobs.emit(tx, "refund.succeeded", {"refund_id": str(refund_id), "attempt_id": str(refund.attempt_id)})
    if state == "closed":  # gave nothing back: a new reference may be used, and must be
        if await store.closed_refunds(tx, refund.attempt_id) < CLOSED_MAX:
            await request(tx, refund.attempt_id, refund.amount_minor, refund.reason)
        else:  # the provider will not have it: the invariants name this money until a person sends it another way
            log.get().error("refund.refused_for_good", attempt_id=str(refund.attempt_id), error_code=seen.error_code)
    found = await store.refund(tx, refund_id)
    assert found is not None
    return found
