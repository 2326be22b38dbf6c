"""Merging, as cards see it: how many each side has. They stay with the account that bought them and are found from every one."""

from __future__ import annotations

from holdfast import accounts
from holdfast.accounts import Groups, Tally
from holdfast.kit.db import ReadTx

from . import cards_store


@accounts.counted("cards")
async def counted(tx: ReadTx, groups: Groups) -> list[Tally]:
    """Cards by state."""
    return await cards_store.tallies(tx, groups)
