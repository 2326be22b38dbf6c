"""Orders over HTTP: booking, its repetition, reading, paging, cancellation, tickets, lookup."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import icalendar
import pytest

from holdfast import orders
from holdfast.kit import clock
from tests import world

from .conftest import ORDERS, bearer, book, fields, order_body, problem

pytestmark = pytest.mark.anyio


async def test_a_booking_is_held_and_found_again(client, db):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    answer = await book(client, mei, order_body(slot, people=2))
    assert answer.status_code == 201, answer.text
    placed = answer.json()
    assert placed["state"] == "held"
    assert placed["total"] == {"amount_minor": 12000, "currency": "CNY"}
    assert answer.headers["location"] == f"{ORDERS}/{placed['number']}"
    assert answer.headers["cache-control"] == "no-store"
    found = (await client.get(answer.headers["location"], headers=bearer(mei))).json()
    assert found["state"] == "held"
    assert found["redacted"] is False
    assert [person["name_masked"] for person in found["travellers"]] == ["王**", "王**"]
    [line] = found["lines"]
    assert set(line["venue_name"]) == {"zh", "en"}
    assert line["starts_at"].endswith("+08:00")
    assert [event["kind"] for event in found["events"]] == ["placed"]
    assert await world.places_left(db, slot) == 8


async def test_a_free_order_is_confirmed_and_has_tickets_and_a_calendar_file(client, db):
    slot, mei = await world.open_slot(db, price_minor=0), await world.traveller(db)
    placed = (await book(client, mei, order_body(slot, people=2))).json()
    assert (placed["state"], placed["expires_at"]) == ("confirmed", None)
    here = f"{ORDERS}/{placed['number']}"
    tickets = (await client.get(f"{here}/tickets", headers=bearer(mei))).json()["items"]
    keys = (await client.get("/.well-known/holdfast-ticket-keys.json")).json()["keys"]
    assert (await client.get("/api/v1/ticket-keys")).json()["keys"] == keys
    known = {key["id"]: key["public_key"] for key in keys}
    assert [orders.verify(ticket["code"], known).number for ticket in tickets] == [placed["number"]] * 2
    file = await client.get(f"{here}/calendar.ics", headers=bearer(mei))
    assert file.headers["content-type"] == "text/calendar"
    [event] = icalendar.Calendar.from_ical(file.content).walk("VEVENT")
    assert event["dtstart"].dt == slot.starts_at


async def test_an_order_that_is_not_paid_has_no_tickets(client, db):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    placed = (await book(client, mei, order_body(slot))).json()
    assert (await client.get(f"{ORDERS}/{placed['number']}/tickets", headers=bearer(mei))).json() == {"items": []}


async def test_a_repeated_request_gets_the_same_answer_and_one_order(client, db):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    body = order_body(slot)
    first = await book(client, mei, body, '"abc"')
    again = await book(client, mei, body, "abc")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert await world.places_left(db, slot) == 9


async def test_eight_at_once_under_one_key_are_one_order(client, db):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    body = order_body(slot)
    answers = await asyncio.gather(*(book(client, mei, body, "key-1") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["number"] for answer in answers}) == 1
    assert await world.places_left(db, slot) == 9


async def test_the_same_key_with_another_body_is_refused(client, db):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    body = order_body(slot)
    await book(client, mei, body, "key-1")
    problem(await book(client, mei, order_body(slot), "key-1"), 422, "key-reused")
    problem(await book(client, mei, {**body, "locale": "zh"}, "key-1"), 422, "key-reused")
    assert await world.places_left(db, slot) == 9


async def test_the_same_key_of_another_traveller_is_another_key(client, db):
    slot, mei, jun = await world.open_slot(db), await world.traveller(db), await world.traveller(db)
    body = order_body(slot)
    first = await book(client, mei, body, "key-1")
    second = await book(client, jun, order_body(slot), "key-1")
    assert first.json()["number"] != second.json()["number"]


async def test_a_refusal_is_remembered_too(client, db):
    slot, mei = await world.open_slot(db, places=1), await world.traveller(db)
    body = order_body(slot, people=2)
    full = problem(await book(client, mei, body, "key-1"), 409, "slot-full")
    assert (full["asked"], full["places_left"]) == (2, 1)
    await world.set_slot(db, slot, capacity=5)
    problem(await book(client, mei, body, "key-1"), 409, "slot-full")
    assert (await book(client, mei, body, "key-2")).status_code == 201


async def test_a_refusal_names_other_slots_for_the_party(client, db):
    slot, mei = await world.open_slot(db, places=1), await world.traveller(db)
    same_day, nearby = await world.open_slot(db, beside=slot), await world.open_slot(db, places=2)
    full = problem(await book(client, mei, order_body(slot, people=2), "key-1"), 409, "slot-full")
    found = full["alternatives"]
    assert [one["slot_id"] for one in found["same_day"]] == [str(same_day.slot_id)]
    assert [(one["venue_id"], one["km"], one["places_left"]) for one in found["nearby"]] == [(nearby.venue_id, None, 2)]
    assert found["same_day"][0]["starts_at"].endswith("+08:00")
    assert found["same_day"][0]["lowest_price"] == {"amount_minor": 6000, "currency": "CNY"}


@pytest.mark.parametrize("key", [None, "", " ", '""'])
async def test_a_booking_needs_a_key(client, db, key):
    mei = await world.traveller(db)
    headers = bearer(mei) | ({} if key is None else {"Idempotency-Key": key})
    answer = await client.post(ORDERS, json={}, headers=headers)
    problem(answer, 400, "idempotency-key-malformed" if key == '""' else "idempotency-key-missing")


@pytest.mark.parametrize("key", [b'"', b'"a', b"a\x80b", b"x" * 256, b'"a"b"', b'"a\\b"', b"a\tb"])
async def test_a_key_must_be_readable(client, db, key):
    mei = await world.traveller(db)
    answer = await client.post(
        ORDERS, content=b"{}", headers=[(b"authorization", f"Bearer {mei.token}".encode()), (b"idempotency-key", key)]
    )
    problem(answer, 400, "idempotency-key-malformed")


async def test_my_orders_come_in_pages_and_none_is_lost_between_equal_moments(client, db):
    slot, mei, jun = await world.open_slot(db, places=50), await world.traveller(db), await world.traveller(db)
    await world.place_many(db, *[world.request(mei, world.basket(slot)) for _ in range(3)])
    clock.move(timedelta(seconds=1))
    await world.place_many(db, *[world.request(person, world.basket(slot)) for person in (mei, jun, mei, mei, mei)])
    clock.move(timedelta(seconds=1))
    await world.place_many(db, *[world.request(mei, world.basket(slot)) for _ in range(2)])
    numbers, address = [], f"{ORDERS}?limit=3"
    sizes = []
    while address:
        page = (await client.get(address, headers=bearer(mei))).json()
        numbers += [order["number"] for order in page["items"]]
        address = page["next"]
        sizes.append(len(page["items"]))
    assert len(numbers) == len(set(numbers)) == 9
    assert sizes == [3, 3, 3]
    [only] = (await client.get(ORDERS, headers=bearer(jun))).json()["items"]
    assert only["number"] not in numbers


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=AAAA", "page=2", "limit=1&limit=2"]
)
async def test_a_page_that_cannot_be_is_refused(client, db, query):
    mei = await world.traveller(db)
    answer = problem(await client.get(f"{ORDERS}?{query}", headers=bearer(mei)), 422, "query-mismatch")
    assert fields(answer)[0][0] == query.partition("=")[0]


async def test_an_unpaid_order_can_be_cancelled_and_that_again(client, db):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    here = f"{ORDERS}/{(await book(client, mei, order_body(slot))).json()['number']}"
    for _ in range(2):
        answer = await client.post(f"{here}/cancellation", headers=bearer(mei))
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert await world.places_left(db, slot) == 10
    problem(await client.post(f"{here}/payment", headers=bearer(mei)), 409, "not-payable")


async def test_an_order_is_found_by_number_and_phone_without_its_people(client, db):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    body = order_body(slot)
    number = (await book(client, mei, body)).json()["number"]
    asked = {"number": f" {number[:5].lower()}-{number[5:]}", "phone": body["phone"]}
    answer = await client.post("/api/v1/lookups", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["redacted"] is True
    assert answer.json()["travellers"] == []
    assert answer.headers["ratelimit-policy"] == '"order-lookup";q=20;w=600'
    problem(await client.post("/api/v1/lookups", json={**asked, "phone": mei.phone}), 404, "order-unknown")
    problem(await client.post("/api/v1/lookups", json={**asked, "number": "nonsense"}), 404, "order-unknown")


async def test_guessing_orders_is_limited_and_says_for_how_long(client):
    for _ in range(20):
        await client.post("/api/v1/lookups", json={"number": "7K3QF90XMA", "phone": "13800138000"})
    answer = await client.post("/api/v1/lookups", json={"number": "7K3QF90XMA", "phone": "13800138000"})
    wait = problem(answer, 429, "lookup-too-often")["retry_after_s"]
    assert answer.headers["retry-after"] == str(wait)
    assert answer.headers["ratelimit"] == f'"order-lookup";r=0;t={wait}'


async def test_a_booking_past_the_depth_is_refused_with_a_time_to_return(client, app, db):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    app.state.place = orders.group_commit(db, lanes=1, depth=0)
    answer = await book(client, mei, order_body(slot))
    problem(answer, 503, "overloaded")
    assert answer.headers["retry-after"] == "2"
