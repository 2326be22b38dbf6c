"""The simulator as an ASGI application: every provider below its prefixes, the wallet, an identity provider, and the control."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from . import control, identity, wallet
from .alipay.sim import AlipaySim
from .simulation import Options, ProviderSim, Simulation
from .stripe.sim import StripeSim
from .wechatpay.sim import WeChatSim

SIMS: tuple[type[ProviderSim], ...] = (WeChatSim, AlipaySim, StripeSim)


def _complain(running: asyncio.Task[None]) -> None:
    """Callbacks must not cease in silence."""
    if not running.cancelled() and (error := running.exception()) is not None:
        logging.getLogger("uvicorn.error").critical("the simulator sends no more callbacks", exc_info=error)


def make_app(options: Options) -> Starlette:
    """The application; its state opens here and closes with its lifespan."""
    simulation = Simulation(options, SIMS)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(simulation.run())
        running.add_done_callback(_complain)
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait([running])
            simulation.close()

    routes: list[BaseRoute] = [*control.ROUTES, *wallet.ROUTES, *identity.ROUTES]
    for sim in simulation.sims.values():
        routes += sim.pages
        for prefix in sim.prefixes:
            routes += [Mount(prefix, routes=sim.routes)] if prefix else sim.routes
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.simulation = simulation
    return app
