"""Joining two accounts against moving one's rows to the other, at a hundred, ten thousand and a million orders, each checked.

Ours is the product's command, with its conservation check, audit and messages; it is done and undone several times and the
median counts. Theirs is one UPDATE per table that names the account, durable like ours, once. Besides: the newest twenty
orders of a person with five accounts against those of a person with one. After everything every invariant is asked, and
every order must be found exactly once by its owner.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from statistics import median
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from holdfast import accounts, orders
from holdfast.kit import actor, checks, crypto, ids
from holdfast.kit.db import Db, ReadTx

from . import audit, ground

BENCH = actor.system("bench")
SIZES = (100, 10_000, 1_000_000)
WANTED_TIMES, WANTED_FLAT, WANTED_CLUSTER = 1000, 10.0, 1.3
REPEATS = 15
MEMBERS, PER_MEMBER = 5, 200
READS = 400
MOVES = (
    "update orders.orders set account_id = %(to)s where account_id = %(from)s",
    "update accounts.identifiers set account_id = %(to)s where account_id = %(from)s",
    "update accounts.sessions set account_id = %(to)s where account_id = %(from)s",
)
"""What moving costs at least: only the tables that name an account directly."""


class Pair(msgspec.Struct, frozen=True):
    """Two accounts of one person; the second has so many orders, the first a hundred."""

    orders: int
    first: UUID
    second: UUID


def _account(connection: psycopg.Connection) -> UUID:
    """A new account with a phone."""
    made, phone = ids.uuid7(), f"+86137{time.time_ns() % 10**8:08d}"
    connection.execute(
        "insert into accounts.accounts (id, root, created_at) values (%s, %s, now())",
        [made, made],
    )
    connection.execute(
        """insert into accounts.identifiers (id, account_id, kind, value, value_index, masked, verified_at)
           values (%s, %s, 'phone', %s, %s, %s, now())""",
        [ids.uuid7(), made, crypto.seal("accounts.identifiers.value", phone), crypto.blind_index("phone", str(made)),
         accounts.mask_phone(phone)],
    )  # fmt: skip
    return made


def _give(connection: psycopg.Connection, owners: dict[UUID, int]) -> None:
    """So many confirmed orders to each, of the last weeks, with lines, travellers, events and replies."""
    connection.execute("set local session_replication_role = replica")
    connection.execute("set local synchronous_commit = off")
    connection.execute("drop table if exists old")
    connection.execute(
        """create temp table old as
           with s as (select array_agg(id) as ids from inventory.slots),
                given as (select o.account_id, g.n, row_number() over () as number
                            from unnest(%s::uuid[], %s::int[]) o (account_id, count), generate_series(1, o.count) g (n))
           select ((lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || '7'
                    || substr(md5(number || ' ' || account_id), 1, 3) || '8' || substr(md5(number || ' ' || account_id), 4, 15))::uuid) as id,
                  'B' || substr(md5(account_id || ' ' || n), 1, 20) as number, account_id, s.ids[1 + number %% cardinality(s.ids)] as slot_id,
                  sha256((account_id || ' ' || n)::bytea) as noise, t.at
             from given cross join s
             cross join lateral (select now() - interval '1 hour' - n * interval '1 second') t (at)""",
        [list(owners), list(owners.values())],
    )
    for statement in ground.FILL:
        connection.execute(statement)


async def _ours(db: Db, pair: Pair) -> float:
    """Milliseconds of one merge; undone afterwards."""
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        done = await db.run(accounts.merge, BENCH, pair.first, pair.second, evidence={"means": "bench"})
        taken.append((time.perf_counter() - began) * 1000)
        await db.run(accounts.undo, BENCH, done.link_id, "bench")
    return median(taken)


def _theirs(url: str, pair: Pair) -> float:
    """Milliseconds of moving the second account's rows to the first."""
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        with connection.transaction():
            for statement in MOVES:
                connection.execute(statement, {"to": pair.first, "from": pair.second})
        return (time.perf_counter() - began) * 1000


async def _newest(tx: ReadTx, people: list[UUID]) -> list[list[float]]:
    """Milliseconds per read of the newest twenty, people in turns."""
    taken: list[list[float]] = [[] for _ in people]
    for _ in range(READS):
        for at, person in enumerate(people):
            began = time.perf_counter()
            found = await orders.mine(tx, person, limit=20)
            taken[at].append((time.perf_counter() - began) * 1000)
            assert len(found) == 20
    return taken


async def _found_once(tx: ReadTx) -> int:
    """Orders that their owner does not find exactly once."""
    return int(
        await tx.value(
            """with own as materialized (select o.account_id, count(*) as n from orders.orders o group by o.account_id),
                    seen as (select w.account_id, count(*) as times from own w
                               cross join lateral (select accounts.members(w.account_id) as id) m
                              where m.id = w.account_id group by w.account_id)
               select coalesce(sum(w.n), 0) from own w left join seen s using (account_id) where coalesce(s.times, 0) <> 1"""
        )
    )


async def _measure(url: str, pairs: list[Pair], people: list[UUID], cluster: list[UUID]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    db = await Db(url, size=4).open()
    try:
        for other in cluster[1:]:
            await db.run(accounts.merge, BENCH, cluster[0], other, evidence={"means": "bench"})
        for pair in pairs:
            figures[f"ours_{pair.orders}_ms"] = round(await _ours(db, pair), 2)
        [single, five] = await db.read(_newest, people)
        figures["newest_single_us"], figures["newest_cluster_us"] = (
            round(median(one) * 1000, 1) for one in (single, five)
        )
        for pair in pairs:
            figures[f"moving_{pair.orders}_ms"] = round(await asyncio.to_thread(_theirs, url, pair), 1)
        figures["invisible"] = await db.read(_found_once)
        asked = await checks.run_all(db)
        figures["invariants"], figures["broken"] = len(asked), sum(not one.holds for one in asked)
    finally:
        await db.close()
    for one in asked:
        if not one.holds:
            sys.stderr.write(f"broken: {one.sentence}: {one.offenders[:2]}\n")
    return figures


def _prepare(url: str, sizes: list[int]) -> tuple[list[Pair], list[UUID], list[UUID]]:
    """Pairs by size, a person with one account, and the five accounts of another, all with orders."""
    with psycopg.connect(url) as connection:
        pairs = [Pair(size, _account(connection), _account(connection)) for size in sizes]
        single, cluster = _account(connection), [_account(connection) for _ in range(MEMBERS)]
        owners = {pair.first: 100 for pair in pairs} | {pair.second: pair.orders for pair in pairs}
        _give(connection, owners | {single: MEMBERS * PER_MEMBER} | dict.fromkeys(cluster, PER_MEMBER))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
    return pairs, [single, cluster[0]], cluster


def _judge(figures: dict[str, Any], sizes: list[int]) -> bool:
    """Adds the ratios; whether every goal is met and every check held."""
    first, last = sizes[0], sizes[-1]
    figures["times_at_largest"] = round(figures[f"moving_{last}_ms"] / figures[f"ours_{last}_ms"], 1)
    figures["ours_growth"] = round(figures[f"ours_{last}_ms"] / figures[f"ours_{first}_ms"], 2)
    figures["moving_growth"] = round(figures[f"moving_{last}_ms"] / figures[f"moving_{first}_ms"], 1)
    figures["cluster_to_single"] = round(figures["newest_cluster_us"] / figures["newest_single_us"], 2)
    figures["times_wanted"], figures["cluster_wanted"], figures["growth_wanted"] = (
        WANTED_TIMES,
        WANTED_CLUSTER,
        WANTED_FLAT,
    )
    return (
        figures["times_at_largest"] >= WANTED_TIMES * min(1, last / SIZES[-1])
        and figures["ours_growth"] <= WANTED_FLAT
        and figures["cluster_to_single"] <= WANTED_CLUSTER
        and not figures["broken"]
        and not figures["invisible"]
    )


def main(argv: list[str]) -> int:
    """Runs the bench; 0 when every check held and the goals are met."""
    parser = argparse.ArgumentParser(prog="holdfast bench merging", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=SIZES[-1], help="orders of the largest account (default 1,000,000)")
    parser.add_argument("--json", action="store_true", help="print nothing but the figures")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up after ourselves also then
    sizes = sorted({*(size for size in SIZES if size < given.size), max(1, given.size)})
    began = time.monotonic()
    audit.load_checks()
    with ground.server() as (server, home):
        made = ground.prepare(server, home, "merging")
        pairs, people, cluster = _prepare(made.url, sizes)
        figures = asyncio.run(_measure(made.url, pairs, people, cluster))
    passed = _judge(figures, sizes)
    figures["elapsed_s"] = round(time.monotonic() - began, 1)
    if given.json:
        sys.stdout.write(msgspec.json.encode({"name": "merging", "passed": passed, "figures": figures}).decode() + "\n")
        return 0 if passed else 1
    for size in sizes:
        print(
            f"{size:>9,} orders: joined in {figures[f'ours_{size}_ms']:9.2f} ms, moved in {figures[f'moving_{size}_ms']:11,.1f} ms"
        )
    print(
        f"\nat {sizes[-1]:,} orders joining is {figures['times_at_largest']:,.0f} times as fast as moving (wanted {WANTED_TIMES:,} at a "
        f"million)\nfrom {sizes[0]:,} to {sizes[-1]:,} orders joining takes {figures['ours_growth']:.2f} times as long "
        f"(at most {WANTED_FLAT:g}), moving {figures['moving_growth']:,.0f} times\nnewest 20 orders: {figures['newest_single_us']:.0f} µs "
        f"with one account, {figures['newest_cluster_us']:.0f} µs with five: {figures['cluster_to_single']:.2f} (at most {WANTED_CLUSTER})\n"
        f"{figures['invisible']} orders out of sight, {figures['broken']} of {figures['invariants']} invariants broken; "
        f"{figures['elapsed_s']:.0f} s in all"
    )
    return 0 if passed else 1
