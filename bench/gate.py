"""Checks and admissions a second at a busy gate against one SQL round trip, and what loading the list of a full day takes.

A venue with forty thousand tickets of today, in an order book of many more. A check is what a gate asks of a ticket that
is refused: one statement that only reads. An admission is one statement that writes and commits durably. Beside each
stands the bare round trip of its kind, measured in turns with it: a statement that reads one row, and one that writes one.
Afterwards every admission must be there exactly once and every invariant hold.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from typing import Any

import msgspec
import psycopg

from holdfast import orders, passes
from holdfast.kit import actor, checks, clock, crypto
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.orders.attendance_model import Scan
from holdfast.orders.tickets import PREFIX, Admission, key_id

from . import audit, ground

BENCH = actor.system("bench")
ORDERS, TODAY = 200_000, 40_000
ROUNDS = 3
CLIENTS = (1, 8)
WANTED_CHECK, WANTED_ADMISSION, WANTED_LIST_S = 0.1, 0.1, 5.0
"""A check and an admission against the round trip of their kind; the whole list of a day in seconds."""


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _codes(url: str) -> list[str]:
    """Signed codes of the tickets of today, as `orders.tickets` makes them."""
    key = crypto.ticket_key()
    name = key_id(crypto.public_bytes(key.public_key()))
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            """select o.number, extract(epoch from s.starts_at)::bigint, extract(epoch from s.ends_at)::bigint,
                      substring(t.document_index for 6)
                 from inventory.slots s join orders.lines l on l.slot_id = s.id join orders.orders o on o.id = l.order_id
                 join orders.travellers t on t.order_id = o.id where s.starts_at < now() order by o.number"""
        ).fetchall()
    found = []
    for number, starts, ends, tag in rows:
        content = msgspec.msgpack.encode(Admission(name, number, 1, 1, ground.VENUE, starts, ends, bytes(tag)))
        found.append(f"{PREFIX}.{_text(content)}.{_text(key.sign(content))}")
    return found


def _today(url: str, size: int) -> None:
    """So many of the orders are for slots that have begun and are not over."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """with counted as (select l.slot_id, count(*) as n from orders.lines l group by l.slot_id),
                    chosen as (select slot_id from (select slot_id, sum(n) over (order by slot_id) - n as before from counted) c
                                where before < %s)
               update inventory.slots s set starts_at = now() - interval '1 hour', ends_at = now() + interval '5 hours',
                      visit_date = ((now() - interval '1 hour') at time zone 'Asia/Shanghai')::date, code = s.id::text, capacity = 500000,
                      sale_closes_at = now() + interval '5 hours' from chosen where s.id = chosen.slot_id""",
            [size],
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "create table public.bench_writes (id bigint generated always as identity primary key, n int)"
        )
        connection.execute("vacuum analyze")


async def _read_one(tx: ReadTx) -> None:
    await tx.value("select 1")


async def _write_one(tx: Tx) -> None:
    await tx.execute("insert into public.bench_writes (n) values (1)")


async def _rate(act: Callable[[], Awaitable[object]], clients: int, seconds: float) -> tuple[float, float]:
    """How often a second so many clients get it done, and the 99th percentile of one in milliseconds."""
    taken: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        while (began := time.perf_counter()) < end:
            await act()
            taken.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    elapsed = time.perf_counter() - began
    return len(taken) / elapsed, sorted(taken)[int(len(taken) * 0.99)] * 1000


async def _turns(db: Db, device: Any, other: Any, codes: Iterator[str], seconds: float) -> dict[str, Any]:
    """The four kinds in turns, for each number of clients; medians of the rounds."""
    counters = itertools.count(1)
    used = next(codes)

    async def check() -> None:
        [answer] = await db.run_one(orders.attendance.admit, other, [Scan(next(counters), code=used)])
        assert answer.verdict == "used", answer

    async def admission() -> None:
        [answer] = await db.run_one(orders.attendance.admit, device, [Scan(next(counters), code=next(codes))])
        assert answer.verdict == "valid", answer

    async def read() -> None:
        await db.run_one(_read_one)

    async def write() -> None:
        await db.run_one(_write_one)

    await db.run_one(orders.attendance.admit, device, [Scan(next(counters), code=used)])
    figures: dict[str, Any] = {}
    for clients in CLIENTS:
        rounds: dict[str, list[tuple[float, float]]] = {"read": [], "check": [], "write": [], "admission": []}
        for _ in range(ROUNDS):
            for name, act in (("read", read), ("check", check), ("write", write), ("admission", admission)):
                rounds[name].append(await _rate(act, clients, seconds))
        for name, found in rounds.items():
            figures[f"{name}_{clients}_per_s"] = round(median(rate for rate, _ in found), 1)
            figures[f"{name}_{clients}_p99_ms"] = round(median(p99 for _, p99 in found), 2)
    return figures


async def _lists(db: Db) -> dict[str, Any]:
    """The whole list, and what is new in it a moment later."""

    async def load(since: Any) -> tuple[float, Any]:
        began = time.perf_counter()
        async with db.reading() as tx:
            found = await orders.attendance.gate_list(tx, ground.VENUE, since)
        return time.perf_counter() - began, found

    whole_s, found = await load(None)
    delta_s, _ = await load(clock.now())
    size = len(msgspec.json.encode(found.orders))
    return {
        "list_s": round(whole_s, 2), "list_orders": len(found.orders), "list_bytes": size, "delta_s": round(delta_s, 3),
    }  # fmt: skip


async def _audit(db: Db) -> dict[str, Any]:
    asked = await checks.run_all(db)
    for one in asked:
        if not one.holds:
            sys.stderr.write(f"broken: {one.sentence}: {one.offenders[:2]}\n")
    return {"invariants": len(asked), "broken": sum(not one.holds for one in asked)}


async def _measure(url: str, codes: list[str], seconds: float) -> dict[str, Any]:
    db = await Db(url, size=max(CLIENTS) + 2).open()
    try:
        devices = []
        for name in ("north", "south"):
            made = await db.run(passes.devices.make, BENCH, ground.VENUE, name)
            devices.append((await db.run(passes.devices.enrol, made.code, "bench")).device_id)
        line = iter(codes)
        figures = await _turns(db, devices[0], devices[1], line, seconds)
        figures["admitted"] = len(codes) - len(list(line))
        figures |= await _lists(db)
        figures |= await _audit(db)
        figures["written"] = await db.read(_written)
    finally:
        await db.close()
    return figures


async def _written(tx: ReadTx) -> int:
    return int(
        await tx.value(
            "select count(distinct (order_number, line_seq, traveller_seq)) from passes.admissions where counts"
        )
    )


def _judge(figures: dict[str, Any]) -> bool:
    """Adds the ratios; whether every goal is met and every check held."""
    most = CLIENTS[-1]
    figures["check_to_read"] = round(figures[f"check_{most}_per_s"] / figures[f"read_{most}_per_s"], 3)
    figures["admission_to_write"] = round(figures[f"admission_{most}_per_s"] / figures[f"write_{most}_per_s"], 3)
    figures["check_wanted"], figures["admission_wanted"] = WANTED_CHECK, WANTED_ADMISSION
    return (
        figures["check_to_read"] >= WANTED_CHECK
        and figures["admission_to_write"] >= WANTED_ADMISSION
        and figures["list_s"] <= WANTED_LIST_S
        and figures["written"] == figures["admitted"]
        and not figures["broken"]
    )


def main(argv: list[str]) -> int:
    """Runs the bench; 0 when every check held and the goals are met."""
    parser = argparse.ArgumentParser(prog="holdfast bench gate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=ORDERS, help=f"orders in the book (default {ORDERS:,})")
    parser.add_argument("--seconds", type=float, default=1.5, help="seconds of each turn (default 1.5)")
    parser.add_argument("--json", action="store_true", help="print nothing but the figures")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up after ourselves also then
    began = time.monotonic()
    audit.load_checks()
    with ground.server() as (server, home):
        made = ground.prepare(server, home, "gate", orders=given.size)
        _today(made.url, min(TODAY, given.size))
        figures = asyncio.run(_measure(made.url, _codes(made.url), given.seconds))
    passed = _judge(figures)
    figures["elapsed_s"] = round(time.monotonic() - began, 1)
    if given.json:
        sys.stdout.write(msgspec.json.encode({"name": "gate", "passed": passed, "figures": figures}).decode() + "\n")
        return 0 if passed else 1
    for clients in CLIENTS:
        for name in ("read", "check", "write", "admission"):
            rate, p99 = figures[f"{name}_{clients}_per_s"], figures[f"{name}_{clients}_p99_ms"]
            print(f"{clients} at once: {name:10} {rate:9,.0f}/s   p99 {p99:7.2f} ms")
    print(
        f"\na check is {figures['check_to_read']:.2f} of a bare read (wanted {WANTED_CHECK}), an admission {figures['admission_to_write']:.2f} of a "
        f"bare write (wanted {WANTED_ADMISSION})\nthe list of {figures['list_orders']:,} orders: {figures['list_s']:.2f} s, "
        f"{figures['list_bytes'] / 1e6:.1f} MB; what is new in it: {figures['delta_s']:.3f} s\n"
        f"{figures['written']:,} of {figures['admitted']:,} admissions written once, {figures['broken']} of {figures['invariants']} invariants "
        f"broken; {figures['elapsed_s']:.0f} s in all"
    )
    return 0 if passed else 1
