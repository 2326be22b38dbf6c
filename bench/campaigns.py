"""Bookings per second with fifty campaigns live against none, in one run, each figure checked.

Through HTTP on one hot slot, the product as it is (group commit, one app process), on three databases that take turns: one offers
nothing; in the second one person in five fits five of fifty campaigns, which ask how old the account is, and gets the best of them
(ten times as many as the campaign of the published accident was approved for); in the third every booking fits five and gets the best
of each of two groups. Every campaign has a limit for each person, and all watches work with limits out of reach. After each
measurement every invariant is asked, what clients were told is compared with what is written, and each booking must have got exactly
what the campaigns say: no more and no less.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from holdfast.campaigns import guards
from holdfast.campaigns.conditions import AllOf, Gte, In
from holdfast.campaigns.model import Content, Limits, PercentOff, Schedule, Stacking
from holdfast.kit import embedded

from . import audit, ground, load, report, servers
from .ground import Ground
from .report import Figure

CAMPAIGNS, EVERY = 50, 10
SOME, ALL = "some", "all"
GROUPS = {SOME: 1, ALL: 2}
"""How many are granted together."""
WANTED = {SOME: 0.8}
"""Bookings per second against none, at least. The other side is the worst there is, and is only reported."""
TITLES = {
    "off": "nothing on offer",
    SOME: "50 live, one booking in five gets one",
    ALL: "50 live, every booking gets two",
}
CONNECTIONS = 256
SPACE = UUID("0190b2e0-0000-7000-8000-000000000001")
ENVELOPE = uuid5(SPACE, "envelope")
CITY = "北京"
OLD_DAYS = 30
BUDGET_MINOR = 100_000_000_00
OUT_OF_REACH = 1e12


def _content(n: int, side: str, now: datetime) -> Content:
    """One percent and more for every tenth; the others are for cities of their own."""
    cities = [CITY, f"city-{n}"] if n % EVERY == 0 else [f"city-{n}", f"city-{n + 1}"]
    return Content(
        names={"zh": "活动", "en": "Campaign"}, sentence={"zh": "立减", "en": "Some off"}, effect=PercentOff(100 + n, 3000),
        limits=Limits(BUDGET_MINOR, per_person=1000), schedule=Schedule(now - timedelta(days=1), now + timedelta(days=9)), envelope_id=ENVELOPE,
        stacking=Stacking(f"group-{n // EVERY % GROUPS[side]}", "groups"), channels=["web", "api"],
        scope=AllOf([In("city", cities), In("kind", ["museum", "heritage"]), Gte("line_tickets", 1)]),
        when=AllOf([Gte("scope_minor", 2000), Gte("account_age_days", OLD_DAYS if side == SOME else 0)]),
    )  # fmt: skip


def granted(listed_minor: int, side: str, count: int, *, is_old: bool) -> list[int]:
    """What a booking of so much gets, reckoned by hand: of each group the greatest percentage."""
    best: dict[int, int] = {}
    if side == "off" or (side == SOME and not is_old):
        return []
    for n in range(0, count, EVERY):
        off = min(listed_minor * (100 + n) // 10_000, 3000)
        group = n // EVERY % GROUPS[side]
        best[group] = max(best.get(group, 0), off)
    return sorted(best.values())


def furnish(on: Ground, side: str, count: int) -> None:
    """So many campaigns that run, all watched."""
    now = datetime.now(UTC)
    watch = guards.watch(guards.Forecast(0.02, 6.0, 0.5, [10_000] * 24, 3000), is_gift=False)
    figures = msgspec.structs.asdict(watch) | {
        "share_limit": OUT_OF_REACH, "size_limit": OUT_OF_REACH, "pace_depth": BUDGET_MINOR,
    }  # fmt: skip
    with psycopg.connect(on.url) as connection:
        connection.execute(
            """update accounts.accounts a set created_at = now() - make_interval(days => %s + 1)
                 from (select id, row_number() over (order by id) as n from accounts.accounts) o where o.id = a.id and o.n %% 5 = 0""",
            [OLD_DAYS],
        )
        connection.execute(
            """insert into campaigns.envelopes (id, name, payer, label, max_minor, max_bp, kinds, channels, budget_minor, valid_until,
                                                content_hash, proposal_id, made_at)
               values (%s, '{}', 'platform', '{"zh": "平台立减", "en": "Platform discount"}', 1000000, 10000, '{museum}', '{web,api}', %s, %s,
                       '\\x00', %s, %s)""",
            [ENVELOPE, BUDGET_MINOR * 10, now + timedelta(days=9), ENVELOPE, now],
        )
        for n in range(count):
            name, version, content = f"bench-{n}", uuid5(SPACE, str(n)), _content(n, side, now)
            connection.execute(
                "insert into campaigns.campaigns (id, name, made_by, made_at) values (%s, '{}', 'bench', %s)",
                [name, now],
            )
            connection.execute(
                """insert into campaigns.versions (id, campaign_id, n, content, content_hash, envelope_id, made_by, made_at)
                   values (%s, %s, 1, %s, %s, %s, 'bench', %s)""",
                [version, name, Jsonb(msgspec.to_builtins(content)), content.hash, ENVELOPE, now],
            )
            connection.execute(
                """insert into campaigns.running (version_id, campaign_id, state, state_since, starts_at, ends_at, max_minor, max_bp, kinds,
                                                  channels, budget_minor, stage_since, share_up, share_down, share_limit, size_mean, size_gain,
                                                  size_shift, size_limit, pace_minor, pace_factor, pace_depth)
                   values (%(version)s, %(name)s, 'live', %(now)s, %(now)s, %(until)s, 1000000, 10000, '{museum}', '{web,api}', %(budget)s,
                           %(now)s, %(share_up)s, %(share_down)s, %(share_limit)s, %(size_mean)s, %(size_gain)s, %(size_shift)s,
                           %(size_limit)s, %(pace_minor)s, %(pace_factor)s, %(pace_depth)s)""",
                {
                    "version": version,
                    "name": name,
                    "now": now,
                    "until": now + timedelta(days=9),
                    "budget": BUDGET_MINOR,
                    **figures,
                },
            )
        connection.execute("update campaigns.epoch set epoch = epoch + 1")


def calm(on: Ground) -> None:
    """Before the next measurement: nothing reserved, nothing used."""
    with psycopg.connect(on.url, autocommit=True) as connection:
        connection.execute("truncate campaigns.reservations")
        connection.execute(
            "update campaigns.running set used_minor = 0, used_count = 0, stage_used_minor = 0, stage_used_count = 0, tokens = null"
        )
        connection.execute("vacuum campaigns.running")


def wrongly_granted(on: Ground, side: str, count: int) -> tuple[int, int]:
    """Orders that were granted something else than the campaigns say, and how many grants there are in all."""
    with psycopg.connect(on.url) as connection:
        rows = connection.execute(
            """select l.quantity * l.unit_minor, a.created_at < now() - make_interval(days => %s), coalesce(array_agg(v.amount_minor order by v.amount_minor) filter (where v.order_id is not null), '{}'),
                      l.discount_minor
                 from orders.lines l join orders.orders o on o.id = l.order_id join accounts.accounts a on a.id = o.account_id
                 left join campaigns.reservations v on v.order_id = l.order_id
                group by l.order_id, l.seq, a.id, l.quantity, l.unit_minor, l.discount_minor""",
            [OLD_DAYS],
        ).fetchall()
    wrong = sum(
        amounts != (right := granted(listed, side, count, is_old=is_old)) or discount != sum(right)
        for listed, is_old, amounts, discount in rows
    )
    return wrong, sum(len(amounts) for _listed, _is_old, amounts, _discount in rows)


class Bench:
    """A run: three grounds, their servers, and the figures so far."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.figures: dict[str, list[Figure]] = {"off": [], SOME: [], ALL: []}
        self.measurement = self.wrong = self.grants = 0
        self.grounds: dict[str, Ground] = {}
        self.servers: dict[str, servers.Server] = {}
        self.postgres: list[int] = []

    def run(self) -> None:
        """Sets up, measures in rounds (A B C, C B A), tears down."""
        with ExitStack() as stack:
            url, home = stack.enter_context(ground.server())
            running = embedded.status(home)
            assert running
            self.postgres = [running.pid]
            self.grounds = {name: ground.prepare(url, home, f"bench_{name}") for name in self.figures}
            for name in GROUPS:
                furnish(self.grounds[name], name, self.given.size)
            wanted = {name: servers.Wanted(servers.PRODUCT, on) for name, on in self.grounds.items()}
            self.servers = stack.enter_context(servers.serving(wanted))
            for number in range(self.given.rounds):
                for name in reversed(self.figures) if number % 2 else self.figures:
                    self.measure(name)

    def measure(self, name: str) -> None:
        """One round of one side, and its check."""
        on, server = self.grounds[name], self.servers[name]
        ground.wipe(on)
        calm(on)
        self.measurement += 1
        since = datetime.now(UTC).isoformat()
        wish = load.Wish(
            ports=server.ports, connections=CONNECTIONS, seconds=self.given.seconds, warm_up_s=min(0.5, self.given.seconds / 5),
            measurement=self.measurement, slots=on.slots("hot"), app_pids=server.pids, postgres_pids=self.postgres,
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"], input=msgspec.json.encode(wish), stdout=subprocess.PIPE, check=True,
            cwd=servers.CHECKOUT, timeout=60 + self.given.seconds,
        )  # fmt: skip
        found = msgspec.json.decode(done.stdout, type=load.Load)
        figure = Figure(found, audit.audit(on, found, since))
        self.figures[name].append(figure)
        wrong, grants = wrongly_granted(on, name, self.given.size)
        self.wrong += wrong
        self.grants += grants
        if not self.given.json:
            verdict = (
                "checked"
                if figure.audit.passed and not wrong
                else f"CHECK FAILED {wrong} {msgspec.to_builtins(figure.audit)}"
            )
            sys.stderr.write(f"campaigns {name:4} {figure.per_s:10,.0f}/s  {verdict}\n")


def main(argv: list[str]) -> int:
    """Runs the bench; 0 when every check held and the goal is met."""
    parser = argparse.ArgumentParser(prog="holdfast bench campaigns", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="how long one measurement takes (default 3)")
    parser.add_argument("--rounds", type=int, default=4, help="how often each side is measured (default 4)")
    parser.add_argument("--size", type=int, default=CAMPAIGNS, help=f"live campaigns (default {CAMPAIGNS})")
    parser.add_argument("--json", action="store_true", help="print nothing but the figures")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up after ourselves also then
    began = time.monotonic()
    bench = Bench(given)
    bench.run()
    medians = {name: report.middle(found) for name, found in bench.figures.items()}
    goals = [
        report.Goal(
            f"{name}_to_off", f"{TITLES[name]}, against none", medians[name].per_s / (medians["off"].per_s or 1), wanted,
            max(medians[name].others_share, medians["off"].others_share) > report.NOISE,
        )
        for name, wanted in WANTED.items()
    ]  # fmt: skip
    audits = [one.audit for found in bench.figures.values() for one in found]
    numbers: dict[str, Any] = report.flat(medians, goals, bench.figures) | {
        "campaigns": given.size, "grants": bench.grants, "wrongly_granted": bench.wrong, "elapsed_s": round(time.monotonic() - began, 1),
    }  # fmt: skip
    passed = (
        all(one.met for one in goals) and bench.wrong == 0 and bench.grants > 0 and all(one.passed for one in audits)
    )
    if given.json:
        sys.stdout.write(
            msgspec.json.encode({"name": "campaigns", "passed": passed, "figures": numbers}).decode() + "\n"
        )
        return 0 if passed else 1
    print(
        f"\n{report.table(medians, TITLES)}\n\n{report.verdicts(goals)}\n\n{numbers['acknowledged']:,.0f} bookings, {bench.grants:,} grants, "
        f"{bench.wrong} of them wrong; {numbers['invariants']:.0f} invariants asked after each, {numbers['broken']:.0f} broken"
    )
    return 0 if passed else 1
