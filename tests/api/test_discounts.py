"""Discounts over HTTP: list prices, what each campaign took off and why, and refunds of what was paid."""

from __future__ import annotations

import pytest

from tests import world
from tests.orders import discounting

from .conftest import ORDERS, bearer, order_body, problem

pytestmark = pytest.mark.anyio


async def test_an_order_tells_its_discounts(client, db):
    ten = await discounting.campaign(db, "merchant")
    mei, order = await discounting.paid(db, [ten.grant(1000)], await world.open_slot(db), people=2)
    found = (await client.get(f"{ORDERS}/{order.number}", headers=bearer(mei))).json()
    assert found["total"] == {"amount_minor": 11_000, "currency": "CNY"}
    [line] = found["lines"]
    assert (line["unit_price"]["amount_minor"], line["quantity"], line["discount"]["amount_minor"]) == (6000, 2, 1000)
    [shown] = found["discounts"]
    assert shown["label"] == ten.label
    assert (shown["amount"]["amount_minor"], shown["campaign"], shown["version"]) == (1000, ten.campaign_id, 1)
    assert set(shown["reason"]) == {"zh", "en"}
    assert shown["corrected"] is False
    [brief] = (await client.get(ORDERS, headers=bearer(mei))).json()["items"]
    assert brief["lines"][0]["discount"]["amount_minor"] == 1000


async def test_a_quote_and_a_cancellation_are_about_what_was_paid(client, db):
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(1001)], await world.open_slot(db), people=2)
    here = f"{ORDERS}/{order.number}/cancellation"
    found = (await client.get(here, params={"travellers": "1"}, headers=bearer(mei))).json()
    assert found["refund"]["amount_minor"] == 5499
    assert found["shares"][0]["price"]["amount_minor"] == 5499
    body = {"travellers": [1], "quoted_minor": 5499}
    after = (await client.post(here, json=body, headers=bearer(mei) | {"Idempotency-Key": "leave-1"})).json()
    assert after["total"]["amount_minor"] == 5500
    assert after["discounts"][0]["amount"]["amount_minor"] == 500


async def test_an_order_without_discounts_has_none(client, db):
    mei, order = await world.held_order(db, await world.open_slot(db))
    found = (await client.get(f"{ORDERS}/{order.number}", headers=bearer(mei))).json()
    assert found["discounts"] == []
    assert found["lines"][0]["discount"]["amount_minor"] == 0


async def test_a_redacted_order_does_not_tell_why(client, db):
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(600)], await world.open_slot(db))
    phone = await db.read(discounting.orders.store.phone, order.row.id)
    found = (await client.post("/api/v1/lookups", json={"number": order.number, "phone": phone})).json()
    assert found["redacted"] is True
    assert found["discounts"][0]["reason"] is None
    assert mei.account_id is not None


async def test_a_basket_is_quoted_with_its_discounts_and_booked_for_that(client, db):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    tenth = await discounting.on_offer(db, {"type": "percent", "share_bp": 1000, "cap_minor": 3000})
    line = {"slot_id": str(slot.slot_id), "price_id": slot.price_id, "quantity": 1}
    wish = {"lines": [line], "locale": "en"}
    found = (await client.post("/api/v1/quotes", json=wish, headers=bearer(mei))).json()
    assert (found["list_price"]["amount_minor"], found["total"]["amount_minor"]) == (6000, 5400)
    [discount] = found["discounts"]
    assert (discount["campaign"], discount["amount"]["amount_minor"]) == (tenth.campaign_id, 600)
    for quoted, status in ((5399, 409), (5400, 201)):
        body = order_body(slot) | {"quoted_total_minor": quoted}
        answer = await client.post(ORDERS, json=body, headers=bearer(mei) | {"Idempotency-Key": f"k{quoted}"})
        assert answer.status_code == status, answer.text
    assert answer.json()["total"]["amount_minor"] == 5400
    problem(
        await client.post("/api/v1/quotes", json=wish | {"code": "NOSUCH99"}, headers=bearer(mei)), 409, "code-refused"
    )
    nothing = {"lines": [line | {"price_id": "nothing"}]}
    problem(await client.post("/api/v1/quotes", json=nothing, headers=bearer(mei)), 404, "price-unknown")
