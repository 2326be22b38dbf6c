"""Inquiries: what is done by itself about a difference. Money that the bill proves is taken over; what it leaves unclear
is asked about at the provider, because the bill shows a moment that is past."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date

from holdfast import ledger
from holdfast.kit import clock
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.money import Money

from . import (
    bills,
    bills_store,
    bookings,
    channels,
    health_store,
    receipts,
    reconciliation_store,
    refunds,
    refunds_store,
    store,
)
from .model import Attempt, AttemptState
from .observations import observe
from .providers.base import CallRecord, Observation, PaymentState, RefundObservation, RefundState, Source
from .reconciliation_model import Evidence, Item, StoredRow
from .reconciliation_store import SYSTEM

Steps = Mapping[str, Callable[[Db, Item], Awaitable[None]]]


def observation_of(row: StoredRow) -> Observation:
    """A payment in a bill as the observation it is: confirmed money."""
    return Observation(
        source=Source.BILL,
        state=PaymentState.SUCCEEDED,
        merchant_ref=row.merchant_ref,
        provider_txn=row.provider_txn,
        amount_minor=row.amount_minor,
        currency=row.currency,
        occurred_at=row.occurred_at,
    )


def is_learnt(attempt: Attempt, row: StoredRow) -> bool:
    """Whether an attempt now knows the receipt of this row as its own."""
    return attempt.state is AttemptState.SUCCEEDED and attempt.provider_txn in (row.provider_txn, None)


def outcome(attempt: Attempt) -> str:
    """What became of money that was taken over, for the note: ``taken over: late``."""
    return f"taken over: {attempt.role}"


async def _learn(db: Db, item: Item) -> None:
    await db.run(_take_over, item)


async def _take_over(tx: Tx, item: Item) -> None:
    """The bill has money of ours that we do not know as paid: it is observed, and mostly it is late money."""
    row = await _row(tx, item)
    assert item.attempt_id is not None
    attempt = await observe(tx, item.attempt_id, observation_of(row))
    now = clock.now()
    if is_learnt(attempt, row):
        await reconciliation_store.settle(tx, item.id, resolution="auto", note=outcome(attempt), by=SYSTEM, at=now)
    else:
        await reconciliation_store.note_answer(tx, item.id, "the payment could not be taken over from the bill", now)


async def _confirm(db: Db, item: Item) -> None:
    await db.run(_confirm_second, item)


async def _confirm_second(tx: Tx, item: Item) -> None:
    """A second number for one charge stands in the bill: a second payment, which goes back by that number."""
    row = await _row(tx, item)
    assert item.attempt_id is not None
    assert row.provider_txn is not None
    seen, now = observation_of(row), clock.now()
    known = await refunds_store.receipt_of_txn(tx, row.provider, row.provider_txn)
    if known is None:
        await observe(tx, item.attempt_id, seen)
        known = await refunds_store.receipt_of_txn(tx, row.provider, row.provider_txn)
    if known is not None:
        await receipts.decide(tx, known.id, seen)
        known = await refunds_store.receipt(tx, known.id)
    if known is not None and known.state == "confirmed":
        await reconciliation_store.settle(
            tx, item.id, resolution="auto", note="a second payment: goes back", by=SYSTEM, at=now, receipt_id=known.id
        )
    else:
        state = known.state if known else "not taken up"
        await reconciliation_store.note_answer(tx, item.id, f"the second receipt is {state}", now)


async def _row(tx: ReadTx, item: Item) -> StoredRow:
    assert item.row_number is not None
    row = await bills_store.row(tx, item.provider, item.day, item.row_number)
    assert row is not None
    return row


async def _ask_payment(db: Db, item: Item) -> None:
    """The bill lacks money that we know as paid, or tells another sum: what does the provider say now?"""
    assert item.attempt_id is not None
    attempt = await db.read(store.attempt, item.attempt_id)
    assert attempt is not None
    adapter = await channels.current().get(attempt.provider, attempt.adapter_version)
    if item.receipt_id is not None and item.provider_txn is not None:
        seen, call = await adapter.query_txn(item.provider_txn)
    else:
        seen, call = await adapter.query(attempt.merchant_ref, attempt.provider_ref)
    await db.run(_note_said, item, attempt, call, payment_said(seen))


def payment_said(seen: Observation) -> str:
    """An answer about a payment in a line: ``succeeded 60.00 CNY 4200…``; the first word is its state."""
    return _line(seen.state, seen.amount_minor, seen.currency, seen.provider_txn, seen.error_code)


def _line(state: str, amount_minor: int | None, currency: str | None, *more: str | None) -> str:
    known = amount_minor is not None and currency is not None
    money = f"{Money(amount_minor or 0, currency or '').decimal} {currency}" if known else None
    return " ".join(part for part in (str(state), money, *more) if part)


async def _note_said(tx: Tx, item: Item, attempt: Attempt, call: CallRecord, said: str) -> None:
    await health_store.insert_call(
        tx, call, provider=attempt.provider, method=attempt.method, version=attempt.adapter_version, attempt_id=attempt.id
    )  # fmt: skip
    await reconciliation_store.note_answer(tx, item.id, said, clock.now())


async def _ask_refund(db: Db, item: Item) -> None:
    """The bill shows a refund as it stood when the bill was made: it is pursued while it is open, else asked about."""
    assert item.refund_id is not None
    refund = await db.read(refunds_store.refund, item.refund_id)
    assert refund is not None
    if refund.state not in refunds.FINAL:
        await refunds.pursue(db, refund.id)
        found = await db.read(refunds_store.refund, refund.id)
        await db.run(reconciliation_store.note_answer, item.id, found.state if found else "", clock.now())
        return
    attempt = await db.read(store.attempt, refund.attempt_id)
    assert attempt is not None
    adapter = await channels.current().get(attempt.provider, attempt.adapter_version)
    seen, call = await adapter.query_refund(refund.refund_ref, attempt.merchant_ref, refund.provider_refund)
    await db.run(_note_said, item, attempt, call, refund_said(seen))
    says_the_same = (str(seen.state), seen.amount_minor) == (refund.state, refund.amount_minor)
    if item.kind == "refund_status" and says_the_same and seen.state in (RefundState.SUCCEEDED, RefundState.CLOSED):
        await db.run(
            reconciliation_store.settle, item.id, resolution="auto", note="the provider says the same as we", by=SYSTEM,
            at=clock.now(),
        )  # fmt: skip


def refund_said(seen: RefundObservation) -> str:
    """An answer about a refund in a line: ``succeeded 60.00 CNY 5030…``."""
    return _line(seen.state, seen.amount_minor, seen.currency, seen.provider_refund, seen.error_code)


async def _ask_bill(db: Db, item: Item) -> None:
    """Is there a bill by now?"""
    day: date = item.day
    found = await bills.fetch(db, item.provider, day)
    await db.run(reconciliation_store.note_answer, item.id, found.state, clock.now())


LEARNING: Steps = {"unknown_to_us": _learn, "second_receipt": _confirm}
"""What the bill teaches, without a question."""
ASKING: Steps = {
    "missing_at_provider": _ask_payment,
    "amount_differs": _ask_payment,
    "currency_differs": _ask_payment,
    "refund_missing": _ask_refund,
    "refund_status": _ask_refund,
    "refund_amount_differs": _ask_refund,
    "bill_missing": _ask_bill,
}
"""What the provider is asked about."""


async def evidence(tx: ReadTx, item: Item) -> Evidence:
    """A difference with the rows of all bills, our payment, and the journals about it."""
    refund = await refunds_store.refund(tx, item.refund_id) if item.refund_id else None
    attempt_id = item.attempt_id or (refund.attempt_id if refund else None)
    attempt = await store.attempt(tx, attempt_id) if attempt_id else None
    ref = item.merchant_ref or (attempt.merchant_ref if attempt else None)
    journals: list[ledger.Journal] = []
    if attempt is not None:
        journals += await ledger.story(tx, bookings.subject(attempt.intent_id), limit=100)
    journals += await ledger.story(tx, subject_of(item), limit=50)
    return Evidence(
        item=item,
        rows=await bills_store.rows_about(tx, item.provider, ref) if ref else [],
        attempt=attempt,
        refund=refund,
        receipts=await refunds_store.receipts_of_intent(tx, attempt.intent_id) if attempt else [],
        journals=journals,
    )


def subject_of(item: Item) -> str:
    """Under which the bookings of a difference are found in the ledger."""
    return f"reconciliation:{item.id}"
