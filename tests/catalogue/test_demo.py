"""The demo catalogue: real places, and every figure says where it comes from."""

from __future__ import annotations

from collections import Counter

import pytest

from holdfast import catalogue
from holdfast.catalogue.model import ESTABLISHMENTS
from holdfast.kit.db import Db

from .samples import IMPORTER

ENTRIES = catalogue.demo()
SOURCES = {entry.key[0] for entry in ENTRIES.of("sources")}


def test_there_are_twenty_five_attractions_in_fifteen_cities() -> None:
    venues = [entry for entry in ENTRIES.of("venues") if entry.values["kind"] not in ESTABLISHMENTS]
    assert len(venues) == 25
    assert len({entry.values["city"]["en"] for entry in venues}) == 15
    assert all(set(entry.values["summary"]) == {"zh", "en"} for entry in venues)


@pytest.mark.parametrize("table", ["prices", "policies", "openings", "timeslots"])
def test_every_figure_has_a_provenance(table: str) -> None:
    for entry in ENTRIES.of(table):
        provenance = entry.values["provenance"]
        assert provenance["status"] in {"sourced", "derived", "illustrative"}, entry.key
        assert (provenance.get("source") in SOURCES) == (provenance["status"] != "illustrative"), entry.key
        assert provenance["status"] == "sourced" or set(provenance["note"]) == {"zh", "en"}, entry.key


def test_every_fact_has_a_label_and_a_provenance() -> None:
    for entry in ENTRIES.of("venues"):
        for fact in entry.values["facts"]:
            assert set(fact["label"]) == {"zh", "en"}
            assert fact["status"] == "illustrative" or fact["source"] in SOURCES


def test_what_is_only_assumed_is_said_to_be() -> None:
    caps = Counter(entry.values["provenance"]["status"] for entry in ENTRIES.of("policies"))
    assert caps["illustrative"] == 5  # day figures that no source names
    assert caps["sourced"] >= 16


async def test_the_demo_can_be_imported_into_an_empty_database(db: Db) -> None:
    plan = await db.run(catalogue.apply, IMPORTER, ENTRIES)
    assert plan.created == len(ENTRIES.entries)
    assert plan.warnings == []
    async with db.reading() as tx:
        palace = await catalogue.venues.get(tx, "palace-museum")
    [entry] = palace.products
    assert [slot.share_bp for slot in entry.timeslots] == [4400, 3600]  # the agencies' fifth is not sold here
    assert entry.timeslots[0].ends > entry.timeslots[1].starts  # entry times overlap, as the source has it
    assert palace.sources[palace.facts[0].source].url.startswith("http")


pytestmark = pytest.mark.anyio
