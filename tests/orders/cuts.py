"""Cuts for tests: many paid bookings quickly, a limit as an authority orders it, a second person who approves."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from holdfast import accounts, changes, orders, payments
from holdfast.inventory.policies import Plan, Wish
from holdfast.kit import clock, crypto, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.orders import checkout, confirmation, displacement, displacement_store
from holdfast.orders.displacement_model import Cut, CutWish, Party
from tests import world

LIN, ANNA = Actor("staff", ids.uuid7(), "lin"), Actor("staff", ids.uuid7(), "anna")
GROUND = {"zh": "主管部门要求限流", "en": "The authority limits the number of visitors"}


def day_of(slot: world.SlotWorld) -> date:
    return slot.starts_at.astimezone(world.ZONE).date()


def limit(slot: world.SlotWorld, percent: int, **more: Any) -> Wish:
    """An order of an authority: so many percent on the day of a slot."""
    wanted = {"from_date": day_of(slot), "to_date": day_of(slot), "value": percent * 100, "kind": "percent"} | more
    return Wish(venue_id=slot.venue_id, reason=GROUND, authority="Bureau of Culture", document_no="2027-15", **wanted)


async def stopped(db: Db, slot: world.SlotWorld, percent: int, *, hours: int = 0, **more: Any) -> Cut:
    wish = CutWish(Plan(policies=[limit(slot, percent, **more)]), hours)
    return await db.run(displacement.stop, LIN, wish, "ordered this morning")


async def approved(db: Db, cut: Cut) -> changes.Proposal:
    """Proposed by one, approved and applied by another."""
    proposal = await displacement.propose(db, LIN, cut.id, "ordered this morning")
    await changes.approve(db, ANNA, proposal.id, proposal.shown)
    return await changes.apply(db, ANNA, proposal.id)


async def parties(db: Db, cut: Cut) -> list[Party]:
    return await db.read(displacement_store.parties, cut.id)


async def cut_of(db: Db, cut: Cut) -> Cut:
    return await db.read(displacement.require, cut.id)


async def many_paid(
    db: Db, slots: Sequence[world.SlotWorld], places: int, *, most: int = 20, seed: int = 7, paid_by: int = 40
) -> list[str]:
    """Fills the slots with parties of 1 to `most`, all paid at the desk; the numbers of the orders, in order of payment.

    Each of `paid_by` accounts has some of them; every party pays a second after the one before.
    """
    rnd = random.Random(seed)
    people = [await db.run(accounts.open_account) for _ in range(paid_by)]
    numbers: list[str] = []
    for slot in slots:
        left = places
        while left:
            batch: list[orders.PlaceRequest] = []
            while left and len(batch) < 50:
                size = min(left, rnd.randint(1, most))
                left -= size
                batch.append(_request(rnd.choice(people), slot, size))
            placed = await world.place_many(db, *batch)
            assert all(isinstance(one, orders.Placed) for one in placed), placed
            numbers += await db.run(_pay_all, [one for one in placed if isinstance(one, orders.Placed)])
    return numbers


def _request(account_id: UUID, slot: world.SlotWorld, size: int) -> orders.PlaceRequest:
    wanted = orders.Basket([world.line(slot, size, visitors=[])], world.phone_number())
    return orders.prepare(
        account_id=account_id, key=str(ids.uuid7()), basket=wanted, locale="en", channel="web",
        actor=Actor("traveller", account_id),
    )  # fmt: skip


async def _pay_all(tx: Tx, placed: Sequence[orders.Placed]) -> list[str]:
    for one in placed:
        clock.move(timedelta(milliseconds=50))
        if not one.amount_minor:
            continue
        intent_id = await checkout._begin(tx, LIN, one.order_id)
        attempt = await payments.take_at_desk(tx, LIN, intent_id, "cash")
        await confirmation.confirm(tx, intent_id, attempt.id)
    return [one.number for one in placed]


async def told(db: Db, template: str = "cut-%") -> Counter[str]:
    """Messages of cuts by the number of the order they are about; every message names it."""

    return Counter(await db.read(_bodies, template))


async def _bodies(tx: ReadTx, template: str) -> list[str]:
    rows = await tx.tuples("select template, body from notices.messages where template like %(t)s", t=template)
    numbers = []
    for _template, body in rows:
        text = crypto.unseal("notices.messages.body", bytes(body))
        number = text.split("rder ")[1].split()[0].rstrip(",:.)")
        numbers.append(ids.read_code(number) or number)
    return numbers
