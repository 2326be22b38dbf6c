"""Refusals at the checkout: said in words, beside the entry, with everything typed still there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests import world

from .browsing import Visit
from .stage import FREE, NAMES, PAID, Stage, national
from .steps import book_button, fill_in, number_of, person_fields, prove_the_phone


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_free_attraction_is_confirmed_without_a_payment_and_only_once_per_document_and_day(
    stage: Stage, visit: Callable[..., Visit], language: str
) -> None:
    me = visit("phone", language)
    document = world.identity_number()
    me.page.goto(stage.slot(FREE).checkout())
    expect(book_button(me)).to_have_text(me.says("Book for free"))
    fill_in(me, world.phone_number(), [document])
    number = number_of(me)
    assert me.page.url.endswith(f"/orders/{number}"), "nothing is to pay"
    expect(me.page.get_by_role("heading", level=1)).to_have_text(me.says("Your visit is confirmed"))
    expect(me.page.get_by_role("link", name=me.says("Show the tickets"))).to_be_visible()

    me.witness.excuse(r"^409: POST .*/checkout$", "the document has a booking that day")
    me.page.goto(stage.slot(FREE).checkout())
    name, kind, typed = person_fields(me, 0)
    expect(typed, "what one person typed is not shown again after it was booked").to_have_value("")
    name.fill(NAMES[language][1])
    kind.select_option("cn_resident_id")
    typed.fill(document)
    book_button(me).click()
    problem = me.page.locator("#problem")
    expect(problem).to_contain_text(me.says("One of these documents already has a booking there that day."))
    expect(problem).to_contain_text(me.says("The existing booking stands."))
    expect(name).to_have_value(NAMES[language][1])
    expect(kind).to_have_value("cn_resident_id")
    expect(typed).to_have_value(document)
    expect(typed).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("script", [True, False])
def test_the_number_of_another_document_offers_one_press_that_changes_the_type(
    stage: Stage, visit: Callable[..., Visit], script: bool
) -> None:
    me = visit("phone", "en", script=script)
    me.witness.excuse(r"^422: POST ", "the type of document does not fit the number")
    document = world.identity_number()
    me.page.goto(stage.slot(PAID).checkout(2))
    for at, (kind, number) in enumerate((("passport", document), ("passport", f"E{document[10:17]}1"))):
        fields = person_fields(me, at)
        fields[0].fill(NAMES["en"][at])
        fields[1].select_option(kind)
        fields[2].fill(number)
    phone = world.phone_number()
    prove_the_phone(me, phone)
    book_button(me).click()
    switch = me.page.get_by_role("button", name="Change to: Chinese resident identity card")
    switch.click()
    expect(switch).to_have_count(0)
    name, kind, number = person_fields(me, 0)
    expect(kind).to_have_value("cn_resident_id")
    expect(number).to_have_value(document)
    expect(number).not_to_have_attribute("aria-invalid", "true")
    expect(name).to_have_value(NAMES["en"][0])
    expect(person_fields(me, 1)[1]).to_have_value("passport")
    expect(me.page.locator("#f-phone")).to_have_value(national(phone))
    book_button(me).click()
    number_of(me)


def test_everything_that_is_wrong_is_said_at_once(stage: Stage, visit: Callable[..., Visit]) -> None:
    me = visit("phone", "zh")
    me.witness.excuse(r"^422: POST .*/checkout$", "nothing was filled in")
    me.page.goto(stage.slot(PAID).checkout())
    book_button(me).click()
    problem = me.page.locator("#problem")
    expect(problem.get_by_role("listitem")).to_have_count(4)  # name, document, phone, code
    for link in problem.get_by_role("link").all():
        field = me.page.locator(str(link.get_attribute("href")))
        expect(field).to_have_attribute("aria-invalid", "true")


def test_a_wrong_code_says_how_many_tries_are_left_and_keeps_the_rest(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    me = visit("desk", "en")
    me.witness.excuse(r"^422: POST .*/checkout$", "the code is wrong")
    document = world.identity_number()
    me.page.goto(stage.slot(PAID).checkout())
    fields = person_fields(me, 0)
    fields[0].fill(NAMES["en"][0])
    fields[1].select_option("cn_resident_id")
    fields[2].fill(document)
    prove_the_phone(me, world.phone_number())
    code = me.page.locator("#f-code")
    right = code.input_value()
    code.fill(f"{(int(right) + 1) % 1_000_000:06d}")
    book_button(me).click()
    expect(me.page.locator("#f-code-e1")).to_contain_text("Tries left for this code: 4.")
    expect(fields[2]).to_have_value(document)
    code.fill(right)
    book_button(me).click()
    number_of(me)
