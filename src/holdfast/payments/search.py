"""Search: payments by what staff know of them, and one payment whole."""

from __future__ import annotations

from uuid import UUID

import msgspec

from holdfast.kit.db import ReadTx
from holdfast.kit.problems import NotFound

from . import refunds_store, search_store, store
from .model import Attempt, Intent, IntentUnknown, RefundRow
from .search_store import Filters, Found, Receipt, RefundFound

__all__ = ["Attempt", "Detail", "Filters", "Found", "Page", "Receipt", "RefundFound", "RefundRow", "RefundUnknown"]
LIMIT_MAX = 100


class Page(msgspec.Struct, frozen=True):
    """Payments, newest first; `before` continues after the last of them, None at the end."""

    items: list[Found]
    before: UUID | None


class Detail(msgspec.Struct, frozen=True):
    """A payment with all that happened to it, oldest first."""

    intent: Intent
    attempts: list[Attempt]
    refunds: list[RefundRow]
    receipts: list[Receipt]


class RefundUnknown(NotFound):
    """There is no such refund."""

    next_step = "Take the id from the answer that began the refund, or from its payment."


async def find(tx: ReadTx, filters: Filters, *, before: UUID | None = None, limit: int = 20) -> Page:
    """A page of the payments that fit; `limit` at most 100."""
    found = await search_store.search(tx, filters, before, min(limit, LIMIT_MAX) + 1)
    items = found[: min(limit, LIMIT_MAX)]
    return Page(items, items[-1].id if len(found) > len(items) else None)


async def detail(tx: ReadTx, intent_id: UUID) -> Detail:
    """One payment. IntentUnknown when there is none."""
    intent = await store.intent(tx, intent_id)
    if intent is None:
        raise IntentUnknown
    return Detail(
        intent,
        await store.attempts(tx, intent_id),
        await refunds_store.of_intent(tx, intent_id),
        await search_store.receipts(tx, intent_id),
    )


async def refund(tx: ReadTx, refund_id: UUID) -> RefundFound:
    """One refund with the payment it belongs to. RefundUnknown when there is none."""
    found = await search_store.refund(tx, refund_id)
    if found is None:
        raise RefundUnknown
    return found
