"""Signing in and out over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.kit import clock
from tests import world

from .conftest import bearer, fields, problem

pytestmark = pytest.mark.anyio


async def signed_in(client, db, **more):
    phone = world.phone_number()
    answer = await client.post("/api/v1/codes", json={"phone": phone, "locale": "en"})
    assert answer.status_code == 202, answer.text
    code = await world.code_sent_to(db, phone)
    answer = await client.post("/api/v1/sessions", json={"phone": phone, "code": code, **more})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def test_a_code_opens_a_session_and_signing_out_ends_it(client, db):
    mine = await signed_in(client, db, kept=True, device="My phone")
    other = await signed_in(client, db)
    session = await client.get("/api/v1/session", headers=mine)
    assert session.json()["kept"] is True
    assert session.headers["cache-control"] == "no-store"
    answer = await client.delete("/api/v1/session", headers=mine)
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await client.get("/api/v1/session", headers=mine), 401, "sign-in-needed")
    assert (await client.get("/api/v1/session", headers=other)).status_code == 200


async def test_signing_out_everywhere_ends_every_session_of_the_person(client, db):
    mei = await world.traveller(db)
    clock.move(timedelta(minutes=1))
    again, jun = await world.traveller(db, mei.phone), await world.traveller(db)
    for person in (mei, again, jun):
        assert (await client.get("/api/v1/session", headers=bearer(person))).status_code == 200
    answer = await client.delete("/api/v1/sessions", headers=bearer(mei))
    assert answer.json() == {"ended": 2}
    for person in (mei, again):
        problem(await client.get("/api/v1/session", headers=bearer(person)), 401, "sign-in-needed")
    assert (await client.get("/api/v1/session", headers=bearer(jun))).status_code == 200


async def test_a_wrong_code_costs_a_try_and_says_how_many_are_left(client, db):
    phone = world.phone_number()
    problem(await client.post("/api/v1/sessions", json={"phone": phone, "code": "000000"}), 422, "code-expired")
    await client.post("/api/v1/codes", json={"phone": phone})
    code = await world.code_sent_to(db, phone)
    wrong = "000000" if code != "000000" else "111111"
    answer = problem(await client.post("/api/v1/sessions", json={"phone": phone, "code": wrong}), 422, "code-wrong")
    assert answer["tries_left"] == 4


async def test_codes_are_limited_and_say_for_how_long(client):
    asked = {"phone": world.phone_number()}
    first = await client.post("/api/v1/codes", json=asked)
    assert first.headers["ratelimit-policy"].startswith('"codes-pause";q=1;w=30, "codes-per-phone";q=6;w=3600')
    second = await client.post("/api/v1/codes", json=asked)
    wait = problem(second, 429, "too-many-codes")["retry_after_s"]
    assert second.headers["ratelimit"] == f'"codes-pause";r=0;t={wait}'
    assert second.headers["retry-after"] == str(wait)


@pytest.mark.parametrize(
    ("phone", "code"), [("", "PHONE_EMPTY"), ("1380013800", "PHONE_LENGTH"), ("x" * 9999, "TOO_LONG")]
)
async def test_a_phone_that_cannot_be_is_refused_with_its_reason(client, phone, code):
    for address, body in (
        ("/api/v1/codes", {"phone": phone}),
        ("/api/v1/sessions", {"phone": phone, "code": "123456"}),
        ("/api/v1/lookups", {"phone": phone, "number": "7K3QF90XMA"}),
    ):
        answer = problem(await client.post(address, json=body), 422, "invalid-input")
        assert fields(answer)[0] == ("phone", code)
