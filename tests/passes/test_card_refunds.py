"""What a returned card gives back: each formula of the law at its edges, and that its buyer always gets the best of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from holdfast.passes.card_refunds import Cause, Ground, at_discounted_price, at_list_price, by_time_left, decide
from tests.passes.test_eligibility import NOON, card, day, use

LATER = NOON + timedelta(days=10)
YEAR = {
    "model": "unlimited",
    "items": [{"ref": "a", "per_day": 1}],
    "validity": {"kind": "calendar_days_from_activation", "days": 365},
}


def used(*items: str):
    return [replace(use(item, "05-10", "used"), list_minor=6000) for item in items]


def test_sellers_cause_counts_the_use_at_the_price_of_the_card():
    assert at_discounted_price(9000, 18000, 6000) == 6000
    assert at_discounted_price(9000, 18000, 0) == 9000
    assert at_discounted_price(9000, 18000, 18000) == 0
    assert at_discounted_price(1000, 3000, 1000) == 667  # what was used is rounded down, to the buyer's good
    assert (
        at_discounted_price(20000, 18000, 6000) == 14000
    )  # a card dearer than its content: never more than list price


def test_buyers_cause_counts_it_at_list_price_and_never_below_nothing():
    assert at_list_price(9000, 6000) == 3000
    assert at_list_price(9000, 12000) == 0


def test_an_unlimited_card_gives_back_by_the_days_that_are_left():
    assert by_time_left(36500, 365, 0) == 36500
    assert by_time_left(36500, 365, 1) == 36400
    assert by_time_left(36500, 365, 365) == 0
    assert by_time_left(36500, 365, 400) == 0


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 800), st.integers(1, 800))
def test_no_formula_gives_more_than_was_paid_or_less_than_nothing(paid, whole, part, days, all_days):
    for back in (at_discounted_price(paid, whole, part), at_list_price(paid, part), by_time_left(paid, all_days, days)):
        assert 0 <= back <= paid


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_sellers_cause_is_never_worse_for_the_buyer_than_their_own(paid, whole, part):
    assert at_discounted_price(paid, max(paid, whole), part) >= at_list_price(paid, part)


def test_within_seven_days_the_use_counts_at_the_price_of_the_card_unless_one_was_had_before():
    begun = card(used("a"))
    assert (decide(begun, NOON, had_before=False).refund_minor, decide(begun, NOON, had_before=False).ground) == (
        6000,
        Ground.SEVEN_DAYS,
    )
    assert decide(begun, NOON, had_before=False).holds_until == begun.row.issued_at + timedelta(days=7)
    assert decide(begun, NOON, had_before=True).ground is Ground.BUYERS_CAUSE
    assert decide(begun, begun.row.issued_at + timedelta(days=7), had_before=False).refund_minor == 3000


def test_whose_cause_it_is_decides_afterwards():
    begun = card(used("a"))
    assert decide(begun, LATER, had_before=False).refund_minor == 3000
    assert decide(begun, LATER, had_before=False, cause=Cause.SELLER).refund_minor == 6000
    assert decide(begun, LATER, had_before=False, cause=Cause.SELLER).source.startswith("法释〔2025〕4号")


@pytest.mark.parametrize(
    ("terms", "items", "back"),
    [
        ({"kind": "none"}, "", 9000),
        ({"kind": "none"}, "a", 3000),
        ({"kind": "unused"}, "", 9000),
        ({"kind": "unused"}, "a", 3000),
        ({"kind": "share"}, "a", 6000),
        ({"kind": "share"}, "abc", 0),
    ],
)
def test_own_terms_can_only_give_more(terms, items, back):
    assert decide(card(used(*items), own_terms=terms), LATER, had_before=True).refund_minor == back


def test_before_the_first_use_means_so_many_hours_before():
    terms = {"kind": "before_first_use", "hours": 48}
    booked = card([use("a", "05-15", hour=10)], own_terms=terms, paid_minor=9000)
    in_time = decide(booked, booked.uses[0].starts_at - timedelta(hours=49), had_before=True)
    assert (in_time.refund_minor, in_time.open_visits) == (9000, 1)


def test_a_year_card_gives_back_its_days_whatever_its_terms_say_because_none_at_all_is_void():
    year = card(used("a"), valid_from=day("05-01"), valid_to=day("05-31"), own_terms={"kind": "none"}, **YEAR)
    found = decide(year, NOON, had_before=True)
    assert (found.refund_minor, found.ground) == (9000 - 9000 * 10 // 31, Ground.TIME)
    assert found.holds_until.date() == day("05-11")
    fresh = card(valid_from=day("05-11"), valid_to=day("05-31"), **YEAR)
    assert decide(fresh, NOON, had_before=True).ground is Ground.NOT_BEGUN


def test_a_card_that_has_run_out_still_has_what_was_not_used():
    from holdfast.passes.card_model import CardState

    over = card(used("a"), state=CardState.EXPIRED)
    assert decide(over, LATER, had_before=False).refund_minor == 3000
    assert (
        decide(replace(over, row=replace(over.row, state=CardState.REFUNDED)), LATER, had_before=False).refund_minor
        == 0
    )
