"""It is noon where the suppliers are, and after every test all invariants of the program hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from holdfast.kit import clock
from holdfast.kit.db import Db
from tests import invariants, world


def noon() -> None:
    """Moves the clock to the next noon in China: people are told things by day."""
    here = clock.now().astimezone(world.ZONE)
    wanted = here.replace(hour=12, minute=0, second=0, microsecond=0)
    clock.move((wanted if wanted > here else wanted + timedelta(days=1)) - here)


@pytest.fixture
async def db(db: Db) -> AsyncIterator[Db]:
    """This test's database, at noon, examined when the test is over."""
    noon()
    yield db
    await invariants.require(db)
