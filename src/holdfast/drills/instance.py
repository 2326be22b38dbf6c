"""A throw-away installation: its own home, PostgreSQL, simulator, worker and site, all real processes on loopback.

with Instance() as here:
    here.start()
    ... requests to here.url ...
    here.kill("site"); here.kill_database(); here.start()
"""

from __future__ import annotations

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

    def __init__(self, *, workers: int = 1, settings: dict[str, str] | None = None, demo: bool = True) -> None:
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
        self._demo = demo
        self._furnished = False
        self.database_url = ""

    def __enter__(self) -> Instance:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._running):
            self.kill(name)
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
