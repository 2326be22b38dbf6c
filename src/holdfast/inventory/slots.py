"""Slots: made ahead of their release from hours, timeslots and policies, and kept in step with them.

Capacity is computed, never edited. A slot that has sold more than its new capacity stops selling at once and keeps
count of what is over; nobody loses a place here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from holdfast.catalogue import calendars
from holdfast.catalogue.model import Text
from holdfast.kit import clock, ids
from holdfast.kit.actor import Actor
from holdfast.kit.db import ReadTx, Tx, lock
from holdfast.kit.i18n import both

from . import capacity, store
from .model import Generated, Slot, SlotState
from .store import Offer, OfferedProduct
from .vouching_store import Said

HORIZON_DAYS = 30
Key = tuple[str, date, str]


async def generate(
    tx: Tx, actor: Actor, *, today: date | None = None, days: int = HORIZON_DAYS, venue_id: str | None = None
) -> Generated:
    """Makes the missing slots of the next `days` days and brings every future slot in step with hours and policies.

    `today` defaults to each venue's own date. A product that is released earlier gets its slots earlier. Running it
    again changes nothing. A slot with visitors keeps its times; its capacity follows, never hiding what is sold.
    """
    await lock(tx, "inventory.slots")
    since = today or (clock.now() - timedelta(hours=12)).date()
    known = {_key(slot): slot for slot in await store.slots_since(tx, venue_id, since)}
    wanted: dict[Key, Slot] = {}
    firsts: dict[str, date] = {}
    for offer in await store.offers(tx, venue_id, since):
        first = firsts[offer.venue_id] = today or clock.now().astimezone(ZoneInfo(offer.time_zone)).date()
        dates = {
            slot.visit_date for slot in known.values() if slot.venue_id == offer.venue_id and slot.visit_date >= first
        }
        for slot in planned(offer, first, days, dates):
            wanted[_key(slot)] = slot
    fresh = [slot for key, slot in wanted.items() if key not in known and slot.state != "closed"]
    created = await store.insert_slots(tx, fresh) if fresh else 0
    future = [
        slot for slot in known.values() if slot.visit_date >= firsts.get(slot.venue_id, since + timedelta(days=1))
    ]
    targets = {slot.id: wanted.get(_key(slot)) or _withdrawn(slot) for slot in future}
    stale = [slot.id for slot in future if settle(slot, targets[slot.id]) != slot]
    changes = [(slot, settle(slot, targets[slot.id])) for slot in (await store.lock_slots(tx, stale) if stale else [])]
    if changes:
        await store.update_slots(tx, [after for _, after in changes])
    return _count(created, changes)


async def many(tx: ReadTx, slot_ids: Iterable[UUID]) -> dict[UUID, Slot]:
    """These slots by id; unknown ids are left out."""
    return {slot.id: slot for slot in await store.slots(tx, sorted(set(slot_ids)))}


def planned(offer: Offer, first: date, days: int, dates: Iterable[date] = ()) -> Iterator[Slot]:
    """The slots a venue should have from `first` on: closed ones too, so that existing slots learn the reason."""
    release = max((product.release_days for product in offer.products), default=0)
    ahead = {first + timedelta(days=n) for n in range(max(days, release + 2))}
    said = {(word.product_id, word.visit_date, word.code): word for word in offer.supplied}
    for day in sorted(ahead | set(dates)):
        hours = calendars.hours_on(offer.openings, offer.special_days, day)
        per_product = capacity.venue_day(offer.products, offer.policies, day)
        for product in offer.products:
            if (day - first).days >= max(days, product.release_days + 2) and day not in set(dates):
                continue
            for slot in _product_day(offer, product, day, hours, per_product[product.id]):
                word = said.get(_key(slot)) if said else None
                yield slot if word is None else _as_supplied(slot, word)


def settle(slot: Slot, target: Slot) -> Slot:
    """The slot as it should be now: the target's values around what is already sold."""
    over = max(0, slot.taken - target.capacity)
    paused = over > 0 and target.state == "open"
    return msgspec.structs.replace(
        slot,
        starts_at=slot.starts_at if slot.taken else target.starts_at,
        ends_at=slot.ends_at if slot.taken else target.ends_at,
        sale_opens_at=target.sale_opens_at,
        sale_closes_at=min(slot.ends_at, target.sale_closes_at) if slot.taken else target.sale_closes_at,
        state="paused" if paused else target.state,
        reason=both("More places are sold than may be sold now; sale is stopped.") if paused else target.reason,
        capacity=target.capacity,
        overcommitted=over,
    )


def _product_day(
    offer: Offer,
    product: OfferedProduct,
    day: date,
    hours: calendars.Hours | calendars.Closed,
    decided: capacity.ProductDay,
) -> Iterator[Slot]:
    for timeslot in product.timeslots:
        if isinstance(hours, calendars.Closed):
            starts, ends = calendars.span(day, timeslot.starts, timeslot.ends)
            yield _slot(offer, product, day, timeslot.code, starts, ends, ends, "closed", hours.reason, 0)
            continue
        times = calendars.within(hours, day, timeslot.starts, timeslot.ends)
        if times is None:
            continue
        last = times[1] if hours.round_the_clock else min(times[1], max(hours.last_entry, times[0]))
        places, state, reason = decided.slots[timeslot.code], decided.limit.state, decided.limit.reason
        if timeslot.code in decided.stops:
            state, reason = decided.stops[timeslot.code].state, decided.stops[timeslot.code].reason
        elif state == "open":
            reason = {}
            if places == 0 and decided.places is None:
                state, reason = "paused", both("No capacity has been set for this day yet.")
        yield _slot(offer, product, day, timeslot.code, *times, last, state, reason, places)


def _slot(
    offer: Offer,
    product: OfferedProduct,
    day: date,
    code: str,
    starts: datetime,
    ends: datetime,
    last: datetime,
    state: SlotState,
    reason: Text,
    places: int,
) -> Slot:
    released = datetime.combine(day - timedelta(days=product.release_days), product.release_time)
    sold_until = last if product.same_day_sale else datetime.combine(day, time())
    if product.notice_minutes is not None:
        sold_until = min(sold_until, starts - timedelta(minutes=product.notice_minutes))
    return Slot(
        id=ids.uuid7(),
        product_id=product.id,
        venue_id=offer.venue_id,
        visit_date=day,
        code=code,
        starts_at=calendars.at(starts, offer.time_zone),
        ends_at=calendars.at(ends, offer.time_zone),
        sale_opens_at=calendars.at(released, offer.time_zone),
        sale_closes_at=calendars.at(sold_until, offer.time_zone),
        state=state,
        reason=reason,
        capacity=places,
        overcommitted=0,
        taken=0,
    )


def _as_supplied(slot: Slot, word: Said) -> Slot:
    """The slot as its supplier has it: a stop and a figure of its own only lower what the policies allow."""
    places = slot.capacity if word.places is None else min(slot.capacity, word.places)
    if word.is_stopped and slot.state == "open":
        return msgspec.structs.replace(slot, state="paused", reason=word.reason, capacity=places)
    return msgspec.structs.replace(slot, capacity=places)


def _withdrawn(slot: Slot) -> Slot:
    """What becomes of a slot that the catalogue no longer has."""
    reason = both("This time is no longer offered.")
    return msgspec.structs.replace(slot, state="closed", reason=reason, capacity=0)


def _key(slot: Slot) -> Key:
    return slot.product_id, slot.visit_date, slot.code


def _count(created: int, changes: list[tuple[Slot, Slot]]) -> Generated:
    moves = [(before.state, after.state) for before, after in changes]
    return Generated(
        created=created,
        changed=sum(before == after for before, after in moves),
        closed=sum(after == "closed" != before for before, after in moves),
        paused=sum(after == "paused" != before for before, after in moves),
        reopened=sum(after == "open" != before for before, after in moves),
    )
