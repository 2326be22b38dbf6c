"""Benefits: what staff grant to one order or to one person, to be used once.

A free change costs no fee, and is in time until the visit begins; a difference in price stays a difference.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx

from . import benefits_store
from .after_sale_model import Benefit, BenefitInvalid
from .model import OrderRow

FREE_CHANGE = "free_change"


async def grant(
    tx: Tx, actor: Actor, *, reason: str, expires_at: datetime, order_id: UUID | None = None,
    account_id: UUID | None = None,
) -> Benefit:  # fmt: skip
    """Staff grant one free change, signed for in the audit. BenefitInvalid says what is missing."""
    now = clock.now()
    if (order_id is None) == (account_id is None) or not reason.strip() or expires_at <= now:
        raise BenefitInvalid
    made = Benefit(ids.uuid7(), FREE_CHANGE, order_id, account_id, reason.strip(), str(actor), now, expires_at, None)
    await benefits_store.insert(tx, made)
    await audit.record(
        tx, actor, "order.benefit", str(order_id or account_id), kind=made.kind, reason=made.reason,
        expires_at=expires_at.isoformat(),
    )  # fmt: skip
    return made


async def of_order(tx: ReadTx, row: OrderRow) -> list[Benefit]:
    """What an order could use now: its own benefits first, then those of its person, the next to expire first."""
    return await benefits_store.usable(tx, row.id, row.account_id, clock.now())


async def use(tx: Tx, row: OrderRow) -> UUID | None:
    """Uses one up, if there is one: no two changes get the same."""
    return await benefits_store.use(tx, row.id, row.account_id, clock.now())
