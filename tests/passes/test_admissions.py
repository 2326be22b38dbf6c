"""At the gate: a ticket admits once, the first that is heard of counts, and whoever was let in is not punished."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders, passes
from holdfast.kit import clock, jobs
from holdfast.orders.attendance_model import Scan
from tests import gates, staff, world
from tests.gates import admit, by_code, visit

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)


def verdicts(answers):
    return [str(answer.verdict) for answer in answers]


async def before_it_begins(db, mei, travellers=None):
    """Cancelled two hours before: the whole order, or some of it."""
    [order] = await db.read(orders.mine, mei.account_id)
    clock.move(-timedelta(hours=2))
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, order.number), travellers, quoted_minor=0)
    clock.move(timedelta(hours=2))


@pytest.fixture
async def slot(db):
    return await gates.open_now(db)


@pytest.fixture
async def north(db, slot):
    return await gates.gate(db, slot.venue_id)


async def test_a_ticket_admits_and_the_gate_learns_whom(db, slot, north):
    _, [ticket] = await visit(db, (slot, 1))
    [answer] = await admit(db, north, by_code(1, ticket, shift=north.shift))
    assert (answer.verdict, answer.recorded, answer.holder, answer.people) == ("valid", True, "王**", 1)
    [passage] = await db.read(passes.admissions.latest)
    assert (passage.order_number, passage.staff_name, passage.offline) == (answer.number, "Zhao Min", False)


async def test_a_ticket_admits_once_and_the_gate_says_when_and_where(db, slot, north):
    _, [ticket] = await visit(db, (slot, 1))
    await admit(db, north, by_code(1, ticket))
    south = await gates.gate(db, slot.venue_id, "South gate")
    [again] = await admit(db, south, by_code(1, ticket))
    assert (again.verdict, again.recorded, again.used_where) == ("used", False, "North gate")
    assert abs(again.used_at - clock.now()) < MINUTE
    assert await db.read(passes.admissions.disputes) == []


async def test_the_same_counter_again_is_the_same_admission(db, slot, north):
    _, [ticket, other] = await visit(db, (slot, 2))
    scan = by_code(1, ticket, offline_at=clock.now())
    first = await admit(db, north, scan)
    assert verdicts(first) == verdicts(await admit(db, north, scan)) == ["valid"]
    assert verdicts(await admit(db, north, by_code(1, other))) == ["counter-reused"]
    assert len(await db.read(passes.admissions.latest)) == 1


async def test_two_gates_at_the_same_moment_admit_once(db, slot, north):
    south = await gates.gate(db, slot.venue_id, "South gate")
    for counter in range(1, 9):
        _, [ticket] = await visit(db, (slot, 1))
        both = await asyncio.gather(*(admit(db, gate, by_code(counter, ticket)) for gate in (north, south)))
        assert sorted(str(answer.verdict) for [answer] in both) == ["used", "valid"]


async def test_a_gate_that_was_offline_brings_its_double_and_both_sides_are_shown(db, slot, north):
    south = await gates.gate(db, slot.venue_id, "South gate")
    people = [await visit(db, (slot, 1)) for _ in range(4)]
    began = clock.now()
    await admit(db, south, by_code(1, people[2][1][0]))
    told = await admit(
        db, north, *(by_code(n, tickets[0], offline_at=began) for n, (_, tickets) in enumerate(people, 1))
    )
    assert verdicts(told) == ["valid", "valid", "used", "valid"]
    assert all(answer.recorded for answer in told)
    [dispute] = await db.read(passes.admissions.disputes)
    assert dispute.rival is not None
    assert (dispute.late.device_name, dispute.rival.device_name) == ("North gate", "South gate")
    assert dispute.late.offline
    assert (dispute.late.counts, dispute.rival.counts) == (False, True)
    await db.run(
        passes.admissions.rule,
        staff.TEST,
        dispute.late.device_id,
        dispute.late.counter,
        passes.Ruling.LET_BE,
        "same family",
    )
    assert await db.read(passes.admissions.disputes) == []
    with pytest.raises(passes.DisputeOver):
        await db.run(
            passes.admissions.rule,
            staff.TEST,
            dispute.late.device_id,
            dispute.late.counter,
            passes.Ruling.WATCH,
            "again",
        )


async def test_what_the_gate_refuses(db, slot, north):
    elsewhere = await world.open_slot(db, price_minor=0, starts_in=timedelta(0))
    _, [theirs] = await visit(db, (elsewhere, 1))
    mei, [cancelled] = await visit(db, (slot, 1))
    await before_it_begins(db, mei)
    asked = [by_code(1, theirs), by_code(2, cancelled), Scan(3, code="HF1.AAAA.AAAA"), Scan(4, number="0000000000")]
    assert verdicts(await admit(db, north, *asked)) == ["wrong-venue", "revoked", "unknown", "unknown"]
    assert await db.read(passes.admissions.latest) == []


async def test_a_held_order_is_not_paid_yet(db, north, slot):
    beside = await world.open_slot(db, beside=slot)
    _, held = await world.held_order(db, beside)
    assert verdicts(await admit(db, north, Scan(1, number=held.number, ticket=1))) == ["unpaid"]


@pytest.mark.parametrize(
    ("minutes", "verdict"),
    [(-31, "too-early"), (-29, "valid"), (119, "valid"), (149, "valid"), (151, "too-late")],
)
async def test_entry_is_possible_half_an_hour_before_and_after_the_slot(db, slot, north, minutes, verdict):
    _, [ticket] = await visit(db, (slot, 1))
    clock.move(slot.starts_at + minutes * MINUTE - clock.now())
    assert verdicts(await admit(db, north, by_code(1, ticket))) == [verdict]
    if verdict != "valid":
        assert verdicts(await admit(db, north, by_code(1, ticket, insisted=True))) == ["valid"]


async def test_a_venue_has_rules_of_its_own(db, slot, north):
    rules = passes.Rules(early_minutes=0, late_minutes=0)
    await db.run(passes.redemption.set_rules, staff.TEST, slot.venue_id, rules, "narrow entrance")
    _, [ticket] = await visit(db, (slot, 1))
    clock.move(-MINUTE)
    assert verdicts(await admit(db, north, by_code(1, ticket))) == ["too-early"]


async def test_an_offline_device_with_a_wrong_clock_uses_the_ticket_all_the_same(db, slot, north):
    _, [ticket] = await visit(db, (slot, 1))
    told = await admit(db, north, by_code(1, ticket, offline_at=slot.starts_at - timedelta(hours=5)))
    assert verdicts(told) == ["too-early"]
    assert verdicts(await admit(db, north, by_code(2, ticket))) == ["used"]
    assert len(await db.read(passes.admissions.disputes)) == 1


async def test_a_party_enters_together_on_its_one_ticket(db):
    slot = await gates.open_now(db, real_name=False)
    north = await gates.gate(db, slot.venue_id)
    _, [ticket] = await visit(db, (slot, 4), named=False)
    [answer] = await admit(db, north, by_code(1, ticket))
    assert (answer.verdict, answer.people) == ("valid", 4)
    assert await db.read(passes.inside, slot.venue_id) == 4


async def test_a_number_that_is_typed_admits_like_its_code(db, slot, north):
    _, [first, second] = await visit(db, (slot, 2))
    admission = orders.verify(second.code, orders.public_keys())
    typed = f"{admission.number[:5]}-{admission.number[5:]}".lower()
    assert verdicts(await admit(db, north, Scan(1, number=typed, ticket=2))) == ["valid"]
    assert verdicts(await admit(db, north, by_code(2, second), by_code(3, first))) == ["used", "valid"]


async def test_an_older_code_that_an_offline_gate_let_in_is_found_and_the_new_ticket_still_counts(db, slot, north):
    mei, [stays, leaves] = await visit(db, (slot, 2))
    await before_it_begins(db, mei, [2])
    assert verdicts(await admit(db, north, by_code(1, leaves, offline_at=clock.now()))) == ["revoked"]
    [dispute] = await db.read(passes.admissions.disputes)
    assert dispute.rival is None
    [order] = await db.read(orders.mine, mei.account_id)
    [now] = orders.tickets(await world.order_of(db, mei, order.number))
    assert verdicts(await admit(db, north, by_code(2, stays), by_code(3, now))) == ["revoked", "valid"]


async def test_a_mistaken_admission_is_undone_with_a_reason_and_the_ticket_admits_again(db, slot, north):
    mei, [ticket] = await visit(db, (slot, 1))
    [answer] = await admit(db, north, by_code(1, ticket))
    await jobs.drain(db)
    order = await world.order_of(db, mei, answer.number)
    assert (order.state, [event.kind for event in order.events][-2:]) == (orders.State.USED, ["admitted", "used"])
    await db.run(passes.admissions.undo, staff.TEST, north.id, 1, "scanned the wrong phone")
    await jobs.drain(db)
    order = await world.order_of(db, mei, answer.number)
    assert (order.state, order.events[-1].kind) == (orders.State.CONFIRMED, "admission_undone")
    assert await db.read(passes.inside, slot.venue_id) == 0
    with pytest.raises(passes.AdmissionUndone):
        await db.run(passes.admissions.undo, staff.TEST, north.id, 1, "again")
    assert verdicts(await admit(db, north, by_code(2, ticket))) == ["valid"]
    await jobs.drain(db)


async def test_admissions_are_kept_as_they_were_recorded(db, slot, north):
    _, [ticket] = await visit(db, (slot, 1))
    await admit(db, north, by_code(1, ticket))
    for change in ("update passes.admissions set people = 2", "delete from passes.admissions"):

        async def run(tx, change=change):
            await tx.execute(change)

        with pytest.raises(Exception, match="kept as they were recorded"):
            await db.run(run)
    await jobs.drain(db)


async def test_inside_counts_exits_where_they_are_counted_and_else_how_long_people_stay(db, slot, north):
    people = [await visit(db, (slot, 1)) for _ in range(3)]
    await admit(db, north, *(by_code(n, tickets[0]) for n, (_, tickets) in enumerate(people, 1)))
    assert await db.read(passes.inside, slot.venue_id) == 3
    await admit(db, north, Scan(4, kind="exit", people=2))
    assert await db.read(passes.inside, slot.venue_id) == 3
    await db.run(
        passes.redemption.set_rules,
        staff.TEST,
        slot.venue_id,
        passes.Rules(exits_counted=True),
        "turnstile at the exit",
    )
    assert await db.read(passes.inside, slot.venue_id) == 1
    await db.run(passes.redemption.set_rules, staff.TEST, slot.venue_id, passes.Rules(stay_minutes=60), "no turnstile")
    clock.move(timedelta(minutes=61))
    assert await db.read(passes.inside, slot.venue_id) == 0
    await jobs.drain(db)
