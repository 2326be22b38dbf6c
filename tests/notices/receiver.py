"""A receiver of webhooks as others run one: a real HTTP server that keeps what comes and answers as a test wants."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Received(NamedTuple):
    headers: dict[str, str]
    raw: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        return msgspec.json.decode(self.raw)


class Reply(NamedTuple):
    """How one request is answered; `after_s` is how long the receiver thinks about it."""

    status: int = 204
    body: bytes = b""
    headers: Mapping[str, str] = {}
    after_s: float = 0


class Receiver:
    """Each path is an address of its own: with an inbox, replies laid out for the next requests, and a usual reply."""

    def __init__(self) -> None:
        self.inboxes: dict[str, queue.Queue[Received]] = defaultdict(queue.Queue)
        self.replies: dict[str, queue.Queue[Reply]] = defaultdict(queue.Queue)
        self.usual: dict[str, Reply] = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        app = Starlette(routes=[Route("/{path:path}", self._take, methods=["GET", "POST"])])
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, port=self.port, log_level="error", ws="none", lifespan="off", timeout_graceful_shutdown=1
            )
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    async def _take(self, request: Request) -> Response:
        path = request.url.path
        self.inboxes[path].put(Received(dict(request.headers), await request.body()))
        reply = self.usual.get(path, Reply()) if self.replies[path].empty() else self.replies[path].get()
        await asyncio.sleep(reply.after_s)
        return Response(reply.body, reply.status, dict(reply.headers))

    def url(self, path: str = "/hooks") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def will(self, *replies: Reply | int, path: str = "/hooks") -> None:
        """Lays out the answers to the next requests."""
        for reply in replies:
            self.replies[path].put(Reply(reply) if isinstance(reply, int) else reply)

    def got(self, path: str = "/hooks") -> list[Received]:
        """What has come to a path since one last asked, oldest first."""
        inbox, found = self.inboxes[path], []
        while not inbox.empty():
            found.append(inbox.get())
        return found

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
