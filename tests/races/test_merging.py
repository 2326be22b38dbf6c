"""People are joined and parted again and again while they book, pay and get money back: nothing is ever out of sight.

Twelve workers on committed data: some join and part accounts, some book with any of them, some pay in the simulator's
wallet, a colleague gives money back. A reader asks all the time whether every acknowledged order is found, exactly once,
from the account it was placed with. In the end everything is parted, and each account has its own.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from contextlib import suppress
from uuid import UUID

import pytest

from holdfast import accounts, orders
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Conflict, Denied, NotFound, Problem
from tests import staff, world
from tests.payments.conftest import SimulatorProcess, sim, simulator_process  # noqa: F401
from tests.payments.flows.conftest import addresses, db  # noqa: F401

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
LONG = os.environ.get("HOLDFAST_RACES") == "long"
SECONDS = 60 if LONG else 6
ROUNDS = 40 if LONG else 8
PEOPLE = 20
ALL = 100_000


class Crowd:
    """The people, and what they were told."""

    def __init__(self, base: Db, people: list[world.Person], slot: world.SlotWorld, wallet: SimulatorProcess) -> None:
        self.db, self.people, self.slot, self.sim = base, people, slot, wallet
        self.random = random.Random(7)
        self.until = time.monotonic() + SECONDS
        self.placed: dict[str, world.Person] = {}
        self.unpaid: list[str] = []
        self.paid: list[str] = []
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []

    @property
    def on(self) -> bool:
        return time.monotonic() < self.until

    async def joins(self) -> None:
        while self.on:
            a, b = self.random.sample(self.people, 2)
            with suppress(Conflict):
                await self.db.run(accounts.merge, staff.TEST, a.account_id, b.account_id, evidence={"means": "test"})
                self.done["joined"] += 1

    async def parts(self) -> None:
        while self.on:
            links = await self.db.read(accounts.joined, self.random.choice(self.people).account_id)
            if links:
                with suppress(Conflict):
                    await self.db.run(accounts.undo, staff.TEST, self.random.choice(links).id, "race")
                    self.done["parted"] += 1
            await asyncio.sleep(0.01)

    async def books(self) -> None:
        place = orders.group_commit(self.db, lanes=2, limit=8)
        while self.on:
            person = self.random.choice(self.people)
            placed = await place(world.request(person, world.basket(self.slot)))
            self.placed[placed.number] = person
            self.unpaid.append(placed.number)
            self.done["placed"] += 1

    async def pays(self) -> None:
        """Whoever of the person pays: from the account of the order or another that is joined with it by then."""
        while self.on:
            if not self.unpaid:
                await asyncio.sleep(0.02)
                continue
            number = self.unpaid.pop(0)
            payer = self.placed[number]
            order = await world.order_of(self.db, payer, number)
            view = await orders.pay(self.db, payer.actor, order)
            if view.merchant_ref is None:
                self.unpaid.append(number)
                continue
            await asyncio.to_thread(self.sim.pay, view.merchant_ref)
            self.paid.append(number)
            self.done["paid"] += 1

    async def refunds(self) -> None:
        while self.on:
            if self.paid:
                number = self.paid.pop(0)
                order = await world.order_of(self.db, self.placed[number], number)
                if order.state is not orders.State.CONFIRMED:
                    self.paid.append(number)
                else:
                    with suppress(Conflict, Denied, NotFound):
                        await self.db.run(orders.refund, staff.TEST, order.row.intent_id, None, "race")
                        self.done["refunded"] += 1
            await asyncio.sleep(0.1)

    async def works(self) -> None:
        while self.on:
            await world.work_once(self.db)
            await asyncio.sleep(0.05)

    async def reads(self) -> None:
        """Every order that was acknowledged before the question is there, once."""
        while self.on and not self.wrong:
            person = self.random.choice(self.people)
            mine = [number for number, owner in self.placed.items() if owner is person]
            async with self.db.reading() as tx:
                seen = Counter(order.number for order in await orders.mine(tx, person.account_id, limit=ALL))
            self.wrong += [f"{number}: seen {seen[number]} times" for number in mine if seen[number] != 1]
            self.done["read"] += 1


async def test_every_acknowledged_order_is_seen_once_by_its_owner_whatever_is_joined_and_parted(
    db: Db,  # noqa: F811
    sim: SimulatorProcess,  # noqa: F811
) -> None:
    slot = await world.open_slot(db, places=100_000)
    crowd = Crowd(db, [await world.traveller(db) for _ in range(PEOPLE)], slot, sim)
    crowd.until = time.monotonic() + SECONDS
    acts = [crowd.joins] * 3 + [crowd.parts] * 2 + [crowd.books] * 3 + [crowd.pays] * 2 + [crowd.refunds, crowd.works]
    await asyncio.gather(crowd.reads(), *(act() for act in acts))
    assert not crowd.wrong, crowd.wrong[:5]
    for what in ("joined", "parted", "placed", "paid", "refunded", "read"):
        assert crowd.done[what] > 3, crowd.done
    await world.until_quiet(db, timeout_s=60)
    for person in crowd.people:
        for link in await db.read(accounts.joined, person.account_id):
            await db.run(accounts.undo, staff.TEST, link.id, "the end")
    for person in crowd.people:
        assert await db.read(accounts.members, person.account_id) == [person.account_id]
        found = [order.number for order in await db.read(orders.mine, person.account_id, limit=ALL)]
        assert sorted(found) == sorted(number for number, owner in crowd.placed.items() if owner is person)


async def test_a_booking_that_waited_for_a_merge_counts_the_whole_person(db: Db, database_url: str) -> None:  # noqa: F811
    """Both accounts book while they are being joined: the allowance of a day is one person's, not two."""
    async with world.another_process(database_url) as other:
        for _ in range(ROUNDS):
            morning = await world.open_slot(db, per_account_day=1)
            afternoon = await world.open_slot(db, beside=morning)
            mei, old = await world.traveller(db), await world.traveller(db)
            held, go = asyncio.Event(), asyncio.Event()
            joining = asyncio.create_task(db.run(_join_slowly, mei.account_id, old.account_id, held, go))
            await held.wait()
            booking = [
                asyncio.create_task(world.place_many(pool, world.request(person, world.basket(slot))))
                for pool, person, slot in ((db, mei, morning), (other, old, afternoon))
            ]
            await world.until(lambda: _two_wait(db))
            go.set()
            await joining
            decided = [outcome for batch in await asyncio.gather(*booking) for outcome in world.outcomes(batch)]
            assert sorted(decided) == ["held", "too-many-that-day"]


async def _join_slowly(tx: Tx, a: UUID, b: UUID, held: asyncio.Event, go: asyncio.Event) -> None:
    await accounts.merge(tx, staff.TEST, a, b, evidence={"means": "test"})
    held.set()
    await go.wait()


async def _two_wait(db: Db) -> bool:  # noqa: F811
    async def waiting(tx: ReadTx) -> int:
        return int(await tx.value("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"))

    return await db.read(waiting) >= 2


async def test_many_who_join_and_part_the_same_few_at_once_leave_what_the_graph_says(db: Db) -> None:  # noqa: F811
    people = [await world.traveller(db) for _ in range(5)]

    async def quarrel(seed: int) -> int:
        rng, refused = random.Random(seed), 0
        for _ in range(ROUNDS):
            a, b = rng.sample(people, 2)
            try:
                done = await db.run(accounts.merge, staff.TEST, a.account_id, b.account_id, evidence={"means": "test"})
                if rng.random() < 0.5:
                    await db.run(accounts.undo, staff.TEST, done.link_id, "quarrel")
            except Problem:
                refused += 1
        return refused

    await asyncio.gather(*(quarrel(seed) for seed in range(10)))
    members = {person.account_id: await db.read(accounts.members, person.account_id) for person in people}
    for mine in members.values():
        assert all(members[one] == mine for one in mine)
