"""Microseconds to price a basket while fifty campaigns are live, of one, three and ten lines, with and without traces of all of them.

Every fifth campaign is for one of the basket's cities; the others look at cities, kinds, prices and days and find nothing. Counted is
the processor time of this process, in the quickest of many short rounds: slower ones are slowed by others' work. Each
price is compared with the sum of what every campaign gives by itself, stacked by hand, and with the price of shuffled versions.
The grants' own traces are always made: they are the evidence that is kept with an order.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from holdfast.campaigns import pricing
from holdfast.campaigns.conditions import AllOf, AnyOf, CountLt, Gte, In, Lt
from holdfast.campaigns.facts import Basket, Line
from holdfast.campaigns.model import Content, Envelope, Limits, PercentOff, Schedule, Stacking, Version

CAMPAIGNS, LINES, ROUNDS = 50, (1, 3, 10), 40
WANTED_US = 300.0
"""For a basket of any size here, with the traces of its grants."""
NOW = datetime(2027, 2, 6, 2, 0, tzinfo=UTC)
CITY = "杭州"
CAP_MINOR = 3000


def _versions(count: int) -> list[Version]:
    envelope = Envelope(
        UUID(int=1), {"zh": "额度", "en": "Envelope"}, "platform", None, {"zh": "平台立减", "en": "Platform discount"},
        100_000_00, 10_000, "CNY", ["museum"], ["web"], 100_000_00, NOW + timedelta(days=90),
    )  # fmt: skip
    return [_version(n, envelope) for n in range(count)]


def _version(n: int, envelope: Envelope) -> Version:
    """Percent 0.1 to 0.5, in five groups; every fifth for the basket's city."""
    cities = [CITY, f"city-{n}"] if n % 5 == 0 else [f"city-{n}", f"city-{n + 1}"]
    content = Content(
        names={"zh": "活动", "en": "Campaign"}, sentence={"zh": "立减", "en": "Some off"}, effect=PercentOff(10 + n, CAP_MINOR),
        limits=Limits(10_000_00, per_day_minor=1_000_00, per_person=3), schedule=Schedule(NOW - timedelta(days=1), NOW + timedelta(days=9)),
        envelope_id=envelope.id, stacking=Stacking(f"group-{n % 25 // 5}", "groups"), channels=["web", "api"],
        scope=AllOf([In("city", cities), In("kind", ["museum", "heritage"]), Gte("unit_minor", 1000), Lt("days_ahead", 30)]),
        when=AllOf([Gte("scope_minor", 2000), AnyOf([CountLt("redemptions", 3), Gte("account_age_days", 30)])]),
    )  # fmt: skip
    return Version(UUID(int=1000 + n), f"campaign-{n}", 1, content, content.hash, envelope)


def _basket(lines: int) -> Basket:
    return Basket(
        [
            Line(
                n + 1, f"product-{n}", f"venue-{n}", CITY, "museum", "adult", f"price-{n}", date(2027, 2, 10 + n),
                NOW + timedelta(days=4 + n), quantity=2, unit_minor=6000 + 100 * n,
            ) for n in range(lines)
        ], NOW, "web", earlier=1, redemptions={"campaign-0": 1}, account_since=NOW - timedelta(days=100),
    )  # fmt: skip


def _expected(basket: Basket, versions: list[Version]) -> int:
    """What it should come to, without the code that is measured: of each group the greatest percentage of those for the city."""
    best: dict[str, int] = {}
    for version in versions:
        scope, effect = version.content.scope, version.content.effect
        assert isinstance(scope, AllOf)
        assert isinstance(effect, PercentOff)
        where = scope.parts[0]
        assert isinstance(where, In)
        if CITY in where.values:
            off = min(basket.list_minor * effect.share_bp // 10_000, CAP_MINOR)
            group = version.content.stacking.group
            best[group] = max(best.get(group, 0), off)
    return basket.list_minor - sum(best.values())


def _measure(basket: Basket, versions: list[Version], *, explain: bool, times: int) -> float:
    """Microseconds of processor time for one price, in the quickest round."""
    found = []
    for _round in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            pricing.price(basket, versions, explain=explain)
        found.append((time.process_time() - began) / times * 1e6)
    return min(found)


def _figures(versions: list[Version], seconds: float) -> dict[str, Any]:
    figures: dict[str, Any] = {"campaigns": len(versions), "wrong": 0}
    shuffled = random.Random(1).sample(versions, len(versions))
    for lines in LINES:
        basket = _basket(lines)
        priced = pricing.price(basket, versions)
        right = (
            priced.total_minor == _expected(basket, versions)
            and pricing.price(basket, shuffled).grants == priced.grants
        )
        figures["wrong"] += not right
        figures[f"grants_{lines}"] = len(priced.grants)
        for name, explain in (("us", False), ("explained_us", True)):
            one = _measure(basket, versions, explain=explain, times=3) / 1e6
            times = max(3, int(seconds / ROUNDS / one))
            figures[f"{name}_{lines}"] = round(_measure(basket, versions, explain=explain, times=times), 1)
    return figures


def main(argv: list[str]) -> int:
    """Runs the bench; 0 when every price was right and the goal is met."""
    parser = argparse.ArgumentParser(prog="holdfast bench pricing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=CAMPAIGNS, help=f"live campaigns (default {CAMPAIGNS})")
    parser.add_argument("--seconds", type=float, default=1.0, help="processor seconds of each figure (default 1)")
    parser.add_argument("--json", action="store_true", help="print nothing but the figures")
    given = parser.parse_args(argv)
    began = time.monotonic()
    figures = _figures(_versions(given.size), given.seconds)
    passed = figures["wrong"] == 0 and all(figures[f"us_{lines}"] <= WANTED_US for lines in LINES)
    figures["elapsed_s"] = round(time.monotonic() - began, 1)
    if given.json:
        sys.stdout.write(msgspec.json.encode({"name": "pricing", "passed": passed, "figures": figures}).decode() + "\n")
        return 0 if passed else 1
    for lines in LINES:
        print(
            f"{lines:2} lines, {figures['campaigns']} campaigns, {figures[f'grants_{lines}']} granted: {figures[f'us_{lines}']:8,.0f} µs"
            f"   with the traces of all {figures[f'explained_us_{lines}']:9,.0f} µs"
        )
    print(f"\nwanted: at most {WANTED_US:,.0f} µs with the traces of the grants; {figures['wrong']} prices were wrong")
    return 0 if passed else 1
