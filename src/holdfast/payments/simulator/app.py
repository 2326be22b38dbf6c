"""The simulator as an ASGI application. `/v3` is served at the root and once more below `/wechat`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.routing import Mount

from . import control, endpoints, wallet
from .simulation import Options, Simulator


def _complain(delivering: asyncio.Task[None]) -> None:
    """Callbacks must not cease in silence."""
    if not delivering.cancelled() and (error := delivering.exception()) is not None:
        logging.getLogger("uvicorn.error").critical("the simulator sends no more callbacks", exc_info=error)


def make_app(options: Options) -> Starlette:
    """The application; its state opens with its lifespan."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        sim = Simulator(options)
        app.state.sim = sim
        delivering = asyncio.create_task(sim.deliverer.run())
        delivering.add_done_callback(_complain)
        try:
            yield
        finally:
            delivering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await delivering
            sim.close()

    routes = [*endpoints.ROUTES, Mount("/wechat", routes=endpoints.ROUTES), *control.ROUTES, *wallet.ROUTES]
    return Starlette(routes=routes, lifespan=lifespan)
