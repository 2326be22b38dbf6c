"""Staff at the console: from a number to a refund, and from a disturbance to a switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from . import browsing
from .browsing import Visit
from .stage import PAID, Stage
from .test_reach import AUDIT, TOO_WIDE

LOGIN, PASSWORD = "lin.wen@example.org", "kelp anchors seven boats"
ROLES = ("engineer", "finance", "desk", "operations", "support")


@pytest.fixture(scope="package")
def staff_cookies(browser: Browser, stage: Stage) -> list[Any]:
    """What the browser of a member of staff with many roles keeps after signing in."""
    secret = stage.hire(LOGIN, "Lin Wen", *ROLES, password=PASSWORD)
    with browsing.context(browser, browsing.DESK, "en", base_url=stage.here.url) as context:
        page = context.new_page()
        page.goto("/console/payments")
        page.get_by_label("Login").fill(LOGIN)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Payments")
        return list(context.cookies())


@pytest.fixture
def colleague(visit: Callable[..., Visit], staff_cookies: list[Any]) -> Callable[..., Visit]:
    """``colleague("phone", "zh", script=False)``: a visit of somebody who is signed in at the console."""

    def begin(*how: Any, **more: Any) -> Visit:
        me = visit(*how, **more)
        me.context.add_cookies(staff_cookies)
        return me

    return begin


@pytest.mark.parametrize(("device", "language", "script"), [("desk", "en", True), ("phone", "zh", False)])
def test_from_an_order_s_number_to_its_story_and_a_refund_of_a_part(
    stage: Stage, colleague: Callable[..., Visit], device: str, language: str, script: bool
) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(PAID), 2)
    stage.pay(person, number)
    me = colleague(device, language, script=script)
    page, says = me.page, me.says
    page.goto("/console/payments")
    page.get_by_label(says("Number")).fill(f"{number[:5]}-{number[5:]}")
    page.get_by_role("button", name=says("Search")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(number)
    story = page.locator("section[aria-labelledby=story]")
    expect(story).to_contain_text(says("The order was confirmed"))
    expect(page.get_by_text(says("It ends the order and releases its places."))).to_be_visible()
    me.witness.excuse(r"^422: POST .*/refunds$", "a refund without an amount or a reason")
    page.get_by_label(says("A part")).check()
    page.get_by_role("button", name=says("Give it back")).click()
    expect(page.locator("#problem")).to_contain_text(says("Write an amount such as 20 or 20.50."))
    expect(page.get_by_label(says("A part"))).to_be_checked()
    page.get_by_role("textbox", name=says("Amount")).fill("12.50")
    page.locator("#f-reason-refunds").fill("audio guide was broken")
    page.get_by_role("button", name=says("Give it back")).click()
    expect(story).to_contain_text("audio guide was broken")
    expect(story).to_contain_text("¥12.50")
    expect(story).to_contain_text("Lin Wen")
    expect(page.locator("#problem")).to_have_count(0)
    assert stage.ask("GET", f"/api/v1/orders/{number}", who=person)["state"] == "confirmed"


def test_a_channel_is_switched_off_and_on_again_and_payers_see_it(
    stage: Stage, colleague: Callable[..., Visit], visit: Callable[..., Visit]
) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(PAID))
    me, payer = colleague("desk", "en"), visit("phone", "en", who=person)
    page = me.page
    page.goto("/console/channels")
    page.get_by_role("link", name="Cards (Stripe)").first.click()
    form = page.locator("form", has=page.get_by_role("button", name="Switch it off"))
    form.get_by_label("Reason").fill("announced maintenance")
    form.get_by_role("button", name="Switch it off").click()
    off = page.locator(".note.bad")
    expect(off).to_contain_text("Switched off: Cards (Stripe)")
    expect(off).to_contain_text("announced maintenance")
    payer.page.goto(f"/orders/{number}/payment")
    expect(payer.page.locator(".way.off")).to_contain_text("We switched the card service off")
    off.get_by_role("button", name="Switch it on again").click()
    expect(off).to_have_count(0)
    payer.page.reload()
    expect(payer.page.locator(".way.off")).to_have_count(0)


def test_cash_is_taken_at_the_desk_on_a_phone(stage: Stage, colleague: Callable[..., Visit]) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(PAID))
    me = colleague("phone", "zh")
    page, says = me.page, me.says
    page.goto("/console/desk")
    page.get_by_label(says("Order number")).fill(number.lower())
    page.get_by_role("button", name=says("Find it")).click()
    page.locator("label", has=page.locator("[name=taken]")).click()
    page.locator("section[aria-labelledby=found]").get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text(
        says("Recorded. The order is confirmed in a moment; its tickets go to the phone.")
    )
    expect(page.locator("section[aria-labelledby=drawer]")).to_contain_text("Lin Wen")
    expect(page.locator("section[aria-labelledby=found] form")).to_have_count(0)


@pytest.mark.parametrize(("language", "colours"), [("zh", "dark"), ("en", "light")])
def test_every_page_fits_a_phone_and_can_be_read_and_touched(
    stage: Stage, colleague: Callable[..., Visit], language: str, colours: str
) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(PAID))
    stage.start_payment(person, number)
    me = colleague("phone", language, color_scheme=colours)
    found = []
    pages = ["/console", "/console/payments", f"/console/payments?q={number}", "/console/channels", "/console/channels/wechatpay",
             "/console/unapplied", "/console/resolver", f"/console/desk?find={number}"]  # fmt: skip
    for path in pages:
        me.page.goto(path)
        for width in (320, 390):
            me.page.set_viewport_size({"width": width, "height": 844})
            found += [f"{path}: {one} reaches out at {width} px" for one in me.page.evaluate(TOO_WIDE)]
        found += [f"{path}: {line}" for line in _audit(me.page, language)]
    assert not found, "\n".join(found)


def _audit(page: Page, language: str) -> list[str]:
    asked = {"fingers": True, "languageTag": "zh-CN" if language == "zh" else "en"}
    return list(page.evaluate(AUDIT, asked))
