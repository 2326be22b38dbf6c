"""The mistake of a campaign: nobody pays for it but the platform, everybody is told once, and no money is ever asked for."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import accounts, changes, orders
from holdfast.kit import clock, faults, jobs
from holdfast.kit.actor import Actor
from holdfast.orders import abuse, honour
from holdfast.orders.honour_model import AlreadyDecided, AlreadyTold, EvidenceNeeded, NotInIncident
from tests import staff, world

from . import discounting
from .after_sale import held_minor, take

pytestmark = pytest.mark.anyio
WHY = "a wrong template was used"
EVIDENCE = "forty orders within a minute, by a program that was made for it"


async def colleagues(db):
    """Who proposes, and who decides."""
    return await discounting.colleague(db, "marketing"), await discounting.colleague(db, "finance")


async def decide(db, trip_id, **given):
    """Proposed by one, approved by another, and carried out to the end."""
    maker, checker = await colleagues(db)
    asked = {"verdict": "honour", "since": None, "false_label": True, "reason": WHY} | given
    made = await honour.propose(db, maker.actor, trip_id, **asked)
    await honour.approve(db, checker.actor, made.id, made.shown)
    await settle(db)
    return made


async def settle(db):
    while await honour.run(db) or await abuse.run(db):
        pass
    await jobs.drain(db)


async def told(db, order):
    """What was sent to the phone of an order about a mistake."""
    phone = await db.read(orders.store.phone, order.row.id)
    return [m.body for m in await world.messages(db, phone) if m.template == "benefit-kept"]


async def a_mistake(db, payer="government"):
    slot = await world.open_slot(db, places=20)
    wrong = await discounting.campaign(db, payer)
    mei, order = await discounting.paid(db, [wrong.grant(1200)], slot)
    return slot, wrong, mei, order


async def test_who_pays_is_in_the_books_from_the_beginning(db):
    for payer, code in (("platform", "5010"), ("merchant", "2020"), ("government", "1060")):
        slot, running, _mei, _order = await a_mistake(db, payer)
        owner = {
            "5010": f"campaign:{running.campaign_id}", "2020": f"venue:{slot.venue_id}", "1060": "agreement:2026-17"
        }  # fmt: skip
        assert await discounting.on(db, code, owner[code]) == (-1200 if payer == "merchant" else 1200)
    assert (await discounting.codes(db))["2060"] == 3600


async def test_a_stop_takes_the_false_debt_out_of_the_books_until_it_is_decided(db):
    _slot, wrong, _mei, order = await a_mistake(db)
    trip_id = await discounting.trip(db, wrong)
    await settle(db)
    assert await discounting.codes(db) == {"1095": 1200, "2060": 1200}
    assert await discounting.kinds(db, order) == ["discount.granted", "discount.suspended"]
    assert await discounting.on(db, "1095", f"trip:{trip_id}") == 1200
    assert await honour.run(db) == 0


async def test_honouring_makes_it_the_platforms_loss_and_names_who_approved(db):
    _slot, wrong, _mei, order = await a_mistake(db)
    trip_id = await discounting.trip(db, wrong)
    await settle(db)
    await decide(db, trip_id)
    assert await discounting.codes(db) == {"5040": 1200, "2060": 1200}
    assert await discounting.kinds(db, order) == ["discount.granted", "discount.suspended", "discount.honoured"]
    decided = await db.read(honour.decision, trip_id)
    assert decided.verdict == "honour"
    assert decided.approved_by != decided.proposed_by
    assert decided.ended_at is not None
    found = await db.read(honour.standing, trip_id)
    assert (found.redeemed, found.put_right, found.told, found.loss_minor, found.undecided_minor) == (1, 1, 1, 1200, 0)


async def test_a_refund_later_gives_back_what_was_paid_and_takes_the_loss_back(db):
    _slot, wrong, mei, order = await a_mistake(db)
    await decide(db, await discounting.trip(db, wrong))
    order = await world.order_of(db, mei, order.number)
    async with db.reading() as tx:
        found = await orders.quote(tx, order)
    assert found.refund_minor == 4800
    await orders.cancel(db, mei.actor, order, quoted_minor=4800)
    assert await discounting.codes(db) == {}
    assert await held_minor(db, order) == 0


async def test_a_stop_that_was_no_mistake_leaves_everything_as_it_was(db):
    _slot, running, _mei, order = await a_mistake(db)
    trip_id = await discounting.trip(db, running, "pace")
    await settle(db)
    await decide(db, trip_id, verdict="right", false_label=False)
    assert await discounting.codes(db) == {"1060": 1200, "2060": 1200}
    assert await told(db, order) == []
    [shown] = await db.read(orders.discounts.of_order, order.row.id)
    assert (shown.label, shown.corrected) == (running.label, False)


async def test_what_was_granted_before_the_mistake_began_stays_with_its_payer(db):
    slot, running, _mei, early = await a_mistake(db)
    clock.move(timedelta(minutes=5))
    began = clock.now()
    clock.move(timedelta(minutes=1))
    _li, late = await discounting.paid(db, [running.grant(3000)], slot)
    await decide(db, await discounting.trip(db, running), since=began)
    assert await discounting.codes(db) == {"1060": 1200, "5040": 3000, "2060": 4200}
    assert await told(db, early) == []
    assert len(await told(db, late)) == 1


async def test_who_has_not_paid_yet_keeps_the_price_and_is_put_right_when_they_pay(db):
    slot = await world.open_slot(db)
    wrong = await discounting.campaign(db, "government")
    mei, order = await discounting.held(db, [wrong.grant(1200)], slot)
    await decide(db, await discounting.trip(db, wrong))
    assert await discounting.codes(db) == {}
    await take(db, await db.run(orders.checkout._begin, mei.actor, order.row.id))
    after = await world.order_of(db, mei, order.number)
    assert (after.state, after.row.amount_minor) == (orders.State.CONFIRMED, 4800)
    assert await discounting.codes(db) == {"5040": 1200, "2060": 1200}
    assert len(await told(db, order)) == 1


async def test_each_person_is_told_once_with_no_link_and_nothing_to_do(db):
    slot = await world.open_slot(db, places=20)
    wrong = await discounting.campaign(db, "government")
    mei, first = await discounting.paid(db, [wrong.grant(1200)], slot)
    placed = await discounting.place(db, world.request(mei, world.basket(slot)), wrong.grant(1000))
    await take(db, await db.run(orders.checkout._begin, mei.actor, placed.order_id))
    second = await world.order_of(db, mei, placed.number)
    _li, other = await discounting.paid(db, [wrong.grant(900)], slot)
    trip_id = await discounting.trip(db, wrong)
    await decide(db, trip_id)
    await settle(db)
    said = await told(db, first) + await told(db, second)
    assert len(said) == 1
    text, _check = said[0].split("\n")  # the line after it says where the text can be compared
    assert "http" not in text
    assert "You need not do anything" in text
    assert "12.00" in said[0]
    assert len(await told(db, other)) == 1
    for order in (first, second, other):
        events = (await world.order_of(db, mei if order is not other else _li, order.number)).events
        assert [event.kind for event in events].count("benefit_kept") == 1


async def test_a_crash_in_the_middle_loses_nobody_and_tells_nobody_twice(db):
    slot = await world.open_slot(db, places=20)
    wrong = await discounting.campaign(db, "government")
    made = [(await discounting.paid(db, [wrong.grant(1000)], slot))[1] for _ in range(4)]
    maker, checker = await colleagues(db)
    asked = await honour.propose(
        db, maker.actor, await discounting.trip(db, wrong), verdict="honour", since=None, false_label=True, reason=WHY
    )
    await honour.approve(db, checker.actor, asked.id, asked.shown)
    faults.arm("honour.put_right=error@3")
    with pytest.raises(faults.FaultInjected):
        await honour.run(db)
    faults.arm("")
    await asyncio.gather(honour.run(db), honour.run(db))
    await settle(db)
    assert [len(await told(db, order)) for order in made] == [1, 1, 1, 1]
    assert await discounting.codes(db) == {"5040": 4000, "2060": 4000}


# Receipts


async def test_the_receipt_says_who_really_bears_it(db):
    _slot, wrong, _mei, order = await a_mistake(db)
    [before] = await db.read(orders.discounts.of_order, order.row.id)
    assert before.label["zh"] == "政府补贴"
    await decide(db, await discounting.trip(db, wrong))
    [after] = await db.read(orders.discounts.of_order, order.row.id)
    assert (after.label, after.amount_minor, after.corrected) == (
        {"zh": "平台承担", "en": "Borne by the platform"}, 1200, True
    )  # fmt: skip


async def test_an_invoice_that_named_a_false_payer_is_taken_back_and_made_again(db):
    _slot, wrong, mei, order = await a_mistake(db)
    buyer = orders.invoices.check_buyer("person", "Mei", "", "mei@example.org")
    await db.run(orders.invoices.request, mei.actor, order, buyer)
    await jobs.drain(db)
    await decide(db, await discounting.trip(db, wrong))
    blue, red, again = await db.read(orders.invoices.of_order, order)
    assert [line.name for line in blue.lines][1:] == ["优惠：政府补贴"]
    assert [line.name for line in again.lines][1:] == ["优惠：平台承担"]
    assert (blue.total_minor, red.total_minor, again.total_minor) == (4800, -4800, 4800)
    assert {one.state for one in (blue, red, again)} == {"issued"}


# Who decides


async def test_the_second_person_is_somebody_else_and_from_finance(db):
    _slot, wrong, _mei, _order = await a_mistake(db)
    trip_id = await discounting.trip(db, wrong)
    fin, marketer = (
        await discounting.colleague(db, "finance"),
        await discounting.colleague(db, "marketing", "operations"),
    )
    fresh = await staff.colleague(db, "finance", name="Somebody new")
    made = await honour.propose(db, fin.actor, trip_id, verdict="honour", since=None, false_label=True, reason=WHY)
    program = Actor("system", name="command line")
    for who, refusal in (
        (fin.actor, changes.SamePerson), (marketer.actor, accounts.RoleMissing), (fresh.actor, accounts.RoleTooNew),
        (program, accounts.StaffSignInNeeded), (Actor("partner", name="x"), accounts.StaffSignInNeeded),
    ):  # fmt: skip
        with pytest.raises(refusal):
            await honour.approve(db, who, made.id, made.shown)
        with pytest.raises(refusal):
            await changes.approve(db, who, made.id, made.shown)
    assert await db.read(honour.decision, trip_id) is None


async def test_it_is_decided_once(db):
    _slot, wrong, _mei, _order = await a_mistake(db)
    trip_id = await discounting.trip(db, wrong)
    made = await decide(db, trip_id)
    with pytest.raises(AlreadyDecided):
        await decide(db, trip_id, verdict="right", false_label=False)
    fin = await discounting.colleague(db, "finance")
    with pytest.raises(changes.NotRevertible):
        await db.run(changes.revert, fin.actor, made.id, "would rather not")


# Bad faith


async def test_bad_faith_is_decided_by_two_and_gives_all_money_back_for_what_has_not_begun(db):
    slot, wrong, mei, order = await a_mistake(db)
    _li, other = await discounting.paid(db, [wrong.grant(1000)], slot)
    trip_id = await discounting.trip(db, wrong)
    maker, checker = await colleagues(db)
    with pytest.raises(EvidenceNeeded):
        await abuse.propose(db, maker.actor, trip_id, mei.account_id, "looks odd", WHY)
    stranger = await world.traveller(db)
    with pytest.raises(NotInIncident):
        await abuse.propose(db, maker.actor, trip_id, stranger.account_id, EVIDENCE, WHY)
    made = await abuse.propose(db, maker.actor, trip_id, mei.account_id, EVIDENCE, WHY)
    await decide(db, trip_id)
    assert await told(db, order) == []
    await honour.approve(db, checker.actor, made.id, made.shown)
    await settle(db)
    after = await world.order_of(db, mei, order.number)
    assert after.state is orders.State.CANCELLED
    assert await held_minor(db, order) == 0
    assert await told(db, order) == []
    assert len(await told(db, other)) == 1
    assert await discounting.codes(db) == {"5040": 1000, "2060": 1000}


async def test_who_was_cleared_of_bad_faith_is_told_like_everybody(db):
    _slot, wrong, mei, order = await a_mistake(db)
    trip_id = await discounting.trip(db, wrong)
    maker, checker = await colleagues(db)
    made = await abuse.propose(db, maker.actor, trip_id, mei.account_id, EVIDENCE, WHY)
    await decide(db, trip_id)
    assert (await db.read(honour.decision, trip_id)).ended_at is None
    await db.run(changes.reject, checker.actor, made.id, "they booked for a school class")
    await settle(db)
    assert len(await told(db, order)) == 1
    assert (await db.read(honour.decision, trip_id)).ended_at is not None


async def test_nothing_is_taken_from_who_was_told_that_it_is_theirs(db):
    _slot, wrong, mei, order = await a_mistake(db)
    trip_id = await discounting.trip(db, wrong)
    await decide(db, trip_id)
    maker, _checker = await colleagues(db)
    with pytest.raises(AlreadyTold):
        await abuse.propose(db, maker.actor, trip_id, mei.account_id, EVIDENCE, WHY)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED
