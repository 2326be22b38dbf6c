"""The waiting list: in order of arrival, whole parties, nothing snapped up between, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from holdfast import orders
from holdfast.accounts import rights
from holdfast.accounts.rights_model import Erased
from holdfast.kit import clock, faults, ids
from holdfast.kit.db import Db, Tx
from holdfast.kit.problems import InvalidInput, Problem
from holdfast.orders import expiry, waitlist, waitlist_offers
from holdfast.orders.model import DocumentAlreadyBooked, PriceUnknown, SlotFull
from holdfast.orders.waitlist_model import (
    AlreadyWaiting,
    TooManyWaits,
    WaitHopeless,
    WaitOver,
    WaitState,
    WaitUnknown,
    WaitView,
    offer_until,
)
from tests import world
from tests.world import Person, SlotWorld

from . import discounting

pytestmark = pytest.mark.anyio
NOON = datetime(2027, 5, 3, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon() -> None:
    """It is noon in Shanghai: offers are open for two hours."""
    clock.move(NOON - clock.now())


async def join(
    db: Db, person: Person, slot: SlotWorld, people: int = 1, key: str | None = None, **more: object
) -> WaitView | orders.Placed:
    lines = [world.line(slot, people, **more)]  # type: ignore[arg-type]
    key = key or ids.uuid7().hex
    return await db.run(waitlist.join, person.actor, person.account_id, key, lines, locale="en", channel="web")


async def waiting(db: Db, slot: SlotWorld, people: int = 1) -> tuple[Person, WaitView]:
    """Somebody new at the end of the list."""
    person = await world.traveller(db)
    found = await join(db, person, slot, people)
    assert isinstance(found, WaitView)
    return person, found


async def look(db: Db, person: Person, wait: WaitView) -> WaitView:
    return await db.read(waitlist.view, person.account_id, wait.wait.id)


async def full(db: Db, places: int = 2, **more: object) -> tuple[SlotWorld, list[tuple[Person, orders.Order]]]:
    """A slot sold to the last place, each to somebody of their own."""
    slot = await world.open_slot(db, places=places, **more)  # type: ignore[arg-type]
    return slot, [await world.held_order(db, slot) for _ in range(places)]


async def give_up(db: Db, *holders: tuple[Person, orders.Order]) -> None:
    for person, order in holders:
        await orders.cancel(db, person.actor, order)


async def order_of(db: Db, person: Person, wait: WaitView) -> orders.Order:
    found = await look(db, person, wait)
    assert found.order_number
    return await world.order_of(db, person, found.order_number)


async def states(db: Db, parties: Sequence[tuple[Person, WaitView]]) -> list[str]:
    return [str((await look(db, *party)).wait.state) for party in parties]


async def kept(db: Db, slot: SlotWorld) -> int:
    return int(await world.value(db, "select kept from inventory.slots where id = %(id)s", id=slot.slot_id))


async def test_whoever_joins_a_full_slot_is_told_how_many_came_before(db: Db) -> None:
    slot, _ = await full(db)
    await waiting(db, slot, 2)
    person, second = await waiting(db, slot)
    assert (second.ahead, second.ahead_places, second.behind) == (1, 2, 0)
    assert second.wait.state is WaitState.WAITING
    assert [view.wait.id for view in await db.read(waitlist.mine, person.account_id)] == [second.wait.id]


async def test_where_places_are_left_joining_is_booking(db: Db) -> None:
    slot = await world.open_slot(db, places=2)
    placed = await join(db, await world.traveller(db), slot, 2)
    assert isinstance(placed, orders.Placed)
    assert placed.state is orders.State.HELD
    assert await world.value(db, "select count(*) from orders.waits") == 0


async def test_a_place_that_comes_free_is_never_on_sale_while_somebody_waits(db: Db) -> None:
    slot, holders = await full(db)
    await waiting(db, slot)
    await give_up(db, holders[0])
    assert await kept(db, slot) == 1
    quick = await world.traveller(db)
    with pytest.raises(SlotFull):
        await world.place(db, world.request(quick, world.basket(slot)))
    async with db.reading() as tx:
        views = await orders.alternatives.alternatives(tx, slot.slot_id, 1)
    assert views.every == []


async def test_the_first_gets_the_offer_pays_it_and_has_the_place(db: Db) -> None:
    slot, holders = await full(db)
    parties = [await waiting(db, slot), await waiting(db, slot)]
    await give_up(db, holders[0])
    assert await waitlist_offers.offer(db) == 1
    assert await states(db, parties) == ["offered", "waiting"]
    person, wait = parties[0]
    order = await order_of(db, person, wait)
    assert (order.state, order.row.channel, order.row.expires_at) == (
        orders.State.HELD, "waitlist", pytest.approx(clock.now() + timedelta(hours=2), abs=timedelta(seconds=5)),
    )  # fmt: skip
    assert order.travellers[0].name_masked
    texts = [message.body for message in await world.messages(db, person.phone)]
    assert any(f"/orders/{order.number}?token=" in text and "14:0" in text for text in texts)
    assert await waitlist_offers.offer(db) == 0
    assert (await look(db, *parties[1])).ahead == 0


async def test_a_free_ticket_is_booked_at_once_and_said(db: Db) -> None:
    slot, holders = await full(db, price_minor=0)
    party = await waiting(db, slot)
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    assert (await look(db, *party)).wait.state is WaitState.TAKEN
    assert (await order_of(db, *party)).state is orders.State.CONFIRMED
    templates = {message.template for message in await world.messages(db, party[0].phone)}
    assert "waitlist-booked" in templates


async def test_an_offer_is_priced_as_of_now_with_what_the_website_gives(db: Db) -> None:
    slot, holders = await full(db, 3)
    parties = [await waiting(db, slot) for _ in range(3)]
    await discounting.on_offer(db, discounting.TENTH, channels=["desk"], stacking={"group": "other"})
    running = await discounting.on_offer(db, discounting.TENTH)
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    first = await order_of(db, *parties[0])
    assert (first.row.channel, first.row.amount_minor, first.discounts[0].version_id) == (
        "waitlist", 5400, running.version_id,
    )  # fmt: skip
    await discounting.change(db, running, budget_minor=600)
    await give_up(db, holders[1])
    await waitlist_offers.offer(db)
    assert (await order_of(db, *parties[1])).row.amount_minor == 6000, "what is over keeps nobody from the place"
    await discounting.change(db, running, budget_minor=1_000_000, full_since=None, per_person=1)
    third, _wait = parties[2]
    other = await world.open_slot(db)
    await discounting.place(db, world.request(third, world.basket(other)), running.grant(600))
    await give_up(db, holders[2])
    await waitlist_offers.offer(db)
    assert (await order_of(db, *parties[2])).row.amount_minor == 6000
    assert await world.value(db, "select count(*) from campaigns.trips") == 0


async def test_where_places_are_left_joining_costs_what_booking_costs(db: Db) -> None:
    slot = await world.open_slot(db)
    await discounting.on_offer(db, discounting.TENTH)
    placed = await join(db, await world.traveller(db), slot)
    assert isinstance(placed, orders.Placed)
    assert placed.amount_minor == 5400


async def test_an_offer_that_is_not_taken_goes_to_the_next(db: Db) -> None:
    slot, holders = await full(db)
    parties = [await waiting(db, slot) for _ in range(3)]
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    clock.move(timedelta(hours=2, seconds=1))
    await expiry.sweep(db)  # also the second holder of the slot, who never paid
    await waitlist_offers.offer(db)
    assert await states(db, parties) == ["lapsed", "offered", "offered"]
    assert "waitlist-lapsed" in {message.template for message in await world.messages(db, parties[0][0].phone)}


async def test_declining_passes_the_place_on_at_once(db: Db) -> None:
    slot, holders = await full(db)
    parties = [await waiting(db, slot), await waiting(db, slot)]
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    person, wait = parties[0]
    await waitlist.leave(db, person.actor, person.account_id, wait.wait.id)
    assert await kept(db, slot) == 1
    await waitlist_offers.offer(db)
    assert await states(db, parties) == ["declined", "offered"]
    await waitlist.leave(db, person.actor, person.account_id, wait.wait.id)


async def test_a_party_too_big_is_passed_over_and_keeps_its_place(db: Db) -> None:
    slot, holders = await full(db, 3)
    parties = [await waiting(db, slot, 2), await waiting(db, slot, 1)]
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    assert await states(db, parties) == ["waiting", "offered"]
    await give_up(db, holders[1], holders[2])
    await waitlist_offers.offer(db)
    assert await states(db, parties) == ["offered", "offered"]
    assert await world.places_left(db, slot) == 0


async def test_places_too_few_for_anybody_are_gathered_for_a_while(db: Db) -> None:
    slot, holders = await full(db, 3)
    party = await waiting(db, slot, 2)
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    assert await kept(db, slot) == 1
    clock.move(timedelta(minutes=5))
    await give_up(db, holders[1])
    await waitlist_offers.offer(db)
    assert (await look(db, *party)).wait.state is WaitState.OFFERED


async def test_places_that_fit_nobody_go_on_sale_in_the_end(db: Db) -> None:
    slot, holders = await full(db, 2)
    party = await waiting(db, slot, 2)
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    clock.move(timedelta(minutes=16))
    await waitlist_offers.offer(db)
    assert await kept(db, slot) == 0
    quick = await world.traveller(db)
    await world.place(db, world.request(quick, world.basket(slot)))
    assert (await look(db, *party)).wait.state is WaitState.WAITING


async def test_capacity_that_rises_is_kept_for_those_who_wait(db: Db) -> None:
    slot, _ = await full(db)
    party = await waiting(db, slot, 2)
    await world.set_slot(db, slot, capacity=5)
    assert await kept(db, slot) == 3
    await waitlist_offers.offer(db)
    assert (await look(db, *party)).wait.state is WaitState.OFFERED
    await waitlist_offers.offer(db)
    assert await kept(db, slot) == 0, "nobody waits any more"


async def test_what_was_set_aside_in_the_same_transaction_is_not_kept_twice(db: Db) -> None:
    slot, _ = await full(db)
    await waiting(db, slot)

    async def raise_and_set_aside(tx: Tx) -> None:
        await world._set_slot(tx, slot, "open", 5)
        await tx.execute("update inventory.slots set set_aside = set_aside + 2 where id = %(id)s", id=slot.slot_id)

    await db.run(raise_and_set_aside)
    assert await world.value(db, "select (kept, set_aside)::text from inventory.slots") == "(1,3)"


async def test_a_cut_takes_kept_places_first(db: Db) -> None:
    slot, holders = await full(db, 3)
    await waiting(db, slot, 2)
    await give_up(db, holders[0])
    assert await kept(db, slot) == 1
    await world.set_slot(db, slot, capacity=2)
    assert await kept(db, slot) == 0


async def test_whoever_cannot_be_offered_a_place_is_passed_over_and_asked_again(db: Db) -> None:
    slot, holders = await full(db)
    visitor = world.visitor()
    person = await world.traveller(db)
    first = await join(db, person, slot, visitors=[visitor])
    assert isinstance(first, WaitView)
    beside = await world.open_slot(db, beside=slot)
    elsewhere = await world.place(db, world.request(person, world.basket(beside, visitors=[visitor])))
    second = await waiting(db, slot)
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    assert await states(db, [(person, first), second]) == ["waiting", "offered"]
    assert (await look(db, person, first)).wait.passed_why == DocumentAlreadyBooked.code
    await orders.cancel(db, person.actor, await world.order_of(db, person, elsewhere.number))
    await give_up(db, holders[1])
    clock.move(timedelta(minutes=6))
    await waitlist_offers.offer(db)
    assert (await look(db, person, first)).wait.state is WaitState.OFFERED


async def test_one_taken_ends_the_others_of_that_day(db: Db) -> None:
    slot, holders = await full(db, price_minor=0)
    other = await world.open_slot(db, beside=slot, places=1, price_minor=0)
    await world.place(db, world.request(await world.traveller(db), world.basket(other)))
    person, first = await waiting(db, slot)
    second = await join(db, person, other)
    assert isinstance(second, WaitView)
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    assert await states(db, [(person, first), (person, second)]) == ["taken", "left"]


async def test_the_end_of_the_sale_ends_the_list_and_says_so(db: Db) -> None:
    slot, _ = await full(db, closes_in=timedelta(hours=5))
    party = await waiting(db, slot)
    clock.move(timedelta(hours=6))
    await waitlist_offers.offer(db)
    assert (await look(db, *party)).wait.state is WaitState.OVER
    assert "waitlist-over" in {message.template for message in await world.messages(db, party[0].phone)}


async def test_joining_is_checked_as_a_booking_is(db: Db) -> None:
    slot, _ = await full(db)
    person = await world.traveller(db)
    with pytest.raises(InvalidInput):
        await join(db, person, slot, visitors=[world.visitor(document="123")])
    with pytest.raises(PriceUnknown):
        await join(db, person, slot, price_id="nothing")
    with pytest.raises(WaitHopeless):
        await join(db, person, slot, 3)
    first = await join(db, person, slot, key="same")
    assert isinstance(first, WaitView)
    again = await join(db, person, slot, key="same")
    assert isinstance(again, WaitView)
    assert again.wait.id == first.wait.id
    with pytest.raises(AlreadyWaiting):
        await join(db, person, slot)


async def test_one_person_waits_in_five_lists_at_most(db: Db) -> None:
    person = await world.traveller(db)
    for _ in range(5):
        slot, _holders = await full(db, 1)
        await join(db, person, slot)
    slot, _holders = await full(db, 1)
    with pytest.raises(TooManyWaits):
        await join(db, person, slot)


async def test_only_its_own_person_sees_a_place_on_the_list(db: Db) -> None:
    slot, _ = await full(db)
    mei, wait = await waiting(db, slot)
    other, member = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, member)
    assert (await look(db, member, wait)).wait.id == wait.wait.id
    with pytest.raises(WaitUnknown):
        await look(db, other, wait)
    with pytest.raises(WaitUnknown):
        await waitlist.leave(db, other.actor, other.account_id, wait.wait.id)


async def test_who_leaves_is_named_no_longer_and_nothing_is_kept(db: Db) -> None:
    slot, holders = await full(db)
    person, wait = await waiting(db, slot)
    await give_up(db, holders[0])
    await waitlist.leave(db, person.actor, person.account_id, wait.wait.id)
    assert await world.value(db, "select people from orders.waits") is None
    assert await world.value(db, "select (kept, set_aside, is_waited_for)::text from inventory.slots") == "(0,0,f)"


async def test_a_place_that_was_taken_cannot_be_left(db: Db) -> None:
    slot, holders = await full(db, price_minor=0)
    person, wait = await waiting(db, slot)
    await give_up(db, holders[0])
    await waitlist_offers.offer(db)
    with pytest.raises(WaitOver):
        await waitlist.leave(db, person.actor, person.account_id, wait.wait.id)


async def test_a_copy_of_ones_data_has_the_lists_and_an_erasure_leaves_them(db: Db) -> None:
    slot, _ = await full(db)
    person, _wait = await waiting(db, slot, 2)
    async with db.reading() as tx:
        [held] = (await rights.collect(tx, [person.account_id]))["waits"]
    assert [one.name for one in held.travellers] == ["王小明", "王小明"]  # type: ignore[attr-defined]
    async with db.reading() as tx:
        foreseen = await rights.FORESEEN["waits"](tx, [person.account_id], clock.now())
    assert [one.count for one in foreseen] == [1]
    await db.run(rights.ERASERS["waits"], Erased([person.account_id], [], clock.now()), 10)
    assert await world.value(db, "select (state, people is null)::text from orders.waits") == "(left,t)"


@pytest.mark.parametrize(
    ("at", "closes_in", "until"),
    [
        ("12:00", 24, "14:00"),
        ("21:59", 24, "23:59"),
        ("22:30", 48, "09:00"),
        ("03:00", 48, "09:00"),
        ("12:00", 1, "13:00"),
        ("12:00", 0.2, None),
    ],
)
def test_offers_last_two_hours_or_until_the_morning(at: str, closes_in: float, until: str | None) -> None:
    hour, minute = map(int, at.split(":"))
    now = datetime(2027, 5, 3, hour, minute, tzinfo=world.ZONE).astimezone(UTC)
    found = offer_until(now, "Asia/Shanghai", now + timedelta(hours=closes_in))
    assert (found and found.astimezone(world.ZONE).strftime("%H:%M")) == until
    assert found is None or timedelta() < found - now < timedelta(hours=11)


async def test_cancellations_joins_and_quick_buyers_race_and_the_order_stands(db: Db) -> None:
    """Twelve holders give up while parties join, a worker offers and strangers try to buy: checked by the invariants."""
    slot, holders = await full(db, 12)
    first = [await waiting(db, slot, 1 + at % 3) for at in range(6)]
    people = [await world.traveller(db) for _ in range(8)]
    strangers = [await world.traveller(db) for _ in range(8)]

    async def buy(person: Person) -> str:
        try:
            await world.place(db, world.request(person, world.basket(slot)))
        except Problem as problem:
            return problem.code
        return "bought"

    async def offer_again() -> None:
        for _ in range(12):
            await waitlist_offers.offer(db)

    results = await asyncio.gather(
        *(give_up(db, holder) for holder in holders), *(join(db, person, slot) for person in people),
        *(buy(person) for person in strangers), offer_again(), offer_again(),
    )  # fmt: skip
    assert set(results[20:28]) == {"slot-full"}
    await waitlist_offers.offer(db)
    found = await states(db, first)
    assert found == ["offered"] * 6
    assert await world.value(db, "select sum(places) from orders.waits where state = 'offered'") == 12
    assert await world.places_left(db, slot) == 0


@pytest.mark.parametrize(
    "point", ["waitlist.join.before_commit", "waitlist.offer.before_commit", "waitlist.settle.before_commit"]
)
async def test_a_crash_at_any_step_loses_nothing_and_the_next_round_goes_on(db: Db, point: str) -> None:
    slot, holders = await full(db)
    person = await world.traveller(db)
    faults.arm(f"{point}=error")
    wait: WaitView | orders.Placed | None = None
    try:
        wait = await join(db, person, slot, key="one")
        await give_up(db, holders[0])
        await waitlist_offers.offer(db)
    except faults.FaultInjected:
        pass
    else:
        pytest.fail(f"nobody came by {point}")
    faults.arm("")
    if wait is None:
        assert await world.value(db, "select count(*) from orders.waits") == 0
        wait = await join(db, person, slot, key="one")
        await give_up(db, holders[0])
    assert isinstance(wait, WaitView)
    assert await kept(db, slot) == 1
    assert await waitlist_offers.offer(db) == 1
    assert (await look(db, person, wait)).wait.state is WaitState.OFFERED
    assert await waitlist_offers.offer(db) == 0
