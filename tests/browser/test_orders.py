"""After booking: finding an order, seeing it, ending it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import world

from .browsing import Visit
from .stage import FREE, NAMES, PAID, Stage, code_in, national
from .steps import number_of, person_fields


def test_number_and_phone_show_an_order_without_its_people(stage: Stage, visit: Callable[..., Visit]) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(FREE))
    me = visit("phone", "zh")
    me.page.goto("/")
    me.page.get_by_role("contentinfo").get_by_role("link", name=me.says("Find an order")).click()
    me.page.get_by_label(me.says("Order number")).fill(f"{number[:5]}-{number[5:]}".lower())
    me.page.get_by_label(me.says("Phone number")).fill(national(person.phone))
    me.page.get_by_role("button", name=me.says("Find the order")).click()
    found = me.page.locator("section[aria-labelledby=found]")
    expect(found).to_be_visible()
    expect(found).to_contain_text(number[:5])
    expect(found).to_contain_text(me.says("Confirmed"))
    expect(found).to_contain_text(me.says("The rest stays private."))
    for name in NAMES["en"]:
        expect(found).not_to_contain_text(name[:4])
    expect(me.page.locator(".qr")).to_have_count(0)


def test_a_number_with_another_phone_shows_nothing_and_keeps_what_was_typed(
    visit: Callable[..., Visit],
) -> None:
    me = visit("phone", "en")
    me.witness.excuse(r"^404: POST .*/orders/lookup$", "the order is of another phone")
    me.page.goto("/orders/lookup")
    me.page.get_by_label("Order number").fill("7K3QF-90XMA")
    me.page.get_by_label("Phone number").fill("13911112222")
    me.page.get_by_role("button", name="Find the order").click()
    expect(me.page.locator("#problem")).to_contain_text("We find no such order for you.")
    expect(me.page.get_by_label("Order number")).to_have_value("7K3QF-90XMA")
    expect(me.page.get_by_label("Phone number")).to_have_value("13911112222")


@pytest.mark.parametrize("script", [True, False])
def test_signing_in_with_a_code_leads_to_my_orders(stage: Stage, visit: Callable[..., Visit], script: bool) -> None:
    phone = world.phone_number()
    me = visit("phone", "en", script=script)
    page = me.page
    page.goto("/orders")
    page.get_by_label("Phone number").fill(national(phone))
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_label("Six-digit code")).to_be_visible()
    mailbox = me.context.new_page()
    mailbox.goto("/mailbox")
    code = code_in(mailbox.content(), phone)
    mailbox.close()
    page.get_by_label("Six-digit code").fill(code)
    page.get_by_role("main").get_by_role("button", name="Sign in").last.click()
    page.wait_for_url("**/orders")
    expect(page.get_by_text(f"There is no order for {national(phone)[:3]}****{phone[-4:]} yet.")).to_be_visible()
    page.get_by_role("link", name="Account").click()
    page.get_by_role("button", name="Sign out here").click()
    expect(page.get_by_role("navigation").get_by_role("link", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_cancelling_an_unpaid_order_gives_its_places_back(
    stage: Stage, visit: Callable[..., Visit], script: bool
) -> None:
    person = stage.person()
    slot = list(stage.slots(PAID))[-1]
    me = visit("phone", "en", script=script, who=person)
    me.page.goto(slot.checkout(2))
    for at in range(2):
        name, kind, number = person_fields(me, at)
        name.fill(NAMES["en"][at])
        kind.select_option("cn_resident_id")
        number.fill(world.identity_number())
    me.page.locator("#booking .btn.wide").click()
    placed = number_of(me)
    assert stage.places_left(slot) == slot.places_left - 2
    me.page.goto("/orders")
    me.page.locator(f"a.order-link[href='/orders/{placed}']").click()
    me.page.get_by_role("link", name="Cancel this order").click()
    me.page.get_by_role("button", name="Yes, cancel the order").click()
    expect(me.page.get_by_role("heading", level=1)).to_have_text("This order is cancelled")
    assert stage.places_left(slot) == slot.places_left


def test_while_a_payment_is_in_doubt_the_order_says_so_and_offers_neither_paying_nor_cancelling(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(PAID))
    me = visit("phone", "zh", who=person)
    stage.break_payments()
    try:
        stage.ask("POST", f"/api/v1/orders/{number}/payment", {}, who=person)
        me.page.goto(f"/orders/{number}")
        expect(me.page.get_by_role("heading", level=1)).to_have_text("我们正在向微信支付核实您的付款")
        expect(me.page.get_by_role("link", name=me.says("Pay now"))).to_have_count(0)
        expect(me.page.get_by_role("link", name=me.says("Cancel this order"))).to_have_count(0)
        me.page.get_by_role("link", name=me.says("Watch until it is settled")).click()
        me.page.get_by_role("link", name=me.says("See the order")).click()
        expect(me.page).to_have_url(re.compile(rf"/orders/{number}$"))
    finally:
        stage.mend_payments()


def test_a_paid_order_says_how_it_is_changed_or_cancelled(stage: Stage, visit: Callable[..., Visit]) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(PAID))
    stage.pay(person, number)
    me = visit("phone", "en", who=person)
    me.page.goto(f"/orders/{number}")
    says = me.page.locator("section[aria-labelledby=ending]")
    expect(says).to_contain_text("The attraction's own rule")
    expect(says).to_contain_text("the whole price goes back")
    for offered in ("Change date or time", "Invoice", "Cancel this order"):
        expect(says.get_by_role("link", name=offered)).to_be_visible()


def test_on_a_phone_the_tickets_begin_with_the_code_and_are_numbered(stage: Stage, visit: Callable[..., Visit]) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(FREE), 2)
    me = visit("phone", "en", who=person)
    me.page.goto(f"/orders/{number}/tickets")
    first = me.page.locator("article.ticket").first
    expect(first).to_contain_text("Ticket 1 of 2")
    code = first.locator(".qr").bounding_box()
    assert code
    assert code["y"] + code["height"] < 844, "without scrolling"


def test_the_code_to_scan_is_saved_as_a_picture(stage: Stage, visit: Callable[..., Visit], tmp_path: Path) -> None:
    person = stage.person()
    number = stage.order(person, stage.slot(PAID))
    stage.start_payment(person, number)
    me = visit("phone", "en", who=person)
    me.page.goto(f"/orders/{number}/payment")
    wallet, code = me.page.locator("a[href*=wallet]").bounding_box(), me.page.locator(".qr").bounding_box()
    assert wallet
    assert code
    assert wallet["y"] < code["y"]
    with me.page.expect_download() as saving:
        me.page.get_by_role("link", name="Save the picture").click()
    saving.value.save_as(tmp_path / "code.png")
    assert (tmp_path / "code.png").read_bytes().startswith(b"\x89PNG")
