"""A garden on a Monday morning: imported, with slots, and with ways to sell places without orders."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from holdfast import catalogue
from holdfast.catalogue.imports import CatalogueFile
from holdfast.inventory import checks
from holdfast.inventory.model import Slot
from holdfast.kit import clock
from holdfast.kit.db import Db, ReadTx, Tx
from tests.catalogue.samples import IMPORTER, file

MONDAY = date(2027, 5, 3)
INVARIANTS = (checks.oversold, checks.displaced, checks.misplaced, checks.overpromised)


@pytest.fixture
async def db(db: Db) -> AsyncIterator[Db]:
    """It is Monday, 3 May 2027, 10:00 in Shanghai. Afterwards the inventory's invariants hold."""
    clock.move(datetime(2027, 5, 3, 2, tzinfo=UTC) - clock.now())
    yield db
    async with db.reading() as tx:
        for invariant in INVARIANTS:
            assert await invariant(tx) == [], invariant.__name__


@pytest.fixture
async def garden(db: Db) -> Db:
    """The sample garden with its slots."""
    await db.run(catalogue.apply, IMPORTER, file())
    return db


async def bring(db: Db, *venues: dict[str, object]) -> None:
    """Imports these venues; what they no longer name is retired."""
    wanted: CatalogueFile = file(*venues)
    await db.run(catalogue.apply, IMPORTER, wanted, retire_missing=True)


async def sell(db: Db, day: date, code: str, places: int) -> None:
    """Takes places as orders do: through the inventory's SQL door."""

    async def take(tx: Tx) -> None:
        await tx.execute(
            """select inventory.take_many(array_agg(id), array[%(places)s::int]) from inventory.slots
                where visit_date = %(day)s and code = %(code)s""",
            day=day, code=code, places=places,
        )  # fmt: skip

    await db.run(take)


async def slot(db: Db, day: date, code: str) -> Slot:
    """One slot of the garden as it stands."""

    async def ask(tx: ReadTx) -> Slot:
        found = await tx.maybe(
            Slot,
            """select id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at, sale_closes_at, state,
                      reason, capacity, overcommitted, taken from inventory.slots
                where visit_date = %(day)s and code = %(code)s""",
            day=day, code=code,
        )  # fmt: skip
        assert found is not None, f"no slot {code} on {day}"
        return found

    return await db.read(ask)
