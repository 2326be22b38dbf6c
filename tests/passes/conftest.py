"""After every test of passes, all invariants of the program hold."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from holdfast.kit.db import Db
from tests import invariants


@pytest.fixture
async def db(db: Db) -> AsyncIterator[Db]:
    """This test's database, examined when the test is over."""
    yield db
    await invariants.require(db)
