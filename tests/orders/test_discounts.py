"""A discount after the booking: what goes back is what was paid, what was granted stays, and somebody always bears it."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import orders
from holdfast.campaigns import conditions
from holdfast.kit import jobs
from holdfast.orders import discounts_model
from holdfast.orders.discounts_model import Keeps, LineDiscount
from tests import world

from . import discounting
from .after_sale import HALF_LATER, fees_minor, held_minor, other_day, rule, take

pytestmark = pytest.mark.anyio
V = [UUID(int=n) for n in range(1, 5)]


# Shares


@st.composite
def lines_of_tickets(draw):
    """A list price, so many tickets, and discounts that together cost no more than the tickets do."""
    quantity = draw(st.integers(1, 12))
    unit = draw(st.integers(0, 5000))
    left, found = unit * quantity, []
    for version_id in V[: draw(st.integers(0, 4))]:
        amount = draw(st.integers(0, left))
        left -= amount
        found.append(LineDiscount(version_id, amount, amount + draw(st.integers(0, 500)), unit))
    return unit, quantity, found


@given(lines_of_tickets())
def test_shares_add_up_are_even_and_take_from_no_ticket_more_than_it_costs(one):
    unit, quantity, found = one
    prices = discounts_model.tickets_minor(unit, found, quantity)
    assert sum(prices) == unit * quantity - sum(part.amount_minor for part in found)
    assert min(prices) >= 0
    assert max(prices) - min(prices) <= 1


@given(lines_of_tickets(), st.randoms(use_true_random=False))
def test_a_ticket_keeps_its_share_whoever_else_leaves_in_whatever_order(one, random):
    unit, quantity, found = one
    prices = dict(enumerate(discounts_model.tickets_minor(unit, found, quantity)))
    there, back = list(range(quantity)), 0
    while there:
        leaving = random.sample(range(len(there)), random.randint(1, len(there)))
        parts = discounts_model.share_of(found, len(there), leaving)
        back += unit * len(leaving) - sum(part.amount_minor for part in parts)
        found = [
            LineDiscount(
                left.version_id, left.amount_minor - gone.amount_minor, left.granted_minor - gone.granted_minor, unit
            )
            for left, gone in zip(found, parts, strict=True)
        ]
        assert all(0 <= left.amount_minor <= left.granted_minor for left in found)
        there = [seat for at, seat in enumerate(there) if at not in leaving]
        if there:
            assert discounts_model.tickets_minor(unit, found, len(there)) == [prices[seat] for seat in there]
    assert back == sum(prices.values())


@given(
    lines_of_tickets(), st.integers(0, 10_000),
    st.lists(st.sampled_from([Keeps(), Keeps(share_bp=1000), Keeps(share_bp=3333), Keeps(price_minor=900)]), min_size=4),
)  # fmt: skip
def test_another_date_never_gives_more_than_was_granted_and_the_old_price_gives_all_of_it(one, price, keeps):
    unit, quantity, found = one
    pairs = list(zip(found, keeps, strict=False))
    there = discounts_model.carried(pairs, price, quantity)
    assert all(0 <= new.amount_minor <= old.granted_minor for new, old in zip(there, found, strict=True))
    assert sum(new.amount_minor for new in there) <= price * quantity
    again = discounts_model.carried(
        [(new, keep) for new, (_old, keep) in zip(there, pairs, strict=True)], unit, quantity
    )
    granted = sum(old.granted_minor for old in found)
    assert sum(new.amount_minor for new in again) == min(granted, unit * quantity)


# What goes back


async def quoted(db, mei, order, travellers=None):
    async with db.reading() as tx:
        return await orders.quote(tx, await orders.require(tx, mei.account_id, order.number), travellers)


async def test_the_list_price_stays_and_the_order_costs_what_is_paid(db):
    slot = await world.open_slot(db)
    ten = await discounting.campaign(db)
    _mei, order = await discounting.paid(db, [ten.grant(1200)], slot, people=2)
    assert (order.row.amount_minor, order.lines[0].unit_minor, order.lines[0].discount_minor) == (10_800, 6000, 1200)
    assert await held_minor(db, order) == 10_800


async def test_a_whole_order_gives_back_what_was_paid_and_never_the_discount(db):
    slot = await world.open_slot(db)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(1200)], slot, people=2)
    found = await quoted(db, mei, order)
    assert (found.refund_minor, found.kept_minor, found.shares[0].price_minor) == (10_800, 0, 10_800)
    await orders.cancel(db, mei.actor, order, quoted_minor=10_800)
    assert await held_minor(db, order) == 0
    assert await discounting.codes(db) == {}


async def test_one_after_another_gets_what_was_paid_for_them_and_together_all_of_it(db):
    slot = await world.open_slot(db, price_minor=3333)
    ten, five = await discounting.campaign(db), await discounting.campaign(db, "merchant")
    mei, order = await discounting.paid(db, [ten.grant(1000), five.grant(100)], slot, people=3)
    assert order.row.amount_minor == 8899
    back = []
    for seq in (2, 1, 3):
        found = await quoted(db, mei, order, [seq])
        back.append(found.refund_minor)
        await orders.cancel(db, mei.actor, order, [seq], found.refund_minor)
        if seq != 3:
            left = await world.order_of(db, mei, order.number)
            assert left.row.amount_minor == 8899 - sum(back)
            assert await held_minor(db, order) == left.row.amount_minor
    assert sum(back) == 8899
    assert sorted(back) == [2966, 2966, 2967]
    assert await discounting.codes(db) == {}


async def test_a_fee_is_a_part_of_what_was_paid(db):
    slot = await world.open_slot(db, starts_in=timedelta(hours=20))
    await rule(db, slot, **HALF_LATER)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(2000)], slot, people=2)
    found = await quoted(db, mei, order, [1])
    assert (found.refund_minor, found.kept_minor) == (2500, 2500)
    await orders.cancel(db, mei.actor, order, [1], 2500)
    assert await fees_minor(db, "cancellation") == 2500
    assert await discounting.codes(db) == {"5010": 1000, "2060": 1000}


async def test_what_cost_nothing_after_its_discount_gives_nothing_back(db):
    slot = await world.open_slot(db)
    free = await discounting.campaign(db)
    mei = await world.traveller(db)
    placed = await discounting.place(db, world.request(mei, world.basket(slot)), free.grant(6000))
    assert (placed.state, placed.amount_minor) == (orders.State.CONFIRMED, 0)
    order = await world.order_of(db, mei, placed.number)
    assert await discounting.codes(db) == {"5010": 6000, "2060": 6000}
    assert (await quoted(db, mei, order)).refund_minor == 0
    await orders.cancel(db, mei.actor, order)
    assert await discounting.codes(db) == {}


# Another date


async def change(db, mei, order, to):
    async with db.reading() as tx:
        found = await orders.changes.quote(tx, await orders.require(tx, mei.account_id, order.number), to.slot_id)
    made = await orders.changes.change(
        db, mei.actor, await world.order_of(db, mei, order.number), orders.changes.Wish(to.slot_id, found.due_minor)
    )
    if made.intent_id is not None:
        await take(db, made.intent_id)
    return found, await world.order_of(db, mei, order.number)


async def test_a_percentage_follows_to_a_cheaper_date_and_comes_back_with_the_old_price(db):
    slot = await world.open_slot(db, places=5)
    cheap = await other_day(db, slot, price_minor=4000)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(1200)], slot, people=2)
    found, after = await change(db, mei, order, cheap)
    assert (found.old_minor, found.new_minor, found.due_minor) == (10_800, 7200, -3600)
    assert (after.row.amount_minor, after.lines[0].discount_minor) == (7200, 800)
    assert await held_minor(db, order) == 7200
    assert await discounting.codes(db) == {"5010": 800, "2060": 800}
    found, after = await change(db, mei, order, slot)
    assert (found.due_minor, after.row.amount_minor, after.lines[0].discount_minor) == (3600, 10_800, 1200)
    assert await discounting.codes(db) == {"5010": 1200, "2060": 1200}


async def test_a_dearer_date_costs_the_whole_difference_because_no_more_was_granted(db):
    slot = await world.open_slot(db, places=5)
    dear = await other_day(db, slot, price_minor=9000)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    found, after = await change(db, mei, order, dear)
    assert (found.due_minor, after.row.amount_minor, after.lines[0].discount_minor) == (3000, 8400, 600)


async def test_a_sum_stays_a_sum_and_a_fixed_price_a_fixed_price(db):
    slot = await world.open_slot(db, places=5)
    cheap = await other_day(db, slot, price_minor=4000)
    amount = await discounting.campaign(db, effect={"type": "amount", "amount_minor": 1500, "per": "order"})
    fixed = await discounting.campaign(db, effect={"type": "fixed_price", "price_minor": 3900})
    for running, off, left in ((amount, 1500, 2500), (fixed, 2100, 3900)):
        mei, order = await discounting.paid(db, [running.grant(off)], slot)
        _found, after = await change(db, mei, order, cheap)
        assert after.row.amount_minor == left


async def test_a_benefit_that_is_over_or_stopped_stays_with_who_changes_the_date(db):
    slot = await world.open_slot(db, places=5)
    same = await other_day(db, slot)
    ten = await discounting.campaign(db, "government")
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    await discounting.trip(db, ten)
    found, after = await change(db, mei, order, same)
    assert (found.due_minor, after.row.amount_minor) == (0, 5400)
    assert await discounting.codes(db) == {"1095": 600, "2060": 600}


async def test_who_left_before_a_change_of_date_took_their_share_along(db):
    slot = await world.open_slot(db, places=6, price_minor=3333)
    cheap = await other_day(db, slot, price_minor=2000, places=6)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(1000)], slot, people=3)
    found = await quoted(db, mei, order, [3])
    await orders.cancel(db, mei.actor, order, [3], found.refund_minor)
    await change(db, mei, order, cheap)
    _found, after = await change(db, mei, order, slot)
    assert after.row.amount_minor == 8999 - found.refund_minor
    assert await held_minor(db, order) == after.row.amount_minor


# Benefits that are no money


async def test_a_gift_is_given_when_the_order_is_confirmed_and_never_twice(db):
    slot = await world.open_slot(db)
    free_change = await discounting.campaign(db)
    mei, order = await discounting.held(db, [free_change.grant(gift={"benefit": "free_change", "quantity": 2})], slot)

    async def given():
        async with db.reading() as tx:
            return await orders.benefits.of_order(tx, order.row)

    assert await given() == []
    await take(db, await db.run(orders.checkout._begin, mei.actor, order.row.id))
    assert [one.kind for one in await given()] == ["free_change", "free_change"]
    await jobs.drain(db)
    await db.run(orders.benefits.come_with, order.row.id)
    assert len(await given()) == 2
    [shown] = await db.read(orders.discounts.of_order, order.row.id)
    assert (shown.amount_minor, shown.gift["benefit"]) == (0, "free_change")


# Papers


async def test_an_invoice_has_the_tickets_at_their_price_and_each_discount_by_its_label(db):
    slot = await world.open_slot(db)
    ten, five = await discounting.campaign(db, "government"), await discounting.campaign(db, "merchant")
    mei, order = await discounting.paid(db, [ten.grant(600), five.grant(300)], slot)
    buyer = orders.invoices.check_buyer("person", "Mei", "", "mei@example.org")
    invoice = await db.run(orders.invoices.request, mei.actor, order, buyer)
    assert [(line.name, line.total_minor) for line in invoice.lines[1:]] == [
        ("优惠：政府补贴", -600), ("优惠：商家优惠", -300)
    ]  # fmt: skip
    assert (invoice.lines[0].total_minor, invoice.total_minor) == (6000, 5100)
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, order.number), quoted_minor=5100)
    _blue, red = await db.read(orders.invoices.of_order, order)
    assert [line.total_minor for line in red.lines] == [-6000, 600, 300]


# No way round makes money


@pytest.mark.parametrize("seed", range(8))
async def test_no_sequence_of_leaving_and_changing_yields_more_than_was_paid(db, seed):
    """Discounted orders go through random dates and people who leave, to the last; what came is what went back."""
    random = Random(seed)
    for _ in range(3):
        await walk(db, random)


async def walk(db, random):
    people, unit = random.randint(1, 4), random.randint(1, 5000)
    slots = [await world.open_slot(db, places=50, price_minor=unit)]
    slots.append(await other_day(db, slots[0], price_minor=random.randint(1, 5000), places=50))
    effect = random.choice(
        [
            discounting.TENTH,
            {"type": "amount", "amount_minor": 100, "per": "order"},
            {"type": "fixed_price", "price_minor": 500},
        ]
    )
    first, second = await discounting.campaign(db, effect=effect), await discounting.campaign(db, "merchant")
    off = random.randint(1, unit * people)
    more = random.randint(0, unit * people - off)
    grants = [first.grant(off), *([second.grant(more)] if more else [])]
    mei, order = await discounting.held(db, grants, slots[0], people=people)
    if order.state is not orders.State.CONFIRMED:
        await take(db, await db.run(orders.checkout._begin, mei.actor, order.row.id))
    paid, back, at = order.row.amount_minor, 0, 0
    there = [person.seq for person in order.travellers]
    while there:
        order = await world.order_of(db, mei, order.number)
        if random.random() < 0.5:
            at = 1 - at
            found, order = await change(db, mei, order, slots[at])
            paid, back = paid + max(found.due_minor, 0), back + max(-found.due_minor, 0)
        else:
            there = [person.seq for person in order.travellers]
            leaving = random.sample(there, random.randint(1, len(there)))
            found = await quoted(db, mei, order, leaving)
            await orders.cancel(db, mei.actor, order, leaving, found.refund_minor)
            back += found.refund_minor
            order = await world.order_of(db, mei, order.number)
            there = [] if order.state is orders.State.CANCELLED else [person.seq for person in order.travellers]
        held = await held_minor(db, order)
        assert held == paid - back == (order.row.amount_minor if there else 0)
    assert back == paid
    assert await discounting.codes(db) == {}


# Why


async def test_why_is_told_from_what_was_found_true_when_it_was_granted(db):
    condition = conditions.AllOf(
        [
            conditions.In("city", ["南京", "杭州"]),
            conditions.AnyOf([conditions.Gte("line_tickets", 2), conditions.Lt("unit_minor", 100)]),
            conditions.Everything(),
        ]
    )
    trace = conditions.evaluate(condition, {"city": "南京", "line_tickets": 2, "unit_minor": 6000}, "line").trace
    ten = await discounting.campaign(db)
    grant = ten.grant(1200) | {"trace": {"scope": [trace], "when": {"op": "everything", "verdict": "true"}}}
    _mei, order = await discounting.paid(db, [grant], await world.open_slot(db), people=2)
    [shown] = await db.read(orders.discounts.of_order, order.row.id)
    for locale in ("zh", "en"):
        parts = shown.reason[locale]
        assert conditions.words(condition.parts[0], locale) in parts
        assert conditions.words(condition.parts[1].parts[0], locale) in parts
        assert conditions.words(condition.parts[1].parts[1], locale) not in parts
        assert conditions.words(condition.parts[2], locale) not in parts
