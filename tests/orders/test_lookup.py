"""Lookup: an order is found by its owner from any account, by link, and by number and phone; by nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import orders
from holdfast.kit import clock, ids
from holdfast.orders.lookup import LOOKUPS
from holdfast.orders.model import LookupTooOften
from tests import world
from tests.world import place, request

pytestmark = pytest.mark.anyio


@pytest.fixture
async def mei(db):
    return await world.traveller(db)


@pytest.fixture
async def order(db, mei):
    slot = await world.open_slot(db)
    placed = await place(db, request(mei, world.basket(slot, people=2)))
    return await world.order_of(db, mei, placed.number)


async def test_the_owner_finds_the_order_however_the_number_is_typed(db, mei, order):
    for typed in (order.number, ids.show_code(order.number), f" {order.number.lower()} "):
        assert await world.order_of(db, mei, typed) == order


async def test_every_account_of_the_person_finds_it_and_nothing_has_moved(db, mei, order):
    other = await world.traveller(db)
    await world.same_person(db, other, mei)
    found = await world.order_of(db, other, order.number)
    assert found == order
    assert found.row.account_id == mei.account_id
    async with db.reading() as tx:
        assert [mine.number for mine in await orders.mine(tx, other.account_id)] == [order.number]


async def test_to_a_stranger_the_order_does_not_exist(db, order):
    stranger = await world.traveller(db)
    for number in (order.number, "nonsense", ids.new_code()):
        with pytest.raises(orders.OrderUnknown):
            await world.order_of(db, stranger, number)
    async with db.reading() as tx:
        assert await orders.mine(tx, stranger.account_id) == []


async def test_the_signed_link_opens_its_order_and_no_other(db, mei, order):
    other = await place(db, request(mei, world.basket(await world.open_slot(db))))
    async with db.reading() as tx:
        assert await orders.by_link(tx, order.number, orders.link_token(order.number)) == order
        for number, token in (
            (other.number, orders.link_token(order.number)),
            (order.number, ""),
            (order.number, orders.link_token(order.number)[:-1]),
            (order.number, "ключ"),
            ("nonsense", orders.link_token(order.number)),
        ):
            with pytest.raises(orders.OrderUnknown):
                await orders.by_link(tx, number, token)


async def test_number_and_phone_show_state_and_money_but_no_people_and_no_tickets(db, mei):
    slot = await world.open_slot(db, price_minor=0)
    wanted = world.basket(slot, people=2)
    placed = await place(db, request(mei, wanted))
    shown = await orders.look_up(db, ids.show_code(placed.number), wanted.phone, "198.51.100.7")
    assert (shown.state, shown.total.amount_minor, shown.redacted) == (orders.State.CONFIRMED, 0, True)
    assert shown.travellers == []
    assert orders.tickets(shown) == []
    assert [line.quantity for line in shown.lines] == [2]


async def test_a_wrong_phone_or_number_finds_nothing(db, order):
    for number, phone in (
        (order.number, world.phone_number()),
        (ids.new_code(), "+8613900000000"),
        ("?", "+8613900000000"),
    ):
        with pytest.raises(orders.OrderUnknown):
            await orders.look_up(db, number, phone, "198.51.100.7")


async def test_phones_of_an_order_cannot_be_guessed_from_many_sources(db, order):
    for n in range(LOOKUPS):
        with pytest.raises(orders.OrderUnknown):
            await orders.look_up(db, order.number, world.phone_number(), f"198.51.100.{n}")
    with pytest.raises(LookupTooOften) as raised:
        await orders.look_up(db, order.number, world.phone_number(), "203.0.113.9")
    assert 0 < raised.value.fields["retry_after_s"] <= 600


async def test_a_source_that_guesses_numbers_is_slowed_down_and_others_are_not(db, mei):
    wanted = world.basket(await world.open_slot(db))
    placed = await place(db, request(mei, wanted))
    for _ in range(LOOKUPS):
        with pytest.raises(orders.OrderUnknown):
            await orders.look_up(db, ids.new_code(), "+8613900000000", "198.51.100.7")
    with pytest.raises(LookupTooOften):
        await orders.look_up(db, placed.number, wanted.phone, "198.51.100.7")
    assert (await orders.look_up(db, placed.number, wanted.phone, "198.51.100.8")).number == placed.number
    clock.move(timedelta(seconds=601))
    assert (await orders.look_up(db, placed.number, wanted.phone, "198.51.100.7")).number == placed.number


async def test_typing_errors_of_many_people_do_not_lock_out_the_next_one(db):
    for n in range(LOOKUPS + 1):
        with pytest.raises(orders.OrderUnknown):
            await orders.look_up(db, "not a number", "+8613900000000", f"198.51.100.{n}")


async def test_the_list_of_orders_is_paged_newest_first(db, mei):
    slot = await world.open_slot(db, places=50)
    numbers = [(await place(db, request(mei, world.basket(slot)))).number for _ in range(5)]
    async with db.reading() as tx:
        first = await orders.mine(tx, mei.account_id, limit=3)
        rest = await orders.mine(tx, mei.account_id, limit=3, before=first[-1].row.id)
    assert [order.number for order in [*first, *rest]] == numbers[::-1]


async def test_an_order_that_waits_shows_no_payment_before_one_is_started(db, order):
    async with db.reading() as tx:
        assert await orders.payment_of(tx, order) is None
