"""Questions a second against the plan: hundreds of stuck payments at one provider, asked about over real HTTP.

The product's resolver works through payments in doubt as its worker does, a round a second, against the provider
simulator as its own process: seven of ten are paid there and nobody told us, three never arrived and are sent again.

* planned    the pace that the plan allows (a fifth of what the provider documents, unless --rate says otherwise)
* unplanned  the same without a plan: what this machine can do, and what a provider would get from a careless resolver

Both take turns (A B, B A). Asked a second over planned a second counts, where the machine can do what is planned; where
it cannot, what it can do counts as the plan. Afterwards every invariant is asked, and what the provider took is
compared with what we say was paid.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from uuid import UUID

import msgspec

from holdfast import payments
from holdfast.kit import checks, clock, embedded, http, ids, log, schema, settings
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.money import Money
from holdfast.payments import attempts, channels, resolver, store

from . import processor, servers
from .audit import load_checks

WANTED = 0.9
PAID_OF_TEN = 7
PROVIDER, METHOD = "wechatpay", "native"
UNPLANNED = 100_000.0
MAKING_AT_ONCE = 8


class Round(msgspec.Struct, frozen=True):
    """One measurement: how many questions in how many seconds."""

    planned: bool
    asked: int
    elapsed_s: float
    others_share: float
    """Of the whole machine, used by what does not belong to the bench."""

    @property
    def per_s(self) -> float:
        return self.asked / self.elapsed_s


class Books(msgspec.Struct, frozen=True):
    """The check afterwards."""

    paid_there: int
    paid_here: int
    differing: int
    invariants: int
    broken: list[str]


@contextmanager
def simulator(home: Path) -> Iterator[tuple[str, int]]:
    """The provider simulator as its own process; its address and process id."""
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    environment = servers.environment("", home) | {"HOLDFAST_DATABASE_URL": ""}
    process = subprocess.Popen(
        [sys.executable, "-m", "holdfast.payments.simulator", "--port", str(port), "--state-dir", str(home / "simulator")],
        env=environment, stdout=sys.stderr,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + servers.START_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"the simulator ended with {process.returncode} while starting")
            try:
                with urllib.request.urlopen(f"{url}/_sim/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.05)
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _stuck(tx: Tx, reference: str) -> UUID:
    """A payment that was committed and whose provider was never heard: not due yet."""
    now, attempt_id = clock.now(), ids.uuid7()
    until = now + timedelta(hours=1)
    intent_id = await payments.want(tx, reference, Money(6000, "CNY"), "bench", until)
    intent = await store.intent(tx, intent_id)
    assert intent is not None
    await store.insert_attempt(
        tx, attempt_id=attempt_id, intent=intent, provider=PROVIDER, method=METHOD, version=channels.VERSIONS[PROVIDER][0],
        merchant_ref=f"HF{attempt_id.hex[:30].upper()}", route={}, at=now, expires_at=until, next_query_at=until,
    )  # fmt: skip
    return attempt_id


class Bench:
    """One run."""

    def __init__(self, db: Db, url: str, given: argparse.Namespace, pids: list[int]) -> None:
        self.db, self.url, self.given, self.pids = db, url, given, pids
        self.made = 0
        self.client = http.client()

    async def make(self, count: int) -> None:
        """Stuck payments: charges that their provider has and that were paid there, and some that never arrived."""
        gate = asyncio.Semaphore(MAKING_AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                attempt_id = await self.db.run(_stuck, f"bench:{number}")
                if number % 10 >= PAID_OF_TEN:
                    return
                attempt = await self.db.read(store.attempt, attempt_id)
                assert attempt is not None
                intent = await self.db.read(store.intent, attempt.intent_id)
                assert intent is not None
                adapter = await channels.current().get(PROVIDER)
                await adapter.create(attempts.Charge(
                    merchant_ref=attempt.merchant_ref, amount_minor=attempt.amount_minor, currency=attempt.currency,
                    description=intent.description, expires_at=attempt.expires_at, method=METHOD,
                    notify_url=f"{settings.current().base_url}/webhooks/{PROVIDER}"))  # fmt: skip
                await http.send(self.client, "POST", f"{self.url}/_sim/pay/{attempt.merchant_ref}", body=b"{}")

        await asyncio.gather(*(one(self.made + number) for number in range(count)))
        self.made += count

    async def round(self, *, planned: bool) -> Round:
        """All that is stuck is due; rounds a second apart, as the timetable's, until the time is over or all were asked."""
        rate = self.given.rate or resolver.RATES[PROVIDER]
        _set_rate(rate if planned else UNPLANNED)
        await self.db.run(_due_now)
        asked, elapsed = await self.db.read(_asked), 0.0
        began, own, busy = time.perf_counter(), self._own_s(), processor.busy_s()
        while elapsed < self.given.seconds:
            at = time.perf_counter()
            taken = await resolver.resolve(self.db)
            elapsed = time.perf_counter() - began
            if not taken and elapsed > 1.5:
                break
            pause = max(0.0, 1.0 - (time.perf_counter() - at)) if planned else 0.0
            await asyncio.sleep(min(pause, max(0.0, self.given.seconds - elapsed)))
            elapsed = time.perf_counter() - began if taken else elapsed
        others = processor.busy_s() - busy - (self._own_s() - own)
        share = max(0.0, others / (time.perf_counter() - began) / processor.PROCESSORS)
        found = Round(planned, await self.db.read(_asked) - asked, elapsed, share)
        await self.db.run(_put_aside)
        return found

    def _own_s(self) -> float:
        """Processor seconds of the bench, the simulator and PostgreSQL so far."""
        return time.process_time() + processor.spent_s(self.pids)

    async def books(self) -> Books:
        """Everything is asked about once more, without a plan; then both sides are compared."""
        _set_rate(UNPLANNED)
        await self.db.run(_due_now)
        deadline = time.monotonic() + 120
        while await resolver.resolve(self.db) and time.monotonic() < deadline:
            pass
        answer = await http.send(
            self.client, "GET", f"{self.url}/_sim/truth", timeout_s=60, bytes_max=http.FILE_BYTES_MAX
        )
        truth = {
            order["out_trade_no"]: order["paid_amount"]
            for order in msgspec.json.decode(answer.body)["orders"]
            if order["paid_amount"]
        }
        ours = await self.db.read(_paid)
        load_checks()
        results = await checks.run_all(self.db)
        return Books(
            len(truth), len(ours), len(truth.items() ^ ours.items()), len(results),
            [result.sentence for result in results if not result.holds],
        )  # fmt: skip


def _set_rate(rate: float) -> None:
    os.environ["HOLDFAST_RESOLVER_RATES"] = f"{PROVIDER}={rate}"
    settings.current.cache_clear()


async def _due_now(tx: Tx) -> None:
    """What was never asked about is due, and the bucket has one second's worth: no burst is measured."""
    await tx.execute(
        "update payments.attempts set next_query_at = %(now)s where state = 'created' and next_query_at > %(now)s",
        now=clock.now(),
    )
    await tx.execute(
        """insert into payments.pace (provider, tokens, refilled_at) values (%(provider)s, %(rate)s, %(now)s)
           on conflict (provider) do update set tokens = %(rate)s, refilled_at = %(now)s""",
        provider=PROVIDER, now=clock.now(), rate=resolver.rate_of(PROVIDER),
    )  # fmt: skip


async def _put_aside(tx: Tx) -> None:
    """What was asked about and can still be paid does not come again in the next round."""
    await tx.execute(
        """update payments.attempts set next_query_at = %(later)s
           where next_query_at is not null and state in ('submitted', 'awaiting_user', 'unknown')""",
        later=clock.now() + timedelta(hours=1),
    )


async def _asked(tx: ReadTx) -> int:
    return int(await tx.value("select count(*) from payments.calls where operation = 'query'"))


async def _paid(tx: ReadTx) -> dict[str, int]:
    return dict(await tx.tuples("select merchant_ref, paid_minor from payments.attempts where state = 'succeeded'"))


async def measure(url: str, address: str, given: argparse.Namespace, pids: list[int]) -> tuple[list[Round], Books]:
    db = await Db(url, size=10).open()
    bench = Bench(db, address, given, pids)
    rounds = []
    try:
        await http.send(
            bench.client, "POST", f"{address}/_sim/scenario",
            body=msgspec.json.encode({"steps": [{"fault": "drop_callback"}]}),
        )  # fmt: skip
        for number in range(given.rounds):
            for planned in (False, True) if number % 2 else (True, False):
                await bench.make(given.size)
                one = await bench.round(planned=planned)
                rounds.append(one)
                if not given.json:
                    words = "planned" if planned else "unplanned"
                    sys.stderr.write(
                        f"{words:10} {one.asked:6,} questions in {one.elapsed_s:5.1f} s: {one.per_s:6.1f}/s\n"
                    )
        return rounds, await bench.books()
    finally:
        await bench.client.aclose()
        await payments.close_channels()
        await db.close()


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Settings of this process, while it measures."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    settings.current.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        os.environ.pop("HOLDFAST_RESOLVER_RATES", None)
        settings.current.cache_clear()


def figures_of(rounds: list[Round], books: Books, rate: float) -> dict[str, float]:
    planned = median(one.per_s for one in rounds if one.planned)
    unplanned = median(one.per_s for one in rounds if not one.planned)
    able = min(rate, unplanned)
    return {
        "plan_per_s": rate,
        "planned_per_s": round(planned, 1),
        "unplanned_per_s": round(unplanned, 1),
        "of_plan": round(planned / rate, 3),
        "of_what_is_possible": round(planned / able, 3),
        "unplanned_to_planned": round(unplanned / planned, 2),
        "wanted": WANTED,
        "above_plan": float(planned > rate * 1.05),
        "questions": sum(one.asked for one in rounds),
        "rounds": len(rounds),
        "paid_there": books.paid_there,
        "paid_here": books.paid_here,
        "differing": books.differing,
        "invariants": books.invariants,
        "broken": len(books.broken),
        "others_share": round(median(one.others_share for one in rounds), 2),
    }


def main(argv: list[str]) -> int:
    """Runs the bench; 0 when the pace is kept, from below and from above, and the books agree."""
    parser = argparse.ArgumentParser(prog="holdfast bench resolver", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8.0, help="of one round, at most (default 8)")
    parser.add_argument("--size", type=int, default=500, help="stuck payments of one round (default 500)")
    parser.add_argument("--rounds", type=int, default=2, help="of each (default 2)")
    parser.add_argument("--rate", type=float, default=0.0, help="questions a second; default: the product's plan")
    parser.add_argument("--json", action="store_true", help="print nothing but the figures")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up after ourselves also then
    log.configure("ERROR")
    began, rate = time.monotonic(), given.rate or resolver.RATES[PROVIDER]
    with embedded.temporary() as url, simulator(url.home) as (address, pid):
        schema.apply(url)
        running = embedded.status(url.home)
        assert running
        with _environment(HOLDFAST_SIMULATOR_URL=address, HOLDFAST_ENV="drill", HOLDFAST_HOME=str(url.home)):
            rounds, books = asyncio.run(measure(url, address, given, [running.pid, pid]))
    figures = figures_of(rounds, books, rate) | {"elapsed_s": round(time.monotonic() - began, 1)}
    is_paced = figures["of_what_is_possible"] >= WANTED and not figures["above_plan"]
    passed = is_paced and not books.differing and not books.broken
    if given.json:
        sys.stdout.write(
            msgspec.json.encode({"name": "resolver", "passed": passed, "figures": figures}).decode() + "\n"
        )
    else:
        print(
            f"\n{figures['planned_per_s']:.1f} questions/s where the plan allows {rate:g}: {figures['of_plan']:.2f} of the plan, "
            f"{figures['of_what_is_possible']:.2f} of what is possible here (wanted {WANTED}); without a plan "
            f"{figures['unplanned_per_s']:.1f}/s, {figures['unplanned_to_planned']:.1f} times as many\n"
            f"{books.paid_there} paid at the provider, {books.paid_here} known as paid, {books.differing} differ; "
            f"{books.invariants} invariants asked, {len(books.broken)} broken {books.broken or ''}; "
            f"others used {figures['others_share']:.0%} of the machine; {figures['elapsed_s']:.0f} s in all"
        )
    return 0 if passed else 1
