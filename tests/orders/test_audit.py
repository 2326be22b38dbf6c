"""The audit: orders are looked for as their owners would; one that cannot be found is an alarm until it is."""

from __future__ import annotations

import pytest

from holdfast.kit import jobs
from holdfast.kit.db import Db, Tx
from holdfast.orders import audit, checks
from tests import invariants, world

pytestmark = pytest.mark.anyio


async def _set(tx: Tx, column: str, value: object, number: str) -> None:
    if column == "number":
        await tx.execute("update orders.orders set number = %(v)s where number = %(n)s", v=value, n=number)
    elif column == "account":
        await tx.execute("update orders.orders set account_id = %(v)s where number = %(n)s", v=value, n=number)
    else:
        await tx.execute("update orders.orders set phone_index = %(v)s where number = %(n)s", v=value, n=number)


@pytest.fixture
async def orders_of_several(db: Db):
    slot = await world.open_slot(db, places=50)
    return [await world.held_order(db, slot) for _ in range(5)]


async def test_all_is_well_and_the_audit_runs_every_minute(db, orders_of_several):
    assert await audit.look(db) == {}
    assert await db.read(checks.owners_find_their_orders) == []
    [seconds] = [every for name, (every, _handler) in jobs.TIMETABLE.items() if name.endswith("look_for_orders")]
    assert seconds == 60


async def test_an_empty_installation_has_nothing_to_look_for(db):
    assert await audit.look(db) == {}


@pytest.mark.parametrize(
    ("column", "ways"),
    [("account", ["number", "list"]), ("number", ["number", "list", "link", "phone"]), ("phone", ["phone"])],
)
async def test_a_planted_miss_is_found_and_stands_until_the_order_is_found_again(db, orders_of_several, column, ways):
    (_owner, order), (stranger, _other), *_ = orders_of_several
    broken = {"account": stranger.account_id, "number": "7K3QF90XM?", "phone": b"nothing"}[column]
    number = broken if column == "number" else order.number
    intact = {
        "account": order.row.account_id,
        "number": order.number,
        "phone": await world.value(db, "select phone_index from orders.orders where id = %(id)s", id=order.row.id),
    }[column]
    await db.run(_set, column, broken, order.number)
    assert await audit.look(db) == {number: ways}
    assert await audit.look(db) == {number: ways}, "one alarm, looked at again"
    offenders = await db.read(checks.owners_find_their_orders)
    assert sorted(one["way"] for one in offenders) == sorted(ways)
    with pytest.raises(AssertionError, match="looked for as its owner would"):
        await invariants.require(db)
    await db.run(_set, column, intact, number)
    assert await audit.look(db) == {}
    assert await db.read(checks.owners_find_their_orders) == []
    assert await world.value(db, "select count(*) from orders.misses where ended_at is not null") == len(ways)


async def test_old_orders_are_looked_for_too(db, orders_of_several):
    (_owner, oldest), *_ = orders_of_several
    (stranger, _order) = orders_of_several[1]
    await db.run(_set, "account", stranger.account_id, oldest.number)
    original = audit.NEWEST
    audit.NEWEST = 1
    try:
        missed = {}
        for _ in range(60):
            missed |= await audit.look(db)
            if missed:
                break
    finally:
        audit.NEWEST = original
        await db.run(_set, "account", oldest.row.account_id, oldest.number)
    assert list(missed) == [oldest.number]
    assert await audit.look(db) == {}


async def test_a_merge_and_its_undoing_leave_every_order_findable(db, orders_of_several):
    (mei, _a), (jun, _b), *_ = orders_of_several
    await world.same_person(db, mei, jun)
    assert await audit.look(db) == {}
