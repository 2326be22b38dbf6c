"""Another installation as a supplier: its OCTO interface over HTTP, silent, late, losing answers or lying when a test wants it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from holdfast import octo
from holdfast.kit.db import Db


class Faulty:
    """Between the network and the interface. `mode` strikes requests whose path holds `only`, at most `times` of them.

    silent: nothing is done and nothing answered for a while. lost: it is done, and the answer is a fault. down: 503 at once.
    lie: the answer says something else than what was done, by `change`.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.mode, self.only, self.method, self.times = "", "", "", 10**9
        self.change: dict[str, Any] = {}
        self.seen: list[tuple[str, str]] = []

    def strike(self, mode: str, only: str = "", *, method: str = "", times: int = 10**9, **change: Any) -> None:
        self.mode, self.only, self.method, self.times, self.change = mode, only, method, times, change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.seen.append((scope["method"], scope["path"]))
        hit = self.mode and self.only in scope["path"] and self.method in ("", scope["method"]) and self.times > 0
        if not hit:
            await self.app(scope, receive, send)
            return
        self.times -= 1
        if self.mode == "silent":
            await asyncio.sleep(2)
            await answer(send, 503, b"{}")
        elif self.mode == "down":
            await answer(send, 503, b"{}")
        else:
            status, body = await self._done(scope, receive)
            if self.mode == "lost":
                await answer(send, 502, b"<h1>Bad gateway</h1>")
            elif self.mode == "lie":
                told = json.loads(body)
                await answer(
                    send,
                    status,
                    json.dumps(
                        told | self.change if isinstance(told, dict) else [one | self.change for one in told]
                    ).encode(),
                )

    async def _done(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        """What the interface answers, kept back."""
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self.app(scope, receive, keep)
        body = b"".join(one.get("body", b"") for one in kept if one["type"] == "http.response.body")
        return int(kept[0]["status"]), body


async def answer(send: Send, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


class Running:
    """The supplier's address, and its faults."""

    def __init__(self, url: str, faults: Faulty) -> None:
        self.url, self.faults = url, faults


@contextmanager
def served(database_url: str) -> Iterator[Running]:
    """The interface of an installation on this database, in a thread of its own."""

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        app.state.db = await Db(database_url, size=4).open()
        yield
        await app.state.db.close()

    faults = Faulty(Starlette(routes=octo.routes, lifespan=life))
    server = uvicorn.Server(uvicorn.Config(faults, port=0, log_level="error", ws="none", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Running(f"http://127.0.0.1:{port}/octo", faults)
    finally:
        server.should_exit = True
        thread.join(5)
