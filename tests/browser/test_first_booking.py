"""The story of a first booking, as people live it: search, a slip, the correction, payment, the ticket at the gate."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from holdfast.orders import verify
from tests import world

from . import codes
from .browsing import Visit
from .stage import NAMES, PALACE, Stage, national, swapped
from .steps import book_button, fill_in, person_fields


@pytest.mark.parametrize(
    ("device", "language", "script"),
    [("phone", "zh", True), ("desk", "en", True), ("phone", "en", False)],
)
def test_a_first_booking_survives_a_slip_and_ends_with_a_ticket_that_a_gate_accepts(
    stage: Stage, visit: Callable[..., Visit], device: str, language: str, script: bool
) -> None:
    me = visit(device, language, script=script)
    me.witness.excuse(r"^422: POST .*/checkout$", "a wrong identity number is refused")
    phone, documents = world.phone_number(), [world.identity_number(), world.identity_number()]
    find_the_palace(me)
    choose(me, people=2)
    fill_in(me, phone, [documents[0], swapped(documents[1])])
    the_slip_is_explained_and_nothing_is_lost(me, phone, [documents[0], swapped(documents[1])])
    person_fields(me, 1)[2].fill(documents[1])
    book_button(me).click()
    number = pay_in_the_wallet(me, stage)
    texts = the_tickets(me, number)
    admissions = [verify(text, stage.keys()) for text in texts]
    assert [(one.number, one.ticket, one.admits) for one in admissions] == [(number, 1, 1), (number, 2, 1)]
    assert {one.venue_id for one in admissions} == {PALACE}


def find_the_palace(me: Visit) -> None:
    """From the home page to the venue's page by searching."""
    page = me.page
    page.goto("/")
    assert page.locator("html").get_attribute("lang") == me.either("zh-CN", "en")
    page.get_by_label(me.says("Name or place")).fill(me.either("故宫", "palace museum"))
    page.get_by_role("search").get_by_role("button").click()
    link = page.get_by_role("link", name=me.either("故宫博物院", "The Palace Museum"), exact=True)
    expect(page.locator("li.venue")).to_have_count(1)
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(me.either("故宫博物院", "The Palace Museum"))


def choose(me: Visit, people: int) -> None:
    """Another day than the one proposed, another slot than the first, and tickets."""
    page = me.page
    if not page.locator(".month a.open, .month a.few").count():
        page.locator("#calendar a[rel=next]").click()
    days = page.locator(".month a.open, .month a.few")
    day = days.last
    wanted = re.search(r"date=([0-9-]+)", str(day.get_attribute("href")))
    assert wanted
    day.click()
    page.wait_for_url(re.compile(wanted[1]))
    expect(page.locator(".month a[aria-current=date]")).to_have_attribute("href", re.compile(wanted[1]))
    page.locator(".slots input:not([disabled])").last.check()
    page.locator(".tickets-choice select").first.select_option(str(people))
    page.get_by_role("button", name=me.says("Continue")).click()
    page.wait_for_url("**/checkout?*")
    expect(page.locator("fieldset.person")).to_have_count(people)


def the_slip_is_explained_and_nothing_is_lost(me: Visit, phone: str, documents: list[str]) -> None:
    page = me.page
    summary = page.locator("#problem")
    expect(summary).to_be_visible()
    message = me.says("The last character does not fit. Usually one digit is wrong or two neighbours are swapped.")
    expect(summary).to_contain_text(message)
    if me.script:
        expect(summary).to_be_focused()
    name, kind, number = person_fields(me, 1)
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"#{number.get_attribute('id')}-e1")).to_contain_text(message)
    for at, document in enumerate(documents):
        name, kind, number = person_fields(me, at)
        expect(name).to_have_value(NAMES[me.language][at])
        expect(kind).to_have_value("cn_resident_id")
        expect(number).to_have_value(document)
    expect(page.locator("#f-phone")).to_have_value(national(phone))
    expect(page.locator("#f-code")).to_have_value(re.compile(r"^\d{6}$"))
    expect(page.locator("input[name=kept]")).to_be_checked()
    summary.get_by_role("link").first.click()
    expect(person_fields(me, 1)[2]).to_be_focused()
    expect(summary, "following the link must not load the page again").to_be_visible()
    expect(page.locator("#f-code")).to_have_value(re.compile(r"^\d{6}$"))


def pay_in_the_wallet(me: Visit, stage: Stage) -> str:
    """From the payment page to the simulator's wallet and back to "paid"; the order's number."""
    page = me.page
    page.wait_for_url(re.compile(r"/orders/\w+/payment"))
    number = re.findall(r"/orders/(\w+)/payment", page.url)[0]
    page.get_by_role("button", name=re.compile(me.says("Pay {amount}", amount=""))).click()
    wallet = page.get_by_role("link", name=me.says("Open {app} on this device", app=me.says("WeChat")))
    expect(wallet).to_be_visible()
    assert codes.read(page.locator(".qr svg")).startswith("weixin://wxpay/bizpayurl?pr=")
    wallet.click()
    page.locator("button[value=pay]").click()
    stage.until_confirmed(number)  # that a page notices by itself is seen in test_paying
    page.get_by_role("link", name="Back to the merchant").click()
    expect(page.get_by_text(me.says("Paid. Your visit is confirmed."))).to_be_visible()
    return number


def the_tickets(me: Visit, number: str) -> list[str]:
    """What a camera reads on the ticket page."""
    page = me.page
    page.get_by_role("link", name=me.says("Show the tickets")).click()
    page.wait_for_url(f"**/orders/{number}/tickets")
    tickets = page.locator("article.ticket")
    expect(tickets).to_have_count(2)
    expect(tickets.first).to_contain_text(number[:5])
    for at in range(2):
        expect(tickets.nth(at)).not_to_contain_text(NAMES[me.language][at])
    return [codes.read(tickets.nth(at).locator(".qr svg")) for at in range(2)]
