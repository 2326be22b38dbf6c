"""Bookings per second: a transaction each, group commit, and the limit of bare SQL, in one run, each figure checked.

What is measured, through HTTP, on one hot slot and spread over 1,000 slots:

* singly         the product's web layer with a plain transaction per booking (`bench/singly.py`)
* one process    the product as it is: group commit, one app process; and two processes
* limit          the product's SQL function called with ready batches of 256, no HTTP, no validation (`bench/limit.py`)
* full           the hot slot again with 1,000,000 orders in the database, alternating with an empty one

A booking is one line for one or two people with unique documents, its event and its remembered reply. Configurations
take turns in short rounds, medians count. After each measurement every invariant is asked and what the client was told
is compared with what is written; a measurement that fails its check does not count and fails the bench.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime

import msgspec
import psycopg

from holdfast.kit import embedded

from . import audit, ground, limit, load, report, servers
from .ground import Ground
from .report import Figure
from .servers import Server

WARM_UP_S = 0.5
LOAD_TIMEOUT_S = 60


class Configuration(msgspec.Struct, frozen=True):
    """Who serves, on which slots, to how many connections (or SQL clients)."""

    strategy: str
    slots: str
    connections: int
    rounds: int = 3

    @property
    def name(self) -> str:
        return f"{self.strategy}_{self.slots}_{self.connections}"

    @property
    def title(self) -> str:
        who = {
            "singly": "a transaction each",
            "one_process": "group commit, one process",
            "two_processes": "group commit, two processes",
            "limit": "bare SQL in batches",
            "empty": "group commit, empty order book",
            "full": "group commit, full order book",
        }[self.strategy]
        where = "hot slot" if self.slots == "hot" else "1,000 slots"
        return f"{who}, {where}, {self.connections} {'clients' if self.strategy == 'limit' else 'conn.'}"


PLAN = (
    Configuration("singly", "hot", 1),
    Configuration("one_process", "hot", 1),
    Configuration("limit", "hot", 1),
    *(Configuration(strategy, "hot", 64) for strategy in ("singly", "one_process", "two_processes")),
    Configuration("limit", "hot", 2),
    *(Configuration(strategy, "hot", 256) for strategy in ("two_processes", "one_process", "singly")),
    Configuration("limit", "hot", 4),
    *(Configuration("limit", "spread", clients, 1) for clients in (1, 2, 4)),
    Configuration("singly", "spread", 64, 2),
    *(Configuration("one_process", "spread", connections) for connections in (64, 256)),
    *(Configuration("two_processes", "spread", connections) for connections in (256, 64)),
    Configuration("singly", "spread", 256, 2),
)
LATER = (Configuration("empty", "hot", 64), Configuration("full", "hot", 64))


class Bench:
    """A run: the ground, the servers, and the figures so far."""

    def __init__(self, seconds: float, quiet: bool) -> None:
        self.seconds, self.quiet = seconds, quiet
        self.figures: dict[str, list[Figure]] = {}
        self.measurement = 0
        self.grounds: dict[str, Ground] = {}
        self.servers: dict[str, Server] = {}
        self.postgres: list[int] = []
        self.accounts: list[object] = []

    def say(self, words: str) -> None:
        if not self.quiet:
            sys.stderr.write(words + "\n")
            sys.stderr.flush()

    def measure(self, configuration: Configuration) -> None:
        """One round of one configuration, and its check."""
        on = self.grounds["full" if configuration.strategy == "full" else "empty"]
        ground.wipe(on)
        self.measurement += 1
        since = datetime.now(UTC).isoformat()
        found = self._limit(configuration, on) if configuration.strategy == "limit" else self._http(configuration, on)
        figure = Figure(found, audit.audit(on, found, since))
        self.figures.setdefault(configuration.name, []).append(figure)
        verdict = "checked" if figure.audit.passed else f"CHECK FAILED {msgspec.to_builtins(figure.audit)}"
        self.say(f"{configuration.title:46} {figure.per_s:10,.0f}/s  {verdict}")

    def _http(self, configuration: Configuration, on: Ground) -> load.Load:
        server = self.servers[configuration.strategy]
        wish = load.Wish(
            ports=server.ports, connections=configuration.connections, seconds=self.seconds,
            warm_up_s=min(WARM_UP_S, self.seconds / 5), measurement=self.measurement, slots=on.slots(configuration.slots),
            app_pids=server.pids, postgres_pids=self.postgres,
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"], input=msgspec.json.encode(wish), stdout=subprocess.PIPE, check=True,
            cwd=servers.CHECKOUT, timeout=LOAD_TIMEOUT_S + self.seconds,
        )  # fmt: skip
        return msgspec.json.decode(done.stdout, type=load.Load)

    def _limit(self, configuration: Configuration, on: Ground) -> load.Load:
        """Several clients that begin together; their sum, over the time from the first begin to the last end."""
        with psycopg.connect(on.url) as connection:
            accounts = [row[0] for row in connection.execute("select id from accounts.accounts order by id")]
        clients = []
        try:
            for client in range(configuration.connections):
                wish = limit.Wish(
                    url=on.url, accounts=accounts, slots=on.slots(configuration.slots), measurement=self.measurement,
                    client=client, clients=configuration.connections, seconds=self.seconds,
                    postgres_pids=self.postgres if client == 0 else [],
                )  # fmt: skip
                process = subprocess.Popen(
                    [sys.executable, "-m", "bench.limit"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    cwd=servers.CHECKOUT, env=servers.environment(on.url, on.home),
                )  # fmt: skip
                clients.append(process)
                assert process.stdin
                process.stdin.write(msgspec.json.encode(wish) + b"\n")
                process.stdin.flush()
            for process in clients:
                assert process.stdout
                if process.stdout.readline() != b"ready\n":
                    raise RuntimeError("a client of the SQL limit did not get ready")
            for process in clients:
                assert process.stdin
                process.stdin.write(b"go\n")
                process.stdin.flush()
            loads = [
                msgspec.json.decode(process.communicate(timeout=LOAD_TIMEOUT_S)[0], type=load.Load)
                for process in clients
            ]
        finally:
            for process in clients:
                process.kill()
                process.wait()
        began = min(one.began for one in loads)
        statuses: dict[str, int] = {}
        for one in loads:
            for status, count in one.statuses.items():
                statuses[status] = statuses.get(status, 0) + count
        return load.Load(
            counted=sum(one.counted for one in loads),
            elapsed_s=max(one.began + one.elapsed_s for one in loads) - began,
            cpu_s=sum(one.cpu_s for one in loads),
            postgres_cpu_s=loads[0].postgres_cpu_s,
            others_cpu_s=max(0.0, loads[0].others_cpu_s - sum(one.cpu_s for one in loads)),
            sent=sum(one.sent for one in loads),
            travellers=sum(one.travellers for one in loads),
            statuses=statuses,
            numbers=[number for one in loads for number in one.numbers],
            refusal=next((one.refusal for one in loads if one.refusal), ""),
        )


def run(given: argparse.Namespace) -> Bench:
    """Sets up, measures in rounds, tears down."""
    bench = Bench(given.seconds, given.json)
    plan = [one for one in PLAN if not given.only or one.name in given.only]
    later = [one for one in LATER if given.orders and (not given.only or one.name in given.only)]
    strategies = {one.strategy for one in (*plan, *later)}
    with ExitStack() as stack:
        url, home = stack.enter_context(ground.server())
        running = embedded.status(home)
        assert running
        bench.postgres = [running.pid]
        bench.grounds["empty"] = ground.prepare(url, home, "bench_empty")

        empty = bench.grounds["empty"]
        wanted = {
            "singly": servers.Wanted(servers.SINGLY, empty),
            "one_process": servers.Wanted(servers.PRODUCT, empty),
            "two_processes": servers.Wanted(servers.PRODUCT, empty, 2),
        }
        bench.servers |= stack.enter_context(servers.serving({one: wanted[one] for one in wanted if one in strategies}))
        _rounds(bench, plan, given.rounds)
        if later:
            began = time.monotonic()
            bench.grounds["full"] = ground.prepare(url, home, "bench_full", orders=given.orders)
            bench.say(f"{given.orders:,} orders written in {time.monotonic() - began:.0f} s")
            wanted = {one: servers.Wanted(servers.PRODUCT, bench.grounds[one]) for one in ("empty", "full")}
            bench.servers |= stack.enter_context(servers.serving(wanted))
            _rounds(bench, later, given.rounds)
    return bench


def _rounds(bench: Bench, plan: list[Configuration], rounds: int) -> None:
    """Configurations that are compared stand side by side, in every other round the other way about (A B, B A)."""
    for number in range(rounds):
        turn = [one for one in plan if number < one.rounds]
        for configuration in reversed(turn) if number % 2 else turn:
            bench.measure(configuration)


def main(argv: list[str]) -> int:
    """Runs the bench; 0 when every check held and every goal that was measured is met."""
    parser = argparse.ArgumentParser(prog="holdfast bench booking", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="how long one measurement takes (default 3)")
    parser.add_argument("--rounds", type=int, default=0, help="how often (default 3; 1 when shorter than 2 seconds)")
    parser.add_argument(
        "--orders", "--size", type=int, default=1_000_000, help="orders of the full order book; 0: leave it out"
    )
    parser.add_argument(
        "--only", action="append", choices=[one.name for one in (*PLAN, *LATER)], help="this configuration alone"
    )
    parser.add_argument("--json", action="store_true", help="print nothing but the figures")
    given = parser.parse_args(argv)
    given.rounds = given.rounds or (3 if given.seconds >= 2 else 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up after ourselves also then
    began = time.monotonic()
    bench = run(given)
    named = {one.name: one.title for one in (*PLAN, *LATER)}
    medians = {name: report.middle(bench.figures[name]) for name in named if name in bench.figures}
    reached = report.goals(medians)
    good = all(figure.audit.passed for figures in bench.figures.values() for figure in figures)
    passed = good and all(goal.met for goal in reached)
    numbers = report.flat(medians, reached, bench.figures) | {"elapsed_s": round(time.monotonic() - began, 1)}
    if given.json:
        sys.stdout.write(msgspec.json.encode({"name": "booking", "passed": passed, "figures": numbers}).decode() + "\n")
    else:
        checked = f"{numbers['measurements_checked_good']:.0f} of {numbers['measurements']:.0f} measurements passed their check"
        print(f"\n{report.table(medians, named)}\n\n{report.verdicts(reached)}\n\n{checked}: {numbers['acknowledged']:,.0f} "
              f"bookings acknowledged, {numbers['missing']:.0f} missing, {numbers['twice']:.0f} twice; {numbers['invariants']:.0f} "
              f"invariants asked after each, {numbers['broken']:.0f} broken; "
              f"{numbers['elapsed_s']:.0f} s in all")  # fmt: skip
    return 0 if passed else 1
