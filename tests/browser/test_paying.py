"""Paying in a real browser: by code, on the provider's page, by card; another way; ways that rest; and paying later."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from holdfast.payments.attempts import INSIST_AFTER

from . import codes
from .browsing import Visit
from .stage import PAID, Stage
from .test_reach import TOO_WIDE

AUDIT = (Path(__file__).parent / "audit.js").read_text()
PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
GOOD, DECLINED, ASKED = "4242424242424242", "4000000000000002", "4000002500003155"
"""Cards of the card service's test mode: pays, is declined, has the bank ask first."""


@pytest.fixture
def whole(stage: Stage) -> Iterator[Stage]:
    """The providers, which work again after the test."""
    yield stage
    stage.mend_payments()


@pytest.fixture
def begin(stage: Stage, visit: Callable[..., Visit]) -> Callable[..., tuple[Visit, str]]:
    """``begin("phone", "zh")``: somebody on the payment page of a new order; the order's number."""

    def on_the_page(device: str = "phone", language: str = "en", *, script: bool = True) -> tuple[Visit, str]:
        person = stage.person()
        number = stage.order(person, stage.slot(PAID), 1, language)
        more = {"user_agent": PHONE} if device == "phone" else {}
        me = visit(device, language, script=script, who=person, **more)
        me.page.goto(f"/orders/{number}/payment")
        return me, number

    return on_the_page


def choose(me: Visit, provider: str, method: str = "") -> None:
    """Takes a row of the choice, and one of its methods, and presses the button."""
    me.page.locator(f"#way-{provider}").check()
    if method:
        me.page.locator(f"#how-{provider}-{method}").check()
    pay_button(me).click()


def pay_button(me: Visit) -> Locator:
    return me.page.get_by_role("button", name=re.compile(me.says("Pay {amount}", amount="")))


def is_paid(me: Visit) -> None:
    """The page has noticed by itself."""
    expect(me.page.get_by_text(me.says("Paid. Your visit is confirmed."))).to_be_visible()


def is_paid_now(me: Visit, stage: Stage, number: str) -> None:
    """The site knows, and the page looks at once, as when somebody comes back to it, instead of after its pause."""
    stage.until_confirmed(number)
    me.page.wait_for_url(re.compile(rf"/orders/{number}/payment$"))
    look_now(me)
    is_paid(me)


def look_now(me: Visit) -> None:
    """A page with a script looks now; one without does so after three seconds as ever."""
    if me.script:
        me.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")


def fill_in_card(me: Visit, number: str) -> None:
    """Types a card and presses the button of the card page."""
    fields = me.page.locator("#card-fields input")
    expect(fields).to_have_count(3)
    for field, text in zip(fields.all(), (number, "12 / 34", "123"), strict=True):
        field.fill(text)
    pay_button(me).click()


def looks_right(me: Visit) -> None:
    """Names, contrast, targets for thumbs, and nothing that reaches out."""
    asked = {"fingers": me.device == "phone", "languageTag": me.either("zh-CN", "en")}
    found = [*me.page.evaluate(AUDIT, asked), *me.page.evaluate(TOO_WIDE)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("device", "language"), [("desk", "zh"), ("phone", "en")])
def test_a_code_is_scanned_and_the_page_notices_by_itself(
    begin: Callable[..., tuple[Visit, str]], device: str, language: str
) -> None:
    me, _number = begin(device, language)
    choose(me, "alipay", "qr")
    expect(me.page.get_by_text(me.says("Scan with {app}", app=me.says("Alipay")))).to_be_visible()
    assert codes.read(me.page.locator(".qr svg")).startswith("https://qr.alipay.com/")
    phone = me.context.new_page()
    phone.goto(str(me.page.locator("a[href*=wallet]").get_attribute("href")))
    phone.locator("button[value=pay]").click()
    is_paid(me)


@pytest.mark.parametrize(
    ("provider", "method", "script"),
    [("alipay", "page", False), ("wechatpay", "h5", True), ("wechatpay", "h5", False)],  # alipay with a script: below
)
def test_on_a_phone_one_goes_over_to_the_provider_and_comes_back(
    stage: Stage, begin: Callable[..., tuple[Visit, str]], provider: str, method: str, script: bool
) -> None:
    me, number = begin("phone", "en", script=script)
    expect(me.page.locator("#how-wechatpay-h5")).to_be_checked()
    choose(me, provider, method)
    app = {"alipay": "Alipay", "wechatpay": "WeChat"}[provider]
    me.page.get_by_role("link", name=f"Go to {app}").click()
    me.page.locator("button[value=pay]").click()
    if provider == "wechatpay":
        stage.until_confirmed(number)
        me.page.get_by_role("link", name="Back to the merchant").click()
    me.page.wait_for_url(re.compile(rf"/orders/{number}/payment$"))
    is_paid(me)


@pytest.mark.parametrize(("device", "language"), [("phone", "zh"), ("desk", "en")])
def test_a_card_pays(stage: Stage, begin: Callable[..., tuple[Visit, str]], device: str, language: str) -> None:
    me, number = begin(device, language)
    choose(me, "stripe")
    me.page.wait_for_url(re.compile(rf"/orders/{number}/payment/card$"))
    looks_right(me)
    fill_in_card(me, GOOD)
    is_paid_now(me, stage, number)


def test_a_declined_card_says_so_and_another_one_pays(stage: Stage, begin: Callable[..., tuple[Visit, str]]) -> None:
    me, number = begin("phone", "en")
    choose(me, "stripe")
    fill_in_card(me, DECLINED)
    problem = me.page.locator("#card-problem")
    expect(problem).to_contain_text("declined")
    expect(problem).to_be_focused()
    fill_in_card(me, GOOD)
    is_paid_now(me, stage, number)


@pytest.mark.parametrize("agrees", [True, False])
def test_a_bank_that_asks_first_is_answered_on_its_own_page(
    stage: Stage, begin: Callable[..., tuple[Visit, str]], agrees: bool
) -> None:
    me, number = begin("phone", "zh")
    choose(me, "stripe")
    fill_in_card(me, ASKED)
    me.page.wait_for_url(re.compile("/stripe/challenge/"))
    buttons = me.page.locator("button[name=action]")
    (me.page.locator("button[value=complete]") if agrees else buttons.last).click()
    me.page.wait_for_url(re.compile(rf"/orders/{number}/payment$"))
    if not agrees:
        expect(me.page.get_by_role("link", name=me.says("Enter the card"))).to_be_visible()
        me.page.get_by_role("link", name=me.says("Enter the card")).click()
        fill_in_card(me, GOOD)
    is_paid_now(me, stage, number)


def test_without_javascript_the_card_page_says_that_other_ways_work(begin: Callable[..., tuple[Visit, str]]) -> None:
    me, _number = begin("phone", "en", script=False)
    expect(me.page.get_by_text("Cards need JavaScript; the other ways work without.")).to_be_visible()
    choose(me, "stripe")
    expect(me.page.get_by_text("Cards need JavaScript; the other ways work without.")).to_be_visible()
    me.page.get_by_role("link", name="Pay another way").click()
    choose(me, "wechatpay", "native")
    expect(me.page.locator(".qr svg")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_from_a_code_that_was_not_scanned_one_goes_over_to_another_wallet(
    stage: Stage, begin: Callable[..., tuple[Visit, str]], script: bool
) -> None:
    me, number = begin("desk", "en", script=script)
    choose(me, "alipay", "qr")
    expect(me.page.get_by_text("Scan with Alipay")).to_be_visible()
    me.page.get_by_role("link", name="Pay another way").click()
    expect(me.page.locator("#way-wechatpay")).to_be_checked()
    choose(me, "wechatpay", "native")
    expect(me.page.get_by_text("Scan with WeChat")).to_be_visible()
    me.page.get_by_role("link", name="Open WeChat on this device").click()
    me.page.locator("button[value=pay]").click()
    stage.until_confirmed(number)
    me.page.get_by_role("link", name="Back to the merchant").click()
    is_paid(me)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_provider_that_does_not_answer_is_greyed_with_the_reason_and_comes_back_by_itself(
    whole: Stage, begin: Callable[..., tuple[Visit, str]], language: str
) -> None:
    whole.knock_out(("wechatpay", "native"), ("wechatpay", "h5"))
    me, _number = begin("phone", language)
    resting = me.page.locator(".way.off")
    expect(resting).to_have_count(1)
    expect(resting).to_contain_text(me.either("每隔几秒重试一次", "We try it every few seconds."))
    expect(me.page.locator("#way-wechatpay")).to_be_disabled()
    expect(me.page.locator("#way-alipay")).to_be_checked()
    looks_right(me)
    me.page.locator("#way-stripe").check()
    whole.come_back()
    expect(me.page.locator("#way-wechatpay")).to_be_enabled()
    expect(me.page.locator("#way-stripe"), "what was chosen meanwhile stays").to_be_checked()
    choose(me, "wechatpay", "native")
    expect(me.page.locator(".qr svg")).to_be_visible()


def test_while_one_provider_is_out_another_takes_the_money(
    whole: Stage, begin: Callable[..., tuple[Visit, str]]
) -> None:
    whole.knock_out(("wechatpay", "native"), ("wechatpay", "h5"))
    me, number = begin("phone", "en")
    choose(me, "alipay", "page")
    me.page.get_by_role("link", name="Go to Alipay").click()
    me.page.locator("button[value=pay]").click()
    is_paid_now(me, whole, number)


@pytest.mark.parametrize(("language", "script"), [("en", True), ("zh", False)])
def test_when_nothing_answers_the_visit_is_confirmed_now_and_paid_later(
    whole: Stage, begin: Callable[..., tuple[Visit, str]], language: str, script: bool
) -> None:
    whole.knock_out(("wechatpay", "native"), ("wechatpay", "h5"), ("alipay", "qr"), ("stripe", "card"))
    whole.switch_off("alipay", "page")
    me, number = begin("phone", language, script=script)
    page = me.page
    expect(page.get_by_text(me.says("No way to pay answers right now"), exact=True)).to_be_visible()
    if script:
        looks_right(me)
    page.get_by_role("button", name=me.says("Confirm now, pay later")).click()
    expect(page.get_by_text(me.says("Confirmed. To be paid later."))).to_be_visible()
    page.get_by_role("link", name=me.says("Show the tickets")).click()
    expect(page.locator("article.ticket")).to_contain_text(me.says("To be paid at the gate: {amount}", amount=""))
    if script:
        looks_right(me)
    whole.mend_payments()
    page.goto(f"/orders/{number}")
    page.get_by_role("link", name=me.says("Pay now")).click()
    choose(me, "alipay", "page")
    page.get_by_role("link", name=me.says("Go to {app}", app=me.says("Alipay"))).click()
    page.locator("button[value=pay]").click()
    is_paid_now(me, whole, number)
    page.goto(f"/orders/{number}/tickets")
    expect(page.locator("article.ticket")).not_to_contain_text(me.says("To be paid at the gate: {amount}", amount=""))


def test_in_doubt_one_waits_or_insists(whole: Stage, begin: Callable[..., tuple[Visit, str]]) -> None:
    whole.script({"fault": "lost_response", "provider": "wechatpay"})
    me, number = begin("desk", "en")
    choose(me, "wechatpay", "native")
    expect(me.page.get_by_text("Checking with WeChat Pay")).to_be_visible()
    looks_right(me)
    insist = me.page.get_by_role("link", name="Pay another way all the same")
    expect(insist).to_have_count(0)
    whole.age_payment(number, INSIST_AFTER.total_seconds())
    expect(insist, "the page notices when it is time").to_be_visible()
    insist.click()
    me.page.get_by_label(re.compile("I may have paid already")).check()
    looks_right(me)
    choose(me, "alipay", "qr")
    expect(me.page.get_by_text("Scan with Alipay")).to_be_visible()
    expect(me.page.get_by_text("Money may still arrive through WeChat Pay")).to_be_visible()
