"""The app processes of a bench: started on free loopback ports, ended and waited for whatever happens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from .ground import Ground

CHECKOUT = Path(__file__).resolve().parents[1]
PRODUCT = ["-m", "holdfast", "serve", "--port"]
SINGLY = ["-m", "bench.singly"]
START_S = 30


class Server(msgspec.Struct, frozen=True):
    """App processes that share the load: a port and a process id each."""

    ports: list[int]
    pids: list[int]


def environment(url: str, home: Path) -> dict[str, str]:
    """What a process of the bench sees: its own database and home, no settings of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    return {
        **kept,
        "HOLDFAST_HOME": str(home),
        "HOLDFAST_DATABASE_URL": url,
        "HOLDFAST_ENV": "drill",
        "HOLDFAST_LOG_LEVEL": "WARNING",
    }


class Wanted(msgspec.Struct, frozen=True):
    """What to start: a command, the database it works on, how many processes."""

    arguments: list[str]
    ground: Ground
    processes: int = 1


@contextmanager
def serving(wanted: dict[str, Wanted]) -> Iterator[dict[str, Server]]:
    """App processes that answer, by name; each process has its own port, as behind a balancer."""
    with ExitStack() as stack:
        started: dict[str, list[tuple[int, subprocess.Popen[bytes]]]] = {}
        for name, one in wanted.items():
            for _ in range(one.processes):
                port = free_port()
                process = subprocess.Popen(
                    [sys.executable, *one.arguments, str(port)],
                    env=environment(one.ground.url, one.ground.home), cwd=CHECKOUT, stdout=sys.stderr,
                )  # fmt: skip
                stack.callback(_end, process)
                started.setdefault(name, []).append((port, process))
        for pairs in started.values():
            for port, process in pairs:
                _wait_until_ready(process, port)
        yield {
            name: Server([port for port, _ in pairs], [process.pid for _, process in pairs])
            for name, pairs in started.items()
        }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the app process ended with {process.returncode} while starting")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    raise RuntimeError(f"the app process did not answer within {START_S} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(8)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
