"""A file with mistakes gets every one of them named, with its place, and imports nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import catalogue
from holdfast.catalogue.imports import mistakes as sentences
from holdfast.catalogue.model import CatalogueFileUnreadable
from holdfast.kit import i18n
from holdfast.kit.problems import InvalidInput

from .samples import document, folder, garden, mistakes, opening, price, product


def codes(*venues: dict[str, Any], **parts: Any) -> set[tuple[str, str]]:
    """Field and code of every mistake of these venues."""
    return {(field, code) for _, field, code in mistakes(document(*venues, **parts))}


def slot(**changes: Any) -> dict[str, Any]:
    return {"code": "am", "starts": "09:00", "ends": "12:00", "share_percent": "50"} | changes


def with_slots(*slots: dict[str, Any]) -> dict[str, Any]:
    return garden(products=[product(timeslots=list(slots))])


def with_prices(*prices: dict[str, Any]) -> dict[str, Any]:
    return garden(products=[product(prices=list(prices))])


def test_a_good_file_has_no_mistakes() -> None:
    assert mistakes(document(garden())) == []


def test_all_mistakes_come_at_once_each_with_its_place() -> None:
    bad = garden(
        kind="castle",
        latitude=391,
        openings=[opening(opens="25:00"), opening(season="late", last_entry="19:00", closed_weekdays=[0])],
        products=[product(release_days="soon", prices=[price(amount="-1"), price(id="Garden Child", amount="6O")])],
        visitors=12,
    )
    assert mistakes(document(garden(id="first", products=[], policies=[]), bad)) == [
        ("venues[1]", "visitors", "COLUMN_UNKNOWN"),
        ("venues[1]", "kind", "NOT_CHOICE"),
        ("venues[1]", "latitude", "TOO_LARGE"),
        ("venues[1].openings[0]", "opens", "NOT_TIME"),
        ("venues[1].openings[1]", "closed_weekdays", "NOT_WEEKDAYS"),
        ("venues[1].products[0]", "release_days", "NOT_WHOLE"),
        ("venues[1].products[0].prices[0]", "amount", "TOO_SMALL"),
        ("venues[1].products[0].prices[1]", "id", "ID_FORMAT"),
        ("venues[1].products[0].prices[1]", "amount", "NOT_MONEY"),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": {}}, ("name", "MISSING")),
        ({"name": "Garden"}, ("name", "TEXTS_SHAPE")),
        ({"name": {"en": "x" * 121}}, ("name.en", "TEXT_TOO_LONG")),
        ({"name": {"en": "Gar\u0000den"}}, ("name.en", "TEXT_CONTROL")),
        ({"name": {"zh": "\u202e园"}}, ("name.zh", "TEXT_CONTROL")),
        ({"id": "../etc"}, ("id", "ID_FORMAT")),
        ({"time_zone": "Asia/Nowhere"}, ("time_zone", "NOT_ZONE")),
        ({"time_zone": "../../etc/passwd"}, ("time_zone", "NOT_ZONE")),
        ({"longitude": "east"}, ("longitude", "NOT_NUMBER")),
        ({"longitude": float("nan")}, ("longitude", "NOT_NUMBER")),
        ({"latitude": "1e999999999"}, ("latitude", "NOT_NUMBER")),
        ({"facts": [{"fact": "cap"}]}, ("facts[0].label", "MISSING")),
        ({"openings": {}}, ("openings", "NOT_LIST")),
        ({"openings": [3]}, ("", "JSON_SHAPE")),
        ({"special_days": [{"day": "2027-02-30", "is_open": "yes"}]}, ("day", "NOT_DATE")),
        ({"special_days": [{"day": "2027-03-01", "is_open": "perhaps"}]}, ("is_open", "NOT_YES_NO")),
        ({"special_days": [{"day": "2027-03-01", "is_open": True, "opens": "09:00"}]}, ("closes", "HOURS_HALF")),
        ({"openings": [opening(last_entry="18:30")]}, ("last_entry", "LAST_ENTRY")),
        ({"openings": [opening(from_day="02-30")]}, ("from_day", "NOT_DAY_OF_YEAR")),
    ],
)  # fmt: skip
def test_a_venue_that_does_not_fit(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in codes(garden(**changes))


@pytest.mark.parametrize(
    ("venue", "expected"),
    [
        (with_slots(slot(share_percent="60"), slot(code="pm", share_percent="40.01")), ("share_percent", "SHARES")),
        (with_slots(slot(share_percent="12.345")), ("share_percent", "NOT_PERCENT")),
        (with_slots(slot(share_percent="101")), ("share_percent", "TOO_LARGE")),
        (with_slots(slot(capacity=10**12)), ("capacity", "TOO_LARGE")),
        (with_slots(slot(starts="06:00")), ("starts", "SLOT_OUTSIDE")),
        (with_slots(slot(ends="09:00")), ("ends", "SLOT_EMPTY")),
        (with_slots(slot(), slot()), ("id", "DUPLICATE")),
        (with_prices(price(amount="60.505")), ("amount", "NOT_MONEY")),
        (with_prices(price(amount="60.5", currency="JPY")), ("amount", "NOT_MONEY")),
        (with_prices(price(amount="99999999")), ("amount", "TOO_LARGE")),
        (with_prices(price(currency="XAU")), ("currency", "NOT_CHOICE")),
        (with_prices(price(), price(id="garden-adult-2", from_day="12-01", to_day="01-31")), ("from_day", "PRICES_OVERLAP")),
        (garden(openings=[opening(from_day="11-01", to_day="04-01"), opening(season="s", from_day="04-01", to_day="10-31")]),
         ("from_day", "SEASONS_OVERLAP")),
        (garden(products=[product(documents=["library_card"])]), ("documents", "NOT_CHOICE")),
        (garden(products=[product(provenance={"colour": {}})]), ("provenance", "JSON_SHAPE")),
        (garden(products=[product(cancel_rule={"until": "noon"})]), ("cancel_rule.until", "COLUMN_UNKNOWN")),
        (garden(policies=[{"origin": "cut", "from_date": "2027-01-01", "kind": "percent", "value": 130}]), ("value", "PERCENT_OVER")),
        (garden(policies=[{"origin": "cut", "from_date": "2027-01-01", "kind": "absolute"}]), ("value", "MISSING")),
        (garden(policies=[{"origin": "cut", "from_date": "2027-01-01", "kind": "absolute", "value": 1.5}]), ("value", "NOT_WHOLE")),
        (garden(policies=[{"origin": "cut", "from_date": "2027-02-01", "to_date": "2027-01-01", "kind": "closed"}]),
         ("to_date", "DATES_ORDER")),
        (garden(policies=[{"origin": "cut", "from_date": "2027-01-01", "kind": "closed", "supersedes": "cut"}]),
         ("supersedes", "SUPERSEDES_ITSELF")),
        (garden(policies=[{"origin": "cut", "from_date": "2027-01-01", "kind": "closed", "product_id": "nothing"}]),
         ("product_id", "NO_PRODUCTS")),
    ],
)  # fmt: skip
def test_a_product_that_does_not_fit(venue: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in codes(venue)


def test_a_source_nobody_listed_is_a_mistake() -> None:
    told = price(provenance={"status": "sourced", "source": "S9"})
    listed = {"id": "S1", "what": "a paper", "url": "https://example.org"}
    assert codes(with_prices(told), sources=[listed]) == {("provenance.source", "NO_SOURCES")}
    assert ("url", "NOT_URL") in codes(garden(), sources=[listed | {"url": "javascript:alert(1)"}])


def test_a_mistake_in_a_venue_is_not_blamed_on_what_belongs_to_it() -> None:
    assert codes(garden(kind="castle")) == {("kind", "NOT_CHOICE")}


def test_a_policy_for_the_product_of_another_venue_is_a_mistake() -> None:
    other = garden(
        id="other",
        products=[],
        policies=[{"origin": "cut", "from_date": "2027-01-01", "kind": "closed", "product_id": "garden-entry"}],
    )
    assert codes(garden(), other) == {("product_id", "PRODUCT_ELSEWHERE")}


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"{", "a.json", "JSON_BROKEN"),
        (b"[" * 100_000, "a.json", "JSON_BROKEN"),
        (b"[]", "a.json", "JSON_SHAPE"),
        (b'{"format": "other/9", "venues": []}', "a.json", "NOT_CHOICE"),
        (b'{"venue": []}', "a.json", "COLUMN_UNKNOWN"),
        (b"hello", "a.xlsx", "FILE_TYPE"),
        (b"id", "visitors.csv", "FILE_UNKNOWN"),
        (b"\xff\xfe\x00", "venues.csv", "FILE_ENCODING"),
    ],
)
def test_what_is_no_catalogue_file_is_refused(content: bytes, name: str, code: str) -> None:
    assert [found for _, _, found in mistakes(content, name)] == [code]


@given(st.binary(max_size=300), st.sampled_from(["a.json", "venues.csv", "prices.csv", "policies.csv"]))
def test_no_file_whatever_breaks_the_reader(content: bytes, name: str) -> None:
    mistakes(content, name)


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                     lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6)  # fmt: skip


@given(_JSON, st.data())
def test_no_value_whatever_breaks_the_reader(value: Any, data: st.DataObject) -> None:
    venue = json.loads(document(garden()))["venues"][0]
    spot = data.draw(st.sampled_from([venue, venue["openings"][0], venue["policies"][0], venue["products"][0],
                                      venue["products"][0]["timeslots"][0], venue["products"][0]["prices"][0]]))  # fmt: skip
    field = data.draw(
        st.sampled_from([*spot, "facts", "provenance", "cancel_rule", "latitude", "weekdays", "supersedes"])
    )
    spot[field] = value
    mistakes(document(venue))


def test_an_absent_file_and_an_empty_folder_say_what_is_missing(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none.json", "FILE_MISSING"), (folder(tmp_path / "empty"), "FILE_EMPTY")):
        with pytest.raises(CatalogueFileUnreadable) as raised:
            catalogue.read(path)
        assert [error["code"] for error in raised.value.errors] == [code]
        assert isinstance(raised.value, InvalidInput)


def test_every_mistake_has_a_chinese_sentence_with_the_same_places() -> None:
    for english in sentences.MESSAGES.values():
        assert english in i18n.catalogue(), english
