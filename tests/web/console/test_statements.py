"""What partners owe, as finance sees it: months, lines, a payment that came, a file, and terms."""

from __future__ import annotations

import csv
import io

import httpx2
import pytest

from holdfast import partners
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.orders import resale, resale_amendments
from holdfast.orders.resale_model import Booking, ContactGiven, ItemWish, Seller, Wanted
from holdfast.orders.resale_offers import between, id_of, product
from tests import invariants, staff, world
from tests.web.conftest import text_of
from tests.web.test_looks import is_well_made

from .ground import come_as

pytestmark = pytest.mark.anyio
BASE = "/console/partners/north-star/statement"


async def seller(db: Db, **terms: int) -> Seller:
    await db.run(
        partners.register, staff.TEST, partner_id="north-star", name={"en": "North Star Travel", "zh": "北极星旅行"}
    )
    await db.run(partners.limits.set_terms, staff.TEST, "north-star", partners.Terms(**terms), reason="test")
    return Seller("north-star", await db.read(partners.limits.terms_of, "north-star"))


async def booked(db: Db, one: Seller, slot: world.SlotWorld, people: int, reference: str = "") -> Booking:
    day = slot.starts_at.astimezone(world.ZONE).date()
    async with db.reading() as tx:
        offered = await product(tx, one.terms, slot.product_id)
        [there] = await between(tx, one.partner_id, offered, day, day)
    wanted = Wanted(
        product_id=slot.product_id, option_id="DEFAULT", availability_id=id_of(offered, there),
        items=[ItemWish("adult") for _ in range(people)], reference=reference,
    )  # fmt: skip
    held = await db.run(resale.reserve, one, wanted)
    return await db.run(resale.confirm, one, held.resale.uuid, ContactGiven())


async def test_a_month_says_what_was_sold_cancelled_paid_and_is_owed(db: Db, reader: httpx2.AsyncClient) -> None:
    one = await seller(db, commission_bp=1000)
    slot = await world.open_slot(db, real_name=False, once_per_document=False)
    first = await booked(db, one, slot, 3, "=1+1")
    gone = await booked(db, one, slot, 2)
    await db.run(resale_amendments.cancel, one, gone.resale.uuid, reason=None, force=False)
    await come_as(reader, db, "finance")
    listed = text_of(await reader.get("/console/statements"))
    assert "North Star Travel" in listed
    assert "¥162" in listed
    page = await reader.get(BASE)
    is_well_made(page.text)
    text = text_of(page)
    for said in ("Owes now", "¥162", "¥270", "¥108", "sold", "cancelled", "Commission 10 %", "Museum"):
        assert said in text, said
    month = clock.now().astimezone(partners.statements.ZONE).strftime("%Y-%m")
    file = await reader.get(f"{BASE}.csv?month={month}")
    assert file.headers["content-disposition"] == f'attachment; filename="north-star-{month}.csv"'
    rows = list(csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff"))))
    assert [(row["kind"], row["net"], row["tickets"]) for row in rows] == [
        ("sale", "162.00", "3"), ("sale", "108.00", "2"), ("cancellation", "-108.00", "-2"),
    ]  # fmt: skip
    assert rows[0]["order"] == first.row.number
    assert rows[0]["reference"] == "'=1+1"
    await invariants.require(db)


async def test_a_payment_counts_once_and_what_is_wrong_is_said(db: Db, reader: httpx2.AsyncClient) -> None:
    one = await seller(db)
    slot = await world.open_slot(db, real_name=False, once_per_document=False)
    await booked(db, one, slot, 2)
    await come_as(reader, db, "finance")
    wrong = await reader.post(BASE, data={"amount": "much", "reference": "x"})
    assert wrong.status_code == 422
    assert "much" in wrong.text
    for _ in range(2):
        paid = await reader.post(BASE, data={"amount": "100.50", "reference": "ICBC 0042"})
        assert paid.status_code == 303
    other = await reader.post(BASE, data={"amount": "7", "reference": "ICBC 0042"})
    assert other.status_code == 422
    assert await db.read(partners.statements.owed_minor, "north-star", "CNY") == 12000 - 10050
    assert "¥19.50" in text_of(await reader.get(BASE))
    await invariants.require(db)


async def test_terms_are_set_with_a_reason_and_nothing_typed_is_lost(db: Db, reader: httpx2.AsyncClient) -> None:
    await seller(db)
    await come_as(reader, db, "operations")
    where = "/console/partners/north-star/terms"
    page = await reader.get(where)
    is_well_made(page.text)
    given = {
        "selling": "1", "commission_bp": "12.5", "credit_minor": "5000", "holds_max": "20", "places_per_slot": "", "hold_minutes": "45",
        "hold_minutes_max": "90", "requests_per_s": "10", "only_these": "1", "product_ids": "b\na", "reason": "contract of 2026",
    }  # fmt: skip
    for field, value in (
        ("commission_bp", "a lot"),
        ("holds_max", "0"),
        ("hold_minutes", "100"),
        ("reason", ""),
        ("credit_minor", "x"),
    ):
        wrong = await reader.post(where, data=given | {field: value})
        assert wrong.status_code == 422, field
        assert "12.5" in wrong.text or field == "commission_bp"
    assert (await reader.post(where, data=given)).status_code == 303
    now = await db.read(partners.limits.terms_of, "north-star")
    assert now == partners.Terms(
        selling=True, commission_bp=1250, product_ids=["a", "b"], requests_per_s=10, holds_max=20, places_per_slot=None,
        hold_minutes=45, hold_minutes_max=90, credit_minor=500_000,
    )  # fmt: skip
    again = (await reader.get(where)).text
    assert 'value="12.5"' in again
    assert "5000" in again
