"""After the sale over HTTP: the quote and what is made of it, another day, invoices."""

from __future__ import annotations

import pytest

from holdfast.kit import jobs
from tests import world
from tests.orders.after_sale import other_day, paid, take

from .conftest import ORDERS, bearer, fields, problem

pytestmark = pytest.mark.anyio


async def test_a_traveller_is_taken_off_for_the_quoted_sum_and_then_all_of_it_is_cancelled(client, db):
    mei, order = await paid(db, await world.open_slot(db), people=2)
    here = f"{ORDERS}/{order.number}/cancellation"
    quote = (await client.get(here, params={"travellers": "2"}, headers=bearer(mei))).json()
    assert (quote["refund"]["amount_minor"], quote["whole"], quote["travellers"]) == (6000, False, [2])
    assert quote["shares"][0]["why"] == "free"
    body = {"travellers": [2], "quoted_minor": 6000}
    answer = await client.post(here, json=body, headers=bearer(mei))
    assert answer.status_code == 200, answer.text
    assert [person["seq"] for person in answer.json()["travellers"]] == [1]
    problem(await client.post(here, json=body, headers=bearer(mei)), 422, "travellers-unknown")
    refused = problem(await client.post(here, json={"quoted_minor": 5999}, headers=bearer(mei)), 409, "quote-changed")
    assert refused["refund_minor"] == 6000
    problem(await client.post(here, headers=bearer(mei)), 409, "not-cancellable")
    done = await client.post(here, json={"quoted_minor": 6000}, headers=bearer(mei))
    assert done.json()["state"] == "cancelled"


@pytest.mark.parametrize("asked", ["x", "1;2", "１", "-1", "999999"])
async def test_travellers_that_are_no_numbers_are_refused_by_name(client, db, asked):
    mei, order = await paid(db, await world.open_slot(db))
    answer = await client.get(
        f"{ORDERS}/{order.number}/cancellation", params={"travellers": asked}, headers=bearer(mei)
    )
    assert fields(answer.json()) == [("travellers", "SHAPE")]


async def test_an_order_is_changed_paid_for_and_shown_with_its_changes(client, db):
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=9000)
    mei, order = await paid(db, slot)
    here = f"{ORDERS}/{order.number}/change"
    quote = (await client.get(here, params={"slot_id": str(there.slot_id)}, headers=bearer(mei))).json()["quote"]
    assert quote["due_minor"] == 3000
    begun = await client.post(here, json={"slot_id": str(there.slot_id), "quoted_minor": 3000}, headers=bearer(mei))
    assert (begun.status_code, begun.json()["state"]) == (200, "awaiting_payment")
    assert (await client.delete(here, headers=bearer(mei))).status_code == 200
    problem(await client.post(f"{here}/payment", headers=bearer(mei)), 404, "change-unknown")
    await client.post(here, json={"slot_id": str(there.slot_id), "quoted_minor": 3000}, headers=bearer(mei))
    await take(db, await world.value(db, "select intent_id from orders.changes where state = 'awaiting_payment'"))
    made = (await client.get(here, headers=bearer(mei))).json()
    assert [one["state"] for one in made["items"]] == ["done", "withdrawn"]
    found = (await client.get(f"{ORDERS}/{order.number}", headers=bearer(mei))).json()
    assert found["total"]["amount_minor"] == 9000
    assert [line["slot_id"] for line in found["lines"]] == [str(there.slot_id)]


async def test_an_invoice_is_asked_for_and_listed(client, db):
    mei, order = await paid(db, await world.open_slot(db))
    here = f"{ORDERS}/{order.number}/invoices"
    wrong = await client.post(
        here, json={"kind": "company", "title": "A", "code": "91350100M000100Y44", "email": "x"}, headers=bearer(mei)
    )
    assert [field for field, _code in fields(problem(wrong, 422, "invalid-input"))] == ["code", "email"]
    body = {"kind": "company", "title": "A", "code": "91350100M000100Y43", "email": "a@example.com"}
    asked = await client.post(here, json=body, headers=bearer(mei))
    assert (asked.status_code, asked.json()["state"]) == (200, "requested")
    await jobs.drain(db)
    listed = (await client.get(here, headers=bearer(mei))).json()
    assert [(one["state"], one["total_minor"]) for one in listed["items"]] == [("issued", 6000)]
    assert listed["open"]["amount_minor"] == 0
