"""Cases over the API: by a traveller, or by a guest whose phone is proven; one case for one key."""

from __future__ import annotations

import pytest

from holdfast import support
from tests import staff, world

from .conftest import bearer, book, order_body, problem

pytestmark = pytest.mark.anyio
CASES = "/api/v1/cases"


def body(**changes):
    return {"kind": "charged", "words": "Paid, and no order.", "locale": "en", **changes}


async def ask(client, given, key="k-1", headers=None):
    return await client.post(CASES, json=given, headers={"Idempotency-Key": key, **(headers or {})})


async def code_of(client, db, phone):
    sent = await client.post(f"{CASES}/codes", json={"phone": phone, "locale": "en"})
    assert (sent.status_code, sent.json()["phone_masked"][-4:]) == (202, phone[-4:])
    return await world.code_sent_to(db, phone)


async def test_a_traveller_asks_and_reads_the_answer(client, db):
    slot, mei = await world.open_slot(db, price_minor=0), await world.traveller(db)
    number = (await book(client, mei, order_body(slot))).json()["number"]
    answer = await ask(client, body(order=number), headers=bearer(mei))
    assert answer.status_code == 201
    opened = answer.json()
    assert answer.headers["location"] == f"{CASES}/{opened['number']}"
    lin = await staff.colleague(db, "support")
    case = await db.read(support.desk.require, opened["number"])
    assert case.channel == "api"
    await db.run(support.desk.answer, lin.actor, case, "It is on its way back.", key="x")
    for how in ({"headers": bearer(mei)}, {"params": {"token": opened["token"]}}):
        seen = (await client.get(f"{CASES}/{opened['number']}", **how)).json()
        assert (seen["state"], seen["order"]) == ("answered", number)
        assert [one["body"] for one in seen["messages"]] == ["Paid, and no order.", "It is on its way back."]


async def test_a_guest_proves_the_phone_by_a_code(client, db):
    phone = world.phone_number()
    problem(await ask(client, body(phone=phone, code="000000")), 422, "code-expired")
    code = await code_of(client, db, phone)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    problem(await ask(client, body(phone=phone, code=wrong)), 422, "code-wrong")
    first = await ask(client, body(phone=phone, code=code))
    again = await ask(client, body(phone=phone, code=code))
    assert (first.status_code, first.json()) == (201, again.json())
    problem(await ask(client, body(phone=phone, code=code, words="Something else.")), 422, "key-reused")
    problem(await ask(client, body(phone=phone, code=code), key="k-2"), 422, "code-expired")
    assert (await client.get(f"{CASES}/{first.json()['number']}", params={"token": first.json()["token"]})).is_success


async def test_somebody_elses_order_is_not_bound_to_a_case(client, db):
    slot, mei, jun = await world.open_slot(db, price_minor=0), await world.traveller(db), await world.traveller(db)
    number = (await book(client, mei, order_body(slot))).json()["number"]
    opened = (await ask(client, body(order=number), headers=bearer(jun))).json()
    case = await db.read(support.desk.require, opened["number"])
    assert case.order_id is None
    story = await db.read(support.cases.story, case)
    assert [(one.kind, one.content) for one in story.evidence] == [("typed", {"order": number})]


async def test_a_case_is_there_for_its_person_alone(client, db):
    mei, jun = await world.traveller(db), await world.traveller(db)
    opened = (await ask(client, body(), headers=bearer(mei))).json()
    address = f"{CASES}/{opened['number']}"
    for how in (
        {},
        {"headers": bearer(jun)},
        {"params": {"token": "x" * 22}},
        {"headers": {"Authorization": "Bearer x"}},
    ):
        problem(await client.get(address, **how), 404, "case-unknown")
    problem(await client.get(f"{CASES}/nonsense", headers=bearer(mei)), 404, "case-unknown")


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"words": ""}, "body-mismatch"), ({"kind": "x"}, "body-mismatch"), ({"people": 0}, "body-mismatch"),
     ({"phone": "12"}, "invalid-input"), ({"more": 1}, "body-mismatch"), ({"words": " \n "}, "invalid-input")],
)  # fmt: skip
async def test_a_body_that_does_not_fit_is_refused(client, db, changes, code):
    mei = await world.traveller(db)
    headers = {} if "phone" in changes else bearer(mei)
    problem(await ask(client, body(**changes), headers=headers), 422, code)
