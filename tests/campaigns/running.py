"""Makers for tests of what runs: a campaign that was approved and started, and people who book with it or beside it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from holdfast import orders
from holdfast.campaigns import stages_store, start
from holdfast.kit.db import Batch, Db, Tx
from tests import staff, world
from tests.campaigns import proposing


class Ground(msgspec.Struct):
    """Who acts, what runs (10 % of museum tickets, half of all orders, 10 yuan each), and where people book."""

    lin: staff.Colleague
    wu: staff.Colleague
    chen: staff.Colleague
    version_id: UUID
    slot: world.SlotWorld
    other: world.SlotWorld
    place: Batch[orders.PlaceRequest, orders.Placed]


async def ground(db: Db, **changed: Any) -> Ground:
    """The campaign ``spring``, just started: a budget of 50,000 yuan unless `changed` says otherwise."""
    lin, wu, chen = [await proposing.person(db, role) for role in ("marketing", "finance", "marketing")]
    await proposing.orders_of_the_past(db, 10_000, 4000)
    said = proposing.content(
        await proposing.envelope(db, lin, wu, budget_minor=200_000_00),
        limits=msgspec.structs.replace(
            proposing.ContentLimits(budget_minor=50_000_00, per_day_minor=5_000_00, per_person=2), **changed
        ),
    )
    version_id = await proposing.started(db, lin, [chen, wu], said)
    slot, other = [await world.open_slot(db, places=1000, price_minor=minor) for minor in (10_000, 4000)]
    return Ground(lin, wu, chen, version_id, slot, other, orders.group_commit(db, lanes=1))


async def book(db: Db, on: Ground, matching: int, others: int = 0) -> list[orders.Placed]:
    """So many orders that match, each by somebody new, with as many others between as asked for in all."""
    made = []
    for n in range(max(matching, others)):
        if n < others:
            await on.place(world.request(await world.traveller(db), world.basket(on.other)))
        if n < matching:
            made.append(await on.place(world.request(await world.traveller(db), world.basket(on.slot))))
    return made


async def running(db: Db) -> start.Running:
    """How ``spring`` stands."""
    found = await db.read(start.running, "spring")
    assert found is not None
    return found


async def standing(db: Db, version_id: UUID) -> stages_store.Standing:
    """How a version stands in its stage."""
    found = await db.read(stages_store.standing, version_id)
    assert found is not None
    return found


async def write(db: Db, statement: Any, **parameters: Any) -> None:
    """One statement."""

    async def run(tx: Tx) -> None:
        await tx.execute(statement, **parameters)

    await db.run(run)
