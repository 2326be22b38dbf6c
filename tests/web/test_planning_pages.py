"""Planning at the console: charts, words for what is not known, tables for a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import httpx2
import pytest

from holdfast.kit.db import Db, Tx
from holdfast.orders import planning
from tests import staff, world

from .conftest import text_of

pytestmark = pytest.mark.anyio


async def lin(db: Db, reader: httpx2.AsyncClient, role: str = "operations") -> None:
    reader.cookies.set("hf_staff", (await staff.colleague(db, role)).token)


async def busy(db: Db) -> world.SlotWorld:
    """A slot with three places sold of four."""
    slot = await world.open_slot(db, places=4, price_minor=0)
    await world.place(db, world.request(await world.traveller(db), world.basket(slot, people=3)))
    await planning.refresh(db)
    return slot


async def test_every_venue_is_listed_with_its_load(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await busy(db)
    await lin(db, reader)
    page = await reader.get("/console/planning")
    assert f"/console/planning/venues/{slot.venue_id}" in page.text
    assert "75%" in text_of(page)


async def test_a_venue_says_what_is_known_and_what_is_not(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await busy(db)
    await lin(db, reader)
    page = await reader.get(f"/console/planning/venues/{slot.venue_id}")
    said = text_of(page)
    assert page.status_code == 200
    assert "no gate data" in said
    assert "not known yet" in said
    assert "3 / 4" not in said
    assert "of 4 places" in said
    assert "Sold by time of entry" in said


async def test_tables_open_in_a_spreadsheet(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await busy(db)
    day = slot.starts_at.astimezone(world.ZONE).date()

    async def rename(tx: Tx) -> None:
        await tx.execute("update inventory.slots set code = '=1+1' where id = %(id)s", id=slot.slot_id)

    await db.run(rename)
    await lin(db, reader)
    base = f"/console/planning/venues/{slot.venue_id}"
    answer = await reader.get(f"{base}/slots.csv?from={day}&to={day}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["date"], row["capacity"], row["sold"], row["load_percent"]) == (str(day), "4", "3", "75.0")
    assert row["slot"] == "'=1+1"
    forecast = await reader.get(f"{base}/forecast.csv")
    [row] = csv.DictReader(io.StringIO(forecast.content.decode("utf-8-sig")))
    assert (row["booked"], row["expected"]) == ("3", "3")
    pickup = await reader.get(f"{base}/pickup.csv?to={day + timedelta(days=1)}")
    [row] = csv.DictReader(io.StringIO(pickup.content.decode("utf-8-sig")))
    assert (row["1_days_before"], row["2_days_before"]) == ("3", "0")
    assert (await reader.get(f"{base}/secrets.csv")).status_code == 404


@pytest.mark.parametrize(
    "asked", ["from=x&to=y", "from=2031-01-01&to=1999-01-01", "from=0001-01-01&to=9999-12-31", "from=9999-12-31"]
)
async def test_odd_dates_are_no_fault(db: Db, reader: httpx2.AsyncClient, asked: str) -> None:
    slot = await busy(db)
    await lin(db, reader)
    assert (await reader.get(f"/console/planning/venues/{slot.venue_id}?{asked}")).status_code == 200


async def test_only_those_who_plan_see_it(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await busy(db)
    await lin(db, reader, "support")
    assert (await reader.get("/console/planning")).status_code == 403
    assert (await reader.get(f"/console/planning/venues/{slot.venue_id}/slots.csv")).status_code == 403


async def test_an_unknown_venue_is_not_found(db: Db, reader: httpx2.AsyncClient) -> None:
    await lin(db, reader)
    assert (await reader.get("/console/planning/venues/nowhere")).status_code == 404
