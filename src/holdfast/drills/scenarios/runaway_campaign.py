"""A wrong template goes live: 20 % off every payment without a cap, where 5 % up to 30 yuan on 2 % of payments was approved.

The published accident of January 2025 ran for five minutes. Here it runs against four kinds of control, through the real booking path:
nothing, a person who needs a minute, a watcher beside the bookings that looks every so often, and the guards inside the booking's
transaction. Amounts are lognormal with a mean of 300 yuan (sigma 1.2), as in the research that set the goals. Time is the program's.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import msgspec

import holdfast.campaigns.checks
import holdfast.inventory.checks
import holdfast.orders.checks  # noqa: F401 - the invariants that are asked
from holdfast import accounts, catalogue, inventory, orders
from holdfast.campaigns import guards, start_store
from holdfast.campaigns.model import BenefitOver, Content, Limits, PercentOff, Schedule, Stacking
from holdfast.campaigns.nodes import Condition, Everything, In
from holdfast.drills import runaway_campaign_store as store
from holdfast.drills.report import Goal, Options, Report, Table, begun
from holdfast.kit import actor, checks, clock, embedded, ids, schema
from holdfast.kit.db import Batch, Db, Tx

NAME = "runaway-campaign"
TITLE = "A wrong template gives 20 % off everything"
LEAD = (
    "Approved: 5 % off, at most 30 yuan, on 2 % of payments. Running: 20 % off without a cap, on all of them. What is given away until it "
    "stops, with no control, with a person, with a watcher beside the bookings, and with the guards inside them."
)
BY = actor.system("runaway-campaign drill")
RATES = (10, 100, 1000)
"""Payments a second."""
TRIALS, PAYMENTS_MAX = 30, 2000
PRICES, MEAN_MINOR, SIGMA = 200, 300_00, 1.2
SHARE_OF = 4
"""So many of the 200 prices are in the approved scope: 2 % of the payments."""
APPROVED_BP, CAP_MINOR, WRONG_BP = 500, 30_00, 2000
ACCIDENT_S, PERSON_S = 300, 60
LOOKS_S = (1, 5)
DAYS, BURSTS = 30, 20
GOAL_ALONE, GOAL_ENVELOPE = 700, 60
TILES = (
    ("given away at 1,000 payments a second, yuan", "alone_1000_leak"),
    ("the same with the envelope", "envelope_1000_leak"),
    ("without any control", "nothing_1000_leak"),
    ("false stops in 30 days", "false_stops"),
)
WORDS = (
    "Control", "Payments a second", "Given away, yuan", "Payments", "Seconds until it stopped", "Most that was given away, yuan",
    "What was given away until it stopped", "nothing, for five minutes (reckoned)", "a person, after a minute (reckoned)",
    "a watcher that looks every second", "a watcher that looks every five seconds", "guards in the booking: CUSUM alone",
    "guards in the booking: with the envelope", "30 days without an accident", "Orders", "Orders that matched", "Highest sum of the share",
    "The limit", "False stops",
)  # fmt: skip
"""What else the report says."""


class Outcome(msgspec.Struct, frozen=True):
    """What one trial gave away, over how many payments, until when."""

    leak_minor: int
    payments: int
    seconds: float
    stopped: bool


class Course:
    """The drill under way."""

    def __init__(self, db: Db, dice: random.Random) -> None:
        self.db, self.dice = db, dice
        self.place: Batch[orders.PlaceRequest, orders.Placed] = orders.group_commit(db, lanes=2)
        self.people: list[UUID] = []
        self.stage: store.Stage
        self.amounts = amounts()
        self.count = 0

    async def pay(self) -> None:
        """Somebody books one ticket of some price."""
        n = self.dice.randrange(PRICES) + 1
        account_id = self.dice.choice(self.people)
        basket = orders.Basket(
            [orders.BasketLine(self.stage.slot_id, f"drill-{n}", 1)], f"+86139{self.dice.randrange(10**8):08d}"
        )
        request = orders.prepare(
            account_id=account_id, key=ids.uuid7().hex, basket=basket, locale="en", channel="web", actor=actor.Actor("traveller", account_id)
        )  # fmt: skip
        try:
            await self.place(request)
        except BenefitOver:  # it stopped in this very moment; the traveller sees the present price
            return

    async def begin(self, *, enveloped: bool, share: bool, size: bool, pace: bool, rate: int) -> UUID:
        """The wrong template runs, watched by the forecast of what was approved."""
        now = clock.now()
        self.count += 1
        campaign_id, version_id, envelope_id = f"drill-{self.count}", ids.uuid7(), ids.uuid7()
        until = now + timedelta(days=1)
        content = wrong(envelope_id)
        limits = start_store.Limits(
            starts_at=now - timedelta(minutes=1), ends_at=until, max_minor=CAP_MINOR if enveloped else 10**9,
            max_bp=APPROVED_BP if enveloped else 10_000, kinds=[self.stage.kind], channels=["web"], budget_minor=10**12, budget_count=None,
            day_minor=None, per_person=None, stage_minor=None, stage_count=None, pushes=[],
        )  # fmt: skip

        async def write(tx: Tx) -> None:
            await store.insert_envelope(
                tx,
                {
                    "id": envelope_id, "max_minor": limits.max_minor, "max_bp": limits.max_bp, "kinds": limits.kinds, "budget": 10**12,
                    "until": until, "at": now,
                },
            )  # fmt: skip
            await store.insert_campaign(tx, campaign_id, now)
            await start_store.insert_version(
                tx, version_id, campaign_id, 1, msgspec.to_builtins(content), content.hash, envelope_id, "drill", now
            )
            await start_store.insert_running(
                tx, version_id, campaign_id, limits, guards.watch(forecast(rate), is_gift=False), now, has_clock=False
            )
            await store.unwatch(tx, version_id, share=share, size=size, pace=pace)
            await start_store.move_epoch(tx)

        await self.db.run(write)
        return version_id

    async def trial(self, rate: int, *, enveloped: bool) -> Outcome:
        """The guards inside the bookings, until they stop it."""
        version_id = await self.begin(enveloped=enveloped, share=True, size=True, pace=enveloped, rate=rate)
        found = await self._run(version_id, rate, PAYMENTS_MAX, None)
        await self.db.run(store.stop, version_id)
        return found

    async def watched(self, rate: int, every_s: int) -> Outcome:
        """Something beside the bookings looks every so often at what was spent, and stops what is three times the forecast."""
        version_id = await self.begin(enveloped=False, share=False, size=False, pace=False, rate=rate)
        expected = sum(forecast(rate).hourly_minor) / 24 / 3600 * every_s
        last = 0

        async def look() -> bool:
            nonlocal last
            used, _count, _state = await self.db.read(store.spent, version_id)
            gone, last = used - last, used
            return gone > 3 * expected

        found = await self._run(version_id, rate, rate * every_s * 4, (every_s, look))
        await self.db.run(store.stop, version_id)
        return found

    async def _run(
        self, version_id: UUID, rate: int, most: int, watcher: tuple[int, Callable[[], object]] | None
    ) -> Outcome:
        at_once = max(1, rate // 100)
        step_s, begun_payments, elapsed, looked = at_once / rate, 0, 0.0, 0.0
        while begun_payments < most:
            await asyncio.gather(*(self.pay() for _ in range(at_once)))
            clock.move(timedelta(seconds=step_s))
            begun_payments += at_once
            elapsed += step_s
            if watcher is not None and elapsed - looked >= watcher[0]:
                looked = elapsed
                if await watcher[1]():  # type: ignore[misc]
                    used, count, _state = await self.db.read(store.spent, version_id)
                    return Outcome(used, count, elapsed, stopped=True)
            if watcher is None:
                used, count, state = await self.db.read(store.spent, version_id)
                if state == "tripped":
                    return Outcome(used, count, (count + 1) / rate, stopped=True)
        used, count, _state = await self.db.read(store.spent, version_id)
        return Outcome(used, count, elapsed, stopped=False)

    async def unwatched(self, payments: int) -> float:
        """Minor units that a payment gives away when nothing stops it, by so many real bookings."""
        version_id = await self.begin(enveloped=False, share=False, size=False, pace=False, rate=100)
        found = await self._run(version_id, 1000, payments, (10**9, lambda: False))
        await self.db.run(store.stop, version_id)
        return found.leak_minor / max(found.payments, 1)


def amounts() -> list[int]:
    """The prices: the middle of each half percent of the lognormal distribution."""
    normal, middle = statistics.NormalDist(), math.log(MEAN_MINOR) - SIGMA**2 / 2
    return [round(math.exp(middle + SIGMA * normal.inv_cdf((n + 0.5) / PRICES))) for n in range(PRICES)]


def scope() -> Condition:
    """The approved scope: four prices, spread over the whole range."""
    step = PRICES // SHARE_OF
    return In(field="ticket", values=[f"drill-{step * n + step // 2 + 1}" for n in range(SHARE_OF)])


def approved_discounts() -> list[int]:
    """What each of the approved prices would get."""
    step = PRICES // SHARE_OF
    return [min(amounts()[step * n + step // 2] * APPROVED_BP // 10_000, CAP_MINOR) for n in range(SHARE_OF)]


def forecast(rate: int) -> guards.Forecast:
    """What was approved: so many payments a second, all day."""
    discounts = approved_discounts()
    logs = [math.log(one) for one in discounts]
    share = SHARE_OF / PRICES
    hourly = round(rate * 3600 * share * statistics.mean(discounts))
    return guards.Forecast(share, statistics.mean(logs), statistics.pstdev(logs), [hourly] * 24, CAP_MINOR)


def wrong(envelope_id: UUID) -> Content:
    """The template that went live."""
    now = clock.now()
    return Content(
        names={"zh": "演练", "en": "Drill"}, sentence={"zh": "演练", "en": "Drill"},
        effect=PercentOff(share_bp=WRONG_BP, uncapped=True), limits=Limits(budget_minor=100_000_000_00),
        schedule=Schedule(from_at=now - timedelta(days=1), until_at=now + timedelta(days=2)), envelope_id=envelope_id,
        stacking=Stacking(group="drill"), channels=["web"], scope=Everything(), when=Everything(),
    )  # fmt: skip


class Quiet(msgspec.Struct):
    """Thirty days without an accident."""

    orders: int = 0
    matched: int = 0
    stops: int = 0
    highest: float = 0.0


def quiet_days(dice: random.Random, days: int = DAYS, rate: int = 10) -> Quiet:
    """Traffic with its days and nights and twenty bursts a day, judged by the same arithmetic as the bookings' guards.

    A burst is twice the traffic for ten minutes, or three times the share for one; not both at once, which
    would be six times the money and is for a campaign to announce.
    """
    discounts, found = approved_discounts(), Quiet()
    wave = [0.3 + 1.4 * max(0.0, math.sin(math.pi * (hour - 6) / 16)) if 6 <= hour <= 22 else 0.2 for hour in range(24)]
    mean = sum(wave) / 24
    pace = [round(rate * one / mean * 3600 * (SHARE_OF / PRICES) * statistics.mean(discounts)) for one in wave]
    expected = msgspec.structs.replace(forecast(rate), hourly_minor=pace)
    meter = guards.Meter(guards.watch(expected, is_gift=False))
    for day in range(days):
        bursts = {dice.randrange(24 * 60): dice.random() < 0.5 for _ in range(BURSTS)}
        busy_until = -1
        for minute in range(24 * 60):
            if bursts.get(minute) is True:
                busy_until = minute + 10
            share = (SHARE_OF / PRICES) * (3 if bursts.get(minute) is False and minute >= busy_until else 1)
            arrivals = round(60 * rate * wave[minute // 60] / mean * (2 if minute < busy_until else 1))
            at = 0
            while True:
                gap = int(math.log(1 - dice.random()) / math.log(1 - share)) + 1
                at += gap
                if at > arrivals:
                    break
                now_s = (day * 1440 + minute + at / arrivals) * 60.0
                verdict = meter.match(dice.choice(discounts), found.orders + at, minute // 60, now_s)
                found.matched += 1
                found.highest = max(found.highest, meter.share_sum)
                if verdict is not None:
                    found.stops += 1
                    meter = guards.Meter(meter.watch, seen=found.orders + at)
            found.orders += arrivals
    return found


def main(options: Options) -> Report:
    """Runs on a PostgreSQL of its own; `size` trials of the guards at each rate."""
    report = begun(NAME, TITLE, LEAD, options)
    began = time.monotonic()
    with embedded.temporary(durable=False) as url:
        schema.apply(url)
        asyncio.run(_drill(url, report, options.size or TRIALS))
    report.elapsed_s = report.figures["elapsed_s"] = round(time.monotonic() - began, 1)
    return report


async def _drill(url: str, report: Report, trials: int) -> None:
    db = await Db(url, size=10).open()
    try:
        course = Course(db, random.Random(report.seed))
        await db.run(catalogue.apply, BY, catalogue.demo())
        await db.run(inventory.generate, BY)
        course.stage = await db.run(store.furnish, course.amounts)
        course.people = [await db.run(accounts.open_account) for _ in range(200)]
        mean = await course.unwatched(1000)
        alone = {rate: [await course.trial(rate, enveloped=False) for _ in range(trials)] for rate in RATES}
        enveloped = {rate: [await course.trial(rate, enveloped=True) for _ in range(trials)] for rate in RATES}
        watched = {(rate, every): await course.watched(rate, every) for rate in RATES for every in LOOKS_S}
        quiet = quiet_days(random.Random(report.seed), DAYS)
        results = await checks.run_all(db)
        report.findings += [f"{one.sentence}: {one.offenders[:3]}" for one in results if not one.holds]
        _judge(report, mean, alone, enveloped, watched, quiet, broken=sum(not one.holds for one in results))
    finally:
        clock.reset()
        await db.close()


def _judge(
    report: Report, mean: float, alone: dict[int, list[Outcome]], enveloped: dict[int, list[Outcome]],
    watched: dict[tuple[int, int], Outcome], quiet: Quiet, *, broken: int,
) -> None:  # fmt: skip
    figures: dict[str, float] = report.figures
    rows: list[list[str | float]] = []
    for rate in RATES:
        for name, words, seconds in (
            ("nothing", "nothing, for five minutes (reckoned)", ACCIDENT_S), ("person", "a person, after a minute (reckoned)", PERSON_S),
        ):  # fmt: skip
            figures[f"{name}_{rate}_leak"] = leak = round(mean * rate * seconds / 100)
            rows.append([words, rate, leak, rate * seconds, seconds, leak])
        for every, words in zip(LOOKS_S, WORDS[9:11], strict=True):
            one = watched[rate, every]
            figures[f"watcher_{every}s_{rate}_leak"] = leak = round(one.leak_minor / 100)
            rows.append([words, rate, leak, one.payments, round(one.seconds, 1), leak])
        for name, words, outcomes in (("alone", WORDS[11], alone[rate]), ("envelope", WORDS[12], enveloped[rate])):
            leaks = [one.leak_minor / 100 for one in outcomes]
            figures[f"{name}_{rate}_leak"] = round(statistics.mean(leaks))
            figures[f"{name}_{rate}_most"] = round(max(leaks))
            figures[f"{name}_{rate}_payments"] = round(statistics.mean(one.payments for one in outcomes), 1)
            figures[f"{name}_{rate}_ms"] = round(1000 * statistics.mean(one.seconds for one in outcomes))
            rows.append([words, rate, figures[f"{name}_{rate}_leak"], figures[f"{name}_{rate}_payments"],
                         figures[f"{name}_{rate}_ms"] / 1000, figures[f"{name}_{rate}_most"]])  # fmt: skip
    everything = [one for outcomes in (*alone.values(), *enveloped.values()) for one in outcomes]
    figures |= {
        "trials": len(everything), "not_stopped": sum(not one.stopped for one in everything), "false_stops": quiet.stops,
        "quiet_orders": quiet.orders, "quiet_matched": quiet.matched, "broken": broken,
    }  # fmt: skip
    report.goals = [
        *(Goal(f"alone_{rate}", f"CUSUM alone gives away at most 700 yuan on average at {rate} payments a second", figures[f"alone_{rate}_leak"], GOAL_ALONE) for rate in RATES),
        *(Goal(f"envelope_{rate}", f"With the envelope at most 60 yuan on average at {rate} payments a second", figures[f"envelope_{rate}_leak"], GOAL_ENVELOPE) for rate in RATES),
        Goal("not_stopped", "Every wrong campaign stops by itself", figures["not_stopped"]),
        Goal("false_stops", "No false stop in 30 normal days with bursts", quiet.stops),
        Goal("broken", "Every invariant holds", broken),
    ]  # fmt: skip
    report.tiles = [(title, figure, "") for title, figure in TILES]
    report.tables = [
        Table("What was given away until it stopped",
              ["Control", "Payments a second", "Given away, yuan", "Payments", "Seconds until it stopped", "Most that was given away, yuan"], rows),
        Table("30 days without an accident", ["Orders", "Orders that matched", "Highest sum of the share", "The limit", "False stops"],
              [[quiet.orders, quiet.matched, round(quiet.highest, 1), guards.SHARE_LIMIT, quiet.stops]]),
    ]  # fmt: skip
