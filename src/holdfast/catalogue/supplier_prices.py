"""Prices that a supplier sets: the amount of a ticket changes from now on; what is booked keeps its price."""

from __future__ import annotations

from holdfast.kit import audit
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx

from . import supplier_prices_store
from .supplier_prices_store import SupplierPrice


async def of(tx: ReadTx, product_ids: list[str]) -> dict[str, SupplierPrice]:
    """The tickets of these products that are offered for money, by id."""
    return {price.id: price for price in await supplier_prices_store.of(tx, product_ids)}


async def set_amount(tx: Tx, actor: Actor, price_id: str, amount_minor: int, *, reason: str) -> None:
    """From now on the ticket costs this."""
    was = await supplier_prices_store.set_amount(tx, price_id, amount_minor)
    await audit.record(
        tx, actor, "catalogue.supplier_price", f"price:{price_id}", reason=reason, was=was, now=amount_minor
    )
