"""Bookings: what each event of money is in double entry. The one place where payments meets the ledger.

The recipes are those of double-entry books: money at a provider is what it owes us (1010), an order's money is what we
owe its traveller until the visit (2010), and money that nobody asked for waits in 2030, which must return to zero.
Every one is written in the transaction that records why.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from holdfast import ledger
from holdfast.kit import clock
from holdfast.kit.db import Tx

from .model import DESK, Attempt, Intent, RefundRow, Role
from .refunds_store import SecondReceipt

ORDER_MONEY, UNAPPLIED, DESK_CASH, BANK, FEES = "2010", "2030", "1030", "1020", "4020"


def held(provider: str, attempt_id: UUID, currency: str) -> ledger.Account:
    """Where the money of an attempt is: in the desk's drawer, or at its provider."""
    if provider == DESK:
        return ledger.Account(DESK_CASH, DESK, currency)
    return ledger.clearing(provider, attempt_id, currency)


def order_money(intent: Intent) -> ledger.Account:
    return ledger.Account(ORDER_MONEY, intent.reference, intent.currency)


def unapplied(owner: str, currency: str) -> ledger.Account:
    """Money that nobody asked for, until it has gone back; `owner` is ``attempt:…`` or ``receipt:…``."""
    return ledger.Account(UNAPPLIED, owner, currency)


def subject(intent_id: UUID) -> str:
    """Under which all journals of one payment are found."""
    return f"intent:{intent_id}"


def applied_minor(intent: Intent, role: Role | None, paid_minor: int) -> int:
    """How much of what came is the order's: the price, if this attempt won; nothing otherwise."""
    return min(paid_minor, intent.amount_minor) if role is Role.WINNER else 0


async def received(
    tx: Tx, intent: Intent, attempt: Attempt, role: Role, amount_minor: int, currency: str, at: datetime
) -> None:
    """Money has come: to the order as far as it is asked for, the rest to the unapplied receipts."""
    applied = applied_minor(intent, role, amount_minor)
    legs = [ledger.debit(held(attempt.provider, attempt.id, currency), amount_minor)]
    if applied:
        legs.append(ledger.credit(order_money(intent), applied))
    if amount_minor > applied:
        legs.append(ledger.credit(unapplied(f"attempt:{attempt.id}", currency), amount_minor - applied))
    await ledger.record(
        tx, "payment.received", f"receipt:{attempt.id}", legs, subject=subject(intent.id), at=at,
        details={"provider": attempt.provider, "merchant_ref": attempt.merchant_ref, "role": str(role)},
    )  # fmt: skip


async def reapplied(tx: Tx, intent: Intent, attempt: Attempt) -> None:
    """Late money is accepted after all: it becomes the order's."""
    assert attempt.paid_minor is not None
    legs = [
        ledger.debit(unapplied(f"attempt:{attempt.id}", intent.currency), attempt.paid_minor),
        ledger.credit(order_money(intent), attempt.paid_minor),
    ]
    await ledger.record(
        tx, "payment.reapplied", f"reapply:{attempt.id}", legs, subject=subject(intent.id), at=clock.now()
    )


async def fee_kept(tx: Tx, intent: Intent, key: str, amount_minor: int, why: str) -> None:
    """What a cancellation or a change does not give back is earned: it is no longer owed to the traveller."""
    legs = [
        ledger.debit(order_money(intent), amount_minor),
        ledger.credit(ledger.Account(FEES, why, intent.currency), amount_minor),
    ]
    await ledger.record(tx, "fee.kept", f"fee:{key}", legs, subject=subject(intent.id), at=clock.now())


async def refund_promised(
    tx: Tx, intent: Intent, attempt: Attempt, refund_id: UUID, amount_minor: int, currency: str, source: str,
    receipt_id: UUID | None,
) -> UUID:  # fmt: skip
    """A pending journal holds the money that is to go back; the guard of the account refuses to promise it twice."""
    drawn = _drawn(intent, attempt, currency, source, receipt_id)
    legs = [
        ledger.debit(drawn, amount_minor),
        ledger.credit(held(attempt.provider, attempt.id, currency), amount_minor),
    ]
    return await ledger.pend(
        tx, "refund", f"refund:{refund_id}", legs, subject=subject(intent.id), at=clock.now(),
        details={"provider": attempt.provider, "merchant_ref": attempt.merchant_ref},
    )  # fmt: skip


def _drawn(intent: Intent, attempt: Attempt, currency: str, source: str, receipt_id: UUID | None) -> ledger.Account:
    """The account that a refund draws on."""
    if source == "order":
        return order_money(intent)
    return unapplied(f"receipt:{receipt_id}" if receipt_id else f"attempt:{attempt.id}", currency)


async def refund_by_bank(tx: Tx, intent: Intent, attempt: Attempt, refund: RefundRow, at: datetime) -> None:
    """The provider could not: its pending journal is voided, and the money goes from our bank."""
    await refund_ended(tx, refund, given=False, at=at)
    drawn = _drawn(intent, attempt, refund.currency, refund.source, refund.receipt_id)
    legs = [
        ledger.debit(drawn, refund.amount_minor),
        ledger.credit(ledger.Account(BANK, "operating", refund.currency), refund.amount_minor),
    ]
    await ledger.record(tx, "refund.by_bank", f"refund:{refund.id}:bank", legs, subject=subject(intent.id), at=at)


async def refund_ended(tx: Tx, refund: RefundRow, *, given: bool, at: datetime) -> None:
    """The provider's last word: posted when the money went, voided when it stayed."""
    assert refund.journal_id is not None
    end = ledger.post if given else ledger.void
    await end(tx, refund.journal_id, f"refund:{refund.id}:{'given' if given else 'closed'}", at=at)


async def second_suspected(
    tx: Tx, intent: Intent, attempt: Attempt, receipt_id: UUID, amount_minor: int, currency: str, at: datetime
) -> UUID:
    """Perhaps a second receipt of one charge: pending until the provider says so of its number."""
    legs = [
        ledger.debit(held(attempt.provider, attempt.id, currency), amount_minor),
        ledger.credit(unapplied(f"receipt:{receipt_id}", currency), amount_minor),
    ]
    return await ledger.pend(
        tx, "payment.second", f"second:{receipt_id}", legs, subject=subject(intent.id), at=at,
        details={"provider": attempt.provider, "merchant_ref": attempt.merchant_ref},
    )  # fmt: skip


async def second_decided(tx: Tx, receipt: SecondReceipt, *, real: bool) -> None:
    assert receipt.journal_id is not None
    end = ledger.post if real else ledger.void
    await end(tx, receipt.journal_id, f"second:{receipt.id}:{'real' if real else 'refuted'}", at=clock.now())
