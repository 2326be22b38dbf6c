"""What programs outside are told of orders: events for the outgoing webhooks, in the transaction that made them true."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast import notices
from holdfast.kit.db import Tx

from .model import OrderRow, State


async def tell(tx: Tx, rows: Sequence[OrderRow], state: State) -> None:
    """``order.confirmed``, ``order.cancelled`` or ``order.expired``, once for each time that an order becomes so."""
    for row in rows:
        total = {"amount_minor": row.amount_minor, "currency": row.currency}
        data = {"number": row.number, "total": total, "state": str(state)}
        await notices.publish(tx, f"order.{state}", data, subject=f"order:{row.number}")


async def changed(tx: Tx, row: OrderRow) -> None:
    """``order.changed``: another date, another time or fewer people; who needs to know what asks the API."""
    await notices.publish(tx, "order.changed", {"number": row.number}, subject=f"order:{row.number}")
