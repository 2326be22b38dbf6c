"""Allotments: places of a slot that only a desk may sell, set aside beforehand, so that paper cannot be oversold.

By rule (so much of every slot of a venue) or by hand; raised and lowered by a supervisor; what is unused returns to sale
by itself, unless its desk takes bookings on paper at that time. A desk draws from them in the transaction of the booking.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from holdfast.catalogue import venues
from holdfast.kit import audit, clock, ids
from holdfast.kit.actor import Actor, system
from holdfast.kit.db import Db, ReadTx, Tx, lock
from holdfast.kit.i18n import both

from . import allotments_store, policies_store, store
from .allotments_model import (
    CODE,
    RETURN_MINUTES_MAX,
    Allotment,
    AllotmentInUse,
    AllotmentRule,
    AllotmentSpent,
    AllotmentTooLarge,
    AllottedSlot,
    Desk,
    DeskInvalid,
    DeskTaken,
    DeskUnknown,
)
from .model import Slot

AHEAD = timedelta(days=31)
SLOTS_AT_ONCE = 200
OVER = "More places are sold than may be sold now; sale is stopped."
_BY_ITSELF = system("inventory.allotments")


async def desks(tx: ReadTx) -> list[Desk]:
    """The desks there are, by code."""
    return await allotments_store.desks(tx)


async def require(tx: ReadTx, code: str) -> Desk:
    """DeskUnknown."""
    found = await allotments_store.desk(tx, code.strip().upper()[:8])
    if found is None or found.retired_at:
        raise DeskUnknown
    return found


async def make_desk(tx: Tx, actor: Actor, code: str, name: str, venue_id: str | None) -> Desk:
    """A new desk. DeskInvalid names the fields, DeskTaken; VenueUnknown."""
    code, name = code.strip().upper(), " ".join(name.split())
    errors = []
    if not CODE(code):
        errors.append(
            _error("code", "DESK_CODE", "Two letters or digits, without I, L, O, U and Z, which are misread.")
        )
    if not 2 <= len(name) <= 60:
        errors.append(_error("name", "DESK_NAME", "Call it as people there do, in 2 to 60 characters."))
    if errors:
        raise DeskInvalid(errors=errors)
    if venue_id is not None:
        await venues.get(tx, venue_id)
    if not await allotments_store.insert_desk(tx, code, name, venue_id, str(actor), clock.now()):
        raise DeskTaken
    await audit.record(tx, actor, "desk.make", code, name=name, venue=venue_id or "")
    return await require(tx, code)


async def set_on_paper(tx: Tx, actor: Actor, code: str, on: bool, reason: str) -> None:
    """A desk begins to take bookings on paper, or has done with it: until then nothing of its places returns to sale."""
    desk = await require(tx, code)
    if (desk.on_paper_since is not None) != on:
        await allotments_store.set_on_paper(tx, desk.code, clock.now() if on else None)
        await audit.record(tx, actor, "desk.on_paper" if on else "desk.off_paper", desk.code, reason=reason)


async def set_drill(tx: Tx, actor: Actor, code: str, on: bool) -> None:
    """A desk practises, or has done with it."""
    desk = await require(tx, code)
    await allotments_store.set_drill(tx, desk.code, on)
    await audit.record(tx, actor, "desk.drill" if on else "desk.drill_over", desk.code)


async def rules(tx: ReadTx) -> list[AllotmentRule]:
    """The rules in force."""
    return await allotments_store.rules(tx)


async def set_rule(
    tx: Tx, actor: Actor, code: str, venue_id: str, percent_bp: int, return_minutes: int, reason: str
) -> AllotmentRule:
    """So much of every slot of a venue is set aside for a desk from now on; it takes the place of the rule before."""
    desk = await require(tx, code)
    await venues.get(tx, venue_id)
    errors = []
    if not 1 <= percent_bp <= 10_000:
        errors.append(_error("percent", "PERCENT", "More than 0 and at most 100 percent."))
    if not 0 <= return_minutes <= RETURN_MINUTES_MAX:
        errors.append(_error("return_minutes", "MINUTES", "Write minutes as a whole number."))
    if errors:
        raise DeskInvalid(errors=errors)
    await _lock_rule(tx, desk.code, venue_id)
    now = clock.now()
    before = await allotments_store.end_rule(tx, desk.code, venue_id, now, str(actor))
    made = AllotmentRule(ids.uuid7(), desk.code, venue_id, percent_bp, return_minutes, reason, str(actor), now)
    await allotments_store.insert_rule(tx, made)
    if before:
        await allotments_store.follow(tx, before, made.id)
    await audit.record(
        tx,
        actor,
        "desk.rule",
        f"{desk.code} {venue_id}",
        percent_bp=percent_bp,
        return_minutes=return_minutes,
        reason=reason,
    )
    return made


async def end_rule(tx: Tx, actor: Actor, rule_id: UUID, reason: str) -> int:
    """The rule ends, and what is unused of what it set aside returns to sale; how many places that were."""
    rule = await allotments_store.rule(tx, rule_id)
    if rule is None:
        return 0
    await _lock_rule(tx, rule.desk, rule.venue_id)
    if await allotments_store.rule(tx, rule_id) is None:
        return 0  # another took its place meanwhile
    slot_ids = await allotments_store.of_rule(tx, rule_id)
    await allotments_store.end_rule(tx, rule.desk, rule.venue_id, clock.now(), str(actor))
    freed = await _return(tx, slot_ids, lambda one: one.rule_id == rule_id)
    await audit.record(tx, actor, "desk.rule_end", f"{rule.desk} {rule.venue_id}", reason=reason, places=freed)
    return freed


async def apply_rules(db: Db) -> int:
    """Brings what is set aside in step with the rules, slot by slot, as far as places are free; how many changed."""
    now, changed = clock.now(), 0
    for rule in await db.read(allotments_store.rules):
        slot_ids = await db.read(allotments_store.ruled_slots, rule.venue_id, now, now + AHEAD)
        for begin in range(0, len(slot_ids), SLOTS_AT_ONCE):
            changed += await db.run(_apply, rule, slot_ids[begin : begin + SLOTS_AT_ONCE])
    return changed


async def _lock_rule(tx: Tx, desk: str, venue_id: str) -> None:
    """Rules of a desk at a venue change one after another, and none is applied while it changes."""
    await lock(tx, f"inventory.allotments:{desk}:{venue_id}")


async def _apply(tx: Tx, rule: AllotmentRule, slot_ids: list[UUID]) -> int:
    await _lock_rule(tx, rule.desk, rule.venue_id)
    if await allotments_store.rule(tx, rule.id) is None:
        return 0
    slots = await store.lock_slots(tx, slot_ids)
    there = await allotments_store.lock_allotments(tx, slot_ids, rule.desk)
    now, moves = clock.now(), {}
    for slot in slots:
        known = there.get(slot.id)
        returns_at = slot.starts_at - timedelta(minutes=rule.return_minutes)
        if returns_at <= now or (known and (known.rule_id is None or known.returned_at)):
            continue
        places = rule_places(slot, rule.percent_bp, known)
        if known is None and places == 0:
            continue
        if known is None or (known.places, known.returns_at, known.rule_id) != (places, returns_at, rule.id):
            made = _with(known, slot.id, rule.desk, places, returns_at, rule.id)
            moves[slot.id] = made.left - (known.left if known else 0)
            await allotments_store.put(tx, made, str(_BY_ITSELF), now)
    await _move(tx, moves)
    return len(moves)


def rule_places(slot: Slot, percent_bp: int, known: Allotment | None) -> int:
    """What a rule sets aside: its part of the capacity, rounded up, as far as places are free, and never below what is sold."""
    wanted = -(-slot.capacity * percent_bp // 10_000)
    sold, own = (known.used, known.left) if known else (0, 0)
    return max(sold, min(wanted, sold + own + max(0, slot.capacity - slot.taken - slot.set_aside)))


async def set_places(
    tx: Tx, actor: Actor, code: str, slot_id: UUID, places: int, reason: str, returns_at: datetime | None = None
) -> None:
    """A supervisor sets aside so many places of one slot for a desk, more or fewer than before.

    AllotmentTooLarge says how many are free, AllotmentInUse how many are sold. `returns_at` defaults to the slot's beginning.
    """
    desk = await require(tx, code)
    [slot] = await store.lock_slots(tx, [slot_id])
    known = (await allotments_store.lock_allotments(tx, [slot_id], desk.code)).get(slot_id)
    used, before = (known.used, known.left) if known else (0, 0)
    if places < used:
        raise AllotmentInUse(used=used)
    free = max(0, slot.capacity - slot.taken - slot.set_aside)
    if places - used - before > free:
        raise AllotmentTooLarge(free=free, most=used + before + free)
    at = returns_at or max(slot.starts_at, clock.now() + timedelta(minutes=1))
    made = _with(known, slot_id, desk.code, places, at, None)
    await allotments_store.put(tx, made, str(actor), clock.now())
    await _move(tx, {slot_id: made.left - before})
    await audit.record(
        tx,
        actor,
        "desk.allotment",
        f"{desk.code} {slot_id}",
        before=known.places if known else 0,
        after=places,
        reason=reason,
    )


async def give_up(tx: Tx, actor: Actor, slot_ids: Sequence[UUID], reason: str) -> int:
    """What desks have not sold of these slots returns to sale, for a cut; how many places that were."""
    freed = await _return(tx, list(slot_ids), lambda _one: True)
    await audit.record(tx, actor, "desk.give_up", f"{len(slot_ids)} slots", places=freed, reason=reason)
    return freed


async def return_due(db: Db) -> int:
    """Unused places whose time has come return to sale by themselves; how many."""
    freed = 0
    while slot_ids := await db.read(allotments_store.due, clock.now(), SLOTS_AT_ONCE):
        freed += await db.run(_return_due, slot_ids)
    return freed


async def _return_due(tx: Tx, slot_ids: list[UUID]) -> int:
    busy, now = await allotments_store.on_paper(tx), clock.now()
    return await _return(tx, slot_ids, lambda one: one.returns_at <= now and one.desk not in busy)


async def _return(tx: Tx, slot_ids: list[UUID], goes: Callable[[Allotment], bool]) -> int:
    await store.lock_slots(tx, slot_ids)
    found = await allotments_store.of_slots_locked(tx, slot_ids)
    moves: dict[UUID, int] = {}
    for one in found:
        if goes(one):
            moves[one.slot_id] = moves.get(one.slot_id, 0) - one.left
            gone = msgspec.structs.replace(one, returned_at=clock.now())
            await allotments_store.put(tx, gone, str(_BY_ITSELF), clock.now())
    await _move(tx, moves)
    return -sum(moves.values())


async def day(tx: ReadTx, code: str, venue_id: str, visit_date: date) -> list[AllottedSlot]:
    """The slots of a venue on a day with what is set aside for a desk."""
    return await allotments_store.day(tx, code, venue_id, visit_date)


async def of_day(tx: ReadTx, code: str, visit_date: date) -> list[AllottedSlot]:
    """What a desk may sell on paper that day."""
    return await allotments_store.of_day(tx, code, visit_date)


async def left(tx: ReadTx, code: str, slot_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many places a desk has left in these slots."""
    return {slot_id: one.left for slot_id, one in (await allotments_store.of_desk(tx, slot_ids, code)).items()}


async def lock_left(tx: Tx, code: str, slot_ids: Sequence[UUID]) -> tuple[dict[UUID, Slot], dict[UUID, int]]:
    """These slots and what a desk has left in them, locked until the transaction ends."""
    slots = await store.lock_slots(tx, sorted(set(slot_ids)))
    there = await allotments_store.lock_allotments(tx, [slot.id for slot in slots], code)
    return {slot.id: slot for slot in slots}, {slot_id: one.left for slot_id, one in there.items()}


async def draw(tx: Tx, code: str, places: Mapping[UUID, int]) -> None:
    """Takes places out of what is set aside for a desk, in the transaction that sells them. AllotmentSpent."""
    wanted = {slot_id: count for slot_id, count in places.items() if count}
    if not wanted:
        return
    _slots, there = await lock_left(tx, code, list(wanted))
    for slot_id, count in wanted.items():
        if count > there.get(slot_id, 0):
            raise AllotmentSpent(left=there.get(slot_id, 0))
    await allotments_store.use(tx, code, list(wanted), list(wanted.values()))
    await _move(tx, {slot_id: -count for slot_id, count in wanted.items()})


async def put_back(tx: Tx, code: str, places: Mapping[UUID, int]) -> None:
    """What was drawn in this transaction and not sold after all."""
    kept = {slot_id: count for slot_id, count in places.items() if count}
    if kept:
        await allotments_store.use(tx, code, list(kept), [-count for count in kept.values()])
        await _move(tx, kept)


async def lend(tx: Tx, slot_id: UUID, places: int) -> None:
    """A promise on paper is honoured although the slot is full: places beyond it, until `call_in`, in one transaction.

    The caller holds the slot's lock, so nobody else sees or buys them.
    """
    await allotments_store.lend(tx, slot_id, places)


async def call_in(tx: Tx, slot_id: UUID, places: int) -> None:
    """What was lent and sold stands above the capacity from now on (`overcommitted`), and sale of the slot is stopped."""
    await allotments_store.call_in(tx, slot_id, places, json.dumps(both(OVER)))


async def _move(tx: Tx, moves: Mapping[UUID, int]) -> None:
    """What is set aside of slots becomes more or less; the caller has locked them."""
    real = {slot_id: count for slot_id, count in moves.items() if count}
    if real:
        await policies_store.set_aside(tx, list(real), list(real.values()))


def _with(
    known: Allotment | None, slot_id: UUID, desk: str, places: int, returns_at: datetime, rule_id: UUID | None
) -> Allotment:
    if known is None:
        return Allotment(ids.uuid7(), slot_id, desk, places, 0, returns_at, None, rule_id)
    return msgspec.structs.replace(known, places=places, returns_at=returns_at, returned_at=None, rule_id=rule_id)


def _error(field: str, code: str, message: str) -> dict[str, object]:
    return {"field": field, "code": code, "message": both(message), "severity": "error", "suggestion": None}
