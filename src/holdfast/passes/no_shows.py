"""No-shows: people who had a ticket for a slot whose gates were in use, and did not come.

A count for planning, and for each person over all their accounts; nothing follows from it by itself. Who cancelled before
never counts. A gate that was offline and uploads later sets it right.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from holdfast.kit.db import ReadTx, Tx

from . import no_shows_store
from .gate_model import Shows


async def no_shows_of(tx: ReadTx, account_id: UUID, since: date) -> int:
    """How many people of the orders of the person behind an account did not come, since a day."""
    return await no_shows_store.of_person(tx, account_id, since)


async def shows(tx: ReadTx, venue_id: str, from_day: date, to_day: date) -> dict[date, Shows]:
    """Who came and who did not, by day of the visit, both days included; days without a gate in use are left out."""
    return await no_shows_store.by_day(tx, venue_id, from_day, to_day)


async def came(tx: Tx, order_number: str) -> int:
    """Those of an order who were taken not to have come and were admitted after all: how many are set right."""
    return await no_shows_store.came(tx, order_number)
