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
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdfast.kit import clock, http
from holdfast.payments.providers.wechatpay import WeChatPay, load_config

from .merchant import Merchant

QUICK = dict.fromkeys(("create", "refund", "query", "query_refund", "close", "bill"), 0.7)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class SimulatorProcess:
    """The simulator, started as anyone would start it; it can be killed and started again on the same state."""

    def __init__(self, state_dir: Path, clock_offset_s: float = 0, *, more: tuple[str, ...] = ()) -> None:
        self.state_dir, self.clock_offset_s, self.more = state_dir, clock_offset_s, more
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
            *self.more,
        ]
        environment = {
            **os.environ,
            "HOLDFAST_ENV": "test",
            "HOLDFAST_CLOCK_OFFSET_S": str(self.clock_offset_s),
        }
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

    def pay(self, number: str, **how: object) -> dict[str, object]:
        """The payer pays; `how`: amount, payer_amount, again."""
        return self.http.post(f"/_sim/pay/{number}", json=how).raise_for_status().json()

    def order(self, number: str) -> dict[str, object]:
        found = self.http.get("/_sim/truth").json()["orders"]
        return next(order for order in found if order["out_trade_no"] == number)

    def callbacks(self) -> dict[str, int]:
        """How many callbacks stand how."""
        return self.http.get("/_sim/truth").json()["callbacks"]

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock and ours; both are back when the test is over."""
        self.http.post("/_sim/clock", json={"advance_s": seconds}).raise_for_status()
        clock.move(timedelta(seconds=seconds))

    def config(self, provider: str = "wechatpay") -> bytes:
        """What the adapter of a provider loads."""
        return self.http.get("/_sim/config", params={"provider": provider}).raise_for_status().content


class Received(NamedTuple):
    headers: dict[str, str]
    raw: bytes


class Receiver:
    """A merchant's callback address: keeps what comes; answers 204, or what a test has laid in `statuses`, with `body`."""

    def __init__(self) -> None:
        self.body = b""
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
        usual = 200 if self.body else 204
        return Response(self.body, usual if self.statuses.empty() else self.statuses.get())

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
    receiver_thread.body = b""
    return receiver_thread


@pytest.fixture
async def provider(sim):
    """Our adapter, pointed at the simulator."""
    async with http.client() as client:
        yield WeChatPay(load_config(sim.config()), client, QUICK)


@pytest.fixture
def merchant(sim):
    return Merchant(sim)
