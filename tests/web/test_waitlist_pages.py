"""Waiting lists on pages: joined from the calendar or a refused checkout, the honest place, the offer, leaving."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import httpx2
import pytest

from holdfast import orders
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.orders import waitlist_offers
from tests import world

from .conftest import checkout_url, hidden, person, sign_in, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _at_noon() -> None:
    clock.move(datetime(2027, 5, 3, 4, tzinfo=UTC) - clock.now())


def join_url(slot: world.SlotWorld, tickets: int = 0) -> str:
    url = checkout_url(slot, tickets).replace("/checkout", "/waitlist/new")
    return url if tickets else url.rpartition("&")[0]


async def full(db: Db, places: int = 1) -> tuple[world.SlotWorld, world.Person, orders.Order]:
    slot = await world.open_slot(db, places=places)
    holder, order = await world.held_order(db, slot, places)
    return slot, holder, order


async def joined(db: Db, reader: httpx2.AsyncClient, slot: world.SlotWorld) -> tuple[world.Person, str]:
    """Somebody new who joined over the pages; the address of their place."""
    me = await world.traveller(db)
    sign_in(reader, me)
    typed = hidden(await reader.get(join_url(slot, 1))) | person()
    answer = await reader.post("/waitlist", data=typed)
    assert answer.status_code == 303, text_of(answer)
    return me, answer.headers["location"]


async def test_a_full_day_leads_to_its_lists_and_to_other_places(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, *_ = await full(db)
    other = await world.open_slot(db)
    day = slot.starts_at.astimezone(world.ZONE).date()
    page = await reader.get(f"/venues/{slot.venue_id}?date={day}")
    assert f"/waitlist/new?venue={slot.venue_id}&amp;date={day}&amp;slot={slot.slot_id}" in page.text
    assert "At a place nearby" in text_of(page)
    assert f"/venues/{other.venue_id}" in page.text
    await joined(db, reader, slot)
    assert "(1 waiting)" in text_of(await reader.get(f"/venues/{slot.venue_id}?date={day}"))


async def test_a_guest_signs_in_first_and_comes_back(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, *_ = await full(db)
    answer = await reader.get(join_url(slot, 2))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/session?next=%2Fwaitlist%2Fnew")


async def test_how_many_then_names_then_the_place(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, *_ = await full(db)
    sign_in(reader, await world.traveller(db))
    first = await reader.get(join_url(slot))
    assert "How many tickets?" in text_of(first)
    second = await reader.get(join_url(slot, 1))
    assert "Nothing is charged now" in text_of(second)
    answer = await reader.post("/waitlist", data=hidden(second) | person())
    shown = await reader.get(answer.headers["location"])
    assert "You are number 1 on the list" in text_of(shown)
    again = await reader.post("/waitlist", data=hidden(await reader.get(join_url(slot, 1))) | person())
    assert again.headers["location"] == answer.headers["location"] + "?again=1"
    assert "number 1 on the list" in text_of(await reader.get("/waitlist")).lower()


async def test_what_was_typed_stays_beside_what_is_wrong(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, *_ = await full(db)
    sign_in(reader, await world.traveller(db))
    typed = hidden(await reader.get(join_url(slot, 1))) | person(name="Anna Okafor", document="123")
    answer = await reader.post("/waitlist", data=typed)
    assert answer.status_code == 422
    assert 'value="Anna Okafor"' in answer.text
    assert hidden(answer)["key"] == typed["key"]
    reader.cookies.clear()
    lost = await reader.post("/waitlist", data=typed)
    assert lost.status_code == 401
    assert 'value="Anna Okafor"' in lost.text


async def test_a_refused_checkout_shows_other_places_and_joins_with_what_was_typed(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot = await world.open_slot(db, places=1)
    other = await world.open_slot(db, beside=slot)
    me = await world.traveller(db)
    sign_in(reader, me)
    typed = hidden(await reader.get(checkout_url(slot, 1))) | person()
    await world.held_order(db, slot)
    refused = await reader.post("/checkout", data=typed)
    assert refused.status_code == 409
    assert 'formaction="/waitlist"' in refused.text
    assert "At another time that day" in text_of(refused)
    assert other.starts_at.astimezone(world.ZONE).strftime("%H:%M") in text_of(refused)
    answer = await reader.post("/waitlist", data=typed | {"key": hidden(refused)["key"]})
    assert answer.headers["location"].startswith("/waitlist/")
    assert [view.ahead for view in await db.read(orders.waitlist.mine, me.account_id)] == [0]


async def test_where_places_are_left_joining_leads_to_the_payment(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    sign_in(reader, await world.traveller(db))
    answer = await reader.post("/waitlist", data=hidden(await reader.get(join_url(slot, 1))) | person())
    assert answer.headers["location"].endswith("/payment")


async def test_the_offer_has_its_deadline_and_can_be_declined(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, holder, order = await full(db)
    _me, place = await joined(db, reader, slot)
    await orders.cancel(db, holder.actor, order)
    await waitlist_offers.offer(db)
    shown = await reader.get(place)
    assert "Places came free, and are held for you" in text_of(shown)
    assert "14:0" in text_of(shown)
    assert "/payment" in shown.text
    answer = await reader.post(f"{place}/leaving", data={})
    assert answer.headers["location"] == place
    await waitlist_offers.offer(db)
    assert "You declined the places" in text_of(await reader.get(place))
    assert await world.places_left(db, slot) == 1


async def test_leaving_shows_how_to_join_again(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, *_ = await full(db)
    _me, place = await joined(db, reader, slot)
    await reader.post(f"{place}/leaving", data={})
    shown = await reader.get(place)
    assert "You left the list" in text_of(shown)
    assert f"slot={slot.slot_id}" in shown.text


async def test_nobody_elses_place_is_shown(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, *_ = await full(db)
    _me, place = await joined(db, reader, slot)
    sign_in(reader, await world.traveller(db))
    for path in (place, f"/waitlist/{uuid4()}", "/waitlist/nonsense"):
        assert (await reader.get(path)).status_code == 404
    assert (await reader.post(f"{place}/leaving", data={})).status_code == 404


async def test_the_pages_speak_chinese(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, *_ = await full(db)
    _me, place = await joined(db, reader, slot)
    reader.headers["Accept-Language"] = "zh"
    assert "您是候补第 1 位" in text_of(await reader.get(place))
