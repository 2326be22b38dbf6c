"""Cards over HTTP: on sale, one's own, activated, visits booked all or nothing under a key, a visit given back."""

from __future__ import annotations

import pytest

from tests import cards, world

from .conftest import bearer, problem

pytestmark = pytest.mark.anyio
CARDS = "/api/v1/cards"


async def ready(db, count=2):
    sights = [await world.open_slot(db, starts_in=cards.starts(1)) for _ in range(count)]
    mei, card = await cards.buy(db, await cards.on_sale(db, sights))
    return mei, card, sights


def key(text):
    return {"Idempotency-Key": f'"{text}"'}


async def test_a_card_is_listed_shown_and_activated(client, db):
    mei, card, sights = await ready(db)
    offers = (await client.get("/api/v1/card-offers")).json()["items"]
    assert card.row.product_id in [one["card_id"] for one in offers]
    listed = (await client.get(CARDS, headers=bearer(mei))).json()["items"]
    assert [(one["number"], one["state"]) for one in listed] == [(card.number, "issued")]
    here = f"{CARDS}/{card.number}"
    assert (await client.post(f"{here}/activation", headers=bearer(mei))).json()["state"] == "active"
    shown = (await client.get(here, headers=bearer(mei))).json()
    assert [(one["item"], one["left"]) for one in shown["entitlements"]] == [(slot.venue_id, 1) for slot in sights]
    assert shown["refund"]["refund"]["amount_minor"] == 10000
    assert "110105" not in str(shown)
    problem(await client.get(here, headers=bearer(await world.traveller(db))), 404, "card-unknown")


async def test_visits_are_booked_once_for_a_key_all_or_none_and_one_is_given_back(client, db):
    mei, card, sights = await ready(db)
    here = f"{CARDS}/{card.number}"
    body = {"visits": [{"slot_id": str(slot.slot_id)} for slot in sights]}
    refused = problem(
        await client.post(f"{here}/visits", json=body, headers=bearer(mei) | key("a")), 409, "card-refuses"
    )
    assert [(one["field"], one["code"]) for one in refused["errors"]] == [
        ("visits[0]", "not-activated"),
        ("visits[1]", "not-activated"),
    ]
    await client.post(f"{here}/activation", headers=bearer(mei))
    problem(await client.post(f"{here}/visits", json=body, headers=bearer(mei)), 400, "idempotency-key-missing")
    await world.set_slot(db, sights[1], state="closed")
    problem(await client.post(f"{here}/visits", json=body, headers=bearer(mei) | key("b")), 409, "slot-closed")
    await world.set_slot(db, sights[1], state="open")
    made = await client.post(f"{here}/visits", json=body, headers=bearer(mei) | key("b"))
    assert (made.status_code, made.json()["state"], made.json()["total"]["amount_minor"]) == (201, "confirmed", 0)
    again = await client.post(f"{here}/visits", json=body, headers=bearer(mei) | key("b"))
    assert again.json() == made.json()
    problem(
        await client.post(f"{here}/visits", json={"visits": body["visits"][:1]}, headers=bearer(mei) | key("b")),
        422,
        "key-reused",
    )
    number = made.json()["number"]
    assert (await client.delete(f"{here}/visits/{number}/2", headers=bearer(mei))).status_code == 204
    shown = (await client.get(here, headers=bearer(mei))).json()
    assert [use["state"] for use in shown["uses"]] == ["held", "released"]
    problem(await client.delete(f"{here}/visits/{number}/x", headers=bearer(mei)), 404, "order-unknown")


async def test_cancelling_the_order_of_a_card_gives_it_back_for_the_sum_that_was_shown(client, db):
    mei, card, _sights = await ready(db)
    here = f"/api/v1/orders/{card.row.order_number}/cancellation"
    quote = (await client.get(here, headers=bearer(mei))).json()
    assert (quote["refund"]["amount_minor"], quote["shares"][0]["why"]) == (10000, "card")
    assert (await client.post(here, json={"quoted_minor": 10000}, headers=bearer(mei))).status_code == 200
    assert (await client.get(f"{CARDS}/{card.number}", headers=bearer(mei))).json()["state"] == "refunded"
