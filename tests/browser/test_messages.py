"""On a phone and at a desk: the false text is met with its reason, a genuine one is found, a code is looked up, a text is reported."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .browsing import Visit
from .stage import Stage, until

SCAM = "如您使用了2025年1月16日下午14:00出现的政府补贴bug,产生的优惠费用后续将从您的支付宝里扣回,敬请谅解!!"


def genuine(me: Visit, phone: str) -> str:
    """The newest message to a phone, read in the development mailbox, as its reader would copy it."""
    mailbox, found = me.context.new_page(), ""

    def look() -> str:
        nonlocal found
        mailbox.goto("/mailbox")
        for mail in mailbox.content().split("<article")[1:]:
            if phone[-4:] in mail and "sign-in-code" in mail:
                found = html.unescape(re.sub(r"<[^>]+>", "", mail.split("<p>")[1].split("</p>")[0])).strip()
                return found
        return ""

    until(look)
    mailbox.close()
    return found


@pytest.mark.parametrize(
    ("device", "language", "script"),
    [("phone", "zh", True), ("desk", "en", False)],
)
def test_a_false_text_is_told_from_a_genuine_one(
    stage: Stage, visit: Callable[..., Visit], device: str, language: str, script: bool
) -> None:
    mei = stage.person_with_code()
    me = visit(device, language, script=script)
    page = me.page
    page.goto("/")
    page.get_by_role("contentinfo").get_by_role("link", name=me.says("Is this message from us?")).click()
    page.get_by_label(me.says("The message, or its code")).fill(SCAM)
    page.get_by_role("button", name=me.says("Check it")).click()
    verdict = page.locator("#notice")
    expect(verdict).to_contain_text(me.says("We did not send this."))
    expect(verdict).to_contain_text(
        "绝不收回" if language == "zh" else "We never take back a discount that was granted"
    )
    page.get_by_role("button", name=me.says("Report this text")).click()
    expect(page.locator("#notice")).to_contain_text(me.says("Thank you. It is with us."))

    text = genuine(me, mei.phone)
    page.get_by_label(me.says("The message, or its code")).fill(text)
    page.get_by_role("button", name=me.says("Check it")).click()
    expect(page.locator("#notice")).to_contain_text(me.says("We sent this text."))
    expect(page.locator("#notice")).to_contain_text(mei.phone[-4:])
    assert re.search(r"\b\d{6}\b", text)[0] not in page.locator("#notice").inner_text()

    page.get_by_label(me.says("The message, or its code")).fill(text + " 请点击 https://ho1dfast.com 补缴")
    page.get_by_role("button", name=me.says("Check it")).click()
    expect(page.locator("#notice ins.theirs").first).to_contain_text("ho1dfast")
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1]

    page.get_by_label(me.says("The message, or its code")).fill(re.search(r"[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]", text)[0])
    page.get_by_role("button", name=me.says("Check it")).click()
    expect(page.locator("#notice")).to_contain_text(me.says("There is a message of ours with this code. Compare it."))
    expect(page.locator("#notice .masked").first).to_be_visible()
