"""Stripe's bill of a day: its balance transactions, with the charges and refunds they are about.

Stripe gives no sum to compare with, so each row must explain itself: net is amount less fee, the fee is the sum of its
parts, the row says what its charge or refund says, none comes twice and all are of the day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import msgspec

from . import stripe_protocol as protocol
from .base import Bill, BillRow
from .stripe_protocol import Id, Seconds, Signed

PAYMENTS = frozenset({"charge", "payment"})
REFUNDS = frozenset({"refund", "payment_refund"})
FAILURES = frozenset({"refund_failure", "payment_refund_failure"})
"""A refund that the bank sent back: booked once more, the other way round."""


class FeeDetail(msgspec.Struct, frozen=True):
    """A part of a fee."""

    amount: Signed


class BalanceTransaction(msgspec.Struct, frozen=True):
    """One movement of the account's balance, in the balance's currency; `source` is what caused it."""

    id: Id
    type: str
    amount: Signed
    fee: Signed
    net: Signed
    currency: str
    created: Seconds
    source: msgspec.Raw = msgspec.Raw(b"null")
    fee_details: list[FeeDetail] = []


class Page(msgspec.Struct, frozen=True):
    """A page of the list."""

    data: list[BalanceTransaction]
    has_more: bool = False


class Inconsistent(Exception):
    """A row that contradicts itself, its source or its day; says which."""


def bounds(day: date) -> tuple[datetime, datetime]:
    """A UTC day as [start, end)."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start, start + timedelta(days=1)


def compiled(provider: str, day: date, pages: list[bytes], found: list[BalanceTransaction]) -> Bill:
    """The bill of all pages together. Inconsistent when a row does not hold.

    Payouts, Stripe's own fees and adjustments for disputes are no rows: they belong to no charge of ours. Amounts are
    those of the charge or refund, in its currency; a fee that was taken in another currency is left out.
    """
    start, end = bounds(day)
    seen, rows = set[str](), dict[str, BillRow]()
    for transaction in found:
        if transaction.id in seen:
            raise Inconsistent(f"{transaction.id} comes twice")
        seen.add(transaction.id)
        if not start <= protocol.moment(transaction.created) < end:
            raise Inconsistent(f"{transaction.id} is of another day")
        _must_add_up(transaction)
        if transaction.type in PAYMENTS:
            payment = _payment(transaction)
            rows[transaction.id] = payment
        elif transaction.type in REFUNDS | FAILURES:
            refund = _refund(transaction)
            rows.setdefault(
                refund.provider_refund or transaction.id, refund
            )  # its failure on the same day adds nothing
    return Bill(provider=provider, day=day, rows=list(rows.values()), digest=sha256(b"\n".join(pages)).hexdigest())


def _must_add_up(transaction: BalanceTransaction) -> None:
    if transaction.net != transaction.amount - transaction.fee:
        raise Inconsistent(f"{transaction.id}: net is not amount less fee")
    if transaction.fee_details and sum(part.amount for part in transaction.fee_details) != transaction.fee:
        raise Inconsistent(f"{transaction.id}: the fee is not the sum of its parts")


def _payment(transaction: BalanceTransaction) -> BillRow:
    charge = protocol.read(transaction.source, protocol.Charge)
    if charge is None:
        raise Inconsistent(f"{transaction.id}: no charge behind it")
    _must_agree(transaction, transaction.amount, charge.amount_captured, charge.currency)
    return BillRow(
        merchant_ref=charge.labels.merchant_ref,
        provider_txn=charge.id,
        amount_minor=charge.amount_captured,
        currency=charge.currency.upper(),
        fee_minor=max(0, transaction.fee) if transaction.currency == charge.currency else 0,
        occurred_at=protocol.moment(transaction.created),
    )


def _refund(transaction: BalanceTransaction) -> BillRow:
    refund = protocol.read(transaction.source, protocol.Refund)
    if refund is None:
        raise Inconsistent(f"{transaction.id}: no refund behind it")
    booked = transaction.amount if transaction.type in FAILURES else -transaction.amount
    _must_agree(transaction, booked, refund.amount, refund.currency)
    return BillRow(
        merchant_ref=refund.labels.merchant_ref,
        provider_txn=refund.charge,
        refund_ref=refund.labels.refund_ref,
        provider_refund=refund.id,
        amount_minor=refund.amount,
        currency=refund.currency.upper(),
        fee_minor=max(0, -transaction.fee) if transaction.currency == refund.currency else 0,
        occurred_at=protocol.moment(transaction.created),
        status=protocol.REFUND_STATUSES.get(refund.status or ""),
    )


def _must_agree(transaction: BalanceTransaction, booked: int, amount: int, currency: str) -> None:
    """In one currency the balance moves by what was charged; across currencies only the direction can be compared."""
    if booked <= 0 or (transaction.currency == currency and booked != amount):
        raise Inconsistent(f"{transaction.id}: {booked} booked, {amount} charged")
