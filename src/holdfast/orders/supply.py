"""Bookings of what suppliers vouch for: each is asked about as it is confirmed, and again where its supplier stops a sale.

A stop-sale cancels nothing: it opens a list of what is to be confirmed, with a time until when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from holdfast import partners
from holdfast.kit import clock
from holdfast.kit.db import Tx

from . import supply_store
from .supply_store import Visit


async def ask_about(tx: Tx, order_id: UUID) -> int:
    """An order is confirmed: who supplies what is in it is asked whether they have it."""
    return await partners.asks.ask(tx, _wanted(await supply_store.visits(tx, order_id), "booking", ""))


async def ask_again(tx: Tx, news: dict[str, Any], *, only_over: bool) -> int:
    """A supplier stopped nights or sittings, or has fewer places than are booked: it confirms what is booked there."""
    found = await supply_store.booked(
        tx, news["product_id"], news["first"], news["last"], news["code"], only_over=only_over
    )
    return await partners.asks.ask(tx, _wanted(found, "standing", f":{news['at']}"))


def _wanted(visits: Sequence[Visit], kind: Any, again: str) -> list[partners.Wanted]:
    return [
        partners.Wanted(
            f"{kind}:{one.number}:{one.product_id}:{one.visit_date}:{one.code}{again}", kind, one.product_id, one.number,
            one.visit_date, one.code, one.starts_at, one.places,
        )
        for one in visits
    ]  # fmt: skip


async def catch_up(tx: Tx) -> None:
    """Nobody need answer for what is cancelled or moved by now; what moved, or was booked before, is asked about."""
    await partners.asks.withdraw(tx, await supply_store.over(tx))
    await partners.asks.ask(tx, _wanted(await supply_store.unasked(tx, clock.now()), "booking", ""))
