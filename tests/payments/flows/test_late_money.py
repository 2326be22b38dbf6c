"""Late money: a charge that arrived at the provider when we had given it up. Kept if the promise still can be, else returned."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from holdfast import orders
from holdfast.kit import clock
from holdfast.orders import expiry
from tests import world
from tests.orders import discounting

pytestmark = pytest.mark.anyio
HANG_S = 2.4


async def given_up(db, sim, slot, *, end=expiry.sweep, visitors=None, place=None, code=None):
    """An order whose charge hangs on its way; we ask, hear of nothing, and let it go. Then it arrives after all.

    Owner, order, and the number of the charge, which is payable now.
    """
    mei = await world.traveller(db)
    wanted = msgspec.structs.replace(
        world.request(mei, world.basket(slot, visitors=visitors or [world.visitor()])), code=code
    )
    placed = await place(wanted) if place else await world.place(db, wanted)
    order = await world.order_of(db, mei, placed.number)
    sim.script({"fault": "hang", "match": "create", "count": 1, "seconds": HANG_S})
    view = await orders.pay(db, mei.actor, order)
    assert view.in_doubt
    await world.run_out(db, order)
    if end is expiry.sweep:
        await expiry.sweep(db)
    else:
        await end(db, mei.actor, order)

    async def arrived() -> bool:
        return any(
            charge["out_trade_no"] == view.merchant_ref for charge in sim.http.get("/_sim/truth").json()["orders"]
        )

    assert not await arrived(), "it arrived before we had given it up"
    await world.until(arrived)
    return mei, await world.order_of(db, mei, order.number), view.merchant_ref


async def returned(db, mei, order) -> list[tuple[int, str]]:
    return [(refund.amount_minor, refund.reason) for refund in (await world.payment_of(db, mei, order)).refunds]


async def test_late_money_confirms_the_order_while_its_places_are_free(db, sim):
    slot = await world.open_slot(db, places=1)
    mei, order, charge = await given_up(db, sim, slot)
    assert order.state is orders.State.EXPIRED
    sim.pay(charge)
    await _settled(db, charge)
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.CONFIRMED
    assert [event.kind for event in after.events][-3:] == ["expired", "confirmed", "tickets_sent"]
    assert await world.places_left(db, slot) == 0
    assert len(orders.tickets(after)) == 1


async def _settled(db, charge) -> None:
    """The callback has come and all it set in motion is done."""

    async def heard() -> bool:
        return await world.value(
            db, "select state = 'succeeded' from payments.attempts where merchant_ref = %(r)s", r=charge
        )

    async def worked() -> bool:
        await world.work_once(db)
        return await heard()

    await world.until(worked)
    await world.until_quiet(db)


async def test_late_money_goes_back_in_full_when_the_places_are_sold_and_the_traveller_is_told(db, sim):
    slot = await world.open_slot(db, places=1)
    mei, order, charge = await given_up(db, sim, slot)
    li, other = await world.paid_order(db, sim, slot)
    sim.pay(charge)
    await _settled(db, charge)
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.EXPIRED
    assert after.events[-1].kind == "late_payment_refunded"
    assert await returned(db, mei, order) == [(6000, "late payment")]
    assert [refund["status"] for refund in sim.order(charge)["refunds"]] == ["SUCCESS"]
    told = await world.value(db, "select count(*) from notices.messages where template = 'payment-refunded'")
    assert told == 1
    assert (await world.order_of(db, li, other.number)).state is orders.State.CONFIRMED


async def test_late_money_has_the_price_and_the_code_that_were_promised_though_others_used_both_up(db, sim):
    """A code for one order, a budget for one order: two have it now, and every counter says that one of them paid too late."""
    slot = await world.open_slot(db, places=9)
    made = await discounting.on_offer(
        db, {"type": "amount", "amount_minor": 1000, "per": "order"}, codes={"type": "bulk"}
    )
    await discounting.change(db, made, budget_minor=1000, budget_count=1)

    async def code(tx):
        await tx.execute(
            "insert into campaigns.codes (code, campaign_id, batch, made_at) values ('SPRING7XK', %(id)s, 'first', %(at)s)",
            id=made.campaign_id, at=clock.now(),
        )  # fmt: skip

    await db.run(code)
    place = orders.group_commit(db, lanes=1)
    mei, order, charge = await given_up(db, sim, slot, place=place, code="SPRING7XK")
    assert (order.state, order.row.amount_minor) == (orders.State.EXPIRED, 5000)
    li = await world.traveller(db)
    other = await place(msgspec.structs.replace(world.request(li, world.basket(slot)), code="SPRING7XK"))
    assert other.amount_minor == 5000
    sim.pay(charge)
    await _settled(db, charge)
    after = await world.order_of(db, mei, order.number)
    assert (after.state, after.row.amount_minor) == (orders.State.CONFIRMED, 5000)
    async with db.reading() as tx:
        [now] = await tx.dicts("select used_minor, used_count, late_minor, late_count from campaigns.running")
        [one] = await tx.dicts("select uses, uses_max, late from campaigns.codes")
    assert now == {"used_minor": 2000, "used_count": 2, "late_minor": 1000, "late_count": 1}
    assert one == {"uses": 2, "uses_max": 1, "late": 1}


async def test_late_money_goes_back_when_the_document_has_booked_again(db, sim):
    slot = await world.open_slot(db, places=5)
    wang = world.visitor()
    mei, order, charge = await given_up(db, sim, slot, visitors=[wang])
    await world.place(db, world.request(mei, world.basket(slot, visitors=[wang])))
    sim.pay(charge)
    await _settled(db, charge)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.EXPIRED
    assert await returned(db, mei, order) == [(6000, "late payment")]
    assert await world.places_left(db, slot) == 4


async def test_late_money_never_revives_an_order_that_its_traveller_cancelled(db, sim):
    slot = await world.open_slot(db, places=5)
    mei, order, charge = await given_up(db, sim, slot, end=orders.cancel)
    assert order.state is orders.State.CANCELLED
    sim.pay(charge)
    await _settled(db, charge)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CANCELLED
    assert await returned(db, mei, order) == [(6000, "late payment")]
    assert await world.places_left(db, slot) == 5


async def test_late_money_for_a_visit_that_is_over_goes_back(db, sim):
    slot = await world.open_slot(db, starts_in=timedelta(hours=-1, minutes=-58))
    mei, order, charge = await given_up(db, sim, slot)
    sim.pay(charge)
    clock.move(timedelta(minutes=3))
    await _settled(db, charge)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.EXPIRED
    assert await returned(db, mei, order) == [(6000, "late payment")]


async def test_late_money_in_a_slot_that_was_cut_since_goes_back(db, sim):
    slot = await world.open_slot(db, places=5)
    mei, order, charge = await given_up(db, sim, slot)
    await world.set_slot(db, slot, state="closed", capacity=0)
    sim.pay(charge)
    await _settled(db, charge)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.EXPIRED
    assert await returned(db, mei, order) == [(6000, "late payment")]


async def test_late_money_told_twice_and_worked_on_twice_at_once_is_decided_once(db, sim):
    slot = await world.open_slot(db, places=1)
    sim_pays_twice = {"fault": "double_callback"}
    mei, order, charge = await given_up(db, sim, slot)
    sim.script(sim_pays_twice)
    sim.pay(charge)
    await _settled(db, charge)
    intent_id, attempt_id = order.row.intent_id, await world.value(db, "select id from payments.attempts")
    await asyncio.gather(*(orders.confirmation.accept_late(db, intent_id, attempt_id) for _ in range(3)))
    await world.until_quiet(db)
    after = await world.order_of(db, mei, order.number)
    assert [event.kind for event in after.events].count("confirmed") == 1
    assert await returned(db, mei, order) == []
