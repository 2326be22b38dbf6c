"""What a published rule means in moments and money: a table of rules, and of shares."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from holdfast.kit import ids
from holdfast.orders import policies
from holdfast.orders.policies import Item, Why

STARTS = datetime(2026, 12, 5, 1, 30, tzinfo=UTC)
"""09:30 on the clocks of Beijing."""
DAY = date(2026, 12, 5)


def terms(rule):
    return policies.terms(rule, DAY, STARTS, "Asia/Shanghai")


def item(quantity=1, unit_minor=6000, rule=None, *, seq=1, first=1, closed=False, named=True):
    return Item(
        seq=seq, slot_id=ids.uuid7(), product_id="p", venue_id="v", price_id="c", ticket="adult", visit_date=DAY,
        starts_at=STARTS, ends_at=STARTS + timedelta(hours=2), time_zone="Asia/Shanghai", quantity=quantity,
        places=quantity, unit_minor=unit_minor, slot_state="closed" if closed else "open", cancel_rule=rule or {},
        travellers=list(range(first, first + quantity)) if named else [],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "free_until", "part_until"),
    [
        ({}, STARTS, STARTS),
        ({"text": {"zh": "详见公告"}}, STARTS, STARTS),
        ({"minutes_before_start": 0}, STARTS, STARTS),
        ({"minutes_before_start": 120}, STARTS - timedelta(hours=2), STARTS - timedelta(hours=2)),
        ({"minutes_before_start": 120, "later_kept_percent": 30}, STARTS - timedelta(hours=2), STARTS),
        ({"days_before": 0, "time": "20:00"}, datetime(2026, 12, 5, 12, tzinfo=UTC), datetime(2026, 12, 5, 12, tzinfo=UTC)),
        ({"days_before": 1, "time": "15:00"}, datetime(2026, 12, 4, 7, tzinfo=UTC), datetime(2026, 12, 4, 7, tzinfo=UTC)),
        ({"days_before": 1}, datetime(2026, 12, 4, 16, tzinfo=UTC), datetime(2026, 12, 4, 16, tzinfo=UTC)),
        ({"days_before": 2, "later_kept_percent": 0}, datetime(2026, 12, 3, 16, tzinfo=UTC), STARTS),
    ],
)  # fmt: skip
def test_a_rule_is_free_until_a_moment_and_in_part_until_another(rule, free_until, part_until):
    found = terms(rule)
    assert (found.free_until, found.part_until) == (free_until, part_until)
    assert found.published is ("minutes_before_start" in rule or "days_before" in rule)


@pytest.mark.parametrize(
    ("rule", "before", "closed", "kept"),
    [
        ({}, timedelta(minutes=1), False, (0, Why.FREE)),
        ({}, timedelta(0), False, (6001, Why.OVER)),
        ({}, timedelta(0), True, (0, Why.CLOSED)),
        ({"minutes_before_start": 60}, timedelta(minutes=60), False, (6001, Why.OVER)),
        ({"minutes_before_start": 60}, timedelta(minutes=61), False, (0, Why.FREE)),
        ({"minutes_before_start": 60, "later_kept_percent": 30}, timedelta(minutes=60), False, (1800, Why.PART)),
        ({"minutes_before_start": 60, "later_kept_percent": 30}, timedelta(0), False, (6001, Why.OVER)),
        ({"minutes_before_start": 60, "later_kept_percent": 0}, timedelta(minutes=5), False, (0, Why.PART)),
        ({"minutes_before_start": 60, "later_kept_percent": 900}, timedelta(minutes=5), False, (6001, Why.OVER)),
        ({"time": "22:00"}, timedelta(hours=-3), False, (0, Why.FREE)),
        ({"minutes_before_start": 9000, "later_kept_percent": 30}, timedelta(0), True, (0, Why.CLOSED)),
    ],
)
def test_what_is_kept_of_a_price_is_rounded_to_the_travellers_good(rule, before, closed, kept):
    assert policies.kept(terms(rule), 6001, STARTS - before, closed=closed) == kept


def test_changing_is_allowed_as_long_as_cancelling_unless_the_rule_says_otherwise():
    assert terms({"minutes_before_start": 60}).change_until == STARTS - timedelta(minutes=60)
    assert terms({"change_minutes_before_start": 30}).change_until == STARTS - timedelta(minutes=30)
    assert terms({"change_allowed": False}).change_until is None
    assert terms({"change_fee_minor": 500}).fee_minor == 500


def test_the_shares_of_the_travellers_add_up_to_the_order():
    items = [item(3, 3333, {"minutes_before_start": 600, "later_kept_percent": 33}), item(2, 5000, seq=2, first=4)]
    now, left = STARTS - timedelta(minutes=5), 3 * 3333 + 2 * 5000
    whole = policies.decide(items, None, now, left, "CNY")
    singly = [policies.decide(items, [seq], now, left, "CNY") for seq in range(1, 6)]
    assert sum(one.refund_minor for one in singly) == whole.refund_minor == 3 * (3333 - 1099) + 10_000
    assert whole.refund_minor + whole.kept_minor == left
    assert policies.decide(items, [1, 2, 3, 4, 5], now, left, "CNY").whole
    assert not policies.decide(items, [1, 4], now, left, "CNY").whole


def test_nobody_can_be_named_out_of_tickets_without_names():
    items = [item(2), item(1, seq=2, named=False)]
    assert not policies.decide(items, [1, 2], STARTS - timedelta(hours=1), 18_000, "CNY").whole


def test_what_was_given_back_before_is_not_given_back_again():
    found = policies.decide([item(2)], None, STARTS - timedelta(hours=1), 5000, "CNY")
    assert (found.refund_minor, found.kept_minor) == (5000, 0)
    rule = {"minutes_before_start": 600, "later_kept_percent": 50}
    found = policies.decide([item(2, rule=rule)], None, STARTS - timedelta(hours=1), 11_000, "CNY")
    assert (found.refund_minor, found.kept_minor) == (6000, 5000)


def test_a_quote_holds_until_the_first_of_its_shares_changes():
    rule = {"minutes_before_start": 600, "later_kept_percent": 50}
    at = [STARTS - timedelta(hours=11), STARTS - timedelta(hours=9), STARTS]
    held = [policies.decide([item(1, rule=rule)], None, now, 6000, "CNY").holds_until for now in at]
    assert held == [STARTS - timedelta(hours=10), STARTS, None]
    assert policies.decide([item(1, closed=True)], None, STARTS, 6000, "CNY").holds_until is None


def test_an_amount_is_spread_over_payments_as_far_as_each_has_money():
    first, second = ids.uuid7(), ids.uuid7()
    assert policies.spread(700, [(first, 500), (second, 1000)]) == [(first, 500), (second, 200)]
    assert policies.spread(0, [(first, 500)]) == []
    assert policies.spread(900, [(first, 0), (second, 600)]) == [(second, 600)]
