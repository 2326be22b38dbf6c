"""Redemption: those who run a gate look up, let in and take back; a ticket admits once, whoever lets in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from holdfast import passes
from holdfast.kit import clock, jobs
from holdfast.kit.db import Db
from tests import world

from .conftest import TEST, Reseller, partner_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gate(db: Db, reseller: Reseller, slot: world.SlotWorld) -> Reseller:
    """Who runs the gate of the slot's venue; the visit is in half an hour."""
    one = Reseller(reseller.client, db, *await partner_of(db))
    await one.terms(redeem_venues=[slot.venue_id])
    return one


def codes(booking: dict[str, Any]) -> list[str]:
    return [item["ticket"]["deliveryOptions"][0]["deliveryValue"] for item in booking["unitItems"]]


async def at_the_gate(one: Reseller, method: str, body: dict[str, Any], verb: str = "redeem") -> httpx2.Response:
    return await one.send(method, f"redemption/{verb}", body)


async def test_a_ticket_is_looked_up_let_in_once_and_taken_back(
    db: Db, reseller: Reseller, gate: Reseller, slot: world.SlotWorld
) -> None:
    booked = await reseller.book(slot, 2, contact={"fullName": "John Doe"})
    clock.move(slot.starts_at - clock.now())
    first, second = codes(booked)
    found = (await gate.send("GET", f"redemption/lookup?reference={booked['supplierReference']}")).json()
    assert [(one["uuid"], one["redeemable"], one["contact"]["fullName"]) for one in found] == [
        (booked["uuid"], True, None)
    ]
    assert (await at_the_gate(gate, "POST", {"redemptionCode": first}, "validate")).json()["redeemable"]
    used = await at_the_gate(gate, "POST", {"redemptionCode": first})
    assert used.status_code == 200, used.text
    assert used.json()["redeemable"] is False
    assert [item["status"] for item in used.json()["unitItems"]] == ["REDEEMED", "CONFIRMED"]
    again = await at_the_gate(gate, "POST", {"redemptionCode": first})
    assert again.json() == used.json()  # through the same gate: as it was
    seen = await reseller.ask("GET", f"bookings/{booked['uuid']}")
    assert (seen["status"], seen["cancellable"]) == ("CONFIRMED", False)
    await reseller.refused("UNPROCESSABLE_ENTITY", "POST", f"bookings/{booked['uuid']}/cancel", {})
    await reseller.refused(
        "UNPROCESSABLE_ENTITY", "PATCH", f"bookings/{booked['uuid']}", {"unitItems": [{"unitId": "adult"}]}
    )
    await at_the_gate(gate, "POST", {"redemptionCode": second})
    await jobs.drain(db)
    whole = await reseller.ask("GET", f"bookings/{booked['uuid']}")
    assert whole["status"] == "REDEEMED"
    assert whole["utcRedeemedAt"]
    back = await at_the_gate(gate, "DELETE", {"redemptionCode": first, "notes": "wrong group"})
    assert back.json()["redeemable"]
    await jobs.drain(db)
    assert (await reseller.ask("GET", f"bookings/{booked['uuid']}"))["status"] == "CONFIRMED"
    assert (await at_the_gate(gate, "DELETE", {"redemptionCode": first})).json()["error"] == "UNPROCESSABLE_ENTITY"


async def test_several_codes_have_an_answer_each_and_a_booking_number_stands_for_all(
    db: Db, reseller: Reseller, gate: Reseller, slot: world.SlotWorld
) -> None:
    booked, other = await reseller.book(slot, 2), await reseller.book(slot, 3)
    clock.move(slot.starts_at - clock.now())
    answers = (
        await at_the_gate(gate, "POST", {"redemptionCode": [codes(booked)[0], "nonsense", codes(booked)[1]]})
    ).json()
    assert [answer.get("error") for answer in answers] == [None, "UNPROCESSABLE_ENTITY", None]
    late = (slot.starts_at + timedelta(minutes=5)).isoformat()
    clock.move(timedelta(minutes=30))
    whole = (await at_the_gate(gate, "POST", {"redemptionCode": other["supplierReference"], "timestamp": late})).json()
    assert whole["status"] == "REDEEMED"
    assert whole["utcRedeemedAt"] == (slot.starts_at + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    one = (await at_the_gate(gate, "POST", {"redemptionCode": other["unitItems"][0]["supplierReference"]})).json()
    assert one["status"] == "REDEEMED"


async def test_what_does_not_admit_is_refused_with_the_reason(
    db: Db, reseller: Reseller, gate: Reseller, slot: world.SlotWorld
) -> None:
    early, held, gone = await reseller.book(slot), await reseller.reserve(slot), await reseller.book(slot)
    too_early = (await at_the_gate(gate, "POST", {"redemptionCode": codes(early)[0]})).json()
    assert (too_early["error"], "too-early" in too_early["errorMessage"]) == ("UNPROCESSABLE_ENTITY", True)
    await reseller.ask("POST", f"bookings/{gone['uuid']}/cancel", {})
    for code in (codes(gone)[0], gone["supplierReference"], held["supplierReference"]):
        assert (await at_the_gate(gate, "POST", {"redemptionCode": code})).json()["error"] == "UNPROCESSABLE_ENTITY"
    elsewhere = Reseller(reseller.client, db, *await partner_of(db))
    await elsewhere.terms(redeem_venues=["another-venue"])
    assert (await elsewhere.send("GET", f"redemption/lookup?reference={early['supplierReference']}")).json() == []
    assert (await at_the_gate(elsewhere, "POST", {"redemptionCode": codes(early)[0]})).json()[
        "error"
    ] == "UNPROCESSABLE_ENTITY"
    for body in (
        {},
        {"redemptionCode": []},
        {"redemptionCode": 7},
        {"redemptionCode": codes(early)[0], "timestamp": "noon"},
    ):
        assert (await at_the_gate(gate, "POST", body)).json()["error"] == "BAD_REQUEST", body


async def test_who_runs_no_gate_redeems_nothing_and_a_revoked_gate_neither(
    db: Db, reseller: Reseller, gate: Reseller, slot: world.SlotWorld
) -> None:
    booked = await reseller.book(slot)
    code = codes(booked)[0]
    assert (await at_the_gate(reseller, "POST", {"redemptionCode": code})).json()["error"] == "FORBIDDEN"
    assert (await reseller.send("GET", "redemption/lookup?reference=x")).json()["error"] == "FORBIDDEN"
    clock.move(slot.starts_at - clock.now())
    assert (await at_the_gate(gate, "POST", {"redemptionCode": code})).status_code == 200
    [device] = await db.read(passes.devices.every)
    assert device.name == f"OCTO {gate.partner_id}"
    await db.run(passes.devices.revoke, TEST, device.id, "test")
    assert (await at_the_gate(gate, "POST", {"redemptionCode": code})).json()["error"] == "FORBIDDEN"
