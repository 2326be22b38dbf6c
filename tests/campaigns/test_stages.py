"""Stages: small first, larger only while everything granted was right and as forecast; by the timetable or by hand, never otherwise."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from holdfast.campaigns import live, recounting, stages, stages_store
from holdfast.campaigns.model import BenefitOver, CampaignUnknown
from holdfast.kit import clock
from holdfast.kit.db import Db
from tests import invariants, world
from tests.campaigns.running import Ground, book, ground, running, standing, write

pytestmark = pytest.mark.anyio


@pytest.fixture
async def db(db: Db):
    yield db
    clock.reset()
    await invariants.require(db)


async def found(db: Db, on: Ground) -> dict[str, bool]:
    """What the timetable found when it last looked."""
    latest = await db.read(stages.latest, on.version_id)
    assert latest is not None
    return {one["name"]: one["holds"] for one in latest.findings}


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (400_00, [(1, "canary", 400_00), (2, "live", None)]),
        (5_000_00, [(1, "canary", 500_00), (2, "live", None)]),
        (50_000_00, [(1, "canary", 500_00), (2, "ramping", 5_000_00), (3, "live", None)]),
        (500_000_00, [(1, "canary", 500_00), (2, "ramping", 5_000_00), (3, "ramping", 50_000_00), (4, "live", None)]),
    ],
)
def test_each_stage_is_larger_than_the_one_before_it(budget, expected):
    made = stages.plan(budget, None, is_gift=False)
    assert [(one.stage, one.state, one.minor) for one in made] == expected
    assert made[0].count == 20


def test_stages_of_gifts_are_numbers():
    made = stages.plan(1_000_00, 5000, is_gift=True)
    assert [(one.state, one.minor, one.count) for one in made] == [
        ("canary", None, 20), ("ramping", None, 50), ("ramping", None, 500), ("live", None, None),
    ]  # fmt: skip


async def test_a_campaign_grows_when_all_is_right_and_not_before_its_time(db):
    on = await ground(db)
    await book(db, on, 12, 12)
    assert await stages.grow(db) == 0
    assert await found(db, on) == {"wait": False, "used": True, "share": True, "size": True}
    clock.move(timedelta(minutes=5, seconds=1))
    assert await stages.grow(db) == 1
    now = await running(db)
    assert (now.state, now.stage, now.stage_minor, now.stage_used_minor) == ("ramping", 2, 5_000_00, 0)
    [_first, second] = await db.read(stages.history, on.version_id)
    assert (second.stage, second.began_by) == (2, "system:campaigns.stages")
    assert {one["name"]: one["holds"] for one in second.rested_on} == {
        "wait": True, "used": True, "recount": True, "share": True, "size": True,
    }  # fmt: skip
    assert next(one for one in second.rested_on if one["name"] == "recount")["values"]["count"] == 12
    await book(db, on, 1)
    assert (await standing(db, on.version_id)).stage_used_count == 1
    assert await stages.grow(db) == 0, "the next stage has its own five minutes"


async def test_a_full_stage_is_not_offered_until_the_step(db):
    on = await ground(db)
    await book(db, on, 20, 20)
    with pytest.raises(BenefitOver) as over:
        await book(db, on, 1)
    assert over.value.fields["reason"] == "stage"
    assert on.version_id not in [one.id for one in (await db.read(live.load)).versions]
    [dear] = await book(db, on, 1)
    assert dear.amount_minor == 10_000
    clock.move(timedelta(minutes=6))
    assert await stages.grow(db) == 1
    [cheap] = await book(db, on, 1)
    assert cheap.amount_minor == 9000


async def test_a_stage_that_hardly_anybody_came_to_stays(db):
    on = await ground(db)
    await book(db, on, 9, 9)
    clock.move(timedelta(minutes=6))
    assert await stages.grow(db) == 0
    assert await found(db, on) == {"wait": True, "used": False, "share": True, "size": True}


async def test_the_last_stage_has_no_bound_but_the_budget(db):
    on = await ground(db, budget_minor=5_000_00)
    await book(db, on, 12, 12)
    clock.move(timedelta(minutes=6))
    assert await stages.grow(db) == 1
    now = await standing(db, on.version_id)
    assert (now.state, now.stage, now.stage_minor, now.stage_count) == ("live", 2, None, None)
    assert await stages.grow(db) == 0
    with pytest.raises(stages.LastStage):
        await db.run(stages.step, on.lin.actor, "spring")


async def test_by_hand_the_same_conditions_hold(db):
    on = await ground(db)
    await book(db, on, 3, 3)
    with pytest.raises(stages.NotReady) as early:
        await db.run(stages.step, on.lin.actor, "spring")
    assert early.value.fields["against"] == ["wait", "used"]
    await book(db, on, 8, 8)
    clock.move(timedelta(minutes=6))
    made = await db.run(stages.step, on.lin.actor, "spring")
    assert (made.stage, made.state) == (2, "ramping")
    assert (await db.read(stages.history, on.version_id))[-1].began_by == str(on.lin.actor)
    with pytest.raises(CampaignUnknown):
        await db.run(stages.step, on.lin.actor, "summer")


@pytest.mark.parametrize(
    ("tampered", "fault"),
    [
        ("trace = jsonb_set(trace, '{when,verdict}', '\"unknown\"')", "conditions"),
        ("""trace = jsonb_set(trace, '{scope,0,got}', '"park"')""", "conditions"),
        ("trace = jsonb_set(trace, '{scope,0,lines}', '[2]')", "conditions"),
        ('label = \'{"zh": "政府补贴", "en": "Subsidy"}\'', "label"),
        ("lines = jsonb_set(lines, '{0,listed_minor}', '4000')", "amount"),
        ("lines = lines #- '{0,tickets}'", "prices"),
        ("code = 'NANJING27'", "code"),
        ("made_at = made_at - interval '40 days'", "time"),
        ('gift = \'{"benefit": "free_change", "quantity": 1}\'', "gift"),
    ],
)
async def test_one_order_that_is_not_what_the_version_says_holds_everything(db, tampered, fault):
    on = await ground(db)
    [first, *_rest] = await book(db, on, 12, 12)
    await write(db, "alter table campaigns.reservations disable trigger user")
    before = "select lines, label, trace, code, gift, made_at from campaigns.reservations where order_number = %(n)s"
    async with db.reading() as tx:
        [kept] = await tx.dicts(before, n=first.number)
    await write(db, f"update campaigns.reservations set {tampered} where order_number = %(n)s", n=first.number)
    clock.move(timedelta(minutes=6))
    assert await stages.grow(db) == 0
    latest = await db.read(stages.latest, on.version_id)
    assert latest is not None
    recount = next(one for one in latest.findings if one["name"] == "recount")
    assert (recount["holds"], recount["values"]["count"], recount["values"]["orders"]) == (False, 12, [first.number])
    assert fault in recount["values"]["wrong"]
    from psycopg.types.json import Jsonb

    await write(
        db,
        """update campaigns.reservations set lines = %(lines)s, label = %(label)s, trace = %(trace)s, code = null, gift = null,
           made_at = %(made_at)s where order_number = %(n)s""",
        n=first.number, lines=Jsonb(kept["lines"]), label=Jsonb(kept["label"]), trace=Jsonb(kept["trace"]), made_at=kept["made_at"],
    )  # fmt: skip
    assert await stages.grow(db) == 1


async def test_discounts_of_another_size_than_forecast_hold_it(db):
    """Everybody buys two tickets, so each gets twice what the past says; far below what the watch would stop."""
    on = await ground(db)
    for n in range(12):
        await on.place(world.request(await world.traveller(db), world.basket(on.slot, people=2)))
        if n % 2:
            await book(db, on, 0, 2)
    clock.move(timedelta(minutes=6))
    assert await stages.grow(db) == 0
    latest = await db.read(stages.latest, on.version_id)
    assert latest is not None
    against = [one for one in latest.findings if not one["holds"]]
    assert [one["name"] for one in against] == ["size"]
    assert against[0]["values"] == {"found_minor": 2000, "expected_minor": 1000, "count": 12}
    assert (await running(db)).state == "canary"


async def test_a_share_far_from_the_forecast_holds_it(db):
    """The past says that every second order matches; now it is one of seven."""
    on = await ground(db)
    await book(db, on, 10, 60)
    clock.move(timedelta(minutes=6))
    assert await stages.grow(db) == 0
    assert await found(db, on) == {"wait": True, "used": True, "recount": True, "share": False, "size": True}


async def test_what_starts_later_is_not_judged_by_the_orders_before(db):
    on = await ground(db)
    await write(db, "update campaigns.running set starts_at = now() + interval '1 hour'")
    await write(db, "update campaigns.epoch set epoch = epoch + 1")
    for _ in range(5):
        await on.place(world.request(await world.traveller(db), world.basket(on.other)))
    assert (await standing(db, on.version_id)).seen == 5
    await stages.grow(db)
    assert (await standing(db, on.version_id)).seen == 0


async def test_what_is_over_ends_and_gets_its_unpaid_money_back(db):
    on = await ground(db)
    await book(db, on, 3, 3)
    clock.move(timedelta(days=21))
    assert await stages.end_due(db) == 1
    assert (await running(db)).state == "ended"
    assert await stages.end_due(db) == 0
    assert (await db.read(live.load)).versions == []


async def test_two_steps_at_once_are_one(db):
    on = await ground(db)
    await book(db, on, 12, 12)
    clock.move(timedelta(minutes=6))
    now = await standing(db, on.version_id)
    arguments = (now, 2, "ramping", 5_000_00, None, "test", [], clock.now())
    assert await db.run(stages_store.step, *arguments)
    assert not await db.run(stages_store.step, *arguments)
    assert len(await db.read(stages.history, on.version_id)) == 2


# The recount, by itself

CONTENT = {
    "effect": {"type": "percent", "share_bp": 1000, "cap_minor": 2000}, "scope": {"op": "everything"}, "when": {"op": "everything"},
    "schedule": {"from_at": "2020-01-01T00:00:00+00:00", "until_at": "2099-01-01T00:00:00+00:00"},
}  # fmt: skip
TOLD = {"op": "everything", "verdict": "true"}


def kept(*lines, others=()):
    """A reservation of lines (off, list price, tickets)."""
    return recounting.Kept(
        world.ids.uuid7(), "7K3QF90XMA", sum(line[0] for line in lines),
        [{"seq": seq, "amount_minor": off, "listed_minor": listed, "tickets": tickets} for seq, (off, listed, tickets) in enumerate(lines, 1)],
        {"en": "x"}, None, None, {"scope": [{"lines": list(range(1, len(lines) + 1)), **TOLD}], "when": TOLD}, clock.now(),
        [[{"seq": seq, "amount_minor": off}] for seq, off in others],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("effect", "lines", "others", "right"),
    [
        ({"type": "percent", "share_bp": 1000, "cap_minor": 2000}, [(1000, 10_000, 1)], (), True),
        ({"type": "percent", "share_bp": 1000, "cap_minor": 2000}, [(1001, 10_000, 1)], (), False),
        ({"type": "percent", "share_bp": 1000, "cap_minor": 2000}, [(2000, 30_000, 1)], (), True),
        ({"type": "percent", "share_bp": 1000, "cap_minor": 2000}, [(3000, 30_000, 1)], (), False),
        ({"type": "percent", "share_bp": 1000, "cap_minor": None}, [(999, 9_999, 1)], (), True),
        ({"type": "percent", "share_bp": 1000, "cap_minor": None}, [(333, 3_333, 1), (333, 3_333, 1)], (), True),
        ({"type": "percent", "share_bp": 1000, "cap_minor": None}, [(600, 3_333, 1), (66, 3_333, 1)], (), False),
        ({"type": "amount", "per": "order", "amount_minor": 500}, [(250, 4000, 1), (250, 4000, 2)], (), True),
        ({"type": "amount", "per": "order", "amount_minor": 5000}, [(4000, 4000, 1)], (), True),
        ({"type": "amount", "per": "ticket", "amount_minor": 500}, [(1000, 4000, 2)], (), True),
        ({"type": "amount", "per": "ticket", "amount_minor": 500}, [(500, 4000, 2)], (), False),
        ({"type": "fixed_price", "price_minor": 1500}, [(1000, 4000, 2)], (), True),
        ({"type": "fixed_price", "price_minor": 1500}, [(0, 1000, 1)], (), True),
        ({"type": "fixed_price", "price_minor": 1500}, [(100, 1000, 1)], (), False),
        ({"type": "percent", "share_bp": 8000, "cap_minor": None}, [(400, 1000, 1)], [(1, 600)], True),
        ({"type": "percent", "share_bp": 8000, "cap_minor": None}, [(400, 1000, 1)], [(1, 500)], False),
    ],
)
def test_amounts_are_reckoned_a_second_time(effect, lines, others, right):
    found = recounting.faults(CONTENT | {"effect": effect}, {"en": "x"}, kept(*lines, others=others))
    assert found == ([] if right else ["amount"])


@pytest.mark.parametrize(
    ("node", "told", "holds"),
    [
        ({"op": "in", "field": "kind", "values": ["museum"]}, {"got": "museum"}, True),
        ({"op": "in", "field": "kind", "values": ["museum"]}, {"got": "park"}, False),
        ({"op": "in", "field": "kind", "values": ["museum"]}, {"got": ["museum", "park"]}, False),
        ({"op": "not_in", "field": "city", "values": ["北京"]}, {"got": None}, False),
        ({"op": "gte", "field": "unit_minor", "value": 5000}, {"got": 999_999}, False),
        ({"op": "lt", "field": "days_ahead", "value": 30}, {"got": 29}, True),
        ({"op": "between", "field": "days_ahead", "least": 1, "most": 3}, {"got": 4}, False),
        ({"op": "date_between", "field": "visit_date", "first": "2027-02-01", "last": "2027-02-05"}, {"got": "2027-02-05"}, True),
        ({"op": "local_time_between", "field": "visit_time", "since": "22:00:00", "until": "06:00:00"}, {"got": "23:30:00"}, True),
        ({"op": "local_time_between", "field": "visit_time", "since": "09:00:00", "until": "12:00:00"}, {"got": "12:00:00"}, False),
        ({"op": "any_of", "parts": [{"op": "eq", "field": "ticket", "value": "a"}]},
         {"parts": [{"op": "eq", "field": "ticket", "verdict": "false", "got": "b"}]}, False),
        ({"op": "all_of", "parts": []}, {"parts": [{"op": "eq"}]}, False),
    ],
)  # fmt: skip
def test_conditions_are_held_against_what_was_found(node, told, holds):
    """The trace says that it holds; whether it does follows from the values, and of prices from what the booking knows."""
    one = kept((400, 4000, 1))
    told = {"op": node["op"], "field": node.get("field"), "verdict": "true", **told, "lines": [1]}
    one = msgspec.structs.replace(one, trace={"scope": [told], "when": TOLD})
    assert recounting.faults(CONTENT | {"scope": node}, {"en": "x"}, one) == ([] if holds else ["conditions"])


def test_what_pricing_grants_is_what_the_recount_finds():
    """Both agree on every basket of a few contents; neither knows the other."""
    from holdfast.campaigns import pricing
    from tests.campaigns import making

    version = making.version()
    for quantity in range(1, 6):
        for unit in (1000, 1999, 6000, 33_333):
            basket = making.basket(
                making.line(quantity=quantity, unit_minor=unit), making.line(2, quantity=1, unit_minor=unit + 7)
            )
            for grant in pricing.price(basket, [version]).grants:
                listed = {one.seq: one for one in basket.lines}
                wire = grant.wire()
                lines = [
                    one | {"listed_minor": listed[one["seq"]].list_minor, "tickets": listed[one["seq"]].quantity}
                    for one in wire["lines"]
                ]
                content = msgspec.json.decode(msgspec.json.encode(version.content))
                made = recounting.Kept(
                    world.ids.uuid7(), "x", grant.amount_minor, lines, grant.label, None, None,
                    msgspec.json.decode(msgspec.json.encode(grant.trace)), making.NOW, [],
                )  # fmt: skip
                assert recounting.faults(content, version.envelope.label, made) == []
