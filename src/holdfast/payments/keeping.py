"""Keeping: the part of an order's money that a cancellation or change does not give back becomes the house's."""

from __future__ import annotations

from uuid import UUID

from holdfast.kit.db import Tx

from . import bookings, store
from .model import IntentUnknown


async def keep(tx: Tx, intent_id: UUID, amount_minor: int, key: str, why: str) -> None:
    """Books a fee out of what an intent was paid, once for each key; `why` is ``cancellation`` or ``change``.

    The ledger's GuardBroken when less than that is left of the money. IntentUnknown for a foreign intent.
    """
    intent = await store.intent_locked(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    await bookings.fee_kept(tx, intent, key, amount_minor, why)
