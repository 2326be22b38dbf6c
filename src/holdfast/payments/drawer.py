"""The drawer: cash at the desk, as the ledger has it, and what came and went on one day."""

from __future__ import annotations

from datetime import datetime

import msgspec

from holdfast import ledger
from holdfast.kit.db import ReadTx

from . import bookings, drawer_store
from .drawer_store import Movement
from .model import DESK

__all__ = ["Drawer", "Movement", "day"]
CURRENCY = "CNY"
"""The one currency that the desk takes by hand."""
MOVEMENTS_MAX = 300


class Drawer(msgspec.Struct, frozen=True):
    """`holds_minor` is what should be in it now; `promised_minor` of that is still to be handed back."""

    currency: str
    holds_minor: int
    promised_minor: int
    movements: list[Movement]

    @property
    def came_minor(self) -> int:
        """What came in on this day."""
        return sum(one.amount_minor for one in self.movements if one.amount_minor > 0)

    @property
    def went_minor(self) -> int:
        """What was handed over on this day."""
        return -sum(one.amount_minor for one in self.movements if one.amount_minor < 0)


async def day(tx: ReadTx, since: datetime) -> Drawer:
    """The drawer now, and what moved since the day began."""
    balance = await ledger.balance(tx, ledger.Account(bookings.DESK_CASH, DESK, CURRENCY))
    moved = await drawer_store.movements(tx, bookings.DESK_CASH, DESK, CURRENCY, since, MOVEMENTS_MAX)
    return Drawer(CURRENCY, balance.amount_minor, balance.leaving_minor, moved)
