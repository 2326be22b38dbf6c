"""The steps of a cut after it was approved. Each is taken up where it stands, by whoever comes: nothing happens twice.

freeing → asking → waiting → deciding → parting → telling → closing → done. A party's outcome, its money and its message are
one transaction; between two of them the process may die.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

from holdfast import inventory
from holdfast.inventory import safety
from holdfast.kit import clock, faults, ids, log
from holdfast.kit.actor import system
from holdfast.kit.db import Db, ReadTx, Tx
from holdfast.kit.problems import Problem

from . import (
    displacement,
    displacement_capacity,
    displacement_offers_store,
    displacement_parting,
    displacement_store,
    messages,
    store,
)
from .displacement_links import choice_link
from .displacement_model import Cut, Party, Step, Verdict, verdicts
from .displacement_offers_store import Offer

ASKED = faults.declare("cuts.asked", "parties of a cut are asked to choose, not yet committed")
TOLD = faults.declare("cuts.told", "parties of a cut are told that they keep their places, not yet committed")
DECIDED = faults.declare("cuts.decided", "who gives way is decided, not yet committed")
STEPPED = faults.declare("cuts.stepped", "a cut has come to its next step")
BATCH = 50
LANES = 4
AROUND = timedelta(days=14)
"""Other times are offered so many days before and after."""
_ACTOR = system("cuts")
_NEXT: dict[Step, Step] = {
    "freeing": "asking", "asking": "waiting", "waiting": "deciding", "deciding": "parting", "parting": "telling",
    "telling": "closing", "closing": "done",
}  # fmt: skip


async def sweep(db: Db) -> int:
    """Takes every running cut as far as it goes; how many there were."""
    found = await db.read(displacement_store.running)
    for cut_id in found:
        try:
            await run(db, cut_id)
        except Problem as problem:  # comes again with the next round; the other cuts must not wait for it
            log.get().warning("cut.postponed", cut=str(cut_id), reason=problem.code)
    return len(found)


async def run(db: Db, cut_id: UUID) -> Cut:
    """Takes a cut as far as it goes now; the cut as it stands then. CutUnknown."""
    while True:
        cut = await db.read(displacement.require, cut_id)
        if not cut.is_running or cut.is_held:
            return cut
        await db.run(displacement_store.mark_gone, cut.id, clock.now())
        if not await _STEPS[cut.step](db, cut):
            return await db.read(displacement.require, cut_id)
        await db.run(_advance, cut.id, cut.step)
        faults.point(STEPPED)


async def _advance(tx: Tx, cut_id: UUID, before: Step) -> None:
    after = _NEXT[before]
    now = clock.now()
    if await displacement_store.set_step(tx, cut_id, before, after, now if after == "done" else None):
        await displacement_store.add_event(tx, cut_id, after, now, str(_ACTOR), {})


async def _free(db: Db, cut: Cut) -> bool:
    """Places that nobody has paid for are free first: who is not forecast to keep them gives way. Payments are asked about."""
    waiting = await db.read(displacement_store.waiting, cut.id)
    unpaid = [one for one in waiting if not one.is_paid and one.forecast == "gives_way"]
    await _part_all(db, unpaid)
    return True


async def _ask(db: Db, cut: Cut) -> bool:
    """Whoever waits in a slot that is still over is asked, once; other times are held for those who are likely to go."""
    if cut.wish.ask_hours == 0:
        return True
    await db.run(_hold_others, cut)
    asked = await db.read(_still_over, cut)
    todo = [one for one in asked if one.asked_at is None and one.protected != "inside"]
    for batch in _batches(todo):
        await db.run(_ask_some, cut, batch)
    return True


async def _still_over(tx: ReadTx, cut: Cut) -> list[Party]:
    """The open parties of slots that hold more than they may."""
    over = await over_slots(tx, cut)
    return [one for one in await displacement_store.waiting(tx, cut.id) if one.slot_id in over]


async def over_slots(tx: ReadTx, cut: Cut) -> set[UUID]:
    """The slots of a cut in which more is booked than may be, by the policies in force now."""
    slot_ids = [one.slot_id for one in await displacement_store.slots(tx, cut.id)]
    rooms = await safety.room_of(tx, slot_ids)
    known = await inventory.slots.many(tx, slot_ids)
    waiting = {one.slot_id for one in await displacement_store.waiting(tx, cut.id)}
    return {
        slot_id
        for slot_id in slot_ids
        if known[slot_id].taken > rooms[slot_id] or (known[slot_id].state == "closed" and slot_id in waiting)
    }


async def _hold_others(tx: Tx, cut: Cut) -> None:
    """Sets other times aside for the parties that would give way, the first in the order first, while there is room."""
    if not await displacement_store.lock_step(tx, cut.id, "asking") or await displacement_offers_store.of_cut(
        tx, cut.id
    ):
        return
    going = [one for one in await _still_over(tx, cut) if one.forecast == "gives_way" and one.is_paid and one.places]
    slots = await inventory.slots.many(tx, {one.slot_id for one in going})
    if not slots or cut.answer_until is None:
        return
    days = [slot.visit_date for slot in slots.values()]
    free = await displacement_offers_store.free_beside(
        tx, [one.slot_id for one in await displacement_store.slots(tx, cut.id)], clock.now(), min(days) - AROUND,
        max(days) + AROUND,
    )  # fmt: skip
    left = {one.slot_id: one.places for one in free}
    offers = []
    for party in going:
        here = slots[party.slot_id]
        fits = [one for one in free if one.product_id == here.product_id and left[one.slot_id] >= party.places]
        if not fits:
            continue
        best = min(fits, key=lambda one: (abs((one.starts_at - here.starts_at).total_seconds()), one.starts_at))
        left[best.slot_id] -= party.places
        offers.append(
            Offer(
                ids.uuid7(), cut.id, party.order_id, party.slot_id, best.slot_id, "alternative", party.places, clock.now(),
                cut.answer_until,
            )
        )  # fmt: skip
    if offers:
        await displacement_offers_store.insert(tx, offers)
        await safety.set_aside(tx, [one.to_slot for one in offers], [one.places for one in offers])


async def _ask_some(tx: Tx, cut: Cut, parties: Sequence[Party]) -> None:
    assert cut.answer_until is not None
    now = clock.now()
    for party in parties:
        row = await store.locked(tx, party.order_id)
        standing = await displacement_store.party_locked(tx, cut.id, party.order_id, party.slot_id)
        if row is None or standing is None or standing.outcome is not None or standing.asked_at is not None:
            continue
        values = await displacement_parting.said(tx, row, party.slot_id)
        values |= {
            "link": choice_link(row.number),
            "until": await displacement_parting.moment(tx, party.slot_id, cut.answer_until),
        }
        await messages.tell(tx, row, "cut-choice", **values)
        await displacement_store.set_asked(tx, cut.id, party.order_id, party.slot_id, now)
    faults.point(ASKED)


async def _wait(db: Db, cut: Cut) -> bool:
    """Until the time to answer is over, or enough have gone by themselves."""
    assert cut.answer_until is not None
    if cut.wish.ask_hours == 0 or clock.now() >= cut.answer_until:
        return True
    return not await db.read(over_slots, cut)


async def _decide(db: Db, cut: Cut) -> bool:
    """The published order decides who of those left keeps and who gives way, for all slots at once."""
    await db.run(_decide_all, cut)
    return True


async def _decide_all(tx: Tx, cut: Cut) -> None:
    if not await displacement_store.lock_step(tx, cut.id, "deciding"):
        return
    slot_ids = [one.slot_id for one in await displacement_store.slots(tx, cut.id)]
    rooms = await safety.room_of(tx, slot_ids)
    known = await inventory.slots.many(tx, slot_ids)
    waiting = await displacement_store.waiting(tx, cut.id)
    found: list[tuple[UUID, UUID, Verdict]] = []
    for slot_id in slot_ids:
        here = [(one.order_id, one.places, one.protected == "inside") for one in waiting if one.slot_id == slot_id]
        others = known[slot_id].taken - sum(places for _order, places, _stays in here)
        decided = verdicts(here, rooms[slot_id] - others, closed=known[slot_id].state == "closed")
        found += [(order_id, slot_id, verdict) for order_id, verdict in decided.items()]
    await displacement_store.set_verdicts(
        tx, cut.id, [one for one, *_ in found], [one for _, one, _ in found], [one for *_, one in found]
    )
    faults.point(DECIDED)


async def _part(db: Db, cut: Cut) -> bool:
    """Who gives way gets everything back. False while a payment of somebody is in doubt: comes again."""
    waiting = await db.read(displacement_store.waiting, cut.id)
    return await _part_all(db, [one for one in waiting if one.verdict == "gives_way"])


async def _part_all(db: Db, parties: Sequence[Party]) -> bool:
    """Parts these, a few at a time; whether all of them have their outcome."""
    lanes = asyncio.Semaphore(LANES)

    async def one(party: Party) -> bool:
        async with lanes:
            return await displacement_parting.part(db, _ACTOR, party)

    return all(await asyncio.gather(*(one(party) for party in parties)))


async def _tell(db: Db, cut: Cut) -> bool:
    """Everybody else keeps their places, and hears it once."""
    while waiting := await db.read(displacement_store.waiting, cut.id):
        for batch in _batches(waiting):
            await db.run(_tell_some, cut, batch)
    return True


async def _tell_some(tx: Tx, cut: Cut, parties: Sequence[Party]) -> None:
    for party in parties:
        row = await store.locked(tx, party.order_id)
        standing = await displacement_store.party_locked(tx, cut.id, party.order_id, party.slot_id)
        if row is None or standing is None or standing.outcome is not None:
            continue
        is_told = standing.is_paid and standing.protected != "inside"
        if is_told:
            await messages.tell(tx, row, "cut-kept", **await displacement_parting.said(tx, row, party.slot_id))
        await displacement_store.end_party(tx, standing, "kept", at=clock.now(), told=is_told)
    faults.point(TOLD)


async def _close(db: Db, cut: Cut) -> bool:
    """What was held and not taken is free again, and slots that hold no more than they may are sold on."""
    await db.run(_close_all, cut)
    return True


async def _close_all(tx: Tx, cut: Cut) -> None:
    freed = await displacement_offers_store.lapse(tx, cut.id, "alternative", clock.now(), overdue=False)
    if freed:
        await safety.set_aside(tx, list(freed), [-places for places in freed.values()])
    for venue_id in await displacement_capacity.venues_of(tx, cut.wish.plan):
        await inventory.generate(tx, _ACTOR, venue_id=venue_id)


def _batches(parties: Sequence[Party]) -> list[Sequence[Party]]:
    return [parties[at : at + BATCH] for at in range(0, len(parties), BATCH)]


_STEPS: dict[Step, Callable[[Db, Cut], Awaitable[bool]]] = {
    "freeing": _free,
    "asking": _ask,
    "waiting": _wait,
    "deciding": _decide,
    "parting": _part,
    "telling": _tell,
    "closing": _close,
}
