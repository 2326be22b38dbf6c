"""Alternatives: other times, days and venues that take the whole party, the nearest first."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from holdfast import orders
from holdfast.kit import ids
from holdfast.kit.db import Db, Tx
from holdfast.orders.alternatives import Alternatives, alternatives
from holdfast.orders.model import SlotUnknown
from tests import world
from tests.world import SlotWorld

pytestmark = pytest.mark.anyio


async def ask(db: Db, slot: SlotWorld, people: int = 1) -> Alternatives:
    async with db.reading() as tx:
        return await alternatives(tx, slot.slot_id, people)


async def put(db: Db, slot: SlotWorld, latitude: float, longitude: float, kind: str = "museum") -> None:
    async def move(tx: Tx) -> None:
        await tx.execute(
            "update catalogue.venues set latitude = %(lat)s, longitude = %(lon)s, kind = %(kind)s where id = %(id)s",
            lat=latitude, lon=longitude, kind=kind, id=slot.venue_id,
        )  # fmt: skip

    await db.run(move)


async def later(db: Db, slot: SlotWorld, by: timedelta, places: int = 10) -> UUID:
    """One more slot of the same product, so much later."""

    async def add(tx: Tx) -> UUID:
        made = ids.uuid7()
        await tx.execute(
            """insert into catalogue.timeslots (product_id, code, starts, ends, share_bp, capacity)
               values (%(product)s, 'x' || left(md5(%(new)s::text), 8), '10:00', '12:00', 10000, %(places)s)""",
            product=slot.product_id, new=made, places=places,
        )  # fmt: skip
        await tx.execute(
            """insert into inventory.slots (id, product_id, venue_id, visit_date, code, starts_at, ends_at, sale_opens_at, sale_closes_at, capacity)
               select %(new)s, product_id, venue_id, ((starts_at + %(by)s) at time zone 'Asia/Shanghai')::date, 'x' || left(md5(%(new)s::text), 8),
                      starts_at + %(by)s, ends_at + %(by)s, sale_opens_at, ends_at + %(by)s, %(places)s from inventory.slots where id = %(id)s""",
            new=made, by=by, places=places, id=slot.slot_id,
        )  # fmt: skip
        return made

    return await db.run(add)


async def test_other_times_of_the_day_come_before_other_days(db: Db) -> None:
    slot = await world.open_slot(db, places=1)
    same = await world.open_slot(db, beside=slot)
    two, one = await later(db, slot, timedelta(days=2)), await later(db, slot, timedelta(days=1))
    await later(db, slot, timedelta(days=1, hours=1))
    found = await ask(db, slot)
    assert [one.slot_id for one in found.same_day] == [same.slot_id]
    assert [one.slot_id for one in found.other_days] == [one, two]
    assert found.same_day[0].lowest_minor == slot.price_minor
    assert found.nearby == []


async def test_only_slots_that_take_the_whole_party_are_named(db: Db) -> None:
    slot = await world.open_slot(db, places=1)
    await later(db, slot, timedelta(days=1), places=2)
    big = await later(db, slot, timedelta(days=2), places=3)
    assert [one.slot_id for one in (await ask(db, slot, 3)).every] == [big]
    assert (await ask(db, slot, 6)).every == [], "one order takes five at most"


async def test_what_is_closed_or_set_aside_is_not_named(db: Db) -> None:
    slot = await world.open_slot(db, places=1)
    await world.open_slot(db, beside=slot, state="paused")
    aside = await world.open_slot(db, beside=slot, places=4)

    async def set_aside(tx: Tx) -> None:
        await tx.execute("update inventory.slots set set_aside = 4 where id = %(id)s", id=aside.slot_id)

    await db.run(set_aside)
    assert (await ask(db, slot)).every == []


async def test_venues_of_the_same_kind_nearby_are_sorted_by_distance(db: Db) -> None:
    slot, far, near, other, remote = [await world.open_slot(db) for _ in range(5)]
    await put(db, slot, 39.9163, 116.3972)
    await put(db, far, 39.9989, 116.2755)
    await put(db, near, 39.9050, 116.4010)
    await put(db, other, 39.9050, 116.4010, kind="park")
    await put(db, remote, 34.3841, 109.2785)
    found = (await ask(db, slot)).nearby
    assert [one.venue_id for one in found] == [near.venue_id, far.venue_id]
    assert found[0].km == pytest.approx(1.3, abs=0.1)
    assert found[1].km == pytest.approx(13.8, abs=0.3)


async def test_without_a_place_on_the_map_the_same_city_is_near(db: Db) -> None:
    slot, other = await world.open_slot(db), await world.open_slot(db)
    assert [(one.venue_id, one.km) for one in (await ask(db, slot)).nearby] == [(other.venue_id, None)]


async def test_an_unknown_slot_is_said_to_be_unknown(db: Db) -> None:
    with pytest.raises(SlotUnknown):
        async with db.reading() as tx:
            await orders.alternatives.alternatives(tx, ids.uuid7(), 1)
