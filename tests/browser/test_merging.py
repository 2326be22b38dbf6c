"""Joining two accounts on a phone: codes read on both, the preview, all orders together, and the way back."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .browsing import Visit
from .stage import FREE, PAID, Person, Stage, national


def order_link(number: str) -> str:
    return f"a[href^='/orders/{number}']"


def code_to(page: str, phone: str) -> str:
    """The newest code sent to a phone: its message names the other phone too, after the recipient."""
    masked = [f"{national(phone)[:3]}****{phone[-4:]}"]
    for mail in page.split("<article")[1:]:
        text = html.unescape(re.sub(r"<[^>]+>", " ", mail.partition("</article>")[0]))
        if (
            re.findall(r"1\d\d\*{4}\d{4}", text)[:1] == masked
            and "merge-code" in text
            and (found := re.search(r"\b\d{6}\b", text))
        ):
            return found[0]
    return ""


def type_the_codes(me: Visit, people: list[Person]) -> None:
    """Reads both messages in the development mailbox, in another tab."""
    fields = me.page.locator("input.code-input")
    expect(fields).to_have_count(2)
    mailbox = me.context.new_page()
    mailbox.goto("/mailbox")
    codes = [code_to(mailbox.content(), person.phone) for person in people]
    mailbox.close()
    assert all(codes), codes
    for at, code in enumerate(codes):
        fields.nth(at).fill(code)


@pytest.mark.parametrize(("language", "script"), [("en", True), ("zh", False)])
def test_two_accounts_are_joined_with_a_preview_and_parted_again(
    stage: Stage, visit: Callable[..., Visit], language: str, script: bool
) -> None:
    mei, old = stage.person(), stage.person()
    mine, other = stage.order(mei, stage.slot(FREE)), stage.order(old, stage.slot(PAID))
    me = visit("phone", language, script=script, who=mei)
    page = me.page
    page.goto("/account")
    page.get_by_role("link", name=me.says("Joined accounts")).click()
    page.get_by_label(me.says("Phone number")).fill(national(old.phone))
    page.get_by_role("button", name=me.says("Send both codes")).click()
    type_the_codes(me, [mei, old])
    page.get_by_role("button", name=me.says("Show me what comes together")).click()
    page.wait_for_url("**/account/merging/preview?with=*")
    cards = page.get_by_role("main").locator("section.card")
    expect(cards.nth(0)).to_contain_text(me.says("Confirmed"))
    expect(cards.nth(1)).to_contain_text(me.says("Held for you"))
    tops = [cards.nth(at).bounding_box() for at in (0, 1)]
    assert tops[0]["y"] + tops[0]["height"] <= tops[1]["y"], "on a phone the columns are cards, one below the other"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing sticks out"
    page.get_by_role("button", name=me.says("Join these accounts")).click()
    expect(page.locator("#done")).to_contain_text("Joined. All your orders" if language == "en" else "合并完成")
    page.goto("/orders")
    for number in (mine, other):
        expect(page.locator(order_link(number)).first).to_be_visible()
    page.goto("/account/merging")
    page.get_by_role("link", name=me.says("Undo this")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(me.says("Part the accounts"))
    page.get_by_role("button", name=me.says("Part these accounts")).click()
    expect(page.locator("#done")).to_contain_text(me.says("Separate again. Each account has its own orders."))
    page.goto("/orders")
    expect(page.locator(order_link(mine)).first).to_be_visible()
    expect(page.locator(order_link(other))).to_have_count(0)
    assert {order["number"] for order in stage.orders(old)} == {other}


def test_a_message_undoes_a_merge_with_one_press(stage: Stage, visit: Callable[..., Visit]) -> None:
    mei, old = stage.person(), stage.person()
    me = visit("desk", "en", who=mei)
    page = me.page
    page.goto("/account/merging")
    page.get_by_label("Phone number").fill(national(old.phone))
    page.get_by_role("button", name="Send both codes").click()
    type_the_codes(me, [mei, old])
    page.get_by_role("button", name="Show me what comes together").click()
    page.get_by_role("button", name="Join these accounts").click()
    expect(page.locator("#done")).to_be_visible()
    them = visit("phone", "en")
    them.page.goto("/mailbox")
    found = re.findall(r"/account/merging/not-me/[0-9a-f-]+/b\?token=[\w-]+", them.page.content().replace("&amp;", "&"))
    them.page.goto(found[0])
    them.page.get_by_role("button", name="Not me: undo it now").click()
    expect(them.page.get_by_role("heading", level=1)).to_have_text("Undone")
    page.goto("/account/merging")
    expect(page.get_by_role("link", name="Undo this")).to_have_count(0)
