"""On a phone: an order that somebody misses is found by a document; what cannot be found becomes a case that is answered."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import expect

from tests import world

from .browsing import Visit
from .stage import FREE, NAMES, Person, Stage, code_in, national, until


def read_code(me: Visit, phone: str) -> str:
    """The code in the development mailbox, read in another tab."""
    mailbox = me.context.new_page()
    found = ""

    def look() -> str:
        nonlocal found
        mailbox.goto("/mailbox")
        found = code_in(mailbox.content(), phone)
        return found

    until(look)
    mailbox.close()
    return found


def order_with(stage: Stage, who: Person, document: str, phone: str) -> str:
    """A confirmed order for one visitor with this document, whose messages go to this phone; its number."""
    slot = stage.slot(FREE)
    visitor = {"name": NAMES["zh"][0], "document_type": "cn_resident_id", "document": document}
    line = {"slot_id": slot.id, "price_id": slot.price, "quantity": 1, "travellers": [visitor]}
    body = {"lines": [line], "phone": phone, "locale": "zh"}
    return str(stage.ask("POST", "/api/v1/orders", body, who=who, key=document)["number"])


@pytest.mark.parametrize("script", [True, False])
def test_a_missing_order_is_found_by_a_document_and_a_code(
    stage: Stage, visit: Callable[..., Visit], script: bool
) -> None:
    document, phone = world.identity_number(), world.phone_number()
    number = order_with(stage, stage.person(), document, phone)
    me = visit("phone", "zh", script=script)
    page = me.page
    page.goto("/")
    page.get_by_role("contentinfo").get_by_role("link", name=me.says("Help")).click()
    page.get_by_role("main").get_by_role("link", name=me.says("I am missing an order")).click()
    page.get_by_label(me.says("Document number")).fill(document)
    page.get_by_role("button", name=me.says("Search")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(me.says("We found something that fits"))
    for secret in (number, f"{number[:5]}-{number[5:]}", "王"):
        expect(page.locator("main")).not_to_contain_text(secret)
    expect(page.locator("main")).to_contain_text(f"•••• {phone[-2:]}")
    page.get_by_role("button", name=me.says("Send me a code")).click()
    page.get_by_label(me.says("Six-digit code")).fill(read_code(me, phone))
    page.get_by_role("button", name=me.says("Show what is mine")).click()
    page.locator("a.order-link").first.click()
    expect(page.locator("#number")).to_have_text(f"{number[:5]}-{number[5:]}")
    expect(page).to_have_url(re.compile(rf"/orders/{number}\?token="))


def test_what_cannot_be_found_becomes_a_case_and_its_answer_is_read_by_the_link(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    phone = world.phone_number()
    me = visit("phone", "en")
    page = me.page
    page.goto("/orders/missing")
    page.get_by_label("Payment reference").fill("4200 0022 1234 5678")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We found nothing that fits yet")
    page.get_by_role("button", name="Ask people for help").click()
    expect(page.get_by_text("What you searched for and what we found goes with it.")).to_be_visible()
    page.get_by_label("What happened").fill("WeChat took 60 yuan, I have no order.")
    page.get_by_label("Phone number").fill(national(phone))
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_label("What happened")).to_have_value("WeChat took 60 yuan, I have no order.")
    page.get_by_label("Six-digit code").fill(read_code(me, phone))
    page.get_by_role("button", name="Send", exact=True).last.click()
    page.wait_for_url(re.compile(r"/help/cases/\w{7}\?token="))
    expect(page.locator("main")).to_contain_text("waits for our answer")
    expect(page.locator("main")).to_contain_text("WeChat took 60 yuan, I have no order.")
    number = re.findall(r"/help/cases/(\w{7})", page.url)[0]
    with psycopg.connect(stage.here.database_url) as connection:
        [(content,)] = connection.execute(
            """select e.content from support.evidence e join support.cases c on c.id = e.case_id
               where c.number = %s and e.kind = 'typed'""",
            [number],
        ).fetchall()
    assert content == {"reference": "4200002212345678"}
    page.get_by_label("Your message").fill("It was at noon.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".story li").first).to_contain_text("It was at noon.")
    page.get_by_role("button", name="Close the case").click()
    expect(page.locator("main .badge").first).to_have_text("settled and closed")


def test_number_and_pin_from_the_tickets_open_the_order_on_another_phone(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    person = stage.person()
    number = order_with(stage, person, world.identity_number(), person.phone)
    owner = visit("phone", "en", who=person)
    owner.page.goto(f"/orders/{number}/tickets")
    pin = re.findall(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b", owner.page.locator("article").inner_text())[0]
    me = visit("phone", "en")
    me.page.goto("/orders/lookup")
    me.page.get_by_label("Order number").fill(number.lower())
    me.page.get_by_label("PIN, instead of the phone").fill(pin.lower())
    me.page.get_by_role("button", name="Find the order").click()
    expect(me.page.locator("#number")).to_have_text(f"{number[:5]}-{number[5:]}")
    expect(me.page.locator("main")).not_to_contain_text(pin)
