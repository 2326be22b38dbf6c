"""Benefits: what staff grant to one order or to one person, to be used once.

A free change costs no fee, and is in time until the visit begins; a difference in price stays a difference.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx

from . import benefits_store, discounts_store
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


async def come_with(tx: Tx, order_id: UUID) -> None:
    """The gifts of campaigns that a confirmed order has redeemed, once each and for good. LookupError for what we do not know."""
    for one in await discounts_store.gifts(tx, order_id):
        if one.gift.get("benefit") != FREE_CHANGE:
            raise LookupError(f"nobody here gives {one.gift}")
        for n in range(int(one.gift.get("quantity", 1))):
            made = Benefit(
                uuid5(order_id, f"{one.version_id}:{n}"), FREE_CHANGE, order_id, None, one.campaign_id, f"campaign:{one.campaign_id}",
                clock.now(), one.visit_ends_at, None,
            )  # fmt: skip
            await benefits_store.insert(tx, made)


async def of_order(tx: ReadTx, row: OrderRow) -> list[Benefit]:
    """What an order could use now: its own benefits first, then those of its person, the next to expire first."""
    return await benefits_store.usable(tx, row.id, row.account_id, clock.now())


async def use(tx: Tx, row: OrderRow) -> UUID | None:
    """Uses one up, if there is one: no two changes get the same."""
    return await benefits_store.use(tx, row.id, row.account_id, clock.now())
