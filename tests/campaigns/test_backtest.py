"""From recorded orders to the forecast, and from the forecast to the watches that stop a campaign."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest

from holdfast.campaigns import guards, simulation
from holdfast.campaigns.guards import Forecast
from holdfast.campaigns.model import Schedule, SingleCode
from holdfast.campaigns.nodes import DateBetween, IsTrue
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.orders import backtest
from tests import world
from tests.campaigns import proposing


def forecast(share: float = 0.02, mean_minor: float = 1095, sd: float = 1.2, **other) -> Forecast:
    fields = {"hourly_minor": [100_000] * 24, "cap_minor": 3000} | other
    return Forecast(share, math.log(mean_minor), sd, **fields)


# Share


def test_two_percent_gives_the_steps_of_the_published_example():
    up, down = guards.share_steps(0.02)
    assert (round(up, 2), round(down, 2)) == (2.12, -0.63)
    assert guards.share_trips_after(0.02) == 10


@pytest.mark.parametrize("share", [0, 0.0005, 0.001, 0.02, 0.1, 0.2, 0.3, 0.5, 0.9, 1.0])
def test_the_share_watch_goes_down_at_three_times_the_forecast_and_up_when_everything_matches(share):
    up, down = guards.share_steps(share)
    normal = min(3 * max(share, 0.001), 0.5)
    assert up > 0 > down
    assert normal * up + (1 - normal) * down < 0, "what is still normal does not add up"
    assert guards.share_trips_after(share) <= 30


def test_the_share_watch_sleeps_through_many_orders_at_three_times_the_forecast():
    draw, (up, down), total, highest = random.Random(7), guards.share_steps(0.02), 0.0, 0.0
    for _order in range(300_000):
        total = max(0.0, total + (up if draw.random() < 0.06 else down))
        highest = max(highest, total)
    assert highest < guards.SHARE_LIMIT


# Size


def size_sum(watch: guards.Watch, amounts) -> float:
    """The sum as the database computes it: one step is worth at most 3."""
    total = 0.0
    for amount in amounts:
        total = max(0.0, total + max(-3.0, min(3.0, watch.size_gain * (math.log(amount) - watch.size_shift))))
    return total


def test_five_times_the_discount_stops_within_twenty_and_the_usual_never_does():
    watch = guards.watch(forecast(sd=0.0), is_gift=False)
    assert size_sum(watch, [1095] * 10_000) == 0
    assert size_sum(watch, [5 * 1095] * 9) < watch.size_limit <= size_sum(watch, [5 * 1095] * 10)
    draw = random.Random(3)
    spread = guards.watch(forecast(), is_gift=False)
    usual = [draw.lognormvariate(math.log(1095), 1.2) for _ in range(100_000)]
    assert size_sum(spread, usual) < spread.size_limit
    assert size_sum(spread, [5 * one for one in usual[:200]]) >= spread.size_limit


def test_without_any_discount_in_the_past_size_is_not_watched_and_a_gift_is_watched_by_share_alone():
    nothing = guards.watch(Forecast(0.0, None, None, [0] * 24, 3000), is_gift=False)
    assert (nothing.size_gain, nothing.size_limit) == (None, None)
    assert nothing.pace_depth == 20 * 3000
    gift = guards.watch(forecast(), is_gift=True)
    assert (gift.size_limit, gift.pace_minor, gift.pace_depth) == (None, None, None)
    assert gift.share_limit == guards.SHARE_LIMIT


# Pace


def test_quiet_hours_have_a_floor_and_the_bucket_holds_half_a_minute_of_three_times_the_peak():
    hours, depth = guards.pace([0] * 12 + [7_200_000] * 12, 3000)
    assert hours[0] == 7_200_000 // 20
    assert depth == 30 * 3 * 7_200_000 // 3600
    assert guards.pace([0] * 24, 3000) == ([3000] * 24, 60_000)


@pytest.mark.parametrize(("times", "seconds", "trips"), [(4, 60, False), (8, 60, True), (3, 3600, False)])
def test_a_short_push_passes_and_an_undeclared_large_one_does_not(times, seconds, trips):
    hours, depth = guards.pace([3_600_000] * 24, 3000)
    tokens, a_second = float(depth), 1000
    for _second in range(seconds):
        tokens = min(depth, tokens + guards.PACE_FACTOR * hours[0] / 3600) - times * a_second
    assert (tokens < 0) is trips


# The backtest itself


@pytest.fixture
async def people(db):
    return [await proposing.person(db, "marketing"), await proposing.person(db, "finance")]


async def counted(db: Db) -> dict[str, int]:
    """Rows that a booking or a campaign would write."""
    tables = ("orders.orders", "orders.events", "campaigns.reservations", "campaigns.running", "kit.outbox")
    return {name: int(await world.value(db, f"select count(*) from {name}")) for name in tables}


@pytest.mark.anyio
async def test_the_past_is_priced_by_the_real_code_and_nothing_but_the_result_is_written(db, people):
    lin, wu = people
    said = proposing.content(await proposing.envelope(db, lin, wu))
    await proposing.orders_of_the_past(db, 10_000, 4000, 30_000)
    await proposing.orders_of_the_past(db, 20_000, paid=False)
    await proposing.orders_of_the_past(db, 50_000, days_ago=40)
    before = await counted(db)
    made = await backtest.run(db, lin.actor, "spring", said)
    assert await counted(db) == before
    result = made.result
    assert (result.orders, result.matched, result.unpaid, result.people) == (4, 3, 1, 3)
    assert result.total_minor == 1000 + 2000 + 2000
    assert result.share == 0.75
    assert result.log_mean == pytest.approx((math.log(1000) + 2 * math.log(2000)) / 3)
    assert [(case.list_minor, case.discount_minor, case.after_minor) for case in result.extreme][-1] == (
        10_000,
        1000,
        9000,
    )
    assert [(case.list_minor, case.stood) for case in result.nearest] == [(4000, "when")]
    assert result.nearest[0].missed[0]["says"]["en"] == "price of the tickets it is for is at least ¥50.00"
    assert sum(day.minor for day in result.days) == 5000
    assert len(result.hourly_minor) == 24
    assert (await db.read(simulation.require, said.hash)).result == result


@pytest.mark.anyio
async def test_the_same_orders_give_the_same_hash_and_one_more_order_another(db, people):
    lin, wu = people
    said = proposing.content(await proposing.envelope(db, lin, wu))
    await proposing.orders_of_the_past(db, 10_000)
    once = await backtest.run(db, lin.actor, "spring", said)
    again = await backtest.run(db, wu.actor, "spring", said)
    assert (once.dataset_hash, once.result_hash) == (again.dataset_hash, again.result_hash)
    await proposing.orders_of_the_past(db, 12_000)
    assert (await backtest.run(db, lin.actor, "spring", said)).dataset_hash != once.dataset_hash


@pytest.mark.anyio
async def test_facts_are_as_they_were_then(db, people):
    """Who had ordered before is no newcomer; who comes a third time has used it up; a changed date counts as booked first."""
    lin, wu = people
    envelope_id = await proposing.envelope(db, lin, wu)
    slot = await world.open_slot(db, places=50, price_minor=10_000)
    mei = await world.traveller(db)
    for days_ago in (9, 6, 3):
        placed = await world.place(db, world.request(mei, world.basket(slot)))
        await db.run(proposing._back, [placed.order_id], clock.now() - timedelta(days=days_ago), True)
    first = await backtest.run(db, lin.actor, "spring", proposing.content(envelope_id, when=IsTrue("first_order")))
    assert (first.result.matched, first.result.orders) == (1, 3)
    thrice = await backtest.run(db, lin.actor, "spring", proposing.content(envelope_id))
    assert (thrice.result.matched, thrice.result.limited, thrice.result.per_person) == (2, 1, [(2, 1)])


@pytest.mark.anyio
async def test_what_the_envelope_forbids_is_found_on_past_orders(db, people):
    lin, wu = people
    said = proposing.content(await proposing.envelope(db, lin, wu, max_minor=1500, max_bp=1000))
    await proposing.orders_of_the_past(db, 10_000, 30_000)
    result = (await backtest.run(db, lin.actor, "spring", said)).result
    assert (result.outside, [case.discount_minor for case in result.outside_cases]) == (1, [2000])


@pytest.mark.anyio
async def test_conditions_over_dates_meet_past_orders_moved_by_whole_weeks(db, people):
    lin, wu = people
    start_at = clock.now() + timedelta(days=14)
    dated = proposing.content(
        await proposing.envelope(db, lin, wu), schedule=Schedule(start_at, start_at + timedelta(days=30)),
        scope=DateBetween("visit_date", start_at.date(), start_at.date() + timedelta(days=60)),
    )  # fmt: skip
    await proposing.orders_of_the_past(db, 10_000)
    made = await backtest.run(db, lin.actor, "spring", dated)
    assert (made.scope.weeks_moved, made.result.matched) == (7, 1)


@pytest.mark.anyio
async def test_with_codes_it_is_tried_as_if_everybody_had_one(db, people):
    lin, wu = people
    said = proposing.content(await proposing.envelope(db, lin, wu), codes=SingleCode("SPRING27"))
    await proposing.orders_of_the_past(db, 10_000)
    made = await backtest.run(db, lin.actor, "spring", said)
    assert (made.scope.with_code, made.result.matched) == (True, 1)
    forecast = simulation.forecast(made.result, share_bp=200, cap_minor=2000)
    assert (forecast.share, sum(forecast.hourly_minor)) == (
        0.02,
        sum(round(m * 0.02) for m in made.result.hourly_minor),
    )


@pytest.mark.anyio
async def test_many_orders_are_read_in_batches(db, people, monkeypatch):
    lin, wu = people
    said = proposing.content(await proposing.envelope(db, lin, wu))
    await proposing.orders_of_the_past(db, *[10_000] * 7)
    whole = await backtest.run(db, lin.actor, "spring", said)
    monkeypatch.setattr(backtest, "BATCH", 2)
    assert (await backtest.run(db, lin.actor, "spring", said)).result == whole.result
    monkeypatch.setattr(backtest, "ORDERS_MAX", 4)
    sampled = await backtest.run(db, lin.actor, "spring", said)
    assert sampled.scope.sample == 2
    assert sampled.result.orders <= 7
