"""The ground of the console's pages of payments: a database for each test, and a simulator behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from holdfast import payments
from holdfast.kit import settings
from holdfast.kit.db import Db
from tests.payments.conftest import SimulatorProcess, sim, simulator_process  # noqa: F401 - fixtures

NOBODY = "http://127.0.0.1:9"
"""Where providers would call back: nobody listens there, so all news comes by asking."""


@pytest.fixture
async def channels(
    sim: SimulatorProcess,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[SimulatorProcess]:
    """The simulator as the provider of this test's payments."""
    monkeypatch.setenv("HOLDFAST_SIMULATOR_URL", sim.url)
    monkeypatch.setenv("HOLDFAST_BASE_URL", NOBODY)
    monkeypatch.setenv("HOLDFAST_PROVIDER_PATIENCE_S", "0.7")
    settings.current.cache_clear()
    yield sim
    await payments.close_channels()
    monkeypatch.undo()
    settings.current.cache_clear()


@pytest.fixture
async def db(database_url: str, channels: SimulatorProcess) -> AsyncIterator[Db]:
    """A database for each test: the pages tell of everything in it."""
    opened = await Db(database_url, size=10).open()
    yield opened
    await opened.close()
