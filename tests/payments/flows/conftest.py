"""Payments end to end: our flows, the simulator as a process, its callbacks over HTTP, and the books compared after.

After every test the worker runs until all is quiet; then every invariant holds, and the money the simulator took is
the money of confirmed orders: nothing lost, nothing kept twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
import uvicorn
from starlette.applications import Starlette

from holdfast import payments
from holdfast.api import webhooks
from holdfast.kit import settings
from holdfast.kit.db import Db
from tests import invariants, world
from tests.payments.conftest import QUICK, SimulatorProcess, free_port

from . import books


class CallbackServer(uvicorn.Server):
    """A server inside the test's event loop: it leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture
def addresses(sim: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Settings that point at the simulator and at our callback server; its port."""
    port = free_port()
    monkeypatch.setenv("HOLDFAST_SIMULATOR_URL", sim.url)
    monkeypatch.setenv("HOLDFAST_BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("HOLDFAST_PROVIDER_PATIENCE_S", str(QUICK["create"]))
    settings.current.cache_clear()
    yield port
    monkeypatch.undo()
    settings.current.cache_clear()


@pytest.fixture
async def db(db: Db, addresses: int, sim: SimulatorProcess) -> AsyncIterator[Db]:
    """This test's database, with the channel to the simulator, the real callback endpoint, and the books at the end."""
    app = Starlette(routes=[webhooks.route])
    app.state.db = db
    server = CallbackServer(
        uvicorn.Config(app, port=addresses, log_level="error", ws="none", lifespan="off", timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve())
    await world.until(lambda: _true(server.started))
    try:
        yield db
        await world.until_quiet(db)
        await invariants.require(db)
        await books.require(db, sim)
    finally:
        server.should_exit = True
        await serving
        await payments.close_channels()


async def _true(value: bool) -> bool:
    return value
