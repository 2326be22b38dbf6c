"""The load generator: a process of its own that keeps N connections busy, one request after another on each.

``python -m bench.load`` reads a `Wish` as JSON from standard input and writes a `Load` as JSON. A lean HTTP/1.1
client on uvloop: requests are encoded beforehand, of answers only status, length and order number are looked at.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import msgspec
import uvloop

from . import processor
from .requests import bookings, encoded

NUMBER = re.compile(rb'"number": ?"([^"]+)"').search
LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE).search
DRAIN_S = 20


class Wish(msgspec.Struct, frozen=True):
    """What to send where, for how long. `ports` get equal parts of the connections."""

    ports: list[int]
    connections: int
    seconds: float
    warm_up_s: float
    measurement: int
    slots: list[str]
    app_pids: list[int] = []
    postgres_pids: list[int] = []


class Load(msgspec.Struct):
    """What the client saw. Counted is what was answered 201 within the seconds measured."""

    counted: int = 0
    elapsed_s: float = 0
    p50_ms: float = 0
    p99_ms: float = 0
    cpu_s: float = 0
    """Of the generator, in the seconds measured."""
    app_cpu_s: float = 0
    postgres_cpu_s: float = 0
    others_cpu_s: float = 0
    """Of everything else on this machine: what disturbed the measurement."""
    began: float = 0
    """When the seconds measured began, by time.time()."""
    sent: int = 0
    travellers: int = 0
    """People in acknowledged bookings."""
    statuses: dict[str, int] = {}
    lost: int = 0
    """Requests without an answer."""
    numbers: list[str] = []
    """The acknowledged orders, with warm-up and drain."""
    refusal: str = ""
    """An example of an answer that was not 201."""


class Traffic:
    """All connections together: where the next request comes from and what was answered."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.statuses: Counter[bytes] = Counter()
        self.acknowledged: list[bytes] = []
        self.latencies: list[tuple[float, float]] = []  # when answered, how long it took
        self.sent = self.answered = self.people = 0
        self.refusal = b""
        self.open = True
        source: Iterator[bytes] = map(encoded, bookings(wish.measurement, wish.slots))
        expected = int((wish.seconds + wish.warm_up_s) * (9_000 if wish.connections > 8 else 1_500))
        self.ready = deque(itertools.islice(source, expected))
        self.source = source

    def next(self) -> bytes | None:
        """The next request, or None after closing time."""
        if not self.open:
            return None
        self.sent += 1
        return self.ready.popleft() if self.ready else next(self.source)


class Connection(asyncio.Protocol):
    """One keep-alive connection: sends, waits for the whole answer, sends again."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.buffer = b""
        self.sent_at = 0.0
        self.people = 0

    def connection_made(self, transport: Any) -> None:  # uvloop's own kind
        self.transport = transport

    def send(self) -> None:
        request = self.traffic.next()
        if request is not None:
            self.people = request.count(b'"document":')
            self.sent_at = time.perf_counter()
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        head = buffer.find(b"\r\n\r\n")
        length = LENGTH(buffer, 0, head) if head > 0 else None
        if length is None or len(buffer) < head + 4 + int(length[1]):
            self.buffer = buffer
            return
        self.buffer = b""
        now = time.perf_counter()
        traffic, status = self.traffic, buffer[9:12]
        traffic.answered += 1
        traffic.statuses[status] += 1
        if status == b"201" and (number := NUMBER(buffer, head)):
            traffic.latencies.append((now, now - self.sent_at))
            traffic.acknowledged.append(number[1])
            traffic.people += self.people
        else:
            traffic.refusal = buffer[:2000]
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if self.traffic.open and not self.traffic.refusal:
            self.traffic.refusal = f"connection lost: {error!r}".encode()


async def drive(wish: Wish) -> Load:
    """Warm up, measure, stop sending, wait for what is still on its way."""
    traffic = Traffic(wish)
    loop = asyncio.get_running_loop()
    connections = []
    for number in range(wish.connections):
        port = wish.ports[number % len(wish.ports)]
        _, connection = await loop.create_connection(lambda: Connection(traffic), "127.0.0.1", port)
        connections.append(connection)
    gc.collect()
    gc.disable()  # it lives for seconds
    for connection in connections:
        connection.send()
    await asyncio.sleep(wish.warm_up_s)
    began, start, before = time.time(), time.perf_counter(), _processors(wish)
    await asyncio.sleep(wish.seconds)
    end, after = time.perf_counter(), _processors(wish)
    traffic.open = False
    deadline = end + DRAIN_S
    while traffic.answered < traffic.sent and time.perf_counter() < deadline:
        await asyncio.sleep(0.01)
    for connection in connections:
        connection.transport.abort()
    taken = sorted(took * 1000 for at, took in traffic.latencies if start <= at < end) or [0.0]
    return Load(
        counted=len(taken) if traffic.latencies else 0,
        elapsed_s=end - start,
        p50_ms=taken[len(taken) // 2],
        p99_ms=taken[int(len(taken) * 0.99)],
        cpu_s=after[0] - before[0],
        app_cpu_s=after[1] - before[1],
        postgres_cpu_s=after[2] - before[2],
        others_cpu_s=max(0.0, after[3] - before[3] - sum(after[:3]) + sum(before[:3])),
        began=began,
        sent=traffic.sent,
        travellers=traffic.people,
        statuses={status.decode("latin-1"): count for status, count in traffic.statuses.items()},
        lost=traffic.sent - traffic.answered,
        numbers=[number.decode() for number in traffic.acknowledged],
        refusal=traffic.refusal.decode(errors="replace"),
    )


def _processors(wish: Wish) -> tuple[float, float, float, float]:
    """Processor seconds so far: of the generator, the app, PostgreSQL, the machine."""
    app, postgres = processor.spent_s(wish.app_pids), processor.spent_s(wish.postgres_pids)
    return time.process_time(), app, postgres, processor.busy_s()


if __name__ == "__main__":
    wished = msgspec.json.decode(sys.stdin.buffer.read(), type=Wish)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(msgspec.json.encode(runner.run(drive(wished))))
