"""Webhooks: proven callbacks are stored once; forged, foreign and oversized ones are refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from holdfast.kit import clock, ids, settings
from holdfast.payments import channels
from holdfast.payments.providers.base import Charge
from tests import world
from tests.payments.conftest import Receiver, SimulatorProcess

from .conftest import ORDERS, bearer, book, order_body, problem

pytestmark = pytest.mark.anyio
INBOX = "/webhooks/wechatpay"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    running = SimulatorProcess(tmp_path_factory.mktemp("simulator"))
    yield running
    running.stop()


@pytest.fixture
async def wechat(simulator, monkeypatch):
    """The channel to the simulator, as the program makes it."""
    monkeypatch.setenv("HOLDFAST_SIMULATOR_URL", simulator.url)
    settings.current.cache_clear()
    yield simulator
    await channels.close()
    monkeypatch.undo()
    settings.current.cache_clear()


async def test_an_order_is_paid_and_confirmed_over_http(client, db, wechat):
    slot, mei = await world.open_slot(db), await world.traveller(db)
    here = f"{ORDERS}/{(await book(client, mei, order_body(slot))).json()['number']}"
    before = (await client.get(f"{here}/payment", headers=bearer(mei))).json()
    assert (before["state"], before["amount"]) == ("not_started", {"amount_minor": 6000, "currency": "CNY"})
    started = await client.post(f"{here}/payment", headers=bearer(mei))
    assert started.status_code == 200, started.text
    assert started.json()["code_url"].startswith("weixin://")
    assert (await client.post(f"{here}/payment", headers=bearer(mei))).json() == started.json()
    [order] = wechat.http.get("/_sim/truth").json()["orders"]
    wechat.pay(order["out_trade_no"])
    await world.until_quiet(db)
    paid = (await client.get(f"{here}/payment", headers=bearer(mei))).json()
    assert (paid["state"], paid["code_url"]) == ("paid", None)
    assert (await client.get(here, headers=bearer(mei))).json()["state"] == "confirmed"
    assert len((await client.get(f"{here}/tickets", headers=bearer(mei))).json()["items"]) == 1
    problem(await client.post(f"{here}/cancellation", headers=bearer(mei)), 409, "not-cancellable")


@pytest.fixture
def receiver():
    running = Receiver()
    yield running
    running.stop()


async def test_a_proven_callback_is_stored_once_and_a_changed_one_not(client, db, wechat, receiver):
    adapter = await channels.current().get("wechatpay")
    until = clock.now() + timedelta(minutes=10)
    await adapter.create(Charge("HF" + ids.uuid7().hex[:30].upper(), 100, "CNY", "visit", until, receiver.url))
    [order] = [order for order in wechat.http.get("/_sim/truth").json()["orders"] if order["state"] == "NOTPAY"]
    wechat.pay(order["out_trade_no"])
    seen = receiver.next()
    for _ in range(2):
        answer = await client.post(INBOX, content=seen.raw, headers=seen.headers)
        assert (answer.status_code, answer.content) == (204, b"")
    changed = seen.raw.replace(b'"id"', b'"di"')
    assert (await client.post(INBOX, content=changed, headers=seen.headers)).status_code == 401
    assert await world.value(db, "select count(*) from payments.inbox") == 1


async def test_a_callback_that_is_not_proven_is_refused(client, db, wechat, logged):
    answer = await client.post(INBOX, content=b"{}")
    assert answer.status_code == 401
    assert answer.json()["code"] == "FAIL"
    assert "webhook.forged" in str(logged)


async def test_a_provider_nobody_knows_is_not_found(client):
    problem(await client.post("/webhooks/elsewhere", content=b"{}"), 404, "endpoint-unknown")
    problem(await client.get(INBOX), 405, "method-not-allowed")


async def test_a_callback_that_is_too_large_is_refused(client):
    problem(await client.post(INBOX, content=b" " * (64 * 1024 + 1)), 413, "body-too-large")


async def test_without_its_configuration_a_channel_is_unavailable(client, db, monkeypatch):
    monkeypatch.setenv("HOLDFAST_SIMULATOR_URL", "http://127.0.0.1:1")
    settings.current.cache_clear()
    slot, mei = await world.open_slot(db), await world.traveller(db)
    here = f"{ORDERS}/{(await book(client, mei, order_body(slot))).json()['number']}"
    problem(await client.post(f"{here}/payment", headers=bearer(mei)), 503, "channel-unavailable")
    answer = await client.post(INBOX, content=json.dumps({}).encode())
    problem(answer, 503, "channel-unavailable")
    assert answer.headers["retry-after"] == "5"
    await channels.close()
    monkeypatch.undo()
    settings.current.cache_clear()
