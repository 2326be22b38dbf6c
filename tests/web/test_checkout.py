"""The form that books: what is typed stays, what is wrong is said beside the field, sent twice it books once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from starlette.applications import Starlette

from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.kit.problems import Overloaded
from tests import world

from .conftest import checkout_url, hidden, person, sign_in, text_of

pytestmark = pytest.mark.anyio


async def form_for(reader: httpx2.AsyncClient, slot: world.SlotWorld, tickets: int = 1) -> dict[str, str]:
    """The hidden fields of a fresh form."""
    answer = await reader.get(checkout_url(slot, tickets))
    assert answer.status_code == 200
    return hidden(answer)


async def orders_in(db: Db, slot: world.SlotWorld) -> int:
    return int(await world.value(db, "select count(*) from orders.lines where slot_id = %(id)s", id=slot.slot_id))


async def test_a_guest_books_with_a_code_and_is_led_to_the_payment(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    phone = world.phone_number()
    typed = await form_for(reader, slot) | person() | {"region": "CN", "phone": phone[3:]}
    sent = await reader.post("/checkout/code", data=typed)
    assert sent.status_code == 200
    assert "We sent a code to" in text_of(sent)
    assert hidden(sent)["key"] == typed["key"]
    typed["code"] = await world.code_sent_to(db, phone)
    booked = await reader.post("/checkout", data=typed)
    assert booked.status_code == 303
    assert re.fullmatch(r"/orders/\w{10}/payment", booked.headers["location"])
    cookie = booked.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age" not in cookie
    assert (await reader.get(booked.headers["location"])).status_code == 200


async def test_sent_twice_it_books_once(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    sign_in(reader, await world.traveller(db))
    typed = await form_for(reader, slot) | person()
    first = await reader.post("/checkout", data=typed)
    second = await reader.post("/checkout", data=typed)
    assert first.headers["location"] == second.headers["location"]
    assert await orders_in(db, slot) == 1


async def test_an_answer_lost_with_the_session_is_found_again_with_a_new_code(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot = await world.open_slot(db)
    phone = world.phone_number()
    typed = await form_for(reader, slot) | person() | {"phone": phone[3:]}
    await reader.post("/checkout/code", data=typed)
    first = await reader.post("/checkout", data=typed | {"code": await world.code_sent_to(db, phone)})
    reader.cookies.clear()
    clock.move(timedelta(minutes=1))
    await reader.post("/checkout/code", data=typed)
    second = await reader.post("/checkout", data=typed | {"code": await world.code_sent_to(db, phone)})
    assert second.headers["location"] == first.headers["location"]
    assert await orders_in(db, slot) == 1


async def test_sent_again_with_the_same_code_after_a_lost_answer_it_finds_the_order(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot = await world.open_slot(db)
    phone = world.phone_number()
    typed = await form_for(reader, slot) | person() | {"phone": phone[3:]}
    await reader.post("/checkout/code", data=typed)
    typed["code"] = await world.code_sent_to(db, phone)
    first = await reader.post("/checkout", data=typed)
    reader.cookies.clear()
    second = await reader.post("/checkout", data=typed)
    assert second.headers["location"] == first.headers["location"]
    assert "hf_session" in second.headers["set-cookie"]
    assert await orders_in(db, slot) == 1
    reader.cookies.clear()
    another = await reader.post("/checkout", data=typed | {"key": str(uuid4())})
    assert another.status_code == 422, "for another form the code is used up"


async def test_everything_wrong_is_said_at_once_and_nothing_typed_is_lost(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    typed = await form_for(reader, slot, 2) | person(0, name="", document="H12345678") | person(1, name="Jane Doe")
    answer = await reader.post("/checkout", data=typed | {"phone": "138", "kept": "1"})
    assert answer.status_code == 422
    page = answer.text
    for field in ("lines-0-travellers-0-name", "lines-0-travellers-0-document", "phone", "code"):
        assert f'href="#f-{field}"' in page
        assert f'id="f-{field}"' in page
        assert f'id="f-{field}-e1"' in page
    assert 'value="H12345678"' in page
    assert 'value="Jane Doe"' in page
    assert 'value="138"' in page
    assert re.search(r'name="kept" value="1" checked', page)
    assert hidden(answer)["key"] == typed["key"]
    summary = answer.text.split('id="problem"')[1].split("</ul>")[0]
    assert "Enter the code from the message." in summary
    assert "press the button above" not in summary
    assert await orders_in(db, slot) == 0


async def test_another_kind_of_document_is_one_press_away(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    typed = await form_for(reader, slot) | person(document="H12345678")
    answer = await reader.post("/checkout", data=typed)
    assert 'id="f-lines-0-travellers-0-document-e2"' not in answer.text, "one thing is wrong with it"
    assert text_of(answer).count("This looks like the number of another document") == 2
    switch = re.search(r'name="switch" value="([^"]+)"', answer.text)
    assert switch
    changed = await reader.post("/checkout/form", data=typed | {"switch": switch[1]})
    assert changed.status_code == 200
    assert '<option value="hkmo_travel_permit" selected>' in changed.text
    assert 'value="H12345678"' in changed.text
    assert "need a correction" not in text_of(changed)


async def test_a_full_slot_is_refused_with_a_way_on_and_a_new_key(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, places=1)
    sign_in(reader, await world.traveller(db))
    typed = await form_for(reader, slot, 2) | person(0) | person(1)
    answer = await reader.post("/checkout", data=typed)
    assert answer.status_code == 409
    assert "There are not enough places left in this slot." in text_of(answer)
    assert "Places left in this slot now: 1." in text_of(answer)
    assert f'href="/venues/{slot.venue_id}?date=' in answer.text
    assert typed["lines[0].travellers[1].document"] in answer.text
    assert hidden(answer)["key"] != typed["key"]


async def test_a_changed_price_is_shown_before_it_is_agreed_to(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, price_minor=6000)
    sign_in(reader, await world.traveller(db))
    typed = await form_for(reader, slot) | person() | {f"quoted.{slot.price_id}": "5000"}
    answer = await reader.post("/checkout", data=typed)
    assert answer.status_code == 409
    assert "The price has changed since you saw it." in text_of(answer)
    renewed = typed | hidden(answer)
    assert renewed[f"quoted.{slot.price_id}"] == "6000"
    assert (await reader.post("/checkout", data=renewed)).status_code == 303


async def test_a_document_that_is_booked_already_is_marked_beside_its_person(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot = await world.open_slot(db)
    sign_in(reader, await world.traveller(db))
    twice = world.identity_number()
    first = await form_for(reader, slot) | person(document=twice)
    assert (await reader.post("/checkout", data=first)).status_code == 303
    second = await form_for(reader, slot, 2) | person(0) | person(1, document=twice)
    answer = await reader.post("/checkout", data=second)
    assert answer.status_code == 409
    assert 'id="f-lines-0-travellers-1-document-e1"' in answer.text
    assert 'id="f-lines-0-travellers-0-document-e1"' not in answer.text
    beside = answer.text.split('id="f-lines-0-travellers-1-document-e1"')[1].split("</p>")[0]
    assert "This document already has a booking there that day." in beside
    assert 'href="/orders"' in beside


async def test_a_free_visit_is_confirmed_at_once(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, price_minor=0)
    sign_in(reader, await world.traveller(db))
    answer = await reader.post("/checkout", data=await form_for(reader, slot) | person())
    assert re.fullmatch(r"/orders/\w{10}", answer.headers["location"])
    assert "Your visit is confirmed" in text_of(await reader.get(answer.headers["location"]))


async def test_tickets_without_names_ask_for_no_names(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, real_name=False)
    sign_in(reader, await world.traveller(db))
    answer = await reader.get(checkout_url(slot, 2))
    assert "travellers" not in answer.text
    assert (await reader.post("/checkout", data=hidden(answer))).status_code == 303


async def test_a_wrong_code_says_how_many_tries_are_left(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    phone = world.phone_number()
    typed = await form_for(reader, slot) | person() | {"phone": phone[3:]}
    await reader.post("/checkout/code", data=typed)
    wrong = f"{(int(await world.code_sent_to(db, phone)) + 1) % 1_000_000:06d}"
    answer = await reader.post("/checkout", data=typed | {"code": wrong})
    assert answer.status_code == 422
    assert "This code is not the one we sent." in text_of(answer)
    assert "Tries left for this code: 4." in text_of(answer)


async def test_no_ticket_leads_back_to_the_venue(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    answer = await reader.get(checkout_url(slot, 0))
    assert answer.status_code == 303
    assert "Choose at least one ticket" in text_of(await reader.get(answer.headers["location"]))


STRANGE: list[dict[str, Any]] = [
    {},
    {"slot": "nonsense"},
    {"venue": "nowhere"},
    {"date": "2026-13-45"},
    {"price.x": "-1"},
    {"price.x": "9" * 300},
]


@pytest.mark.parametrize("changes", STRANGE)
async def test_a_strange_address_is_answered_and_books_nothing(
    db: Db, reader: httpx2.AsyncClient, changes: dict[str, str]
) -> None:
    slot = await world.open_slot(db)
    sign_in(reader, await world.traveller(db))
    asked = {"venue": slot.venue_id, "date": str(slot.starts_at.date()), "slot": str(slot.slot_id)} if changes else {}
    answer = await reader.get("/checkout", params=asked | changes)
    assert answer.status_code in (303, 404)
    assert (await reader.post("/checkout", data=asked | changes)).status_code in (303, 404)
    assert await orders_in(db, slot) == 0


async def test_what_is_typed_cannot_become_markup(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    attack = '"><script>alert(1)</script>'
    typed = await form_for(reader, slot) | person(name=attack, document=attack) | {"phone": attack, "code": attack}
    answer = await reader.post("/checkout", data=typed | {"key": attack, "region": attack})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_while_nobody_can_decide_the_key_stays_and_the_form_says_so(
    db: Db, site: Starlette, reader: httpx2.AsyncClient
) -> None:
    slot = await world.open_slot(db)
    sign_in(reader, await world.traveller(db))
    typed = await form_for(reader, slot) | person()
    place = site.state.place

    async def overloaded(request: Any) -> Any:
        raise Overloaded(retry_after_s=2)

    site.state.place = overloaded
    answer = await reader.post("/checkout", data=typed)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "More people are booking than we can answer at this moment." in text_of(answer)
    assert hidden(answer)["key"] == typed["key"]
    site.state.place = place
    assert (await reader.post("/checkout", data=typed)).status_code == 303
