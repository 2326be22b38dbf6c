"""The ASGI application: settings → database → routes → error pages. ``uvicorn --factory holdfast.main:app``."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast import accounts, api, notices, octo, orders, payments, web
from holdfast.kit import ids, log, problems, settings
from holdfast.kit.db import Db
from holdfast.kit.server import database_url, keep_database


class GZipPages(GZipMiddleware):
    """Compresses what is read; the answer to a command is short, and its path is the hot one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class ShortPath:
    """Commands to the API's fixed addresses go straight to their resource, which is an outermost frame of its own.

    Routing and the wrapping of pages would cost a booking as much time again.
    """

    def __init__(self, site: Starlette) -> None:
        self._site = site
        self._resources = {
            route.path: route.app for route in api.routes if isinstance(route, Route) and not route.param_convertors
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        resource = self._resources.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if resource is None:
            await self._site(scope, receive, send)
        else:
            scope["app"] = self._site
            scope["path_params"] = {}
            await resource(scope, receive, send)


class RequestId:
    """Gives every request an id: in the answer, on problem pages and in each log line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = ids.uuid7().hex[8:24]
        scope["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        log.request_id.set(request_id)  # the server gives each request a context of its own
        await self.app(scope, receive, send_with_id)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/webhooks/", "/.well-known/"))


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, problems.Problem)
    return await (api.problem_response if _is_api(request) else web.problem_page)(request, error)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.get().error("unexpected", path=request.url.path, request_id=request.scope.get("request_id"), exc_info=error)
    return await (api.unexpected_response if _is_api(request) else web.unexpected_page)(request, error)


async def _missing(request: Request, error: Exception) -> Response:
    return await (api.missing_response if _is_api(request) else web.missing_page)(request, error)


async def healthy(request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"ok": True})


async def ready(request: Request) -> Response:
    """The process can do its work: the database answers. 503 otherwise."""
    try:
        async with request.app.state.db.reading() as tx:
            await tx.value("select 1")
    except problems.Unavailable:
        return JSONResponse({"ok": False, "database": False}, 503, {"retry-after": "2"})
    return JSONResponse({"ok": True, "database": True})


def _collect_garbage_seldom() -> None:
    """What start-up made stays for good and need not be looked through; young garbage of a rush dies by itself.

    Measured under load: a tenth of the processor's time, and a third of the slowest answers' waiting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    given = settings.current()
    url = await asyncio.to_thread(database_url)
    db = await Db(url, size=given.pool_size).open()
    app.state.db = db
    app.state.place = orders.supplied.first(db, orders.group_commit(db, lanes=given.batch_lanes))
    app.state.doorkeeper = accounts.Doorkeeper(db)
    keeper = asyncio.create_task(keep_database(url))
    _collect_garbage_seldom()
    try:
        yield
    finally:
        keeper.cancel()
        await notices.close_webhooks()
        await payments.close_channels()
        await db.close()


def app() -> ASGIApp:
    """The application of this process."""
    log.configure(settings.current().log_level)
    handlers: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
        problems.Problem: _problem,
        404: _missing,
        405: _missing,
        Exception: _unexpected,
    }
    site = Starlette(
        routes=[*api.routes, *octo.routes, Route("/healthz", healthy), Route("/readyz", ready), *web.routes],
        middleware=[Middleware(GZipPages, minimum_size=1000), *web.middleware],
        exception_handlers=handlers,
        lifespan=_lifespan,
    )
    return RequestId(ShortPath(site))
