"""Refunds: accepted is not refunded. Each has its own reference, is sent until taken and asked about until final.

What may go back is capped by the ledger: a pending journal holds each refund from its request on, so that two at once
cannot both see the same money. A refund that got no answer is sent again under the same reference; only a closed one
gets a new reference.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from holdfast import ledger
from holdfast.kit import audit, clock, faults, ids, jobs, log, settings
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx

from . import bookings, channels, health_store, news, refunds_store, store
from .model import DESK, QUERY_PAUSES_S, Attempt, Intent, IntentUnknown, RefundNotByHand, RefundRow, RefundTooMuch, Role
from .providers.base import CallRecord, OutcomeClass, Refund, RefundObservation, RefundState, Source

REQUESTED = faults.declare("payments.refund.before_call", "a refund is committed, the provider is not called")
REFUND_ANSWERED = faults.declare("payments.refund.answered", "the provider has answered a refund, nothing is recorded")
FINAL = ("succeeded", "closed")
CLOSED_MAX = 5
"""A provider allows 50 refunds of a payment; closing this many in a row, it is not going to change its mind."""


async def request(
    tx: Tx, attempt_id: UUID, amount_minor: int, reason: str, *, source: str = "", receipt_id: UUID | None = None,
    requested_by: str = "system",
) -> UUID | None:  # fmt: skip
    """Promises money back, never more than is left of it; None when all of it is promised already.

    `source`: the order's money (what a winner brought) or what nobody asked for; by default as the attempt's role says.
    """
    known = await store.attempt(tx, attempt_id)
    if known is None:
        raise IntentUnknown
    intent = await store.intent_locked(tx, known.intent_id)
    attempt = await store.attempt_locked(tx, attempt_id)
    assert intent is not None
    if attempt is None or attempt.paid_minor is None:
        raise IntentUnknown
    source = source or ("order" if attempt.role is Role.WINNER else "unapplied")
    amount = min(amount_minor, await _left(tx, intent, attempt, source, receipt_id))
    if amount <= 0:
        return None
    return await _promise(tx, intent, attempt, amount, reason, source, receipt_id, requested_by)


async def _left(tx: ReadTx, intent: Intent, attempt: Attempt, source: str, receipt_id: UUID | None) -> int:
    """How much of a source is not promised back yet."""
    assert attempt.paid_minor is not None
    applied = bookings.applied_minor(intent, attempt.role, attempt.paid_minor)
    if receipt_id is not None:
        receipt = await refunds_store.receipt(tx, receipt_id)
        assert receipt is not None
        whole = receipt.amount_minor
    else:
        whole = applied if source == "order" else attempt.paid_minor - applied
    left = whole - await refunds_store.promised(tx, attempt.id, source, receipt_id)
    if source == "order":  # a fee that was kept is nobody's to give back
        left = min(left, (await ledger.balance(tx, bookings.order_money(intent))).available_minor)
    return left


async def _promise(
    tx: Tx, intent: Intent, attempt: Attempt, amount: int, reason: str, source: str, receipt_id: UUID | None, by: str
) -> UUID:
    refund_id, now = ids.uuid7(), clock.now()
    currency = attempt.paid_currency or attempt.currency
    if receipt_id is not None and (receipt := await refunds_store.receipt(tx, receipt_id)):
        currency = receipt.currency
    journal_id = await bookings.refund_promised(tx, intent, attempt, refund_id, amount, currency, source, receipt_id)
    await refunds_store.insert_refund(
        tx, refund_id=refund_id, attempt_id=attempt.id, refund_ref=f"HFR{refund_id.hex.upper()}", amount_minor=amount,
        currency=currency, reason=reason, source=source, receipt_id=receipt_id, journal_id=journal_id, requested_by=by,
        at=now, due=None if attempt.provider == DESK else now,
    )  # fmt: skip
    refund = await refunds_store.refund(tx, refund_id)
    assert refund is not None
    await news.refund(tx, "refund.requested", intent.id, refund)
    return refund_id


async def give_back(tx: Tx, actor: Actor, intent_id: UUID, amount_minor: int | None, reason: str) -> UUID:
    """Staff refund part of what an intent was paid, or all that is left. RefundTooMuch names what is left.

    IntentUnknown when nothing was paid. The order's fate is the business of whoever calls.
    """
    intent = await store.intent_locked(tx, intent_id)
    winner = next((one for one in await store.attempts(tx, intent_id) if one.role is Role.WINNER), None)
    if intent is None or winner is None:
        raise IntentUnknown
    left = await _left(tx, intent, winner, "order", None)
    amount = left if amount_minor is None else amount_minor
    if not 0 < amount <= left:
        raise RefundTooMuch(left_minor=left, currency=intent.currency)
    refund_id = await _promise(tx, intent, winner, amount, reason, "order", None, str(actor))
    await audit.record(
        tx, actor, "payment.refund", str(intent_id), amount_minor=amount, currency=intent.currency, reason=reason
    )
    return refund_id


async def left_minor(tx: ReadTx, intent_id: UUID) -> int:
    """How much of an intent's money could still go back; 0 when it is not paid."""
    intent = await store.intent(tx, intent_id)
    winner = next((one for one in await store.attempts(tx, intent_id) if one.role is Role.WINNER), None)
    return await _left(tx, intent, winner, "order", None) if intent and winner else 0


async def pursue(db: Db, refund_id: UUID) -> None:
    """Takes a refund one step further: sends it, or asks about it; the resolver comes again until it is final."""
    refund = await db.read(refunds_store.refund, refund_id)
    if refund is None or refund.state in FINAL:
        return
    attempt = await db.read(store.attempt, refund.attempt_id)
    assert attempt is not None
    receipt = await db.read(refunds_store.receipt, refund.receipt_id) if refund.receipt_id else None
    adapter = await channels.current().get(attempt.provider, attempt.adapter_version)
    seen: RefundObservation | None = None
    if refund.state != "requested":
        seen, call = await adapter.query_refund(refund.refund_ref, attempt.merchant_ref, refund.provider_refund)
        if seen.state is RefundState.NOT_FOUND:
            await db.run(_note_call, attempt, call)
    if seen is None or seen.state is RefundState.NOT_FOUND:
        faults.point(REQUESTED)
        seen, call = await adapter.refund(
            Refund(
                refund_ref=refund.refund_ref,
                merchant_ref=attempt.merchant_ref,
                amount_minor=refund.amount_minor,
                total_minor=receipt.amount_minor if receipt else attempt.paid_minor or attempt.amount_minor,
                currency=refund.currency,
                reason=refund.reason,
                notify_url=f"{settings.current().base_url}/webhooks/{adapter.name}",
                provider_ref=attempt.provider_ref,
                provider_txn=receipt.provider_txn if receipt else None,
            )
        )
        faults.point(REFUND_ANSWERED)
    await db.run(observe_refund, refund_id, seen, call)


async def _note_call(tx: Tx, attempt: Attempt, call: CallRecord) -> None:
    await health_store.insert_call(
        tx, call, provider=attempt.provider, method=attempt.method, version=attempt.adapter_version, attempt_id=attempt.id
    )  # fmt: skip


async def observe_refund(tx: Tx, refund_id: UUID, seen: RefundObservation, call: CallRecord | None = None) -> RefundRow:
    """Applies what a provider said about a refund. Succeeded and closed are final.

    A success over another sum than asked for is not believed: it is asked about again, and reconciliation names it.
    """
    refund = await refunds_store.refund_locked(tx, refund_id)
    if refund is None:
        raise IntentUnknown
    attempt = await store.attempt(tx, refund.attempt_id)
    assert attempt is not None
    if call is not None:
        await _note_call(tx, attempt, call)
    if refund.state in FINAL:
        return refund
    now = clock.now()
    state = "unknown" if seen.state is RefundState.NOT_FOUND else str(seen.state)
    if state == "succeeded" and seen.amount_minor not in (None, refund.amount_minor):
        log.get().error("refund.other_amount", refund_id=str(refund_id), told=seen.amount_minor)
        state = "unknown"
    if state == "unknown" and call is not None and _is_refused(call):
        state = "abnormal"  # refused for good, as it stands: people look at it, and we go on asking
    final = state in FINAL
    pause = timedelta(seconds=QUERY_PAUSES_S[min(refund.queries, len(QUERY_PAUSES_S) - 1)])
    await refunds_store.update_refund(
        tx, refund_id, state=state, seen=seen, queries=refund.queries + 1,
        next_query_at=None if final or attempt.provider == DESK else now + pause, finished_at=now if final else None,
    )  # fmt: skip
    found = await refunds_store.refund(tx, refund_id)
    assert found is not None
    if final:
        await bookings.refund_ended(tx, found, given=state == "succeeded", at=seen.occurred_at or now)
        await news.refund(tx, f"refund.{state}", attempt.intent_id, found)
    if state == "succeeded":
        await _tell_given(tx, attempt, found)
    if state == "closed":
        await _again(tx, found)
    return found


async def _tell_given(tx: Tx, attempt: Attempt, refund: RefundRow) -> None:
    """News of a refund that has succeeded, and of a payment that has gone back whole by it."""
    await jobs.emit(tx, "refund.succeeded", {"refund_id": str(refund.id), "attempt_id": str(attempt.id)})
    intent = await store.intent(tx, attempt.intent_id)
    assert intent is not None
    if refund.source == "order" and await refunds_store.given(tx, attempt.id) >= intent.amount_minor:
        await news.refunded(tx, intent, attempt)


def _is_refused(call: CallRecord) -> bool:
    """Whether a refund was refused in a way that time alone does not mend; an empty account is filled, so it is none."""
    is_empty = (call.error_code or "").endswith("NOT_ENOUGH")
    return call.outcome_class in (OutcomeClass.CONFIG, OutcomeClass.DECLINE) and not is_empty


async def _again(tx: Tx, refund: RefundRow) -> None:
    """A closed refund gave nothing back: a new reference may be used, and must be."""
    if await refunds_store.closed_refunds(tx, refund.attempt_id) < CLOSED_MAX:
        await request(
            tx, refund.attempt_id, refund.amount_minor, refund.reason, source=refund.source, receipt_id=refund.receipt_id,
            requested_by=refund.requested_by,
        )  # fmt: skip
    else:  # the provider will not have it: the invariants name this money until a person sends it another way
        log.get().error("refund.refused_for_good", attempt_id=str(refund.attempt_id), error_code=refund.error_code)


async def handed_over(tx: Tx, actor: Actor, refund_id: UUID, note: str) -> RefundRow:
    """Staff gave a refund by hand: cash at the desk, or a bank transfer where the provider cannot. Signed for in the audit.

    RefundNotByHand for money that a provider holds, unless it has called the refund abnormal.
    """
    refund = await refunds_store.refund_locked(tx, refund_id)
    attempt = await store.attempt(tx, refund.attempt_id) if refund else None
    if refund is None or attempt is None:
        raise IntentUnknown
    if refund.state in FINAL:
        return refund
    if attempt.provider != DESK and refund.state != "abnormal":
        raise RefundNotByHand(state=refund.state)
    intent = await store.intent_locked(tx, attempt.intent_id)
    assert intent is not None
    now = clock.now()
    seen = RefundObservation(source=Source.DESK, state=RefundState.SUCCEEDED, refund_ref=refund.refund_ref)
    await audit.record(tx, actor, "refund.by_hand", str(refund_id), note=note, amount_minor=refund.amount_minor)
    await refunds_store.update_refund(
        tx, refund_id, state="succeeded", seen=seen, queries=refund.queries, next_query_at=None, finished_at=now
    )
    if attempt.provider == DESK:
        await bookings.refund_ended(tx, refund, given=True, at=now)
    else:
        await bookings.refund_by_bank(tx, intent, attempt, refund, now)
    found = await refunds_store.refund(tx, refund_id)
    assert found is not None
    await news.refund(tx, "refund.succeeded", intent.id, found)
    await _tell_given(tx, attempt, found)
    return found
