"""After an outage: the bill of the day answers for hundreds of payments, and few questions are asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import payments
from holdfast.kit import clock, ids, settings
from holdfast.kit.db import Db, Tx
from holdfast.kit.money import Money
from holdfast.payments import attempts, bills, bulk, reconciliation, resolver, store
from holdfast.payments.providers.base import Bill, BillRow
from tests import invariants, world

from . import days

pytestmark = pytest.mark.anyio
STUCK, PAID = 500, 480


@pytest.fixture
async def ground(database_url, sim, addresses):
    """A database without orders: payments alone, and channels to the simulator."""
    opened = await Db(database_url, size=10).open()
    yield opened
    await invariants.require(opened)
    await payments.close_channels()
    await opened.close()


async def stuck(tx: Tx, count: int) -> list[str]:
    """So many charges whose provider did not answer, on intents that have expired meanwhile."""
    refs = []
    for n in range(count):
        now = clock.now()
        intent_id = await payments.want(tx, f"test:{n}", Money(100 + n), "Admission", now + timedelta(minutes=15))
        intent = await store.intent(tx, intent_id)
        attempt_id = ids.uuid7()
        await store.insert_attempt(
            tx, attempt_id=attempt_id, intent=intent, provider="wechatpay", method="native", version="apiv3.1",
            merchant_ref=f"HF{attempt_id.hex[:30].upper()}", route={}, at=now, expires_at=now + timedelta(minutes=15),
            next_query_at=now,
        )  # fmt: skip
        refs.append(f"HF{attempt_id.hex[:30].upper()}")
    return refs


async def states(db) -> dict[str, int]:
    return await world.value(
        db,
        "select jsonb_object_agg(state, n) from (select state, count(*) as n from payments.attempts group by state) s",
    )


async def test_five_hundred_stuck_payments_are_resolved_by_their_bill_without_a_question(ground, sim, day):
    db = ground
    refs = await db.run(stuck, STUCK)
    rows = [
        BillRow(
            merchant_ref=ref, provider_txn=f"4200{n:024d}", amount_minor=100 + n, currency="CNY", fee_minor=1,
            occurred_at=clock.now(),
        )
        for n, ref in enumerate(refs[:PAID])
    ]  # fmt: skip
    days.to_bill(sim, day)
    await db.run(bills.store, Bill(provider="wechatpay", day=day, rows=rows, digest="3" * 64))
    [before] = [one for one in await db.read(bulk.progress) if one.provider == "wechatpay"]
    assert (before.told, before.past) == (PAID, STUCK)
    assert await bulk.resolve(db) == PAID
    assert await days.calls(db, "query") == 0
    assert await states(db) == {"succeeded": PAID, "created": STUCK - PAID}
    [after] = [one for one in await db.read(bulk.progress) if one.provider == "wechatpay"]
    assert (after.told, after.past) == (0, STUCK - PAID)
    assert await bulk.resolve(db) == 0
    sim.script({"fault": "html_502", "match": "bill"})
    await reconciliation.compare(db, "wechatpay", day)
    sim.script()
    report = await db.read(reconciliation.day_report, "wechatpay", day)
    assert report.counts == {("unknown_to_us", "auto"): PAID}
    assert report.bill.figures["CNY"].matched_rows == PAID
    await _ask_the_others(db)


async def _ask_the_others(db) -> None:
    """What the bill does not tell goes on being asked, one by one: they were never placed."""
    left = await world.value(db, "select array_agg(id) from payments.attempts where state = 'created'")
    lanes = asyncio.Semaphore(8)

    async def one(attempt_id) -> None:
        async with lanes:
            await attempts.ask(db, attempt_id)

    await asyncio.gather(*(one(attempt_id) for attempt_id in left))
    assert await states(db) == {"succeeded": PAID, "closed": STUCK - PAID}
    assert await days.calls(db, "query") == STUCK - PAID


async def test_the_most_valuable_are_resolved_first(ground, sim, day, monkeypatch):
    db = ground
    refs = await db.run(stuck, 5)
    rows = [
        BillRow(merchant_ref=ref, provider_txn=f"4200{n:024d}", amount_minor=100 + n, currency="CNY")
        for n, ref in enumerate(refs)
    ]
    days.to_bill(sim, day)
    await db.run(bills.store, Bill(provider="wechatpay", day=day, rows=rows, digest="4" * 64))
    told = await db.read(bulk.bulk_store.told, "wechatpay", 2)
    assert [one.row.amount_minor for one in told] == [104, 103]
    assert await bulk.resolve(db) == 0  # five questions are quickly asked
    monkeypatch.setenv("HOLDFAST_RESOLVER_RATES", "wechatpay=0.01")
    settings.current.cache_clear()
    [backlog] = [one for one in await db.read(resolver.progress) if one.provider == "wechatpay"]
    assert backlog.eta_s > bulk.ETA_MAX_S
    assert await bulk.resolve(db) == 5  # at this pace they are not
