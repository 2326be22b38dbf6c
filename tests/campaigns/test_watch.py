"""What is foreseen never stops a campaign, however large its share; what is not foreseen does, within a booking."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from holdfast.campaigns import guards
from holdfast.kit.db import Db, Tx
from tests import world
from tests.orders import discounting

pytestmark = pytest.mark.anyio


def stops(share: float, actual: float, orders: int, *, seed: int = 1) -> int | None:
    """The number of the order at which the share stops it, when so many really match; None: it does not."""
    meter, dice = (
        guards.Meter(guards.watch(guards.Forecast(share, None, None, [0] * 24, 1000), is_gift=True)),
        random.Random(seed),
    )
    for n in range(1, orders + 1):
        if dice.random() < actual and meter.match(0, n, 12, float(n)) is not None:
            return n
    return None


@pytest.mark.parametrize("share", [0.001, 0.02, 0.1, 0.5, 0.6, 0.8, 0.95, 1.0])
def test_a_share_as_foreseen_stops_nothing(share):
    assert [stops(share, share, 50_000, seed=seed) for seed in range(3)] == [None] * 3


@pytest.mark.parametrize(("share", "within"), [(0.001, 10), (0.02, 12), (0.1, 30), (0.3, 60), (0.5, 60)])
def test_everybody_matching_stops_what_was_foreseen_for_less(share, within):
    found = stops(share, 1.0, 1000)
    assert found is not None
    assert found <= within


def test_what_more_than_half_are_to_get_is_left_to_the_other_watches():
    made = guards.watch(guards.Forecast(0.9, 6.0, 0.5, [10_000] * 24, 3000), is_gift=False)
    assert (made.share_limit, made.size_limit, made.pace_depth) == (None, guards.SIZE_LIMIT, 60_000)


# The database's arithmetic is this arithmetic

REPLAY = """create function pg_temp.replay(one uuid, courses jsonb) returns jsonb language plpgsql as $$
declare
  r campaigns.running; fresh campaigns.running; course jsonb; step jsonb; got record; found jsonb := '[]'; n int; why text;
begin
  select * into fresh from campaigns.running where version_id = one;
  for course in select c from jsonb_array_elements(courses) with ordinality as d (c, o) order by o loop
    r := fresh; n := 0; why := null;
    for step in select s from jsonb_array_elements(course) with ordinality as d (s, o) order by o loop
      got := campaigns.watch(r, (step ->> 0)::bigint, 10000000000, '{museum}', 'web', (step ->> 1)::bigint,
                             timestamptz '2027-02-06 00:00+00' + (step ->> 2)::double precision * interval '1 second');
      r := got.r; n := n + 1; why := got.verdict;
      exit when why is not null;
    end loop;
    found := found || jsonb_build_array(jsonb_build_array(n, why, r.share_sum, r.size_sum, r.tokens));
  end loop;
  return found;
end $$"""
COURSES, STEPS = 10_000, 14


async def test_ten_thousand_courses_come_to_the_same_sums_and_stop_at_the_same_order(db: Db) -> None:
    made = await discounting.campaign(db)
    watch = guards.watch(
        guards.Forecast(0.02, 6.0, 0.8, [36_000 + 7_000 * hour for hour in range(24)], 3000), is_gift=False
    )
    for name in watch.__struct_fields__:
        await discounting.change(db, made, **{name: getattr(watch, name)})
    dice, courses, expected = random.Random(11), [], []
    for _ in range(COURSES):
        meter, seen, at, wild = guards.Meter(watch), 0, float(dice.randrange(86_400)), dice.random()
        steps: list[tuple[int, int, float]] = []
        verdict = None
        for _n in range(STEPS):
            seen += 1 + (dice.randrange(150) if dice.random() > wild else 0)
            amount = round(min(dice.lognormvariate(6.0 + 2.5 * wild, 0.8), 900_000))
            at += round(dice.expovariate(0.02 + wild), 3)
            steps.append((amount, seen, at))
            if verdict is None:
                verdict = meter.match(amount, seen, int(at // 3600 + 8) % 24, at)
                count = len(steps)
        courses.append(steps)
        expected.append((count, verdict, meter.share_sum, meter.size_sum, meter.tokens))

    async def run(tx: Tx) -> list[list[Any]]:
        await tx.execute(REPLAY)
        found: list[list[Any]] = await tx.value(
            "select pg_temp.replay(%(id)s, %(courses)s)", id=made.version_id, courses=Jsonb(courses)
        )
        return found

    found = await db.run(run)
    assert [tuple(one[:2]) for one in found] == [one[:2] for one in expected]
    for got, wanted in zip(found, expected, strict=True):
        assert got[2:4] == pytest.approx(list(wanted[2:4]), rel=1e-9, abs=1e-9)
        assert got[4] == pytest.approx(wanted[4], rel=1e-6, abs=1e-2)
    assert {one[1] for one in expected} == {None, "share", "size", "pace"}


async def test_orders_of_several_processes_add_up_to_one_sum(db: Db, database_url: str) -> None:
    """Four processes, two bookings each, some in one batch and some not: eight steps up, whoever took which."""
    slot = await world.open_slot(db, places=100, real_name=False, once_per_document=False)
    made = await discounting.on_offer(db, {"type": "amount", "amount_minor": 1000, "per": "order"})
    watch = guards.watch(guards.Forecast(0.02, 6.0, 0.5, [10_000] * 24, 3000), is_gift=False)
    await discounting.change(
        db, made, share_up=watch.share_up, share_down=watch.share_down, share_limit=watch.share_limit
    )
    command = [sys.executable, "-m", "tests.campaigns.racer", database_url, str(slot.slot_id), slot.price_id, "2"]
    racers = [
        await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=dict(os.environ))
        for _ in range(4)
    ]
    for racer in racers:
        await racer.communicate()
        assert racer.returncode == 0
    async with db.reading() as tx:
        [row] = await tx.dicts("select * from campaigns.running where version_id = %(id)s", id=made.version_id)
    assert (row["matched"], row["used_count"], row["state"]) == (8, 8, "live")
    assert watch.share_up is not None
    assert row["share_sum"] == pytest.approx(8 * watch.share_up)
