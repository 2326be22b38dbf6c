"""SQL of orders as staff find them."""

from __future__ import annotations

from uuid import UUID

from holdfast.kit.db import ReadTx

from .model import OrderRow


async def of_payment(tx: ReadTx, intent_id: UUID) -> OrderRow | None:
    return await tx.maybe(
        OrderRow,
        """select id, number, account_id, state, amount_minor, currency, phone_masked, locale, channel, placed_at, expires_at,
                  confirmed_at, intent_id, ticket_version, granted
           from orders.orders where id = (select order_id from orders.intents where intent_id = %(id)s)""",
        id=intent_id,
    )


async def numbers(tx: ReadTx, intent_ids: list[UUID]) -> dict[UUID, str]:
    """Order numbers by payment; a payment that is no order's is left out."""
    rows = await tx.tuples(
        """select i.intent_id, o.number from orders.intents i join orders.orders o on o.id = i.order_id
           where i.intent_id = any(%(ids)s)""",
        ids=intent_ids,
    )
    return dict(rows)
