"""PINs: eight characters that open an order; guessing them is slow, whoever guesses and from wherever."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from holdfast import orders
from holdfast.kit import clock, ids
from holdfast.orders.model import LookupTooOften
from holdfast.orders.pins import ALPHABET, TRIES
from tests import world

pytestmark = pytest.mark.anyio
SOURCE = "198.51.100.7"


@pytest.fixture
async def order(db):
    _mei, order = await world.held_order(db, await world.open_slot(db))
    return order


def wrong(number: str) -> str:
    """A PIN that is not the order's."""
    pin = orders.pins.pin(number)
    return pin[:-1] + ALPHABET[(ALPHABET.index(pin[-1]) + 1) % 32]


def test_a_pin_has_eight_characters_of_crockfords_alphabet_and_belongs_to_its_number():
    numbers = [ids.new_code() for _ in range(200)]
    pins = {orders.pins.pin(number) for number in numbers}
    assert len(pins) == 200
    assert {len(pin) for pin in pins} == {8}
    assert set("".join(pins)) <= set(ALPHABET)
    assert not set("ILOU") & set(ALPHABET)
    assert len(ALPHABET) ** 8 == 2**40
    assert orders.pins.pin(numbers[0]) == orders.pins.pin(numbers[0])


@pytest.mark.parametrize("typed", ["{0}-{1}", "{0} {1}", " {0}{1} ", "{0}–{1}"])
def test_a_pin_is_read_however_it_is_typed(typed):
    number = ids.new_code()
    shown = orders.pins.show(number)
    assert shown[4] == "-"
    assert orders.pins.fits(number, typed.format(shown[:4], shown[5:]).lower())


def test_look_alikes_are_forgiven_and_other_texts_are_no_pins():
    assert orders.pins.read("oil0-0000") == "01100000"
    for typed in ("", "1234567", "123456789", "1234567!", "口令口令口令口令"):
        assert orders.pins.read(typed) is None
        assert not orders.pins.fits("7K3QF90XMA", typed)


async def test_number_and_pin_open_the_whole_order(db, order):
    found = await orders.pins.by_pin(db, ids.show_code(order.number), orders.pins.show(order.number), SOURCE)
    assert found == order
    assert not found.redacted


async def test_a_wrong_pin_and_a_number_that_never_was_look_the_same(db, order):
    never = ids.new_code()
    for number, typed in ((order.number, wrong(order.number)), (never, orders.pins.pin(never)), ("?", "?")):
        with pytest.raises(orders.PinWrong):
            await orders.pins.by_pin(db, number, typed, SOURCE)


async def test_five_wrong_pins_an_hour_are_all_an_order_bears_from_wherever_they_come(db, order):
    for n in range(TRIES):
        with pytest.raises(orders.PinWrong):
            await orders.pins.by_pin(db, order.number, wrong(order.number), f"198.51.100.{n}")
    with pytest.raises(LookupTooOften) as raised:
        await orders.pins.by_pin(db, order.number, orders.pins.pin(order.number), "203.0.113.9")
    assert 0 < raised.value.fields["retry_after_s"] <= 3600
    clock.move(timedelta(seconds=3601))
    assert await orders.pins.by_pin(db, order.number, orders.pins.pin(order.number), "203.0.113.9") == order


async def test_five_wrong_pins_an_hour_are_all_a_source_may_try_at_any_orders(db, order):
    for _ in range(TRIES):
        with pytest.raises(orders.PinWrong):
            await orders.pins.by_pin(db, ids.new_code(), "00000000", SOURCE)
    with pytest.raises(LookupTooOften):
        await orders.pins.by_pin(db, order.number, orders.pins.pin(order.number), SOURCE)
    assert await orders.pins.by_pin(db, order.number, orders.pins.pin(order.number), "203.0.113.9") == order


async def test_right_pins_do_not_count(db, order):
    for _ in range(3 * TRIES):
        assert await orders.pins.by_pin(db, order.number, orders.pins.pin(order.number), SOURCE) == order


async def test_a_right_pin_does_not_wash_wrong_ones_away(db, order):
    for _ in range(TRIES):
        with pytest.raises(orders.PinWrong):
            await orders.pins.by_pin(db, order.number, wrong(order.number), SOURCE)
        if _ < TRIES - 1:
            await orders.pins.by_pin(db, order.number, orders.pins.pin(order.number), SOURCE)
    with pytest.raises(LookupTooOften):
        await orders.pins.by_pin(db, order.number, wrong(order.number), SOURCE)


async def test_many_guesses_at_once_are_no_more_than_five(db, order):
    outcomes = await asyncio.gather(
        *(orders.pins.by_pin(db, order.number, wrong(order.number), f"198.51.100.{n}") for n in range(40)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, orders.PinWrong) for one in outcomes) == TRIES
    assert sum(isinstance(one, LookupTooOften) for one in outcomes) == 40 - TRIES


async def test_the_confirmation_message_carries_the_pin(db):
    person = await world.traveller(db)
    wanted = world.basket(await world.open_slot(db, price_minor=0))
    placed = await world.place(db, world.request(person, wanted))
    await world.work_once(db)
    [message] = [one for one in await world.messages(db, wanted.phone) if one.template == "order-confirmed"]
    assert f"PIN {orders.pins.show(placed.number)}." in message.body


# One-time links


async def test_a_link_goes_to_the_booking_phone_and_opens_the_order_once(db):
    person = await world.traveller(db)
    wanted = world.basket(await world.open_slot(db))
    placed = await world.place(db, world.request(person, wanted))
    await orders.links.send(db, placed.number.lower(), SOURCE)
    [message] = [one for one in await world.messages(db, wanted.phone) if one.template == "order-link"]
    token = message.body.split("/orders/link/")[1].split()[0]
    await db.read(orders.links.require, token)
    await db.read(orders.links.require, token)
    assert await db.run(orders.links.use, token) == placed.number
    for again in (token, "nonsense", ""):
        with pytest.raises(orders.OrderLinkOver):
            await db.run(orders.links.use, again)


async def test_a_link_ends_after_a_quarter_of_an_hour_and_is_forgotten_after_a_day(db, order):
    await orders.links.send(db, order.number, SOURCE)
    clock.move(timedelta(minutes=15, seconds=1))
    assert await world.value(db, "select count(*) from orders.one_time_links") == 1
    [body] = [one.body for one in await db.read(_all_messages) if one.template == "order-link"]
    with pytest.raises(orders.OrderLinkOver):
        await db.run(orders.links.use, body.split("/orders/link/")[1].split()[0])
    clock.move(timedelta(days=2))
    assert await db.run(orders.links.forget) == 1


async def _all_messages(tx):
    from holdfast import notices

    return await notices.recent(tx, 100)


async def test_asking_for_links_tells_nothing_and_is_limited(db, order):
    await orders.links.send(db, ids.new_code(), SOURCE)
    await orders.links.send(db, "not a number", SOURCE)
    for n in range(5):
        await orders.links.send(db, order.number, f"198.51.100.{10 + n}")
    with pytest.raises(LookupTooOften):
        await orders.links.send(db, order.number, "203.0.113.77")


async def test_a_fresh_token_opens_its_order_for_four_hours(db, order):
    token = orders.fresh_token(order.number)
    assert (await db.read(orders.by_link, order.number, token)) == order
    for bad in (token[:-1], "ffffffffff." + token.split(".")[1], ".", "x.y", token.split(".")[0] + "."):
        with pytest.raises(orders.OrderUnknown):
            await db.read(orders.by_link, order.number, bad)
    clock.move(timedelta(hours=4, seconds=1))
    with pytest.raises(orders.OrderUnknown):
        await db.read(orders.by_link, order.number, token)
