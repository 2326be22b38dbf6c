"""What gates hold about people, for copies of their data: that somebody did not come. Who came stands in the order's story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from holdfast.accounts.rights import exported
from holdfast.kit.db import ReadTx

from . import no_shows_store


class HeldNoShow(msgspec.Struct, frozen=True):
    """People of an order who did not come to a visit; `came_at` when a gate told later that they had."""

    order_number: str
    venue_id: str
    visit_date: date
    people: int
    noted_at: datetime
    came_at: datetime | None


@exported("no_shows", HeldNoShow)
async def no_shows(tx: ReadTx, accounts: Sequence[UUID]) -> list[HeldNoShow]:
    """Of all orders of these accounts, oldest first. Nothing follows from them by themselves."""
    return await tx.rows(HeldNoShow, no_shows_store.HELD, ids=list(accounts))
