"""The pages that find orders: the list with its filters, the PIN, the link sent again, and the search for a missing one."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import pytest

from holdfast import orders
from holdfast.kit import ids
from holdfast.kit.db import Db
from tests import world

from .conftest import hidden, sign_in, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio


async def placed(db: Db, **slot: object) -> tuple[world.Person, orders.Order, orders.Basket, orders.TravellerInput]:
    """Somebody new with an order for one visitor, and what they booked with."""
    person, visitor = await world.traveller(db), world.visitor()
    basket = world.basket(await world.open_slot(db, **slot), visitors=[visitor])
    found = await world.place(db, world.request(person, basket))
    return person, await world.order_of(db, person, found.number), basket, visitor


def shown(answer: httpx2.Response, order: orders.Order) -> bool:
    """Whether a page tells anything of an order: its number, its attraction or who it is for."""
    line = order.lines[0]
    said = answer.text
    return any(text in said for text in (order.number, ids.show_code(order.number), line.venue_name["en"], "王"))


# One's own


async def test_the_list_is_filtered_and_says_what_is_still_to_come(db: Db, reader: httpx2.AsyncClient) -> None:
    person, order, _basket, _visitor = await placed(db)
    other = await world.place(db, world.request(person, world.basket(await world.open_slot(db))))
    await orders.cancel(db, person.actor, await world.order_of(db, person, other.number))
    sign_in(reader, person)
    page = await reader.get("/orders")
    assert "Still to come" in text_of(page)
    assert "All others" in text_of(page)
    for query, numbers in (
        ("state=cancelled", [other.number]), ("state=held", [order.number]), (f"text={order.number.lower()}", [order.number]),
        ("text=nothing-like-it", []), ("since=2000-01-01&until=2001-01-01", []), ("state=nonsense", [order.number, other.number]),
    ):  # fmt: skip
        found = await reader.get(f"/orders?{query}")
        assert found.status_code == 200
        assert re.findall(r'order-link" href="/orders/(\w+)"', found.text) == numbers, query
    assert "No order of yours fits this search." in text_of(await reader.get("/orders?text=nothing-like-it"))
    wrong = await reader.get("/orders?since=yesterday")
    assert (wrong.status_code, "Write a day as" in text_of(wrong)) == (422, True)


async def test_filters_go_along_to_the_next_page(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await world.traveller(db)
    slot = await world.open_slot(db, places=50)
    for _ in range(22):
        await world.place(db, world.request(person, world.basket(slot)))
    sign_in(reader, person)
    first = await reader.get("/orders?text=museum&state=held")
    following = re.search(r'href="(/orders\?before=[^"]+)"', first.text)[1].replace("&amp;", "&")
    assert "text=museum" in following
    assert (await reader.get(following)).text.count("order-link") == 2


# With the number


async def test_number_and_pin_lead_to_the_order_for_four_hours_and_do_not_show_the_pin(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    person, order, _basket, _visitor = await placed(db, price_minor=0)
    answer = await reader.post("/orders/lookup", data={"number": order.number, "pin": orders.pins.show(order.number)})
    assert answer.status_code == 303
    page = await reader.get(answer.headers["location"])
    assert "Your visit is confirmed" in text_of(page)
    assert orders.pins.show(order.number) not in page.text
    tickets = await reader.get(answer.headers["location"].replace("?", "/tickets?"))
    assert orders.pins.show(order.number) not in tickets.text
    sign_in(reader, person)
    for path in (f"/orders/{order.number}", f"/orders/{order.number}/tickets"):
        assert orders.pins.show(order.number) in (await reader.get(path)).text


async def test_a_wrong_pin_says_so_and_keeps_what_was_typed(db: Db, reader: httpx2.AsyncClient) -> None:
    _person, order, _basket, _visitor = await placed(db)
    answer = await reader.post("/orders/lookup", data={"number": order.number, "pin": "0000-0000"})
    assert answer.status_code == 404
    assert "This number and this PIN do not belong together." in text_of(answer)
    assert 'value="0000-0000"' in answer.text
    assert not shown(httpx2.Response(200, text=answer.text.replace(order.number, "")), order)


async def test_the_link_sent_again_opens_the_order_once_after_a_button(db: Db, reader: httpx2.AsyncClient) -> None:
    _person, order, basket, _visitor = await placed(db)
    answers = [
        await reader.post("/orders/lookup/link", data={"number": number}) for number in (order.number, ids.new_code())
    ]
    said = {text_of(answer).split("Ten letters")[0] for answer in answers}
    assert len(said) == 1, "the answer tells nothing"
    assert "If there is such an order, a link is on its way." in said.pop()
    [message] = [one for one in await world.messages(db, basket.phone) if one.template == "order-link"]
    path = re.search(r"(/orders/link/\S+)", message.body)[1]
    for _ in range(2):
        page = await reader.get(path)
        assert page.status_code == 200
        assert not shown(page, order)
    opened = await reader.post(path)
    assert shown(await reader.get(opened.headers["location"]), order)
    for again in (await reader.get(path), await reader.post(path)):
        assert (again.status_code, "This link was used already" in text_of(again)) == (404, True)


# A missing one


async def search(reader: httpx2.AsyncClient, **typed: str) -> httpx2.Response:
    return await reader.post("/orders/missing", data={"document_type": "cn_resident_id", "region": "CN", **typed})


async def test_nothing_of_an_order_is_shown_before_a_proof(db: Db, reader: httpx2.AsyncClient) -> None:
    _person, order, basket, visitor = await placed(db)
    answer = await search(reader, document=visitor.document)
    assert "We found something that fits" in text_of(answer)
    assert not shown(answer, order)
    assert basket.phone[-2:] in answer.text
    for leak in (basket.phone[-4:], orders.pins.show(order.number), str(order.row.id), order.row.phone_masked):
        assert leak not in answer.text
    by_phone, of_nobody = await search(reader, phone=basket.phone), await search(reader, phone=world.phone_number())
    assert "Show us that the phone is yours" in text_of(by_phone)
    blank = re.compile(r'value="[^"]*"|\+86\d+|id="\w+"')
    same = [blank.sub("", text_of(one)) for one in (by_phone, of_nobody)]
    assert re.sub(r"\w{16}", "", same[0]) == re.sub(r"\w{16}", "", same[1]), "a phone alone tells nothing"


async def test_a_code_to_the_booking_phone_shows_the_order_and_links_to_it(db: Db, reader: httpx2.AsyncClient) -> None:
    _person, order, basket, visitor = await placed(db)
    answer = await search(reader, document=visitor.document)
    key = re.search(r'name="to" value="([\w-]{22})"', answer.text)[1]
    sent = await reader.post("/orders/missing/code", data=hidden(answer) | {"to": key})
    assert "A code is on its way." in text_of(sent)
    code = await world.code_sent_to(db, basket.phone)
    wrong = await reader.post("/orders/missing/proof", data=hidden(sent) | {"to": key, "code": "0" + code[:5]})
    assert (wrong.status_code, shown(wrong, order)) == (422, False)
    result = await reader.post("/orders/missing/proof", data=hidden(sent) | {"to": key, "code": code})
    assert "Here is what is yours" in text_of(result)
    path = re.search(r'href="(/orders/\w+\?token=[^"]+)"', result.text)[1]
    assert order.number in path
    assert (await reader.get(path)).status_code == 200


async def test_document_and_pin_show_the_order(db: Db, reader: httpx2.AsyncClient) -> None:
    _person, order, _basket, visitor = await placed(db)
    answer = await search(reader, document=visitor.document)
    wrong = await reader.post("/orders/missing/proof", data=hidden(answer) | {"pin": "0000-0000"})
    assert (wrong.status_code, shown(wrong, order)) == (404, False)
    result = await reader.post("/orders/missing/proof", data=hidden(answer) | {"pin": orders.pins.show(order.number)})
    assert shown(result, order)


async def test_whoever_is_signed_in_sees_theirs_at_once_and_is_offered_to_join_what_belongs_elsewhere(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    person, order, basket, visitor = await placed(db)
    sign_in(reader, person)
    assert f'href="/orders/{order.number}"' in (await search(reader, document=visitor.document)).text
    sign_in(reader, await world.traveller(db))
    answer = await search(reader, document=visitor.document)
    assert not shown(answer, order)
    key = re.search(r'name="to" value="([\w-]{22})"', answer.text)[1]
    await reader.post("/orders/missing/code", data=hidden(answer) | {"to": key})
    code = await world.code_sent_to(db, basket.phone)
    result = await reader.post("/orders/missing/proof", data=hidden(answer) | {"to": key, "code": code})
    assert shown(result, order)
    assert "It belongs to another account than the one you are signed in with." in text_of(result)
    assert 'href="/account/merging"' in result.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Enter at least one"), ({"amount": "60"}, "Enter at least one"), ({"document": "123"}, "18 characters"),
        ({"phone": "12"}, "11 digits"), ({"amount": "sixty", "paid_on": "2026-11-23"}, "Write the amount"),
        ({"amount": "60.555", "paid_on": "2026-11-23"}, "Write the amount"), ({"paid_on": "23.11.", "amount": "6"}, "Write the day"),
        ({"paid_on": "0001-01-01", "amount": "6"}, "Write the day"), ({"reference": "x" * 90}, "at most 80"),
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_said_beside_its_field_and_kept(
    db: Db, reader: httpx2.AsyncClient, typed: dict[str, str], said: str
) -> None:
    answer = await search(reader, **typed)
    assert (answer.status_code, said in text_of(answer)) == (422, True), text_of(answer)
    for value in typed.values():
        assert f'value="{value}"' in answer.text


@pytest.mark.parametrize("typed", [{"finding": ""}, {"finding": "x" * 500}, {}])
async def test_a_finding_that_is_none_of_ours_is_over(
    db: Db, reader: httpx2.AsyncClient, typed: dict[str, str]
) -> None:
    for path in ("/orders/missing/code", "/orders/missing/proof"):
        answer = await reader.post(path, data={"to": "typed", "phone": "13800138000", "code": "1", **typed})
        assert (answer.status_code, "This search is too old." in text_of(answer)) == (404, True)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_pages_are_well_made_in_both_languages(db: Db, reader: httpx2.AsyncClient, language: str) -> None:
    person, order, basket, visitor = await placed(db, price_minor=0, starts_in=timedelta(days=2))
    reader.cookies.set("hf_lang", language)
    found = await search(reader, document=visitor.document, phone=basket.phone)
    sent = await reader.post("/orders/missing/code", data=hidden(found) | {"to": "typed"})
    pages = [
        await reader.get("/orders/lookup"), await reader.get("/orders/missing"), found, sent, await search(reader),
        await search(reader, reference="HF00000000"), await reader.post("/orders/lookup/link", data={"number": order.number}),
        await reader.post("/orders/missing/proof", data=hidden(found) | {"pin": orders.pins.show(order.number)}),
        await reader.post("/orders/missing/proof", data=hidden(found) | {"pin": "00000000"}),
    ]  # fmt: skip
    sign_in(reader, person)
    pages += [await reader.get("/orders"), await reader.get(f"/orders/{order.number}/tickets")]
    for page in pages:
        is_well_made(page.text)
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page.text
        assert page.headers["cache-control"].startswith(("private", "no-store"))
