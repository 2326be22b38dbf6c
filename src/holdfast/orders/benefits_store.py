"""SQL of benefits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from .after_sale_model import Benefit


async def insert(tx: Tx, benefit: Benefit) -> None:
    await tx.execute(
        """insert into orders.benefits (id, kind, order_id, account_id, reason, granted_by, granted_at, expires_at)
           values (%(id)s, %(kind)s, %(order)s, %(account)s, %(reason)s, %(by)s, %(at)s, %(expires)s)
           on conflict (id) do nothing""",
        id=benefit.id, kind=benefit.kind, order=benefit.order_id, account=benefit.account_id, reason=benefit.reason,
        by=benefit.granted_by, at=benefit.granted_at, expires=benefit.expires_at,
    )  # fmt: skip


async def usable(tx: ReadTx, order_id: UUID, account_id: UUID, now: datetime) -> list[Benefit]:
    """What an order could use: its own first, then those of the person behind its account."""
    return await tx.rows(
        Benefit,
        """select id, kind, order_id, account_id, reason, granted_by, granted_at, expires_at, used_at from orders.benefits
           where used_at is null and expires_at > %(now)s
             and (order_id = %(order)s or account_id in (select accounts.members(%(account)s)))
           order by order_id nulls last, expires_at, id""",
        order=order_id, account=account_id, now=now,
    )  # fmt: skip


async def use(tx: Tx, order_id: UUID, account_id: UUID, now: datetime) -> UUID | None:
    """Takes the first of them; what another transaction is about to take is left to it."""
    found: UUID | None = await tx.value(
        """update orders.benefits set used_at = %(now)s where id = (
             select id from orders.benefits
             where used_at is null and expires_at > %(now)s
               and (order_id = %(order)s or account_id in (select accounts.members(%(account)s)))
             order by order_id nulls last, expires_at, id limit 1 for update skip locked) returning id""",
        order=order_id, account=account_id, now=now,
    )  # fmt: skip
    return found
