"""The console's desk: an order is found, its money taken once, refunds handed over, and the drawer adds up."""

from __future__ import annotations

import httpx2
import pytest

from holdfast import accounts, orders
from holdfast.kit import ids
from holdfast.kit.db import Db
from holdfast.payments import refunds_store
from tests import invariants, staff, world
from tests.payments.conftest import SimulatorProcess
from tests.web.conftest import text_of
from tests.web.paying import EVERYTHING, rest
from tests.web.test_looks import is_well_made

from .ground import begun, come_as, paid

pytestmark = pytest.mark.anyio
BASE = "/console/desk"


async def test_cash_confirms_an_order_once_and_is_in_the_drawer(db: Db, reader: httpx2.AsyncClient) -> None:
    mei, order = await world.held_order(db, await world.open_slot(db), people=2)
    lin = await come_as(reader, db, "desk", name="Lin Wen")
    found = await reader.get(BASE, params={"find": ids.show_code(order.number).lower()})
    assert "To be paid: ¥120" in text_of(found)
    assert order.row.phone_masked in text_of(found)
    assert "王小明" not in found.text
    path = f"{BASE}/{order.number}/taking"
    bare = await reader.post(path, data={"note": "receipt 12"})
    assert (bare.status_code, "Confirm that the whole sum is in your hand." in text_of(bare)) == (422, True)
    assert 'value="receipt 12"' in bare.text
    done = await reader.post(path, data={"taken": "1", "note": "receipt 12"})
    assert (done.status_code, done.headers["location"]) == (303, f"{BASE}?find={order.number}&done=taken")
    await world.until_quiet(db)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED
    page = text_of(await reader.get(done.headers["location"]))
    for said in (
        "Recorded. The order is confirmed",
        "It is paid: take no money.",
        "Should be in it ¥120",
        "Taken today ¥120",
        "Lin Wen",
    ):
        assert said in page, said
    twice = await reader.post(path, data={"taken": "1"})
    assert (twice.status_code, "This payment is no longer open." in text_of(twice)) == (422, True)
    [entry] = await db.read(accounts.trail, action="payment.at_desk")
    assert (entry.actor, entry.details["note"]) == (str(lin.actor), "receipt 12")
    await invariants.require(db)


async def test_a_promise_is_kept_at_the_desk(db: Db, reader: httpx2.AsyncClient) -> None:
    mei, order = await world.held_order(db, await world.open_slot(db))
    await rest(db, *EVERYTHING)
    await orders.promise(db, mei.actor, order)
    await come_as(reader, db, "desk")
    page = text_of(await reader.get(BASE, params={"find": order.number}))
    assert "The visit is confirmed on the promise to pay, until" in page
    assert (await reader.post(f"{BASE}/{order.number}/taking", data={"taken": "1"})).status_code == 303
    assert (await world.payment_of(db, mei, await world.order_of(db, mei, order.number))).state == "paid"


async def test_a_payment_in_doubt_is_said_before_cash_is_taken(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient
) -> None:
    sim.script({"fault": "lost_response", "match": "create", "count": 1})
    _mei, order, view = await begun(db)
    await come_as(reader, db, "desk")
    for typed in (order.number, view.merchant_ref):
        page = text_of(await reader.get(BASE, params={"find": typed}))
        assert "A payment of this order is in doubt." in page
        assert "We are asking WeChat Pay whether it came." in page


async def test_a_refund_of_cash_is_handed_over_at_the_desk_and_others_are_not(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient
) -> None:
    _mei, order = await world.held_order(db, await world.open_slot(db))
    await come_as(reader, db, "desk", name="Lin Wen")
    await reader.post(f"{BASE}/{order.number}/taking", data={"taken": "1"})
    await world.until_quiet(db)
    intent_id = await world.value(db, "select id from payments.intents")
    refund_id = await db.run(orders.refund, staff.TEST, intent_id, 2000, "one visitor fell ill")
    assert "To be handed over: 1" in text_of(await reader.get("/console"))
    page = text_of(await reader.get(BASE))
    for said in (
        "To be handed over 1",
        "¥20",
        "one visitor fell ill",
        "Still to be handed over ¥20",
        "Should be in it ¥60",
    ):
        assert said in page, said
    path = f"{BASE}/refunds/{refund_id}/handing"
    short = await reader.post(path, data={"reason": "ok"})
    assert (short.status_code, "Say why" in text_of(short), 'value="ok"' in short.text) == (422, True, True)
    done = await reader.post(path, data={"reason": "signed by the traveller"})
    assert done.headers["location"] == f"{BASE}?done=handed"
    after = text_of(await reader.get(done.headers["location"]))
    for said in ("Recorded: it was handed over.", "Should be in it ¥40", "Handed over today ¥20", "−¥20"):
        assert said in after, said
    refund = await db.read(refunds_store.refund, refund_id)
    assert refund is not None
    assert refund.state == "succeeded"
    _jun, _other, online = await paid(db, sim)
    theirs = await db.run(orders.refund, staff.TEST, online, 2000, "as agreed")
    assert (await reader.post(f"{BASE}/refunds/{theirs}/handing", data={"reason": "as agreed"})).status_code == 404
    await world.until_quiet(db)
    await invariants.require(db)


async def test_what_waits_for_no_money_says_so(db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient) -> None:
    _mei, order, _intent = await paid(db, sim)
    await come_as(reader, db, "desk")
    assert "It is paid: take no money." in text_of(await reader.get(BASE, params={"find": order.number}))
    other, held = await world.held_order(db, await world.open_slot(db))
    await orders.cancel(db, other.actor, held)
    page = text_of(await reader.get(BASE, params={"find": held.number}))
    assert "It waits for no payment any more: take no money." in page
    refused = await reader.post(f"{BASE}/{held.number}/taking", data={"taken": "1"})
    assert (refused.status_code, "does not wait for a payment" in text_of(refused)) == (422, True)
    _free, gratis = await world.held_order(db, await world.open_slot(db, price_minor=0))
    assert "It is free: nothing is to be paid." in text_of(await reader.get(BASE, params={"find": gratis.number}))


async def test_a_number_of_nothing_is_kept_and_said(db: Db, reader: httpx2.AsyncClient) -> None:
    await come_as(reader, db, "finance")
    answer = await reader.get(BASE, params={"find": "7K3QF-90XMA"})
    assert (answer.status_code, "We find no order with this number." in text_of(answer)) == (404, True)
    assert 'value="7K3QF-90XMA"' in answer.text
    for path in (f"{BASE}/7K3QF90XMA/taking", f"{BASE}/refunds/x/handing", f"{BASE}/refunds/{ids.uuid7()}/handing"):
        assert (await reader.post(path, data={"taken": "1", "reason": "as agreed"})).status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_page_is_well_made_in_both_languages(db: Db, reader: httpx2.AsyncClient, language: str) -> None:
    _mei, order = await world.held_order(db, await world.open_slot(db))
    await come_as(reader, db, "desk")
    reader.cookies.set("hf_lang", language)
    for path in (BASE, f"{BASE}?find={order.number}", f"{BASE}?find=x"):
        is_well_made((await reader.get(path)).text)
    is_well_made((await reader.post(f"{BASE}/{order.number}/taking", data={})).text)
