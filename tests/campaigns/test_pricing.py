"""Pricing: exact minor units, in any order of versions, never below nothing and never through a floor."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from holdfast.campaigns import effects, model, pricing
from holdfast.campaigns.conditions import AllOf, CountLt, Everything, Gte, In, IsTrue
from holdfast.campaigns.facts import Basket, Code
from holdfast.campaigns.model import (
    AmountOff,
    BulkCodes,
    FixedPrice,
    Gift,
    Hours,
    Limits,
    PercentOff,
    Schedule,
    SingleCode,
    Stacking,
)
from holdfast.kit.db import Db, ReadTx
from tests.campaigns.making import CONTENT, EVERYTHING, NOW, basket, envelope, line, version

OPEN = {"scope": EVERYTHING, "when": EVERYTHING}
WIDE = envelope(max_minor=100_000_00, max_bp=10_000)


def off(effect, *lines, **changed) -> dict[int, int]:
    """What one campaign for everything takes off these lines."""
    [grant] = pricing.price(basket(*lines), [version(effect=effect, envelope=WIDE, **(OPEN | changed))]).grants
    return grant.lines


def outcome(one, of) -> str:
    [told] = pricing.price(of, [one], explain=True).traces
    return told.outcome


# Effects, worked by hand


def test_five_percent_of_two_tickets_of_60_yuan_is_6_yuan():
    priced = pricing.price(basket(), [version()])
    [grant] = priced.grants
    assert (priced.list_minor, priced.discount_minor, priced.total_minor) == (12000, 600, 11400)
    assert (grant.amount_minor, grant.lines, grant.label) == (
        600,
        {1: 600},
        {"zh": "平台立减", "en": "Platform discount"},
    )
    assert (grant.gift, grant.code, priced.by_line) == (None, None, {1: 600})


def test_a_percentage_is_rounded_down_for_the_order_and_spread_by_largest_remainder():
    # 5 % of 3 × 33.33 = 99.99 yuan is 4.9995 yuan: 4.99, of which each line has 1.66 and the first a fen more
    three = [line(n, quantity=1, unit_minor=3333) for n in (1, 2, 3)]
    assert off(PercentOff(500, 3000), *three) == {1: 167, 2: 166, 3: 166}
    # 10 % of 1.00 + 0.05 + 0.04 = 0.109: 0.10, by parts 9.17, 0.46, 0.37
    assert off(PercentOff(1000, 3000), *(line(n, quantity=1, unit_minor=m) for n, m in ((1, 100), (2, 5), (3, 4)))) == {
        1: 9, 2: 1, 3: 0,
    }  # fmt: skip


def test_the_cap_of_a_percentage_is_for_the_whole_order():
    # 5 % of 400 + 600 yuan would be 50: 30 it is, two fifths and three fifths of it
    assert off(PercentOff(500, 3000), line(1, unit_minor=20000), line(2, unit_minor=30000)) == {1: 1200, 2: 1800}
    assert off(PercentOff(500, None, uncapped=True), line(1, unit_minor=200_000_00)) == {1: 20_000_00}


def test_an_amount_off_the_order_is_taken_once_and_never_more_than_it_costs():
    # 20 yuan off 60 + 30 + 30: half, a quarter, a quarter
    lines = [
        line(1, quantity=1, unit_minor=6000),
        line(2, quantity=2, unit_minor=1500),
        line(3, quantity=3, unit_minor=1000),
    ]
    assert off(AmountOff(2000, "order"), *lines) == {1: 1000, 2: 500, 3: 500}
    assert off(AmountOff(2000, "order"), line(1, quantity=1, unit_minor=900)) == {1: 900}


def test_an_amount_off_each_ticket_is_no_more_than_a_ticket_costs_and_may_be_capped():
    lines = [line(1, quantity=3, unit_minor=6000), line(2, quantity=2, unit_minor=400)]
    assert off(AmountOff(1000, "ticket"), *lines) == {1: 3000, 2: 800}
    # 38 yuan wanted, 20 allowed: 20 × 30/38 = 15.789…, 20 × 8/38 = 4.210…
    assert off(AmountOff(1000, "ticket", cap_minor=2000), *lines) == {1: 1579, 2: 421}


def test_a_fixed_price_lowers_dearer_tickets_and_never_raises_cheaper_ones():
    lines = [line(1, quantity=2, unit_minor=6000), line(2, quantity=1, unit_minor=3000)]
    assert off(FixedPrice(4500), *lines) == {1: 3000, 2: 0}
    assert off(FixedPrice(0), *lines) == {1: 12000, 2: 3000}
    assert off(FixedPrice(4500, cap_minor=2500), *lines) == {1: 2500, 2: 0}


def test_a_gift_takes_nothing_off_and_names_the_lines_it_is_for():
    priced = pricing.price(basket(line(1), line(2, kind="hotel")), [version(effect=Gift("free_change", 2))])
    [grant] = priced.grants
    assert (priced.total_minor, grant.lines, grant.gift) == (24000, {1: 0}, {"benefit": "free_change", "quantity": 2})


def test_free_tickets_stay_free_and_a_discount_of_nothing_is_not_granted():
    assert off(PercentOff(500, 3000), line(1), line(2, unit_minor=0)) == {1: 600, 2: 0}
    free = basket(line(1, unit_minor=0))
    assert outcome(version(**OPEN), free) == "nothing"


def test_only_the_lines_of_the_scope_are_reduced_and_their_sum_decides():
    mixed = basket(line(1), line(2, city="北京", unit_minor=50000), line(3, kind="hotel"))
    assert pricing.price(mixed, [version()]).by_line == {1: 600}
    small = basket(line(1, quantity=1, unit_minor=1999), line(2, city="北京", unit_minor=50000))
    assert outcome(version(), small) == "when", "20 yuan of the chosen tickets, not of the order"


# Who gets it


@pytest.mark.parametrize(
    ("changed", "given", "expected"),
    [
        ({}, {}, "granted"),
        ({"scope": None}, {}, "scope"),
        ({"when": None}, {}, "when"),
        ({"scope": None, "when": None}, {}, "scope"),
        ({"scope": AllOf([])}, {}, "scope"),
        ({"channels": []}, {}, "channel"),
        ({}, {"channel": "api"}, "channel"),
        ({}, {"channel": None}, "channel"),
        ({}, {"currency": "USD"}, "currency"),
        ({"effect": PercentOff(500, 3000, currency="USD")}, {}, "currency"),
        ({}, {"now": CONTENT.schedule.from_at - timedelta(microseconds=1)}, "schedule"),
        ({}, {"now": CONTENT.schedule.from_at}, "granted"),
        ({}, {"now": CONTENT.schedule.until_at}, "schedule"),
        ({"codes": BulkCodes()}, {}, "code"),
        ({"codes": BulkCodes()}, {"code": Code("SPRING7K3Q", "spring")}, "granted"),
        ({"codes": BulkCodes()}, {"code": Code("SPRING7K3Q", "summer")}, "code"),
        ({"codes": BulkCodes()}, {"code": Code("SPRING7K3Q", "spring", usable=False)}, "code"),
        ({"codes": SingleCode("SPRING")}, {"code": Code("SPRING", "spring")}, "granted"),
        ({"codes": SingleCode("SPRING")}, {"code": Code("AUTUMN", "spring")}, "code"),
        ({}, {"redemptions": None}, "when"),
        ({"when": EVERYTHING}, {"redemptions": None}, "person"),
        ({"when": EVERYTHING}, {"redemptions": {"spring": 1}}, "granted"),
        ({"when": EVERYTHING}, {"redemptions": {"spring": 2}}, "person"),
        ({"when": EVERYTHING}, {"redemptions": {"summer": 9}}, "granted"),
        ({"when": IsTrue("first_order")}, {"earlier": 0}, "granted"),
        ({"when": IsTrue("first_order")}, {"earlier": 1}, "when"),
        ({"when": IsTrue("first_order")}, {"earlier": None}, "when"),
    ],
)
def test_a_version_is_granted_or_the_first_thing_against_it_is_named(changed, given, expected):
    one, of = version(**changed), basket(**given)
    assert outcome(one, of) == expected
    assert bool(pricing.price(of, [one]).grants) is (expected == "granted")


@pytest.mark.parametrize(
    ("weekdays", "hours", "at", "granted"),
    [
        ([6], None, NOW, True),
        ([1, 2, 3, 4, 5], None, NOW, False),
        ([], None, NOW, False),
        ([7], None, datetime(2027, 2, 6, 16, 0, tzinfo=UTC), True),  # midnight in Shanghai: Sunday has begun
        (None, Hours(time(9), time(10)), NOW, False),
        (None, Hours(time(10), time(11)), NOW, True),
        (None, Hours(time(22), time(2)), datetime(2027, 2, 6, 17, 59, tzinfo=UTC), True),
        (None, Hours(time(22), time(2)), datetime(2027, 2, 6, 18, 0, tzinfo=UTC), False),
    ],
)
def test_weekdays_and_hours_are_those_of_the_schedules_zone(weekdays, hours, at, granted):
    schedule = replace(CONTENT.schedule, weekdays=weekdays, hours=hours)
    assert bool(pricing.price(basket(now=at), [version(schedule=schedule)]).grants) is granted


def test_an_unknown_zone_offers_nothing_to_anybody():
    assert outcome(version(schedule=replace(CONTENT.schedule, time_zone="Asia/Nowhere")), basket()) == "schedule"


def test_orders_of_the_past_are_priced_without_first_and_last_moment_but_with_weekdays():
    last_year = basket(now=NOW - timedelta(days=364))
    assert not pricing.price(last_year, [version()]).grants
    assert pricing.price(last_year, [version()], past=True).discount_minor == 600
    weekdays = version(schedule=replace(CONTENT.schedule, weekdays=[1]))
    assert not pricing.price(last_year, [weekdays], past=True).grants


def test_a_code_is_named_by_the_grant_that_needs_it_and_by_no_other():
    coded = version("spring", codes=BulkCodes(), stacking=Stacking("codes", "groups"))
    free = version("plain")
    grants = pricing.price(basket(code=Code("SPRING7K3Q", "spring")), [coded, free]).grants
    assert {grant.campaign_id: grant.code for grant in grants} == {"spring": "SPRING7K3Q", "plain": None}


# Stacking


def granted(*versions, of=None) -> list[str]:
    return sorted(grant.campaign_id for grant in pricing.price(of or basket(), list(versions)).grants)


def group(name: str, effect, group: str = "spring", combines: str = "groups", **changed):
    return version(name, effect=effect, stacking=Stacking(group, combines), **changed)


def test_of_a_group_whatever_takes_most_off_is_granted():
    small, large = group("small", PercentOff(500, 3000)), group("large", AmountOff(1000, "order"), priority=0)
    assert granted(small, large) == ["large"]
    told = {one.campaign_id: one.outcome for one in pricing.price(basket(), [small, large], explain=True).traces}
    assert told == {"small": "group", "large": "granted"}


def test_equal_ones_of_a_group_are_decided_by_priority_then_by_id():
    one, other = group("one", AmountOff(600, "order"), priority=5), group("other", AmountOff(600, "order"), priority=9)
    assert granted(one, other) == ["other"]
    twin, brother = group("twin", AmountOff(600, "order")), group("brother", AmountOff(600, "order"))
    assert granted(twin, brother) == [min((twin, brother), key=lambda each: each.id).campaign_id]


def test_groups_combine_and_every_discount_is_reckoned_from_list_prices():
    # 120 yuan: 5 % is 6, 10 yuan off is 10; together 16, and not 5 % of 110
    priced = pricing.price(
        basket(), [group("five", PercentOff(500, 3000), "a"), group("ten", AmountOff(1000, "order"), "b")]
    )
    assert (priced.total_minor, priced.by_line) == (10400, {1: 1600})


def test_who_stands_alone_is_granted_only_if_it_takes_more_off_than_the_others_together():
    five, ten = group("five", PercentOff(500, 3000), "a"), group("ten", AmountOff(1000, "order"), "b")
    assert granted(five, ten, group("alone", AmountOff(1600, "order"), combines="alone")) == ["five", "ten"]
    assert granted(five, ten, group("alone", AmountOff(1601, "order"), combines="alone")) == ["alone"]
    told = pricing.price(
        basket(), [five, group("alone", AmountOff(1601, "order"), combines="alone")], explain=True
    ).traces
    assert {one.campaign_id: one.outcome for one in told} == {"five": "alone", "alone": "granted"}


def test_of_those_who_stand_alone_one_is_granted():
    one = group("one", AmountOff(900, "order"), "a", "alone")
    other = group("other", AmountOff(800, "order"), "b", "alone")
    assert granted(one, other) == ["one"]


def test_a_gift_comes_with_a_discount_of_another_group():
    assert granted(version(), group("gift", Gift("free_change"), "gifts")) == ["gift", "spring"]


def test_who_would_break_through_the_floor_of_an_envelope_is_left_out_whole():
    # the envelopes leave 80 % of 120 yuan: at most 24 off. 15 + 8 fit, 15 + 10 do not
    fifteen = group("fifteen", AmountOff(1500, "order"), "a", priority=900)
    assert granted(fifteen, group("eight", AmountOff(800, "order"), "b")) == ["eight", "fifteen"]
    ten = group("ten", AmountOff(1000, "order"), "b")
    priced = pricing.price(basket(), [ten, fifteen], explain=True)
    assert [(one.campaign_id, one.amount_minor) for one in priced.grants] == [("fifteen", 1500)]
    assert {one.campaign_id: one.outcome for one in priced.traces} == {"fifteen": "granted", "ten": "floor"}


def test_the_floor_of_an_envelope_holds_against_those_who_come_from_another_one():
    tight = group("tight", PercentOff(500, 3000), "a", envelope=envelope(max_bp=500), priority=900)
    loose = group("loose", PercentOff(1000, 3000), "b", envelope=WIDE)
    assert granted(tight, loose) == ["tight"]
    assert granted(replace(tight, content=replace(tight.content, priority=1)), loose) == ["loose"]


# What breaks its envelope is shown to the guard as it is


def test_a_version_is_never_made_to_fit_its_envelope():
    wrong = version(effect=PercentOff(2000, None, uncapped=True), envelope=envelope(max_minor=3000, max_bp=500))
    [grant] = pricing.price(basket(line(1, unit_minor=50000)), [wrong]).grants
    assert grant.amount_minor == 20000, "20 % of 1,000 yuan, although 30 yuan were approved"


def test_what_breaks_its_envelope_is_not_hidden_by_the_floor_nor_made_smaller_by_others():
    wrong = group("wrong", PercentOff(9000, None, uncapped=True), "a", envelope=envelope(max_bp=500), priority=0)
    right = group("right", PercentOff(1500, 3000), "b", priority=1000)
    grants = {one.campaign_id: one.amount_minor for one in pricing.price(basket(), [right, wrong]).grants}
    assert grants["wrong"] == 10800
    assert sum(grants.values()) <= 12000


def test_the_published_accident_reaches_the_guard_with_every_order():
    approved = envelope(max_minor=3000, max_bp=500)
    wrong = version(effect=PercentOff(2000, None, uncapped=True), envelope=approved, **OPEN)
    for minor in (100, 54000, 400_000):
        of = basket(line(1, quantity=1, unit_minor=minor, kind="card"))
        [grant] = pricing.price(of, [wrong]).grants
        assert grant.amount_minor == minor // 5
        assert not pricing.fits(wrong, of.lines, grant.amount_minor, of.channel)


# What holds for all baskets

EFFECTS = st.one_of(
    st.builds(
        AmountOff,
        st.integers(1, 20000),
        st.sampled_from(["order", "ticket"]),
        cap_minor=st.none() | st.integers(1, 9000),
    ),
    st.builds(PercentOff, st.integers(1, 10_000), st.none() | st.integers(1, 9000)),
    st.builds(FixedPrice, st.integers(0, 20000), cap_minor=st.none() | st.integers(1, 9000)),
    st.just(Gift("free_change")),
)
LINES = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 30000), st.sampled_from(["museum", "heritage", "hotel"])),
    min_size=1,
    max_size=5,
).map(lambda listed: [line(n, quantity=q, unit_minor=u, kind=k) for n, (q, u, k) in enumerate(listed, 1)])
SCOPES = st.sampled_from(
    [Everything(), In("kind", ["museum"]), In("kind", ["museum", "heritage"]), Gte("unit_minor", 5000)]
)
VERSIONS = st.lists(
    st.tuples(
        EFFECTS, SCOPES, st.sampled_from(["a", "b", "c"]), st.sampled_from(["groups", "groups", "alone"]), st.integers(0, 3),
        st.sampled_from([500, 2000, 5000, 10_000]), st.sampled_from([500, 3000, 100_000_00]),
    ), max_size=6,
).map(lambda listed: [
    version(
        f"campaign-{n}", effect=effect, scope=scope, when=EVERYTHING, stacking=Stacking(group, combines), priority=priority,
        envelope=envelope(max_bp=max_bp, max_minor=max_minor),
    )
    for n, (effect, scope, group, combines, priority, max_bp, max_minor) in enumerate(listed)
])  # fmt: skip


@settings(deadline=None)
@given(LINES, VERSIONS)
def test_parts_add_up_and_no_line_costs_less_than_nothing(lines, versions):
    priced = pricing.price(basket(*lines), versions)
    assert priced.total_minor == priced.list_minor - sum(sum(grant.lines.values()) for grant in priced.grants)
    for grant in priced.grants:
        assert sum(grant.lines.values()) == grant.amount_minor
        assert all(minor >= 0 for minor in grant.lines.values())
    for one in lines:
        assert 0 <= priced.by_line.get(one.seq, 0) <= one.list_minor


@settings(deadline=None)
@given(LINES, VERSIONS)
def test_the_price_is_never_below_the_floor_of_an_envelope_that_was_kept(lines, versions):
    of = basket(*lines)
    priced, known = pricing.price(of, versions), {one.id: one for one in versions}
    broken = [
        grant for grant in priced.grants
        if not pricing.fits(known[grant.version_id], [one for one in lines if one.seq in grant.lines], grant.amount_minor, "web")
    ]  # fmt: skip
    for grant in priced.grants:
        if grant in broken or broken:
            continue
        listed = sum(one.list_minor for one in lines if one.seq in grant.lines)
        off_minor = sum(priced.by_line.get(seq, 0) for seq in grant.lines)
        assert off_minor * 10_000 <= listed * known[grant.version_id].envelope.max_bp


@settings(deadline=None)
@given(LINES, VERSIONS, st.randoms(use_true_random=False))
def test_the_order_of_versions_and_of_lines_does_not_matter(lines, versions, draw: random.Random):
    expected = pricing.price(basket(*lines), versions)
    draw.shuffle(versions)
    shuffled = draw.sample(lines, len(lines))
    again = pricing.price(basket(*shuffled), versions)
    assert (again.grants, again.total_minor) == (expected.grants, expected.total_minor)


@settings(deadline=None)
@given(LINES, VERSIONS)
def test_at_most_one_of_a_group_is_granted_and_nobody_beside_who_stands_alone(lines, versions):
    grants = pricing.price(basket(*lines), versions).grants
    stacking = {one.id: one.content.stacking for one in versions}
    groups = [stacking[grant.version_id].group for grant in grants]
    assert len(groups) == len(set(groups))
    assert len(grants) <= 1 or all(stacking[grant.version_id].combines == "groups" for grant in grants)


@settings(deadline=None)
@given(LINES, VERSIONS)
def test_with_traces_or_without_the_price_is_the_same_and_every_version_has_an_outcome(lines, versions):
    plain, told = pricing.price(basket(*lines), versions), pricing.price(basket(*lines), versions, explain=True)
    assert (plain.grants, plain.total_minor) == (told.grants, told.total_minor)
    assert {one.version_id for one in told.traces} == {one.id for one in versions}
    assert {one.version_id for one in told.traces if one.outcome == "granted"} == {
        one.version_id for one in plain.grants
    }


@settings(deadline=None)
@given(st.integers(0, 100_000), st.lists(st.integers(0, 50_000), min_size=1, max_size=10))
def test_allocation_adds_up_and_every_part_is_within_one_of_its_share(total, weights):
    whole = sum(weights)
    parts = effects.allocate(total, weights)
    if whole == 0:
        assert parts == [0] * len(weights)
        return
    assert sum(parts) == total
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))
    if total <= whole:
        assert all(part <= weight for part, weight in zip(parts, weights, strict=True))


# What comes out


def test_a_grant_carries_the_evidence_and_is_what_the_database_takes():
    of = basket(line(1), line(2), line(3, unit_minor=7000), line(4, city="北京"))
    [grant] = pricing.price(of, [version(scope=AllOf([In("city", ["杭州"]), Gte("unit_minor", 1000)]))]).grants
    assert [(one["lines"], one["verdict"]) for one in grant.trace["scope"]] == [([1, 2, 3], "true")]
    assert [part["got"] for part in grant.trace["scope"][0]["parts"]] == ["杭州", [6000, 6000, 7000]]
    assert [part["verdict"] for part in grant.trace["when"]["parts"]] == ["true", "true"]
    wire = msgspec.json.decode(msgspec.json.encode(grant.wire()))
    # 5 % of 120 + 120 + 140 yuan
    assert wire["lines"] == [
        {"seq": 1, "amount_minor": 600},
        {"seq": 2, "amount_minor": 600},
        {"seq": 3, "amount_minor": 700},
    ]
    assert (wire["amount_minor"], wire["campaign_id"], wire["gift"], wire["code"]) == (1900, "spring", None, None)


def test_what_is_told_of_a_version_that_gives_nothing_names_every_line_and_every_node():
    of = basket(line(1, city="北京"), line(2, quantity=1, unit_minor=500))
    [told] = pricing.price(of, [version()], explain=True).traces
    assert told.outcome == "when"
    assert [(one["lines"], one["verdict"]) for one in told.trace["scope"]] == [([1], "false"), ([2], "true")]
    assert told.trace["when"]["parts"][0]["got"] == 500


def test_two_lines_of_one_number_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="same number"):
        pricing.price(basket(line(1), line(1)), [version()])


def test_a_changed_content_under_the_same_id_is_priced_as_it_stands():
    one = version()
    assert pricing.price(basket(), [one]).discount_minor == 600
    read_again = replace(one, content=msgspec.json.decode(msgspec.json.encode(one.content), type=model.Content))
    assert pricing.price(basket(), [read_again]).discount_minor == 600
    assert pricing.price(basket(), [version(effect=PercentOff(1000, 3000))]).discount_minor == 1200


def test_equal_contents_have_equal_hashes_and_any_change_has_another():
    one = version().content
    assert one.hash == msgspec.json.decode(msgspec.json.encode(one), type=model.Content).hash
    changed = [
        replace(one, effect=PercentOff(501, 3000)), replace(one, limits=Limits(10_000_01, per_day_minor=2_000_00, per_person=2)),
        replace(one, when=CountLt("redemptions", 2)), replace(one, channels=["web", "api"]), replace(one, priority=101),
        replace(one, schedule=Schedule(NOW, NOW + timedelta(days=20))), replace(one, sentence={"zh": "减", "en": "off"}),
    ]  # fmt: skip
    assert len({each.hash for each in [one, *changed]}) == len(changed) + 1


def test_a_content_with_an_unknown_field_cannot_be_read():
    raw = msgspec.to_builtins(version().content) | {"label": {"zh": "政府补贴", "en": "Government subsidy"}}
    with pytest.raises(msgspec.ValidationError, match="label"):
        model.decode(msgspec.json.encode(raw))


# The guard and pricing mean the same envelope


@pytest.mark.anyio
async def test_the_guard_in_the_database_finds_the_same_outside_the_envelope_as_pricing(db: Db) -> None:
    draw, asked = random.Random(4), []
    for _ in range(400):
        allowed = envelope(max_minor=draw.choice([500, 3000]), max_bp=draw.choice([500, 1999, 2000, 10_000]))
        lines = [
            line(n, quantity=draw.randint(1, 3), unit_minor=draw.choice([1, 99, 2500, 2501, 6000]), kind=draw.choice(["museum", "museum", "card"]))
            for n in range(1, draw.randint(2, 4))
        ]  # fmt: skip
        effect = draw.choice(
            [PercentOff(500, 3000), PercentOff(2000, None, uncapped=True), AmountOff(500, "order"), FixedPrice(2000)]
        )
        of = basket(*lines, channel=draw.choice(["web", "desk"]))
        one = version(effect=effect, envelope=allowed, channels=["web", "desk"], **OPEN)
        asked += [(one, of, grant) for grant in pricing.price(of, [one]).grants]
    found = [await db.read(_guarded, one, of, grant) for one, of, grant in asked]
    expected = [
        None if pricing.fits(one, [each for each in of.lines if each.seq in grant.lines], grant.amount_minor, of.channel) else "envelope"
        for one, of, grant in asked
    ]  # fmt: skip
    assert found == expected
    assert {None, "envelope"} == set(expected)


async def _guarded(tx: ReadTx, one: model.Version, of: Basket, grant: model.Grant) -> str | None:
    chosen = [each for each in of.lines if each.seq in grant.lines]
    row = {name: getattr(one.envelope, name) for name in ("max_minor", "max_bp", "kinds", "channels")} | {
        "matched": 0,
        "share_seen": 0,
    }
    return await tx.value(
        """select (campaigns.watch(jsonb_populate_record(null::campaigns.running, %(row)s::jsonb), %(amount)s::bigint, %(price)s::bigint,
                                   %(kinds)s::text[], %(channel)s, 1::bigint, %(at)s::timestamptz)).verdict""",
        row=msgspec.json.encode(row).decode(), amount=grant.amount_minor, price=sum(each.list_minor for each in chosen),
        kinds=[each.kind for each in chosen], channel=of.channel, at=of.now,
    )  # fmt: skip
