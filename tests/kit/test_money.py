"""Money adds up in minor units and never touches a float."""

from __future__ import annotations

import pytest

from holdfast.kit.money import Money, parse_major


def test_amounts_are_shown_with_the_digits_of_their_currency() -> None:
    assert str(Money(6000)) == "¥60.00"
    assert str(Money(-5)) == "¥-0.05"
    assert str(Money(500, "JPY")) == "JP¥500"
    assert str(Money(123456, "MOP")) == "1234.56 MOP"


def test_currencies_do_not_mix() -> None:
    assert Money(1) + Money(2) == Money(3)
    assert Money(250) * 3 == Money(750)
    with pytest.raises(ValueError, match="do not add"):
        Money(1) + Money(1, "USD")


def test_only_exact_amounts_are_read() -> None:
    assert parse_major("60") == Money(6000)
    assert parse_major("0.10") == Money(10)
    for bad in ("1.005", "abc", "", "NaN", "1e400", "١.5e"):
        with pytest.raises(ValueError):
            parse_major(bad)
