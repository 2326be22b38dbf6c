"""Messages about an order, to the phone it was placed with, in its language."""

from __future__ import annotations

from holdfast import accounts, notices
from holdfast.kit import ids
from holdfast.kit.db import Tx

from . import store
from .model import OrderRow


async def tell(tx: Tx, row: OrderRow, template: str, **values: str) -> None:
    """Puts a message into the outbox, in the transaction of its cause."""
    phone = await store.phone(tx, row.id)
    if not phone:
        return  # whoever ordered had themselves erased: there is nobody to tell
    await notices.send(
        tx, phone, accounts.mask_phone(phone), template, row.locale, number=ids.show_code(row.number), **values
    )
