"""A simulator as its own process, a receiver of callbacks, and our adapter between them."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdfast.kit import http
from holdfast.payments.providers.wechatpay import WeChatPay, load_config

from .merchant import Merchant

QUICK = dict.fromkeys(("create", "refund", "query", "query_refund", "close"), 0.7)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class SimulatorProcess:
    """The simulator, started as anyone would start it; it can be killed and started again on the same state."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=10)
        self.start()

    def start(self) -> None:
        options = [
            "--port",
            str(self.port),
            "--state-dir",
            str(self.state_dir),
            "--speed",
            "100",
            "--refund-delay",
            "0.2",
        ]
        environment = {**os.environ, "HOLDFAST_ENV": "test", "HOLDFAST_CLOCK_OFFSET_S": "0"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "holdfast.payments.simulator", *options], env=environment
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                self.http.get("/_sim/health").raise_for_status()
                return
            except httpx2.TransportError:
                assert self.process.poll() is None, "the simulator did not start"
                assert time.monotonic() < deadline, "the simulator does not answer"
                time.sleep(0.05)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.http.close()

    def script(self, *steps: dict[str, object], seed: int = 7) -> None:
        self.http.post("/_sim/scenario", json={"steps": steps, "seed": seed}).raise_for_status()

    def pay(self, number: str, **amounts: int) -> dict[str, object]:
        return self.http.post(f"/_sim/pay/{number}", json=amounts).raise_for_status().json()

    def order(self, number: str) -> dict[str, object]:
        found = self.http.get("/_sim/truth").json()["orders"]
        return next(order for order in found if order["out_trade_no"] == number)

    def config(self) -> bytes:
        return self.http.get("/_sim/config").content


class Received(NamedTuple):
    headers: dict[str, str]
    raw: bytes


class Receiver:
    """A merchant's callback address: keeps what comes; answers 204, or what a test has laid in `statuses`."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[Received] = queue.Queue()
        self.statuses: queue.Queue[int] = queue.Queue()
        routes = [
            Route("/notify", self._notify, methods=["POST"]),
            Route("/large", self._large),
            Route("/moved", self._moved),
        ]
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        self.url = f"{self.origin}/notify"
        config = uvicorn.Config(Starlette(routes=routes), port=port, log_level="warning", ws="none", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    async def _notify(self, request: Request) -> Response:
        self.inbox.put(Received(dict(request.headers), await request.body()))
        return Response(status_code=204 if self.statuses.empty() else self.statuses.get())

    async def _large(self, request: Request) -> Response:
        return Response(b"x" * (http.RESPONSE_BYTES_MAX + 1))

    async def _moved(self, request: Request) -> Response:
        return RedirectResponse("/large", 302)

    def next(self, timeout_s: float = 5) -> Received:
        return self.inbox.get(timeout=timeout_s)

    def silent_for(self, seconds: float) -> bool:
        try:
            self.inbox.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture(scope="session")
def simulator_process(tmp_path_factory):
    running = SimulatorProcess(tmp_path_factory.mktemp("simulator"))
    yield running
    running.stop()


@pytest.fixture
def own_simulator(tmp_path):
    """A simulator for one test, to be killed at will."""
    running = SimulatorProcess(tmp_path / "state")
    yield running
    running.stop()


@pytest.fixture
def sim(simulator_process):
    """The simulator with an empty memory and no scenario."""
    simulator_process.http.post("/_sim/reset").raise_for_status()
    return simulator_process


@pytest.fixture(scope="session")
def receiver_thread():
    running = Receiver()
    yield running
    running.stop()


@pytest.fixture
def receiver(receiver_thread):
    """The callback address with an empty inbox."""
    for kept in (receiver_thread.inbox, receiver_thread.statuses):
        while not kept.empty():
            kept.get()
    return receiver_thread


@pytest.fixture
async def provider(sim):
    """Our adapter, pointed at the simulator."""
    async with http.client() as client:
        yield WeChatPay(load_config(sim.config()), client, QUICK)


@pytest.fixture
def merchant(sim):
    return Merchant(sim)
