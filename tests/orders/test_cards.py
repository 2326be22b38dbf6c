"""Cards through the ordinary order: bought, made with the confirmation, used for visits, given back in part or whole."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import orders, passes
from holdfast.kit import clock, jobs
from holdfast.kit.problems import Problem
from holdfast.orders.model import NotCancellable
from tests import cards, gates, world
from tests.orders import after_sale

pytestmark = pytest.mark.anyio


async def slots(db, count=3, **given):
    return [await world.open_slot(db, starts_in=cards.starts(1 + n), **given) for n in range(count)]


async def test_a_paid_order_of_a_card_has_its_card_at_once_and_it_holds_what_was_sold(db):
    sights = await slots(db)
    product = await cards.on_sale(db, sights, price="99")
    mei, bought = await cards.buy(db, product)
    assert bought.state is passes.CardState.ISSUED
    assert (bought.row.paid_minor, bought.row.list_minor) == (9900, 18000)
    assert cards.left(bought) == {slot.venue_id: 1 for slot in sights}
    assert [person.kind for person in bought.people] == ["adult"]
    order = await world.order_of(db, mei, bought.row.order_number)
    assert order.state is orders.State.CONFIRMED
    assert orders.tickets(order) == []
    phone = await db.read(orders.store.phone, order.row.id)
    assert [one.template for one in await world.messages(db, phone)] == ["card-ready"]


async def test_visits_over_several_venues_are_booked_in_one_order_and_used_one_by_one(db):
    sights = await slots(db)
    mei, bought = await cards.active(db, await cards.on_sale(db, sights))
    placed = await cards.reserve(db, mei, bought, sights)
    assert (placed.state, placed.amount_minor) == (orders.State.CONFIRMED, 0)
    order = await world.order_of(db, mei, placed.number)
    assert order.with_card
    assert len(orders.tickets(order)) == 3
    card = await cards.now(db, bought)
    assert set(cards.left(card).values()) == {0}
    assert {use.state for use in card.uses} == {passes.UseState.HELD}
    await cards.let_in(db, placed.number, 1)
    card = await cards.now(db, bought)
    assert [str(use.state) for use in card.uses] == ["used", "held", "held"]
    assert card.row.valid_to == card.uses[0].visit_date + timedelta(days=29)


async def test_a_visit_that_cannot_be_had_leaves_the_others_and_the_card_alone(db):
    sights = [*(await slots(db, 2)), await world.open_slot(db, places=1, starts_in=cards.starts(3))]
    await world.held_order(db, sights[2])
    mei, bought = await cards.active(db, await cards.on_sale(db, sights))
    with pytest.raises(orders.model.SlotFull):
        await cards.reserve(db, mei, bought, sights)
    card = await cards.now(db, bought)
    assert card.uses == []
    assert [await world.places_left(db, slot) for slot in sights] == [10, 10, 0]


async def test_the_same_basket_again_under_its_key_is_the_same_order(db):
    sights = await slots(db, 2)
    mei, bought = await cards.active(db, await cards.on_sale(db, sights))
    first = await cards.reserve(db, mei, bought, sights, key="once")
    assert await cards.reserve(db, mei, bought, sights, key="once") == first
    assert len((await cards.now(db, bought)).uses) == 2
    with pytest.raises(Problem) as other:
        await cards.reserve(db, mei, bought, sights[:1], key="once")
    assert other.value.code == "key-reused"


async def test_a_card_is_not_used_before_it_is_activated_nor_twice_nor_by_others(db):
    sights = await slots(db, 2)
    product = await cards.on_sale(db, sights)
    mei, bought = await cards.buy(db, product)
    with pytest.raises(passes.CardRefuses) as refused:
        await cards.reserve(db, mei, bought, sights)
    assert cards.refused(refused.value) == ["not-activated", "not-activated"]
    await db.run(passes.cards.activate, mei.actor, mei.account_id, bought.number)
    await cards.reserve(db, mei, bought, sights[:1])
    with pytest.raises(passes.CardRefuses) as again:
        await cards.reserve(db, mei, bought, sights[:1])
    assert cards.refused(again.value) == ["used-up"]
    somebody = await world.traveller(db)
    with pytest.raises(passes.CardUnknown):
        await cards.reserve(db, somebody, bought, sights[1:])


async def test_cancelling_a_visit_gives_its_use_back_and_the_others_stay(db):
    sights = await slots(db)
    mei, bought = await cards.active(db, await cards.on_sale(db, sights))
    placed = await cards.reserve(db, mei, bought, sights)
    await db.run(orders.card_visits.cancel, mei.actor, mei.account_id, bought.number, placed.number, 2)
    card = await cards.now(db, bought)
    assert [cards.left(card)[slot.venue_id] for slot in sights] == [0, 1, 0]
    assert await world.places_left(db, sights[1]) == 10
    order = await world.order_of(db, mei, placed.number)
    assert [line.seq for line in order.lines] == [1, 3]
    await orders.cancel(db, mei.actor, order)
    card = await cards.now(db, bought)
    assert set(cards.left(card).values()) == {1}
    assert {str(use.state) for use in card.uses} == {"released"}
    await cards.reserve(db, mei, bought, sights)


async def test_a_visit_of_a_card_is_changed_to_another_day_if_the_card_allows_it(db):
    [sight] = await slots(db, 1)
    five_days = {"kind": "fixed_window", "days": 5}
    mei, bought = await cards.active(db, await cards.on_sale(db, [sight], validity=five_days))
    later, too_late = await after_sale.other_day(db, sight, days=2), await after_sale.other_day(db, sight, days=9)
    placed = await cards.reserve(db, mei, bought, [sight])
    order = await world.order_of(db, mei, placed.number)
    with pytest.raises(orders.NotChangeable) as refused:
        await orders.changes.change(db, mei.actor, order, orders.changes.Wish(too_late.slot_id, 0))
    assert refused.value.fields["reason"] == "card"
    await orders.changes.change(db, mei.actor, order, orders.changes.Wish(later.slot_id, 0))
    [use] = (await cards.now(db, bought)).uses
    assert (use.visit_date, use.line_seq) == (later.starts_at.astimezone(world.ZONE).date(), 2)
    await cards.let_in(db, placed.number, 2)
    assert (await cards.now(db, bought)).uses[0].state is passes.UseState.USED


async def test_a_card_that_was_used_in_part_gives_back_the_rest_as_shown_once_no_visit_is_open(db):
    sights = await slots(db)
    mei, bought = await cards.active(db, await cards.on_sale(db, sights, price="99"))
    placed = await cards.reserve(db, mei, bought, sights[:2])
    order = await world.order_of(db, mei, bought.row.order_number)
    await cards.let_in(db, placed.number, 1)
    shown = await db.read(orders.quote, order)
    assert [one.open_visits for one in shown.cards] == [1]
    with pytest.raises(NotCancellable) as refused:
        await orders.cancel(db, mei.actor, order, quoted_minor=shown.refund_minor)
    assert refused.value.fields["reason"] == "card-visits"
    await db.run(orders.card_visits.cancel, mei.actor, mei.account_id, bought.number, placed.number, 2)
    shown = await db.read(orders.quote, order)
    assert (shown.refund_minor, shown.kept_minor) == (6600, 3300)  # seven days: used 1 of 3 at the price of the card
    assert shown.cards[0].ground is passes.Ground.SEVEN_DAYS
    await orders.cancel(db, mei.actor, order, quoted_minor=6600)
    card = await cards.now(db, bought)
    assert card.state is passes.CardState.REFUNDED
    assert await after_sale.fees_minor(db, "cancellation") == 3300
    with pytest.raises(passes.CardRefuses):
        await cards.reserve(db, mei, bought, sights[2:])


async def test_after_seven_days_the_use_counts_at_list_price_unless_the_seller_promised_more(db):
    sights = await slots(db)
    for terms, back in (({"kind": "none"}, 9900 - 6000), ({"kind": "share"}, 6600)):
        product = await cards.on_sale(db, sights, price="99", own_terms=terms)
        mei, bought = await cards.active(db, product)
        placed = await cards.reserve(db, mei, bought, sights[:1])
        await cards.let_in(db, placed.number, 1)
        order = await world.order_of(db, mei, bought.row.order_number)
        clock.move(timedelta(days=8))
        assert (await db.read(orders.quote, order)).refund_minor == back
        clock.reset()


async def test_of_several_cards_in_one_order_one_is_given_back(db):
    sights = await slots(db, 2)
    mei, order = await cards.order(db, await cards.on_sale(db, sights), cards=2)
    first, second = await db.read(passes.cards.of_order, order.row.id)
    shown = await db.read(orders.quote, order, [second.row.holder_seq])
    assert (shown.whole, shown.refund_minor) == (False, 10000)
    await orders.cancel(db, mei.actor, order, [second.row.holder_seq], 10000)
    assert [(await cards.now(db, card)).state for card in (first, second)] == ["issued", "refunded"]
    assert (await world.order_of(db, mei, order.number)).row.amount_minor == 10000


async def test_companions_come_on_a_card_and_only_so_many(db):
    [sight] = await slots(db, 1)
    product = await cards.on_sale(db, [sight], party={"adults": 2, "children_max": 2})
    mei, bought = await cards.active(db, product, adults=1, children=2)
    assert [person.kind for person in bought.people] == ["adult", "adult", "child", "child"]
    assert bought.entitlements[0].prices == {sight.product_id: 4 * 6000}
    with pytest.raises(Problem) as many:
        await world.place(db, world.request(mei, await cards.basket(db, product, children=3)))
    assert many.value.code == "too-many-companions"
    with pytest.raises(Problem) as alone:
        await world.place(db, world.request(mei, await cards.basket(db, product, cards=0, adults=1)))
    assert alone.value.code == "too-many-companions"
    with pytest.raises(passes.CardRefuses) as without:
        await cards.reserve(db, mei, bought, [sight], people=[2, 3])
    assert cards.refused(without.value) == ["holder"]
    placed = await cards.reserve(db, mei, bought, [sight], people=[1, 3])
    assert len((await world.order_of(db, mei, placed.number)).travellers) == 2
    assert await world.places_left(db, sight) == 8


async def test_a_card_is_found_from_both_accounts_of_one_person(db):
    sights = await slots(db, 1)
    mei, bought = await cards.active(db, await cards.on_sale(db, sights))
    other = await world.traveller(db)
    await world.same_person(db, mei, other)
    async with db.reading() as tx:
        assert [card.number for card in await passes.cards.mine(tx, other.account_id)] == [bought.number]
    placed = await cards.reserve(db, other, bought, sights)
    assert (await world.order_of(db, mei, placed.number)).state is orders.State.CONFIRMED


async def test_money_that_staff_give_back_whole_ends_the_card_and_its_visits(db):
    sights = await slots(db, 2)
    mei, bought = await cards.active(db, await cards.on_sale(db, sights))
    placed = await cards.reserve(db, mei, bought, sights)
    order = await world.order_of(db, mei, bought.row.order_number)
    await db.run(orders.refund, after_sale.STAFF, order.row.intent_id, None, "goodwill")
    assert (await cards.now(db, bought)).state is passes.CardState.REFUNDED
    assert (await world.order_of(db, mei, placed.number)).state is orders.State.CANCELLED


async def test_a_card_is_not_sold_against_a_promise(db):
    product = await cards.on_sale(db, await slots(db, 1))
    mei = await world.traveller(db)
    placed = await world.place(db, world.request(mei, await cards.basket(db, product)))
    order = await world.order_of(db, mei, placed.number)
    assert await orders.may_promise(db, order) == "never"
    with pytest.raises(Problem) as refused:
        await orders.promise(db, mei.actor, order)
    assert refused.value.code == "deferral-refused"


async def test_a_card_that_costs_nothing_is_made_by_the_news_of_its_order(db):
    product = await cards.on_sale(db, await slots(db, 1), price="0")
    mei = await world.traveller(db)
    placed = await world.place(db, world.request(mei, await cards.basket(db, product)))
    await jobs.drain(db)
    order = await world.order_of(db, mei, placed.number)
    [card] = await db.read(passes.cards.of_order, order.row.id)
    assert card.row.paid_minor == 0


async def test_an_unpaid_order_of_a_card_can_be_cancelled(db):
    product = await cards.on_sale(db, await slots(db, 1))
    mei = await world.traveller(db)
    placed = await world.place(db, world.request(mei, await cards.basket(db, product)))
    order = await world.order_of(db, mei, placed.number)
    assert (await db.read(orders.quote, order)).refund_minor == 0
    await orders.cancel(db, mei.actor, order)
    assert (await world.order_of(db, mei, placed.number)).state is orders.State.CANCELLED


async def test_a_card_given_back_because_of_the_seller_counts_its_use_at_the_price_of_the_card_and_ends_its_visits(db):
    sights = await slots(db)
    mei, bought = await cards.active(db, await cards.on_sale(db, sights, price="99"))
    placed = await cards.reserve(db, mei, bought, sights[:2])
    await cards.let_in(db, placed.number, 1)
    clock.move(timedelta(hours=2))
    async with db.reading() as tx:
        order = await orders.require(tx, mei.account_id, bought.row.order_number)
        by_buyer = await orders.quote(tx, order)
        by_us = await orders.quote(tx, order, None, passes.Cause.SELLER)
    assert (by_buyer.refund_minor, by_us.refund_minor) == (6600, 6600)
    clock.move(timedelta(days=8))
    sum_back = await orders.card_returns.by_seller(db, after_sale.STAFF, bought.number, "closed for good")
    assert sum_back.amount_minor == 6600
    card = await cards.now(db, bought)
    assert (card.state, [str(use.state) for use in card.uses]) == ("refunded", ["used", "released"])


async def test_a_suspended_card_books_nothing_until_it_goes_on(db):
    sights = await slots(db, 2)
    mei, bought = await cards.active(db, await cards.on_sale(db, sights))
    placed = await cards.reserve(db, mei, bought, sights[:1])
    await db.run(passes.cards.suspend, after_sale.STAFF, bought.number, "reported lost")
    with pytest.raises(passes.CardRefuses) as refused:
        await cards.reserve(db, mei, bought, sights[1:])
    assert cards.refused(refused.value) == ["suspended"]
    assert "reported lost" in refused.value.errors[0]["message"]["en"]
    assert (await world.order_of(db, mei, placed.number)).state is orders.State.CONFIRMED
    await db.run(passes.cards.resume, after_sale.STAFF, bought.number, "found")
    await cards.reserve(db, mei, bought, sights[1:])


async def test_what_was_booked_and_is_over_counts_as_used_and_a_card_that_is_used_up_says_so(db):
    sights = await slots(db, 2)
    mei, bought = await cards.active(db, await cards.on_sale(db, sights))
    await cards.reserve(db, mei, bought, sights)
    clock.move(timedelta(days=4))
    await cards.over(db)
    card = await cards.now(db, bought)
    assert {str(use.state) for use in card.uses} == {"used"}
    assert card.state is passes.CardState.EXHAUSTED
    assert card.row.valid_from == card.uses[0].visit_date


async def test_an_admission_that_was_a_mistake_gives_the_use_back_to_its_booking(db):
    [sight] = await slots(db, 1)
    mei, bought = await cards.active(db, await cards.on_sale(db, [sight]))
    placed = await cards.reserve(db, mei, bought, [sight])
    await cards.let_in(db, placed.number)
    assert (await cards.now(db, bought)).state is passes.CardState.EXHAUSTED
    await db.run(passes.entitlements.undone, "staff:test", placed.number)
    card = await cards.now(db, bought)
    assert (card.state, str(card.uses[0].state), card.row.valid_from) == ("active", "held", None)


async def test_a_card_that_was_never_activated_runs_out_and_is_still_worth_its_price(db):
    mei, bought = await cards.buy(db, await cards.on_sale(db, await slots(db, 1)))
    clock.move(timedelta(days=181))
    await cards.over(db)
    card = await cards.now(db, bought)
    assert card.state is passes.CardState.EXPIRED
    assert (await db.read(passes.cards.refund_of, card)).refund_minor == 10000
    with pytest.raises(passes.NotActivatable):
        await db.run(passes.cards.activate, mei.actor, mei.account_id, bought.number)
    clock.reset()


async def test_a_new_version_of_a_card_leaves_those_that_were_bought_alone(db):
    sights = await slots(db, 2)
    product = await cards.on_sale(db, sights)
    mei, bought = await cards.active(db, product)
    offer = passes.card_products.CardOffer(
        id=product.id, name={"en": "Test", "zh": "测试"}, city={"en": "Nanjing", "zh": "南京"}, province="江苏省", summary={}, price="100",
        on_sale_a_day=50, rules=product.rules.__class__(product.rules.model, product.rules.items[:1], product.rules.validity),
    )  # fmt: skip
    assert await cards.load(db, passes.card_products.CardFile("holdfast-cards/1", [offer])) == 1
    assert await cards.load(db, passes.card_products.CardFile("holdfast-cards/1", [offer])) == 0
    newest = (await db.read(passes.card_products.many, [product.id]))[product.id]
    assert (newest.version, len(newest.rules.items)) == (2, 1)
    await cards.reserve(db, mei, bought, sights)


async def test_gates_let_in_with_the_visits_of_one_card_over_three_venues_and_each_use_is_used(db):
    sights = [await world.open_slot(db, starts_in=cards.starts(1)) for _ in range(3)]
    mei, bought = await cards.active(db, await cards.on_sale(db, sights, party={"adults": 2}), adults=1)
    clock.move(sights[0].starts_at - clock.now())
    placed = await cards.reserve(db, mei, bought, sights)
    tickets = orders.tickets(await world.order_of(db, mei, placed.number))
    assert len(tickets) == 6
    for at, slot in enumerate(sights):
        here = await gates.gate(db, slot.venue_id)
        mine = [ticket for ticket in tickets if ticket.line.venue_id == slot.venue_id]
        [first] = await gates.admit(db, here, gates.by_code(1, mine[0]))
        assert first.verdict == "valid"
        await jobs.drain(db)
        assert [str(use.state) for use in (await cards.now(db, bought)).uses].count("used") == at + 1
        [again, second] = await gates.admit(db, here, gates.by_code(2, mine[0]), gates.by_code(3, mine[1]))
        assert (again.verdict, second.verdict) == ("used", "valid")
    await jobs.drain(db)
    card = await cards.now(db, bought)
    assert card.state is passes.CardState.EXHAUSTED
    assert (await world.order_of(db, mei, placed.number)).state is orders.State.USED
