"""After the sale, with a provider: refunds arrive, a change is paid by code, and money that comes too late goes back."""

from __future__ import annotations

import asyncio

import pytest

from holdfast import orders
from holdfast.kit.db import Tx
from holdfast.kit.problems import Problem
from holdfast.orders import changes
from holdfast.orders.changes import Wish
from tests import world
from tests.orders.after_sale import HALF_LATER, held_minor, kinds, other_day, rule

from .test_late_money import HANG_S

pytestmark = pytest.mark.anyio


async def refunds_of(db, order):
    return [
        (view.amount_minor, view.state)
        for view in (await db.read(orders.payment_of, await world_order(db, order))).refunds
    ]


async def world_order(db, order):
    return await db.read(orders.require, order.row.account_id, order.number)


async def begin(db, mei, order, there, due):
    """A change that waits to be paid, and its charge at the provider."""
    begun = await changes.change(db, mei.actor, order, Wish(there.slot_id, due))
    view = await changes.pay(db, mei.actor, order)
    assert view.merchant_ref is not None
    return begun, view.merchant_ref


async def time_is_over(db, begun):
    """The time to pay for a change has passed, for us."""

    async def age(tx: Tx) -> None:
        past = world.clock.now() - world.timedelta(seconds=1)
        await tx.execute("update orders.changes set expires_at = %(past)s where id = %(id)s", past=past, id=begun.id)
        await tx.execute(
            "update payments.intents set expires_at = %(past)s where id = %(id)s", past=past, id=begun.intent_id
        )
        await tx.execute(
            "update payments.attempts set expires_at = %(past)s where intent_id = %(id)s", past=past, id=begun.intent_id
        )

    await db.run(age)


async def test_the_refund_of_a_cancellation_arrives_less_what_the_rule_keeps(db, sim):
    slot = await world.open_slot(db, starts_in=world.timedelta(hours=20))
    await rule(db, slot, **HALF_LATER)
    mei, order = await world.paid_order(db, sim, slot, people=2)
    await orders.cancel(db, mei.actor, order, [1], 3000)
    await orders.cancel(db, mei.actor, order, quoted_minor=3000)
    await world.until_quiet(db)
    assert await refunds_of(db, order) == [(3000, "succeeded"), (3000, "succeeded")]
    assert (await world_order(db, order)).state is orders.State.CANCELLED


async def test_a_dearer_day_is_paid_by_code_and_then_the_visit_has_moved(db, sim):
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=9000)
    mei, order = await world.paid_order(db, sim, slot)
    _begun, ref = await begin(db, mei, order, there, 3000)
    sim.pay(ref)
    await world.until_quiet(db)
    after = await world_order(db, order)
    assert [line.slot_id for line in after.lines] == [there.slot_id]
    assert await held_minor(db, order) == 9000


async def test_money_that_comes_after_a_change_has_lapsed_goes_back_and_the_visit_stands(db, sim):
    """The charge hangs on its way; we ask, hear of nothing, and give the change up. Then it arrives and is paid."""
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=9000)
    mei, order = await world.paid_order(db, sim, slot)
    sim.script({"fault": "hang", "match": "create", "count": 1, "seconds": HANG_S})
    begun, ref = await begin(db, mei, order, there, 3000)
    await time_is_over(db, begun)
    await changes.sweep(db)
    assert kinds(await world_order(db, order))[-1] == "change_lapsed"

    async def payable() -> bool:
        return sim.http.post(f"/_sim/pay/{ref}").status_code == 200

    await world.until(payable)
    await world.until_quiet(db)
    after = await world_order(db, order)
    assert [line.slot_id for line in after.lines] == [slot.slot_id]
    assert kinds(after)[-1] == "late_change_refunded"
    assert await held_minor(db, order) == after.row.amount_minor == 6000


async def test_a_change_that_was_paid_at_the_last_moment_takes_place(db, sim):
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=9000)
    mei, order = await world.paid_order(db, sim, slot)
    begun, ref = await begin(db, mei, order, there, 3000)
    sim.script({"fault": "drop_callback"})
    sim.pay(ref)
    sim.script()
    await time_is_over(db, begun)
    await changes.sweep(db)
    await world.until_quiet(db)
    assert [line.slot_id for line in (await world_order(db, order)).lines] == [there.slot_id]


async def test_while_the_provider_is_silent_both_places_stay_held(db, sim):
    slot = await world.open_slot(db, places=1)
    there = await other_day(db, slot, price_minor=9000, places=1)
    mei, order = await world.paid_order(db, sim, slot)
    begun, _ref = await begin(db, mei, order, there, 3000)
    sim.script({"fault": "html_502"})
    await time_is_over(db, begun)
    await changes.sweep(db)
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (0, 0)
    sim.script()
    await time_is_over(db, begun)
    await changes.sweep(db)
    assert (await world.places_left(db, slot), await world.places_left(db, there)) == (0, 1)
    assert kinds(await world_order(db, order))[-1] == "change_lapsed"


async def test_paying_a_change_cancelling_and_giving_it_up_at_once_loses_no_money(db, sim):
    slot = await world.open_slot(db, places=20)
    there = await other_day(db, slot, price_minor=9000, places=20)
    for n in range(4):
        mei, order = await world.paid_order(db, sim, slot)
        begun, ref = await begin(db, mei, order, there, 3000)

        async def pay_it(ref=ref) -> None:
            await asyncio.to_thread(sim.http.post, f"/_sim/pay/{ref}")

        async def cancel_it(mei=mei, order=order, pause=n * 0.02) -> None:
            await asyncio.sleep(pause)
            await orders.cancel(db, mei.actor, order, quoted_minor=6000)

        async def give_up(mei=mei, order=order, pause=n * 0.015) -> None:
            await asyncio.sleep(pause)
            await changes.withdraw(db, mei.actor, order)

        for failure in await asyncio.gather(pay_it(), cancel_it(), give_up(), return_exceptions=True):
            assert failure is None or isinstance(failure, Problem), failure
        await world.until_quiet(db)
        await time_is_over(db, begun)
        await changes.sweep(db)
        await world.until_quiet(db)
        after = await world_order(db, order)
        stands = after.state is orders.State.CONFIRMED
        assert await held_minor(db, order) == (after.row.amount_minor if stands else 0)


async def test_a_promise_that_is_cancelled_ends_and_cannot_be_paid_any_more(db, sim, monkeypatch):
    monkeypatch.setenv("HOLDFAST_DEFERRAL", "always")
    orders.lookup.settings.current.cache_clear()
    slot = await world.open_slot(db, places=1)
    mei, order = await world.held_order(db, slot)
    await orders.promise(db, mei.actor, order)
    view = await orders.pay(db, mei.actor, await world_order(db, order))
    await orders.cancel(db, mei.actor, order, quoted_minor=0)
    after = await world_order(db, order)
    assert after.state is orders.State.CANCELLED
    assert await world.places_left(db, slot) == 1
    assert sim.http.post(f"/_sim/pay/{view.merchant_ref}").status_code == 409
    monkeypatch.undo()
    orders.lookup.settings.current.cache_clear()
