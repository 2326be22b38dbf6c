"""Paying: from the code to the tickets, whatever the network does to requests, answers and callbacks."""

from __future__ import annotations

import asyncio

import pytest

from holdfast import orders, payments
from holdfast.kit import settings
from holdfast.orders.model import NotPayable
from holdfast.payments import channels
from holdfast.payments.model import ChannelUnavailable
from tests import world

pytestmark = pytest.mark.anyio


async def start(db, people: int = 1):
    """A new order with its payment started: its owner, the order, and what the page shows."""
    mei, order = await world.held_order(db, await world.open_slot(db), people)
    return mei, order, await orders.pay(db, mei.actor, order)


async def sources(db) -> list[str]:
    """Where what we know of payments came from, in order."""
    return await world.value(db, "select coalesce(array_agg(source order by id), '{}') from payments.observations")


async def confirmed(db, mei, order) -> bool:
    await world.jobs.drain(db)
    return (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED


async def test_a_payment_is_confirmed_by_its_callback_alone(db, sim):
    mei, order, view = await start(db, people=2)
    assert view.code_url.startswith("weixin://")
    assert (view.state, view.in_doubt) == (payments.IntentState.OPEN, False)
    sim.pay(view.merchant_ref)
    await world.until(lambda: confirmed(db, mei, order))
    assert await sources(db) == ["response", "callback"]
    after = await world.order_of(db, mei, order.number)
    assert [event.kind for event in after.events] == ["placed", "payment_started", "confirmed", "tickets_sent"]
    assert after.row.expires_at is None
    assert len(orders.tickets(after)) == 2
    paid = await world.payment_of(db, mei, order)
    assert (paid.state, paid.code_url, paid.refunds) == (payments.IntentState.PAID, None, [])


async def test_a_payment_whose_callback_never_comes_is_found_by_asking(db, sim):
    sim.script({"fault": "drop_callback"})
    mei, order, view = await start(db)
    sim.pay(view.merchant_ref)
    await world.until_quiet(db)
    await world.work_once(db)
    assert await confirmed(db, mei, order)
    assert "callback" not in await sources(db)


async def test_a_callback_that_comes_twice_counts_once(db, sim):
    sim.script({"fault": "double_callback"})
    mei, order, view = await start(db)
    sim.pay(view.merchant_ref)
    await world.until(lambda: confirmed(db, mei, order))
    await world.until_quiet(db)
    after = await world.order_of(db, mei, order.number)
    assert [event.kind for event in after.events].count("confirmed") == 1
    assert await world.value(db, "select count(*) from payments.inbox") == 1


async def test_a_callback_may_come_before_the_answer(db, sim):
    sim.script({"fault": "callback_before_response", "count": 1})
    mei, order, view = await start(db)
    assert view.state in (payments.IntentState.OPEN, payments.IntentState.PAID)
    await world.until(lambda: confirmed(db, mei, order))
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED


async def test_two_clicks_make_one_charge(db, sim):
    mei, order = await world.held_order(db, await world.open_slot(db))
    views = await asyncio.gather(*(orders.pay(db, mei.actor, order) for _ in range(4)))
    assert len({view.merchant_ref for view in views}) == 1
    again = await orders.pay(db, mei.actor, order)
    assert again.code_url is not None
    assert len(sim.http.get("/_sim/truth").json()["orders"]) == 1


@pytest.mark.parametrize(
    "fault",
    [
        "lost_response",
        "hang",
        "reset",
        "html_502",
        "system_error",
        "rate_limit",
        "unsigned",
        "bad_signature",
        "truncated_json",
    ],
)
async def test_a_charge_whose_answer_is_lost_is_in_doubt_and_becomes_payable_under_the_same_number(db, sim, fault):
    hosts = 2 if fault == "html_502" else 1  # a gateway that fails is passed by on the second host
    sim.script({"fault": fault, "match": "create", "count": hosts, **({"seconds": 1} if fault == "hang" else {})})
    mei, order, view = await start(db)
    assert (view.in_doubt, view.code_url) == (True, None)
    again = await orders.pay(db, mei.actor, order)
    assert again.merchant_ref == view.merchant_ref

    async def payable() -> bool:
        await world.work_once(db)
        return (await orders.pay(db, mei.actor, order)).code_url is not None

    await world.until(payable)
    assert [charge["out_trade_no"] for charge in sim.http.get("/_sim/truth").json()["orders"]] == [view.merchant_ref]
    sim.pay(view.merchant_ref)
    await world.until(lambda: confirmed(db, mei, order))


@pytest.mark.parametrize(
    "fault", ["lost_response", "html_502", "unsigned", "bad_signature", "truncated_json", "system_error"]
)
async def test_questions_that_go_wrong_leave_what_is_known_and_are_asked_again(db, sim, fault):
    hosts = 2 if fault == "html_502" else 1
    sim.script({"fault": "drop_callback"}, {"fault": fault, "match": "query", "count": 3 * hosts})
    mei, order, view = await start(db)
    sim.pay(view.merchant_ref)

    async def found() -> bool:
        await world.work_once(db)
        return await confirmed(db, mei, order)

    await world.until(found)
    states = await world.value(db, "select array_agg(after_state order by id) from payments.observations")
    assert states == ["awaiting_user"] * 4 + ["succeeded"]


async def test_an_unpaid_answer_after_a_success_changes_nothing(db, sim):
    """The query lags behind the callback: money once seen is never unseen."""
    sim.script({"fault": "query_lag", "seconds": 60})
    mei, order, view = await start(db)
    sim.pay(view.merchant_ref)
    await world.until(lambda: confirmed(db, mei, order))
    attempt_id = await world.value(db, "select id from payments.attempts")
    attempt = await payments.attempts.ask(db, attempt_id)
    assert attempt.state is payments.AttemptState.SUCCEEDED


async def test_a_paid_or_free_order_is_not_payable(db, sim):
    slot = await world.open_slot(db)
    mei, order = await world.paid_order(db, sim, slot)
    with pytest.raises(NotPayable):
        await orders.pay(db, mei.actor, order)
    free = await world.place(db, world.request(mei, world.basket(await world.open_slot(db, price_minor=0))))
    with pytest.raises(NotPayable):
        await orders.pay(db, mei.actor, await world.order_of(db, mei, free.number))


async def test_without_a_provider_the_order_stays_held_and_is_payable_later(db, sim, monkeypatch):
    mei, order = await world.held_order(db, await world.open_slot(db))
    await channels.close()
    monkeypatch.setenv("HOLDFAST_SIMULATOR_URL", "http://127.0.0.1:1")
    settings.current.cache_clear()
    with pytest.raises(ChannelUnavailable) as raised:
        await orders.pay(db, mei.actor, order)
    assert raised.value.fields["retry_after_s"] > 0
    monkeypatch.setenv("HOLDFAST_SIMULATOR_URL", sim.url)
    settings.current.cache_clear()
    view = await orders.pay(db, mei.actor, order)
    sim.pay(view.merchant_ref)
    await world.until(lambda: confirmed(db, mei, order))


async def test_a_started_payment_has_ten_minutes_even_at_the_end_of_the_hold(db, sim, monkeypatch):
    monkeypatch.setenv("HOLDFAST_HOLD_TTL_S", "60")
    settings.current.cache_clear()
    mei, order = await world.held_order(db, await world.open_slot(db))
    before = order.row.expires_at - order.row.placed_at
    view = await orders.pay(db, mei.actor, order)
    after = await world.order_of(db, mei, order.number)
    left = after.row.expires_at - world.clock.now()
    assert before == world.timedelta(seconds=60)
    assert world.timedelta(minutes=9, seconds=50) < left <= world.timedelta(minutes=10)
    assert view.expires_at == after.row.expires_at


async def test_a_wrong_amount_is_not_fulfilled_goes_back_and_the_right_one_still_counts(db, sim):
    mei, order, view = await start(db)
    sim.pay(view.merchant_ref, amount=5999)

    async def returned() -> bool:
        await world.work_once(db)
        found = await world.payment_of(db, mei, order)
        return [(refund.amount_minor, refund.state) for refund in found.refunds] == [(5999, "succeeded")]

    await world.until(returned)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.AWAITING_PAYMENT
    second = await orders.pay(db, mei.actor, order)
    assert second.merchant_ref != view.merchant_ref
    sim.pay(second.merchant_ref)
    await world.until(lambda: confirmed(db, mei, order))
    assert await world.value(db, "select conflicted from payments.intents") is True
