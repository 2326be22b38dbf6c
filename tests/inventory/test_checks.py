"""The invariants of the inventory notice what they are there to notice."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.inventory import checks
from holdfast.kit.db import Db, Tx

pytestmark = pytest.mark.anyio


@pytest.fixture
async def db(database_url: str) -> Any:
    """A database that is broken on purpose and therefore not examined afterwards."""
    opened = await Db(database_url, size=2).open()
    yield opened
    await opened.close()


BREAKS: dict[str, Any] = {
    "oversold": "update inventory.slots set taken = capacity + 1, overcommitted = 1 where code = 'am'",
    "overpromised": """update inventory.slots set capacity = 61 where code = 'am' and visit_date = current_date + 3""",
}


@pytest.mark.parametrize("name", list(BREAKS))
async def test_a_broken_slot_is_noticed(garden: Db, name: str) -> None:
    query = getattr(checks, name)
    async with garden.reading() as tx:
        assert await query(tx) == []

    async def spoil(tx: Tx) -> None:
        assert await tx.execute(BREAKS[name]) > 0

    await garden.run(spoil)
    async with garden.reading() as tx:
        assert await query(tx) != []
