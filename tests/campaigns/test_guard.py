"""The guards in the booking's transaction: exact budgets over processes, watches as the arithmetic says, a stop that stays."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from holdfast import orders
from holdfast.campaigns import guards
from holdfast.campaigns.model import BenefitOver
from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from tests import invariants, world
from tests.orders import discounting

pytestmark = pytest.mark.anyio
TEN_OFF = {"type": "amount", "amount_minor": 1000, "per": "order"}
EXPECTED = guards.Forecast(0.02, 6.0, 0.8, [36_000] * 24, 3000)


async def book(db: Db, place: Any, slot: world.SlotWorld) -> orders.Placed:
    placed: orders.Placed = await place(world.request(await world.traveller(db), world.basket(slot)))
    return placed


async def standing(db: Db, version: discounting.Running) -> dict[str, Any]:
    async with db.reading() as tx:
        [found] = await tx.dicts("select * from campaigns.running where version_id = %(id)s", id=version.version_id)
    return found


async def watched(db: Db, version: discounting.Running, watch: guards.Watch, **more: Any) -> None:
    figures = {name: getattr(watch, name) for name in watch.__struct_fields__ if name != "pace_minor"}
    await discounting.change(db, version, **{**figures, "pace_minor": watch.pace_minor, **more})


async def test_eight_processes_never_overspend_the_last_hundred_yuan(db: Db, database_url: str) -> None:
    """320 people want ten yuan each of a hundred; afterwards nothing of it is stranded."""
    slot = await world.open_slot(db, places=1000, real_name=False, once_per_document=False)
    made = await discounting.on_offer(db, TEN_OFF)
    await discounting.change(db, made, budget_minor=10_000)
    command = [sys.executable, "-m", "tests.campaigns.racer", database_url, str(slot.slot_id), slot.price_id, "40"]
    racers = [
        await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=dict(os.environ))
        for _ in range(8)
    ]
    outcomes: Counter[str] = Counter()
    for racer in racers:
        said, _ = await racer.communicate()
        assert racer.returncode == 0
        for line in said.decode().splitlines():
            outcome, number = line.split()
            outcomes[outcome] += int(number)
    assert sum(outcomes.values()) == 320
    [less, full] = sorted(int(one.split(":")[1]) for one in outcomes if one.startswith("placed:"))
    assert less == full - 1000
    assert outcomes[f"placed:{less}"] == 10
    assert set(outcomes) <= {f"placed:{less}", f"placed:{full}", "benefit-over:budget"}
    assert (await standing(db, made))["used_minor"] == 10_000
    await invariants.require(db)

    clock.move(timedelta(days=1))
    await orders.expiry.sweep(db)
    after = await standing(db, made)
    assert (after["used_minor"], after["used_count"], after["full_since"]) == (0, 0, None)
    clock.reset()
    await invariants.require(db)


async def test_the_database_watches_as_the_arithmetic_says(db: Db) -> None:
    """Thousands of matching orders with others between them, at all hours: both come to the same sums and the same verdicts."""
    made = await discounting.on_offer(db, TEN_OFF)
    watch, dice = guards.watch(EXPECTED, is_gift=False), random.Random(7)
    await watched(db, made, watch)
    meter, seen, now = guards.Meter(watch), 0, clock.now()
    verdicts: Counter[str | None] = Counter()

    async def steps(tx: Tx) -> None:
        nonlocal meter, seen, now
        for n in range(3000):
            calm = n % 500 < 440
            seen += 1 + (dice.randrange(120) if calm else 0)
            amount = round(dice.lognormvariate(6.0 if calm else 7.5, 0.8))
            now += timedelta(seconds=dice.expovariate(0.05 if calm else 5))
            [found] = await tx.dicts(
                """with w as (select campaigns.watch(t, %(amount)s, 100000000, '{museum}', 'web', %(seen)s, %(at)s) as w
                                from campaigns.running t where version_id = %(id)s)
                   update campaigns.running t set share_sum = ((w.w).r).share_sum, share_seen = ((w.w).r).share_seen, size_sum = ((w.w).r).size_sum,
                          tokens = ((w.w).r).tokens, tokens_at = ((w.w).r).tokens_at, matched = ((w.w).r).matched
                     from w where t.version_id = %(id)s returning t.share_sum, t.size_sum, t.tokens, (w.w).verdict""",
                amount=amount, seen=seen, at=now, id=made.version_id,
            )  # fmt: skip
            hour = (now + timedelta(hours=8)).hour
            verdict = meter.match(amount, seen, hour, now.timestamp())
            if amount > 3000:
                assert found["verdict"] in ("envelope", verdict)
            else:
                assert found["verdict"] == verdict, n
            assert found["share_sum"] == pytest.approx(meter.share_sum, rel=1e-9, abs=1e-9)
            assert found["size_sum"] == pytest.approx(meter.size_sum, rel=1e-9, abs=1e-9)
            assert found["tokens"] == pytest.approx(meter.tokens, rel=1e-6, abs=1e-2)
            verdicts[verdict] += 1

    await db.run(steps)
    assert {"share", "pace"} <= set(verdicts), verdicts
    assert verdicts[None] > 300


async def test_what_breaks_its_envelope_is_refused_and_stopped_at_once(db: Db) -> None:
    slot = await world.open_slot(db, places=50)
    made = await discounting.on_offer(db, TEN_OFF)
    await discounting.change(db, made, max_minor=999)
    place = orders.group_commit(db, lanes=1)
    with pytest.raises(BenefitOver) as refused:
        await book(db, place, slot)
    assert refused.value.fields["reason"] == "stopped"
    now = await standing(db, made)
    assert (now["state"], now["used_minor"], now["epoch"]) == ("tripped", 0, 2)
    [trip] = await db.read(_trips)
    assert (trip["reason"], trip["evidence"]["amount_minor"], trip["evidence"]["max_minor"]) == ("envelope", 1000, 999)
    assert (await book(db, place, slot)).amount_minor > 0  # others go on, at the price without it
    await invariants.require(db)


async def _trips(tx: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await tx.dicts("select * from campaigns.trips order by at")
    return found


async def test_everybody_matching_stops_it_after_ten_and_within_one_batch(db: Db) -> None:
    """Orders of one flush are decided one after the other: a large batch lets no more pass than single ones."""
    slot = await world.open_slot(db, places=500)
    made = await discounting.on_offer(db, TEN_OFF)
    watch = guards.watch(EXPECTED, is_gift=False)
    await watched(db, made, watch, size_limit=None, pace_depth=None)
    place = orders.group_commit(db, lanes=1)
    people = [await world.traveller(db) for _ in range(60)]
    requests = [world.request(one, world.basket(slot)) for one in people]
    answers = await asyncio.gather(*(place(one) for one in requests), return_exceptions=True)
    granted = (await standing(db, made))["used_count"]
    assert granted == guards.share_trips_after(0.02) - 1 == 9
    refused = [one for one in answers if isinstance(one, BenefitOver)]
    assert {one.fields["reason"] for one in refused} == {"stopped"}
    assert len([one for one in answers if isinstance(one, orders.Placed)]) >= 9
    assert [one["reason"] for one in await db.read(_trips)] == ["share"]
    await invariants.require(db)


async def test_orders_without_it_calm_the_watch(db: Db) -> None:
    slot, other = await world.open_slot(db, places=500), await world.open_slot(db, places=500)
    made = await discounting.on_offer(
        db, TEN_OFF, scope={"op": "in", "field": "venue_id", "values": [slot.venue_id]}
    )  # fmt: skip
    await watched(db, made, guards.watch(EXPECTED, is_gift=False), size_limit=None, pace_depth=None)
    place = orders.group_commit(db, lanes=1)
    for _ in range(12):
        await book(db, place, slot)
        for _ in range(6):
            await book(db, place, other)
    now = await standing(db, made)
    assert (now["state"], now["used_count"]) == ("live", 12)
    assert now["share_sum"] < 4


async def test_a_replayed_booking_counts_once(db: Db) -> None:
    slot = await world.open_slot(db)
    made = await discounting.on_offer(db, TEN_OFF)
    place, asked = orders.group_commit(db, lanes=1), world.request(await world.traveller(db), world.basket(slot))
    first = await place(asked)
    assert await place(asked) == first
    now = await standing(db, made)
    assert (now["used_count"], now["matched"]) == (1, 1)


async def test_a_person_is_one_over_all_linked_accounts(db: Db) -> None:
    slot = await world.open_slot(db, places=50)
    made = await discounting.on_offer(db, TEN_OFF, limits={"budget_minor": 1_000_000, "per_person": 1})
    await discounting.change(db, made, per_person=1)
    mei, same = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, same)
    place = orders.group_commit(db, lanes=1)
    first, second = await asyncio.gather(
        *(place(world.request(one, world.basket(slot))) for one in (mei, same)), return_exceptions=True
    )
    assert isinstance(first, orders.Placed)
    assert isinstance(second, BenefitOver)
    assert second.fields["reason"] == "person"
    again = await place(world.request(same, world.basket(slot)))
    assert again.amount_minor == first.amount_minor + 1000
    await invariants.require(db)


async def test_what_is_stopped_gets_nothing_back(db: Db) -> None:
    """Money of a stopped campaign stays where the decision about it looks for it."""
    slot = await world.open_slot(db, places=50)
    made = await discounting.on_offer(db, TEN_OFF)
    place, mei = orders.group_commit(db, lanes=1), await world.traveller(db)
    placed = await place(world.request(mei, world.basket(slot)))
    await discounting.trip(db, made)
    await world.run_out(db, await world.order_of(db, mei, placed.number))
    await orders.expiry.sweep(db)
    assert (await standing(db, made))["used_minor"] == 1000
    await invariants.require(db)
