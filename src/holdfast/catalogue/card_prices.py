"""Prices that are paid with a card: 0, never offered for money, taken only for orders of the channel ``card``."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.kit import audit, clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx
from holdfast.kit.i18n import both

from . import store

TICKET = "with-card"


async def offer(tx: Tx, actor: Actor, product_ids: Sequence[str]) -> int:
    """Every one of these products has a price that a card pays; how many were missing. Again: nothing."""
    known = await store.card_prices(tx, product_ids)
    rows = [
        {
            "id": f"{product_id}-with-card", "product_id": product_id, "ticket": TICKET, "name": both("With a card"),
            "amount_minor": 0, "currency": "CNY", "from_day": "01-01", "to_day": "12-31", "uses_place": True,
            "with_card": True, "per_main": None, "position": 900, "provenance": {}, "retired_at": None,
        }
        for product_id in sorted(set(product_ids) - set(known))
    ]  # fmt: skip
    if rows:
        await store.write(tx, "prices", rows, clock.now())
        await audit.record(
            tx, actor, "catalogue.card_prices", "catalogue", products=[row["product_id"] for row in rows]
        )
    return len(rows)


async def of(tx: ReadTx, product_ids: Sequence[str]) -> dict[str, str]:
    """Product → the price of it that a card pays; products without one are left out."""
    return await store.card_prices(tx, product_ids)
