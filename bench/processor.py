"""Processor time of processes and their children, from /proc: who is the bottleneck."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

PROCESSORS = os.cpu_count() or 1
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def spent_s(pids: list[int]) -> float:
    """What these processes and all their living descendants have used so far, user and system."""
    total, waiting = 0.0, list(pids)
    while waiting:
        pid = waiting.pop()
        with suppress(OSError):
            folder = Path("/proc") / str(pid)
            fields = folder.joinpath("stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) * TICK_S
            waiting += map(int, folder.joinpath(f"task/{pid}/children").read_text().split())
    return total


def busy_s() -> float:
    """What the whole machine has used so far, by whomever, also by its neighbours on the same host."""
    user, nice, system, _idle, _waiting, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) * TICK_S
