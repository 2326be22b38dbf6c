"""The console's unapplied money: why it is there, where its way back stands, and what people bring to an end."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from holdfast import accounts, ledger, orders, payments
from holdfast.kit import clock, ids
from holdfast.kit.db import Db
from holdfast.payments import refunds, refunds_store, unapplied
from holdfast.payments.providers.base import RefundState
from tests import invariants, staff, world
from tests.payments.conftest import SimulatorProcess
from tests.web.conftest import text_of
from tests.web.test_looks import is_well_made

from .ground import begun, come_as, paid, told

pytestmark = pytest.mark.anyio
BASE = "/console/unapplied"


async def paid_twice(db: Db, sim: SimulatorProcess) -> tuple[orders.Order, UUID]:
    """An order that was paid by two wallets; its refund, which the provider does not give yet."""
    mei, order, first = await begun(db, "alipay")
    second = await orders.pay(db, mei.actor, order, payments.Wish("wechatpay"))
    sim.script({"fault": "refund_processing"})
    sim.pay(second.merchant_ref or "")
    sim.pay(first.merchant_ref or "")

    async def both() -> bool:
        await world.work_once(db)
        return bool(await world.value(db, "select count(*) = 2 from payments.attempts where state = 'succeeded'"))

    await world.until(both)
    await world.work_once(db)
    [refund] = await db.read(refunds_store.of_intent, first.intent_id)
    return order, refund.id


async def close_for_good(db: Db, intent_id: UUID) -> UUID:
    """The provider closes one refund after the other; the last one."""
    for _ in range(refunds.CLOSED_MAX):
        last = (await db.read(refunds_store.of_intent, intent_id))[-1]
        await told(db, last.id, RefundState.CLOSED, "CLOSED")
    return (await db.read(refunds_store.of_intent, intent_id))[-1].id


async def test_money_paid_twice_is_shown_with_its_reason_and_its_way_back(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient
) -> None:
    order, refund_id = await paid_twice(db, sim)
    await come_as(reader, db, "finance")
    page = text_of(await reader.get(BASE))
    assert "¥60 Paid twice: another payment of the same order counts." in page
    assert "on its way" in page
    assert ids.show_code(order.number) in page
    assert "are not on their way back" not in page
    refund = await db.read(refunds_store.refund, refund_id)
    assert refund is not None
    sim.http.post(f"/_sim/refunds/{refund.refund_ref}", json={"status": "SUCCESS"}).raise_for_status()
    await world.until_quiet(db)
    assert "None. Every sum that came is wanted, or has gone back." in text_of(await reader.get(BASE))


async def test_what_waits_too_long_without_a_refund_is_an_alarm(db: Db, reader: httpx2.AsyncClient) -> None:
    """Such money breaks an invariant: only a mistake of ours leaves it."""
    old = clock.now() - unapplied.AGE_MAX - timedelta(minutes=5)
    legs = [
        ledger.debit(ledger.Account("1010", "wechatpay#00", "CNY"), 6000),
        ledger.credit(ledger.Account("2030", "attempt:lost", "CNY"), 6000),
    ]
    await db.run(ledger.record, "payment.received", "receipt:lost", legs, subject="intent:lost", at=old)
    await come_as(reader, db, "finance")
    page = text_of(await reader.get(BASE))
    assert "1 sums have waited for more than 30 minutes and are not on their way back." in page
    assert "We cannot tell where it came from: look in the ledger." in page
    assert "¥60 is not on its way" in page


async def test_an_abnormal_refund_is_signed_for_after_a_transfer(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient
) -> None:
    _order, refund_id = await paid_twice(db, sim)
    await told(db, refund_id, RefundState.ABNORMAL, "USER_ACCOUNT_ABNORMAL")
    lin = await come_as(reader, db, "finance")
    page = text_of(await reader.get(BASE))
    assert "The provider could not give these back 1" in page
    assert "paid twice" in page
    assert "Waiting for you: 1" in text_of(await reader.get("/console"))
    short = await reader.post(f"{BASE}/refunds/{refund_id}/handing", data={"reason": "so"})
    assert (short.status_code, "Say why" in text_of(short), 'value="so"' in short.text) == (422, True, True)
    done = await reader.post(f"{BASE}/refunds/{refund_id}/handing", data={"reason": "bank transfer 4711"})
    assert (done.status_code, done.headers["location"]) == (303, BASE)
    refund = await db.read(refunds_store.refund, refund_id)
    assert refund is not None
    assert refund.state == "succeeded"
    [entry] = await db.read(accounts.trail, action="refund.by_hand")
    assert (entry.actor, entry.details["note"]) == (str(lin.actor), "bank transfer 4711")
    await invariants.require(db)


async def test_a_refund_refused_for_good_is_promised_anew_and_given_by_bank(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient
) -> None:
    _mei, _order, intent_id = await paid(db, sim)
    await db.run(orders.refund, staff.TEST, intent_id, 2000, "as agreed")
    early = (await db.read(refunds_store.of_intent, intent_id))[0].id
    await told(db, early, RefundState.CLOSED)
    await come_as(reader, db, "finance")
    again = await reader.post(f"{BASE}/refunds/{early}/handing", data={"reason": "bank transfer 1"})
    assert (again.status_code, "All of this money has gone back already" in text_of(again)) == (422, True)
    last = await close_for_good(db, intent_id)
    page = text_of(await reader.get(BASE))
    assert "Refused for good 1" in page
    done = await reader.post(f"{BASE}/refunds/{last}/handing", data={"reason": "bank transfer 4712"})
    assert done.status_code == 303
    newest = (await db.read(refunds_store.of_intent, intent_id))[-1]
    assert (newest.amount_minor, newest.state, newest.requested_by.startswith("staff:")) == (2000, "succeeded", True)
    assert await db.read(payments.left_minor, intent_id) == 4000
    assert "Refused for good" not in text_of(await reader.get(BASE))
    twice = await reader.post(f"{BASE}/refunds/{last}/handing", data={"reason": "bank transfer 4713"})
    assert (twice.status_code, "All of this money has gone back already" in text_of(twice)) == (422, True)
    assert await db.read(payments.left_minor, intent_id) == 4000
    await invariants.require(db)


async def test_a_parked_callback_is_looked_at_and_signed_for(db: Db, reader: httpx2.AsyncClient) -> None:
    content = {
        "payment": {"state": "succeeded", "source": "callback", "merchant_ref": "HFFOREIGN", "amount_minor": 1},
        "refund": None,
    }
    await db.run(world.lay_in_inbox, "alipay", "strange", content)
    await world.until_quiet(db)
    inbox_id = await world.value(db, "select id from payments.inbox")
    lin = await come_as(reader, db, "finance")
    page = await reader.get(BASE)
    for said in (
        "Callbacks for a person to look at 1",
        "It names a payment or refund that we do not have.",
        "HFFOREIGN",
    ):
        assert said in text_of(page), said
    path = f"{BASE}/callbacks/{inbox_id}/review"
    assert (await reader.post(path, data={"reason": ""})).status_code == 422
    done = await reader.post(path, data={"reason": "another shop with our key; key changed"})
    assert done.status_code == 303
    assert "Callbacks for a person" not in text_of(await reader.get(BASE))
    twice = await reader.post(path, data={"reason": "once more"})
    assert (twice.status_code, "does not wait for anybody any more" in text_of(twice)) == (422, True)
    [entry] = await db.read(accounts.trail, action="payment.callback_reviewed")
    assert (entry.actor, entry.subject) == (str(lin.actor), str(inbox_id))


async def test_what_is_not_there_is_not_found(db: Db, reader: httpx2.AsyncClient) -> None:
    await come_as(reader, db, "finance")
    for path in (
        f"{BASE}/refunds/nonsense/handing",
        f"{BASE}/refunds/{ids.uuid7()}/handing",
        f"{BASE}/callbacks/x/review",
    ):
        assert (await reader.post(path, data={"reason": "as agreed"})).status_code == 404, path


def why(**told_of: object) -> str:
    given = {"role": "late", "receipt_id": None, "came_currency": "CNY"} | told_of
    return unapplied.why(
        unapplied.Origin(
            owner="attempt:x", attempt_id=ids.uuid7(), intent_id=ids.uuid7(), provider="alipay", method="qr", merchant_ref="HF1",
            provider_txn=None, asked_minor=6000, asked_currency="CNY", came_minor=6000, **given,  # type: ignore[arg-type]
        )
    )  # fmt: skip


async def test_every_reason_follows_from_where_the_money_came_from() -> None:
    assert why() == "late"
    assert why(role="duplicate") == "duplicate"
    assert why(role="winner") == "excess"
    assert why(role="conflicted") == "amount"
    assert why(role="conflicted", came_currency="USD") == "currency"
    assert why(role="winner", receipt_id=ids.uuid7()) == "second"
    assert unapplied.why(None) == why(role=None) == "unknown"


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_page_is_well_made_in_both_languages(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient, language: str
) -> None:
    _order, refund_id = await paid_twice(db, sim)
    await told(db, refund_id, RefundState.ABNORMAL, "ABNORMAL")
    await db.run(world.lay_in_inbox, "alipay", "strange", {"payment": None, "refund": None})
    await world.work_once(db)
    await come_as(reader, db, "finance")
    reader.cookies.set("hf_lang", language)
    page = await reader.get(BASE)
    is_well_made(page.text)
    assert re.search(r'action="[^"]+/review"', page.text)
    is_well_made((await reader.post(f"{BASE}/refunds/{refund_id}/handing", data={})).text)
