"""A dry run says what an import does, and the import does exactly that."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import catalogue
from holdfast.catalogue.imports import CatalogueFile, Plan
from holdfast.catalogue.model import CatalogueFileUnreadable
from holdfast.kit.db import Db, ReadTx

from .samples import IMPORTER, file, garden, opening, price, product

pytestmark = pytest.mark.anyio


async def apply(db: Db, wanted: CatalogueFile, *, retire_missing: bool = False) -> Plan:
    """A dry run in a read-only transaction, then the import: both give the same plan."""
    async with db.reading() as tx:
        foreseen = await catalogue.plan(tx, wanted, retire_missing=retire_missing)
    done = await db.run(catalogue.apply, IMPORTER, wanted, retire_missing=retire_missing)
    assert done == foreseen
    return done


def upload(name: str, text: str) -> CatalogueFile:
    return catalogue.imports.read_upload(text.encode(), name)


async def rows(db: Db) -> list[dict[str, Any]]:
    """All that an import may write, with the moments of writing left out."""

    async def ask(tx: ReadTx) -> list[dict[str, Any]]:
        return await tx.values(
            """select to_jsonb(v) - 'updated_at' from catalogue.venues v union all select to_jsonb(o) from catalogue.openings o
               union all select to_jsonb(d) from catalogue.special_days d
               union all select to_jsonb(p) - 'updated_at' from catalogue.products p
               union all select to_jsonb(t) from catalogue.timeslots t union all select to_jsonb(c) from catalogue.prices c
               union all select to_jsonb(s) from catalogue.sources s union all select to_jsonb(l) from inventory.policies l"""
        )

    return await db.read(ask)


async def test_an_import_does_what_the_dry_run_said(db: Db) -> None:
    plan = await apply(db, file())
    assert (plan.created, plan.changed, plan.unchanged) == (8, 0, 0)
    assert {change.table for change in plan.changes} == {
        "venues",
        "openings",
        "products",
        "timeslots",
        "prices",
        "policies",
    }


async def test_a_dry_run_writes_nothing(db: Db) -> None:
    async with db.reading() as tx:
        await catalogue.plan(tx, file())
    assert await rows(db) == []


async def test_importing_twice_changes_nothing(db: Db) -> None:
    for wanted in (file(), catalogue.demo()):
        await apply(db, wanted)
        before = await rows(db)
        again = await apply(db, wanted)
        assert again.changes_nothing
        assert again.unchanged == len(wanted.entries)
        assert await rows(db) == before


async def test_a_change_is_told_field_by_field(db: Db) -> None:
    await apply(db, file())
    dearer = product(
        prices=[price(amount="80"), price(id="garden-child", ticket="child", amount="0", uses_place=False)]
    )
    plan = await apply(db, file(garden(kind="park", products=[dearer])))
    assert [(change.table, change.key, change.fields) for change in plan.of("changed")] == [
        ("venues", ("garden",), {"kind": ("garden", "park")}),
        ("prices", ("garden-adult",), {"amount_minor": (6050, 8000)}),
    ]
    assert plan.unchanged == 6


async def test_what_a_csv_file_does_not_mention_stays_as_it_is(db: Db) -> None:
    told = price(provenance={"status": "illustrative", "note": {"en": "demo"}}, position=3)
    await apply(db, file(garden(products=[product(prices=[told])])))
    plan = await apply(
        db,
        upload(
            "prices.csv", "id,product_id,ticket,name_zh,name_en,amount\ngarden-adult,garden-entry,adult,成人,Adult,99\n"
        ),
    )
    assert [change.fields for change in plan.changes] == [{"amount_minor": (6050, 9900)}]
    async with db.reading() as tx:
        [found] = (await catalogue.venues.get(tx, "garden")).products[0].prices
    assert (found.amount_minor, found.position, found.provenance.note) == (9900, 3, {"en": "demo"})


async def test_what_is_missing_is_left_alone_unless_it_shall_be_retired(db: Db) -> None:
    await apply(db, file())
    shorter = file(garden(products=[product(prices=[price()])]))
    plan = await apply(db, shorter)
    assert [(change.table, change.key) for change in plan.of("left")] == [("prices", ("garden-child",))]
    assert plan.changes_nothing
    plan = await apply(db, shorter, retire_missing=True)
    assert [(change.table, change.key) for change in plan.of("retired")] == [("prices", ("garden-child",))]
    assert (await apply(db, shorter, retire_missing=True)).changes_nothing
    async with db.reading() as tx:
        assert [found.id for found in (await catalogue.venues.get(tx, "garden")).products[0].prices] == ["garden-adult"]


async def test_what_was_retired_comes_back_with_a_file_that_names_it(db: Db) -> None:
    await apply(db, file())
    await apply(db, file(garden(products=[product(prices=[price()])])), retire_missing=True)
    plan = await apply(db, file())
    [change] = plan.of("changed")
    assert change.key == ("garden-child",)
    assert change.fields["retired_at"][1] is None
    async with db.reading() as tx:
        assert len((await catalogue.venues.get(tx, "garden")).products[0].prices) == 2


async def test_a_file_is_also_checked_against_what_is_stored(db: Db) -> None:
    await apply(db, file())
    header = "venue_id,season,from_day,to_day,opens,closes,last_entry\n"
    cases = {
        "SEASONS_OVERLAP": upload("openings.csv", header + "garden,summer,05-01,09-30,08:00,20:00,19:00\n"),
        "SLOT_OUTSIDE": upload("openings.csv", header + "garden,all-year,01-01,12-31,09:00,18:00,17:00\n"),
        "NO_VENUES": upload("openings.csv", header + "castle,summer,05-01,09-30,08:00,20:00,19:00\n"),
        "NO_PRODUCTS": upload(
            "prices.csv", "id,product_id,ticket,name_en,amount\nx-adult,castle-entry,adult,Adult,5\n"
        ),
        "PRICES_OVERLAP": upload(
            "prices.csv", "id,product_id,ticket,name_en,amount\nx-adult,garden-entry,adult,Adult,5\n"
        ),
        "SHARES": upload(
            "timeslots.csv", "product_id,code,starts,ends,share_percent\ngarden-entry,late,16:00,18:00,1\n"
        ),
    }
    before = await rows(db)
    for code, wanted in cases.items():
        with pytest.raises(CatalogueFileUnreadable) as raised:
            await db.run(catalogue.apply, IMPORTER, wanted)
        assert {error["code"] for error in raised.value.errors} == {code}
    assert await rows(db) == before


async def test_a_price_cannot_move_to_another_product(db: Db) -> None:
    await apply(db, file())
    moved = file(garden(id="other", policies=[], products=[product(id="other-entry", prices=[price()])]))
    with pytest.raises(CatalogueFileUnreadable) as raised:
        await db.run(catalogue.apply, IMPORTER, moved)
    assert {error["code"] for error in raised.value.errors} >= {"MOVED"}


async def test_what_deserves_a_look_is_said_in_both_languages(db: Db) -> None:
    bare = garden(
        openings=[opening(from_day="04-01", to_day="10-31")],
        products=[product(timeslots=[], prices=[])],
        name={"zh": "园林"},
    )
    plan = await apply(db, file(bare))
    assert [warned.message["en"].split("”")[0] for warned in plan.warnings] == [
        "“garden",
        "“garden-entry",
        "“garden-entry",
        "The name of “garden",
    ]
    assert all("zh" in warned.message for warned in plan.warnings)
    assert plan.created


async def test_an_import_is_in_the_audit_trail_with_old_and_new(db: Db) -> None:
    await apply(db, file())
    await apply(db, file(garden(kind="park")))
    await apply(db, file(garden(kind="park")))

    async def trail(tx: ReadTx) -> list[dict[str, Any]]:
        return await tx.dicts("select actor, action, details from kit.audit order by id")

    _, second = await db.read(trail)  # the third changed nothing
    assert (second["actor"], second["action"]) == ("system:import", "catalogue.import")
    assert second["details"]["changes"] == [
        {"table": "venues", "key": "garden", "kind": "changed", "fields": {"kind": ["garden", "park"]}}
    ]
