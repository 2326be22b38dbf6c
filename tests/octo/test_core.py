"""The core of OCTO from a reseller's side: what is on sale, what is held, confirmed, changed and given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import orders
from holdfast.kit import clock
from holdfast.kit.db import Db
from tests import world

from .conftest import Reseller, fresh_uuid, partner_of

pytestmark = pytest.mark.anyio
CONTACT = {
    "fullName": "John Doe", "firstName": "John", "lastName": "Doe", "emailAddress": "johndoe@mail.com", "notes": "Test note",
}  # fmt: skip


async def test_the_supplier_says_who_it_is(reseller: Reseller) -> None:
    found = await reseller.ask("GET", "supplier")
    assert found["endpoint"].endswith("/octo")
    assert set(found["contact"]) == {"website", "email", "telephone", "address"}


async def test_products_are_what_is_on_sale_and_each_is_found_by_its_id(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    named = await world.open_slot(db)
    listed = await reseller.ask("GET", "products")
    assert [one["id"] for one in listed] == [slot.product_id, named.product_id]  # those that ask for no names first
    one = await reseller.ask("GET", f"products/{slot.product_id}")
    assert one == listed[0]
    assert one["redemptionMethod"] == "DIGITAL"
    assert listed[1]["redemptionMethod"] == "MANIFEST"
    unit = listed[1]["options"][0]["units"][0]
    assert unit["type"] == "ADULT"
    assert unit["restrictions"]["idRequired"]
    assert unit["requiredContactFields"] == ["firstName", "lastName", "notes"]
    refusal = await reseller.refused("INVALID_PRODUCT_ID", "GET", "products/no-such")
    assert refusal["productId"] == "no-such"


async def test_a_product_with_times_has_start_times_and_one_without_is_open_all_day(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    whole = await reseller.ask("GET", f"products/{slot.product_id}")
    assert whole["availabilityType"] == "OPENING_HOURS"
    day = await reseller.availability(slot)
    assert day["allDay"]
    assert day["localDateTimeStart"].endswith("T00:00:00+08:00")
    assert day["localDateTimeEnd"].endswith("T00:00:00+08:00")
    assert len(day["openingHours"]) == 1
    await world.open_slot(db, beside=slot)
    timed = await reseller.ask("GET", f"products/{slot.product_id}")
    assert timed["availabilityType"] == "START_TIME"
    two = await reseller.ask(
        "POST",
        "availability",
        {"productId": slot.product_id, "optionId": "DEFAULT", "localDate": day["localDateTimeStart"][:10]},
    )
    assert len({one["id"] for one in two}) == 2
    assert [one["allDay"] for one in two] == [False, False]
    by_id = await reseller.ask(
        "POST",
        "availability",
        {"productId": slot.product_id, "optionId": "DEFAULT", "availabilityIds": [two[1]["id"], "nonsense"]},
    )
    assert by_id == two[1:]


async def test_availability_says_how_much_is_left(db: Db, reseller: Reseller, slot: world.SlotWorld) -> None:
    one = await reseller.availability(slot)
    assert (one["status"], one["available"], one["vacancies"], one["capacity"]) == ("AVAILABLE", True, 10, 10)
    await world.set_slot(db, slot, capacity=10)
    await reseller.terms(holds_max=10)
    await reseller.reserve(slot, 4)
    await reseller.reserve(slot, 3)
    few = await reseller.availability(slot, units=[{"id": "adult", "quantity": 2}])
    assert (few["status"], few["available"], few["vacancies"]) == ("LIMITED", True, 3)
    more = await reseller.availability(slot, units=[{"id": "adult", "quantity": 4}])
    assert not more["available"]
    await reseller.reserve(slot, 3)
    full = await reseller.availability(slot)
    assert (full["status"], full["available"], full["vacancies"]) == ("SOLD_OUT", False, 0)
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", await reseller.wish(slot))
    await world.set_slot(db, slot, state="closed")
    assert (await reseller.availability(slot))["status"] == "CLOSED"


async def test_the_calendar_has_one_object_for_each_day(reseller: Reseller, slot: world.SlotWorld) -> None:
    day = slot.starts_at.astimezone(world.ZONE).date()
    body = {
        "productId": slot.product_id, "optionId": "DEFAULT", "localDateStart": (day - timedelta(days=1)).isoformat(),
        "localDateEnd": (day + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    found = await reseller.ask("POST", "availability/calendar", body)
    assert [one["status"] for one in found] == ["CLOSED", "AVAILABLE", "CLOSED"]
    assert [one["vacancies"] for one in found] == [0, 10, 0]
    assert all(one["openingHours"] for one in found)
    for missing in ("localDateStart", "localDateEnd"):
        await reseller.refused(
            "BAD_REQUEST", "POST", "availability/calendar", {k: v for k, v in body.items() if k != missing}
        )
    await reseller.refused("INVALID_PRODUCT_ID", "POST", "availability/calendar", body | {"productId": "x"})
    await reseller.refused("INVALID_OPTION_ID", "POST", "availability/calendar", body | {"optionId": "x"})


async def test_availability_takes_exactly_one_of_day_range_and_ids(reseller: Reseller, slot: world.SlotWorld) -> None:
    day = slot.starts_at.astimezone(world.ZONE).date().isoformat()
    body = {"productId": slot.product_id, "optionId": "DEFAULT"}
    span = {"localDateStart": day, "localDateEnd": day}
    assert len(await reseller.ask("POST", "availability", body | span)) == 1
    for wrong in (
        {}, span | {"availabilityIds": ["x"]}, span | {"localDate": day}, {"localDateStart": day},
        {"localDate": "01.12.2026"}, {"localDateStart": day, "localDateEnd": "2026-01-01"}, {"localDate": day, "units": [{"id": "x", "quantity": 1}]},
        {"localDate": day, "currency": "XXX"}, {"localDate": day, "units": "many"}, {"localDate": 5},
    ):  # fmt: skip
        await reseller.refused("BAD_REQUEST", "POST", "availability", body | wrong)
    assert (await reseller.refused("INVALID_PRODUCT_ID", "POST", "availability", {"productId": "x", "localDate": day}))[
        "productId"
    ] == "x"
    assert (
        await reseller.refused("INVALID_OPTION_ID", "POST", "availability", body | {"optionId": "x", "localDate": day})
    )["optionId"] == "x"


async def test_a_reservation_is_held_with_its_own_time_and_all_keys(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    wish = await reseller.wish(
        slot, 2, expirationMinutes=20, notes="by the window", resellerReference="R-1", contact=CONTACT
    )
    held = await reseller.ask("POST", "bookings", wish)
    assert held["status"] == "ON_HOLD"
    assert held["utcExpiresAt"] > held["utcCreatedAt"]
    assert [held[key] for key in ("utcConfirmedAt", "utcRedeemedAt", "cancellation", "voucher")] == [None] * 4
    assert held["notes"] == "by the window"
    assert held["resellerReference"] == "R-1"
    assert held["contact"]["fullName"] == "John Doe"
    assert held["contact"]["locales"] == []
    assert held["availabilityId"] == held["availability"]["id"] == wish["availabilityId"]
    assert held["product"]["id"] == held["productId"] == slot.product_id
    assert len({item["uuid"] for item in held["unitItems"]}) == 2
    assert all(item["ticket"]["deliveryOptions"] == [] for item in held["unitItems"])
    assert await world.places_left(db, slot) == 8
    assert await reseller.ask("GET", f"bookings/{held['uuid']}") == held


async def test_what_is_wrong_with_a_reservation_is_said_in_order(reseller: Reseller, slot: world.SlotWorld) -> None:
    good = await reseller.wish(slot)
    wrong = {"productId": "p", "optionId": "o", "availabilityId": "a", "unitItems": []}
    assert (await reseller.refused("INVALID_PRODUCT_ID", "POST", "bookings", wrong))["productId"] == "p"
    wrong["productId"] = good["productId"]
    assert (await reseller.refused("INVALID_OPTION_ID", "POST", "bookings", wrong))["optionId"] == "o"
    wrong["optionId"] = good["optionId"]
    assert (await reseller.refused("INVALID_AVAILABILITY_ID", "POST", "bookings", wrong))["availabilityId"] == "a"
    wrong["availabilityId"] = good["availabilityId"]
    wrong["unitItems"] = [{"unitId": "u"}]
    assert (await reseller.refused("INVALID_UNIT_ID", "POST", "bookings", wrong))["unitId"] == "u"
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", wrong | {"unitItems": []})
    await reseller.refused(
        "UNPROCESSABLE_ENTITY", "POST", "bookings", {k: v for k, v in wrong.items() if k != "unitItems"}
    )
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", wrong | {"unitItems": good["unitItems"] * 6})
    await reseller.refused("INVALID_PRODUCT_ID", "POST", "bookings", {})
    for shape in ({"unitItems": "two"}, {"uuid": "not-a-uuid"}, {"expirationMinutes": "soon"}, {"productId": 7}, {"contact": "me"},
                  {"contact": {"emailAddress": "nobody"}}, {"notes": "a\0b"}):  # fmt: skip
        await reseller.refused("BAD_REQUEST", "POST", "bookings", good | shape)
    for raw in (b"", b"[1]", b"{", b"\xff"):
        answer = await reseller.client.post("/octo/bookings", content=raw, headers=reseller.headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "BAD_REQUEST")


async def test_a_confirmed_booking_has_a_ticket_for_each_person_that_a_gate_knows(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    held = await reseller.reserve(slot, 2)
    body = {"contact": CONTACT, "resellerReference": "R-2"}
    booked = await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", body)
    assert booked["status"] == "CONFIRMED"
    assert booked["utcExpiresAt"] is None
    assert booked["utcConfirmedAt"]
    assert booked["resellerReference"] == "R-2"
    assert booked["contact"]["emailAddress"] == "johndoe@mail.com"
    codes = [item["ticket"]["deliveryOptions"][0]["deliveryValue"] for item in booked["unitItems"]]
    assert len(set(codes)) == 2
    for code in codes:
        admission = orders.verify(code, orders.public_keys())
        assert (admission.admits, admission.venue_id) == (1, slot.venue_id)
        assert not await db.read(orders.is_void, admission)
    assert await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", body) == booked
    assert await reseller.owed() == 2 * slot.price_minor
    assert await orders.audit.look(db) == {}


async def test_unit_items_of_a_confirmation_replace_the_whole_set(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    held = await reseller.reserve(slot, 2)
    kept = held["unitItems"][0]["uuid"]
    items = [{"unitId": "adult", "uuid": kept}, {"unitId": "adult"}, {"unitId": "adult"}]
    booked = await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}, "unitItems": items})
    assert len(booked["unitItems"]) == 3
    assert kept in {item["uuid"] for item in booked["unitItems"]}
    assert held["unitItems"][1]["uuid"] not in {item["uuid"] for item in booked["unitItems"]}
    assert await world.places_left(db, slot) == 7
    assert await reseller.owed() == 3 * slot.price_minor
    other = await reseller.reserve(slot, 3)
    fewer = {"contact": {}, "unitItems": [{"unitId": "adult"}]}
    await reseller.refused(
        "INVALID_UNIT_ID", "POST", f"bookings/{other['uuid']}/confirm", {"contact": {}, "unitItems": [{"unitId": "x"}]}
    )
    await reseller.refused(
        "UNPROCESSABLE_ENTITY", "POST", f"bookings/{other['uuid']}/confirm", {"contact": {}, "unitItems": []}
    )
    await reseller.ask("POST", f"bookings/{other['uuid']}/confirm", fewer)
    assert await world.places_left(db, slot) == 6


async def test_a_confirmation_needs_a_contact_and_a_hold_that_is_there(
    reseller: Reseller, slot: world.SlotWorld
) -> None:
    held = await reseller.reserve(slot)
    await reseller.refused("BAD_REQUEST", "POST", f"bookings/{held['uuid']}/confirm", {})
    for verb, body in (("confirm", {"contact": {}}), ("extend", {}), ("cancel", {})):
        for uuid in ("invalidUUID", fresh_uuid()):
            found = await reseller.refused("INVALID_BOOKING_UUID", "POST", f"bookings/{uuid}/{verb}", body)
            assert found["uuid"] == uuid
    for method in ("GET", "PATCH", "DELETE"):
        await reseller_refused_everywhere(reseller, method)


async def reseller_refused_everywhere(reseller: Reseller, method: str) -> None:
    answer = await reseller.send(method, "bookings/invalidUUID", {} if method != "GET" else None)
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_BOOKING_UUID")


async def test_a_hold_that_ran_out_is_expired_and_never_confirmed(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    held = await reseller.reserve(slot, 2, expirationMinutes=5)
    clock.move(timedelta(minutes=6))
    seen = await reseller.ask("GET", f"bookings/{held['uuid']}")  # before any job has looked
    assert seen["status"] == "EXPIRED"
    assert seen["utcExpiresAt"] == held["utcExpiresAt"]
    assert not seen["cancellable"]
    for verb, body in (("confirm", {"contact": {}}), ("extend", {"expirationMinutes": 30})):
        await reseller.refused("INVALID_BOOKING_UUID", "POST", f"bookings/{held['uuid']}/{verb}", body)
    from holdfast.orders import expiry

    await expiry.sweep(db)
    assert await world.places_left(db, slot) == 10
    assert (await reseller.ask("GET", f"bookings/{held['uuid']}"))["status"] == "EXPIRED"
    await reseller.refused("INVALID_BOOKING_UUID", "POST", f"bookings/{held['uuid']}/confirm", {"contact": {}})


async def test_an_extension_makes_a_hold_longer_within_its_bounds(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    held = await reseller.reserve(slot)
    longer = await reseller.ask("POST", f"bookings/{held['uuid']}/extend", {"expirationMinutes": 31})
    assert longer["utcExpiresAt"] > held["utcExpiresAt"]
    once_more = await reseller.ask("POST", f"bookings/{held['uuid']}/extend", {})
    assert once_more["utcExpiresAt"] > longer["utcExpiresAt"]
    await reseller.ask("POST", f"bookings/{held['uuid']}/extend", {"expirationMinutes": 100_000})
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", f"bookings/{held['uuid']}/extend", {"expirationMinutes": 31})
    clock.move(timedelta(minutes=200))
    booked = await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}})
    assert booked["status"] == "CONFIRMED"
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", f"bookings/{held['uuid']}/extend", {})


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("confirmed", [False, True])
async def test_a_booking_is_given_up(
    db: Db, reseller: Reseller, slot: world.SlotWorld, method: str, confirmed: bool
) -> None:
    one = await (reseller.book if confirmed else reseller.reserve)(slot, 2)
    path = f"bookings/{one['uuid']}/cancel" if method == "POST" else f"bookings/{one['uuid']}"
    answer = await reseller.send(method, path, {"reason": "rain"})
    gone = answer.json()
    assert gone["status"] == "CANCELLED"
    assert gone["cancellation"]["refund"] == "FULL"
    assert gone["cancellation"]["reason"] == "rain"
    assert gone["utcExpiresAt"] is None
    assert not gone["cancellable"]
    assert await world.places_left(db, slot) == 10
    assert await reseller.owed() == 0
    assert (await reseller.ask("GET", f"bookings/{one['uuid']}")) == gone
    again = (await reseller.send("POST", f"bookings/{one['uuid']}/cancel", {"reason": "other"})).json()
    assert again["cancellation"]["reason"] == "rain"
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", f"bookings/{one['uuid']}/confirm", {"contact": {}})
    await reseller.refused("UNPROCESSABLE_ENTITY", "PATCH", f"bookings/{one['uuid']}", {"notes": "too late"})


async def test_after_the_cut_off_only_force_gives_a_booking_up_and_nothing_comes_back(
    db: Db, reseller: Reseller
) -> None:
    slot = await world.open_slot(db, real_name=False, once_per_document=False, starts_in=timedelta(hours=1))
    booked = await reseller.book(slot)
    assert booked["cancellable"]
    clock.move(timedelta(hours=1, minutes=10))
    assert not (await reseller.ask("GET", f"bookings/{booked['uuid']}"))["cancellable"]
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", f"bookings/{booked['uuid']}/cancel", {})
    gone = await reseller.ask("POST", f"bookings/{booked['uuid']}/cancel", {"force": True})
    assert gone["cancellation"]["refund"] == "NONE"
    assert await reseller.owed() == slot.price_minor


async def test_bookings_are_found_by_references_and_days_and_only_ones_own(
    db: Db, reseller: Reseller, slot: world.SlotWorld
) -> None:
    booked = await reseller.reserve(slot, resellerReference="ref 7")
    day = slot.starts_at.astimezone(world.ZONE).date().isoformat()
    for query in (
        "resellerReference=ref%207", f"supplierReference={booked['supplierReference']}", f"localDate={day}",
        f"localDateStart={day}&localDateEnd={day}", f"localDate={day}&productId={slot.product_id}&optionId=DEFAULT",
    ):  # fmt: skip
        assert await reseller.ask("GET", f"bookings?{query}") == [booked], query
    for query in ("resellerReference=other", "supplierReference=nonsense", "localDate=2026-01-01", f"localDate={day}&productId=x",
                  f"localDate={day}&optionId=x"):  # fmt: skip
        assert await reseller.ask("GET", f"bookings?{query}") == [], query
    for query in ("", "productId=x", f"localDateStart={day}", "localDate=today"):
        await reseller.refused("BAD_REQUEST", "GET", f"bookings?{query}")
    other = Reseller(reseller.client, db, *await partner_of(db))
    assert await other.ask("GET", "bookings?resellerReference=ref%207") == []
    await other.refused("INVALID_BOOKING_UUID", "GET", f"bookings/{booked['uuid']}")
    await other.refused("INVALID_BOOKING_UUID", "POST", f"bookings/{booked['uuid']}/cancel", {})


async def test_a_free_product_is_held_first_and_expires_like_any(db: Db, reseller: Reseller) -> None:
    slot = await world.open_slot(db, price_minor=0, real_name=False, once_per_document=False)
    held = await reseller.reserve(slot, 2)
    assert held["status"] == "ON_HOLD"
    assert (await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}}))["status"] == "CONFIRMED"
    await reseller.reserve(slot, 2, expirationMinutes=1)
    clock.move(timedelta(minutes=2))
    from holdfast.orders import expiry

    await expiry.sweep(db)
    assert await world.places_left(db, slot) == 8
