"""The rig: a real installation of its own, whose processes and database are killed at a named point and come back.

Three ways to die at a point: the ``process`` that stands there gets SIGKILL; the ``database`` gets it while the process
stands there and lives on; ``both`` get it. Whatever died is started again as a supervisor would, without faults.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import httpx2

from holdfast.drills import Instance
from holdfast.kit import crypto
from holdfast.kit.problems import Unavailable

Victim = Literal["process", "database", "both"]
VICTIMS: tuple[Victim, ...] = ("process", "database", "both")
PROCESSES = ("site", "worker")
STANDS_S = 1.5


class Rig:
    """One installation for many cases; the test's own process shares its secrets and its database."""

    def __init__(self) -> None:
        self.instance = Instance(
            demo=False,
            settings={
                "HOLDFAST_SECRETS": json.dumps(crypto._secrets()),
                "HOLDFAST_POOL_SIZE": "10",
                "HOLDFAST_LOG_LEVEL": "WARNING",
            },
        )
        self.instance.start()
        self.http = httpx2.Client(base_url=self.instance.simulator_url, trust_env=False, timeout=10)
        """The simulator, as `books` asks it."""

    @property
    def url(self) -> str:
        return self.instance.url

    def close(self) -> None:
        self.http.close()
        self.instance.__exit__(None, None, None)

    def arm(self, point: str, victim: Victim, nth: int = 1) -> None:
        """Starts site and worker anew; each meets the fault when it stands at the point for the n-th time."""
        for name in PROCESSES:
            self.instance.kill(name)
            self.mark(name).unlink(missing_ok=True)
        actions = {
            name: {"process": "kill", "database": f"sleep:{STANDS_S}", "both": f"hold:{self.mark(name)}"}[victim]
            for name in PROCESSES
        }
        self.instance.start(faults={name: f"{point}={action}@{nth}" for name, action in actions.items()})

    def mark(self, name: str) -> Path:
        """The file that a held process writes."""
        return self.instance.home / f"{name}.mark"

    async def strike(self, victim: Victim, stop: asyncio.Event) -> list[str]:
        """Kills and revives, until `stop`; the names of the processes that stood at the point."""
        struck: list[str] = []
        while not stop.is_set():
            for name in PROCESSES:
                if victim == "process" and not self.instance.alive(name):
                    struck.append(name)
                    self.instance.start_process(name)
                elif victim == "both" and self.mark(name).exists():
                    struck.append(name)
                    await asyncio.to_thread(self._kill_both, name)
                elif victim == "database" and name not in struck and self._stands(name):
                    struck.append(name)
                    await asyncio.to_thread(self.instance.kill_database)
            await asyncio.sleep(0.02)
        return struck

    def _kill_both(self, name: Any) -> None:
        self.instance.kill_database()
        self.instance.kill(name)
        self.mark(name).unlink()
        self.instance.start()

    def _stands(self, name: Any) -> bool:
        """Whether the process sleeps in the kernel's timer rather than waiting for work: only a fault point does that."""
        running = self.instance._running[name]
        return "nanosleep" in Path(f"/proc/{running.pid}/wchan").read_text()


async def patiently(ask: Callable[[], Awaitable[Any]], *, timeout_s: float = 30) -> Any:
    """What a command answers as soon as the database is back."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        try:
            return await ask()
        except Unavailable:
            assert asyncio.get_running_loop().time() < deadline, "the database does not come back"
            await asyncio.sleep(0.1)
