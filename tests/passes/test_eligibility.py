"""The one decision about a card: every rule says yes up to its edge and no behind it, with a reason in both languages."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from holdfast.kit.i18n import catalogue
from holdfast.passes.card_model import (
    ZONE,
    Card,
    CardRow,
    CardState,
    Companion,
    Counter,
    Entitlement,
    Rules,
    Use,
    UseState,
)
from holdfast.passes.eligibility import REASONS, Wanted, refusals

NOON = datetime(2026, 5, 10, 12, tzinfo=ZONE)
DAYS = {"kind": "days_since_first_use", "days": 3, "activate_within_days": 30}
NOBODY = UUID(int=0)


def day(text: str) -> date:
    return date(2026, int(text[:2]), int(text[3:]))


def use(item: str, text: str, state: str = "held", hour: int = 10) -> Use:
    at = datetime.combine(day(text), datetime.min.time(), ZONE) + timedelta(hours=hour)
    return Use(NOBODY, item, UseState(state), NOBODY, "X", 1, item, day(text), at, at + timedelta(hours=2), 1, 0)


def card(uses: list[Use] | None = None, *, people: int = 1, **given: Any) -> Card:
    """A card over ``a``, ``b`` and ``c``, each a product of its own."""
    columns = {name: given.pop(name) for name in list(given) if name in CardRow.__struct_fields__}
    whole = {"model": "fixed_list", "validity": DAYS, "items": [{"ref": ref, "uses": 1} for ref in "abc"]} | given
    rules = msgspec.convert(whole, Rules)
    row = CardRow(
        **{
            "id": NOBODY, "number": "X", "product_id": "card", "name": {}, "version": 1, "rules": rules, "order_id": NOBODY,
            "order_number": "Y", "holder_seq": 1, "account_id": NOBODY, "state": CardState.ACTIVE, "paid_minor": 9000,
            "list_minor": 18000, "currency": "CNY", "issued_at": NOON - timedelta(days=1), "activate_by": day("06-01"),
            "activated_at": NOON, "valid_from": None, "valid_to": None, "first_used_at": None, "valid_until": None,
            "suspended_why": "", "ended_at": None,
        } | columns
    )  # fmt: skip
    counted = [Counter(code, most, 0, 0) for code, most in rules.counters.items()]
    entitled = [
        Entitlement(i.ref, i.ref, {"en": i.ref.upper(), "zh": i.ref}, {i.ref: 6000}, i.uses, 0, 0) for i in rules.items
    ]
    party = [Companion(n + 1, "adult", "*", "passport", "1234") for n in range(people)]
    return Card(row, party, entitled, counted, uses or [])


def want(item: str, text: str, hour: int = 10, people: list[int] | None = None) -> Wanted:
    return Wanted(
        item, day(text), datetime.combine(day(text), datetime.min.time(), ZONE) + timedelta(hours=hour), people
    )


def why(of: Card, *wanted: Wanted) -> list[str]:
    return [one.code for one in refusals(of, wanted, NOON)]


def test_what_the_card_holds_may_be_visited_and_nothing_else():
    assert why(card(), want("a", "05-11"), want("b", "05-12")) == []
    assert why(card(), want("z", "05-11")) == ["not-in-card"]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("issued", "not-activated"),
        ("suspended", "suspended"),
        ("exhausted", "exhausted"),
        ("expired", "expired"),
        ("refunded", "refunded"),
    ],
)
def test_a_card_that_is_not_active_says_how_it_stands(state, code):
    assert why(card(state=CardState(state), suspended_why="lost"), want("a", "05-11")) == [code]


def test_the_past_is_past_and_today_is_not():
    assert why(card(), want("a", "05-09")) == ["past"]
    assert why(card(), want("a", "05-10", hour=8)) == []


def test_each_item_as_often_as_it_says_within_one_basket_too():
    assert why(card([use("a", "05-11")]), want("a", "05-12")) == ["used-up"]
    assert why(card(), want("a", "05-11"), want("a", "05-12")) == ["used-up"]
    assert why(card([use("a", "05-11", "released")]), want("a", "05-12")) == []


def test_of_a_choice_only_so_many_together():
    chosen = {"items": [{"ref": ref, "uses": 1, "counters": ["n"]} for ref in "abc"], "counters": {"n": 2}}
    assert why(card(**chosen), want("a", "05-11"), want("b", "05-11"), want("c", "05-11")) == ["choices-used-up"]
    assert why(card([use("a", "05-11", "used")], **chosen), want("b", "05-11")) == []


def test_of_two_that_exclude_each_other_only_one():
    either = {
        "items": [
            {"ref": "a", "uses": 2, "one_of": "x"},
            {"ref": "b", "uses": 2, "one_of": "x"},
            {"ref": "c", "uses": 1},
        ]
    }
    found = refusals(
        card([use("a", "05-11")], **either), [want("b", "05-12"), want("a", "05-12"), want("c", "05-12")], NOON
    )
    assert [(one.visit, one.code) for one in found] == [(0, "one-of"), (1, "one-of")]
    assert found[0].says["en"] == "The card holds either this or A, and that has been chosen."


def test_so_often_a_day_and_so_many_days_apart():
    year = {
        "model": "unlimited",
        "items": [{"ref": "a", "per_day": 1}],
        "validity": {"kind": "calendar_days_from_activation", "days": 365},
    }
    assert why(card([use("a", "05-11")], **year), want("a", "05-11", hour=15)) == ["once-a-day"]
    assert why(card([use("a", "05-11")], **year), want("a", "05-12")) == []
    rested = card([use("a", "05-15")], cooldown_days=3, **year)
    assert [why(rested, want("a", text)) for text in ("05-12", "05-13", "05-17", "05-18")] == [
        [],
        ["cooldown"],
        ["cooldown"],
        [],
    ]


def test_blackout_days_of_some_items_or_all_also_over_the_turn_of_the_year():
    holiday = {"from_day": "05-11", "to_day": "05-12", "items": ["a"]}
    assert why(card(blackout=[holiday]), want("a", "05-12"), want("b", "05-12")) == ["blackout"]
    assert why(card(blackout=[holiday]), want("a", "05-13")) == []
    turn = {"from_day": "12-30", "to_day": "05-12"}
    assert why(card(blackout=[turn]), want("b", "05-12")) == ["blackout"]


def test_before_the_first_use_all_visits_lie_within_the_days_and_begin_in_time():
    assert why(card(), want("a", "05-11"), want("b", "05-13")) == []
    assert why(card(), want("a", "05-11"), want("b", "05-14")) == ["too-far-apart"]
    assert why(card([use("a", "05-14")]), want("b", "05-11")) == ["too-far-apart"]
    assert why(card(), want("a", "06-01")) == []
    assert why(card(), want("a", "06-02")) == ["begin-by"]
    assert why(card([use("a", "06-01")]), want("b", "06-02")) == []


def test_after_the_first_use_its_days_are_fixed():
    begun = card([use("a", "05-10", "used")], valid_from=day("05-10"), valid_to=day("05-12"))
    assert why(begun, want("b", "05-12")) == []
    assert why(begun, want("b", "05-13")) == ["after-end"]


def test_hours_count_from_the_first_visit():
    hours = {"validity": {"kind": "hours_since_first_use", "hours": 48, "activate_within_days": 30}}
    assert why(card([use("a", "05-11", hour=10)], **hours), want("b", "05-13", hour=9)) == []
    assert why(card([use("a", "05-11", hour=10)], **hours), want("b", "05-13", hour=10)) == ["too-far-apart-hours"]
    until = datetime(2026, 5, 12, 10, tzinfo=ZONE)
    begun = card(
        [use("a", "05-10", "used")], valid_from=day("05-10"), valid_to=day("05-12"), valid_until=until, **hours
    )
    assert why(begun, want("b", "05-12", hour=9)) == []
    assert why(begun, want("b", "05-12", hour=10)) == ["after-moment"]


def test_a_window_has_a_first_and_a_last_day():
    window = {"validity": {"kind": "fixed_window", "days": 30}, "valid_from": day("05-12"), "valid_to": day("05-20")}
    assert [why(card(**window), want("a", text)) for text in ("05-11", "05-12", "05-20", "05-21")] == [
        ["before-start"],
        [],
        [],
        ["after-end"],
    ]


def test_a_party_enters_with_its_holder_and_with_nobody_else():
    family = card(people=3, party={"adults": 2, "children_max": 1})
    assert why(family, want("a", "05-11", people=[1, 3])) == []
    assert why(family, want("a", "05-11", people=[2])) == ["holder"]
    assert why(family, want("a", "05-11", people=[])) == ["nobody"]
    assert why(family, want("a", "05-11", people=[1, 4])) == ["not-yours"]


def test_every_reason_is_given_in_both_languages():
    assert sorted(sentence for sentence in REASONS.values() if sentence not in catalogue()) == []
    [found] = refusals(card([use("a", "05-11")]), [want("a", "05-12")], NOON)
    assert found.says["zh"] != found.says["en"]
