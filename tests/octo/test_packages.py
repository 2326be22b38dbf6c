"""Packages (octo/packages): cards sold by resellers, with visits chosen before or after they are bought; all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from holdfast import catalogue, inventory, orders, passes
from holdfast.kit import clock, faults, jobs
from holdfast.kit.db import Db, Tx
from tests import cards, world

from .conftest import TEST, Reseller, fresh_uuid, partner_of

pytestmark = pytest.mark.anyio
PACKAGES = "octo/packages"


@pytest.fixture(autouse=True)
async def knows_packages(reseller: Reseller) -> None:
    reseller.headers["Octo-Capabilities"] = PACKAGES


async def sights(db: Db, count: int = 3, **given: Any) -> list[world.SlotWorld]:
    return [await world.open_slot(db, starts_in=cards.starts(1 + n), **given) for n in range(count)]


def person() -> dict[str, Any]:
    """A contact that names a visitor and the document."""
    one = world.visitor()
    return {"fullName": one.name, "notes": f"{one.document_type} {one.document}"}


async def sale_day(reseller: Reseller, product_id: str) -> str:
    today = clock.now().astimezone(world.ZONE).date().isoformat()
    body = {"productId": product_id, "optionId": "DEFAULT", "localDate": today}
    found = await reseller.ask("POST", "availability", body)
    return str(found[0]["id"])


async def visit(reseller: Reseller, slot: world.SlotWorld, **more: Any) -> dict[str, Any]:
    """A package booking of a slot."""
    one = await reseller.availability(slot)
    return {"packageIncludeId": slot.product_id, "availabilityId": one["id"], **more}


async def wish(
    reseller: Reseller, card: passes.CardProduct, slots: Sequence[world.SlotWorld] = (), people: int = 1, **more: Any
) -> dict[str, Any]:
    """The body that reserves a package for new people, with visits of these slots."""
    return {
        "productId": card.id, "optionId": "DEFAULT", "availabilityId": await sale_day(reseller, card.id),
        "unitItems": [{"unitId": "card", "contact": person()} for _ in range(people)],
        "packageBookings": [await visit(reseller, slot) for slot in slots], **more,
    }  # fmt: skip


async def book(
    reseller: Reseller, card: passes.CardProduct, slots: Sequence[world.SlotWorld] = (), people: int = 1, **more: Any
) -> Any:
    held = await reseller.ask("POST", "bookings", await wish(reseller, card, slots, people, **more))
    return await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}})


async def left(db: Db, slots: Sequence[world.SlotWorld]) -> list[int]:
    return [await world.places_left(db, slot) for slot in slots]


async def card_of(db: Db, booking: dict[str, Any], nth: int = 0) -> passes.Card:
    """The card whose number a ticket of a package bears."""
    return await db.read(passes.cards.by_number, code_of(booking, nth))


def code_of(booking: dict[str, Any], nth: int = 0) -> str:
    return str(booking["unitItems"][nth]["ticket"]["deliveryOptions"][0]["deliveryValue"])


async def test_cards_are_shown_as_packages_to_those_alone_who_know_them(db: Db, reseller: Reseller) -> None:
    slots = await sights(db)
    card = await cards.on_sale(db, slots, price="99")
    found = {one["id"]: one for one in await reseller.ask("GET", "products")}
    assert found[card.id]["isPackage"]
    assert not found[slots[0].product_id]["isPackage"]
    assert "packageIncludes" not in found[slots[0].product_id]["options"][0]
    [option] = found[card.id]["options"]
    [group] = option["packageIncludes"]
    assert (group["title"], group["count"]) == ("Included", 3)
    assert [one["id"] for one in group["includes"]] == [slot.product_id for slot in slots]
    for one in group["includes"]:
        assert (one["required"], one["limit"], one["validityDays"], one["optionId"]) == (True, 1, 30, "DEFAULT")
        assert one["product"]["id"] == one["productId"]
        assert one["option"] == one["product"]["options"][0]
        assert "packageIncludes" not in one["option"]
    assert {one["id"] for one in await reseller.ask("GET", "capabilities")} >= {PACKAGES}
    without = {"Octo_Capabilities": "octo/pricing"}
    plain = await reseller.ask("GET", "products", **without)
    assert card.id not in {one["id"] for one in plain}
    assert not any("isPackage" in one for one in plain)
    await reseller.refused("INVALID_PRODUCT_ID", "GET", f"products/{card.id}", **without)
    body = await wish(reseller, card)
    await reseller.refused("INVALID_PRODUCT_ID", "POST", "bookings", body, **without)


async def test_what_is_to_be_chosen_stands_in_groups_of_its_own(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 5)
    rules = {"model": "n_of_m", "counters": {"choice": 2}}
    choice = {n: {"counters": ["choice"]} for n in range(4)}
    card = await cards.on_sale(db, slots, items={**choice, 4: {"extra": True, "optional": True}}, **rules)
    found = await reseller.ask("GET", f"products/{card.id}")
    groups = found["options"][0]["packageIncludes"]
    assert [(group["title"], group["count"], len(group["includes"])) for group in groups] == [
        ("Included", 1, 1), ("Choose 2 of 4", 2, 4)
    ]  # fmt: skip
    assert not any(one["required"] for group in groups for one in group["includes"])
    chinese = await reseller.ask("GET", f"products/{card.id}", Accept_Language="zh")
    assert chinese["options"][0]["packageIncludes"][1]["title"] == "4 选 2"
    three = await wish(reseller, card, slots[:3])
    refusal = await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", three)
    assert "More than 2 were chosen of: Choose 2 of 4" in refusal["errorMessage"]
    booked = await book(reseller, card, [*slots[:2], slots[4]])
    assert len(booked["packageBookings"]) == 3


async def test_a_year_card_counts_its_visits_together(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 2)
    year = {"kind": "calendar_days_from_activation", "days": 365, "activate_within_days": 90}
    card = await cards.on_sale(
        db, slots, uses=None, model="unlimited", counters={"all": 100}, validity=year,
        items={n: {"per_day": 1, "counters": ["all"]} for n in range(2)},
    )  # fmt: skip
    [group] = (await reseller.ask("GET", f"products/{card.id}"))["options"][0]["packageIncludes"]
    assert (group["title"], group["count"]) == ("Up to 100 visits", 100)
    assert {(one["limit"], one["validityDays"], one["required"]) for one in group["includes"]} == {(100, 365, False)}
    twice = await wish(reseller, card, [slots[0], slots[0]])
    refusal = await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", twice)
    assert "times a day" in refusal["errorMessage"]
    booked = await book(reseller, card, slots)
    assert (await card_of(db, booked)).state is passes.CardState.ACTIVE
    assert [await world.places_left(db, slot) for slot in slots] == [9, 9]


async def test_a_package_is_held_confirmed_used_chosen_later_and_given_up(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 4)
    card = await cards.on_sale(db, slots, price="100")
    await reseller.terms(commission_bp=1000)
    held = await reseller.ask("POST", "bookings", await wish(reseller, card, slots[:3], resellerReference="P-1"))
    assert held["status"] == "ON_HOLD"
    assert [one["status"] for one in held["packageBookings"]] == ["ON_HOLD"] * 3
    assert [one["packageIncludeId"] for one in held["packageBookings"]] == [slot.product_id for slot in slots[:3]]
    for one in held["packageBookings"]:
        assert [(item["uuid"], item["unitId"]) for item in one["unitItems"]] == [
            (item["uuid"], item["unitId"]) for item in held["unitItems"]
        ]
    assert await left(db, slots) == [9, 9, 9, 10]
    assert await reseller.owed() == 0
    booked = await reseller.ask(
        "POST", f"bookings/{held['uuid']}/confirm", {"contact": {}}, Octo_Capabilities="octo/packages, octo/pricing"
    )
    assert await reseller.owed() == 9000
    assert (booked["status"], booked["pricing"]["net"], booked["pricing"]["retail"]) == ("CONFIRMED", 9000, 10000)
    assert {one["pricing"]["net"] for one in booked["packageBookings"]} == {0}
    mine = await card_of(db, booked)
    assert (mine.state, mine.row.paid_minor, len(mine.uses)) == (passes.CardState.ACTIVE, 9000, 3)
    first = booked["packageBookings"][0]
    assert code_of(first).startswith("HF1.")
    gate = Reseller(reseller.client, db, *await partner_of(db))
    await gate.terms(redeem_venues=[slot.venue_id for slot in slots])
    gate.headers["Octo-Capabilities"] = "octo/redemption, octo/packages"
    for number in (booked["supplierReference"], code_of(booked)):
        seen = (await gate.send("GET", f"redemption/lookup?reference={number}")).json()
        assert [(one["redemptionCode"], one["redeemable"]) for one in seen] == [
            (one["supplierReference"], True) for one in booked["packageBookings"]
        ]
    clock.move(slots[0].starts_at - clock.now())
    several = await gate.send("POST", "redemption/redeem", {"redemptionCode": booked["supplierReference"]})
    assert several.json()["error"] == "UNPROCESSABLE_ENTITY"
    used = await gate.send("POST", "redemption/redeem", {"redemptionCode": seen[0]["redemptionCode"]})
    assert (used.json()["status"], used.json()["uuid"]) == ("REDEEMED", first["uuid"]), used.text
    await jobs.drain(db)
    path = f"bookings/{booked['uuid']}"
    changed = await reseller.ask("PATCH", path, {"packageBookings": [await visit(reseller, slots[3])]})
    assert [one["status"] for one in changed["packageBookings"]] == ["REDEEMED", *["CONFIRMED"] * 3]
    assert await left(db, slots) == [9, 9, 9, 9]
    assert [str(use.state) for use in (await card_of(db, booked)).uses] == ["used", "held", "held", "held"]
    assert [one["uuid"] for one in await reseller.ask("GET", "bookings?resellerReference=P-1")] == [booked["uuid"]]
    number = changed["packageBookings"][3]["supplierReference"]
    assert [one["uuid"] for one in await reseller.ask("GET", f"bookings?supplierReference={number}")] == [
        booked["uuid"]
    ]
    gone = await reseller.ask("POST", f"{path}/cancel", {})
    assert (gone["status"], gone["cancellation"]["refund"]) == ("CANCELLED", "PARTIAL")
    assert [one["status"] for one in gone["packageBookings"]] == ["REDEEMED", *["CANCELLED"] * 3]
    assert await left(db, slots) == [9, 10, 10, 10]
    mine = await db.read(passes.cards.by_number, mine.number)
    assert mine.state is passes.CardState.REFUNDED
    kept = (await db.read(passes.cards.refund_of, mine)).used_minor
    assert kept == 9000  # of a card that was given back nothing is left to give
    assert await reseller.owed() == 9000 * 6000 // 24000


async def test_visits_may_all_be_chosen_after_the_purchase_and_the_first_begins_the_days(
    db: Db, reseller: Reseller
) -> None:
    slots = await sights(db)
    card = await cards.on_sale(db, slots, validity={"kind": "fixed_window", "days": 5, "activate_within_days": 30})
    booked = await book(reseller, card)
    assert booked["packageBookings"] == []
    assert (await card_of(db, booked)).state is passes.CardState.ISSUED
    path = f"bookings/{booked['uuid']}"
    later = await reseller.ask("PATCH", path, {"packageBookings": [await visit(reseller, slot) for slot in slots[1:]]})
    assert [one["status"] for one in later["packageBookings"]] == ["CONFIRMED"] * 2
    mine = await card_of(db, booked)
    assert mine.row.valid_from == slots[1].starts_at.astimezone(world.ZONE).date()
    early = {"packageBookings": [await visit(reseller, slots[0])]}
    refusal = await reseller.refused("UNPROCESSABLE_ENTITY", "PATCH", path, early)
    assert "packageBookings[0]" in refusal["errorMessage"]
    assert "The card begins on" in refusal["errorMessage"]
    assert await left(db, slots) == [10, 9, 9]


async def test_one_visit_is_looked_at_gets_another_time_and_is_given_back(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 2)
    card = await cards.on_sale(db, slots)
    other = await after(db, slots[0])
    booked = await book(reseller, card, slots[:1])
    [one] = booked["packageBookings"]
    assert (await reseller.ask("GET", f"bookings/{one['uuid']}"))["packageIncludeId"] == slots[0].product_id
    there = (await reseller.availability(other))["id"]
    again = {"packageBookings": [{"uuid": one["uuid"], "availabilityId": there, "resellerReference": "V"}]}
    for _ in range(2):
        moved = await reseller.ask("PATCH", f"bookings/{booked['uuid']}", again)
        [now] = moved["packageBookings"]
        assert (now["uuid"], now["availabilityId"], now["resellerReference"]) == (one["uuid"], there, "V")
        assert code_of(now) != code_of(one)
    assert await left(db, [slots[0], other]) == [10, 9]
    back = await reseller.ask("PATCH", f"bookings/{one['uuid']}", {"availabilityId": one["availabilityId"]})
    assert back["availabilityId"] == one["availabilityId"]
    assert await left(db, [slots[0], other]) == [9, 10]
    for _ in range(2):
        gone = await reseller.ask("POST", f"bookings/{one['uuid']}/cancel", {})
        assert (gone["status"], gone["cancellation"]["refund"]) == ("CANCELLED", "FULL")
    assert await left(db, [slots[0], other]) == [10, 10]
    assert (await card_of(db, booked)).live == []
    chosen = await reseller.ask(
        "PATCH", f"bookings/{booked['uuid']}", {"packageBookings": [await visit(reseller, slots[0])]}
    )
    assert [one["status"] for one in chosen["packageBookings"]] == ["CANCELLED", "CONFIRMED"]
    await reseller.refused("UNPROCESSABLE_ENTITY", "PATCH", f"bookings/{booked['uuid']}", again)


async def after(db: Db, slot: world.SlotWorld) -> world.SlotWorld:
    """The same sight, three days later, as the timetable has made it."""
    starts_at = slot.starts_at + timedelta(days=3)
    sql = "select id from inventory.slots where product_id = %(product)s and starts_at = %(at)s"
    slot_id = await world.value(db, sql, product=slot.product_id, at=starts_at)
    return msgspec.structs.replace(slot, slot_id=slot_id, starts_at=starts_at)


async def test_while_it_is_held_people_times_and_visits_change_and_it_is_held_longer(
    db: Db, reseller: Reseller
) -> None:
    slots = await sights(db)
    card = await cards.on_sale(db, slots)
    other = await after(db, slots[0])
    held = await reseller.ask("POST", "bookings", await wish(reseller, card, slots[:1]))
    path = f"bookings/{held['uuid']}"
    [one] = held["packageBookings"]
    there = (await reseller.availability(other))["id"]
    changes = [{"uuid": one["uuid"], "availabilityId": there}, await visit(reseller, slots[1])]
    people = [{"uuid": held["unitItems"][0]["uuid"], "unitId": "card"}, {"unitId": "card", "contact": person()}]
    now = await reseller.ask("PATCH", path, {"packageBookings": changes, "unitItems": people})
    assert [len(each["unitItems"]) for each in now["packageBookings"]] == [2, 2]
    assert await left(db, [*slots, other]) == [10, 8, 10, 8]
    longer = await reseller.ask("POST", f"{path}/extend", {"expirationMinutes": 90})
    assert {each["utcExpiresAt"] for each in longer["packageBookings"]} == {longer["utcExpiresAt"]}
    clock.move(timedelta(minutes=60))
    await orders.expiry.sweep(db)
    more = {"contact": {}, "packageBookings": [await visit(reseller, slots[2])]}
    booked = await reseller.ask("POST", f"{path}/confirm", more)
    assert [each["status"] for each in booked["packageBookings"]] == ["CONFIRMED"] * 3
    assert await left(db, [*slots, other]) == [10, 8, 8, 8]
    assert len({(await card_of(db, booked, n)).number for n in range(2)}) == 2
    codes = {code_of(each, n) for each in booked["packageBookings"] for n in range(2)}
    assert len(codes) == 6
    fixed = [
        {"unitItems": people[:1]}, {"unitItems": [{"unitId": "card", "contact": person()}] * 2},
        {"unitItems": [{"uuid": each["uuid"], "unitId": "card", "contact": person()} for each in booked["unitItems"]]},
        {"productId": slots[0].product_id, "optionId": "DEFAULT", "availabilityId": one["availabilityId"],
         "unitItems": [{"unitId": "adult"}]},
    ]  # fmt: skip
    for body in fixed:
        await reseller.refused("UNPROCESSABLE_ENTITY", "PATCH", path, body)
    same = [{"uuid": each["uuid"], "unitId": "card"} for each in booked["unitItems"]]
    named = await reseller.ask("PATCH", path, {"unitItems": same, "notes": "n", "resellerReference": "R"})
    assert (named["notes"], named["resellerReference"]) == ("n", "R")


async def test_a_family_comes_on_one_card_with_a_code_each_where_names_are_asked_for(
    db: Db, reseller: Reseller
) -> None:
    named, unnamed = await sights(db, 1), await sights(db, 1, real_name=False, once_per_document=False)
    [room] = await sights(db, 1, real_name=False, once_per_document=False)
    slots = [*named, *unnamed, room]
    card = await cards.on_sale(db, slots, items={2: {"unit": "night"}}, party={"adults": 2, "children_max": 1})
    shown = (await reseller.ask("GET", f"products/{card.id}"))["options"][0]["units"]
    assert [(unit["id"], unit["type"], unit["restrictions"]["accompaniedBy"]) for unit in shown] == [
        ("card", "OTHER", []), ("companion", "OTHER", ["card"]), ("companion-child", "CHILD", ["card"])
    ]  # fmt: skip
    units = ["companion-child", "card", "companion"]
    body = await wish(reseller, card, slots)
    body["unitItems"] = [{"unitId": unit, "contact": person()} for unit in units]
    held = await reseller.ask("POST", "bookings", body)
    assert await left(db, slots) == [7, 7, 9]
    booked = await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}})
    first, second, _night = booked["packageBookings"]
    assert len({code_of(first, n) for n in range(3)}) == 3
    assert len({code_of(second, n) for n in range(3)}) == 1
    assert len({code_of(booked, n) for n in range(3)}) == 1
    assert len((await card_of(db, booked)).people) == 3
    gate = Reseller(reseller.client, db, *await partner_of(db))
    await gate.terms(redeem_venues=[slot.venue_id for slot in slots])
    clock.move(slots[0].starts_at - clock.now())
    one = await gate.send("POST", "redemption/redeem", {"redemptionCode": code_of(first, 1)})
    assert [item["status"] for item in one.json()["unitItems"]] == ["CONFIRMED", "REDEEMED", "CONFIRMED"], one.text
    rest = await gate.send("POST", "redemption/redeem", {"redemptionCode": first["supplierReference"]})
    assert rest.json()["status"] == "REDEEMED"
    whole = await gate.send("POST", "redemption/redeem", {"redemptionCode": code_of(second)})
    assert whole.json()["status"] == "REDEEMED"
    back = await gate.send("DELETE", "redemption/redeem", {"redemptionCode": code_of(second)})
    assert back.json()["status"] == "CONFIRMED"
    body["unitItems"] = [{"unitId": "card"}, *[{"unitId": "companion"}] * 2]
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", body | {"packageBookings": []})


async def test_with_one_house_full_nothing_is_held_and_the_last_place_is_sold_once(db: Db, reseller: Reseller) -> None:
    slots = [*await sights(db, 2), await world.open_slot(db, places=1, starts_in=cards.starts(3))]
    card = await cards.on_sale(db, slots, a_day=50)
    two = await wish(reseller, card, slots, people=2, uuid=fresh_uuid())
    refusal = await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", two)
    assert "Places left: 1." in refusal["errorMessage"]
    await reseller.refused("INVALID_BOOKING_UUID", "GET", f"bookings/{two['uuid']}")
    assert await left(db, slots) == [10, 10, 1]
    others = [Reseller(reseller.client, db, *await partner_of(db)) for _ in range(2)]
    for one in others:
        one.headers["Octo-Capabilities"] = PACKAGES
    wishes = [await wish(reseller, card, slots) for _ in range(12)]

    async def once(n: int) -> int:
        one = [reseller, *others][n % 3]
        answer = await one.send("POST", "bookings", wishes[n])
        if answer.status_code != 200:
            assert answer.json()["error"] == "UNPROCESSABLE_ENTITY", answer.text
            return 0
        answer = await one.send("POST", f"bookings/{answer.json()['uuid']}/confirm", {"contact": {}})
        assert answer.json()["status"] == "CONFIRMED", answer.text
        return 1

    assert sum(await asyncio.gather(*(once(n) for n in range(12)))) == 1
    assert await left(db, slots) == [9, 9, 0]


async def test_a_later_choice_that_fails_leaves_the_package_as_it_was(db: Db, reseller: Reseller) -> None:
    slots = [*await sights(db, 2), await world.open_slot(db, places=1, starts_in=cards.starts(3))]
    card = await cards.on_sale(db, slots)
    booked = await book(reseller, card, slots[:1], people=2)
    path = f"bookings/{booked['uuid']}"
    both = {"packageBookings": [await visit(reseller, slot) for slot in slots[1:]]}
    await reseller.refused("UNPROCESSABLE_ENTITY", "PATCH", path, both)
    assert await left(db, slots) == [8, 10, 1]
    faults.arm(f"{orders.resale_amendments.AMENDED}=error")
    fine = {"packageBookings": both["packageBookings"][:1]}
    assert (await reseller.send("PATCH", path, fine)).json()["error"] == "INTERNAL_SERVER_ERROR"
    faults.arm("")
    assert (await reseller.ask("GET", path))["packageBookings"] == booked["packageBookings"]
    assert len((await reseller.ask("PATCH", path, fine))["packageBookings"]) == 2


async def test_what_runs_out_gives_the_card_and_every_visit_back(db: Db, reseller: Reseller) -> None:
    slots = await sights(db)
    card = await cards.on_sale(db, slots)
    held = await reseller.ask("POST", "bookings", await wish(reseller, card, slots, expirationMinutes=5))
    other = await reseller.ask("POST", "bookings", await wish(reseller, card, slots))
    assert (await reseller.ask("POST", f"bookings/{other['uuid']}/cancel", {}))["status"] == "CANCELLED"
    assert await left(db, slots) == [9, 9, 9]
    clock.move(timedelta(minutes=6))
    path = f"bookings/{held['uuid']}"
    for _ in range(2):
        await reseller.refused("INVALID_BOOKING_UUID", "POST", f"{path}/confirm", {"contact": {}})
        await reseller.refused("INVALID_BOOKING_UUID", "PATCH", path, {"packageBookings": []})
        over = await reseller.ask("GET", path)
        assert {over["status"], *(one["status"] for one in over["packageBookings"])} == {"EXPIRED"}
        await orders.expiry.sweep(db)
    assert await left(db, slots) == [10, 10, 10]
    assert await reseller.owed() == 0


async def test_the_same_uuid_is_the_same_package_with_the_same_visits(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 2)
    card = await cards.on_sale(db, slots)
    body = await wish(reseller, card, slots[:1], uuid=fresh_uuid())
    body["packageBookings"][0]["uuid"] = fresh_uuid()
    answers = await asyncio.gather(*(reseller.send("POST", "bookings", body) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await left(db, slots) == [9, 10]
    others: list[dict[str, Any]] = [
        {"packageBookings": []}, {"packageBookings": [await visit(reseller, slots[1])]},
        {"uuid": body["packageBookings"][0]["uuid"]},
    ]  # fmt: skip
    for other in others:
        await reseller.refused("INVALID_BOOKING_UUID", "POST", "bookings", body | other)
    path = f"bookings/{body['uuid']}"
    confirmed = await asyncio.gather(*(reseller.send("POST", f"{path}/confirm", {"contact": {}}) for _ in range(6)))
    assert len({answer.text for answer in confirmed}) == 1
    assert confirmed[0].json()["status"] == "CONFIRMED"
    choice = {"packageBookings": [await visit(reseller, slots[1], uuid=fresh_uuid())]}
    chosen = await asyncio.gather(*(reseller.send("PATCH", path, choice) for _ in range(6)))
    assert {answer.status_code for answer in chosen} == {200}, [answer.text for answer in chosen]
    assert await left(db, slots) == [9, 9]
    taken = await wish(reseller, card, slots[1:])
    taken["packageBookings"][0]["uuid"] = choice["packageBookings"][0]["uuid"]
    refusal = await reseller.refused("INVALID_BOOKING_UUID", "POST", "bookings", taken)
    assert refusal["uuid"] == choice["packageBookings"][0]["uuid"]


async def test_what_cannot_be_chosen_is_refused_in_the_words_of_the_standard(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 2)
    card = await cards.on_sale(db, slots)
    body = await wish(reseller, card)
    one = await visit(reseller, slots[0])
    tries: list[tuple[str, list[dict[str, Any]]]] = [
        ("BAD_REQUEST", [one | {"packageIncludeId": "nonsense"}]),
        ("BAD_REQUEST", [{"availabilityId": one["availabilityId"]}]),
        ("BAD_REQUEST", [one | {"uuid": "x"}]),
        ("INVALID_AVAILABILITY_ID", [one | {"availabilityId": "2020-01-01T00:00:00+08:00"}]),
        ("INVALID_AVAILABILITY_ID", [{"packageIncludeId": slots[0].product_id}]),
        ("INVALID_PRODUCT_ID", [one | {"productId": slots[1].product_id}]),
        ("INVALID_OPTION_ID", [one | {"optionId": "other"}]),
        ("UNPROCESSABLE_ENTITY", [one | {"unitItems": [{"unitId": "card"}] * 2}]),
        ("UNPROCESSABLE_ENTITY", [one, one]),
    ]
    for code, chosen in tries:
        await reseller.refused(code, "POST", "bookings", body | {"packageBookings": chosen})
    twice = await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", body | {"packageBookings": [one, one]})
    assert "packageBookings[1]: This one may be chosen 1 times." in twice["errorMessage"]
    plain = await reseller.wish(slots[0])
    await reseller.refused("BAD_REQUEST", "POST", "bookings", plain | {"packageBookings": [one]})
    await reseller.terms(places_per_slot=1)
    two = await wish(reseller, card, slots[:1], people=2)
    refusal = await reseller.refused("UNPROCESSABLE_ENTITY", "POST", "bookings", two)
    assert "as many places in this slot as your terms allow" in refusal["errorMessage"]
    await reseller.terms(places_per_slot=None)
    same = await reseller.ask(
        "POST", "bookings", body | {"packageBookings": [one | {"unitItems": [{"unitId": "card"}]}]}
    )
    nameless = body | {"unitItems": [{"unitId": "card"}], "packageBookings": [one]}
    held = await reseller.ask("POST", "bookings", nameless)
    path = f"bookings/{held['uuid']}/confirm"
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", path, {"contact": {}})
    await reseller.ask("POST", f"bookings/{same['uuid']}/confirm", {"contact": {}})
    again = [{"uuid": held["unitItems"][0]["uuid"], "unitId": "card", "contact": body["unitItems"][0]["contact"]}]
    refusal = await reseller.refused("UNPROCESSABLE_ENTITY", "POST", path, {"contact": {}, "unitItems": again})
    assert "document" in refusal["errorMessage"]  # of this person there is a visit that day
    assert (await reseller.ask("GET", f"bookings/{held['uuid']}"))["status"] == "ON_HOLD"
    assert await left(db, slots) == [8, 10]


async def test_what_has_begun_or_was_used_stands_in_the_way_of_giving_up(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 1)
    card = await cards.on_sale(db, slots)
    booked = await book(reseller, card, slots)
    [one] = booked["packageBookings"]
    clock.move(slots[0].starts_at - clock.now() + timedelta(minutes=1))
    for uuid in (booked["uuid"], one["uuid"]):
        await reseller.refused("UNPROCESSABLE_ENTITY", "POST", f"bookings/{uuid}/cancel", {})
    clock.move(timedelta(hours=5))
    await cards.over(db)
    used_up = await reseller.ask("GET", f"bookings/{booked['uuid']}")
    assert (used_up["status"], used_up["cancellable"]) == ("REDEEMED", False)
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", f"bookings/{booked['uuid']}/cancel", {})
    assert await reseller.owed() == 10000


async def test_a_trial_holds_nothing_and_looks_like_the_real_thing(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 2)
    card = await cards.on_sale(db, slots)
    reseller.headers["Octo-Env"] = "test"
    booked = await book(reseller, card, slots[:1])
    assert booked["testMode"]
    assert [one["status"] for one in booked["packageBookings"]] == ["CONFIRMED"]
    assert code_of(booked["packageBookings"][0]).startswith("TEST-")
    path = f"bookings/{booked['uuid']}"
    more = await reseller.ask("PATCH", path, {"packageBookings": [await visit(reseller, slots[1])]})
    uuid = more["packageBookings"][1]["uuid"]
    assert (await reseller.ask("POST", f"bookings/{uuid}/cancel", {}))["status"] == "CANCELLED"
    gone = await reseller.ask("POST", f"{path}/cancel", {})
    assert {gone["status"], *(one["status"] for one in gone["packageBookings"])} == {"CANCELLED"}
    assert await left(db, slots) == [10, 10]
    assert await reseller.owed() == 0


async def test_who_may_sell_the_card_alone_sees_the_times_of_what_is_in_it(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 1)
    card = await cards.on_sale(db, slots)
    await reseller.terms(product_ids=[card.id])
    assert [one["id"] for one in await reseller.ask("GET", "products")] == [card.id]
    booked = await book(reseller, card, slots)
    assert len(booked["packageBookings"]) == 1
    alone = await reseller.wish(slots[0])
    await reseller.refused("INVALID_PRODUCT_ID", "POST", "bookings", alone)
    elsewhere = await world.open_slot(db)
    body = {"productId": elsewhere.product_id, "optionId": "DEFAULT", "localDate": "2030-01-01"}
    await reseller.refused("INVALID_PRODUCT_ID", "POST", "availability", body)


async def test_a_visit_that_its_house_cancels_leaves_the_package_and_another_may_be_chosen(
    db: Db, reseller: Reseller
) -> None:
    slots = await sights(db, 2)
    card = await cards.on_sale(db, slots)
    held = await reseller.ask("POST", "bookings", await wish(reseller, card, slots))
    booked = await book(reseller, card, slots)
    for one, by in ((held, "held"), (booked, "confirmed")):
        number = one["packageBookings"][0]["supplierReference"].replace("-", "")
        row = await db.read(orders.store.by_number, number)
        assert row is not None
        assert row.state == by
        await db.run(_end, row)
    confirmed = await reseller.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}})
    seen = await reseller.ask("GET", f"bookings/{booked['uuid']}")
    for package in (confirmed, seen):
        assert [one["status"] for one in package["packageBookings"]] == ["CANCELLED", "CONFIRMED"]
        body = {"packageBookings": [await visit(reseller, slots[0])]}
        again = await reseller.ask("PATCH", f"bookings/{package['uuid']}", body)
        assert [one["status"] for one in again["packageBookings"]] == ["CANCELLED", "CONFIRMED", "CONFIRMED"]
    assert await left(db, slots) == [8, 8]


async def _end(tx: Tx, row: orders.model.OrderRow) -> None:
    await orders.cancellation.end_order(tx, TEST, row, {})


async def test_a_card_that_we_take_back_is_credited_to_the_partner_by_what_was_used(db: Db, reseller: Reseller) -> None:
    slots = await sights(db)
    card = await cards.on_sale(db, slots, price="90")
    booked = await book(reseller, card, slots, people=2)
    assert await reseller.owed() == 18000
    first, second = await card_of(db, booked), await card_of(db, booked, 1)
    await cards.let_in(db, first.uses[0].order_number, first.uses[0].line_seq)
    back = await orders.card_returns.by_seller(db, TEST, first.number, "closed for good")
    assert (back.amount_minor, await reseller.owed()) == (6000, 12000)
    assert await left(db, slots) == [8, 9, 9]
    now = await reseller.ask("GET", f"bookings/{booked['uuid']}")
    assert [item["status"] for item in now["unitItems"]] == ["CANCELLED", "CONFIRMED"]
    assert [[item["status"] for item in one["unitItems"]] for one in now["packageBookings"][1:]] == [
        ["CANCELLED", "CONFIRMED"]
    ] * 2
    assert code_of(now["packageBookings"][1], 1) != code_of(booked["packageBookings"][1], 0)
    whole = await orders.card_returns.by_seller(db, TEST, second.number, "closed for good")
    assert (whole.amount_minor, await reseller.owed()) == (9000, 3000)
    over = await reseller.ask("GET", f"bookings/{booked['uuid']}")
    assert over["status"] == "CANCELLED"
    assert await left(db, slots) == [9, 10, 10]


async def test_the_cards_of_the_demonstration_are_packages_and_one_is_sold_with_a_night_and_a_meal(
    db: Db, reseller: Reseller
) -> None:
    await db.run(catalogue.apply, TEST, catalogue.demo())
    await db.run(inventory.generate, TEST)
    await cards.load(db, passes.card_products.demo())
    found = {one["id"]: one for one in await reseller.ask("GET", "products") if one["isPackage"]}
    assert set(found) == {
        "card-beijing-classic", "card-jiangnan-flex", "card-silkroad-family", "card-resident-year"
    }  # fmt: skip
    for one in found.values():
        assert all(group["includes"] for group in one["options"][0]["packageIncludes"]), one["id"]
    groups = found["card-jiangnan-flex"]["options"][0]["packageIncludes"]
    choice = next(group for group in groups if group["title"].startswith("Choose 3 of"))
    extras = [group["includes"] for group in groups if group is not choice]
    assert any(one["productId"] == "hotel-05-std" for includes in extras for one in includes)
    day = clock.now().astimezone(world.ZONE).date() + timedelta(days=3)
    places = {one["product"]["internalName"].partition(":")[0]: one for one in choice["includes"]}
    wanted = [*list(places.values())[:3], *(includes[0] for includes in extras)]
    chosen = []
    for include in wanted:
        span = {"localDateStart": day.isoformat(), "localDateEnd": (day + timedelta(days=3)).isoformat()}
        body = {"productId": include["productId"], "optionId": "DEFAULT", **span}
        free = [one for one in await reseller.ask("POST", "availability", body) if one["available"]]
        assert free, include["id"]
        chosen.append({"packageIncludeId": include["id"], "availabilityId": free[0]["id"]})
    flex = (await db.read(passes.card_products.many, ["card-jiangnan-flex"]))["card-jiangnan-flex"]
    booked = await book(reseller, flex, packageBookings=chosen)
    assert [one["status"] for one in booked["packageBookings"]] == ["CONFIRMED"] * len(chosen)
    assert await reseller.owed() == 39900
    gone = await reseller.ask("POST", f"bookings/{booked['uuid']}/cancel", {"reason": "rain"})
    assert (gone["cancellation"]["refund"], gone["cancellation"]["reason"]) == ("FULL", "rain")
    assert await reseller.owed() == 0


async def test_confirming_choosing_and_giving_up_at_once_end_in_one_of_them(db: Db, reseller: Reseller) -> None:
    slots = await sights(db, 2)
    card = await cards.on_sale(db, slots)
    for _ in range(4):
        held = await reseller.ask("POST", "bookings", await wish(reseller, card, slots[:1]))
        path = f"bookings/{held['uuid']}"
        visit_path = f"bookings/{held['packageBookings'][0]['uuid']}"
        more = {"packageBookings": [await visit(reseller, slots[1])]}
        answers = await asyncio.gather(
            reseller.send("POST", f"{path}/confirm", {"contact": {}}), reseller.send("POST", f"{visit_path}/cancel", {}),
            reseller.send("PATCH", path, more), reseller.send("POST", f"{path}/cancel", {}), orders.expiry.sweep(db),
        )  # fmt: skip
        assert {answer.status_code for answer in answers[:4]} <= {200, 400}, [answer.text for answer in answers[:4]]
        assert not any("INTERNAL" in answer.text for answer in answers[:4])
        assert (await reseller.ask("GET", path))["status"] == "CANCELLED"
    assert await left(db, slots) == [10, 10]
    assert await reseller.owed() == 0


async def test_a_card_that_is_sold_by_other_rules_since_is_not_confirmed_with_what_it_does_not_hold(
    db: Db, reseller: Reseller
) -> None:
    slots = await sights(db, 2)
    card = await cards.on_sale(db, slots)
    held = await reseller.ask("POST", "bookings", await wish(reseller, card, slots))
    path = f"bookings/{held['uuid']}"
    rules = msgspec.to_builtins(card.rules) | {"items": [{"ref": slots[0].venue_id, "uses": 1}]}
    await db.run(passes.cards_store.add_version, card.id, rules, str(TEST), clock.now())
    await reseller.refused("BAD_REQUEST", "POST", f"{path}/confirm", {"contact": {}})
    await reseller.ask("POST", f"bookings/{held['packageBookings'][1]['uuid']}/cancel", {})
    booked = await reseller.ask("POST", f"{path}/confirm", {"contact": {}})
    assert [one["status"] for one in booked["packageBookings"]] == ["CONFIRMED", "CANCELLED"]
    assert await left(db, slots) == [9, 10]
