"""Partners fall silent while people book: each stops selling within its time, by itself, and recovery reopens it.

Hotels and restaurants of the demo catalogue say "still open" now and then. At random moments most of them fall silent, while
people go on booking; some never do. Nothing closes their sale: a booking compares the clock of its slot, and what tells
the partners runs only now and then. Afterwards every booking is judged by what the partners had said until then. Two days
pass in the time of the program, which takes less than a minute.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

import holdfast.inventory.checks
import holdfast.orders.checks
import holdfast.partners.checks  # noqa: F401 - the invariants that are asked
from holdfast import accounts, catalogue, inventory, orders, partners
from holdfast.drills import partner_silent_store as store
from holdfast.drills.report import Chart, Curve, Goal, Moment, Options, Report, Span, Table, begun
from holdfast.kit import actor, checks, clock, embedded, ids, jobs, schema
from holdfast.kit.db import Batch, Db
from holdfast.kit.problems import Problem

NAME = "partner-silent"
TITLE = "Partners fall silent while people book"
LEAD = (
    "Hotels and restaurants vouch for their places. At random moments most of them fall silent. Each must stop selling within its "
    "time without anything running, say so, be told once, and sell again by itself when it is heard of."
)
ZONE = ZoneInfo("Asia/Shanghai")
BY = actor.system("partner-silent drill")
STEP = timedelta(minutes=3)
HOURS = 42
BOOKERS, PARTNERS = 4, 16
WATCH_EVERY, LOOK_EVERY = 8, 12
"""In so many steps what tells the partners runs once, and so often somebody looks at the pages."""
TILES = (
    ("bookings", "bookings"),
    ("refused while a partner was silent", "refused"),
    ("bookings after the time was over", "after"),
    ("partners that fell silent", "silent_partners"),
)
WORDS = (
    "People were refused while partners were silent", "Pages said so", "Partners that fell silent", "Partner", "Silent from (h)", "until (h)",
    "A word holds (min)", "Last booking after its last word (min)", "Bookings by hour", "taken", "refused: not confirmed",
    "partners are silent", "{partner} falls silent", "{partner} is heard of again",
)  # fmt: skip
"""What else the report says."""
MUST_BE_ZERO = {
    "after": "No booking is taken after a word's time is over",
    "refused_wrongly": "Nobody is refused while a word holds",
    "page_wrong": "The page says so, and says so only then",
    "told_wrongly": "Each partner is told once that it is silent and once that its sale goes on; the others nothing",
    "not_reopened": "Recovery reopens the sale by itself",
    "touched": "What was booked stays as it was booked",
    "broken": "Every invariant holds",
}


class Partner(msgspec.Struct):
    """A partner in the drill: what it supplies, how often it speaks, when it is silent, and what it said when."""

    id: str
    kind: str
    products: list[str]
    minutes: int
    day_minutes: int
    every: timedelta
    silent_from: datetime | None
    silent_until: datetime | None
    next_at: datetime
    said: list[datetime] = []

    def is_silent(self, now: datetime) -> bool:
        return (
            self.silent_from is not None
            and self.silent_until is not None
            and self.silent_from <= now < self.silent_until
        )

    def holds(self, visit: datetime, at: datetime) -> bool:
        """Whether its word holds at a moment for a visit that day, by what it had said until then: the drill's own rule."""
        return self._held(visit, at, at)

    def surely_held(self, visit: datetime, at: datetime) -> bool:
        """The same by what it had said some time ago: what it says in this very moment may not be in force yet."""
        return self._held(visit, at, at - STEP / 2)

    def _held(self, visit: datetime, at: datetime, said_until: datetime) -> bool:
        word = max((one for one in self.said if one <= said_until), default=None)
        if word is None:
            return False
        midnight = visit.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        by_day = word + timedelta(minutes=self.day_minutes)
        return at < max(by_day, min(word + timedelta(minutes=self.minutes), midnight))


class Booked(msgspec.Struct, frozen=True):
    """A booking as it stands in the database."""

    number: str
    product_id: str
    starts_at: datetime
    placed_at: datetime


class Slot(msgspec.Struct, frozen=True):
    """A slot that people may want."""

    id: object
    product_id: str
    price_id: str
    starts_at: datetime
    sale_closes_at: datetime


class Course:
    """The drill under way: its people, partners and what was seen."""

    def __init__(self, db: Db, dice: random.Random) -> None:
        self.db, self.dice = db, dice
        self.place: Batch[orders.PlaceRequest, orders.Placed] = orders.group_commit(db, lanes=2)
        self.partners: list[Partner] = []
        self.slots: list[Slot] = []
        self.people: list[object] = []
        self.count: Counter[str] = Counter()
        self.by_hour: dict[str, Counter[int]] = {"taken": Counter(), "refused": Counter()}
        self.moments: list[Moment] = []
        self.zero = clock.now()

    def seconds(self, at: datetime) -> float:
        """In the program's time, since the drill began."""
        return (at - self.zero).total_seconds()

    def hours(self, at: datetime) -> float:
        return self.seconds(at) / 3600

    async def say(self, one: Partner) -> None:
        """The partner says that it is open."""
        now = clock.now()
        back = bool(one.silent_until and one.silent_until <= now and (not one.said or one.said[-1] < one.silent_until))
        one.said.append(now)
        await partners.feeds.receive(
            self.db, actor.Actor("partner", name=one.id), one.id, "api", ids.uuid7().hex, [partners.News("heartbeat")], said_at=now
        )  # fmt: skip
        one.next_at = now + one.every * self.dice.uniform(0.6, 1.2)
        if back:
            await self._reopened(one)

    async def _reopened(self, one: Partner) -> None:
        """Right after its first word everything of the partner that is still on sale can be booked again."""
        views = await self._views(one)
        if any(view.sale == "unconfirmed" for view in views):
            self.count["not_reopened"] += 1
        self.moments.append(Moment(self.seconds(clock.now()), "{partner} is heard of again", {"partner": one.id}))

    async def _views(self, one: Partner) -> list[inventory.SlotView]:
        today = clock.now().astimezone(ZONE).date()
        found = []
        async with self.db.reading() as tx:
            for n in range(4):
                found += await inventory.availability.day(tx, one.id, today + timedelta(days=n))
        return found

    async def look(self) -> None:
        """What the pages of all partners say against what they should say."""
        for one in self.partners:
            at = clock.now()
            for view in await self._views(one):
                silent = not one.holds(view.starts_at, at)
                if view.sale in ("open", "sold-out", "unconfirmed") and silent != (view.sale == "unconfirmed"):
                    self.count["page_wrong"] += 1
                if view.sale == "unconfirmed":
                    self.count["pages_said_so"] += bool(view.reason)

    async def book(self) -> None:
        """Somebody books something that is on sale, whether its partner is silent or not."""
        now = clock.now()
        wanted = [one for one in self.slots if one.sale_closes_at > now]
        slot = self.dice.choice(wanted)
        line = orders.BasketLine(slot.id, slot.price_id, 1)  # type: ignore[arg-type]
        account_id = self.dice.choice(self.people)
        request = orders.prepare(
            account_id=account_id, key=ids.uuid7().hex, basket=orders.Basket([line], f"+86139{self.dice.randrange(10**8):08d}"),  # type: ignore[arg-type]
            locale="en", channel="web", actor=actor.Actor("traveller", account_id),  # type: ignore[arg-type]
        )  # fmt: skip
        owner = next(one for one in self.partners if slot.product_id in one.products)
        try:
            await self.place(request)
        except Problem as problem:
            self.count[problem.code] += 1
            if problem.code == "sale-unconfirmed":
                self.by_hour["refused"][int(self.hours(now))] += 1
                if all(owner.surely_held(slot.starts_at, at) for at in (now, clock.now())):
                    self.count["refused_wrongly"] += 1
        else:
            self.by_hour["taken"][int(self.hours(now))] += 1

    async def step(self, number: int) -> None:
        """Three minutes: partners speak, people book, time passes among them."""
        now = clock.now()
        for one in self.partners:
            if one.silent_from and now - STEP < one.silent_from <= now:
                self.moments.append(Moment(self.seconds(now), "{partner} falls silent", {"partner": one.id}))
        due = [one for one in self.partners if one.next_at <= now and not one.is_silent(now)]
        await asyncio.gather(*(self.say(one) for one in due), *(self.book() for _ in range(BOOKERS)))
        if number % LOOK_EVERY == 0:
            await self.look()
        if number % WATCH_EVERY == 0:
            await partners.freshness.watch(self.db)
            await jobs.drain(self.db)
        clock.move(STEP)


def main(options: Options) -> Report:
    """Runs on a PostgreSQL of its own, with `size` partners (at most 16), hotels and restaurants in turn."""
    report = begun(NAME, TITLE, LEAD, options)
    began = time.monotonic()
    with embedded.temporary(durable=False) as url:
        schema.apply(url)
        asyncio.run(_drill(url, report, min(options.size or PARTNERS, PARTNERS)))
    report.elapsed_s = report.figures["elapsed_s"] = round(time.monotonic() - began, 1)
    return report


async def _drill(url: str, report: Report, size: int) -> None:
    db = await Db(url, size=10).open()
    try:
        _to_morning()
        course = Course(db, random.Random(report.seed))
        await _furnish(course, size)
        for number in range(int(timedelta(hours=HOURS) / STEP)):
            await course.step(number)
        await partners.freshness.watch(db)
        await _judge(course, report)
    finally:
        clock.reset()
        await db.close()


def _to_morning() -> None:
    """Seven in the morning, where the partners are."""
    here = clock.now().astimezone(ZONE)
    wanted = here.replace(hour=7, minute=0, second=0, microsecond=0) + timedelta(days=1)
    clock.move(wanted - here)


async def _furnish(course: Course, size: int) -> None:
    """The demo hotels and restaurants with their words, people with accounts; everything is free, so a booking is certain at once."""
    db, dice = course.db, course.dice
    await db.run(catalogue.apply, BY, catalogue.demo())
    await db.run(inventory.generate, BY)
    await db.run(store.make_free)
    course.zero = now = clock.now()
    for kind in ("hotel", "restaurant"):
        async with db.reading() as tx:
            cards = await catalogue.search(tx, kind=kind)
            venues = [await catalogue.venues.get(tx, card.id) for card in cards]
        for n, venue in enumerate(venues[: (size + (kind == "hotel")) // 2]):
            minutes, day_minutes = partners.feeds.USUAL[kind]
            begin = now + timedelta(minutes=dice.uniform(60, 300))
            pause = timedelta(minutes=day_minutes + dice.uniform(40, 200))
            faithful = n % 4 == 3
            products = [product.id for product in venue.products]
            await db.run(
                partners.register, BY, partner_id=venue.id, name=venue.name, phone=f"+8613800{n:02d}{len(kind):04d}"
            )
            for product_id in products:
                await db.run(partners.feeds.supply, BY, venue.id, product_id)
            course.partners.append(
                Partner(
                    venue.id, kind, products, minutes, day_minutes, timedelta(minutes=180 if kind == "hotel" else 30),
                    None if faithful else begin, None if faithful else begin + pause, now,
                )
            )  # fmt: skip
    course.slots = await db.read(store.slots, [one for each in course.partners for one in each.products], Slot)
    course.people = [await db.run(accounts.open_account) for _ in range(50)]
    for one in course.partners:
        await course.say(one)


async def _judge(course: Course, report: Report) -> None:
    """Every booking against what had been said, and every partner against what it was told."""
    db, found = course.db, course.count
    owners = {product: one for one in course.partners for product in one.products}
    booked = await db.read(store.booked, Booked)
    found["bookings"] = len(booked)
    found["after"] = sum(not owners[one.product_id].holds(one.starts_at, one.placed_at) for one in booked)
    found["touched"] = await db.read(store.not_as_booked)
    for one in course.partners:
        told = Counter(entry.kind for entry in await db.read(partners.freshness.told, one.id))
        wanted = (
            (1, 1) if one.silent_from else (0, 0)
        )  # a word that grew stale in the night may be silent by the morning
        found["told_wrongly"] += (told["silent"], told["recovered"]) != wanted or told["stale"] > wanted[0]
        found["told"] += sum(told.values())
    results = await checks.run_all(db)
    found["broken"] = sum(not one.holds for one in results)
    report.findings += [f"{one.sentence}: {one.offenders[:3]}" for one in results if not one.holds]
    silent = [one for one in course.partners if one.silent_from]
    latest = {one.id: _latest(one, booked) for one in silent}
    report.figures = {
        "bookings": found["bookings"], "refused": found["sale-unconfirmed"], "after": found["after"],
        "partners": len(course.partners), "silent_partners": len(silent), "told": found["told"],
        "pages_said_so": found["pages_said_so"], "invariants": len(results),
        **{name: found[name] for name in MUST_BE_ZERO if name != "after"},
    }  # fmt: skip
    report.goals = [Goal(name, sentence, found[name]) for name, sentence in MUST_BE_ZERO.items()]
    report.goals += [
        Goal("refused_some", "People were refused while partners were silent", found["sale-unconfirmed"], 1, least=True),
        Goal("pages_some", "Pages said so", found["pages_said_so"], 1, least=True),
    ]  # fmt: skip
    report.tiles = [(title, figure, "") for title, figure in TILES]
    report.moments = sorted(course.moments, key=lambda one: one.at_s)
    report.tables = [
        Table(
            "Partners that fell silent", ["Partner", "Silent from (h)", "until (h)", "A word holds (min)", "Last booking after its last word (min)"],
            [[one.id, round(course.hours(one.silent_from), 1), round(course.hours(one.silent_until), 1), one.day_minutes, latest[one.id]]  # type: ignore[arg-type]
             for one in silent],
        )
    ]  # fmt: skip
    hours = range(HOURS)
    report.charts = [
        Chart(
            "Bookings by hour", "",
            [Curve("taken", [(float(h * 3600), float(course.by_hour["taken"][h])) for h in hours]),
             Curve("refused: not confirmed", [(float(h * 3600), float(course.by_hour["refused"][h])) for h in hours])],
        )
    ]  # fmt: skip
    starts = [course.seconds(one.silent_from) for one in silent if one.silent_from]
    ends = [course.seconds(one.silent_until) for one in silent if one.silent_until]
    report.spans = [Span(min(starts), max(ends), "partners are silent")] if silent else []


def _latest(one: Partner, booked: list[Booked]) -> float:
    """How long after its last word before the silence the last booking for that very day was taken, in minutes."""
    assert one.silent_from is not None
    assert one.silent_until is not None
    word = max(said for said in one.said if said < one.silent_from)
    same_day = [
        each.placed_at for each in booked
        if each.product_id in one.products and word <= each.placed_at < one.silent_until
        and (one.kind == "hotel" or each.starts_at.astimezone(ZONE).date() == each.placed_at.astimezone(ZONE).date())
    ]  # fmt: skip
    return round((max(same_day, default=word) - word).total_seconds() / 60, 0)
