"""An order's pages: who sees what, what the story says, and finding an order without signing in."""

from __future__ import annotations

import httpx2
import pytest

from holdfast import orders
from holdfast.kit.db import Db
from tests import world

from .conftest import sign_in, text_of

pytestmark = pytest.mark.anyio
PARTS = ["", "/payment", "/tickets", "/calendar.ics", "/cancellation", "/payment/status"]


async def free_order(db: Db, people: int = 1) -> tuple[world.Person, orders.Order]:
    """A confirmed order with nothing to pay."""
    return await world.held_order(db, await world.open_slot(db, price_minor=0), people)


@pytest.mark.parametrize("part", PARTS)
async def test_a_stranger_does_not_see_an_order(db: Db, reader: httpx2.AsyncClient, part: str) -> None:
    _owner, order = await free_order(db)
    guest = await reader.get(f"/orders/{order.number}{part}")
    assert guest.status_code == 303
    assert guest.headers["location"].startswith("/session?next=")
    sign_in(reader, await world.traveller(db))
    assert (await reader.get(f"/orders/{order.number}{part}")).status_code == 404
    assert (await reader.get(f"/orders/{order.number}{part}?token=wrong")).status_code == 404


async def test_the_owner_sees_the_whole_story_and_only_masked_people(db: Db, reader: httpx2.AsyncClient) -> None:
    owner, order = await free_order(db)
    sign_in(reader, owner)
    said = text_of(await reader.get(f"/orders/{order.number}"))
    assert "Your visit is confirmed" in said
    assert "Order placed. The places were held for you." in said
    assert "Confirmed. There is nothing to pay." in said
    assert "王*" in said
    assert "王小明" not in said


async def test_tickets_have_one_code_per_person(db: Db, reader: httpx2.AsyncClient) -> None:
    owner, order = await free_order(db, people=3)
    sign_in(reader, owner)
    page = (await reader.get(f"/orders/{order.number}/tickets")).text
    assert page.count('<article class="ticket"') == 3
    assert page.count('<svg role="img"') == 3


async def test_an_unpaid_order_has_no_tickets_yet(db: Db, reader: httpx2.AsyncClient) -> None:
    owner, order = await world.held_order(db, await world.open_slot(db))
    sign_in(reader, owner)
    assert (await reader.get(f"/orders/{order.number}/tickets")).headers["location"] == f"/orders/{order.number}"


async def test_the_calendar_file_is_one(db: Db, reader: httpx2.AsyncClient) -> None:
    owner, order = await free_order(db)
    sign_in(reader, owner)
    answer = await reader.get(f"/orders/{order.number}/calendar.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    assert answer.text.startswith("BEGIN:VCALENDAR")


async def test_a_signed_link_shows_the_order_but_does_not_end_it(db: Db, reader: httpx2.AsyncClient) -> None:
    _owner, order = await free_order(db)
    link = f"token={orders.link_token(order.number)}"
    assert (await reader.get(f"/orders/{order.number}?{link}")).status_code == 200
    assert (await reader.get(f"/orders/{order.number}/tickets?{link}")).status_code == 200
    assert (await reader.get(f"/orders/{order.number}/cancellation?{link}")).status_code == 303
    assert (await reader.post(f"/orders/{order.number}/cancellation?{link}")).status_code == 401
    assert "Your visit is confirmed" in text_of(await reader.get(f"/orders/{order.number}?{link}"))


async def test_cancelling_asks_once_and_is_told_in_the_story(db: Db, reader: httpx2.AsyncClient) -> None:
    owner, order = await world.held_order(db, await world.open_slot(db))
    sign_in(reader, owner)
    assert "Cancel this order?" in text_of(await reader.get(f"/orders/{order.number}/cancellation"))
    done = await reader.post(f"/orders/{order.number}/cancellation")
    assert done.status_code == 303
    said = text_of(await reader.get(done.headers["location"]))
    assert "This order is cancelled" in said
    assert "Cancelled. The places went back on sale." in said
    assert (await reader.get(f"/orders/{order.number}/cancellation")).status_code == 303


async def test_cancelling_what_is_over_says_so_and_fails_nowhere(db: Db, reader: httpx2.AsyncClient) -> None:
    owner, order = await world.held_order(db, await world.open_slot(db))
    sign_in(reader, owner)
    await world.run_out(db, order)
    await orders.expiry.sweep(db)
    refused = await reader.post(f"/orders/{order.number}/cancellation")
    assert refused.status_code == 409
    assert "This order can no longer be cancelled here." in text_of(refused)


async def test_the_payment_page_looks_again_without_javascript_only_when_something_may_happen(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    owner, order = await world.held_order(db, await world.open_slot(db))
    sign_in(reader, owner)
    page = await reader.get(f"/orders/{order.number}/payment")
    assert "How would you like to pay?" in text_of(page)
    assert 'http-equiv="refresh"' not in page.text
    status = (await reader.get(f"/orders/{order.number}/payment/status")).json()
    assert status["stage"] == "choose"
    assert status["seconds_left"] > 800


async def test_orders_are_listed_page_by_page(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await world.traveller(db)
    slot = await world.open_slot(db, places=50)
    for _ in range(23):
        await world.place(db, world.request(person, world.basket(slot)))
    sign_in(reader, person)
    first = await reader.get("/orders")
    assert first.text.count("order-link") == 20
    older = first.text.split('href="/orders?before=')[1].split('"')[0]
    assert (await reader.get(f"/orders?before={older}")).text.count("order-link") == 3
    assert (await reader.get("/orders?before=nonsense")).status_code == 200


async def test_number_and_phone_show_the_order_without_its_people(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await world.traveller(db)
    slot = await world.open_slot(db)
    basket = world.basket(slot)
    placed = await world.place(db, world.request(person, basket))
    spelled = placed.number.lower()[:5] + " - " + placed.number.lower()[5:]
    answer = await reader.post("/orders/lookup", data={"number": spelled, "phone": basket.phone, "region": "CN"})
    said = text_of(answer)
    assert answer.status_code == 200
    assert "Held for you" in said
    assert "The rest stays private." in said
    assert "王" not in said


@pytest.mark.parametrize(
    "typed", [{}, {"number": "x"}, {"phone": "13900000000"}, {"number": "7K3QF90XMA", "phone": "abc"}]
)
async def test_a_look_up_says_what_is_missing(reader: httpx2.AsyncClient, typed: dict[str, str]) -> None:
    answer = await reader.post("/orders/lookup", data=typed)
    assert answer.status_code == 422
    assert "need" in text_of(answer)


async def test_a_look_up_of_nothing_is_honest(reader: httpx2.AsyncClient) -> None:
    answer = await reader.post("/orders/lookup", data={"number": "0000000000", "phone": world.phone_number()})
    assert answer.status_code == 404
    assert "We find no such order for you." in text_of(answer)
    assert "Orders are never deleted." in text_of(answer)


async def test_the_script_of_the_payment_page_is_told_when_the_session_is_over(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    _owner, order = await free_order(db)
    path = f"/orders/{order.number}/payment/status"
    answer = await reader.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json()["code"] == "sign-in-needed"
