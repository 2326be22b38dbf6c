"""After the sale, in a browser: another day with the difference back or to be paid, one visitor taken off, an invoice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import psycopg
import pytest
from playwright.sync_api import expect

from . import codes
from .browsing import Visit
from .stage import PAID, Slot, Stage, until
from .test_paying import DECLINED, GOOD, PHONE, choose, fill_in_card, look_now, looks_right


@pytest.fixture(scope="module")
def cheaper(stage: Stage) -> Iterator[Slot]:
    """A slot on another day than those of other tests, whose ticket costs 10 yuan less on that day alone; until then."""
    days = sorted({slot.day for slot in stage.slots(PAID)})
    other = next(slot for slot in stage.slots(PAID) if slot.day == days[2])
    day, before, after = ((date.fromisoformat(other.day) + timedelta(days=n)).strftime("%m-%d") for n in (0, -1, 1))
    move = "update catalogue.prices set from_day = %s, to_day = %s where id = %s returning from_day"
    with psycopg.connect(stage.here.database_url) as connection:
        [(was_from, was_to)] = connection.execute(
            "select from_day, to_day from catalogue.prices where id = %s", [other.price]
        ).fetchall()
        connection.execute(
            """insert into catalogue.prices (id, product_id, ticket, name, amount_minor, currency, from_day, to_day, uses_place, position)
               select 'a-cheaper-day', product_id, ticket, name, amount_minor - 1000, currency, %s, %s, uses_place, position
               from catalogue.prices where id = %s""",
            [day, day, other.price],
        )
        connection.execute(move, [after, before, other.price])
    yield other._replace(price="a-cheaper-day", price_minor=other.price_minor - 1000)
    with psycopg.connect(stage.here.database_url) as connection:
        connection.execute("update catalogue.prices set retired_at = now() where id = 'a-cheaper-day'")
        connection.execute(move, [was_from, was_to, other.price])


@pytest.mark.parametrize("script", [True, False])
def test_a_visit_moves_to_a_cheaper_day_and_the_difference_comes_back(
    stage: Stage, visit: Callable[..., Visit], cheaper: Slot, script: bool
) -> None:
    person, slot, there = stage.person(), stage.slot(PAID), cheaper
    number = stage.order(person, slot)
    stage.pay(person, number)
    left = stage.places_left(slot), stage.places_left(there)
    me = visit("phone", "en", script=script, who=person)
    me.page.goto(f"/orders/{number}")
    me.page.get_by_role("link", name="Change date or time").click()
    me.page.goto(f"/orders/{number}/change?date={there.day}")
    me.page.locator(f"input[name=slot][value='{there.id}']").check(force=True)
    me.page.get_by_role("button", name="Show what it costs").click()
    expect(me.page.locator("#due")).to_have_text("¥10")
    me.page.get_by_role("button", name="Change the visit").click()
    expect(me.page.get_by_role("heading", level=1)).to_have_text("Your visit is confirmed")
    expect(me.page.locator("section[aria-labelledby=story]")).to_contain_text("Changed to another time.")
    assert (stage.places_left(slot), stage.places_left(there)) == (left[0] + 1, left[1] - 1)

    def refunded() -> bool:
        refunds = stage.ask("GET", f"/api/v1/orders/{number}/payment", who=person)["refunds"]
        return [(one["amount"]["amount_minor"], one["state"]) for one in refunds] == [(1000, "succeeded")]

    until(refunded)


@pytest.fixture
def owes(stage: Stage, visit: Callable[..., Visit], cheaper: Slot) -> Callable[..., tuple[Visit, str]]:
    """``owes("phone", "zh")``: somebody on the page of a change that costs 10 yuan more; the order's number."""

    def on_the_page(device: str = "phone", language: str = "en", *, script: bool = True) -> tuple[Visit, str]:
        person, there = stage.person(), stage.slot(PAID)
        number = stage.order(person, cheaper, 1, language)
        stage.pay(person, number)
        more = {"user_agent": PHONE} if device == "phone" else {}
        me = visit(device, language, script=script, who=person, **more)
        me.page.goto(f"/orders/{number}/change?date={there.day}&slot={there.id}")
        expect(me.page.locator("#due")).to_have_text("¥10")
        me.page.get_by_role("button", name=me.says("Change, and go on to pay")).click()
        expect(me.page.get_by_role("heading", level=1)).to_have_text(me.says("Pay the difference"))
        return me, number

    return on_the_page


def is_changed_now(me: Visit, stage: Stage, number: str) -> None:
    """The site knows, and the page looks at once instead of after its pause."""
    stage.until_changed(number)
    me.page.wait_for_url(re.compile(rf"/orders/{number}/change/payment$"))
    look_now(me)
    is_changed(me)


def is_changed(me: Visit) -> None:
    expect(me.page.get_by_text(me.says("Paid. Your visit is changed."), exact=True)).to_be_visible()
    me.page.get_by_role("link", name=me.says("See the order")).click()
    expect(me.page.locator("section[aria-labelledby=story]")).to_contain_text(
        me.says("Changed to another time. New tickets were issued; the old codes are void.")
    )


@pytest.mark.parametrize(("device", "language"), [("desk", "zh"), ("phone", "en")])
def test_a_difference_is_paid_by_code_and_the_page_notices_by_itself(
    owes: Callable[..., tuple[Visit, str]], device: str, language: str
) -> None:
    me, _number = owes(device, language)
    looks_right(me)
    choose(me, "alipay", "qr")
    expect(me.page.get_by_text(me.says("Scan with {app}", app=me.says("Alipay")))).to_be_visible()
    assert codes.read(me.page.locator(".qr svg")).startswith("https://qr.alipay.com/")
    looks_right(me)
    phone = me.context.new_page()
    phone.goto(str(me.page.locator("a[href*=wallet]").get_attribute("href")))
    phone.locator("button[value=pay]").click()
    is_changed(me)


@pytest.mark.parametrize("script", [True, False])
def test_from_a_code_one_goes_over_to_the_page_of_another_provider_and_comes_back(
    stage: Stage, owes: Callable[..., tuple[Visit, str]], script: bool
) -> None:
    me, number = owes("phone", "en", script=script)
    choose(me, "wechatpay", "native")
    expect(me.page.get_by_text("Scan with WeChat")).to_be_visible()
    me.page.get_by_role("link", name="Pay another way").click()
    expect(me.page.get_by_text("What you began with WeChat Pay is closed first")).to_be_visible()
    if script:
        looks_right(me)
    choose(me, "alipay", "page")
    me.page.get_by_role("link", name="Go to Alipay").click()
    me.page.locator("button[value=pay]").click()
    is_changed_now(me, stage, number)


@pytest.mark.parametrize(("device", "language"), [("phone", "zh"), ("desk", "en")])
def test_a_card_pays_a_difference(
    stage: Stage, owes: Callable[..., tuple[Visit, str]], device: str, language: str
) -> None:
    me, number = owes(device, language)
    choose(me, "stripe")
    me.page.wait_for_url(re.compile(rf"/orders/{number}/change/payment/card$"))
    looks_right(me)
    fill_in_card(me, DECLINED)
    expect(me.page.locator("#card-problem")).to_be_focused()
    fill_in_card(me, GOOD)
    is_changed_now(me, stage, number)


@pytest.mark.parametrize("script", [True, False])
def test_a_change_that_is_not_paid_is_given_up_and_its_payment_is_closed(
    owes: Callable[..., tuple[Visit, str]], script: bool
) -> None:
    me, number = owes("phone", "zh", script=script)
    choose(me, "wechatpay", "native")
    expect(me.page.locator(".qr svg")).to_be_visible()
    me.page.get_by_role("button", name=me.says("Give the change up")).click()
    expect(me.page.locator("section[aria-labelledby=story]")).to_contain_text(
        me.says("You gave the change up. The visit stayed as it was.")
    )
    me.page.goto(f"/orders/{number}/change/payment")
    expect(me.page.get_by_text(me.says("Nothing is charged for it."))).to_be_visible()
    looks_right(me)


@pytest.mark.parametrize("script", [True, False])
def test_one_of_two_is_taken_off_after_seeing_what_comes_back(
    stage: Stage, visit: Callable[..., Visit], script: bool
) -> None:
    person, slot = stage.person(), stage.slot(PAID)
    number = stage.order(person, slot, 2)
    stage.pay(person, number)
    left = stage.places_left(slot)
    me = visit("phone", "zh", script=script, who=person)
    me.page.goto(f"/orders/{number}")
    me.page.get_by_role("link", name=me.says("Cancel this order")).click()
    me.page.get_by_role("checkbox").first.uncheck()
    me.page.get_by_role("button", name=me.says("Show what comes back for these")).click()
    expect(me.page.get_by_role("heading", level=1)).to_have_text(me.says("Take visitors off this order?"))
    expect(me.page.locator("#refund")).to_have_text(f"¥{slot.price_minor // 100}")
    me.page.get_by_role("button", name=me.says("Yes, take them off")).click()
    expect(me.page.locator("section[aria-labelledby=story]")).to_contain_text("旧票码作废")
    assert stage.places_left(slot) == left + 1
    assert len(stage.ask("GET", f"/api/v1/orders/{number}", who=person)["travellers"]) == 1


def test_an_invoice_is_asked_for_and_what_is_wrong_stands_beside_its_field(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(PAID))
    stage.pay(person, number)
    me = visit("phone", "en", who=person)
    me.witness.excuse(r"^422: POST .*/invoice$", "a wrong credit code is refused")
    me.page.goto(f"/orders/{number}")
    me.page.get_by_role("link", name="Invoice").click()
    me.page.get_by_text("A company or organisation").click()
    me.page.get_by_label("Name on the invoice").fill("Acme Travel")
    me.page.get_by_label("Unified social credit code").fill("91350100M000100Y44")
    me.page.get_by_label("E-mail").fill("books@example.com")
    me.page.get_by_role("button", name="Ask for the invoice").click()
    code = me.page.get_by_label("Unified social credit code")
    expect(code).to_have_attribute("aria-invalid", "true")
    code.fill("9135 0100 M000 100Y 43")
    me.page.get_by_role("button", name="Ask for the invoice").click()
    expect(me.page.locator("section[aria-labelledby=made]")).to_contain_text("Acme Travel")
