"""Availability of a month, for one venue and for a city, while bookings come in: against one SQL round trip, and over HTTP.

A city of forty venues with six times of entry a day, and the venue in which everybody books, with a hundred. What is measured,
in turns, first at rest and then while the product takes bookings over HTTP as fast as it can on sixteen connections:

* trip    the bare round trip: a statement that reads one row
* month   the calendar of a month of one venue, every venue in turn (`inventory.availability.month`)
* hot     the same of the venue in which everybody books
* city    the calendars of all venues of the city together, in one statement (`inventory.availability.outlook`)
* page    the calendar of a month over HTTP, from the app process that takes the bookings

After it what the client was told of its bookings is compared with what is written, every invariant is asked, and the places
left that the calendars show are added up again from the slots.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

import msgspec
import psycopg

from holdfast import inventory
from holdfast.kit import clock, embedded
from holdfast.kit.db import Db, ReadTx

from . import audit, ground, load, servers
from .ground import Ground

ORDERS = 200_000
VENUES, SLOTS_A_DAY, DAYS = 40, 6, 62
CLIENTS = 8
BOOKERS = 16
ROUNDS = 3
KINDS = ("trip", "month", "hot", "city", "page")
WANTED_MONTH, WANTED_CITY = 0.05, 0.8
"""The rate of calendars against that of bare round trips; and how many venues a second the city's one statement gives against
asking venue by venue. At rest, so that load is no excuse."""
WANTED_PAGE_P99_MS = 250.0
"""Of a calendar over HTTP while bookings come in."""


def _city(url: str) -> list[str]:
    """Forty more venues in the city, with slots on sale for two months; a third of them sold out."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """insert into catalogue.venues (id, name, city, kind, updated_at)
               select 'city-' || n, jsonb_build_object('zh', '场馆' || n, 'en', 'Venue ' || n), '{"zh": "北京", "en": "Beijing"}', 'museum', now()
               from generate_series(1, %s) n""",
            [VENUES],
        )
        connection.execute(
            """insert into catalogue.openings (venue_id, season, from_day, to_day, opens, closes, last_entry)
               select id, 'year', '01-01', '12-31', '08:00', '20:00', '20:00' from catalogue.venues where id like 'city-%'"""
        )
        connection.execute(
            """insert into catalogue.products (id, venue_id, name, documents, max_per_order, updated_at)
               select id || '-entry', id, '{"zh": "门票", "en": "Ticket"}', '{passport}', 5, now() from catalogue.venues where id like 'city-%'"""
        )
        connection.execute(
            """insert into catalogue.timeslots (product_id, code, starts, ends, share_bp, capacity)
               select p.id, 'c' || n, time '08:00' + n * interval '2 hours', time '10:00' + n * interval '2 hours', 10000 / %s, 1000
               from catalogue.products p cross join generate_series(0, %s - 1) n where p.venue_id like 'city-%%'""",
            [SLOTS_A_DAY, SLOTS_A_DAY],
        )
        connection.execute(
            """insert into catalogue.prices (id, product_id, ticket, name, amount_minor)
               select id || '-adult', id, 'adult', '{"zh": "成人", "en": "Adult"}', 4000 from catalogue.products where venue_id like 'city-%'"""
        )
        connection.execute(
            """insert into inventory.slots (id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at, sale_closes_at, capacity)
               select gen_random_uuid(), p.id, p.venue_id, current_date + d, 'c' || n, m.opens, m.opens + interval '2 hours', now() - interval '1 day',
                      m.opens + interval '2 hours', case when (d + n) %% 3 = 0 then 0 else 1000 end
               from catalogue.products p cross join generate_series(1, %s) d cross join generate_series(0, %s - 1) n
               cross join lateral (select (current_date + d + time '08:00' + n * interval '2 hours') at time zone 'Asia/Shanghai') m (opens)
               where p.venue_id like 'city-%%'""",
            [DAYS, SLOTS_A_DAY],
        )
        found = connection.execute("select id from catalogue.venues where id like 'city-%' order by id").fetchall()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")
    return [row[0] for row in found]


async def _read_one(tx: ReadTx) -> None:
    await tx.value("select 1")


class Page:
    """Keep-alive connections that ask for one calendar after another."""

    def __init__(self, port: int, venues: list[str], month: str) -> None:
        self.port, self.month = port, month
        self.venues = itertools.cycle(venues)
        self.free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __call__(self) -> None:
        reader, writer = self.free.pop() if self.free else await asyncio.open_connection("127.0.0.1", self.port)
        path = f"/api/v1/venues/{next(self.venues)}/calendar?month={self.month}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        found = load.LENGTH(head)
        assert found, head
        await reader.readexactly(int(found[1]))
        self.free.append((reader, writer))

    def close(self) -> None:
        for _reader, writer in self.free:
            writer.close()


async def _rate(act: Callable[[], Awaitable[object]], seconds: float) -> tuple[float, float]:
    """How often a second the clients get it done together, and the 99th percentile of one in milliseconds."""
    taken: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        while (began := time.perf_counter()) < end:
            await act()
            taken.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return len(taken) / (time.perf_counter() - began), sorted(taken)[int(len(taken) * 0.99)] * 1000


async def _turns(db: Db, venues: list[str], port: int, seconds: float, name: str) -> dict[str, Any]:
    """Every kind in turns; medians of the rounds."""
    today = clock.now().date() + timedelta(days=1)
    whole = (today.replace(day=1) + timedelta(days=31)).replace(day=1)  # the next month: all of its days are to come
    turn = itertools.cycle(venues)
    page = Page(port, venues, f"{whole:%Y-%m}")

    async def trip() -> None:
        await db.read(_read_one)

    async def month() -> None:
        await db.read(inventory.availability.month, next(turn), whole)

    async def hot() -> None:
        await db.read(inventory.availability.month, ground.VENUE, whole)

    async def city() -> None:
        await db.read(inventory.availability.outlook, venues, whole, 31)

    acts = {"trip": trip, "month": month, "hot": hot, "city": city, "page": page}
    rounds: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for _ in range(ROUNDS):
        for kind in KINDS:
            rounds[kind].append(await _rate(acts[kind], seconds))
    page.close()
    figures = {f"{name}_{kind}_per_s": round(median(rate for rate, _ in found), 1) for kind, found in rounds.items()}
    return figures | {
        f"{name}_{kind}_p99_ms": round(median(p99 for _, p99 in found), 2) for kind, found in rounds.items()
    }


async def _measure(on: Ground, venues: list[str], port: int, seconds: float, name: str) -> dict[str, Any]:
    db = await Db(on.url, size=CLIENTS + 1).open()
    try:
        figures = await _turns(db, venues, port, seconds, name)
        figures[f"{name}_wrong_days"] = await _wrong_days(db, [*venues, ground.VENUE]) if name == "rest" else 0
    finally:
        await db.close()
    return figures


async def _wrong_days(db: Db, venues: list[str]) -> int:
    """Days whose places left are not the sum over their slots. Asked while nobody books."""
    today = clock.now().date() + timedelta(days=1)
    shown = await db.read(inventory.availability.outlook, venues, today, 31)
    counted = await db.read(_counted, today)
    return sum(
        day.places_left != counted.get((venue_id, day.date), 0) for venue_id, days in shown.items() for day in days
    )


async def _counted(tx: ReadTx, today: date) -> dict[tuple[str, date], int]:
    rows = await tx.tuples(
        """select venue_id, visit_date, sum(capacity - taken - set_aside)::int from inventory.slots
           where visit_date between %(day)s and %(day)s + 30 group by 1, 2""",
        day=today,
    )
    return {(venue_id, day): places for venue_id, day, places in rows}


def _book(on: Ground, server: servers.Server, seconds: float) -> subprocess.Popen[bytes]:
    """The booking load, until it is over."""
    wish = load.Wish(
        ports=server.ports, connections=BOOKERS, seconds=seconds, warm_up_s=0.5, measurement=1, slots=on.slots("spread"),
        app_pids=server.pids,
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=servers.CHECKOUT
    )
    assert process.stdin
    process.stdin.write(msgspec.json.encode(wish))
    process.stdin.close()
    return process


def run(size: int, seconds: float) -> dict[str, Any]:
    """At rest, then under load, then the audit."""
    with ExitStack() as stack:
        url, home = stack.enter_context(ground.server())
        assert embedded.status(home)
        on = ground.prepare(url, home, "availability", orders=size)
        venues = _city(on.url)
        server = stack.enter_context(servers.serving({"product": servers.Wanted(servers.PRODUCT, on)}))["product"]
        figures = asyncio.run(_measure(on, venues, server.ports[0], seconds, "rest"))
        since = datetime.now(UTC).isoformat()
        process = _book(on, server, seconds * len(KINDS) * ROUNDS)
        stack.callback(process.wait)
        stack.callback(process.kill)
        time.sleep(1.0)
        figures |= asyncio.run(_measure(on, venues, server.ports[0], seconds, "load"))
        assert process.stdout
        booked = msgspec.json.decode(process.stdout.read(), type=load.Load)
        found = audit.audit(on, booked, since)
    return figures | {
        "bookings_per_s": round(booked.counted / booked.elapsed_s, 1) if booked.elapsed_s else 0.0,
        "acknowledged": found.acknowledged, "written": found.written, "missing": found.missing, "twice": found.twice,
        "refused": found.refused, "lost": found.lost, "invariants": found.invariants, "broken": found.broken,
        "checked": int(found.passed),
    }  # fmt: skip


def _judge(figures: dict[str, Any]) -> bool:
    """Adds the ratios; whether every goal is met and every check held."""
    for kind in ("month", "hot", "city"):
        figures[f"{kind}_to_trip"] = round(figures[f"rest_{kind}_per_s"] / figures["rest_trip_per_s"], 4)
    figures["city_to_months"] = round(figures["rest_city_per_s"] * VENUES / figures["rest_month_per_s"], 3)
    figures["month_wanted"], figures["city_wanted"] = WANTED_MONTH, WANTED_CITY
    figures["page_p99_wanted_ms"] = WANTED_PAGE_P99_MS
    return bool(
        figures["month_to_trip"] >= WANTED_MONTH
        and figures["city_to_months"] >= WANTED_CITY
        and figures["load_page_p99_ms"] <= WANTED_PAGE_P99_MS
        and figures["checked"]
        and not figures["rest_wrong_days"]
    )


def main(argv: list[str]) -> int:
    """Runs the bench; 0 when every check held and the goals are met."""
    parser = argparse.ArgumentParser(prog="holdfast bench availability", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=ORDERS, help=f"orders in the book (default {ORDERS:,})")
    parser.add_argument("--seconds", type=float, default=1.5, help="seconds of each turn (default 1.5)")
    parser.add_argument("--json", action="store_true", help="print nothing but the figures")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up after ourselves also then
    began = time.monotonic()
    figures = run(given.size, given.seconds)
    passed = _judge(figures)
    figures["elapsed_s"] = round(time.monotonic() - began, 1)
    if given.json:
        sys.stdout.write(
            msgspec.json.encode({"name": "availability", "passed": passed, "figures": figures}).decode() + "\n"
        )
        return 0 if passed else 1
    titles = {
        "trip": "bare round trip", "month": "month of a venue", "hot": "month of the venue everybody books in",
        "city": f"month of {VENUES} venues at once", "page": "month of a venue over HTTP",
    }  # fmt: skip
    print(f"{'':40} {'at rest':>12} {'p99 ms':>8} {'under load':>12} {'p99 ms':>8}")
    for kind in KINDS:
        cells = [figures[f"{name}_{kind}_{part}"] for name in ("rest", "load") for part in ("per_s", "p99_ms")]
        print(f"{titles[kind]:40} {cells[0]:10,.0f}/s {cells[1]:8.1f} {cells[2]:10,.0f}/s {cells[3]:8.1f}")
    print(
        f"\n{CLIENTS} clients; meanwhile {figures['bookings_per_s']:,.0f} bookings/s on {BOOKERS} connections\n"
        f"month {figures['month_to_trip']:.3f} of a round trip (wanted {WANTED_MONTH}), {VENUES} venues at once {figures['city_to_months']:.2f} of one by "
        f"one (wanted {WANTED_CITY}); "
        f"over HTTP under load p99 {figures['load_page_p99_ms']:.0f} ms (wanted {WANTED_PAGE_P99_MS:.0f})\n"
        f"{figures['acknowledged']:,} bookings acknowledged, {figures['missing']} missing, {figures['twice']} twice; {figures['broken']} of "
        f"{figures['invariants']} invariants broken; {figures['rest_wrong_days']} days with wrong sums; {figures['elapsed_s']:.0f} s in all"
    )
    return 0 if passed else 1
