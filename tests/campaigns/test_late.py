"""Paid too late: what had been promised stands, though others have its money and its code, and every counter says so."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from holdfast import orders
from holdfast.campaigns import checks, codes, codes_store, envelopes, running
from holdfast.campaigns.model import BenefitOver
from holdfast.kit import clock, ids
from holdfast.kit.db import Batch, Db, Tx
from holdfast.orders import expiry, offers
from tests import world
from tests.orders import discounting

pytestmark = pytest.mark.anyio
TEN_OFF = {"type": "amount", "amount_minor": 1000, "per": "order"}
Place = Batch[orders.PlaceRequest, orders.Placed]


class Ground(msgspec.Struct):
    """A campaign of ten yuan an order, and where people book."""

    version: discounting.Running
    slot: world.SlotWorld
    place: Place


async def ground(db: Db, **content: Any) -> Ground:
    version = await discounting.on_offer(db, TEN_OFF, **content)
    return Ground(version, await world.open_slot(db, places=100), orders.group_commit(db, lanes=1))


async def book(db: Db, on: Ground, code: str | None = None) -> orders.Order:
    """An order of somebody new that waits to be paid."""
    mei = await world.traveller(db)
    asked = msgspec.structs.replace(world.request(mei, world.basket(on.slot)), code=code, key=ids.uuid7().hex)
    return await world.order_of(db, mei, (await on.place(asked)).number)


async def expired(db: Db, on: Ground, code: str | None = None) -> orders.Order:
    """The same, run out."""
    order = await book(db, on, code)
    await world.run_out(db, order)
    await expiry.sweep(db)
    return order


async def becomes(db: Db, order: orders.Order, state: str) -> None:
    """The order's state moves, as it does when money comes or when it is given up."""

    async def write(tx: Tx) -> None:
        await tx.execute("update orders.orders set state = %(state)s where id = %(id)s", state=state, id=order.row.id)

    await db.run(write)


async def stands(db: Db, on: Ground) -> dict[str, Any]:
    async with db.reading() as tx:
        [found] = await tx.dicts("select * from campaigns.running where version_id = %(id)s", id=on.version.version_id)
    return found


async def used(db: Db, on: Ground) -> tuple[int, int, int, int]:
    """What is used, and of it late: money and orders."""
    now = await stands(db, on)
    return now["used_minor"], now["used_count"], now["late_minor"], now["late_count"]


async def require_truth(db: Db) -> None:
    """Counters are what reservations hold, and only late payments are beyond a bound."""
    for one in (checks.used_is_reserved, checks.budgets_hold, checks.codes_are_used_once):
        assert not await db.read(one)


async def code(db: Db, on: Ground, uses_max: int = 1) -> None:
    async def make(tx: Tx) -> None:
        await tx.execute(
            "insert into campaigns.codes (code, campaign_id, batch, uses_max, made_at) values ('SPRING7XK', %(id)s, 'first', %(n)s, %(at)s)",
            id=on.version.campaign_id, n=uses_max, at=clock.now(),
        )  # fmt: skip

    await db.run(make)


async def found(db: Db) -> codes_store.CodeRow:
    row = await db.read(codes.find, "SPRING7XK")
    assert row is not None
    return row


async def test_a_code_is_used_once_more_than_it_may_be_and_says_so(db: Db) -> None:
    on = await ground(db, codes={"type": "bulk"})
    await code(db, on)
    first = await expired(db, on, "SPRING7XK")
    second = await book(db, on, "SPRING7XK")
    await becomes(db, first, "confirmed")
    row = await found(db)
    assert (row.uses, row.uses_max, row.late, row.state) == (2, 1, 1, "used")
    await require_truth(db)
    await becomes(db, second, "cancelled")
    with pytest.raises(offers.CodeRefused):
        await book(db, on, "SPRING7XK")  # the first has it for good
    await require_truth(db)
    await becomes(db, first, "cancelled")
    row = await found(db)
    assert (row.uses, row.late, row.state) == (0, 0, "left")
    await require_truth(db)


async def test_a_late_payment_over_a_full_budget_is_counted_and_the_money_is_not_given_out_again(db: Db) -> None:
    on = await ground(db)
    await discounting.change(db, on.version, budget_minor=2000, budget_count=2)
    first = await expired(db, on)
    others = [await book(db, on), await book(db, on)]
    await becomes(db, first, "confirmed")
    assert await used(db, on) == (3000, 3, 1000, 1)
    await require_truth(db)
    await becomes(db, others[0], "cancelled")
    assert await used(db, on) == (2000, 2, 1000, 1)
    with pytest.raises(BenefitOver) as over:
        await book(db, on)
    assert over.value.fields["reason"] == "budget"
    await require_truth(db)
    board = await db.read(running.board, on.version.campaign_id)
    assert (board.row.used_minor, board.row.late_minor, board.row.late_count) == (2000, 1000, 1)
    await becomes(db, first, "cancelled")
    assert await used(db, on) == (1000, 1, 0, 0)
    assert (await book(db, on)).row.amount_minor > 0
    await require_truth(db)


async def test_what_late_payments_took_beyond_a_budget_is_taken_from_the_envelope(db: Db) -> None:
    on = await ground(db)
    await discounting.change(db, on.version, budget_minor=1000)
    first = await expired(db, on)
    await book(db, on)
    await becomes(db, first, "confirmed")
    assert list((await db.read(envelopes.committed, "")).values()) == [2000]


async def test_stage_and_day_count_it_too(db: Db) -> None:
    on = await ground(db)
    await discounting.change(db, on.version, state="canary", stage_minor=1000, stage_count=1, day_minor=5000)
    first = await expired(db, on)
    await book(db, on)
    await becomes(db, first, "confirmed")
    now = await stands(db, on)
    assert (now["stage_used_minor"], now["stage_used_count"], now["day_used_minor"]) == (2000, 2, 2000)
    await require_truth(db)


async def test_money_that_a_stopped_campaign_kept_is_not_counted_twice(db: Db) -> None:
    """What ran out after the stop was not given back; what ran out before it was."""
    on = await ground(db)
    before, after = await expired(db, on), await book(db, on)
    await discounting.trip(db, on.version)
    await world.run_out(db, after)
    await expiry.sweep(db)
    assert (await used(db, on))[:2] == (1000, 1)
    await becomes(db, after, "confirmed")
    assert (await used(db, on))[:2] == (1000, 1)
    await require_truth(db)
    await becomes(db, before, "confirmed")
    assert (await used(db, on))[:2] == (2000, 2)
    await require_truth(db)
    await becomes(db, before, "cancelled")
    await require_truth(db)


async def test_the_checks_find_what_is_beyond_its_bounds_without_a_late_payment(db: Db) -> None:
    on = await ground(db, codes={"type": "bulk"})
    await code(db, on)
    first = await expired(db, on, "SPRING7XK")
    await book(db, on, "SPRING7XK")
    await becomes(db, first, "confirmed")
    await discounting.change(db, on.version, budget_minor=1000)

    async def hide(tx: Tx) -> None:
        await tx.execute("update campaigns.reservations set late = false")

    await db.run(hide)
    for one in (checks.used_is_reserved, checks.budgets_hold, checks.codes_are_used_once):
        assert await db.read(one), one
