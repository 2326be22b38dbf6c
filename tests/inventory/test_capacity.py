"""How policies and shares become places."""

from __future__ import annotations

from datetime import date, time, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from holdfast.catalogue.model import Timeslot
from holdfast.inventory import capacity
from holdfast.inventory.model import Policy
from holdfast.kit import ids

DAY = date(2027, 5, 1)
PLACES = st.integers(0, 1_000_000)
SHARES = st.lists(st.integers(0, 2500), min_size=1, max_size=4)


class Product(msgspec.Struct, frozen=True):
    id: str
    timeslots: list[Timeslot]


def product(*shares: int, name: str = "entry", capacity: int | None = None) -> Product:
    return Product(
        name, [Timeslot(f"s{n}", time(8 + n), time(9 + n), share, capacity) for n, share in enumerate(shares)]
    )


def policy(kind: str, value: int = 0, **changes: object) -> Policy:
    given: dict[str, object] = {
        "id": ids.uuid7(),
        "venue_id": "v",
        "product_id": None,
        "from_date": DAY,
        "to_date": None,
    }
    return Policy(kind=kind, value=value, **(given | changes))  # type: ignore[arg-type]


def places(products: list[Product], *policies: Policy, day: date = DAY) -> dict[str, dict[str, int]]:
    return {name: found.slots for name, found in capacity.venue_day(products, policies, day).items()}


@given(PLACES, st.dictionaries(st.text(max_size=3), st.integers(0, 10_000), min_size=1, max_size=20))
def test_dividing_loses_nothing_and_is_fair_to_one_place(total: int, weights: dict[str, int]) -> None:
    parts = capacity.divide(total, weights)
    everything = sum(weights.values())
    assert sum(parts.values()) == (total if everything else 0)
    assert all(
        abs(parts[name] * everything - total * weight) < everything for name, weight in weights.items() if everything
    )


@given(st.lists(PLACES, max_size=4), st.lists(st.integers(0, 10_000), max_size=3), SHARES)
def test_slots_never_hold_more_than_the_smallest_figure(
    figures: list[int], percents: list[int], shares: list[int]
) -> None:
    policies = [policy("absolute", value) for value in figures] + [policy("percent", value) for value in percents]
    slots = places([product(*shares)], *policies)["entry"]
    if not figures:
        assert set(slots.values()) == {0}
        return
    allowed = min(figures) * min([*percents, 10_000]) // 10_000
    assert sum(slots.values()) == allowed * sum(shares) // 10_000


@given(PLACES, st.lists(st.tuples(st.none() | PLACES, SHARES), min_size=1, max_size=4))
def test_all_products_together_never_exceed_the_venue(total: int, offered: list[tuple[int | None, list[int]]]) -> None:
    products = [product(*shares, name=f"p{n}") for n, (_, shares) in enumerate(offered)]
    own = [
        policy("absolute", figure, product_id=f"p{n}") for n, (figure, _) in enumerate(offered) if figure is not None
    ]
    found = places(products, policy("absolute", total), *own)
    assert sum(sum(slots.values()) for slots in found.values()) <= total
    for n, (figure, _) in enumerate(offered):
        assert figure is None or sum(found[f"p{n}"].values()) <= figure


@given(SHARES, PLACES, st.sampled_from(["absolute", "percent"]), st.integers(0, 10_000))
def test_another_policy_never_adds_places(shares: list[int], total: int, kind: str, value: int) -> None:
    before = places([product(*shares)], policy("absolute", total))["entry"]
    after = places([product(*shares)], policy("absolute", total), policy(kind, value))["entry"]
    assert sum(after.values()) <= sum(before.values())


@given(SHARES, PLACES, st.integers(0, 1000))
def test_a_slots_own_capacity_is_never_exceeded(shares: list[int], total: int, own: int) -> None:
    assert max(places([product(*shares, capacity=own)], policy("absolute", total))["entry"].values()) <= own


@given(st.sampled_from(["closed", "paused"]), PLACES, SHARES)
def test_a_stop_outweighs_every_figure(kind: str, total: int, shares: list[int]) -> None:
    stop = policy(kind, reason={"en": "storm"})
    found = capacity.venue_day([product(*shares)], [policy("absolute", total), stop], DAY)["entry"]
    assert found.limit.state == kind
    assert found.limit.reason == {"en": "storm"}
    assert set(found.slots.values()) == {0}


def test_an_hourly_limit_below_the_days_share_binds() -> None:
    assert places([product(5000, 5000, capacity=3000)], policy("absolute", 33_000))["entry"] == {"s0": 3000, "s1": 3000}


def test_slots_with_places_of_their_own_need_no_figure_for_the_day() -> None:
    assert places([product(5000, 5000, capacity=600)])["entry"] == {"s0": 600, "s1": 600}
    assert places([product(5000, 5000, capacity=600)], policy("percent", 3000))["entry"] == {"s0": 180, "s1": 180}


def test_a_cut_of_the_venue_is_shared_by_its_products_in_proportion() -> None:
    tickets = [product(10_000, name="a"), product(10_000, name="b")]
    figures = [policy("absolute", 6000, product_id="a"), policy("absolute", 12_000, product_id="b")]
    assert places(tickets, policy("absolute", 18_000), *figures) == {"a": {"s0": 6000}, "b": {"s0": 12_000}}
    assert places(tickets, policy("absolute", 9000), *figures) == {"a": {"s0": 3000}, "b": {"s0": 6000}}
    assert places(tickets, policy("absolute", 18_000), policy("percent", 5000), *figures) == {
        "a": {"s0": 3000},
        "b": {"s0": 6000},
    }


def test_a_pool_kept_for_others_is_not_sold_here() -> None:
    assert places([product(4400, 3600)], policy("absolute", 40_000))["entry"] == {"s0": 17_600, "s1": 14_400}


def test_a_rule_counts_on_its_dates_and_weekdays_only() -> None:
    weekend = policy("absolute", 50, weekdays=[6, 7])
    short = policy("absolute", 10, to_date=DAY)
    allowed = [
        places([product(10_000)], policy("absolute", 80), weekend, short, day=DAY + timedelta(days=n))["entry"]["s0"]
        for n in range(-1, 3)
    ]
    assert allowed == [0, 10, 50, 80]  # nothing is known of the day before; then Saturday, Sunday, Monday


def test_a_raise_supersedes_the_usual_figure_on_its_days() -> None:
    usual = policy("absolute", 65_000)
    holiday = policy("absolute", 80_000, supersedes=usual.id, to_date=DAY)
    assert places([product(10_000)], usual, holiday)["entry"]["s0"] == 80_000
    assert places([product(10_000)], usual, holiday, day=DAY + timedelta(days=1))["entry"]["s0"] == 65_000


def test_the_decisive_policy_is_named() -> None:
    cut, figure = policy("percent", 3000, reason={"en": "order 12"}), policy("absolute", 1000)
    assert capacity.limit([figure, cut]).policy is cut
    assert capacity.limit([figure]).policy is figure
    assert capacity.limit([]) == capacity.Limit(places=None, percent_bp=10_000, state="open", policy=None)
