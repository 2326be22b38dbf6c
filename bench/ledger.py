"""Journals per second on one hot provider: its clearing account as one row, and sharded over 16, in one run, each checked.

A journal is a payment: the provider's clearing account to the debit, a new order's money to the credit, written as the
product does, in a transaction of its own that is durable when it is acknowledged. Both arrangements take turns in short
rounds (A B, B A) with the same clients; the median of the ratios of neighbouring rounds counts. After each round every
invariant of the ledger is asked, every balance is recomputed from its entries, and what was acknowledged is compared
with what is written; a round that fails its check fails the bench.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from statistics import median
from uuid import UUID

import msgspec

from holdfast import ledger
from holdfast.kit import checks, clock, embedded, ids, schema
from holdfast.kit.db import Db, ReadTx
from holdfast.ledger import Account
from holdfast.ledger import checks as _registered  # noqa: F401 - the invariants that are asked

from .processor import PROCESSORS, busy_s, spent_s

ONE_ROW, SHARDED = "one_row", "sharded"
TITLES = {ONE_ROW: "clearing account in one row", SHARDED: "clearing account sharded"}
WANTED = 1.5
AMOUNT_MINOR = 6000


class Round(msgspec.Struct, frozen=True):
    """One arrangement for some seconds, and what its check found."""

    arrangement: str
    acknowledged: int
    elapsed_s: float
    others_share: float
    """Of the whole machine, used by what does not belong to the bench."""
    written: int
    differences: int
    invariants: int
    broken: int

    @property
    def per_s(self) -> float:
        return self.acknowledged / self.elapsed_s

    @property
    def good(self) -> bool:
        return self.acknowledged == self.written and not self.differences and not self.broken


async def _pay(db: Db, arrangement: str, until: float) -> int:
    """Books payments one after another; how many were acknowledged."""
    acknowledged = 0
    while time.perf_counter() < until:
        payment = ids.uuid7()
        legs = [
            ledger.debit(_clearing(arrangement, payment), AMOUNT_MINOR),
            ledger.credit(Account("2010", f"order:{payment}", "CNY"), AMOUNT_MINOR),
        ]
        subject, at = f"intent:{payment}", clock.now()
        await db.run(ledger.record, "payment", f"payment:{payment}", legs, subject=subject, at=at)
        acknowledged += 1
    return acknowledged


def _clearing(arrangement: str, payment: UUID) -> Account:
    return ledger.clearing("hot", payment, "CNY") if arrangement == SHARDED else Account("1010", "hot", "CNY")


async def _journals(tx: ReadTx) -> int:
    return int(await tx.value("select count(*) from ledger.journals"))


async def _deadlocks(tx: ReadTx) -> int:
    return int(await tx.value("select deadlocks from pg_stat_database where datname = current_database()"))


async def _round(db: Db, arrangement: str, clients: int, seconds: float, postgres: list[int]) -> Round:
    """Load, then the check."""
    before = await db.read(_journals)
    await asyncio.gather(*(db.read(_journals) for _ in range(clients)))  # all connections are there
    began, own, busy = time.perf_counter(), time.process_time() + spent_s(postgres), busy_s()
    done = await asyncio.gather(*(_pay(db, arrangement, began + seconds) for _ in range(clients)))
    elapsed_s = time.perf_counter() - began
    others_s = busy_s() - busy - (time.process_time() + spent_s(postgres) - own)
    asked = await checks.run_all(db)
    return Round(
        arrangement, sum(done), elapsed_s, max(0.0, others_s / elapsed_s / PROCESSORS),
        written=await db.read(_journals) - before, differences=len(await db.read(ledger.verify)),
        invariants=len(asked), broken=sum(not result.holds for result in asked),
    )  # fmt: skip


async def _measure(url: str, given: argparse.Namespace, postgres: list[int]) -> list[Round]:
    """All rounds: a warm one of each arrangement that does not count, then side by side, in turns."""
    rounds = []
    db = await Db(url, size=given.clients).open()
    try:
        for arrangement in (ONE_ROW, SHARDED):
            await _round(db, arrangement, given.clients, min(0.5, given.seconds), postgres)
        for number in range(given.rounds):
            for arrangement in (SHARDED, ONE_ROW) if number % 2 else (ONE_ROW, SHARDED):
                one = await _round(db, arrangement, given.clients, given.seconds, postgres)
                rounds.append(one)
                if not given.json:
                    verdict = "checked" if one.good else f"CHECK FAILED {msgspec.to_builtins(one)}"
                    sys.stderr.write(f"{TITLES[arrangement]:30} {one.per_s:8,.0f}/s  {verdict}\n")
    finally:
        await db.close()
    return rounds


def _figures(rounds: list[Round], deadlocks: int) -> dict[str, float]:
    """Flat numbers: neighbouring rounds are compared, the median of the ratios counts."""
    pairs = [{one.arrangement: one.per_s for one in rounds[n : n + 2]} for n in range(0, len(rounds), 2)]
    return {
        **{f"{name}_per_s": round(median(pair[name] for pair in pairs), 1) for name in TITLES},
        "ratio": round(median(pair[SHARDED] / max(pair[ONE_ROW], 1e-9) for pair in pairs), 2),
        "ratio_wanted": WANTED,
        "rounds": len(rounds),
        "rounds_checked_good": sum(one.good for one in rounds),
        "acknowledged": sum(one.acknowledged for one in rounds),
        "written": sum(one.written for one in rounds),
        "differences": sum(one.differences for one in rounds),
        "invariants": min(one.invariants for one in rounds),
        "broken": sum(one.broken for one in rounds),
        "deadlocks": deadlocks,
        "others_share": round(median(one.others_share for one in rounds), 2),
    }


async def _count_deadlocks(url: str) -> int:
    """After the clients have gone: sessions tell what they met when they end."""
    db = await Db(url, size=1).open()
    try:
        return await db.read(_deadlocks)
    finally:
        await db.close()


def main(argv: list[str]) -> int:
    """Runs the bench; 0 when every check held and the goal is met."""
    parser = argparse.ArgumentParser(prog="holdfast bench ledger", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="how long one round takes (default 3)")
    parser.add_argument("--rounds", type=int, default=4, help="how often each arrangement takes its turn (default 4)")
    parser.add_argument("--clients", type=int, default=16, help="how many pay at once (default 16)")
    parser.add_argument("--json", action="store_true", help="print nothing but the figures")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up after ourselves also then
    began = time.monotonic()
    with embedded.temporary() as url:
        schema.apply(url)
        running = embedded.status(url.home)
        assert running
        rounds = asyncio.run(_measure(url, given, [running.pid]))
        figures = _figures(rounds, asyncio.run(_count_deadlocks(url)))
    figures["elapsed_s"] = round(time.monotonic() - began, 1)
    passed = all(one.good for one in rounds) and not figures["deadlocks"] and figures["ratio"] >= WANTED
    if given.json:
        sys.stdout.write(msgspec.json.encode({"name": "ledger", "passed": passed, "figures": figures}).decode() + "\n")
    else:
        print(
            f"\n{figures['one_row_per_s']:,.0f} journals/s with the clearing account in one row, "
            f"{figures['sharded_per_s']:,.0f} sharded: {figures['ratio']:.2f} times as many (wanted {WANTED})\n"
            f"{figures['rounds_checked_good']:.0f} of {figures['rounds']:.0f} rounds passed their check: "
            f"{figures['acknowledged']:,.0f} journals acknowledged, {figures['written']:,.0f} written, "
            f"{figures['differences']:.0f} balances differ from their entries, {figures['broken']:.0f} invariants broken, "
            f"{figures['deadlocks']:.0f} deadlocks; others used {figures['others_share']:.0%} of the machine; "
            f"{figures['elapsed_s']:.0f} s in all"
        )
    return 0 if passed else 1
