"""The walk that a conformance tool takes, over the demonstration city: every product, every day of a month, a booking's life."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import catalogue, inventory
from holdfast.kit import actor, clock
from holdfast.kit.db import Db
from tests import world

from .conftest import Reseller, fresh_uuid

pytestmark = pytest.mark.anyio
CONTACT = {
    "firstName": "John",
    "lastName": "Doe",
    "emailAddress": "johndoe@mail.com",
    "fullName": "John Doe",
    "notes": "Test note",
}


@pytest.mark.parametrize("capabilities", ["", "octo/pricing, octo/content"])
async def test_the_demonstration_city_is_sold_to_a_stranger(db: Db, reseller: Reseller, capabilities: str) -> None:
    await db.run(catalogue.apply, actor.system("demo"), catalogue.demo())
    await db.run(inventory.generate, actor.system("slots"))
    await reseller.terms(requests_per_s=10_000)
    reseller.headers["Octo-Capabilities"] = capabilities
    products = await reseller.ask("GET", "products")
    assert len(products) > 40
    today = clock.now().astimezone(world.ZONE).date()
    span = {"localDateStart": today.isoformat(), "localDateEnd": (today + timedelta(days=30)).isoformat()}
    bookable = []
    for product in products:
        body = {"productId": product["id"], "optionId": "DEFAULT", **span}
        assert len(await reseller.ask("POST", "availability/calendar", body)) == 31
        slots = await reseller.ask("POST", "availability", body)
        assert slots, product["id"]
        assert all(one["allDay"] == (product["availabilityType"] == "OPENING_HOURS") for one in slots)
        assert len({one["id"] for one in slots}) == len(slots)
        again = await reseller.ask(
            "POST",
            "availability",
            {k: v for k, v in body.items() if "Date" not in k} | {"availabilityIds": [slots[0]["id"]]},
        )
        assert [one["id"] for one in again] == [slots[0]["id"]]
        free = [one["id"] for one in slots if one["available"]]
        if product["availabilityType"] == "START_TIME" and len(free) > 1:
            bookable.append((product, free))
    (first, free), (second, other) = bookable[:2]
    unit = {"unitId": first["options"][0]["units"][0]["id"]}
    wish = {"productId": first["id"], "optionId": "DEFAULT", "availabilityId": free[0], "unitItems": [unit] * 2}
    held = await reseller.ask("POST", "bookings", wish | {"uuid": fresh_uuid()})
    longer = await reseller.ask("POST", f"bookings/{held['uuid']}/extend", {"expirationMinutes": 31})
    assert longer["utcExpiresAt"] > held["utcExpiresAt"]
    moved = await reseller.ask("PATCH", f"bookings/{held['uuid']}", {"availabilityId": free[1]})
    assert moved["availabilityId"] == free[1]
    more = {"contact": CONTACT, "resellerReference": "R-77", "unitItems": [unit] * 3}
    booked = await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", more)
    assert (booked["status"], len(booked["unitItems"])) == ("CONFIRMED", 3)
    elsewhere = await reseller.ask("POST", "bookings", wish)
    unit_there = {"unitId": second["options"][0]["units"][0]["id"]}
    became = await reseller.ask(
        "PATCH", f"bookings/{elsewhere['uuid']}",
        {"productId": second["id"], "optionId": "DEFAULT", "availabilityId": other[0], "unitItems": [unit_there]},
    )  # fmt: skip
    assert became["productId"] == second["id"]
    assert [one["uuid"] for one in await reseller.ask("GET", "bookings?resellerReference=R-77")] == [held["uuid"]]
    gone = await reseller.ask("POST", f"bookings/{held['uuid']}/cancel", {"reason": "Reason for cancellation"})
    assert gone["cancellation"]["reason"] == "Reason for cancellation"
