"""Policies come with the catalogue; what an import would do to people who booked is said beforehand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from holdfast import catalogue, inventory
from holdfast.catalogue.model import CatalogueFileUnreadable
from holdfast.inventory.model import Policy
from holdfast.kit.db import Db, ReadTx
from tests.catalogue.samples import IMPORTER, file
from tests.catalogue.samples import garden as described

from .conftest import MONDAY, sell, slot

pytestmark = pytest.mark.anyio
FRIDAY = MONDAY + timedelta(days=4)


def with_policies(*more: dict[str, Any]) -> catalogue.imports.CatalogueFile:
    return file(described(policies=[*described()["policies"], *more]))


async def policies(db: Db) -> dict[str, Policy]:
    async def ask(tx: ReadTx) -> list[Policy]:
        [offer] = await inventory.store.offers(tx, "garden", MONDAY)
        return offer.policies

    return {policy.origin: policy for policy in await db.read(ask)}


async def test_a_raise_supersedes_the_usual_figure(garden: Db) -> None:
    holiday = {
        "origin": "holiday",
        "from_date": "2027-05-07",
        "to_date": "2027-05-07",
        "kind": "absolute",
        "value": 300,
        "supersedes": "day-cap",
    }
    await garden.run(catalogue.apply, IMPORTER, with_policies(holiday))
    stored = await policies(garden)
    assert stored["holiday"].supersedes == stored["day-cap"].id
    assert (await slot(garden, FRIDAY, "am")).capacity == 180
    assert (await slot(garden, FRIDAY + timedelta(days=1), "am")).capacity == 60
    again = await garden.run(catalogue.apply, IMPORTER, with_policies(holiday))
    assert again.changes_nothing


async def test_a_changed_figure_keeps_its_row_and_the_trail_keeps_both(garden: Db) -> None:
    before = (await policies(garden))["day-cap"].id
    plan = await garden.run(
        catalogue.apply, IMPORTER, file(described(policies=[described()["policies"][0] | {"value": 40}]))
    )
    assert [change.fields for change in plan.changes] == [{"value": (100, 40)}]
    after = (await policies(garden))["day-cap"]
    assert (after.id, after.value) == (before, 40)
    assert isinstance(after.id, UUID)


async def test_superseding_an_unknown_rule_is_a_mistake(garden: Db) -> None:
    with pytest.raises(CatalogueFileUnreadable) as raised:
        async with garden.reading() as tx:
            await catalogue.plan(
                tx,
                with_policies({"origin": "xx", "from_date": "2027-05-07", "kind": "closed", "supersedes": "nothing"}),
            )
    assert [error["code"] for error in raised.value.errors] == ["NO_POLICIES"]


async def test_closing_a_day_with_visitors_is_warned_of(garden: Db) -> None:
    await sell(garden, FRIDAY, "am", 7)
    closing = file(described(special_days=[{"day": "2027-05-07", "is_open": False}]))
    async with garden.reading() as tx:
        plan = await catalogue.plan(tx, closing)
    assert [warned.message for warned in plan.warnings] == [
        {
            "en": "“garden” will be closed on 2027-05-07, when 7 places are sold.",
            "zh": "“garden”在 2027-05-07 将不开放，而该日已售出 7 个名额。",
        }
    ]
    assert (await slot(garden, FRIDAY, "am")).state == "open"  # a dry run


@pytest.mark.parametrize(
    ("cut", "places"),
    [({"kind": "absolute", "value": 80}, 80), ({"kind": "percent", "value": 50}, 50), ({"kind": "closed"}, 0)],
)
async def test_a_cut_below_what_is_sold_is_warned_of(garden: Db, cut: dict[str, Any], places: int) -> None:
    await sell(garden, FRIDAY, "am", 50)
    async with garden.reading() as tx:
        plan = await catalogue.plan(tx, with_policies({"origin": "cut", "from_date": "2027-05-07", **cut}))
    [warned] = plan.warnings
    assert (
        warned.message["en"]
        == f"“garden-entry” will have {places} places on 2027-05-07, when 50 are sold; sale stops there."
    )


async def test_a_cut_above_what_is_sold_is_no_reason_to_warn(garden: Db) -> None:
    await sell(garden, FRIDAY, "am", 50)
    async with garden.reading() as tx:
        plan = await catalogue.plan(
            tx, with_policies({"origin": "cut", "from_date": "2027-05-07", "kind": "absolute", "value": 90})
        )
    assert plan.warnings == []


async def test_a_long_list_of_affected_days_is_cut_short(garden: Db) -> None:
    for n in range(25):
        await sell(garden, MONDAY + timedelta(days=n), "am", 1)
    async with garden.reading() as tx:
        plan = await catalogue.plan(tx, with_policies({"origin": "end", "from_date": "2027-05-01", "kind": "closed"}))
    assert len(plan.warnings) == 21
    assert plan.warnings[-1].message["en"] == "5 more days with sold places are affected."


async def test_an_import_stops_the_sale_of_a_closed_day_at_once(garden: Db) -> None:
    await garden.run(catalogue.apply, IMPORTER, file(described(special_days=[{"day": "2027-05-07", "is_open": False}])))
    assert (await slot(garden, FRIDAY, "am")).state == "closed"
