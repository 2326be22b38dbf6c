"""Rules that staff make: every change is a new row, what it does is shown first, and lifting it brings back what was."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from psycopg import errors

from holdfast import catalogue, inventory
from holdfast.inventory import policies, policy_examples, safety
from holdfast.inventory.policies import Mark, Plan, PolicyOver, Wish
from holdfast.kit import actor, clock
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import InvalidInput

from .conftest import sell, slot

pytestmark = pytest.mark.anyio
LIN = actor.system("test")
FRIDAY = date(2027, 5, 7)
GROUND = {"zh": "限流", "en": "Fewer people"}


def rule(kind: Any = "absolute", value: int = 50, **more: Any) -> Plan:
    wanted: dict[str, Any] = {"from_date": FRIDAY, "to_date": FRIDAY, "reason": GROUND, "authority": "Bureau"} | more
    return Plan(policies=[Wish(venue_id="garden", kind=kind, value=value, **wanted)])


async def do(db: Db, plan: Plan) -> policies.Done:
    return await db.run(policies.carry_out, LIN, plan, "ordered today")


async def capacities(db: Db, day: date = FRIDAY) -> tuple[int, int]:
    return (await slot(db, day, "am")).capacity, (await slot(db, day, "pm")).capacity


async def test_a_rule_holds_at_once_and_lifting_it_brings_back_what_was(garden: Db) -> None:
    assert await capacities(garden) == (60, 40)
    done = await do(garden, rule())
    assert await capacities(garden) == (30, 20)
    undone = await do(garden, policies.undoing(done))
    assert await capacities(garden) == (60, 40)
    await do(garden, Plan(lifts=undone.policy_ids))  # the lifting is lifted
    assert await capacities(garden) == (30, 20)
    with pytest.raises(PolicyOver):
        await do(garden, Plan(lifts=undone.policy_ids))


async def test_a_percentage_applies_to_the_figure_and_the_lowest_holds(garden: Db) -> None:
    await do(garden, rule("percent", 3000))
    await do(garden, rule("percent", 7500))
    assert await capacities(garden) == (18, 12)


async def test_a_newer_rule_stands_instead_of_the_one_it_names_and_may_be_higher(garden: Db) -> None:
    [usual] = await garden.read(policies.of_venue, "garden")
    await do(garden, rule("absolute", 200, supersedes=usual.id))
    assert await capacities(garden) == (120, 80)
    assert await capacities(garden, FRIDAY + timedelta(days=1)) == (60, 40)


async def test_a_rule_for_a_kind_of_day_holds_on_the_days_that_are_marked(garden: Db) -> None:
    await do(garden, rule("absolute", 10, day_type="bad_weather", to_date=None))
    assert await capacities(garden) == (60, 40)
    mark = Mark("garden", "bad_weather", [FRIDAY])
    done = await do(garden, Plan(marks=[mark]))
    assert await capacities(garden) == (6, 4)
    assert await capacities(garden, FRIDAY + timedelta(days=1)) == (60, 40)
    await do(garden, policies.undoing(done))
    assert await capacities(garden) == (60, 40)


async def test_one_time_of_entry_can_be_limited_or_closed_alone(garden: Db) -> None:
    await do(garden, rule("absolute", 7, product_id="garden-entry", code="am"))
    assert await capacities(garden) == (7, 40)
    await do(garden, rule("closed", 0, product_id="garden-entry", code="pm"))
    closed = await slot(garden, FRIDAY, "pm")
    assert (closed.state, closed.capacity, closed.reason) == ("closed", 0, GROUND)
    assert (await slot(garden, FRIDAY, "am")).state == "open"


async def test_a_stop_of_sale_leaves_the_capacity_known_and_takes_nothing_away(garden: Db) -> None:
    await sell(garden, FRIDAY, "am", 50)
    before = await garden.read(safety.snapshot, ["garden"])
    await do(garden, rule("paused", 0))
    after = await garden.read(safety.snapshot, ["garden"])
    effect = safety.compare(before, after)
    assert (effect.over_places, effect.lost, effect.stops, effect.dangers()) == (0, 0, 2, [])
    assert (await slot(garden, FRIDAY, "am")).state == "paused"


async def test_the_effect_names_what_is_booked_and_what_is_dangerous(garden: Db) -> None:
    await sell(garden, FRIDAY, "am", 50)
    before = await garden.read(safety.snapshot, ["garden"])
    await do(garden, rule("percent", 5000))
    effect = safety.compare(before, await garden.read(safety.snapshot, ["garden"]))
    assert [(one.code, one.places_before, one.places_after, one.over) for one in effect.slots] == [
        ("am", 60, 30, 20), ("pm", 40, 20, 0),
    ]  # fmt: skip
    assert (effect.over_places, effect.lost, effect.dangers()) == (20, 50, ["booked"])
    back = safety.compare(await garden.read(safety.snapshot, ["garden"]), before)
    assert back.dangers() == ["raise"]


async def test_everything_that_is_wrong_is_said_at_once(garden: Db) -> None:
    wrong = rule(
        "percent",
        20_000,
        to_date=FRIDAY - timedelta(days=1),
        reason={},
        day_type="rain",
        code="noon",
        product_id="garden-entry",
    )
    with pytest.raises(InvalidInput) as refused:
        await do(garden, wrong)
    assert {error["code"] for error in refused.value.errors} == {
        "PERCENT_RANGE", "DATES_REVERSED", "REASON_NEEDED", "DAY_TYPE_UNKNOWN", "SLOT_UNKNOWN",
    }  # fmt: skip
    with pytest.raises(InvalidInput):
        await do(garden, Plan(policies=[Wish("nowhere", "closed", FRIDAY, reason=GROUND)]))
    with pytest.raises(policies.PlanEmpty):
        await do(garden, Plan())


async def test_entry_is_paused_for_minutes_and_people_at_once_are_limited(garden: Db) -> None:
    today = clock.now().date()
    await do(garden, rule("inside", 300, from_date=today, to_date=None))
    await do(garden, rule("entry_paused", 0, minutes=60, from_date=today, to_date=today))
    pause = await garden.read(policies.entry_pause, "garden")
    assert pause is not None
    assert await garden.read(policies.inside_limit, "garden", "Asia/Shanghai") == 300
    assert await capacities(garden) == (60, 40)
    clock.move(timedelta(minutes=61))
    assert await garden.read(policies.entry_pause, "garden") is None


@pytest.mark.parametrize(
    "sql",
    [
        "delete from inventory.policies",
        "update inventory.policies set value = 1 where origin = ''",
        "truncate inventory.policies cascade",
        "delete from inventory.day_marks",
        "update inventory.day_marks set is_on = false",
    ],
)
async def test_the_database_keeps_every_rule_as_it_was_made(garden: Db, sql: Any) -> None:
    await do(garden, rule())
    await do(garden, Plan(marks=[Mark("garden", "holiday", [FRIDAY])]))

    async def write(tx: Tx) -> None:
        await tx.execute(sql)

    with pytest.raises(errors.RestrictViolation):
        await garden.run(write)


async def test_published_events_of_the_past_give_the_figures_their_sources_name(db: Db) -> None:
    await db.run(catalogue.apply, LIN, catalogue.demo())
    first = clock.now().date() + timedelta(days=1)
    events = {event["id"]: event for event in policy_examples.every()}
    whole = {"ev-75": ("badaling", 48_750), "ev-weather": ("huangshan", 35_000), "ev-cableway": ("mount-hua", 20_000),
             "ev-closure": ("jiuzhaigou", 0), "ev-raise": ("terracotta-army", 80_000)}  # fmt: skip
    for name, (venue, places) in whole.items():
        async with db.reading() as tx:
            plan = await policy_examples.plan_of(tx, events[name], first)
        await do(db, plan)
        assert await db.read(day_places, venue, first) == places, name
    async with db.reading() as tx:
        plan = await policy_examples.plan_of(tx, events["ev-covid-30"], first)
    assert len(plan.policies) > 25
    await do(db, plan)
    assert await db.read(day_places, "national-museum", first) == 7_800
    async with db.reading() as tx:
        plan = await policy_examples.plan_of(tx, events["ev-pause"], first)
    await do(db, plan)
    assert await db.read(policies.entry_pause, "mount-tai") is not None


async def day_places(tx: ReadTx, venue_id: str, day: date) -> int:
    """What a venue's products may sell together that day, whether its slots exist or not."""
    [offer] = await inventory.store.offers(tx, venue_id, day)
    return sum(one.places or 0 for one in inventory.capacity.venue_day(offer.products, offer.policies, day).values())
