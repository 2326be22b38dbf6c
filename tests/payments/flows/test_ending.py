"""Ending: an order is let go only when its provider has said that it was not paid and cannot be any more."""

from __future__ import annotations

import asyncio

import pytest

from holdfast import orders, payments
from holdfast.orders import expiry
from holdfast.orders.model import NotCancellable, NotPayable, PaymentInDoubt
from tests import world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def slot(db):
    return await world.open_slot(db, places=2)


@pytest.fixture
async def begun(db, slot):
    """An order whose payment is under way: owner, order, view."""
    mei, order = await world.held_order(db, slot)
    return mei, order, await orders.pay(db, mei.actor, order)


async def state(db, mei, order) -> orders.State:
    return (await world.order_of(db, mei, order.number)).state


def charge(sim, ref: str) -> str:
    return sim.order(ref)["state"]


async def test_an_unpaid_charge_is_closed_at_the_provider_before_its_places_are_sold_again(db, sim, slot, begun):
    mei, order, view = begun
    await world.run_out(db, order)
    await expiry.sweep(db)
    assert await state(db, mei, order) is orders.State.EXPIRED
    assert charge(sim, view.merchant_ref) == "CLOSED"
    assert await world.places_left(db, slot) == 2
    assert (await world.payment_of(db, mei, order)).state is payments.IntentState.EXPIRED
    assert sim.http.post(f"/_sim/pay/{view.merchant_ref}").status_code == 409


async def test_money_that_nobody_told_us_of_is_found_before_the_order_would_expire(db, sim, slot, begun):
    mei, order, view = begun
    sim.script({"fault": "drop_callback"})
    sim.pay(view.merchant_ref)
    await world.run_out(db, order)
    await expiry.sweep(db)
    await world.jobs.drain(db)
    assert await state(db, mei, order) is orders.State.CONFIRMED
    assert await world.places_left(db, slot) == 1


async def test_a_close_that_races_with_the_payer_finds_the_money(db, sim, begun):
    """The query says unpaid, the payer pays, the close is refused as paid: asked again, the money is there."""
    mei, order, view = begun
    sim.script({"fault": "drop_callback"}, {"fault": "query_lag", "count": 1, "seconds": 60})
    sim.pay(view.merchant_ref)
    await world.run_out(db, order)
    await expiry.sweep(db)
    await world.jobs.drain(db)
    assert await state(db, mei, order) is orders.State.CONFIRMED


@pytest.mark.parametrize("paid", [True, False])
async def test_while_the_provider_is_silent_the_places_stay_held_and_the_doubt_is_said(db, sim, slot, begun, paid):
    mei, order, view = begun
    if paid:
        sim.script({"fault": "drop_callback"}, {"fault": "html_502"})
        sim.pay(view.merchant_ref)
    sim.script({"fault": "html_502"})
    await world.run_out(db, order)
    for _ in range(2):
        await expiry.sweep(db)
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.AWAITING_PAYMENT
    assert after.row.expires_at > world.clock.now()
    assert [event.kind for event in after.events] == ["placed", "payment_started", "payment_in_doubt"]
    assert await world.places_left(db, slot) == 1
    sim.script()
    await world.run_out(db, order)
    await expiry.sweep(db)
    await world.jobs.drain(db)
    assert await state(db, mei, order) is (orders.State.CONFIRMED if paid else orders.State.EXPIRED)


async def test_a_silent_provider_does_not_keep_other_holds_from_ending(db, sim, slot, begun):
    mei, order, _ = begun
    li, plain = await world.held_order(db, await world.open_slot(db))
    sim.script({"fault": "hang", "seconds": 2})
    for one in (order, plain):
        await world.run_out(db, one)
    await expiry.sweep(db)
    assert await state(db, li, plain) is orders.State.EXPIRED
    assert await state(db, mei, order) is orders.State.AWAITING_PAYMENT
    sim.script()


async def test_cancelling_closes_the_charge_so_that_nobody_can_pay_it(db, sim, slot, begun):
    mei, order, view = begun
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, order.number))
    assert await state(db, mei, order) is orders.State.CANCELLED
    assert charge(sim, view.merchant_ref) == "CLOSED"
    assert await world.places_left(db, slot) == 2


async def test_cancelling_with_an_old_page_finds_the_payment_that_was_started_since(db, sim, slot, begun):
    """The page was made before the payment began: its charge is closed all the same, or its money would be nobody's."""
    mei, order_as_held, view = begun
    assert order_as_held.state is orders.State.HELD
    await orders.cancel(db, mei.actor, order_as_held)
    assert await state(db, mei, order_as_held) is orders.State.CANCELLED
    assert sim.http.post(f"/_sim/pay/{view.merchant_ref}").status_code == 409


async def test_an_order_that_was_paid_unnoticed_is_not_cancelled_but_confirmed(db, sim, begun):
    mei, order, view = begun
    sim.script({"fault": "drop_callback"})
    sim.pay(view.merchant_ref)
    with pytest.raises(NotCancellable) as raised:
        await orders.cancel(db, mei.actor, order)
    assert raised.value.fields == {"reason": "paid"}
    await world.jobs.drain(db)
    assert await state(db, mei, order) is orders.State.CONFIRMED


async def test_nothing_is_cancelled_in_doubt(db, sim, slot, begun):
    mei, order, _ = begun
    sim.script({"fault": "html_502"})
    with pytest.raises(PaymentInDoubt):
        await orders.cancel(db, mei.actor, order)
    assert await state(db, mei, order) is orders.State.AWAITING_PAYMENT
    assert await world.places_left(db, slot) == 1
    sim.script()
    await orders.cancel(db, mei.actor, order)
    assert await state(db, mei, order) is orders.State.CANCELLED


async def test_paying_and_cancelling_at_once_ends_one_way_and_the_books_agree(db, sim):
    slot = await world.open_slot(db, places=10)
    for n in range(6):
        mei, order = await world.held_order(db, slot)

        async def pay_it(mei=mei, order=order) -> None:
            view = await orders.pay(db, mei.actor, order)
            sim.http.post(f"/_sim/pay/{view.merchant_ref}")

        async def cancel_it(mei=mei, order=order, pause=n * 0.02) -> None:
            await asyncio.sleep(pause)
            await orders.cancel(db, mei.actor, order)

        for failure in await asyncio.gather(pay_it(), cancel_it(), return_exceptions=True):
            assert failure is None or isinstance(failure, NotCancellable | NotPayable | PaymentInDoubt), failure
        await world.until_quiet(db)
        if await state(db, mei, order) is orders.State.AWAITING_PAYMENT:
            await orders.cancel(db, mei.actor, order)
        assert await state(db, mei, order) in (orders.State.CONFIRMED, orders.State.CANCELLED)


async def test_the_sweep_and_the_payer_at_once_end_one_way_and_the_books_agree(db, sim):
    slot = await world.open_slot(db, places=10)
    for _ in range(5):
        mei, order = await world.held_order(db, slot)
        view = await orders.pay(db, mei.actor, order)
        await world.run_out(db, order)
        await asyncio.gather(expiry.sweep(db), asyncio.to_thread(sim.http.post, f"/_sim/pay/{view.merchant_ref}"))
        await world.until_quiet(db)
        await world.work_once(db)
        assert await state(db, mei, order) in (orders.State.CONFIRMED, orders.State.EXPIRED)


async def test_a_payment_that_was_wanted_but_never_sent_ends_with_its_order(db, sim, slot):
    """A crash between the order's step and the first attempt: there is an intent and nothing at the provider."""
    mei, order = await world.held_order(db, slot)
    await db.run(orders.checkout._begin, mei.actor, order.row.id)
    await world.run_out(db, order)
    await expiry.sweep(db)
    assert await state(db, mei, order) is orders.State.EXPIRED
    assert await world.places_left(db, slot) == 2
