"""Refunds: accepted is not refunded; silence is asked about under the same number; never more goes back than came."""

from __future__ import annotations

import asyncio

import pytest

from holdfast import orders, payments
from tests import world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def owed(db, sim):
    """Money of a wrong amount has come and goes back: how to look at its refunds, and the charge."""
    mei, order = await world.held_order(db, await world.open_slot(db))
    view = await orders.pay(db, mei.actor, order)

    async def refunds() -> list[payments.model.RefundRow]:
        return (await world.payment_of(db, mei, order)).refunds

    return refunds, view.merchant_ref


async def until_state(db, refunds, *states: str) -> None:
    async def reached() -> bool:
        await world.work_once(db)
        return [refund.state for refund in await refunds()] == list(states)

    await world.until(reached)


def given(sim, charge: str) -> list[tuple[int, str]]:
    return [(refund["amount"], refund["status"]) for refund in sim.order(charge)["refunds"]]


@pytest.mark.parametrize(
    "fault",
    [
        "lost_response",
        "hang",
        "html_502",
        "system_error",
        "rate_limit",
        "unsigned",
        "bad_signature",
        "truncated_json",
        "reset",
    ],
)
async def test_a_refund_that_got_no_answer_is_sent_again_under_its_number(db, sim, owed, fault):
    refunds, charge = owed
    sim.script({"fault": fault, "match": "refund", "count": 1, **({"seconds": 1} if fault == "hang" else {})})
    sim.pay(charge, amount=5900)
    await until_state(db, refunds, "succeeded")
    assert given(sim, charge) == [(5900, "SUCCESS")]


async def test_a_refund_in_processing_is_asked_about_until_it_is_final(db, sim, owed):
    refunds, charge = owed
    sim.script({"fault": "refund_processing"}, {"fault": "drop_callback"})
    sim.pay(charge, amount=5900)
    await until_state(db, refunds, "processing")
    await world.work_once(db)
    [refund] = await refunds()
    assert (refund.state, refund.finished_at) == ("processing", None)
    sim.http.post(f"/_sim/refunds/{refund.refund_ref}", json={"status": "SUCCESS"}).raise_for_status()
    await until_state(db, refunds, "succeeded")


async def test_the_callback_of_a_refund_is_enough(db, sim, owed):
    refunds, charge = owed
    sim.script({"fault": "html_502", "match": "query_refund"})
    sim.pay(charge, amount=5900)
    await until_state(db, refunds, "succeeded")
    assert (
        await world.value(db, "select count(*) from payments.inbox where kind = 'REFUND.SUCCESS' and state = 'applied'")
        == 1
    )


async def test_without_funds_a_refund_waits_under_its_number_until_there_are_some(db, sim, owed):
    refunds, charge = owed
    sim.script({"fault": "refund_not_enough", "count": 3})
    sim.pay(charge, amount=5900)
    await until_state(db, refunds, "unknown")
    assert (await refunds())[0].error_code in ("NOT_ENOUGH", "RESOURCE_NOT_EXISTS")
    await until_state(db, refunds, "succeeded")
    assert given(sim, charge) == [(5900, "SUCCESS")]


async def test_a_closed_refund_gave_nothing_and_a_new_number_follows(db, sim, owed):
    refunds, charge = owed
    sim.script({"fault": "refund_processing", "count": 1})
    sim.pay(charge, amount=5900)
    await until_state(db, refunds, "processing")
    sim.http.post(f"/_sim/refunds/{(await refunds())[0].refund_ref}", json={"status": "CLOSED"}).raise_for_status()
    await until_state(db, refunds, "closed", "succeeded")
    assert given(sim, charge) == [(5900, "CLOSED"), (5900, "SUCCESS")]


async def test_an_abnormal_refund_is_not_given_up_and_gets_no_second_number(db, sim, owed):
    refunds, charge = owed
    sim.script({"fault": "refund_processing"})
    sim.pay(charge, amount=5900)
    await until_state(db, refunds, "processing")
    [refund] = await refunds()
    sim.http.post(f"/_sim/refunds/{refund.refund_ref}", json={"status": "ABNORMAL"}).raise_for_status()
    await until_state(db, refunds, "abnormal")
    await world.work_once(db)
    assert [(r.refund_ref, r.state, r.finished_at) for r in await refunds()] == [(refund.refund_ref, "abnormal", None)]
    assert await world.value(db, "select next_query_at is not null from payments.refunds")
    await _by_hand(db, sim, refund.refund_ref)


async def _by_hand(db, sim, refund_ref: str) -> None:
    """The merchant sends it through the provider's console, and the provider says so; else the books stay open."""
    import sqlite3

    with sqlite3.connect(sim.state_dir / "wechatpay.sqlite3") as memory:
        memory.execute("update refunds set status = 'SUCCESS' where out_refund_no = ?", (refund_ref,))
    memory.close()


async def test_never_more_goes_back_than_came_however_often_it_is_asked_for(db, sim):
    mei, order = await world.paid_order(db, sim, await world.open_slot(db))
    attempt_id = await world.value(db, "select id from payments.attempts")
    amounts = [4000, 4000, 6000, 1]
    made = await asyncio.gather(*(db.run(payments.refund, attempt_id, amount, "test") for amount in amounts))
    assert any(refund_id is None for refund_id in made)
    await world.until_quiet(db)
    total = sum(refund.amount_minor for refund in (await world.payment_of(db, mei, order)).refunds)
    assert total == 6000
    await _unconfirm(db, order)


async def _unconfirm(db, order) -> None:
    """All its money went back: the order does not stay, which a later feature will do by itself."""
    from holdfast.orders import store

    async def cancel(tx) -> None:
        await store.set_state(tx, order.row.id, orders.State.CANCELLED, expires_at=None, confirmed_at=None)
        await store.add_event(tx, order.row.id, "cancelled", world.clock.now(), "test", {})
        await store.release(tx, order.row.id)

    await db.run(cancel)
