"""Steps that several stories share: filling in the checkout, proving a phone, reading what a press led to."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from .browsing import Visit
from .stage import NAMES, code_in, national


def fill_in(me: Visit, phone: str, documents: list[str]) -> None:
    """The whole form, with the code that came to the phone, and the press that books."""
    page = me.page
    for at, document in enumerate(documents):
        name, kind, number = person_fields(me, at)
        name.fill(NAMES[me.language][at % 2])
        kind.select_option("cn_resident_id")
        number.fill(document)
    prove_the_phone(me, phone)
    page.get_by_text(me.says("Keep me signed in on this device")).click()
    book_button(me).click()


def prove_the_phone(me: Visit, phone: str) -> None:
    """Asks for a code and types it; it is read in the development mailbox, in another tab."""
    page = me.page
    page.get_by_label(me.says("Phone number")).fill(national(phone))
    page.get_by_role("button", name=me.says("Send me a code")).click()
    expect(page.locator("#booking").get_by_role("status")).to_contain_text(phone[-4:])
    mailbox = me.context.new_page()
    mailbox.goto("/mailbox")
    code = code_in(mailbox.content(), phone)
    mailbox.close()
    assert code, "the mailbox has no code for this phone"
    page.get_by_label(me.says("Six-digit code")).fill(code)


def person_fields(me: Visit, at: int) -> tuple[Locator, Locator, Locator]:
    """Name, kind of document and number of a visitor."""
    person = me.page.locator("fieldset.person").nth(at)
    return person.locator("input").nth(0), person.locator("select"), person.locator("input").nth(1)


def book_button(me: Visit) -> Locator:
    return me.page.locator("#booking .btn.wide")


def number_of(me: Visit) -> str:
    """Waits until the booking has led to an order or its payment; the order's number.

    The address is looked at again and again: waiting for the navigation fails where a second press has ended the first.
    """
    expect(me.page).to_have_url(re.compile(r"/orders/\w{10}"))
    return re.findall(r"/orders/(\w{10})", me.page.url)[0]
