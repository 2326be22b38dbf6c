"""Cards, as people live them: the four demo cards bought, activated, used over three venues, given back in part."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests import world

from .browsing import Visit
from .stage import NAMES, Person, Stage, until
from .steps import book_button, number_of, person_fields
from .test_paying import looks_right

CLASSIC, FLEX, FAMILY, YEAR = "card-beijing-classic", "card-jiangnan-flex", "card-silkroad-family", "card-resident-year"


@pytest.fixture(scope="module", autouse=True)
def on_sale(stage: Stage) -> None:
    """The demo cards."""
    stage.command("card", "offer")


def buy(
    stage: Stage, me: Visit, who: Person, card: str, *, adults: int = 0, children: int = 0, look: bool = False
) -> str:
    """From the list of cards to a paid order; the number of the card."""
    page = me.page
    page.goto("/cards")
    page.locator(f"a[href='/cards/{card}']").click()
    expect(page.get_by_role("heading", name=me.says("What it holds"))).to_be_visible()
    if look:
        looks_right(me)
    if adults:
        page.locator(f"select[name='price.{card}-adult']").select_option(str(adults))
    if children:
        page.locator(f"select[name='price.{card}-child']").select_option(str(children))
    page.get_by_role("button", name=me.says("Continue")).click()
    page.wait_for_url("**/checkout?*")
    if look:
        looks_right(me)
    for at in range(1 + adults + children):
        name, kind, document = person_fields(me, at)
        name.fill(NAMES[me.language][at % 2])
        kind.select_option("cn_resident_id")
        document.fill(world.identity_number())
    book_button(me).click()
    number = number_of(me)
    stage.pay(who, number)
    page.goto(f"/orders/{number}")
    expect(page.get_by_role("heading", level=1)).to_have_text(me.says("Your card is ready"))
    if look:
        looks_right(me)
    page.get_by_role("link", name=me.says("Open the card")).click()
    page.wait_for_url("**/account/cards/*")
    return page.url.rpartition("/")[2]


def activate(me: Visit, *, look: bool = False) -> None:
    if look:
        looks_right(me)
    me.page.get_by_role("button", name=me.says("Activate"), exact=True).click()
    expect(me.page.get_by_role("link", name=me.says("Book visits"))).to_be_visible()


def days_from(stage: Stage, *venues: str) -> list[str]:
    """Days on which all of these venues have places, the first first."""
    found = [{slot.day for slot in stage.slots(venue)} for venue in venues]
    return sorted(set.intersection(*found))


def book(me: Visit, card: str, wanted: dict[str, str], *, look: bool = False) -> str:
    """Visits of several venues in one basket; the number of their order."""
    page = me.page
    page.goto(f"/account/cards/{card}/visits")
    for venue, day in wanted.items():
        page.locator(f"select[name='day.{venue}']").select_option(day)
    page.get_by_role("button", name=me.says("Show the times")).click()
    for venue in wanted:
        expect(page.locator(f"input[name='slot.{venue}']:checked")).to_have_count(1)
    if look:
        looks_right(me)
    page.get_by_role("button", name=me.says("Book all of them with the card")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(me.says("Your visit is confirmed"))
    return number_of(me)


def left_of(page: Page, venue: str) -> str:
    return page.locator(f"table tr:has(a[href='/venues/{venue}']) td").inner_text()


def is_over(stage: Stage, order: str, line: int) -> None:
    """The visit's time has come and gone: it counts as used, as the timetable says."""
    with psycopg.connect(stage.here.database_url) as connection:
        connection.execute(
            "update passes.uses set ends_at = now() - interval '3 hours' where order_number = %s and line_seq = %s",
            [order, line],
        )
    stage.hurry("passes.jobs.settle_past")
    with psycopg.connect(stage.here.database_url, autocommit=True) as connection:
        ask = "select state from passes.uses where order_number = %s and line_seq = %s"
        until(lambda: connection.execute(ask, [order, line]).fetchone() == ("used",), 30)


@pytest.mark.parametrize(("device", "language", "script"), [("phone", "zh", True), ("desk", "en", False)])
def test_a_card_is_bought_activated_used_over_three_venues_and_given_back_in_part(
    stage: Stage, visit: Callable[..., Visit], device: str, language: str, script: bool
) -> None:
    who = stage.person()
    me = visit(device, language, script=script, who=who)
    card = buy(stage, me, who, CLASSIC, look=True)
    activate(me, look=True)
    three = ("palace-museum", "badaling", "temple-of-heaven")
    day = days_from(stage, *three)[0]
    order = book(me, card, dict.fromkeys(three, day), look=True)
    looks_right(me)
    me.page.goto(f"/account/cards/{card}")
    assert [left_of(me.page, venue) for venue in three] == ["0", "0", "0"]
    looks_right(me)
    is_over(stage, order, 1)
    is_over(stage, order, 2)

    me.page.reload()
    me.page.get_by_role("link", name=me.says("Give the card back")).click()
    expect(me.page.get_by_role("alert")).to_contain_text(
        me.says(
            "A visit that is booked with the card is still to come. Cancel it first; then the card can be given back."
        )
    )
    me.page.get_by_role("link", name=me.says("To the card and its visits")).click()
    me.page.locator("details summary", has_text=me.says("Cancel this visit")).click()
    me.page.get_by_role("button", name=me.says("Yes, cancel this visit")).click()
    expect(
        me.page.locator("section[aria-labelledby=visits] .badge", has_text=me.says("Given back to the card"))
    ).to_have_count(1)
    assert left_of(me.page, "temple-of-heaven") == "1"

    shown = me.page.locator("#worth").inner_text()
    me.page.get_by_role("link", name=me.says("Give the card back")).click()
    expect(me.page.locator("#refund")).to_have_text(shown)
    looks_right(me)
    me.page.get_by_role("button", name=me.says("Yes, give it back")).click()
    expect(me.page.get_by_role("heading", level=1)).to_have_text(me.says("This card was given back"))
    bought = me.page.url.rpartition("/")[2]
    back = _refunds(stage, who, bought)
    paid = stage.ask("GET", f"/api/v1/cards/{card}", who=who)["paid"]["amount_minor"]
    assert 0 < back < paid
    assert shown == f"¥{back / 100:.2f}".removesuffix(".00")
    me.page.goto(f"/account/cards/{card}")
    expect(me.page.locator(".badge").first).to_have_text(me.says("Given back"))


def _refunds(stage: Stage, who: Person, order: str) -> int:
    """What has come back of an order, once all of it is there."""
    path = f"/api/v1/orders/{order}/payment"
    until(lambda: [one["state"] for one in stage.ask("GET", path, who=who)["refunds"]] == ["succeeded"], 30)
    return int(stage.ask("GET", path, who=who)["refunds"][0]["amount"]["amount_minor"])


def test_three_of_five_are_visited_and_a_hotel_night_and_a_meal_come_back_in_money(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    who = stage.person()
    me = visit("phone", "en", who=who)
    card = buy(stage, me, who, FLEX)
    activate(me)
    sights = ("humble-administrator", "lion-grove", "leifeng-pagoda")
    day = next(day for day in days_from(stage, *sights, "hotel-05", "rest-05"))
    order = book(me, card, dict.fromkeys((*sights, "hotel-05", "rest-05"), day))
    lines = {line["venue_id"]: line["seq"] for line in stage.ask("GET", f"/api/v1/orders/{order}", who=who)["lines"]}
    assert len(lines) == 5
    me.page.goto(f"/account/cards/{card}")
    expect(me.page.get_by_text("0 of 3 visits left")).to_be_visible()
    me.page.goto(f"/account/cards/{card}/visits")
    expect(me.page.locator("select[name='day.suzhou-museum']")).to_have_count(0)

    for venue in sights:
        is_over(stage, order, lines[venue])
    for venue in ("hotel-05", "rest-05"):
        me.page.goto(f"/account/cards/{card}")
        me.page.locator("li:has-text('Booked') details summary").first.click()
        me.page.get_by_role("button", name="Yes, cancel this visit").first.click()
        expect(
            me.page.locator("section[aria-labelledby=visits] .badge", has_text="Given back to the card")
        ).to_have_count(1 if venue == "hotel-05" else 2)
    found = stage.ask("GET", f"/api/v1/cards/{card}", who=who)
    assert sorted(use["state"] for use in found["uses"]) == ["released", "released", "used", "used", "used"]
    me.page.get_by_role("link", name="Give the card back").click()
    me.page.get_by_role("button", name="Yes, give it back").click()
    expect(me.page.get_by_role("heading", level=1)).to_have_text("This card was given back")
    back = _refunds(stage, who, found["order_number"])
    assert (found["refund"]["ground"], found["refund"]["refund"]["amount_minor"]) == ("seven-days", back)
    assert 0 < back < found["paid"]["amount_minor"]


def test_a_family_chooses_its_first_day_and_who_comes(stage: Stage, visit: Callable[..., Visit]) -> None:
    who = stage.person()
    me = visit("desk", "zh", who=who)
    card = buy(stage, me, who, FAMILY, adults=1, children=2, look=True)
    me.page.locator("select[name=start]").select_option(index=1)
    start = me.page.locator("select[name=start]").input_value()
    activate(me)
    day = next(day for day in days_from(stage, "terracotta-army", "banpo-museum") if day > start)
    me.page.goto(f"/account/cards/{card}/visits")
    me.page.locator("select[name='day.terracotta-army']").select_option(day)
    me.page.get_by_role("button", name=me.says("Show the times")).click()
    part = me.page.locator("#part-terracotta-army")
    expect(part.locator("input[type=checkbox]:checked")).to_have_count(4)
    part.locator("input[type=checkbox]").last.uncheck()
    looks_right(me)
    me.page.get_by_role("button", name=me.says("Book all of them with the card")).click()
    order = number_of(me)
    assert len(stage.ask("GET", f"/api/v1/orders/{order}", who=who)["travellers"]) == 3


def test_a_year_card_goes_once_a_day_and_says_why_not_twice(stage: Stage, visit: Callable[..., Visit]) -> None:
    who = stage.person()
    me = visit("phone", "en", who=who)
    card = buy(stage, me, who, YEAR)
    activate(me)
    day = days_from(stage, "summer-palace")[0]
    book(me, card, {"summer-palace": day})
    me.page.goto(f"/account/cards/{card}/visits?day.summer-palace={day}")
    expect(me.page.locator("#part-summer-palace")).to_contain_text("there is a visit that day already")
    looks_right(me)


def test_what_cannot_be_had_leaves_everything_and_says_what_it_is(stage: Stage, visit: Callable[..., Visit]) -> None:
    who = stage.person()
    me = visit("phone", "zh", who=who)
    me.witness.excuse(r"^409: POST .*/visits$", "one of the visits was taken meanwhile")
    card = buy(stage, me, who, CLASSIC)
    activate(me)
    pair = ("badaling", "temple-of-heaven")
    day = days_from(stage, *pair)[-1]
    page = me.page
    page.goto(f"/account/cards/{card}/visits?" + "&".join(f"day.{venue}={day}" for venue in pair))
    slot = str(page.locator("input[name='slot.badaling']:checked").get_attribute("value"))
    with psycopg.connect(stage.here.database_url) as connection:
        connection.execute("update inventory.slots set set_aside = capacity - taken where id = %s", [slot])
    page.get_by_role("button", name=me.says("Book all of them with the card")).click()
    expect(page.get_by_role("alert")).to_contain_text("八达岭")
    looks_right(me)
    uses = stage.ask("GET", f"/api/v1/cards/{card}", who=who)["uses"]
    assert uses == []
    with psycopg.connect(stage.here.database_url) as connection:
        connection.execute("update inventory.slots set set_aside = 0 where id = %s", [slot])


def test_the_api_books_with_a_card_once_for_one_key(stage: Stage, visit: Callable[..., Visit]) -> None:
    who = stage.person()
    me = visit("desk", "en", who=who)
    card = buy(stage, me, who, YEAR)
    stage.ask("POST", f"/api/v1/cards/{card}/activation", who=who)
    day = days_from(stage, "mutianyu")[0]
    slot = next(slot for slot in stage.slots("mutianyu") if slot.day == day)
    key, body = str(uuid4()), {"visits": [{"slot_id": slot.id}], "locale": "en"}
    first = stage.ask("POST", f"/api/v1/cards/{card}/visits", body, who=who, key=key)
    assert stage.ask("POST", f"/api/v1/cards/{card}/visits", body, who=who, key=key) == first
    me.page.goto("/account/cards")
    expect(me.page.locator(".order-link")).to_have_count(1)
    looks_right(me)
