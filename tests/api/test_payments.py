"""Payments over HTTP: ways to pay, going over to another, paying later; and for programs of staff: finding, giving back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from holdfast import orders, payments
from holdfast.kit import clock, settings
from tests import staff, world
from tests.orders.after_sale import other_day, paid
from tests.payments.conftest import sim, simulator_process  # noqa: F401 - fixtures
from tests.web.paying import EVERYTHING, rest

from .conftest import ORDERS, bearer, fields, problem

pytestmark = pytest.mark.anyio
LIST = "/api/v1/payments"


@pytest.fixture(autouse=True)
async def channels(sim, monkeypatch):  # noqa: F811
    """The simulator as the provider of this test's payments; its callbacks reach nobody."""
    monkeypatch.setenv("HOLDFAST_SIMULATOR_URL", sim.url)
    monkeypatch.setenv("HOLDFAST_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HOLDFAST_PROVIDER_PATIENCE_S", "0.7")
    settings.current.cache_clear()
    yield sim
    await payments.close_channels()
    monkeypatch.undo()
    settings.current.cache_clear()


@pytest.fixture
async def held(db):
    """Somebody with an order that waits to be paid; its address."""
    mei, order = await world.held_order(db, await world.open_slot(db))
    return mei, order, f"{ORDERS}/{order.number}"


@pytest.fixture
async def program(db):
    """The header of a program that finance answers for, and that of support."""
    people = {role: await staff.colleague(db, role) for role in ("finance", "support")}
    return {
        role: {"Authorization": f"Bearer {await staff.api_token(db, person, role)}"} for role, person in people.items()
    }


async def pay(client, mei, here, **wish):
    return await client.post(f"{here}/payment", json=wish, headers=bearer(mei))


# Of travellers


@pytest.mark.parametrize(
    ("provider", "method", "shown"),
    [
        ("wechatpay", "native", "code_url"),
        ("wechatpay", "h5", "pay_url"),
        ("alipay", "qr", "code_url"),
        ("alipay", "page", "pay_url"),
        ("stripe", "card", "client_secret"),
    ],
)
async def test_each_way_shows_what_its_payer_needs_and_no_more(client, db, held, provider, method, shown):
    mei, _order, here = held
    answer = await pay(client, mei, here, provider=provider, method=method, return_url="https://shop.example/thanks")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["state"], said["provider"], said["method"]) == ("open", provider, method)
    needs = ("code_url", "pay_url", "client_secret")
    assert [name for name in needs if said[name]] == [shown]
    assert bool(said["publishable_key"]) == (provider == "stripe")
    assert (await client.get(f"{here}/payment", headers=bearer(mei))).json() == said


@pytest.fixture
async def difference(client, db):
    """Somebody whose change to a dearer day waits to be paid; its address."""
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=9000)
    mei, order = await paid(db, slot)
    here = f"{ORDERS}/{order.number}/change"
    begun = await client.post(here, json={"slot_id": str(there.slot_id), "quoted_minor": 3000}, headers=bearer(mei))
    assert begun.json()["state"] == "awaiting_payment", begun.text
    return mei, order, here


@pytest.mark.parametrize(
    ("provider", "method", "shown"),
    [("wechatpay", "h5", "pay_url"), ("alipay", "qr", "code_url"), ("stripe", "card", "client_secret")],
)
async def test_the_difference_of_a_change_is_paid_by_any_way(client, db, difference, channels, provider, method, shown):
    mei, _order, here = difference
    said = (await pay(client, mei, here, provider=provider, method=method, return_url="https://shop.example/x")).json()
    assert (said["state"], said["provider"], said["method"]) == ("open", provider, method)
    assert said["amount"] == {"amount_minor": 3000, "currency": "CNY"}
    assert [name for name in ("code_url", "pay_url", "client_secret") if said[name]] == [shown]
    assert bool(said["publishable_key"]) == (provider == "stripe")
    again = (await pay(client, mei, here)).json()
    assert said["pay_url"] is None or again["pay_url"].partition("&")[0] == said["pay_url"].partition("&")[0]
    assert again | {"pay_url": said["pay_url"]} == said, "the one under way is found again"


async def test_another_way_closes_the_first_payment_of_a_difference_and_the_last_one_changes_the_visit(
    client, db, difference, channels
):
    mei, order, here = difference
    await pay(client, mei, here, provider="wechatpay", method="native")
    second = (await pay(client, mei, here, provider="alipay", method="qr")).json()
    states = {row["provider"]: row["state"] for row in channels.http.get("/_sim/truth").json()["orders"]}
    assert (second["provider"], states["wechatpay"]) == ("alipay", "CLOSED")
    [made, *_] = await db.read(orders.changes.of_order, order)
    channels.pay((await db.read(payments.view, made.intent_id)).merchant_ref)
    await world.work_once(db)
    await world.until_quiet(db)
    assert (await client.get(here, headers=bearer(mei))).json()["items"][0]["state"] == "done"
    problem(await pay(client, mei, here), 404, "change-unknown")


async def test_the_ways_to_pay_a_difference_are_listed_and_a_wrong_wish_is_refused(client, db, difference):
    mei, _order, here = difference
    await rest(db, ("wechatpay", "native"), ("wechatpay", "h5"))
    found = (await client.get(f"{here}/payment/ways", headers=bearer(mei))).json()
    assert [(one["provider"], one["offered"]) for one in found["items"]] == [
        ("alipay", True), ("alipay", True), ("stripe", True), ("wechatpay", False), ("wechatpay", False),
    ]  # fmt: skip
    assert found["may_promise"] is False
    problem(await pay(client, mei, here, provider="wechatpay"), 503, "channel-resting")
    problem(await pay(client, mei, here, provider="paypal"), 422, "channel-unknown")
    wrong = problem(await pay(client, mei, here, provider="alipay", return_url="javascript:1"), 422, "invalid-input")
    assert fields(wrong) == [("return_url", "SHAPE")]


async def test_of_a_difference_in_doubt_the_answer_says_what_to_tell_and_insisting_needs_patience(
    client, db, difference, channels
):
    mei, order, here = difference
    channels.script({"fault": "lost_response", "provider": "wechatpay"})
    said = (await pay(client, mei, here, provider="wechatpay", method="native")).json()
    assert said["in_doubt"] is True
    assert "do not pay again" in said["says"]["en"]
    wanted: dict[str, Any] = {"provider": "alipay", "method": "qr", "insist": True}
    refused = problem(await pay(client, mei, here, **wanted), 409, "still-checking")
    assert refused["may_insist_after_s"] == 20
    [made, *_] = await db.read(orders.changes.of_order, order)
    await world.age(db, (await db.read(payments.view, made.intent_id)).merchant_ref, timedelta(seconds=21))
    assert (await pay(client, mei, here, **wanted)).json()["provider"] == "alipay"


async def test_the_best_way_is_taken_when_none_is_named(client, db, held):
    mei, _order, here = held
    for request in ({"json": {}}, {}):
        said = (await client.post(f"{here}/payment", headers=bearer(mei), **request)).json()
        assert (said["provider"], said["method"]) == ("wechatpay", "native")


async def test_the_ways_are_listed_with_how_they_are(client, db, held):
    mei, _order, here = held
    await rest(db, ("wechatpay", "native"), ("wechatpay", "h5"))
    found = (await client.get(f"{here}/payment/ways", headers=bearer(mei))).json()
    assert [(one["provider"], one["method"], one["offered"]) for one in found["items"]] == [
        ("alipay", "qr", True), ("alipay", "page", True), ("stripe", "card", True), ("wechatpay", "native", False),
        ("wechatpay", "h5", False),
    ]  # fmt: skip
    assert found["items"][3]["state"] == "down"
    assert found["items"][3]["since"]
    assert found["may_promise"] is False
    refused = problem(await pay(client, mei, here, provider="wechatpay"), 503, "channel-resting")
    assert refused["offered"] == ["alipay/qr", "alipay/page", "stripe/card"]


async def test_another_way_closes_the_first_at_its_provider(client, db, held, channels):
    mei, _order, here = held
    first = (await pay(client, mei, here, provider="wechatpay", method="native")).json()
    second = (await pay(client, mei, here, provider="alipay", method="qr")).json()
    assert second["provider"] == "alipay"
    states = {row["provider"]: row["state"] for row in channels.http.get("/_sim/truth").json()["orders"]}
    assert states["wechatpay"] == "CLOSED"
    assert first["code_url"] != second["code_url"]


async def test_in_doubt_the_answer_says_what_to_tell_and_insisting_needs_patience(client, db, held, channels):
    mei, order, here = held
    channels.script({"fault": "lost_response", "provider": "wechatpay"})
    said = (await pay(client, mei, here, provider="wechatpay", method="native")).json()
    assert said["in_doubt"] is True
    assert "do not pay again" in said["says"]["en"]
    wanted: dict[str, Any] = {"provider": "alipay", "method": "qr"}
    problem(await pay(client, mei, here, **wanted), 409, "still-checking")
    problem(await pay(client, mei, here, **wanted, insist=True), 409, "still-checking")
    view = await world.payment_of(db, mei, order)
    await world.age(db, view.merchant_ref, timedelta(seconds=21))
    problem(await pay(client, mei, here, **wanted), 409, "still-checking")
    assert (await pay(client, mei, here, **wanted, insist=True)).json()["provider"] == "alipay"


@pytest.mark.parametrize("wish", [{"provider": "paypal"}, {"provider": "alipay", "method": "native"}])
async def test_a_way_that_there_is_not_is_refused(client, db, held, wish):
    mei, _order, here = held
    problem(await pay(client, mei, here, **wish), 422, "channel-unknown")


@pytest.mark.parametrize("address", ["javascript:alert(1)", "shop.example", "ftp://shop.example"])
async def test_the_way_back_is_a_web_address(client, db, held, address):
    mei, _order, here = held
    refused = problem(await pay(client, mei, here, return_url=address), 422, "invalid-input")
    assert fields(refused) == [("return_url", "SHAPE")]


async def test_an_order_is_confirmed_on_a_promise_when_nothing_answers(client, db, held):
    mei, _order, here = held
    problem(await client.post(f"{here}/promise", headers=bearer(mei)), 409, "deferral-refused")
    await rest(db, *EVERYTHING)
    assert (await client.get(f"{here}/payment/ways", headers=bearer(mei))).json()["may_promise"] is True
    for _ in range(2):
        answer = await client.post(f"{here}/promise", headers=bearer(mei))
        assert (answer.status_code, answer.json()["state"]) == (200, "confirmed"), answer.text
    said = (await client.get(f"{here}/payment", headers=bearer(mei))).json()
    assert said["state"] == "deferred"
    assert said["due_at"]


# Of programs of staff


async def test_payments_are_found_by_what_is_known_of_them(client, db, channels, program):
    slot, finance = await world.open_slot(db, places=50), program["finance"]
    mei, paid = await world.paid_order(db, channels, slot)
    _, waiting = await world.held_order(db, slot)
    view = await orders.pay(db, mei.actor, waiting, payments.Wish("alipay", "qr"))
    txn = await world.value(db, "select provider_txn from payments.attempts where provider_txn is not null")

    async def numbers(**asked: str) -> list[str]:
        answer = await client.get(LIST, params=asked, headers=finance)
        assert answer.status_code == 200, answer.text
        return [one["reference"] for one in answer.json()["items"]]

    first, second = f"order:{paid.row.id}", f"order:{waiting.row.id}"
    assert await numbers() == [second, first]
    assert await numbers(state="paid") == [first]
    assert await numbers(provider="alipay") == [second]
    assert await numbers(merchant_ref=(view.merchant_ref or "").lower()) == [second]
    assert await numbers(reference=first) == [first]
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    assert await numbers(**{"from": tomorrow}) == []
    assert await numbers(to=tomorrow, state="open") == [second]
    [one] = (await client.get(LIST, params={"state": "paid"}, headers=finance)).json()["items"]
    assert (one["provider"], one["attempt_state"], one["provider_txn"]) == ("wechatpay", "succeeded", txn)
    assert one["amount"] == {"amount_minor": 6000, "currency": "CNY"}


async def test_payments_come_in_pages_that_keep_their_filters(client, db, program):
    slot = await world.open_slot(db, places=50)
    mei = await world.traveller(db)
    for _ in range(5):
        placed = await world.place(db, world.request(mei, world.basket(slot)))
        await orders.pay(db, mei.actor, await world.order_of(db, mei, placed.number), payments.Wish("alipay", "page"))
    found, address = [], f"{LIST}?limit=2&provider=alipay&state=open"
    while address:
        page = (await client.get(address, headers=program["support"])).json()
        found += [one["id"] for one in page["items"]]
        address = page["next"]
        assert address is None or "provider=alipay" in address
    assert len(found) == len(set(found)) == 5
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    "query", ["state=lost", "provider=paypal", "from=yesterday", "from=2026-11-27T08:00:00", "cursor=x", "page=2"]
)
async def test_a_search_that_cannot_be_is_refused(client, db, program, query):
    answer = problem(await client.get(f"{LIST}?{query}", headers=program["finance"]), 422, "query-mismatch")
    assert fields(answer)[0][0] == query.partition("=")[0]


async def test_one_payment_tells_all_that_happened_to_it(client, db, held, channels, program):
    mei, order, here = held
    await pay(client, mei, here, provider="alipay", method="qr")
    await pay(client, mei, here, provider="wechatpay", method="native")
    view = await world.payment_of(db, mei, order)
    channels.pay(view.merchant_ref)
    await world.until_quiet(db)
    found = (await client.get(f"{LIST}/{view.intent_id}", headers=program["support"])).json()
    assert (found["state"], found["reference"]) == ("paid", f"order:{order.row.id}")
    assert [(one["provider"], one["role"]) for one in found["attempts"]] == [("alipay", None), ("wechatpay", "winner")]
    assert found["attempts"][0]["abandoned_at"] or found["attempts"][0]["state"] == "closed"
    assert found["attempts"][1]["paid"] == {"amount_minor": 6000, "currency": "CNY"}
    assert "client_secret" not in str(found)
    assert "code_url" not in str(found)
    for unknown in (uuid4(), "nonsense"):
        problem(await client.get(f"{LIST}/{unknown}", headers=program["support"]), 404, "intent-unknown")


async def test_money_goes_back_in_part_and_then_all_that_is_left(client, db, channels, program):
    mei, order = await world.paid_order(db, channels, await world.open_slot(db))
    intent_id = (await world.payment_of(db, mei, order)).intent_id
    here, finance = f"{LIST}/{intent_id}/refunds", program["finance"]
    body = {"amount": {"amount_minor": 1500, "currency": "CNY"}, "reason": "The lift was out of order."}
    first = await client.post(here, json=body, headers={**finance, "Idempotency-Key": "one"})
    assert first.status_code == 201, first.text
    assert first.headers["location"] == f"/api/v1/refunds/{first.json()['id']}"
    assert first.json()["requested_by"].startswith("staff:")
    again = await asyncio.gather(
        *(client.post(here, json=body, headers={**finance, "Idempotency-Key": "one"}) for _ in range(4))
    )
    assert {answer.json()["id"] for answer in again} == {first.json()["id"]}
    changed = {**body, "reason": "Another reason"}
    problem(await client.post(here, json=changed, headers={**finance, "Idempotency-Key": "one"}), 422, "key-reused")
    await world.until_quiet(db)
    found = (await client.get(first.headers["location"], headers=program["support"])).json()
    assert (found["state"], found["amount"]["amount_minor"]) == ("succeeded", 1500)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED
    rest_of_it = {"amount": None, "reason": "The rest as well"}
    second = await client.post(here, json=rest_of_it, headers={**finance, "Idempotency-Key": "two"})
    assert second.json()["amount"]["amount_minor"] == 4500
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CANCELLED
    await world.until_quiet(db)
    whole = (await client.get(f"{LIST}/{intent_id}", headers=finance)).json()
    assert [one["state"] for one in whole["refunds"]] == ["succeeded", "succeeded"]
    over = problem(
        await client.post(here, json=rest_of_it, headers={**finance, "Idempotency-Key": "three"}),
        409,
        "refund-too-much",
    )
    assert over["left_minor"] == 0


async def test_many_keys_at_once_never_give_back_more_than_was_paid(client, db, channels, program):
    mei, order = await world.paid_order(db, channels, await world.open_slot(db))
    here = f"{LIST}/{(await world.payment_of(db, mei, order)).intent_id}/refunds"
    body = {"amount": {"amount_minor": 2500, "currency": "CNY"}, "reason": "Twice as fast"}
    answers = await asyncio.gather(
        *(client.post(here, json=body, headers={**program["finance"], "Idempotency-Key": f"k{n}"}) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    await world.until_quiet(db)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": {"amount_minor": 100, "currency": "USD"}, "reason": "Other coin"}, 422, "invalid-input"),
        ({"amount": {"amount_minor": 0, "currency": "CNY"}, "reason": "Nothing"}, 409, "refund-too-much"),
        ({"amount": {"amount_minor": -5, "currency": "CNY"}, "reason": "Less"}, 409, "refund-too-much"),
        ({"amount": {"amount_minor": 6001, "currency": "CNY"}, "reason": "More"}, 409, "refund-too-much"),
        ({"amount": {"amount_minor": 100, "currency": "CNY"}}, 422, "body-mismatch"),
        ({"reason": "x"}, 422, "body-mismatch"),
    ],
)
async def test_a_refund_that_cannot_be_is_refused(client, db, channels, program, body, status, code):
    mei, order = await world.paid_order(db, channels, await world.open_slot(db))
    here = f"{LIST}/{(await world.payment_of(db, mei, order)).intent_id}/refunds"
    headers = {**program["finance"], "Idempotency-Key": "k"}
    problem(await client.post(here, json=body, headers=headers), status, code)
    assert (await world.payment_of(db, mei, order)).refunds == []


async def test_support_looks_but_gives_nothing_back(client, db, channels, program):
    mei, order = await world.paid_order(db, channels, await world.open_slot(db))
    here = f"{LIST}/{(await world.payment_of(db, mei, order)).intent_id}/refunds"
    headers = {**program["support"], "Idempotency-Key": "k"}
    refused = problem(await client.post(here, json={"reason": "Please"}, headers=headers), 403, "role-missing")
    assert refused["roles"] == ["finance"]
    for unknown in (uuid4(), "nonsense"):
        problem(await client.get(f"/api/v1/refunds/{unknown}", headers=program["support"]), 404, "refund-unknown")
