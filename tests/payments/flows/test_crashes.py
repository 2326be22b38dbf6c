"""Crashes: whatever point of paying breaks, once, what runs afterwards brings every fen to where it belongs."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest

from holdfast import orders
from holdfast.kit import faults
from holdfast.kit.problems import Problem
from tests import world

pytestmark = pytest.mark.anyio

PAYING = sorted(name for name in faults.POINTS if name.startswith(("payments.", "orders.confirm.")))
REFUNDING = [name for name in PAYING if name.startswith(("payments.refund.", "payments.observe."))]


async def pay(db, mei, order):
    """Presses the button until there is a code, as a person does who meets an error page."""

    async def shown() -> bool:
        try:
            return (await orders.pay(db, mei.actor, order)).code_url is not None
        except (faults.FaultInjected, Problem):
            return False

    await world.until(shown)
    return await orders.pay(db, mei.actor, order)


async def worked(db) -> None:
    """One round of the worker; what breaks in it is tried again in the next."""
    with contextlib.suppress(faults.FaultInjected):
        await world.work_once(db)


def test_every_point_of_paying_is_struck_by_one_of_these_tests():
    assert len(PAYING) >= 8, PAYING
    assert set(REFUNDING) < set(PAYING)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", [point for point in PAYING if not point.startswith("payments.refund.")])
async def test_a_payment_survives_a_crash_at(db, sim, point, nth):
    slot = await world.open_slot(db)
    mei, order = await world.held_order(db, slot)
    faults.arm(f"{point}=error@{nth}")
    view = await pay(db, mei, order)
    sim.pay(view.merchant_ref)

    async def confirmed() -> bool:
        await worked(db)
        return (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED

    await world.until(confirmed)
    after = await world.order_of(db, mei, order.number)
    assert Counter(event.kind for event in after.events) == Counter(
        ["placed", "payment_started", "confirmed", "tickets_sent"]
    )
    assert len(sim.http.get("/_sim/truth").json()["orders"]) == 1


@pytest.mark.parametrize("point", REFUNDING)
async def test_a_refund_survives_a_crash_at(db, sim, point):
    slot = await world.open_slot(db)
    mei, order = await world.held_order(db, slot)
    view = await pay(db, mei, order)
    sim.pay(view.merchant_ref, amount=5900)
    faults.arm(f"{point}=error")

    async def returned() -> bool:
        await worked(db)
        refunds = (await world.payment_of(db, mei, order)).refunds
        return [(refund.amount_minor, refund.state) for refund in refunds] == [(5900, "succeeded")]

    await world.until(returned)
    assert [refund["status"] for refund in sim.order(view.merchant_ref)["refunds"]] == ["SUCCESS"]


async def test_an_attempt_that_was_committed_and_never_sent_is_sent_by_the_resolver(db, sim):
    mei, order = await world.held_order(db, await world.open_slot(db))
    faults.arm("payments.pay.before_call=error")
    with pytest.raises(faults.FaultInjected):
        await orders.pay(db, mei.actor, order)
    assert sim.http.get("/_sim/truth").json()["orders"] == []
    await world.work_once(db)
    view = await world.payment_of(db, mei, order)
    assert view.code_url is not None
    assert sim.order(view.merchant_ref)["state"] == "NOTPAY"


async def test_a_poisoned_attempt_does_not_keep_the_resolver_from_the_others(db, sim):
    """One attempt breaks whenever it is asked about; the payer of the other is served."""
    slot = await world.open_slot(db)
    mei, poisoned = await world.held_order(db, slot)
    await orders.pay(db, mei.actor, poisoned)
    li, other = await world.held_order(db, slot)
    view = await orders.pay(db, li.actor, other)
    ref = await world.value(db, "select id from payments.attempts order by created_at limit 1")

    async def provider(tx, name: str) -> None:
        await tx.execute("update payments.attempts set provider = %(name)s where id = %(id)s", name=name, id=ref)

    await db.run(provider, "nobody")
    sim.script({"fault": "drop_callback"})
    sim.pay(view.merchant_ref)
    await world.work_once(db)
    assert (await world.order_of(db, li, other.number)).state is orders.State.CONFIRMED
    await db.run(provider, "wechatpay")
