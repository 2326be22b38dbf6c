"""The gate over the API: a device is enrolled once, people go on duty on it, and it admits and reports."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import passes
from holdfast.inventory import policies
from holdfast.inventory.policies import Plan
from holdfast.kit import clock, jobs
from tests import gates, staff
from tests.gates import visit
from tests.orders import cuts

from .conftest import problem

pytestmark = pytest.mark.anyio
GATE = "/api/v1/gate"


def as_gate(gate):
    return {"Authorization": f"Bearer {gate.token}"}


@pytest.fixture
async def slot(db):
    return await gates.open_now(db)


@pytest.fixture
async def north(db, slot):
    return await gates.gate(db, slot.venue_id)


async def send(client, gate, *scans):
    return await client.post(f"{GATE}/admissions", json={"scans": list(scans)}, headers=as_gate(gate))


async def test_a_link_makes_one_device_and_only_within_its_hour(client, db, slot):
    made = await db.run(passes.devices.make, staff.TEST, slot.venue_id, "West gate")
    answer = await client.post(f"{GATE}/devices", json={"code": made.code.lower(), "agent": "Chrome"})
    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["token"][:4]) == ("West gate", "hfg_")
    problem(await client.post(f"{GATE}/devices", json={"code": made.code}), 404, "enrolment-over")
    late = await db.run(passes.devices.make, staff.TEST, slot.venue_id, "Late gate")
    clock.move(timedelta(minutes=61))
    problem(await client.post(f"{GATE}/devices", json={"code": late.code}), 404, "enrolment-over")


async def test_going_on_duty_takes_the_proof_of_the_console_and_a_role(client, db, slot, north):
    zhao, marketer = await staff.colleague(db, "desk", name="Zhao Min"), await staff.colleague(db, "marketing")
    await db.run(passes.devices.end_shift, await db.read(passes.devices.of_token, north.token))
    problem(await client.get(f"{GATE}/list", headers=as_gate(north)), 403, "shift-needed")
    said = {"login": zhao.login, "password": staff.PASSWORD, "code": "000000"}
    problem(await client.post(f"{GATE}/shift", json=said, headers=as_gate(north)), 401, "staff-sign-in-wrong")
    said["code"] = staff.next_code(zhao)
    answer = await client.post(f"{GATE}/shift", json=said, headers=as_gate(north))
    assert (answer.status_code, answer.json()["name"]) == (201, "Zhao Min")
    found = (await client.get(f"{GATE}/list", headers=as_gate(north))).json()
    assert (found["shift"]["name"], found["device_name"], found["whole"]) == ("Zhao Min", "North gate", True)
    refused = {"login": marketer.login, "password": staff.PASSWORD, "code": staff.next_code(marketer)}
    problem(await client.post(f"{GATE}/shift", json=refused, headers=as_gate(north)), 403, "role-missing")
    assert (await client.delete(f"{GATE}/shift", headers=as_gate(north))).status_code == 204
    problem(await client.get(f"{GATE}/list", headers=as_gate(north)), 403, "shift-needed")


async def test_a_colleague_who_is_switched_off_is_on_duty_no_more(client, db, slot, north):
    zhao = await staff.colleague(db, "desk")
    said = {"login": zhao.login, "password": staff.PASSWORD, "code": staff.next_code(zhao)}
    await client.post(f"{GATE}/shift", json=said, headers=as_gate(north))
    assert (await client.get(f"{GATE}/list", headers=as_gate(north))).status_code == 200
    from holdfast import accounts

    await db.run(accounts.disable_staff, staff.TEST, zhao.id, reason="left the house")
    problem(await client.get(f"{GATE}/list", headers=as_gate(north)), 403, "shift-needed")


async def test_a_ticket_is_admitted_and_the_list_learns_it(client, db, slot, north):
    _, [ticket] = await visit(db, (slot, 1))
    first = (await client.get(f"{GATE}/list", headers=as_gate(north))).json()
    assert [len(one["tickets"]) for one in first["orders"]] == [1]
    answer = (await send(client, north, {"counter": 1, "code": ticket.code})).json()
    assert [(one["verdict"], one["recorded"]) for one in answer["answers"]] == [("valid", True)]
    assert answer["inside"] == 1
    news = (await client.get(f"{GATE}/list", params={"since": first["since"]}, headers=as_gate(north))).json()
    assert (news["whole"], news["orders"][0]["tickets"][0]["used"][1]) == (False, "North gate")
    await jobs.drain(db)


async def test_a_full_place_and_a_pause_of_entry_keep_people_waiting_with_their_tickets_good(client, db, slot, north):
    _, tickets = await visit(db, (slot, 3))
    full = cuts.limit(slot, 0, kind="inside", value=1)
    await db.run(policies.carry_out, cuts.LIN, Plan(policies=[full]), "one at a time")
    counted = passes.Rules(exits_counted=True)
    await db.run(passes.redemption.set_rules, staff.TEST, slot.venue_id, counted, "people are counted out")
    scans = [{"counter": n, "code": ticket.code} for n, ticket in enumerate(tickets, 1)]
    assert [one["verdict"] for one in (await send(client, north, scans[0])).json()["answers"]] == ["valid"]
    waiting = (await send(client, north, scans[1])).json()["answers"]
    assert [(one["verdict"], one["recorded"]) for one in waiting] == [("wait", False)]
    leaving = {"counter": 9, "kind": "exit", "people": 1}
    assert [one["recorded"] for one in (await send(client, north, leaving)).json()["answers"]] == [True]
    assert (await send(client, north, scans[1])).json()["answers"][0]["verdict"] == "valid"
    insisted = scans[2] | {"insisted": True}
    assert (await send(client, north, scans[2])).json()["answers"][0]["verdict"] == "wait"
    assert (await send(client, north, insisted)).json()["answers"][0]["verdict"] == "valid", "staff may let somebody in"


async def test_what_was_recorded_is_taken_when_nobody_is_on_duty_and_nothing_else(client, db, slot, north):
    _, [ticket, other] = await visit(db, (slot, 2))
    await db.run(passes.devices.end_shift, await db.read(passes.devices.of_token, north.token))
    scan = {
        "counter": 1,
        "code": ticket.code,
        "offline": True,
        "at": clock.now().isoformat(),
        "shift": str(north.shift),
    }
    assert (await send(client, north, scan)).json()["answers"][0]["verdict"] == "valid"
    problem(await send(client, north, {"counter": 2, "code": other.code}), 403, "shift-needed")
    [passage] = await db.read(passes.admissions.latest)
    assert passage.staff_name == "Zhao Min"


async def test_a_shift_of_another_device_is_nobody_s(client, db, slot, north):
    south = await gates.gate(db, slot.venue_id, "South gate")
    _, [ticket] = await visit(db, (slot, 1))
    scan = {
        "counter": 1,
        "code": ticket.code,
        "offline": True,
        "at": clock.now().isoformat(),
        "shift": str(south.shift),
    }
    assert (await send(client, north, scan)).status_code == 200
    [passage] = await db.read(passes.admissions.latest)
    assert passage.staff_name == ""


async def test_a_device_that_was_switched_off_can_do_nothing(client, db, slot, north):
    await db.run(passes.devices.revoke, staff.TEST, north.id, "lost")
    for answer in (
        await client.get(f"{GATE}/list", headers=as_gate(north)),
        await send(client, north, {"counter": 1, "kind": "exit", "people": 1}),
        await client.delete(f"{GATE}/shift", headers=as_gate(north)),
    ):
        problem(answer, 401, "gate-sign-in-needed")
    with pytest.raises(passes.GateRevoked):
        await db.run(passes.devices.revoke, staff.TEST, north.id, "again")


@pytest.mark.parametrize(
    "scan",
    [{}, {"counter": 0}, {"counter": 1, "kind": "jump"}, {"counter": 1, "at": "yesterday"}, {"counter": 1, "at": "2026-11-27T10:00:00"}, {"counter": 1, "people": -1}, {"counter": 1, "unknown": 1}],
)  # fmt: skip
async def test_what_is_no_scan_is_said_to_be_none(client, north, scan):
    problem(await send(client, north, scan), 422, "body-mismatch")
