"""Places that were lost by a cut and come back cost what they had cost: what was granted comes along, once, and from the same purse."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from holdfast import changes, orders
from holdfast.campaigns import stages_store
from holdfast.kit import clock
from holdfast.orders import (
    abuse,
    discounts_store,
    displacement_choices,
    displacement_returns,
    displacement_run,
    honour,
    offers,
)
from tests import world

from . import cuts, discounting
from .after_sale import held_minor, other_day, take

pytestmark = pytest.mark.anyio
EVIDENCE = "forty orders within a minute, by a program that was made for it"


@pytest.fixture(autouse=True)
def own_time():
    yield
    clock.reset()


async def cut(db, slot, hours=0):
    """All visits in a slot are cancelled, by an authority; whoever waits for an answer goes on by itself."""
    made = await cuts.stopped(db, slot, 0, hours=hours)
    proposal = await cuts.approved(db, made)
    await displacement_run.run(db, made.id)
    return proposal


async def offered(db, mei, order):
    """What is offered to an order that lost its places, with its price."""
    found = await db.read(displacement_choices.of_order, await world.order_of(db, mei, order.number))
    return next(one for one in found if one.back is not None)


async def reopened(db, proposal):
    await db.run(changes.revert, cuts.LIN, proposal.id, "the authority took it back")


async def taken_back(db, mei, order):
    """The order for the places that came back, which was shown its price before."""
    choice = await offered(db, mei, order)
    number = await displacement_returns.take_back(db, mei.actor, order, choice.back.id, choice.back_price.total_minor)
    made = await world.order_of(db, mei, number)
    assert made.row.amount_minor == choice.back_price.total_minor
    return made


async def pay(db, mei, order):
    await take(db, await db.run(orders.checkout._begin, mei.actor, order.row.id))
    return await world.order_of(db, mei, order.number)


async def cut_and_back(db, mei, order, slot):
    await reopened(db, await cut(db, slot))
    return await taken_back(db, mei, order)


async def counters(db, running):
    """Money and number used, and of that what is late."""
    async with db.reading() as tx:
        [found] = await tx.tuples(
            "select used_minor, used_count, late_minor, late_count from campaigns.running where version_id = %(id)s",
            id=running.version_id,
        )
    return found


@pytest.mark.parametrize(("payer", "code"), [("platform", "5010"), ("merchant", "2020"), ("government", "1060")])
async def test_it_costs_what_it_had_cost_and_the_same_payer_bears_it(db, payer, code):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db, payer)
    mei, order = await discounting.paid(db, [ten.grant(1201)], slot, people=2)
    before = await discounting.codes(db)
    again = await cut_and_back(db, mei, order, slot)
    assert await discounting.codes(db) == {}, "nothing is borne before it is paid"
    assert (again.state, again.row.amount_minor, again.lines[0].unit_minor, again.lines[0].discount_minor) == (
        orders.State.HELD, 10_799, 6000, 1201,
    )  # fmt: skip
    [shown] = again.discounts
    assert (shown.version_id, shown.label, shown.amount_minor) == (ten.version_id, ten.label, 1201)
    again = await pay(db, mei, again)
    assert (again.state, await held_minor(db, again), await held_minor(db, order)) == (
        orders.State.CONFIRMED, 10_799, 0,
    )  # fmt: skip
    assert await discounting.codes(db) == before == {code: -1201 if payer == "merchant" else 1201, "2060": 1201}
    assert await counters(db, ten) == (1201, 1, 1201, 1)
    await orders.cancel(db, mei.actor, again, quoted_minor=10_799)
    assert await counters(db, ten) == (0, 0, 0, 0)
    assert await discounting.codes(db) == {}


@pytest.mark.parametrize("now", ["ended", "used up", "full by number", "stopped"])
async def test_it_comes_along_though_the_campaign_gives_nobody_anything_any_more(db, now):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    if now == "full by number":
        await discounting.change(db, ten, budget_count=1)
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    proposal = await cut(db, slot)
    elsewhere = await world.open_slot(db, places=10)
    if now == "ended":
        await discounting.change(db, ten, state="ended")
    elif now == "stopped":
        await discounting.trip(db, ten)
    else:
        await discounting.change(db, ten, **({"budget_minor": 700} if now == "used up" else {}))
        await discounting.paid(db, [ten.grant(500)], elsewhere)
    await reopened(db, proposal)
    again = await pay(db, mei, await taken_back(db, mei, order))
    assert (again.state, again.row.amount_minor) == (orders.State.CONFIRMED, 5400)
    found = await discounting.codes(db)
    assert found["2060"] == 600 + (500 if now in ("used up", "full by number") else 0)
    assert found.get("1095", 0) == (600 if now == "stopped" else 0)


async def test_what_a_stopped_campaign_granted_is_counted_once_and_is_honoured_where_it_is_now(db):
    slot = await world.open_slot(db, places=10)
    wrong = await discounting.campaign(db, "government")
    mei, order = await discounting.paid(db, [wrong.grant(600)], slot)
    trip_id = await discounting.trip(db, wrong)
    again = await pay(db, mei, await cut_and_back(db, mei, order, slot))
    found = await db.read(honour.incident, trip_id)
    assert (found.granted, found.granted_minor, found.people) == (1, 600, 1)
    assert await discounting.codes(db) == {"1095": 600, "2060": 600}
    maker, checker = await discounting.colleague(db, "marketing"), await discounting.colleague(db, "finance")
    made = await honour.propose(
        db, maker.actor, trip_id, verdict="honour", since=None, false_label=True, reason="a wrong template was used"
    )
    await honour.approve(db, checker.actor, made.id, made.shown)
    while await honour.run(db):
        pass
    assert await discounting.codes(db) == {"5040": 600, "2060": 600}
    assert (await world.order_of(db, mei, again.number)).discounts[0].corrected


async def test_cut_and_back_again_and_again_is_one_grant_all_the_time(db):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    for _ in range(3):
        order = await pay(db, mei, await cut_and_back(db, mei, order, slot))
        assert order.row.amount_minor == 5400
        assert await discounting.codes(db) == {"5010": 600, "2060": 600}
        assert await counters(db, ten) == (600, 1, 600, 1)


async def test_one_grant_is_never_in_two_orders(db):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    await reopened(db, await cut(db, slot))
    choice = await offered(db, mei, order)
    first = await displacement_returns.take_back(db, mei.actor, order, choice.back.id)
    with pytest.raises(orders.displacement_model.OfferGone):
        await displacement_returns.take_back(db, mei.actor, order, choice.back.id)
    other = await world.place(db, world.request(mei, world.basket(await world.open_slot(db))))
    line = choice.back_price.lines[0]
    with pytest.raises(psycopg.errors.UniqueViolation):
        await db.run(
            discounts_store.come_along, order.row.id, other.order_id, [(line.seq, 1, line.discounts[0])]
        )  # fmt: skip
    assert (await world.order_of(db, mei, first)).row.amount_minor == 5400


async def test_what_was_not_paid_in_time_is_free_for_others_and_does_not_come_back(db):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    again = await cut_and_back(db, mei, order, slot)
    await world.run_out(db, again)
    await orders.jobs.expire_holds(db)
    assert (await world.order_of(db, mei, again.number)).state is orders.State.EXPIRED
    assert await counters(db, ten) == (0, 0, 0, 0)
    assert await discounting.codes(db) == {}


async def test_with_other_visits_the_part_of_the_visit_comes_along_and_the_rest_stays(db):
    slot, stays = await world.open_slot(db, places=10), await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(600, 300)], slot, stays)
    again = await pay(db, mei, await cut_and_back(db, mei, order, slot))
    assert (again.row.amount_minor, (await world.order_of(db, mei, order.number)).row.amount_minor) == (5400, 5700)
    assert await discounting.codes(db) == {"5010": 900, "2060": 900}
    assert (await counters(db, ten))[0] == 900, "no money is reserved twice"
    [evidence] = await db.read(stages_store.kept, ten.version_id, 1, 1, None, 10)
    assert evidence.amount_minor == sum(line["amount_minor"] for line in evidence.lines) == 900
    await orders.cancel(db, mei.actor, await world.order_of(db, mei, order.number), quoted_minor=5700)
    assert (await counters(db, ten))[0] == 600
    await orders.cancel(db, mei.actor, again, quoted_minor=5400)
    assert await counters(db, ten) == (0, 0, 0, 0)
    assert await discounting.codes(db) == {}


async def test_two_visits_of_one_order_come_back_one_by_one_with_one_use_of_its_code(db):
    slots = [await world.open_slot(db, places=10) for _ in range(2)]
    ten = await discounting.campaign(db)
    await discounting.change(db, ten, per_person=1)
    await coded(db, ten, "SPRING7XK")
    mei, order = await discounting.paid(db, [{**ten.grant(600, 300), "code": "SPRING7XK"}], *slots)
    proposals = [await cut(db, slot) for slot in slots]
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CANCELLED
    found = []
    for proposal in proposals:
        await reopened(db, proposal)
        found.append(await pay(db, mei, await taken_back(db, mei, order)))
    assert sorted(one.row.amount_minor for one in found) == [5400, 5700]
    assert await world.value(db, "select uses from campaigns.codes") == 1
    assert (await counters(db, ten))[0] == 900


async def coded(db, running, code):
    async def write(tx):
        await tx.execute(
            "insert into campaigns.codes (code, campaign_id, batch, made_at) values (%(code)s, %(id)s, 'first', %(at)s)",
            code=code, id=running.campaign_id, at=clock.now(),
        )  # fmt: skip

    await db.run(write)


async def test_a_code_that_somebody_else_used_meanwhile_is_used_once_more_and_that_is_told(db):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    await coded(db, ten, "SPRING7XK")
    grant = {**ten.grant(600), "code": "SPRING7XK"}
    mei, order = await discounting.paid(db, [grant], slot)
    proposal = await cut(db, slot)
    await discounting.paid(db, [grant], await world.open_slot(db))
    await reopened(db, proposal)
    again = await pay(db, mei, await taken_back(db, mei, order))
    assert again.row.amount_minor == 5400
    assert again.discounts[0].code == "SPRING7XK"
    async with db.reading() as tx:
        assert await tx.tuples("select uses, uses_max, late from campaigns.codes") == [(2, 1, 1)]


@pytest.mark.parametrize("limited", ["person", "code"])
async def test_who_has_used_it_again_meanwhile_does_not_get_it_on_top(db, limited):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    grant = ten.grant(600)
    if limited == "person":
        await discounting.change(db, ten, per_person=1)
    else:
        await coded(db, ten, "SPRING7XK")
        grant["code"] = "SPRING7XK"
    mei, order = await discounting.paid(db, [grant], slot)
    proposal = await cut(db, slot)
    other = await world.open_slot(db)
    await discounting.place(db, world.request(mei, world.basket(other)), grant)
    await reopened(db, proposal)
    [left] = (await offered(db, mei, order)).back_price.left_out
    assert (left.version_id, left.used_again, left.abused) == (ten.version_id, True, False)
    again = await taken_back(db, mei, order)
    assert (again.row.amount_minor, again.discounts) == (6000, [])


async def test_used_again_between_the_look_and_the_press_books_nothing_and_says_so(db):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    await discounting.change(db, ten, per_person=1)
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    await reopened(db, await cut(db, slot))
    choice = await offered(db, mei, order)
    await discounting.place(db, world.request(mei, world.basket(await world.open_slot(db))), ten.grant(600))
    with pytest.raises(offers.TotalChanged) as refused:
        await displacement_returns.take_back(db, mei.actor, order, choice.back.id, choice.back_price.total_minor)
    assert refused.value.fields["total_minor"] == 6000
    assert (await offered(db, mei, order)).back.id == choice.back.id, "the places are held as before"


async def test_what_was_got_in_bad_faith_never_comes_along(db):
    slot = await world.open_slot(db, places=10)
    wrong = await discounting.campaign(db, "government")
    mei, order = await discounting.paid(db, [wrong.grant(1200)], slot)
    placed = await discounting.place(
        db, world.request(mei, world.basket(await world.open_slot(db))), wrong.grant(1000)
    )  # fmt: skip
    await take(db, await db.run(orders.checkout._begin, mei.actor, placed.order_id))
    trip_id = await discounting.trip(db, wrong)
    proposal = await cut(db, slot)
    maker, checker = await discounting.colleague(db, "marketing"), await discounting.colleague(db, "finance")
    made = await abuse.propose(db, maker.actor, trip_id, mei.account_id, EVIDENCE, "a wrong template was used")
    await honour.approve(db, checker.actor, made.id, made.shown)
    while await abuse.run(db):
        pass
    await reopened(db, proposal)
    [left] = (await offered(db, mei, order)).back_price.left_out
    assert (left.abused, left.used_again) == (True, False)
    again = await taken_back(db, mei, order)
    assert (again.row.amount_minor, again.discounts) == (6000, [])
    assert await discounting.codes(db) == {}


async def set_price(db, slot, minor):
    async def write(tx):
        await tx.execute(
            "update catalogue.prices set amount_minor = %(m)s where id = %(id)s", m=minor, id=slot.price_id
        )

    await db.run(write)


@pytest.mark.parametrize(("listed", "unit", "off"), [(9000, 6000, 600), (4000, 4000, 400)])
async def test_a_dearer_list_costs_nothing_more_and_a_cheaper_one_costs_less(db, listed, unit, off):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    plain = await world.place(db, world.request(lin := await world.traveller(db), world.basket(slot)))
    await pay(db, lin, await world.order_of(db, lin, plain.number))
    proposal = await cut(db, slot)
    await set_price(db, slot, listed)
    await reopened(db, proposal)
    again = await taken_back(db, mei, order)
    assert (again.lines[0].unit_minor, again.row.amount_minor) == (unit, unit - off)
    without = await taken_back(db, lin, await world.order_of(db, lin, plain.number))
    assert (without.lines[0].unit_minor, without.row.amount_minor) == (unit, unit)


async def test_a_price_that_rises_between_the_look_and_the_press_is_not_charged_in_silence(db):
    slot = await world.open_slot(db, places=10)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    proposal = await cut(db, slot)
    await set_price(db, slot, 3000)
    await reopened(db, proposal)
    choice = await offered(db, mei, order)
    assert choice.back_price.total_minor == 2700
    await set_price(db, slot, 5000)
    with pytest.raises(offers.TotalChanged):
        await displacement_returns.take_back(db, mei.actor, order, choice.back.id, choice.back_price.total_minor)
    assert (await taken_back(db, mei, order)).row.amount_minor == 4500


async def test_what_had_cost_nothing_is_booked_at_once(db):
    slot = await world.open_slot(db, places=10)
    free = await discounting.campaign(db)
    mei = await world.traveller(db)
    placed = await discounting.place(db, world.request(mei, world.basket(slot)), free.grant(6000))
    order = await world.order_of(db, mei, placed.number)
    again = await cut_and_back(db, mei, order, slot)
    assert (again.state, again.row.amount_minor) == (orders.State.CONFIRMED, 0)
    assert await discounting.codes(db) == {"5010": 6000, "2060": 6000}


async def test_a_gift_comes_along_as_far_as_it_was_not_used(db):
    slot = await world.open_slot(db, places=10)
    same = await other_day(db, slot)
    gift = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [gift.grant(gift={"benefit": "free_change", "quantity": 2})], slot)
    async with db.reading() as tx:
        assert len(await orders.benefits.of_order(tx, order.row)) == 2
    await db.run(orders.benefits.use, order.row)
    again = await pay(db, mei, await cut_and_back(db, mei, order, slot))
    async with db.reading() as tx:
        assert len(await orders.benefits.of_order(tx, again.row)) == 1
    assert again.discounts[0].gift["quantity"] == 1
    assert same.slot_id != slot.slot_id


async def test_after_it_came_back_it_follows_another_date_like_any_other(db):
    slot = await world.open_slot(db, places=10)
    cheap = await other_day(db, slot, price_minor=4000)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    again = await pay(db, mei, await cut_and_back(db, mei, order, slot))
    await orders.changes.change(db, mei.actor, again, orders.changes.Wish(cheap.slot_id, -1800))
    moved = await world.order_of(db, mei, again.number)
    assert (moved.row.amount_minor, moved.lines[0].discount_minor) == (3600, 400)
    assert await discounting.codes(db) == {"5010": 400, "2060": 400}


# Other ways by which a visit is remade without fault of the traveller's


async def test_who_was_moved_and_goes_back_pays_nothing_more_and_keeps_the_benefit(db):
    slot = await world.open_slot(db, places=10)
    dear = await other_day(db, slot, price_minor=9000)
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(601)], slot)
    proposal = await cut(db, slot, hours=2)
    await displacement_choices.move(db, mei.actor, order, slot.slot_id, dear.slot_id)
    clock.move(timedelta(hours=3))
    await displacement_run.sweep(db)
    await reopened(db, proposal)
    choice = await offered(db, mei, order)
    assert choice.back_price is None
    number = await displacement_returns.take_back(db, mei.actor, order, choice.back.id)
    back = await world.order_of(db, mei, number)
    assert (number, back.lines[0].slot_id, back.row.amount_minor, back.lines[0].discount_minor) == (
        order.number, slot.slot_id, 5399, 601,
    )  # fmt: skip
    assert await held_minor(db, order) == 5399
    assert await discounting.codes(db) == {"5010": 601, "2060": 601}
    assert await counters(db, ten) == (601, 1, 0, 0)


async def test_another_date_for_what_the_house_or_its_supplier_closed_keeps_the_benefit_without_a_fee(db):
    slot = await world.open_slot(db, places=10)
    same = await other_day(db, slot)
    ten = await discounting.campaign(db, "merchant")
    mei, order = await discounting.paid(db, [ten.grant(600)], slot)
    await discounting.change(db, ten, state="ended")
    await world.set_slot(db, slot, state="closed")
    async with db.reading() as tx:
        found = await orders.changes.quote(tx, order, same.slot_id)
    assert (found.fee_minor, found.due_minor, found.moves[0].discount_minor) == (0, 0, 600)
    await orders.changes.change(db, mei.actor, order, orders.changes.Wish(same.slot_id, 0))
    after = await world.order_of(db, mei, order.number)
    assert (after.row.amount_minor, after.lines[0].slot_id) == (5400, same.slot_id)
    assert await discounting.codes(db) == {"2020": -600, "2060": 600}
