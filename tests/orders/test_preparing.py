"""Preparing: what needs no database is checked before it, and everything that is wrong is told at once."""

from __future__ import annotations

import pytest

from holdfast import orders
from holdfast.kit import ids
from holdfast.kit.problems import InvalidInput
from tests import world

SLOT = world.SlotWorld(ids.uuid7(), "price", "venue", "product", "am", 6000, world.clock.now())
MEI = world.Person(ids.uuid7(), "token", "+8613900000000")


def findings(basket: orders.Basket, key: str = "key") -> dict[str, str]:
    with pytest.raises(InvalidInput) as raised:
        world.request(MEI, basket, key)
    for error in raised.value.errors:
        assert error["message"]["zh"]
        assert error["message"]["en"]
        assert error["severity"] == "error"
    return {error["field"]: error["code"] for error in raised.value.errors}


def test_every_mistake_of_a_basket_is_told_at_once_each_with_its_place():
    wrong = orders.Basket(
        [
            orders.BasketLine(
                SLOT.slot_id, "price", 2, [world.visitor("", "11010519491231002X"), world.visitor("李雷", "123")]
            ),
            orders.BasketLine(SLOT.slot_id, "price", 0),
            orders.BasketLine(SLOT.slot_id, "price", 3, [world.visitor()]),
        ],
        "12345",
    )
    found = findings(wrong, key="")
    assert found == {
        "key": "KEY_SHAPE",
        "phone": "PHONE_LENGTH",
        "lines[0].travellers[0].name": "NAME_EMPTY",
        "lines[0].travellers[1].document": found["lines[0].travellers[1].document"],
        "lines[1].quantity": "QUANTITY",
        "lines[2].travellers": "TRAVELLERS_COUNT_DIFFERS",
    }


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "null\x00"])
def test_a_key_has_a_shape(key):
    assert findings(world.basket(SLOT), key) == {"key": "KEY_SHAPE"}


@pytest.mark.parametrize("count", [0, 11])
def test_an_order_has_one_to_ten_lines(count):
    assert findings(orders.Basket([world.line(SLOT)] * count, "13900000000"))["lines"] == "LINES_COUNT"


@pytest.mark.parametrize("quantity", [-1, 0, 51])
def test_a_line_has_one_to_fifty_tickets(quantity):
    basket = orders.Basket([orders.BasketLine(SLOT.slot_id, "price", quantity)], "13900000000")
    assert findings(basket) == {"lines[0].quantity": "QUANTITY"}


def test_a_line_names_at_most_fifty_people():
    crowd = [world.visitor() for _ in range(51)]
    found = findings(orders.Basket([orders.BasketLine(SLOT.slot_id, "price", 50, crowd)], "13900000000"))
    assert found["lines[0].travellers"] in ("TRAVELLERS_COUNT", "TRAVELLERS_COUNT_DIFFERS")


def test_what_is_prepared_shows_no_name_number_or_phone():
    wanted = world.basket(SLOT, visitors=[world.visitor("欧阳娜娜", "11010519491231002X")])
    shown = repr(world.request(MEI, wanted))
    for secret in ("欧阳娜娜", "11010519491231002X", wanted.phone.removeprefix("+86")):
        assert secret not in shown


def test_the_same_basket_gives_the_same_body_and_any_change_another():
    wanted = world.basket(SLOT)
    body = world.request(MEI, wanted, "a").body_hash
    assert world.request(MEI, wanted, "b").body_hash == body
    assert world.request(MEI, orders.Basket(wanted.lines, "13900000001"), "a").body_hash != body
    assert world.request(MEI, world.basket(SLOT), "a").body_hash != body


def test_numbers_of_orders_are_readable_and_not_in_a_row():
    numbers = {world.request(MEI, world.basket(SLOT)).number for _ in range(50)}
    assert len(numbers) == 50
    assert all(ids.read_code(ids.show_code(number).lower()) == number for number in numbers)
