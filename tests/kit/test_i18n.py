"""Languages: what a browser asks for, and texts with values in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.kit import i18n


@pytest.mark.parametrize(
    ("asked", "given_"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr, en;q=0.1", "en"),
        ("fr", "zh"),
        ("", "zh"),
        ("en;q=0.2, zh;q=0.7", "zh"),
    ],
)
def test_the_first_of_our_languages_is_taken(asked: str, given_: str) -> None:
    assert i18n.negotiate(asked) == given_


@given(st.text(max_size=500))
def test_no_header_upsets_the_choice(header: str) -> None:
    assert i18n.negotiate(header) in i18n.LOCALES


def test_values_stand_in_both_languages() -> None:
    texts = i18n.both(
        "Your order {number} is confirmed. PIN {pin}. Your tickets: {link}", number="N", pin="P", link="L"
    )
    assert "N" in texts["zh"]
    assert "N" in texts["en"]
    assert texts["zh"] != texts["en"]
