"""Safety: what a change does to slots is computed from the slots before and after it, and says whether it is dangerous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

import msgspec

from holdfast.kit import clock
from holdfast.kit.db import ReadTx

from . import capacity, policies_store, store
from .model import Slot

LARGE_PLACES = 5_000
"""A change of more places than this, up or down, needs a second person."""
RAISE_PERCENT = 10
"""So does one that puts more than this on sale beyond what there was."""
DANGERS: dict[str, str] = {
    "booked": "It touches places that are booked.",
    "large": "It changes more than 5,000 places.",
    "raise": "It puts many more places on sale than there were.",
    "prices": "It changes what tickets cost.",
    "retires": "It takes something off the offer.",
}
"""Why a change needs a second person → sentence, translated by the surface."""
Rooms = Mapping[UUID, int]


class SlotEffect(msgspec.Struct, frozen=True):
    """What becomes of one slot. Places are what may be sold when nobody stops the sale; `over`: booked and too many then."""

    slot_id: UUID
    venue_id: str
    product_id: str
    visit_date: date
    code: str
    state_before: str
    state_after: str
    places_before: int
    places_after: int
    taken: int

    @property
    def over(self) -> int:
        return max(0, self.taken - self.places_after) if self.places_after < self.places_before else 0


class Effect(msgspec.Struct, frozen=True):
    """What a change does to slots that are not over yet."""

    slots: list[SlotEffect]

    @property
    def over_slots(self) -> list[UUID]:
        return [one.slot_id for one in self.slots if one.over]

    @property
    def over_places(self) -> int:
        return sum(one.over for one in self.slots)

    @property
    def lost(self) -> int:
        return sum(max(0, one.places_before - one.places_after) for one in self.slots)

    @property
    def gained(self) -> int:
        return sum(max(0, one.places_after - one.places_before) for one in self.slots)

    @property
    def days(self) -> list[date]:
        return sorted({one.visit_date for one in self.slots})

    @property
    def stops(self) -> int:
        return sum(one.state_before == "open" != one.state_after for one in self.slots)

    @property
    def opens(self) -> int:
        return sum(one.state_after == "open" != one.state_before for one in self.slots)

    def dangers(self) -> list[str]:
        """Codes of `DANGERS`, none when one person may do it."""
        before = sum(one.places_before for one in self.slots if one.places_after > one.places_before)
        found = ["booked"] if self.over_places else []
        found += ["large"] if max(self.lost, self.gained) > LARGE_PLACES else []
        return found + (["raise"] if self.gained * 100 > before * RAISE_PERCENT and self.gained else [])


class Snapshot(msgspec.Struct, frozen=True):
    """Slots and what each of them may sell, as of one moment of a transaction."""

    slots: dict[UUID, Slot]
    rooms: dict[UUID, int]


async def snapshot(tx: ReadTx, venue_ids: Sequence[str]) -> Snapshot:
    """The coming slots of these venues as they are now in this transaction."""
    since = (clock.now() - timedelta(hours=12)).date()
    found = [slot for slot in await policies_store.slots_between(tx, venue_ids, since) if slot.ends_at > clock.now()]
    return Snapshot({slot.id: slot for slot in found}, await rooms(tx, found))


async def rooms(tx: ReadTx, slots: Sequence[Slot]) -> dict[UUID, int]:
    """What each slot may sell by the policies in force, a mere stop of the sale left out; a closed one nothing."""
    days: dict[str, dict[date, dict[str, dict[str, int]]]] = {}
    since = min((slot.visit_date for slot in slots), default=clock.now().date())
    for venue_id in sorted({slot.venue_id for slot in slots}):
        for offer in await store.offers(tx, venue_id, since):
            policies = [policy for policy in offer.policies if policy.kind != "paused"]
            wanted = {slot.visit_date for slot in slots if slot.venue_id == venue_id}
            days[venue_id] = {
                day: {name: one.slots for name, one in capacity.venue_day(offer.products, policies, day).items()}
                for day in wanted
            }
    return {
        slot.id: 0
        if slot.state == "closed"
        else days.get(slot.venue_id, {}).get(slot.visit_date, {}).get(slot.product_id, {}).get(slot.code, 0)
        for slot in slots
    }


def compare(before: Snapshot, after: Snapshot) -> Effect:
    """The slots that differ, in the order of venue, date and time. New slots count as having had no places."""
    found = []
    for slot in sorted(after.slots.values(), key=lambda one: (one.venue_id, one.visit_date, one.starts_at, one.code)):
        old = before.slots.get(slot.id)
        room, room_before = after.rooms[slot.id], before.rooms.get(slot.id, 0)
        if old is None or (old.state, room_before) == (slot.state, room):
            continue
        found.append(
            SlotEffect(
                slot.id, slot.venue_id, slot.product_id, slot.visit_date, slot.code, old.state, slot.state, room_before,
                room, slot.taken,
            )
        )  # fmt: skip
    return Effect(found)


def overfull(before: Snapshot, after: Snapshot) -> list[SlotEffect]:
    """The slots in which more is booked than may be afterwards, whatever was before."""
    found = []
    for slot in sorted(after.slots.values(), key=lambda one: (one.venue_id, one.visit_date, one.starts_at, one.code)):
        old, room = before.slots.get(slot.id), after.rooms[slot.id]
        if slot.taken > room:
            found.append(
                SlotEffect(
                    slot.id, slot.venue_id, slot.product_id, slot.visit_date, slot.code, old.state if old else slot.state,
                    slot.state, before.rooms.get(slot.id, 0), room, slot.taken,
                )
            )  # fmt: skip
    return found


async def room_of(tx: ReadTx, slot_ids: Sequence[UUID]) -> dict[UUID, int]:
    """What these slots may sell by the policies in force now."""
    return await rooms(tx, await store.slots(tx, sorted(slot_ids)))


set_aside = policies_store.set_aside
