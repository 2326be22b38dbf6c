"""Serving a request: what goes wrong comes first, then the provider's work, then what goes wrong on the way back."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from . import times
from .callbacks import Courier
from .faults import CONTENT, Scenario
from .journal import Journal
from .simulation import Options

GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
BACKUP = "/backup"
"""The prefix below which a provider's second host is served."""


class Call(msgspec.Struct, frozen=True):
    """A request on its way through an endpoint."""

    operation: str
    request: Request
    body: bytes
    faults: dict[str, float]


class Done(msgspec.Struct, frozen=True):
    """What was done: status, body, and the order or refund number it was about."""

    status: int
    body: bytes
    subject: str = ""


class Counter:
    """Counts the requests of the present second, by operation."""

    def __init__(self) -> None:
        self._second = 0
        self._seen: dict[str, int] = {}

    def is_over(self, operation: str, qps: float | None) -> bool:
        """Count one request; whether it is one too many."""
        second = int(times.now())
        if second != self._second:
            self._second, self._seen = second, {}
        self._seen[operation] = self._seen.get(operation, 0) + 1
        return qps is not None and self._seen[operation] > qps


class Serving(Protocol):
    """What a provider must have to serve requests."""

    name: str
    options: Options
    journal: Journal
    scenario: Scenario
    courier: Courier
    counter: Counter


class Cut(Response):
    """No answer: the connection ends, by RST or politely. Works below uvicorn, which lends us its transport."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
        connection = transport.get_extra_info("socket")
        if self._reset and connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def sent_target(request: Request) -> str:
    """Path and query exactly as the client sent them: that is what it signed."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def origin(request: Request) -> str:
    """``http://127.0.0.1:8090``: the simulator as this client sees it."""
    return f"{request.url.scheme}://{request.url.netloc}"


async def serve(
    sim: Serving,
    request: Request,
    operation: str,
    work: Callable[[Call], Done],
    respond: Callable[[Call, Done], Response],
    *,
    is_download: bool = False,
) -> Response:
    """`work` does and commits what is asked (refusals are done, too); `respond` signs, or spoils as the faults say.

    Handled here: hang, reset, html_502, callback_before_response, lost_response; and too many requests become the
    fault ``rate_limit``. All other faults are in `Call.faults`, for `work` and `respond` to obey.
    `is_download`: the file of a bill whose content was decided before.
    """
    started = time.monotonic()
    call = Call(operation, request, await request.body(), _drawn(sim, request, operation, is_download=is_download))
    await times.sleep(call.faults.get("hang", 0))
    done, response = await _answer(sim, call, work, respond)
    sim.journal.add(
        operation,
        provider=sim.name,
        method=request.method,
        path=sent_target(request),
        request=call.body,
        status=None if isinstance(response, Cut) else response.status_code,
        answer=b"" if done is None else done.body,
        done=done is not None and done.status < 300,
        faults=sorted(call.faults),
        agent=request.headers.get("user-agent", ""),
        elapsed_ms=round((time.monotonic() - started) * 1000),
    )
    return response


def _drawn(sim: Serving, request: Request, operation: str, *, is_download: bool) -> dict[str, float]:
    faults = sim.scenario.draw(
        operation,
        provider=sim.name,
        agent=request.headers.get("user-agent", ""),
        host="backup" if request.scope.get("root_path", "").endswith(BACKUP) else "primary",
        spare=CONTENT if is_download else frozenset(),
    )
    over = sim.counter.is_over(operation, sim.scenario.qps or sim.options.qps)
    return faults | {"rate_limit": 0.0} if over else faults


async def _answer(
    sim: Serving, call: Call, work: Callable[[Call], Done], respond: Callable[[Call, Done], Response]
) -> tuple[Done | None, Response]:
    """What was done (None: nothing) and what the client sees of it."""
    if "reset" in call.faults:
        return None, Cut(reset=True)
    if "html_502" in call.faults:
        return None, HTMLResponse(GATEWAY_PAGE, 502)
    done = work(call)
    if "callback_before_response" in call.faults and done.subject:
        await sim.courier.deliver_now(done.subject)
    if "lost_response" in call.faults:
        return done, Cut(reset=False)
    return done, respond(call, done)
