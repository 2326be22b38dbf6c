"""Background entries of cards: what gates tell, visits whose time is over, cards whose time is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from holdfast.kit.db import Db
from holdfast.kit.jobs import every, on

from . import cards, entitlements

_CLOCK = "system:cards"


@on("gate.admitted")
async def use(db: Db, payload: dict[str, Any]) -> None:
    """A gate let somebody in: if a card paid for the visit, its use is used."""
    by, at = f"system:gate:{payload['device']}", datetime.fromisoformat(payload["at"])
    await db.run(entitlements.admitted, by, payload["order_number"], payload["line_seq"], at)


@on("gate.undone")
async def undo_use(db: Db, payload: dict[str, Any]) -> None:
    """An admission was a mistake."""
    await db.run(entitlements.undone, payload["by"], payload["order_number"])


@every(120)
async def settle_past(db: Db) -> None:
    """Visits whose time is over."""
    while await db.run(entitlements.settle_past, _CLOCK) == entitlements.BATCH:
        pass


@every(300)
async def expire(db: Db) -> None:
    """Cards whose time is over."""
    while await db.run(cards.expire, _CLOCK) == cards.BATCH:
        pass
