"""Orders as staff find them: by number, or by the payment. No travellers and no documents come with them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from holdfast.kit import ids
from holdfast.kit.db import ReadTx

from . import staff_lookup_store, store
from .model import Order, OrderRow


async def numbered(tx: ReadTx, typed: str) -> Order | None:
    """The order of a number as somebody types it; None when there is none, or it is no number."""
    code = ids.read_code(typed)
    return await _without_people(tx, await store.by_number(tx, code)) if code else None


async def of_payment(tx: ReadTx, intent_id: UUID) -> Order | None:
    """The order that a payment is for."""
    return await _without_people(tx, await staff_lookup_store.of_payment(tx, intent_id))


async def numbers(tx: ReadTx, intent_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The numbers of the orders behind payments, by payment."""
    return await staff_lookup_store.numbers(tx, list(intent_ids))


async def _without_people(tx: ReadTx, row: OrderRow | None) -> Order | None:
    if row is None:
        return None
    lines = await store.lines(tx, [row.id])
    return Order(row, lines[row.id], [], await store.events(tx, row.id), redacted=True)
