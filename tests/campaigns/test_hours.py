"""Campaigns of some hours and weekdays: forecast and watch are of the orders placed while it is offered, and of no others."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from psycopg.types.json import Jsonb

from holdfast import orders
from holdfast.campaigns import guards, hours, stages
from holdfast.campaigns.model import Hours, Schedule
from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from holdfast.orders import backtest
from tests import invariants, world
from tests.campaigns import proposing
from tests.campaigns.running import running, standing
from tests.orders import discounting

DAY = timedelta(days=1)
HOME = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2027, 3, 1, tzinfo=HOME)
"""A Monday."""


def schedule(since: str, until: str, weekdays: list[int] | None = None, zone: str = "Asia/Shanghai") -> Schedule:
    """Offered at these hours from a day before `FIRST` on."""
    return Schedule(
        FIRST - DAY, FIRST + 90 * DAY, weekdays, Hours(time.fromisoformat(since), time.fromisoformat(until)), zone
    )


# Windows


@pytest.mark.parametrize(
    "said",
    [
        schedule("18:30", "21:00"), schedule("22:15", "02:00"), schedule("00:00", "00:00"), schedule("20:00", "00:00"),
        schedule("22:00", "02:00", [5, 6]), schedule("09:00", "17:00", [1, 3, 7], "America/New_York"),
        Schedule(FIRST, FIRST + 90 * DAY, [6, 7]), schedule("06:00", "06:00", [2, 3], "Asia/Kolkata"),
    ],
)  # fmt: skip
def test_windows_are_when_pricing_finds_it_open(said):
    dice = random.Random(5)
    since, until = FIRST - timedelta(hours=5), FIRST + 40 * DAY
    found = hours.windows(said, since, until)
    assert all(opens < closes for opens, closes in found)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(found)), "windows that touch are joined"
    for _ in range(3000):
        at = since + timedelta(seconds=dice.randrange(int((until - since).total_seconds())))
        within = any(opens <= at < closes for opens, closes in found)
        assert within == hours.is_open(said, at.astimezone(ZoneInfo(said.time_zone))), at


def test_hours_are_counted_by_days_and_by_the_seconds_they_are_offered_for():
    made = hours.opened(schedule("18:50", "20:00", [6, 7]), FIRST, FIRST + 28 * DAY)
    assert (made.days[18], made.seconds[18]) == (8, 600)
    assert (made.days[19], made.seconds[19]) == (8, 3600)
    assert sum(made.days) == 16


# The forecast


async def placed_at(db: Db, price_minor: int, at: datetime) -> None:
    """Somebody's order, placed then."""
    slot = await world.open_slot(db, places=50, price_minor=price_minor)
    placed = await world.place(db, world.request(await world.traveller(db), world.basket(slot)))
    await db.run(proposing._back, [placed.order_id], at, True)


@pytest.mark.anyio
async def test_the_share_is_of_the_orders_placed_while_it_is_offered_and_money_of_the_days_on_which_it_is(
    db: Db,
) -> None:
    """Three of four orders of its hour match; ten orders of other hours and of other days are not asked."""
    lin, wu = [await proposing.person(db, role) for role in ("marketing", "finance")]
    noon = (clock.now().astimezone(HOME) - 8 * DAY).replace(hour=12, minute=40, second=0, microsecond=0)
    said = proposing.content(
        await proposing.envelope(db, lin, wu),
        schedule=Schedule(
            clock.now() - DAY, clock.now() + 20 * DAY, [noon.isoweekday()], Hours(time(12, 30), time(13))
        ),
    )
    for minor in (10_000, 10_000, 10_000, 4000):
        await placed_at(db, minor, noon)
    for n in range(5):
        await placed_at(db, 10_000, noon - timedelta(hours=3 + n))
        await placed_at(db, 10_000, noon + DAY)
    result = (await backtest.run(db, lin.actor, "spring", said, days=28)).result
    assert (result.orders, result.offered, result.matched, result.share) == (14, 4, 3, 0.75)
    assert sum(day.orders for day in result.days) == 14
    assert result.hourly_minor[12] == round(3000 / 4), "four such days in four weeks"
    assert result.open_s[12] == 1800
    pace, _depth = guards.pace([1_000_000 * (hour == 12) for hour in range(24)], 3000, result.open_s)
    assert pace[12] == 2_000_000, "in half an hour as much as was foreseen for the hour"


# Thirty days

WATCHED = """create function pg_temp.watched(one uuid, steps jsonb, begun timestamptz) returns jsonb language plpgsql as $$
declare
  r campaigns.running; step jsonb; got record; n int := 0; highest double precision := 0;
begin
  select * into r from campaigns.running where version_id = one;
  for step in select s from jsonb_array_elements(steps) with ordinality as d (s, o) order by o loop
    got := campaigns.watch(r, 0, 1, '{museum}', 'web', (step ->> 0)::bigint, begun + (step ->> 1)::double precision * interval '1 second');
    r := got.r; n := n + 1; highest := greatest(highest, r.share_sum);
    if got.verdict is not null then
      return jsonb_build_array(n, got.verdict, highest);
    end if;
  end loop;
  return jsonb_build_array(n, null, highest);
end $$"""
VOLUME = [4, 2, 1, 1, 1, 2, 6, 20, 60, 90, 110, 120, 130, 120, 110, 110, 100, 100, 110, 130, 150, 120, 60, 20]
"""Orders by hour of the day."""
LEAK_DAYS = 3


class Course(msgspec.Struct):
    """Orders of some days: the moment of each in seconds, and which of them match; and how many were placed while it was offered."""

    at: list[float]
    matching: list[int]
    offered: int


def course(said: Schedule, share: float, days: int, dice: random.Random) -> Course:
    """So many days; a share of the orders matches while it is offered. On the days after these everything does."""
    made = Course([], [], 0)
    for day in range(days + LEAK_DAYS):
        for hour, number in enumerate(VOLUME):
            for at in sorted(dice.uniform(0, 3600) for _ in range(number)):
                second = day * 86_400 + hour * 3600 + at
                made.at.append(second)
                if hours.is_open(said, FIRST + timedelta(seconds=second)):
                    made.offered += day < days
                    if day >= days or dice.random() < share:
                        made.matching.append(len(made.at))
    return made


async def watched(db: Db, share: float, said: Schedule, made: Course) -> tuple[int, str | None, float]:
    """How the database watches it: at which matching order it stopped, why, and how high the sum came."""
    version = await discounting.campaign(db)
    up, down = guards.share_steps(share)
    await discounting.change(
        db, version, share_up=up, share_down=down, share_limit=guards.SHARE_LIMIT, open_until=FIRST - DAY
    )
    marks: dict[float, int] = {}
    for n, at in enumerate(made.at):
        marks.setdefault(at // 300 * 300, n)

    async def run(tx: Tx) -> Any:
        await tx.execute("delete from campaigns.seen_marks")
        await tx.execute(
            """insert into campaigns.seen_marks (at, seen)
               select %(begun)s::timestamptz + a * interval '1 second', n from unnest(%(at)s::float[], %(n)s::bigint[]) as t (a, n)""",
            begun=FIRST, at=list(marks), n=list(marks.values()),
        )  # fmt: skip
        windows = hours.windows(said, FIRST, FIRST + 60 * DAY)
        await tx.execute(
            """insert into campaigns.windows (version_id, opens, closes)
               select %(id)s, o, c from unnest(%(opens)s::timestamptz[], %(closes)s::timestamptz[]) as t (o, c)""",
            id=version.version_id, opens=[one for one, _ in windows], closes=[one for _, one in windows],
        )  # fmt: skip
        await tx.execute("drop function if exists pg_temp.watched")
        await tx.execute(WATCHED)
        return await tx.value(
            "select pg_temp.watched(%(id)s, %(steps)s, %(begun)s)", id=version.version_id, begun=FIRST,
            steps=Jsonb([(n, made.at[n - 1]) for n in made.matching]),
        )  # fmt: skip

    found: tuple[int, str | None, float] = tuple(await db.run(run))
    return found


def reckoned(share: float, said: Schedule, made: Course) -> int | None:
    """The same by the arithmetic, with every order counted one by one."""
    meter = guards.Meter(guards.watch(guards.Forecast(share, None, None, [0] * 24, 1000), is_gift=True))
    closed = [not hours.is_open(said, FIRST + timedelta(seconds=at)) for at in made.at]
    for n, seen in enumerate(made.matching, 1):
        if meter.match(0, seen, 12, made.at[seen - 1], sum(closed[meter.seen : seen - 1])) is not None:
            return n
    return None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "share"),
    [
        (schedule("20:00", "22:00"), 0.2),  # many of the orders of two hours: of all orders, a sixth of that
        (schedule("07:00", "08:00"), 0.4),  # a quiet hour
        (schedule("12:30", "12:45"), 0.02),  # an order on most days: nearly every gap goes over closed hours
        (schedule("22:00", "02:00", [5, 6, 7]), 0.1),  # over midnight, on three days
    ],
)
async def test_thirty_usual_days_do_not_stop_it_and_a_leak_in_its_hours_does_at_once(
    db: Db, said: Schedule, share: float
) -> None:
    for seed in range(3):
        days = 32 if said.weekdays is None else 33
        made = course(said, share, days, random.Random(seed))
        leak = sum(made.at[n - 1] < days * 86_400 for n in made.matching)
        order, why, highest = await watched(db, share, said, made)
        assert why == "share"
        assert leak < order <= leak + guards.share_trips_after(share), "the leak, not the days before"
        assert order == reckoned(share, said, made)
        assert highest >= guards.SHARE_LIMIT


@pytest.mark.anyio
async def test_reckoned_over_all_hours_its_usual_days_would_stop_it(db: Db) -> None:
    """Why it is done: the share of the hours against that of the day is an accident by itself."""
    said = schedule("07:00", "08:00")
    made = course(said, 0.4, 32, random.Random(0))
    order, why, _highest = await watched(db, 0.4 * made.offered / len(made.at), said, made)
    assert (why, order < 50) == ("share", True)


# By real bookings


async def evening(db: Db) -> tuple[Any, world.SlotWorld, world.SlotWorld]:
    """A campaign that is offered for two hours of each day, begun ten minutes after they began; where people book."""
    lin, wu, chen = [await proposing.person(db, role) for role in ("marketing", "finance", "marketing")]
    here = clock.now().astimezone(HOME)
    opens = here - timedelta(minutes=10)
    opens = opens.replace(minute=opens.minute // 5 * 5, second=0, microsecond=0)
    before = clock.now() - 3 * DAY
    for minor in (10_000, *[4000] * 9):
        await placed_at(db, minor, before + timedelta(minutes=2))
    for n in range(6):
        await placed_at(db, 10_000, before + timedelta(hours=3 + 3 * n))
    said = proposing.content(
        await proposing.envelope(db, lin, wu),
        schedule=Schedule(
            clock.now() - DAY, clock.now() + 20 * DAY,
            hours=Hours(opens.time(), (opens + timedelta(hours=2)).time()),
        ),
    )  # fmt: skip
    version_id = await proposing.started(db, lin, [chen, wu], said)
    slots = [await world.open_slot(db, places=1000, price_minor=minor) for minor in (10_000, 4000)]
    return version_id, slots[0], slots[1]


@pytest.mark.anyio
async def test_bookings_of_closed_hours_are_counted_neither_by_the_watch_nor_by_its_stages(db: Db) -> None:
    version_id, slot, other = await evening(db)
    place = orders.group_commit(db, lanes=1)

    async def book(where: world.SlotWorld, times: int) -> list[orders.Placed]:
        people = [await world.traveller(db) for _ in range(times)]
        return [await place(world.request(one, world.basket(where))) for one in people]

    async def row() -> dict[str, Any]:
        async with db.reading() as tx:
            [found] = await tx.dicts("select * from campaigns.running where version_id = %(id)s", id=version_id)
        return found

    try:
        up, down = (await row())["share_up"], (await row())["share_down"]
        assert (up, down) == pytest.approx(guards.share_steps(0.1)), "of ten orders of its hours one matched"
        [first] = await book(slot, 1)
        assert first.amount_minor == 9000
        assert (await row())["open_until"] > clock.now()
        await book(slot, 2)
        assert (await row())["share_sum"] == pytest.approx(3 * up)
        clock.move(timedelta(hours=3))
        assert [one.amount_minor for one in await book(slot, 12)] == [10_000] * 12, "not at this hour"
        clock.move(timedelta(hours=21))
        await book(other, 1)
        await book(slot, 1)
        now = await row()
        assert now["share_sum"] == pytest.approx(3 * up + down + up), "one did not match while it was offered"
        assert (now["matched"], now["state"]) == (4, "canary")
        seen = await standing(db, version_id)
        assert (seen.matched, seen.seen) == (4, 5)
        share = next(one for one in stages.cheap(seen, clock.now()) if one.name == "share")
        assert share.values["percent"] == 80.0
        assert (await running(db)).matched == 4
    finally:
        clock.reset()
    await invariants.require(db)


@pytest.mark.anyio
async def test_one_booking_in_five_minutes_marks_when_orders_were_placed(db: Db) -> None:
    slot = await world.open_slot(db, places=100)
    place = orders.group_commit(db, lanes=1)

    async def marks() -> list[tuple[datetime, int]]:
        async with db.reading() as tx:
            return [(at, int(n)) for at, n in await tx.tuples("select at, seen from campaigns.seen_marks order by at")]

    start = clock.now()
    grid = start + timedelta(seconds=300 - start.timestamp() % 300 + 1)
    try:
        clock.move(grid - start)
        for _ in range(3):
            await place(world.request(await world.traveller(db), world.basket(slot)))
        [*_before, (at, seen)] = await marks()
        assert at == (grid - timedelta(seconds=1)).astimezone(UTC).replace(microsecond=0)
        clock.move(timedelta(minutes=12))
        await place(world.request(await world.traveller(db), world.basket(slot)))
        (later, more) = (await marks())[-1]
        assert (later - at, more - seen) == (timedelta(minutes=10), 3)
    finally:
        clock.reset()


@pytest.mark.anyio
async def test_marks_that_nothing_counts_any_more_go_and_no_count_changes(db: Db) -> None:
    version_id, slot, other = await evening(db)
    place = orders.group_commit(db, lanes=1)

    async def marks() -> int:
        async with db.reading() as tx:
            return int(await tx.value("select count(*) from campaigns.seen_marks"))

    try:
        before = await marks()
        for step in range(6):
            clock.move(timedelta(minutes=15))
            await place(world.request(await world.traveller(db), world.basket(slot if step == 2 else other)))
        counted, all_ = await standing(db, version_id), await marks()
        assert (all_, await stages.forget_marks(db)) == (before + 6, before)
        assert await standing(db, version_id) == counted
        assert await stages.forget_marks(db) == 0
        over = "update campaigns.running set state = 'ended' where version_id = %(id)s"
        await db.run(lambda tx: tx.execute(over, id=version_id))
        left = await marks()
        assert (await stages.forget_marks(db), await marks()) == (left - 1, 1)
    finally:
        clock.reset()
