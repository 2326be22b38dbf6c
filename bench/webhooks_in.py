"""Callbacks taken in a second: proven, stored and answered, for each provider, against a bare ASGI application that says 204.

The callbacks are genuine: charges are placed through our adapters at the simulator, paid there, and what it would send
is signed and kept. Then they are sent to the product's own endpoint, served by a process of its own, each once, over
connections that are kept open; the same bytes go to the bare application. Both take turns. Afterwards every callback
that was answered must be in the inbox exactly once, with its news, and every invariant must hold.

``python -m bench.webhooks_in PORT`` serves the bare application.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import msgspec
import psycopg
import uvicorn

from holdfast.kit import checks, embedded, http, ids, log, schema
from holdfast.kit.db import Db
from holdfast.payments.channels import METHODS
from holdfast.payments.providers import alipay, base, stripe, wechatpay
from holdfast.payments.simulator.alipay import notices
from holdfast.payments.simulator.app import make_app
from holdfast.payments.simulator.callbacks import Callback
from holdfast.payments.simulator.simulation import Options
from holdfast.payments.simulator.stripe import events
from holdfast.payments.simulator.wechatpay import news

from . import servers
from .audit import load_checks

ORIGIN = "http://127.0.0.1:9"
"""The simulator's address in configurations: nobody listens there, and nobody is asked."""
LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE).search
QUICK = dict.fromkeys(("create", "refund", "query", "query_refund", "close", "bill"), 30.0)
MADE_AT_ONCE = 8
WARM = 20


class Round(msgspec.Struct, frozen=True):
    """One provider's callbacks, once to the product or to the bare application."""

    provider: str
    bare: bool
    count: int
    elapsed_s: float
    p50_ms: float
    p99_ms: float
    refused: int

    @property
    def per_s(self) -> float:
        return self.count / self.elapsed_s


# Genuine callbacks


def _adapter(name: str, config: bytes, client: http.Client) -> base.Provider:
    if name == "wechatpay":
        return wechatpay.WeChatPay(wechatpay.load_config(config), client, QUICK)
    if name == "alipay":
        return alipay.Alipay(alipay.load_config(config), client, QUICK)
    return stripe.StripeCards(stripe.load_config(config), client, QUICK)


async def genuine(state: Path, count: int) -> tuple[dict[str, bytes], dict[str, list[bytes]]]:
    """Configurations of all providers, and so many signed callbacks of each, as HTTP/1.1 requests to be sent."""
    app = make_app(Options(state_dir=state))
    simulation = app.state.simulation
    configs = {name: msgspec.json.encode(sim.config(ORIGIN)) for name, sim in simulation.sims.items()}
    requests = {}
    try:
        async with http.client(transport=httpx2.ASGITransport(app=app)) as client:
            for name, sim in simulation.sims.items():
                adapter = _adapter(name, configs[name], client)
                if isinstance(adapter, stripe.StripeCards):
                    await adapter.announce(f"{ORIGIN}/webhooks/stripe")
                await _pay(adapter, simulation, count)
                requests[name] = _signed(name, sim, count)
    finally:
        simulation.close()
    return configs, requests


async def _pay(adapter: base.Provider, simulation: Any, count: int) -> None:
    """So many charges, paid at their provider."""
    gate = asyncio.Semaphore(MADE_AT_ONCE)

    async def one() -> None:
        async with gate:
            ref = f"HF{ids.uuid7().hex[:30].upper()}"
            seen, call = await adapter.create(
                base.Charge(
                    merchant_ref=ref, amount_minor=6000, currency="CNY", description="bench", expires_at=None,
                    notify_url=f"{ORIGIN}/webhooks/{adapter.name}", method=METHODS[adapter.name][0],
                )
            )  # fmt: skip
            if seen.state is not base.PaymentState.AWAITING_USER:
                raise RuntimeError(f"{adapter.name} did not take a charge: {call}")
            simulation.pay(ref, None, None, again=False)

    await asyncio.gather(*(one() for _ in range(count)))


def _signed(name: str, sim: Any, count: int) -> list[bytes]:
    """What waits to be sent, signed at this moment."""
    dress: dict[str, Callable[[Callback], tuple[bytes, dict[str, str]]]] = {
        "wechatpay": lambda callback: news.dressed(sim.keys, callback),
        "alipay": lambda callback: notices.dressed(sim.keys, callback),
        "stripe": lambda callback: events.manners(lambda: sim.identity).dressed(callback),
    }
    memory = sim.state if name == "wechatpay" else sim.memory
    rows = memory.db.execute("select * from callbacks where due_at is not null order by seq desc limit ?", (count,))
    made = []
    for row in rows.fetchall():
        body, headers = dress[name](Callback(**dict(row)))
        head = "".join(f"{key}: {value}\r\n" for key, value in headers.items() if key.lower() != "content-length")
        start = f"POST /webhooks/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Content-Length: {len(body)}\r\n\r\n"
        made.append(start.encode("latin-1") + body)
    return made


# Sending


class Sender(asyncio.Protocol):
    """One connection that is kept open: sends, waits for the whole answer, sends the next."""

    def __init__(self, waiting: Iterator[bytes], took: list[float], done: Callable[[bytes], None]) -> None:
        self.waiting, self.took, self.done = waiting, took, done
        self.buffer, self.at = b"", 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        request = next(self.waiting, None)
        if request is None:
            self.transport.close()
            return
        self.at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = LENGTH(self.buffer, 0, head + 2)
        if length is not None and len(self.buffer) < head + 4 + int(length[1]):
            return
        self.took.append(time.perf_counter() - self.at)
        self.done(self.buffer[9:12])
        self.buffer = b""
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def send_all(port: int, requests: list[bytes], connections: int) -> tuple[list[float], int, float]:
    """Each request once; how long each took in seconds, how many were refused, and how long all took."""
    took: list[float] = []
    refused = 0

    def done(status: bytes) -> None:
        nonlocal refused
        refused += not status.startswith(b"2")

    waiting, loop = iter(requests), asyncio.get_running_loop()
    began = time.perf_counter()
    pairs = [
        await loop.create_connection(lambda: Sender(waiting, took, done), "127.0.0.1", port) for _ in range(connections)
    ]
    await asyncio.gather(*(sender.ended for _, sender in pairs))
    return took, refused, time.perf_counter() - began


# Serving


async def bare(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Reads the body and says 204: the least that any application does."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def serving(arguments: list[str], environment: dict[str, str], path: str) -> Iterator[int]:
    """A process on a free port that answers `path`; the port."""
    port = servers.free_port()
    process = subprocess.Popen(
        [sys.executable, *arguments, str(port)], env=environment, cwd=servers.CHECKOUT, stdout=sys.stderr
    )
    try:
        deadline = time.monotonic() + servers.START_S
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{arguments} did not start")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1):
                    break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# Measuring


class Check(msgspec.Struct):
    """After all rounds."""

    answered: int = 0
    stored: int = 0
    news: int = 0
    refused: int = 0
    invariants: int = 0
    broken: list[str] = []

    @property
    def good(self) -> bool:
        return self.answered == self.stored == self.news and not self.refused and not self.broken


async def measure(url: str, home: Path, given: argparse.Namespace) -> tuple[list[Round], Check]:
    each = max(WARM + 20, int(given.seconds * given.expected))
    configs, requests = await genuine(home / "simulator", given.rounds * each + WARM)
    environment = servers.environment(url, home)
    for name, config in configs.items():
        path = home / f"{name}.json"
        path.write_bytes(config)
        environment[f"HOLDFAST_{name.upper()}_CONFIG"] = str(path)
    rounds, answered = [], 0
    with ExitStack() as stack:
        product = stack.enter_context(serving(servers.PRODUCT, environment, "/readyz"))
        plain = stack.enter_context(serving(["-m", "bench.webhooks_in"], environment, "/"))
        for name, all_ in requests.items():
            warm, rest = all_[:WARM], all_[WARM:]
            answered += len((await send_all(product, warm, 2))[0])
            await send_all(plain, warm, 2)
            for number in range(given.rounds):
                part = rest[number * each : (number + 1) * each]
                for is_bare in (True, False) if number % 2 else (False, True):
                    one = await _round(name, plain if is_bare else product, part, is_bare, given.connections)
                    rounds.append(one)
                    answered += 0 if is_bare else one.count
                    if not given.json:
                        who = "bare ASGI" if is_bare else "product"
                        sys.stderr.write(f"{name:10} {who:10} {one.per_s:8,.0f}/s  p99 {one.p99_ms:6.1f} ms\n")
    return rounds, await _check(url, answered, sum(one.refused for one in rounds if not one.bare))


async def _round(name: str, port: int, part: list[bytes], is_bare: bool, connections: int) -> Round:
    took, refused, elapsed_s = await send_all(port, part, connections)
    ranked = sorted(one * 1000 for one in took) or [0.0]
    return Round(
        name, is_bare, len(took), elapsed_s, ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)], refused
    )


async def _check(url: str, answered: int, refused: int) -> Check:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            """select (select count(*) from payments.inbox where state = 'new'),
                      (select count(*) from kit.outbox where topic = 'payment.notified')"""
        ).fetchone()
    assert row
    db = await Db(url, size=1).open()
    try:
        load_checks()
        results = await checks.run_all(db)
    finally:
        await db.close()
    broken = [result.sentence for result in results if not result.holds]
    return Check(answered, row[0], row[1], refused, len(results), broken)


def figures_of(rounds: list[Round], check: Check) -> dict[str, float]:
    """Flat numbers: medians of the rounds; the ratio is that of neighbours."""
    figures: dict[str, float] = {}
    for name in dict.fromkeys(one.provider for one in rounds):
        ours = [one for one in rounds if one.provider == name and not one.bare]
        plain = [one for one in rounds if one.provider == name and one.bare]
        figures |= {
            f"{name}_per_s": round(median(one.per_s for one in ours), 1),
            f"{name}_p50_ms": round(median(one.p50_ms for one in ours), 2),
            f"{name}_p99_ms": round(median(one.p99_ms for one in ours), 2),
            f"{name}_bare_per_s": round(median(one.per_s for one in plain), 1),
            f"{name}_of_bare": round(median(a.per_s / b.per_s for a, b in zip(ours, plain, strict=True)), 3),
        }
    return figures | {
        "answered": check.answered,
        "stored": check.stored,
        "news": check.news,
        "refused": check.refused,
        "invariants": check.invariants,
        "broken": len(check.broken),
    }


def main(argv: list[str]) -> int:
    """Runs the bench; 0 when every callback that was answered is stored once."""
    parser = argparse.ArgumentParser(prog="holdfast bench webhooks_in", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="about how long one round takes (default 2)")
    parser.add_argument(
        "--expected", type=float, default=600.0, help="callbacks prepared for each second (default 600)"
    )
    parser.add_argument("--rounds", type=int, default=2, help="of each provider (default 2)")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true", help="print nothing but the figures")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up after ourselves also then
    log.configure("ERROR")
    began = time.monotonic()
    with embedded.temporary() as url:
        schema.apply(url)
        rounds, check = asyncio.run(measure(url, url.home, given))
    figures = figures_of(rounds, check) | {"elapsed_s": round(time.monotonic() - began, 1)}
    if given.json:
        sys.stdout.write(json.dumps({"name": "webhooks_in", "passed": check.good, "figures": figures}) + "\n")
        return 0 if check.good else 1
    print(f"\n{'':10} {'callbacks/s':>12} {'p50 ms':>8} {'p99 ms':>8} {'bare 204/s':>11} {'of bare':>8}")
    for name in dict.fromkeys(one.provider for one in rounds):
        print(
            f"{name:10} {figures[f'{name}_per_s']:12,.0f} {figures[f'{name}_p50_ms']:8.1f} {figures[f'{name}_p99_ms']:8.1f} "
            f"{figures[f'{name}_bare_per_s']:11,.0f} {figures[f'{name}_of_bare']:8.2f}"
        )
    print(
        f"{check.answered:,} answered, {check.stored:,} stored, {check.news:,} handed on, {check.refused} refused; "
        f"{check.invariants} invariants asked, {len(check.broken)} broken {check.broken or ''}; {figures['elapsed_s']:.0f} s in all"
    )
    return 0 if check.good else 1


if __name__ == "__main__":
    uvicorn.run(
        bare, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False, loop="uvloop",
        http="httptools", lifespan="off", timeout_keep_alive=30,
    )  # fmt: skip
