"""The waiting list, in a browser: a full time is joined, somebody gives up, the offer comes and is paid."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import expect

from holdfast.kit import i18n
from tests import world

from .browsing import Visit
from .stage import NAMES, PAID, Person, Slot, Stage, until

OFFERS = "orders.jobs.offer_free_places"
CASES = [("phone", "en", True), ("desk", "zh", False)]


def last_place(stage: Stage, at: int) -> Slot:
    """A slot of its own with one place left, on a day that other tests do not use.

    Sale opens in the evening for the same day of next week, and the venue rests on Mondays: at least five days are open.
    """
    day = sorted({slot.day for slot in stage.slots(PAID)})[3 + at]
    slot = next(slot for slot in stage.slots(PAID) if slot.day == day)
    with psycopg.connect(stage.here.database_url) as connection:
        connection.execute("update inventory.slots set capacity = taken + 1 where id = %s", [slot.id])
    return slot


def give_up(stage: Stage, who: Person, number: str) -> None:
    stage.ask("POST", f"/api/v1/orders/{number}/cancellation", {}, who=who, key=str(uuid4()))


def number_of_offer(stage: Stage, wait_id: str) -> str:
    """The order that holds the offer; empty until there is one."""
    with psycopg.connect(stage.here.database_url) as connection:
        found = connection.execute(
            "select o.number from orders.waits w join orders.orders o on o.id = w.order_id where w.id = %s", [wait_id]
        ).fetchone()
    return str(found[0]) if found else ""


def state_of(stage: Stage, wait_id: str) -> str:
    with psycopg.connect(stage.here.database_url) as connection:
        [state] = connection.execute("select state from orders.waits where id = %s", [wait_id]).fetchone() or [""]
    return str(state)


@pytest.mark.parametrize(("device", "language", "script"), CASES)
def test_a_full_time_is_waited_for_and_the_place_that_comes_free_is_paid(
    stage: Stage, visit: Callable[..., Visit], device: str, language: str, script: bool
) -> None:
    slot, holder, person = last_place(stage, CASES.index((device, language, script))), stage.person(), stage.person()
    first = stage.order(holder, slot)
    me = visit(device, language, script=script, who=person)
    me.page.goto(slot.venue_page)
    me.page.locator(f"a[href*='/waitlist/new'][href*='{slot.id}']").click()
    me.page.get_by_role("button", name=me.says("Continue")).click()
    one = me.page.locator("fieldset.person").first
    one.locator("input").nth(0).fill(NAMES[language][0])
    one.locator("select").select_option("cn_resident_id")
    one.locator("input").nth(1).fill(world.identity_number())
    me.page.locator("#joining .btn.wide").click()
    expect(me.page.get_by_role("heading", level=1)).to_have_text(
        i18n.translate("You are number {number} on the list", language, number=1)
    )
    wait_id = me.page.url.rpartition("/")[2]
    give_up(stage, holder, first)
    assert stage.places_left(slot) == 0, "nobody else can have it"
    stage.hurry(OFFERS)
    until(lambda: number_of_offer(stage, wait_id), 30)
    me.page.reload()
    expect(me.page.get_by_role("heading", level=1)).to_have_text(me.says("Places came free, and are held for you"))
    me.page.get_by_role("link", name=me.says("Pay now")).click()
    number = number_of_offer(stage, wait_id)
    me.page.wait_for_url(f"**/orders/{number}/payment")
    stage.pay(person, number)
    until(lambda: stage.ask("GET", f"/api/v1/orders/{number}", who=person)["state"] == "confirmed")
    stage.hurry(OFFERS)
    until(lambda: state_of(stage, wait_id) == "taken", 30)
    me.page.goto(f"/waitlist/{wait_id}")
    expect(me.page.get_by_role("heading", level=1)).to_have_text(me.says("The places are yours"))


@pytest.mark.parametrize("device", ["phone", "desk"])
def test_what_does_not_work_is_said_without_a_connection_and_arrives_later(
    stage: Stage, visit: Callable[..., Visit], device: str
) -> None:
    slot = stage.slot(PAID)
    me = visit(device, "en")
    me.page.goto(slot.venue_page)
    me.page.get_by_text(me.says("This does not work")).click()
    words = f"The calendar does not open, {uuid4()}."
    me.page.get_by_label(me.says("What does not work?")).fill(words)
    me.witness.excuse(r"ERR_INTERNET_DISCONNECTED", "the connection is cut on purpose")
    me.context.set_offline(True)
    me.page.locator("details.says").get_by_role("button", name=me.says("Send")).click()
    expect(me.page.locator("[data-toast=later]")).to_be_visible()
    me.context.set_offline(False)

    def arrived() -> bool:
        with psycopg.connect(stage.here.database_url) as connection:
            found = connection.execute(
                "select count(*) from support.feedback where is_offline and page = '/venues/{id}'"
            ).fetchone()
        return found is not None and found[0] >= 1

    until(arrived)
    me.page.get_by_text(me.says("This does not work")).click()
    me.page.get_by_label(me.says("What does not work?")).fill("Still not.")
    me.page.locator("details.says").get_by_role("button", name=me.says("Send")).click()
    expect(me.page.get_by_role("heading", level=1)).to_have_text(me.says("Thank you"))
