"""Suppliers over the API and by signed webhook: the same news, the same rules, kept once."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from standardwebhooks import Webhook

from holdfast import api, partners
from holdfast.kit import clock, ids
from tests import world
from tests.partners.suppliers import BY, book, booked, later, sale, supplier

from .conftest import bearer, problem

pytestmark = pytest.mark.anyio
SUPPLY = "/api/v1/supply"
ENDPOINTS = [endpoint for endpoint in api.endpoints() if endpoint.who == "partner"]


async def token_of(db, who):
    _token, secret = await db.run(partners.make_token, BY, who.id, name="channel manager")
    return {"Authorization": f"Bearer {secret}"}


async def tell(client, headers, *news, key="", **more):
    return await client.post(
        f"{SUPPLY}/news",
        json={"news": list(news)} | more,
        headers=headers | {"Idempotency-Key": key or ids.uuid7().hex},
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.name}")
async def test_it_needs_the_token_of_a_partner_that_counts(client, db, endpoint):
    mei, who = await world.traveller(db), await supplier(db)
    mine = await token_of(db, who)
    body = {"json": endpoint.example} if endpoint.body else {}
    key = {"Idempotency-Key": "k"}
    for headers in ({}, {"Authorization": "Bearer hfp_nonsense"}, bearer(mei)):
        problem(
            await client.request(endpoint.method, endpoint.path, headers=headers | key, **body),
            401,
            "partner-sign-in-needed",
        )
    assert (await client.request(endpoint.method, endpoint.path, headers=mine | key, **body)).status_code in (200, 422)
    await db.run(partners.disable, BY, who.id, reason="contract over")
    problem(
        await client.request(endpoint.method, endpoint.path, headers=mine | key, **body), 401, "partner-sign-in-needed"
    )


async def test_news_is_in_force_when_it_is_answered_and_the_same_key_is_the_same_news(client, db):
    who = await supplier(db, speaks=False)
    mine = await token_of(db, who)
    found = (await client.get(SUPPLY, headers=mine)).json()
    assert (found["partner_id"], found["products"][0]["state"]) == (who.id, "never")
    answer = await tell(client, mine, {"kind": "heartbeat"}, key="first")
    assert answer.status_code == 200
    assert (answer.json()["outcome"], answer.json()["repeated"]) == ("applied", False)
    assert await booked(db, who)
    again = await tell(client, mine, {"kind": "heartbeat"}, key="first")
    assert (again.json()["id"], again.json()["repeated"]) == (answer.json()["id"], True)
    problem(await tell(client, mine, {"kind": "stop"}, key="first"), 422, "key-reused")
    assert (await client.get(SUPPLY, headers=mine)).json()["products"][0]["state"] == "fresh"
    day = who.slot.starts_at.astimezone(world.ZONE).date().isoformat()
    await tell(client, mine, {"kind": "places", "product_id": who.product_id, "from": day, "left": 0})
    assert (await sale(db, who)).sale == "sold-out"


async def test_mistakes_are_listed_with_their_fields(client, db):
    who = await supplier(db)
    mine = await token_of(db, who)
    answer = await tell(
        client, mine, {"kind": "heartbeat"}, {"kind": "places", "product_id": "nothing", "from": "2031-01-01"}
    )
    assert [one["field"] for one in problem(answer, 422, "invalid-input")["errors"]] == [
        "news[1].product_id", "news[1].to", "news[1].places",
    ]  # fmt: skip
    for wrong in ({"kind": "hartbeat"}, {"kind": "stop", "from": "tomorrow"}, {"kind": "stop", "until": "x"}, {}):
        answer = await tell(client, mine, wrong)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"].startswith("news[0]")


async def test_bookings_wait_for_an_answer_and_are_answered(client, db):
    who = await supplier(db, answer_minutes=30)
    mine = await token_of(db, who)
    placed = await booked(db, who, 2)
    [waiting] = (await client.get(f"{SUPPLY}/bookings", headers=mine)).json()["bookings"]
    assert (waiting["order"], waiting["places"], waiting["kind"]) == (placed.number, 2, "booking")
    answer = await tell(client, mine, {"kind": "answer", "order": placed.number, "answer": "have"})
    assert answer.json()["results"] == [{"kind": "answer", "outcome": "applied", "touched": 1}]
    assert (await client.get(f"{SUPPLY}/bookings", headers=mine)).json() == {"bookings": []}


async def test_a_partner_sees_and_answers_its_own_bookings_alone(client, db):
    who, other = await supplier(db, answer_minutes=30), await supplier(db, answer_minutes=30)
    theirs = await token_of(db, other)
    placed = await booked(db, who)
    assert (await client.get(f"{SUPPLY}/bookings", headers=theirs)).json() == {"bookings": []}
    answer = await tell(client, theirs, {"kind": "answer", "order": placed.number, "answer": "cannot"})
    assert problem(answer, 422, "invalid-input")["errors"][0]["code"] == "NOT_ASKED"
    answer = await tell(client, theirs, {"kind": "stop", "product_id": who.product_id})
    assert problem(answer, 422, "invalid-input")["errors"][0]["code"] == "NOT_YOURS"
    assert await booked(db, who)


async def post_signed(client, who, secret, *news, webhook_id="msg_1", at=None, body=None):
    at = at or clock.now()
    raw = body or msgspec.json.encode(
        {"type": "supply.news", "timestamp": at.isoformat(), "data": {"news": list(news)}}
    )
    signature = Webhook(secret).sign(webhook_id, at, raw.decode())
    headers = {
        "webhook-id": webhook_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature,
        "content-type": "application/json",
    }  # fmt: skip
    return await client.post(f"/webhooks/supply/{who.id}", content=raw, headers=headers)


async def test_a_signed_webhook_tells_the_same_once(client, db):
    who, other = await supplier(db), await supplier(db)
    secret = await db.run(partners.links.make_secret, BY, who.id)
    at = clock.now()
    answer = await post_signed(client, who, secret, {"kind": "stop", "product_id": who.product_id}, at=at)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "applied")
    assert await book(db, who) == "slot-closed"
    again = await post_signed(client, who, secret, {"kind": "stop", "product_id": who.product_id}, at=at)
    assert again.json()["repeated"]
    problem(await post_signed(client, other, secret, {"kind": "heartbeat"}), 403, "signature-wrong")
    problem(
        await post_signed(client, who, "whsec_" + "A" * 40, {"kind": "heartbeat"}, webhook_id="2"),
        403,
        "signature-wrong",
    )
    stale = clock.now() - timedelta(minutes=6)
    problem(
        await post_signed(client, who, secret, {"kind": "heartbeat"}, webhook_id="3", at=stale), 403, "signature-wrong"
    )
    problem(await client.post(f"/webhooks/supply/{who.id}", json={}), 403, "signature-wrong")
    problem(await client.get(f"/webhooks/supply/{who.id}"), 405, "method-not-allowed")
    wrong = await post_signed(client, who, secret, webhook_id="4", body=b'{"type":"supply.news"}')
    assert wrong.status_code == 422


async def test_an_old_secret_counts_a_day_longer(client, db):
    who = await supplier(db)
    old = await db.run(partners.links.make_secret, BY, who.id)
    new = await db.run(partners.links.make_secret, BY, who.id)
    for n, secret in enumerate((old, new)):
        assert (await post_signed(client, who, secret, {"kind": "heartbeat"}, webhook_id=f"a{n}")).status_code == 200
    later(days=1, minutes=1)
    problem(await post_signed(client, who, old, {"kind": "heartbeat"}, webhook_id="b"), 403, "signature-wrong")
    assert (await post_signed(client, who, new, {"kind": "heartbeat"}, webhook_id="c")).status_code == 200
