"""Changing what is booked: tickets, time, product, people; before it is confirmed and after."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from holdfast import orders
from holdfast.kit import clock
from holdfast.kit.actor import Actor
from holdfast.kit.db import Db, ReadTx, Tx
from tests import world

from .conftest import Reseller

pytestmark = pytest.mark.anyio


async def two_times(db: Db, **more: int) -> tuple[world.SlotWorld, world.SlotWorld]:
    """Two slots of one product, an hour apart."""
    first = await world.open_slot(db, real_name=False, once_per_document=False, starts_in=timedelta(days=2), **more)
    second = await world.open_slot(db, beside=first, places=3)

    async def later(tx: Tx) -> None:
        await tx.execute(
            "update inventory.slots set starts_at = starts_at + interval '3 hours', ends_at = ends_at + interval '3 hours' where id = %(id)s",
            id=second.slot_id,
        )
        await tx.execute(
            "update catalogue.prices set retired_at = %(at)s where id = %(id)s", at=clock.now(), id=second.price_id
        )

    await db.run(later)
    return first, second


async def rule(db: Db, slot: world.SlotWorld, **cancel_rule: object) -> None:
    async def write(tx: Tx) -> None:
        await tx.execute(
            "update catalogue.products set cancel_rule = %(rule)s where id = %(id)s",
            rule=Jsonb(cancel_rule),
            id=slot.product_id,
        )

    await db.run(write)


async def ids(reseller: Reseller, slot: world.SlotWorld) -> list[str]:
    day = slot.starts_at.astimezone(world.ZONE).date().isoformat()
    body = {"productId": slot.product_id, "optionId": "DEFAULT", "localDate": day}
    return [one["id"] for one in await reseller.ask("POST", "availability", body)]


@pytest.mark.parametrize("confirmed", [False, True])
async def test_a_booking_goes_to_another_time_with_its_tickets(db: Db, reseller: Reseller, confirmed: bool) -> None:
    first, second = await two_times(db)
    held = await (reseller.book if confirmed else reseller.reserve)(first, 2)
    _one, two = await ids(reseller, first)
    moved = await reseller.ask("PATCH", f"bookings/{held['uuid']}", {"availabilityId": two})
    assert moved["availabilityId"] == two
    assert moved["status"] == held["status"]
    assert {item["uuid"] for item in moved["unitItems"]} == {item["uuid"] for item in held["unitItems"]}
    assert (await world.places_left(db, first), await world.places_left(db, second)) == (10, 1)
    if confirmed:
        old, new = (one["unitItems"][0]["ticket"]["deliveryOptions"][0]["deliveryValue"] for one in (held, moved))
        keys = orders.public_keys()
        assert await db.read(orders.is_void, orders.verify(old, keys))
        assert not await db.read(orders.is_void, orders.verify(new, keys))
        assert await reseller.owed() == 2 * first.price_minor


async def test_nothing_changes_when_the_other_time_is_full(db: Db, reseller: Reseller) -> None:
    first, second = await two_times(db)
    booked = await reseller.book(first, 4)
    _one, two = await ids(reseller, first)
    await reseller.refused("UNPROCESSABLE_ENTITY", "PATCH", f"bookings/{booked['uuid']}", {"availabilityId": two})
    await reseller.refused("INVALID_AVAILABILITY_ID", "PATCH", f"bookings/{booked['uuid']}", {"availabilityId": "x"})
    assert await reseller.ask("GET", f"bookings/{booked['uuid']}") == booked
    assert (await world.places_left(db, first), await world.places_left(db, second)) == (6, 3)


@pytest.mark.parametrize("confirmed", [False, True])
async def test_tickets_come_and_go(db: Db, reseller: Reseller, slot: world.SlotWorld, confirmed: bool) -> None:
    booked = await (reseller.book if confirmed else reseller.reserve)(slot, 2)
    more = await reseller.ask("PATCH", f"bookings/{booked['uuid']}", {"unitItems": [{"unitId": "adult"}] * 3})
    assert len(more["unitItems"]) == 3
    assert await world.places_left(db, slot) == 7
    one = more["unitItems"][0]["uuid"]
    fewer = await reseller.ask("PATCH", f"bookings/{booked['uuid']}", {"unitItems": [{"unitId": "adult", "uuid": one}]})
    assert [item["uuid"] for item in fewer["unitItems"]] == [one]
    assert await world.places_left(db, slot) == 9
    assert await reseller.owed() == (slot.price_minor if confirmed else 0)
    path = f"bookings/{booked['uuid']}"
    await reseller.refused("INVALID_UNIT_ID", "PATCH", path, {"unitItems": [{"unitId": "x"}]})
    await reseller.refused("UNPROCESSABLE_ENTITY", "PATCH", path, {"unitItems": []})
    await reseller.refused("BAD_REQUEST", "PATCH", path, {"unitItems": [{"unitId": "adult", "uuid": one}] * 2})
    await reseller.refused("INVALID_PRODUCT_ID", "PATCH", path, {"productId": "x"})
    await reseller.refused("INVALID_OPTION_ID", "PATCH", path, {"optionId": "x"})


@pytest.mark.parametrize("confirmed", [False, True])
async def test_a_booking_becomes_one_of_another_product(
    db: Db, reseller: Reseller, slot: world.SlotWorld, confirmed: bool
) -> None:
    other = await world.open_slot(
        db, real_name=False, once_per_document=False, price_minor=9000, starts_in=timedelta(days=3)
    )
    booked = await (reseller.book if confirmed else reseller.reserve)(slot, 1)
    wish = await reseller.wish(other, 2)
    moved = await reseller.ask("PATCH", f"bookings/{booked['uuid']}", wish)
    assert (moved["productId"], len(moved["unitItems"])) == (other.product_id, 2)
    assert (await world.places_left(db, slot), await world.places_left(db, other)) == (10, 8)
    assert await reseller.owed() == (2 * 9000 if confirmed else 0)
    await reseller.refused(
        "INVALID_AVAILABILITY_ID",
        "PATCH",
        f"bookings/{booked['uuid']}",
        {"productId": slot.product_id, "optionId": "DEFAULT"},
    )


async def test_contact_notes_reference_and_time_are_changed_too(reseller: Reseller, slot: world.SlotWorld) -> None:
    held = await reseller.reserve(slot)
    contact = {
        "fullName": "John Doe", "firstName": "John", "lastName": "Doe", "emailAddress": "johndoe@email.com",
        "phoneNumber": "+00000000", "country": "GB", "notes": "Test notes contact", "locales": ["en"],
    }  # fmt: skip
    changed = await reseller.ask(
        "PATCH", f"bookings/{held['uuid']}",
        {"contact": contact, "notes": "Test note", "resellerReference": "R-9", "expirationMinutes": 60},
    )  # fmt: skip
    assert {name: changed["contact"][name] for name in contact} == contact
    assert (changed["notes"], changed["resellerReference"]) == ("Test note", "R-9")
    assert changed["utcExpiresAt"] > held["utcExpiresAt"]
    assert [one["uuid"] for one in changed["unitItems"]] == [one["uuid"] for one in held["unitItems"]]


async def test_a_name_is_put_together_from_its_parts(reseller: Reseller, slot: world.SlotWorld) -> None:
    held = await reseller.reserve(slot, contact={"firstName": "Mei", "lastName": "Wang"})
    assert held["contact"]["fullName"] == "Mei Wang"


async def test_a_change_of_what_is_confirmed_costs_its_fee_and_ends_with_its_time(db: Db, reseller: Reseller) -> None:
    first, _second = await two_times(db)
    await rule(
        db, first, minutes_before_start=600, later_kept_percent=30, change_minutes_before_start=60, change_fee_minor=500
    )
    booked = await reseller.book(first, 2)
    one, two = await ids(reseller, first)
    await reseller.ask("PATCH", f"bookings/{booked['uuid']}", {"availabilityId": two})
    assert await reseller.owed() == 2 * 6000 + 2 * 500
    clock.move(timedelta(days=1, hours=20))
    gone = await reseller.ask("PATCH", f"bookings/{booked['uuid']}", {"unitItems": [{"unitId": "adult"}]})
    assert len(gone["unitItems"]) == 1
    assert await reseller.owed() == 6000 + 2 * 500 + 1800  # thirty percent of the ticket that left are kept
    partly = await reseller.ask("POST", f"bookings/{booked['uuid']}/cancel", {})
    assert partly["cancellation"]["refund"] == "PARTIAL"
    assert await reseller.owed() == 2 * 500 + 2 * 1800
    late = await reseller.book(first)
    clock.move(timedelta(hours=3, minutes=30))
    await reseller.refused("UNPROCESSABLE_ENTITY", "PATCH", f"bookings/{late['uuid']}", {"availabilityId": two})
    assert one == late["availabilityId"]


async def test_the_houses_own_closing_gives_everything_back(db: Db, reseller: Reseller, slot: world.SlotWorld) -> None:
    await rule(db, slot, minutes_before_start=100_000)
    booked = await reseller.book(slot)
    assert not booked["cancellable"]
    await world.set_slot(db, slot, state="closed")
    assert (await reseller.ask("GET", f"bookings/{booked['uuid']}"))["cancellable"]
    gone = await reseller.ask("POST", f"bookings/{booked['uuid']}/cancel", {})
    assert gone["cancellation"]["refund"] == "FULL"
    assert await reseller.owed() == 0


# Real names


def visitor(document: str | None = None, name: str = "王小明") -> dict[str, str]:
    return {"fullName": name, "notes": document or f"cn_resident_id {world.identity_number()}"}


async def test_where_names_are_asked_for_nothing_is_confirmed_without_them(db: Db, reseller: Reseller) -> None:
    slot = await world.open_slot(db)
    held = await reseller.reserve(slot, 2)
    refusal = await reseller.refused(
        "UNPROCESSABLE_ENTITY", "POST", f"bookings/{held['uuid']}/confirm", {"contact": {}}
    )
    assert "document" in refusal["errorMessage"]
    documents = [world.identity_number(), "E12345678"]
    items = [
        {"unitId": "adult", "uuid": item["uuid"], "contact": visitor(document)}
        for item, document in zip(held["unitItems"], documents, strict=True)
    ]
    booked = await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}, "unitItems": items})
    assert {item["uuid"] for item in booked["unitItems"]} == {item["uuid"] for item in held["unitItems"]}
    assert [item["contact"]["notes"] for item in booked["unitItems"]] == [
        f"cn_resident_id ••••{documents[0][-4:]}", "passport ••••5678"
    ]  # fmt: skip
    for document in documents:
        assert document not in str(booked)
    code = booked["unitItems"][0]["ticket"]["deliveryOptions"][0]["deliveryValue"]
    assert orders.verify(code, orders.public_keys()).document_tag
    assert await world.value(db, "select count(*) from orders.travellers where live") == 2


async def test_people_stay_with_their_tickets_and_are_exchanged_one_by_one(db: Db, reseller: Reseller) -> None:
    slot = await world.open_slot(db)
    items = [{"unitId": "adult", "contact": visitor()} for _ in range(2)]
    held = await reseller.ask("POST", "bookings", await reseller.wish(slot) | {"unitItems": items})
    booked = await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}})
    as_shown = [{"unitId": "adult", "uuid": item["uuid"], "contact": item["contact"]} for item in booked["unitItems"]]
    as_shown[1]["contact"] = visitor("passport E87654321", "Ann Lee")
    changed = await reseller.ask("PATCH", f"bookings/{held['uuid']}", {"unitItems": as_shown})
    assert [item["contact"]["notes"] for item in changed["unitItems"]] == [
        booked["unitItems"][0]["contact"]["notes"], "passport ••••4321"
    ]  # fmt: skip
    other = await world.open_slot(db, starts_in=timedelta(days=4))
    moved = await reseller.ask(
        "PATCH", f"bookings/{held['uuid']}",
        {k: v for k, v in (await reseller.wish(other)).items() if k != "unitItems"},
    )  # fmt: skip
    assert [item["contact"] for item in moved["unitItems"]] == [item["contact"] for item in changed["unitItems"]]
    assert await world.value(db, "select count(*) from orders.travellers where live") == 2


async def test_a_document_is_booked_once_a_day_whoever_sells(db: Db, reseller: Reseller) -> None:
    slot = await world.open_slot(db)
    document = world.identity_number()
    mei = await world.traveller(db)
    await world.place(db, world.request(mei, world.basket(slot, visitors=[world.visitor(document=document)])))
    wish = await reseller.wish(slot) | {"unitItems": [{"unitId": "adult", "contact": visitor(document)}]}
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", wish)
    wrong = await reseller.wish(slot) | {
        "unitItems": [{"unitId": "adult", "contact": visitor("cn_resident_id 110105199001011230")}]
    }
    refusal = await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", wrong)
    assert "unitItems[0].contact.document" in refusal["errorMessage"]
    assert await world.places_left(db, slot) == 9


# What others do with a reseller's order


async def test_whoever_moves_or_ends_a_resellers_order_its_partner_gets_back_what_is_left(
    db: Db, reseller: Reseller
) -> None:
    await reseller.terms(commission_bp=1000)
    first, second = await two_times(db)
    booked = await reseller.book(first, 2)
    [order_id] = await db.read(numbers)
    number = await world.value(db, "select number from orders.orders where id = %(id)s", id=order_id)
    account = await world.value(db, "select account_id from orders.orders where id = %(id)s", id=order_id)
    async with db.reading() as tx:
        order = await orders.require(tx, account, number)
        quote = await orders.changes.quote(tx, order, second.slot_id)
    assert quote.due_minor == 0
    await orders.changes.change(db, reseller_actor(), order, orders.changes.Wish(second.slot_id, 0))
    moved = await reseller.ask("GET", f"bookings/{booked['uuid']}")
    assert {item["uuid"] for item in moved["unitItems"]} == {item["uuid"] for item in booked["unitItems"]}
    assert all(item["ticket"]["deliveryOptions"] for item in moved["unitItems"])
    assert await reseller.owed() == 2 * 5400
    two = [{"unitId": "adult", "uuid": moved["unitItems"][0]["uuid"]}, {"unitId": "adult"}]
    later = await reseller.ask("PATCH", f"bookings/{booked['uuid']}", {"unitItems": two})
    assert len(later["unitItems"]) == 2
    assert await world.places_left(db, second) == 1
    async with db.reading() as tx:
        order = await orders.require(tx, account, number)
    await orders.cancel(db, reseller_actor(), order)
    assert await reseller.owed() == 0
    gone = await reseller.ask("GET", f"bookings/{booked['uuid']}")
    assert (gone["status"], gone["cancellation"]["refund"]) == ("CANCELLED", "FULL")


async def test_whoever_takes_one_of_a_resellers_people_off_its_partner_gets_that_ticket_back(
    db: Db, reseller: Reseller
) -> None:
    slot = await world.open_slot(db)
    held = await reseller.reserve(slot, 2)
    items = [
        {"unitId": "adult", "uuid": item["uuid"], "contact": visitor(world.identity_number())}
        for item in held["unitItems"]
    ]
    path = f"bookings/{held['uuid']}"
    await reseller.ask("POST", f"{path}/confirm", {"contact": {}, "unitItems": items})
    [order_id] = await db.read(numbers)
    number = await world.value(db, "select number from orders.orders where id = %(id)s", id=order_id)
    account = await world.value(db, "select account_id from orders.orders where id = %(id)s", id=order_id)
    async with db.reading() as tx:
        order = await orders.require(tx, account, number)
    await orders.cancel(db, reseller_actor(), order, [order.travellers[0].seq])
    assert await reseller.owed() == slot.price_minor
    seen = await reseller.ask("GET", path)
    assert [item["status"] for item in seen["unitItems"]] == ["CANCELLED", "CONFIRMED"]


async def numbers(tx: ReadTx) -> list[UUID]:
    return await tx.values("select order_id from orders.resales")


def reseller_actor() -> Actor:
    return Actor("system", name="test")
