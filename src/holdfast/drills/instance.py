"""A throw-away installation: its own home, PostgreSQL, simulator, worker and site, all real processes on loopback.

with Instance() as here:
    here.start()
    ... requests to here.url ...
    here.kill("site"); here.kill_database(); here.start()
    here.advance(36 * 3600)  # for the simulator at once, for all others from their next start
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal

from holdfast.kit import embedded

Process = Literal["simulator", "worker", "site"]
PATIENCE_S = 60.0


class Instance:
    """Processes and files under one temporary home; everything is gone after the ``with`` block."""

    def __init__(
        self, *, workers: int = 1, settings: dict[str, str] | None = None, demo: bool = True, keep: bool = False
    ) -> None:
        """`keep`: the home stays when all is over, with its database stopped."""
        self.home = Path(tempfile.mkdtemp(prefix="holdfast-instance-"))
        self.home.chmod(0o755)
        port, simulator_port = _free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self.simulator_url = f"http://127.0.0.1:{simulator_port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")},
            "HOLDFAST_HOME": str(self.home),
            "HOLDFAST_ENV": "drill",
            "HOLDFAST_BASE_URL": self.url,
            "HOLDFAST_SIMULATOR_URL": self.simulator_url,
            **(settings or {}),
        }
        self._commands: dict[Process, list[str]] = {
            "simulator": ["holdfast.payments.simulator", "--port", str(simulator_port)],
            "worker": ["holdfast", "worker"],
            "site": ["holdfast", "serve", "--port", str(port), "--workers", str(workers)],
        }
        self._running: dict[Process, subprocess.Popen[bytes]] = {}
        self._demo, self._keep = demo, keep
        self._furnished = False
        self.database_url = ""
        self.clock_offset_s = 0.0
        """How far the clocks were moved by `advance`."""

    def __enter__(self) -> Instance:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._running):
            self.kill(name)
        if self._keep:
            embedded.stop(self.home)
            return
        embedded.kill(self.home)
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self, *, faults: dict[Process, str] | None = None) -> None:
        """Starts what does not run, with armed fault points if asked, and waits until the site can do its work."""
        self.database_url = embedded.start(self.home)
        if not self._furnished:
            self.command("migrate")
            if self._demo:
                self.command("catalogue", "import")
            self._furnished = True
        for name in self._commands:
            self.start_process(name, (faults or {}).get(name, ""))
        self._wait("simulator", f"{self.simulator_url}/_sim/config")
        self._wait("site", f"{self.url}/readyz")

    def start_process(self, name: Process, faults: str = "") -> None:
        """Starts one process if it does not run. Its output goes to ``<name>.log`` in the home."""
        running = self._running.get(name)
        if running is not None and running.poll() is None:
            return
        with (self.home / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *self._commands[name]],
                env={**self.environment, "HOLDFAST_FAULTS": faults},
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def command(self, *arguments: str) -> str:
        """Runs a ``holdfast`` command here; its output. CalledProcessError when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "holdfast", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, arguments, done.stdout, done.stderr)
        return done.stdout

    def restart(self, name: Process) -> None:
        """Asks a process to end, as an update does, and starts it again; the site is waited for."""
        process = self._running.get(name)
        if process is not None and process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
        self.kill(name)
        self.start_process(name)
        if name == "site":
            self._wait("site", f"{self.url}/readyz")

    def advance(self, seconds: float) -> None:
        """Moves the clocks: the simulator's now, those of commands and of the other processes from their next start."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.simulator_url}/_sim/clock", json.dumps({"advance_s": seconds}).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            answer.read()
        self.clock_offset_s += seconds
        self.environment["HOLDFAST_CLOCK_OFFSET_S"] = str(self.clock_offset_s)

    def kill(self, name: Process) -> None:
        """kill -9 of a process and its children."""
        process = self._running.pop(name, None)
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_database(self) -> None:
        """kill -9 of PostgreSQL, all of it."""
        embedded.kill(self.home)

    def alive(self, name: Process) -> bool:
        """Whether a process runs."""
        process = self._running.get(name)
        return process is not None and process.poll() is None

    def log(self, name: Process) -> str:
        """What a process has said."""
        path = self.home / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _wait(self, name: Process, url: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if not self.alive(name):
                raise RuntimeError(f"{name} ended while starting:\n{self.log(name)[-4000:]}")
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(f"{name} does not answer at {url}:\n{self.log(name)[-4000:]}")


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
