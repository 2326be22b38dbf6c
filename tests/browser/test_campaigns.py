"""A campaign from the first word to the stop: written, tried on past orders, typed again by somebody else, started, watched, stopped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from holdfast.kit import clock

from . import browsing
from .browsing import Visit
from .stage import PAID, Slot, Stage
from .test_reach import AUDIT, TOO_WIDE

PASSWORD = "kelp anchors seven boats"
PEOPLE = {"marketer": ("Zhao Ning", "marketing"), "finance": ("Qian Duo", "finance")}


@pytest.fixture(scope="package")
def cookies(browser: Browser, stage: Stage) -> dict[str, list[Any]]:
    """What the browsers of a marketer and of somebody of finance keep after signing in."""
    found = {}
    for key, (name, role) in PEOPLE.items():
        login = f"{key}@example.org"
        secret = stage.hire(login, name, role, password=PASSWORD)
        with browsing.context(browser, browsing.DESK, "en", base_url=stage.here.url) as context:
            page = context.new_page()
            page.goto("/console/campaigns")
            page.get_by_label("Login").fill(login)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Campaigns")
            found[key] = list(context.cookies())
    return found


@pytest.fixture
def come(visit: Callable[..., Visit], cookies: dict[str, list[Any]]) -> Callable[..., Visit]:
    """``come("marketer", "desk", "en")``: a visit of one of them."""

    def begin(who: str, *how: Any, **more: Any) -> Visit:
        me = visit(*how, **more)
        me.context.add_cookies(cookies[who])
        return me

    return begin


def local(days: int) -> str:
    moment = clock.now().astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M")


def sound(me: Visit) -> None:
    """Nothing wider than the screen, and nothing that a screen reader stumbles over."""
    me.page.wait_for_load_state()  # a press may have brought a page that is not there yet
    asked = {"fingers": me.device == "phone", "languageTag": me.either("zh-CN", "en")}
    found = [*me.page.evaluate(TOO_WIDE), *me.page.evaluate(AUDIT, asked)]
    assert not found, "\n".join(map(str, found))


def ask_for_an_envelope(me: Visit, name: str) -> str:
    """A marketer asks finance; the address of the proposal."""
    page, says = me.page, me.says
    page.goto("/console/campaigns/envelopes")
    sound(me)
    for label, value in (
        ("Name, in Chinese", "春季额度"), ("Name, in English", name), ("Label, in Chinese", "平台立减"), ("Label, in English", "Platform discount"),
        ("The most an order gets, yuan", "30"), ("At most so many percent of its price", "50"), ("Budget, yuan", "20000"),
        ("Valid until", local(60)), ("Reason", "agreed in the weekly meeting"),
    ):  # fmt: skip
        page.get_by_label(says(label), exact=True).fill(value)
    page.get_by_label(says("Who pays"), exact=True).select_option("platform")
    for box in page.locator("input[name^='kind.'], input[name^='channel.']").all():
        box.check()
    page.get_by_role("button", name=says("Ask finance for it")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name if me.language == "en" else "春季额度")
    return page.url


def put_into_force(me: Visit, address: str) -> None:
    page, says = me.page, me.says
    page.goto(address)
    page.get_by_role("link", name=says("Go on to approve")).click()
    page.get_by_label(says("The most an order gets, yuan")).fill("30")
    page.get_by_label(says("At most so many percent of its price")).fill("50")
    page.get_by_label(says("Who pays")).select_option("platform")
    page.get_by_role("button", name=says("Approve")).click()
    page.get_by_role("button", name=says("Put it into force")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(says("Envelopes"))


def write(me: Visit, slot: Slot, campaign: str, code: str) -> None:
    """Ten percent with a code, at most 20 yuan, of one attraction; first with a mistake, which costs nothing typed."""
    page = me.page
    page.goto("/console/campaigns/new?template=percent@1")
    sound(me)
    fill = {
        "campaign": campaign, "name_zh": "春到故宫", "name_en": "Spring at the palace", "sentence_zh": "输入优惠码，门票九折，最多减20元。",
        "sentence_en": "With the code 10% off, at most 20 yuan.", "amount": "ten", "cap": "20", "code": code, "budget": "5000",
        "per_day": "1000", "per_person": "2", "from": local(-1), "until": local(20), "scope.0.value": slot.venue, "when.0.value": "1",
    }  # fmt: skip
    for name, value in fill.items():
        page.locator(f"[name='{name}']").fill(value)
    page.locator("[name='envelope']").select_option(index=1)
    for name, value in (
        ("effect", "percent"), ("codes", "single"), ("scope.0.field", "venue_id"), ("scope.0.op", "in"), ("when.0.field", "scope_tickets"),
        ("when.0.op", "gte"), ("combines", "alone"),
    ):  # fmt: skip
        page.locator(f"[name='{name}']").select_option(value)
    tenth = slot.price_minor // 10
    for n, (count, has_code) in enumerate(((1, True), (2, True), (3, True), (1, False), (2, False), (3, False))):
        row = f"case.{n}"
        page.locator(f"[name='{row}.name']").fill(f"{count}, {'with' if has_code else 'without'} the code")
        page.locator(f"[name='{row}.price']").fill(slot.price)
        page.locator(f"[name='{row}.quantity']").fill(str(count))
        page.locator(f"[name='{row}.expected']").fill(f"{min(2000, tenth * count) / 100:.2f}" if has_code else "0")
        page.locator(f"[name='{row}.price']").locator("xpath=ancestor::fieldset").locator("summary").click()
        page.locator(f"[name='{row}.earlier']").fill("0")
        if has_code:
            page.locator(f"[name='{row}.code']").check()
    page.get_by_role("button", name=me.says("Save the draft")).click()
    expect(page.locator("#problem")).to_contain_text(me.says("Write an amount in yuan, such as 20 or 12.50."))
    expect(page.locator("[name='amount']")).to_have_value("ten")
    page.locator("[name='amount']").fill("10")
    page.get_by_role("button", name=me.says("Save, and on to the backtest")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(me.says("Backtest and proposal"))


def propose(me: Visit) -> str:
    """Tries it on past orders, looks at what came of it, and proposes it; the address of the proposal."""
    page, says = me.page, me.says
    if page.get_by_role("button", name=says("Run the backtest")).count():
        page.get_by_role("button", name=says("Run the backtest")).click()
    expect(page.locator("#past")).to_be_visible()
    expect(page.locator("svg.chart").first).to_be_visible()
    expect(page.locator("section[aria-labelledby=extreme] tbody tr").first).to_be_visible()
    sound(me)
    page.locator("[name='share']").fill("2")
    page.locator("#f-reason-propose").fill("spring at the palace")
    page.get_by_role("button", name=says("Propose it")).click()
    expect(page.locator("main .badge").first).to_have_text(says("waits for approval"))
    sound(me)
    return page.url


def approve(me: Visit, address: str, cap: str) -> Page:
    page, says = me.page, me.says
    page.goto(address)
    page.get_by_role("link", name=says("Go on to approve")).click()
    sound(me)
    expect(page.locator("main")).not_to_contain_text("20")
    page.get_by_label(says("Amount"), exact=True).fill("10")
    page.get_by_label(says("Unit")).select_option("percent")
    page.get_by_label(says("Cap an order, yuan")).fill(cap)
    page.get_by_label(says("Who pays")).select_option("platform")
    page.get_by_role("button", name=says("Approve")).click()
    return page


@pytest.mark.parametrize(("device", "language", "script"), [("desk", "en", True), ("phone", "zh", False)])
def test_a_campaign_is_written_tried_typed_again_started_watched_and_stopped(
    stage: Stage, come: Callable[..., Visit], device: str, language: str, script: bool
) -> None:
    slot = stage.slot(PAID)
    for quantity in (1, 2):
        stage.order(stage.person(), slot, quantity)
    campaign, code = f"palace-{device}", f"PALACE{device.upper()}"
    marketer = come("marketer", device, language, script=script)
    colleague = come("finance", device, language, script=script)
    put_into_force(colleague, ask_for_an_envelope(marketer, f"Spring, {device}"))
    write(marketer, slot, campaign, code)
    first = propose(marketer)

    colleague.witness.excuse(r"^409: POST .*/approval$", "a figure that was typed wrong")
    page = approve(colleague, first, cap="200")
    expect(page.locator("#problem")).to_contain_text(
        colleague.says("What you typed is not what was proposed, so the proposal has been rejected.")
    )
    marketer.page.goto(first)
    expect(marketer.page.locator("main .badge").first).to_have_text(marketer.says("refused"))
    marketer.page.get_by_role("button", name=marketer.says("Take its words up in a new draft")).click()
    marketer.page.get_by_role("link", name=marketer.says("Backtest and proposal")).click()
    second = propose(marketer)
    page = approve(colleague, second, cap="20")
    expect(page.locator("main .badge").first).to_have_text(colleague.says("approved"))

    mine = marketer.page
    mine.goto(second)
    mine.get_by_role("button", name=marketer.says("Start it")).click()
    expect(mine.locator("main .badge").first).to_have_text(marketer.says("first stage"))
    expect(mine.get_by_text(marketer.says("Forecast a day"))).to_be_visible()
    sound(marketer)
    mine.get_by_role("button", name=marketer.says("Stop this campaign")).click()
    expect(mine.locator("main .badge").first).to_have_text(marketer.says("stopped"))
    expect(mine.get_by_role("button", name=marketer.says("Stop this campaign"))).to_have_count(0)
    mine.get_by_role("link", name=marketer.says("The incident")).first.click()
    expect(mine.get_by_role("heading", name=marketer.says("What the guard saw"))).to_be_visible()
    sound(marketer)
    judge = colleague.page
    judge.goto(f"{mine.url}/decision")
    sound(colleague)
    mine.goto("/console/campaigns/incidents")
    sound(marketer)
    mine.goto("/console/campaigns")
    expect(mine.locator("section[aria-labelledby=running]")).to_contain_text(marketer.says("stopped"))
    sound(marketer)
