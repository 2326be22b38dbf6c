"""What payments hold about who paid: for copies of their data, for erasure, and how long a payer's address is kept.

Payments knows no persons; whoever asks brings the payments. What providers sent is kept as sums and numbers, never with a
name or an account of the payer, so the address of a browser is the only thing to remove.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from holdfast.kit import retention
from holdfast.kit.db import ReadTx, Tx

from . import rights_store as store


class HeldAttempt(msgspec.Struct, frozen=True):
    """One try to pay. `reference` is ours, `provider_number` the provider's receipt; `payer_address` goes after some months."""

    provider: str
    method: str
    reference: str
    provider_number: str | None
    amount_minor: int
    currency: str
    state: str
    role: str | None
    created_at: datetime
    paid_at: datetime | None
    payer_address: str | None


class HeldPayment(msgspec.Struct, frozen=True):
    """A payment with every try of it. `payment_for` is our name of what it is for."""

    payment_id: UUID
    payment_for: str
    amount_minor: int
    currency: str
    state: str
    created_at: datetime
    paid_at: datetime | None
    due_at: datetime | None
    attempts: list[HeldAttempt]


class HeldRefund(msgspec.Struct, frozen=True):
    """Money that went back, or is on its way."""

    payment_id: UUID
    reference: str
    amount_minor: int
    currency: str
    state: str
    reason: str
    created_at: datetime
    finished_at: datetime | None


async def payments(tx: ReadTx, intent_ids: Sequence[UUID]) -> list[HeldPayment]:
    """These payments, oldest first."""
    attempts: dict[UUID, list[HeldAttempt]] = {intent_id: [] for intent_id in intent_ids}
    for row in await store.attempts(tx, intent_ids):
        attempts[row.intent_id].append(
            HeldAttempt(**{name: getattr(row, name) for name in HeldAttempt.__struct_fields__})
        )
    return [
        HeldPayment(
            row.payment_id, row.payment_for, row.amount_minor, row.currency, row.state, row.created_at, row.paid_at,
            row.due_at, attempts[row.payment_id],
        )
        for row in await store.intents(tx, intent_ids)
    ]  # fmt: skip


async def refunds(tx: ReadTx, intent_ids: Sequence[UUID]) -> list[HeldRefund]:
    """The refunds of these payments, oldest first."""
    return await tx.rows(HeldRefund, store.REFUNDS, ids=list(intent_ids))


async def in_doubt(tx: ReadTx, intent_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Payments of which money may still come or go: ``promised``, ``unknown``, ``refunding`` or ``second``, by payment."""
    return dict(await store.in_doubt(tx, intent_ids))


async def forget_payers(tx: Tx, intent_ids: Sequence[UUID], limit: int) -> int:
    """The addresses from which these payments were made."""
    return await store.forget_payers(tx, intent_ids, limit)


@retention.rule("addresses of payers", "addresses_kept_days")
async def forget_addresses(tx: Tx, before: datetime, limit: int) -> int:
    """Of attempts that are over; one that may still be sent again keeps it."""
    return await store.forget_addresses(tx, before, limit)
