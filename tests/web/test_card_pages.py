"""The pages of cards: on sale, one's own, booking visits with them, and staff's; bad input is said and nothing is lost."""

from __future__ import annotations

import httpx2
import pytest

from holdfast import orders, passes
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.web import sessions
from holdfast.web.console import access
from tests import cards, staff, world
from tests.orders.after_sale import kinds

from .conftest import hidden, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio


async def ready(
    db: Db, reader: httpx2.AsyncClient, count: int = 2, **rules
) -> tuple[world.Person, passes.Card, list[world.SlotWorld]]:
    """Somebody signed in with an active card over some slots of tomorrow."""
    sights = [await world.open_slot(db, starts_in=cards.starts(1)) for _ in range(count)]
    mei, card = await cards.active(db, await cards.on_sale(db, sights, **rules))
    reader.cookies.set(sessions.COOKIE, mei.token)
    return mei, card, sights


def days(sights: list[world.SlotWorld]) -> dict[str, str]:
    return {f"day.{slot.venue_id}": slot.starts_at.astimezone(world.ZONE).date().isoformat() for slot in sights}


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_cards_on_sale_say_what_they_hold_and_what_comes_back(db, reader, language):
    reader.cookies.set("hf_lang", language)
    sights = [await world.open_slot(db, starts_in=cards.starts(1)) for _ in range(2)]
    product = await cards.on_sale(db, sights, price="99")
    for path in ("/cards", f"/cards/{product.id}"):
        page = await reader.get(path)
        is_well_made(page.text)
    said = text_of(page)
    assert "¥120" in said
    assert "17%" in said
    assert "法释〔2025〕4号" in said
    assert (await reader.get(f"/venues/{product.id}")).headers["location"] == f"/cards/{product.id}"
    assert (await reader.get("/?kind=card")).headers["location"] == "/cards"
    assert (await reader.get("/cards/card-none")).status_code == 404


async def test_days_then_times_then_all_of_them_are_booked(db, reader):
    mei, card, sights = await ready(db, reader)
    here = f"/account/cards/{card.number}/visits"
    page = await reader.get(here, params=days(sights))
    is_well_made(page.text)
    chosen = {f"slot.{slot.venue_id}": str(slot.slot_id) for slot in sights}
    sent = await reader.post(here, data=days(sights) | chosen | {"key": hidden(page)["key"]})
    assert sent.status_code == 303
    number = sent.headers["location"].rpartition("/")[2]
    assert len((await world.order_of(db, mei, number)).lines) == 2
    again = await reader.post(here, data=days(sights) | chosen | {"key": hidden(page)["key"]})
    assert again.headers["location"] == sent.headers["location"]
    for path in (f"/orders/{number}", f"/account/cards/{card.number}", "/account/cards"):
        shown = await reader.get(path)
        is_well_made(shown.text)
    order = await reader.get(f"/orders/{number}")
    assert f"/account/cards/{card.number}" in order.text


async def test_a_refusal_names_the_visit_and_keeps_what_was_chosen(db, reader):
    _mei, card, sights = await ready(db, reader)
    await world.set_slot(db, sights[0], state="closed")
    here = f"/account/cards/{card.number}/visits"
    chosen = {f"slot.{slot.venue_id}": str(slot.slot_id) for slot in sights}
    sent = await reader.post(here, data=days(sights) | chosen | {"key": "x"})
    assert sent.status_code == 409
    assert "This slot is closed" in text_of(sent)
    assert f'value="{sights[1].slot_id}" checked' in sent.text.replace("'", '"')
    assert (await cards.now(db, card)).uses == []
    await cards.reserve(db, _mei, card, sights[1:])
    again = await reader.post(here, data=days(sights) | chosen | {"key": "y"})
    assert again.status_code == 409
    assert "as often as the card allows" in text_of(again)


@pytest.mark.parametrize("junk", [{}, {"slot.venue-1": "x"}, {"day.x": "2026-13-77"}, {"key": "\0" * 9}])
async def test_nonsense_is_no_fault(db, reader, junk):
    _mei, card, sights = await ready(db, reader, 1)
    sent = await reader.post(f"/account/cards/{card.number}/visits", data=junk)
    assert sent.status_code == 422
    assert (
        await reader.get(f"/account/cards/{card.number}/visits", params={f"day.{sights[0].venue_id}": "no"})
    ).status_code == 200
    for path in ("nothing", "AAAAAAAAAA", "%F0%9F%92%A9"):
        assert (await reader.get(f"/account/cards/{path}")).status_code == 404


async def test_a_card_is_activated_on_a_day_of_choice_and_not_on_another(db, reader):
    sights = [await world.open_slot(db, starts_in=cards.starts(1))]
    mei, card = await cards.buy(db, await cards.on_sale(db, sights, validity={"kind": "fixed_window", "days": 5}))
    reader.cookies.set(sessions.COOKIE, mei.token)
    here = f"/account/cards/{card.number}"
    refused = await reader.post(f"{here}/activation", data={"start": "2020-01-01"})
    assert refused.status_code == 422
    assert "cannot begin on that day" in text_of(refused)
    tomorrow = sights[0].starts_at.astimezone(world.ZONE).date()
    assert (await reader.post(f"{here}/activation", data={"start": str(tomorrow)})).status_code == 303
    assert (await cards.now(db, card)).row.valid_from == tomorrow


async def test_giving_a_card_back_says_why_not_and_then_what_comes(db, reader):
    mei, card, sights = await ready(db, reader, price="99")
    placed = await cards.reserve(db, mei, card, sights)
    cancellation = f"/orders/{card.row.order_number}/cancellation"
    blocked = await reader.get(cancellation)
    is_well_made(blocked.text)
    assert "still to come. Cancel it first" in text_of(blocked)
    assert "<button" not in blocked.text.partition("<main")[2].partition("</main")[0]
    for line in (1, 2):
        done = await reader.post(f"/account/cards/{card.number}/visits/{placed.number}/{line}/cancellation")
        assert done.status_code == 303
    page = await reader.get(cancellation)
    assert hidden(page)["quoted"] == "9900"
    assert (await reader.post(cancellation, data={"quoted": "9800"})).status_code == 409
    assert (await reader.post(cancellation, data={"quoted": "9900"})).status_code == 303
    order = await world.order_of(db, mei, card.row.order_number)
    assert kinds(order)[-1] == "cancelled"
    shown = await reader.get(f"/orders/{order.number}")
    is_well_made(shown.text)
    assert "This card was given back" in text_of(shown)
    assert (await reader.get(f"/orders/{order.number}/tickets")).status_code == 303


async def test_a_card_of_somebody_else_is_as_if_it_did_not_exist(db, reader):
    _mei, card, _sights = await ready(db, reader)
    other = await world.traveller(db)
    reader.cookies.set(sessions.COOKIE, other.token)
    for path in ("", "/visits"):
        assert (await reader.get(f"/account/cards/{card.number}{path}")).status_code == 404
    reader.cookies.clear()
    assert (await reader.get(f"/account/cards/{card.number}")).status_code == 303


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_staff_find_a_card_stop_it_let_it_go_on_and_give_it_back(db, reader, language):
    mei, card, sights = await ready(db, reader)
    placed = await cards.reserve(db, mei, card, sights[:1])
    reader.cookies.set("hf_lang", language)
    reader.cookies.set(access.COOKIE, (await staff.colleague(db, "support")).token)
    for number in (card.number, card.row.order_number):
        found = await reader.get("/console/cards", params={"number": number})
        assert found.headers["location"] == f"/console/cards/{card.number}"
    assert (await reader.get("/console/cards", params={"number": "nothing"})).status_code == 404
    here = f"/console/cards/{card.number}"
    for path in ("/console/cards", here):
        is_well_made((await reader.get(path)).text)
    assert (await reader.post(f"{here}/suspension", data={"reason": ""})).status_code == 422
    assert (await reader.post(f"{here}/suspension", data={"reason": "reported lost"})).status_code == 303
    assert (await cards.now(db, card)).state is passes.CardState.SUSPENDED
    assert (await reader.post(f"{here}/suspension", data={"reason": "once more"})).status_code == 422
    assert (await reader.post(f"{here}/resumption", data={"reason": "found again"})).status_code == 303
    assert (await reader.post(f"{here}/return", data={"reason": "closed for good"})).status_code == 403
    reader.cookies.set(access.COOKIE, (await staff.colleague(db, "finance")).token)
    assert (await reader.post(f"{here}/return", data={"reason": "closed for good"})).status_code == 303
    assert (await cards.now(db, card)).state is passes.CardState.REFUNDED
    assert (await world.order_of(db, mei, placed.number)).state is orders.State.CANCELLED
    assert (await reader.post(f"{here}/return", data={"reason": "once again"})).status_code == 303
    clock.reset()
