"""What was written on slips goes with the documents and with the order; what waits for a decision stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.accounts import Scope, erasure
from holdfast.kit import clock, jobs, retention
from holdfast.orders import imports, imports_decisions
from tests import staff, world
from tests.orders import desks

pytestmark = pytest.mark.anyio
KIND = "what was written on slips"


async def kept(db):
    return await world.value(db, "select count(*) from orders.slips where content is not null")


async def test_what_was_written_goes_thirty_days_after_the_visit_and_not_while_it_waits(db):
    slot = await world.open_slot(db, price_minor=0)
    await desks.desk(db, slot, 3)
    first, second, third = await desks.printed(db, 3)
    lines = [
        desks.written(first, slot),
        desks.written(second, slot, date="tomorrow"),
        desks.written(third, slot, date="?"),
    ]
    assert desks.said(await desks.run(db, lines)) == ["new", "fields", "fields"]
    declined = next(slip for slip in await db.read(imports.waiting, "GG") if slip.number == third)
    await db.run(imports_decisions.decide, staff.TEST, declined.id, "decline", "torn", is_supervisor=True)
    clock.move(timedelta(days=30))
    assert (await retention.apply(db))[KIND] == 0
    clock.move(timedelta(days=3))
    assert (await retention.apply(db))[KIND] == 2
    [waits] = await db.read(imports.waiting, "GG")
    assert (waits.number, waits.has_content, await kept(db)) == (second, True, 1)


async def test_what_was_written_goes_with_the_order_of_an_erased_person(db):
    slot = await world.open_slot(db, price_minor=0)
    await desks.desk(db, slot, 2)
    mei = await world.traveller(db)
    mine, others = await desks.printed(db, 2)
    await desks.run(db, [desks.written(mine, slot, phone=mei.phone), desks.written(others, slot)])
    clock.move(timedelta(days=2))
    await db.run(erasure.ask, mei.actor, Scope.ACCOUNT)
    clock.move(timedelta(days=7, minutes=1))
    for _ in range(2):
        await erasure.run(db)
        await jobs.drain(db)
        clock.move(timedelta(hours=2))
    assert await world.value(db, "select state from accounts.erasures") == "done"
    left = await world.value(db, "select string_agg(number, ',') from orders.slips where content is not null")
    assert left == others
