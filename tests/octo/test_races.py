"""Many at once, and the same again: no place is sold twice, no uuid books twice, no hold outlives its time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders
from holdfast.kit import faults
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem
from tests import world

from .conftest import Reseller, fresh_uuid, partner_of

pytestmark = pytest.mark.anyio


async def test_forty_ask_for_ten_places_and_ten_get_them(db: Db, reseller: Reseller, slot: world.SlotWorld) -> None:
    others = [Reseller(reseller.client, db, *await partner_of(db)) for _ in range(3)]
    wish = await reseller.wish(slot)

    async def once(one: Reseller) -> int:
        answer = await one.send("POST", "bookings", wish)
        if answer.status_code == 200:
            answer = await one.send("POST", f"bookings/{answer.json()['uuid']}/confirm", {"contact": {}})
            assert answer.json()["status"] == "CONFIRMED"
            return 1
        assert answer.json()["error"] == "UNPROCESSABLE_ENTITY", answer.text
        return 0

    async def online() -> int:
        mei = await world.traveller(db)
        try:
            await world.place(db, world.request(mei, world.basket(slot, people=1, visitors=[])))
        except Problem as problem:
            return 0 if problem.code == "slot-full" else 100
        return 1

    askers = [once(([reseller, *others])[n % 4]) for n in range(40)]
    sold = sum(await asyncio.gather(*askers, *(online() for _ in range(5))))
    assert sold == 10
    assert await world.places_left(db, slot) == 0


async def test_a_uuid_names_one_booking_however_often_it_is_sent(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    wish = await reseller.wish(slot, 2, uuid=fresh_uuid(), resellerReference="R", contact={"fullName": "Mei"})
    answers = await asyncio.gather(*(reseller.send("POST", "bookings", wish) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["uuid"] for answer in answers} == {wish["uuid"]}
    assert {answer.json()["supplierReference"] for answer in answers} == {answers[0].json()["supplierReference"]}
    assert await world.places_left(db, slot) == 8
    upper = await reseller.ask("POST", "bookings", wish | {"uuid": wish["uuid"].upper()})
    assert upper["uuid"] == wish["uuid"]
    for other in ({"unitItems": [{"unitId": "adult"}]}, {"notes": "else"}, {"resellerReference": "S"}):
        refusal = await reseller.refused("INVALID_BOOKING_UUID", "POST", "bookings", wish | other)
        assert refusal["uuid"] == wish["uuid"]
    await reseller.ask("POST", f"bookings/{wish['uuid']}/confirm", {"contact": {}})
    assert (await reseller.ask("POST", "bookings", wish))["status"] == "CONFIRMED"
    other = Reseller(reseller.client, db, *await partner_of(db))
    assert (await other.ask("POST", "bookings", wish))["supplierReference"] != upper["supplierReference"]


async def test_a_uuid_of_what_failed_is_free(reseller: Reseller, slot: world.SlotWorld) -> None:
    wish = await reseller.wish(slot, 1, uuid=fresh_uuid())
    await reseller.refused("INVALID_UNIT_ID", "POST", "bookings", wish | {"unitItems": [{"unitId": "x"}]})
    assert (await reseller.ask("POST", "bookings", wish))["uuid"] == wish["uuid"]


async def test_many_confirmations_of_one_hold_charge_it_once(reseller: Reseller, slot: world.SlotWorld) -> None:
    held = await reseller.reserve(slot, 3)
    path = f"bookings/{held['uuid']}/confirm"
    answers = await asyncio.gather(*(reseller.send("POST", path, {"contact": {}}) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await reseller.owed() == 3 * slot.price_minor


async def test_confirming_and_giving_up_at_once_ends_in_one_of_both(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    for _ in range(4):
        held = await reseller.reserve(slot, 2)
        path = f"bookings/{held['uuid']}"
        await asyncio.gather(
            reseller.send("POST", f"{path}/confirm", {"contact": {}}), reseller.send("POST", f"{path}/cancel", {}),
            reseller.send("PATCH", path, {"unitItems": [{"unitId": "adult"}] * 3}),
        )  # fmt: skip
        now = await reseller.ask("GET", path)
        assert now["status"] == "CANCELLED"
    assert await world.places_left(db, slot) == 10
    assert await reseller.owed() == 0


async def test_two_who_exchange_their_times_do_not_wait_for_each_other_for_ever(db: Db, reseller: Reseller) -> None:
    slots = [
        await world.open_slot(db, real_name=False, once_per_document=False, starts_in=timedelta(days=2 + n))
        for n in range(2)
    ]
    there = [await reseller.book(slot, 2) for slot in slots]
    wishes = [await reseller.wish(slot, 2) for slot in reversed(slots)]
    for _ in range(5):
        answers = await asyncio.gather(
            *(reseller.send("PATCH", f"bookings/{one['uuid']}", wish) for one, wish in zip(there, wishes, strict=True))
        )
        assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
        wishes.reverse()
    assert [await world.places_left(db, slot) for slot in slots] == [8, 8]


@pytest.mark.parametrize("point", [orders.resale.RESERVED, orders.resale.CONFIRMED, orders.resale_amendments.AMENDED])
async def test_what_breaks_before_the_commit_has_not_happened(
    db: Db, reseller: Reseller, slot: world.SlotWorld, point: str
) -> None:
    wish = await reseller.wish(slot, 2, uuid=fresh_uuid())
    path = f"bookings/{wish['uuid']}"
    steps = [
        ("POST", "bookings", wish),
        ("POST", f"{path}/confirm", {"contact": {}}),
        ("PATCH", path, {"unitItems": [{"unitId": "adult"}]}),
    ]
    for method, where, body in steps:
        faults.arm(f"{point}=error")
        answer = await reseller.send(method, where, body)
        faults.arm("")
        if answer.status_code != 200:
            assert answer.json()["error"] == "INTERNAL_SERVER_ERROR"
            answer = await reseller.send(method, where, body)
        assert answer.status_code == 200, answer.text
    assert await world.places_left(db, slot) == 9
    assert await reseller.owed() == slot.price_minor
