"""Finding venues in two languages."""

from __future__ import annotations

import pytest

from holdfast import catalogue
from holdfast.kit.db import Db

from .samples import IMPORTER, file, garden, opening, price, product

pytestmark = pytest.mark.anyio


@pytest.fixture
async def found(db: Db) -> Db:
    await db.run(catalogue.apply, IMPORTER, catalogue.demo())
    return db


async def names(db: Db, **wanted: str) -> list[str]:
    async with db.reading() as tx:
        return [card.id for card in await catalogue.search(tx, **wanted)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("故宫", ["palace-museum"]),
        ("北京故宫", ["palace-museum"]),
        ("GREAT wall", ["badaling", "mutianyu"]),
        ("ｗａｌｌ　great", ["badaling", "mutianyu"]),
        ("xian museum", ["banpo-museum", "terracotta-army", "shaanxi-history-museum"]),
        ("xi'an banpo", ["banpo-museum"]),
        ("长城", ["badaling", "mutianyu"]),
        ("园林 苏州", ["humble-administrator", "lion-grove"]),
        ("nowhere", []),
        ("%", []),
        ("_", []),
        ("'); drop table catalogue.venues; --", []),
    ],
)
async def test_words_are_found_in_both_languages(found: Db, text: str, expected: list[str]) -> None:
    hits = await names(found, text=text)
    assert sorted(hits) == sorted(expected)


async def test_no_words_find_everything_in_the_editors_order(found: Db) -> None:
    hits = await names(found)
    assert len(hits) == 25
    assert hits[0] == "palace-museum"


async def test_a_hit_in_the_name_comes_first(found: Db) -> None:
    assert (await names(found, text="museum"))[0] == "palace-museum"
    assert (await names(found, text="pagoda"))[0] == "leifeng-pagoda"


async def test_city_and_kind_narrow_the_search(found: Db) -> None:
    assert await names(found, city="Xi'an") == await names(found, city="西安") == [
        "terracotta-army", "shaanxi-history-museum", "banpo-museum",
    ]  # fmt: skip
    assert await names(found, city="suzhou", kind="garden") == ["humble-administrator", "lion-grove"]
    assert await names(found, city="Atlantis") == []


async def test_cities_and_kinds_come_with_the_most_venues_first(found: Db) -> None:
    async with found.reading() as tx:
        cities, kinds = await catalogue.cities(tx), await catalogue.kinds(tx)
    assert [(city.name["en"], city.venues) for city in cities[:3]] == [("Beijing", 6), ("Xi'an", 3), ("Suzhou", 3)]
    assert sum(city.venues for city in cities) == 25
    assert kinds["museum"] == "Museum"


async def test_a_card_names_the_cheapest_ticket_that_takes_a_place(found: Db) -> None:
    async with found.reading() as tx:
        cards = {card.id: card for card in await catalogue.search(tx)}
    assert str(cards["palace-museum"].lowest) == "¥40.00"  # free children take no place
    assert str(cards["national-museum"].lowest) == "¥0.00"


async def test_a_retired_venue_is_not_found_but_keeps_its_name(db: Db) -> None:
    other = garden(
        id="other",
        openings=[opening()],
        policies=[],
        products=[product(id="other-entry", prices=[price(id="other-adult")])],
    )
    await db.run(catalogue.apply, IMPORTER, file(garden(), other))
    await db.run(catalogue.apply, IMPORTER, file(other), retire_missing=True)
    assert await names(db) == ["other"]
    async with db.reading() as tx:
        card = (await catalogue.venues.many(tx, ["garden", "nowhere"]))["garden"]
        venue = await catalogue.venues.get(tx, "garden")
    assert card.name == {"zh": "园林", "en": "Garden"}
    assert venue.retired_at is not None


async def test_an_unknown_venue_is_a_problem_of_its_own(db: Db) -> None:
    async with db.reading() as tx:
        with pytest.raises(catalogue.VenueUnknown):
            await catalogue.venues.get(tx, "nowhere")
