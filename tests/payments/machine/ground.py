"""The whole program and all providers in one process: one event loop, a clock that moves when told, real HTTP between.

An example begins at the same moment of a made-up calendar, with an empty database and providers that remember nothing.
Each deed ends on the next mark of the clock, so that what a slow host adds changes nothing that is decided by time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette

from holdfast import payments
from holdfast.api import webhooks
from holdfast.kit import clock, faults, http
from holdfast.kit.db import Db
from holdfast.kit.problems import DatabaseUnavailable, Problem
from holdfast.payments.simulator.app import make_app
from holdfast.payments.simulator.faults import Script, Step
from holdfast.payments.simulator.simulation import Options, Simulation
from tests.conftest import clone

MORNING = datetime(2031, 1, 6, 2, 0, tzinfo=UTC)
"""When every example begins: a Monday, ten o'clock in Beijing."""
MARK = timedelta(seconds=1)
STEPS_MAX = 6
"""Faults in force at once; the oldest makes way."""
SETTLE_S = 30.0
_ours: ContextVar[bool] = ContextVar("ours", default=False)
"""Set in work that is the program's own and dies with it, unlike what providers and servers do meanwhile."""


class LoopServer(uvicorn.Server):
    """A server inside this event loop: it leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Ground:
    """Servers and loop of a run; `db` and `simulation` as they stand in the example that is being played."""

    db: Db

    def __init__(self, server: str, template: str, state_dir: Path, ports: tuple[int, int]) -> None:
        self._databases = (server, template)
        self.loop = asyncio.new_event_loop()
        self.loop.set_task_factory(self._task)
        self._alive: set[asyncio.Task[Any]] = set()
        self._example = contextlib.ExitStack()
        self._weather: list[Step] = []
        _to(MORNING)
        app = make_app(Options(state_dir=state_dir, refund_delay_s=2, durable=False))
        self.simulation: Simulation = app.state.simulation
        self._callbacks = Starlette(routes=[webhooks.route])
        self._servers = [self._serve(app, ports[0], "on"), self._serve(self._callbacks, ports[1], "off")]
        self._browser = http.client()
        self.loop.run_until_complete(self._started())

    def _task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **more: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **more)
        if _ours.get():
            self._alive.add(task)
            task.add_done_callback(self._alive.discard)
        return task

    def _serve(
        self, app: Starlette, port: int, lifespan: Literal["on", "off"]
    ) -> tuple[uvicorn.Server, asyncio.Task[None]]:
        config = uvicorn.Config(
            app, port=port, log_level="critical", ws="none", lifespan=lifespan, timeout_graceful_shutdown=1
        )
        server = LoopServer(config)
        return server, self.loop.create_task(server.serve())

    async def _started(self) -> None:
        while not all(server.started for server, _ in self._servers):
            await asyncio.sleep(0.01)

    def stop(self) -> None:
        """Everything ends; the next run makes its own."""
        for server, _ in self._servers:
            server.should_exit = True
        self.loop.run_until_complete(payments.close_channels())
        self.loop.run_until_complete(self._browser.aclose())
        for _, serving in self._servers:
            self.loop.run_until_complete(serving)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        clock.reset()

    def begin(self) -> None:
        """An example: nothing was ever sold, and it is ten o'clock."""
        _to(MORNING)
        self._example = contextlib.ExitStack()
        url = self._example.enter_context(clone(*self._databases))
        self.db = self.loop.run_until_complete(Db(url, size=8).open())
        self._callbacks.state.db = self.db

    def end(self) -> None:
        """What still hangs arrives and is forgotten with all the rest."""
        self.clear_up()
        self.loop.run_until_complete(payments.close_channels())
        self.loop.run_until_complete(self.pass_time(timedelta(days=1)))
        self.simulation.reset()
        self.loop.run_until_complete(self.db.close())
        self._example.close()

    # What people and workers do

    def do(self, deed: Coroutine[Any, Any, Any], breaks: str = "") -> str:
        """Runs a deed and all that providers make of it; in a word, what came of it.

        `breaks`: fault points and how they break (`faults.arm`); after a ``crash`` nothing of the deed lives on. Any
        error that is not a problem for the asker fails the example, and so does an absent database: there is none.
        """
        return self.loop.run_until_complete(self._do(deed, breaks))

    async def _do(self, deed: Coroutine[Any, Any, Any], breaks: str) -> str:
        faults.arm(breaks)
        token = _ours.set(True)
        try:
            came = await self.loop.create_task(deed)
        except DatabaseUnavailable:
            raise
        except Problem as problem:
            came = problem.code
        except (faults.FaultInjected, faults.Crashed) as broken:
            came = f"{type(broken).__name__.lower()} at {broken}"
        finally:
            _ours.reset(token)
            faults.arm("")
            await self._bury()
        await self.settle()
        return "done" if came is None else str(came)

    async def _bury(self) -> None:
        dying = list(self._alive)
        for task in dying:
            task.cancel()
        await asyncio.gather(*dying, return_exceptions=True)

    async def browse(self, method: str, url: str, form: dict[str, Any] | None = None) -> http.Answer:
        """A payer's browser asks a provider for a page. NoAnswer."""
        headers = {"content-type": "application/x-www-form-urlencoded"} if form else {}
        return await http.send(self._browser, method, url, body=urlencode(form or {}).encode(), headers=headers)

    # Time and weather

    async def pass_time(self, by: timedelta) -> None:
        """So much time passes for everybody; what hung so long goes on, and providers do what is due."""
        clock.move(by)
        await asyncio.sleep(0.03)
        await self.settle()

    async def settle(self) -> None:
        """Until no provider has anything to do at this moment; then on to the next mark of the clock."""
        async with asyncio.timeout(SETTLE_S):
            for sim in self.simulation.sims.values():
                await sim.courier.until_idle()
        _to(MORNING + ((clock.now() - MORNING) // MARK + 1) * MARK)

    def storm(self, step: Step, seed: int) -> None:
        """One more thing goes wrong from now on."""
        self._weather = [*self._weather, step][-STEPS_MAX:]
        self.simulation.scenario.play(Script(self._weather, seed=seed))

    def clear_up(self) -> None:
        """Nothing goes wrong any more."""
        self._weather = []
        self.simulation.scenario.play(Script([]))


def _to(moment: datetime) -> None:
    clock.move(moment - clock.now())
