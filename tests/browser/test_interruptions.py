"""Impatience and bad networks: pressing twice, no connection, an answer that gets lost. It counts once."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Request, Route, expect

from tests import world

from .browsing import Visit
from .stage import NAMES, PAID, Stage
from .steps import book_button, fill_in, number_of, person_fields


class _Stay(urllib.request.HTTPRedirectHandler):
    """Does not follow redirections."""

    def redirect_request(self, *_: object) -> None:
        return None


def lose_the_answer(me: Visit, path: str) -> list[int]:
    """From now on requests to a path reach the site, but no answer reaches the browser; their statuses."""
    statuses: list[int] = []
    opener = urllib.request.build_opener(_Stay)

    def forward(route: Route, request: Request) -> None:
        copy = urllib.request.Request(
            request.url, request.post_data_buffer, request.all_headers(), method=request.method
        )
        try:
            with opener.open(copy, timeout=15) as answer:
                statuses.append(answer.status)
        except urllib.error.HTTPError as error:
            statuses.append(error.code)
        route.abort("connectionreset")

    me.page.route(f"**{path}", forward)
    return statuses


def fill_in_signed_in(me: Visit, stage: Stage) -> str:
    """The form of somebody who needs no code; the document."""
    document = world.identity_number()
    me.page.goto(stage.slot(PAID).checkout())
    name, kind, number = person_fields(me, 0)
    name.fill(NAMES[me.language][0])
    kind.select_option("cn_resident_id")
    number.fill(document)
    return document


@pytest.mark.parametrize("script", [True, False])
def test_pressing_twice_books_once(stage: Stage, visit: Callable[..., Visit], script: bool) -> None:
    person = stage.person()
    me = visit("desk", "en", script=script, who=person)
    fill_in_signed_in(me, stage)
    book_button(me).dblclick()
    number = number_of(me)
    assert [order["number"] for order in stage.orders(person)] == [number]


def test_without_a_connection_everything_typed_is_kept_and_the_retry_books_once(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    person = stage.person()
    me = visit("phone", "zh", who=person)
    me.witness.excuse(r"ERR_INTERNET_DISCONNECTED", "the connection is cut on purpose")
    document = fill_in_signed_in(me, stage)
    me.context.set_offline(True)
    expect(me.page.get_by_text(me.says("You are offline."))).to_be_visible()
    book_button(me).click()
    expect(book_button(me)).to_be_enabled()
    expect(book_button(me)).not_to_have_attribute("aria-disabled", "true")
    name, _, number = person_fields(me, 0)
    expect(name).to_have_value(NAMES["zh"][0])
    expect(number).to_have_value(document)
    assert stage.orders(person) == []
    me.context.set_offline(False)
    me.page.locator("[data-again]").click()
    placed = number_of(me)
    assert [order["number"] for order in stage.orders(person)] == [placed]


def test_an_answer_that_got_lost_is_asked_for_again_and_the_order_is_found(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    person = stage.person()
    me = visit("phone", "en", who=person)
    me.witness.excuse(r"ERR_CONNECTION_RESET", "the answer is lost on purpose")
    fill_in_signed_in(me, stage)
    statuses = lose_the_answer(me, "/checkout")
    book_button(me).click()
    expect(me.page.get_by_text(me.says("No answer reached you."))).to_be_visible()
    assert statuses == [303]
    me.page.unroute_all()
    me.page.locator("[data-again]").click()
    placed = number_of(me)
    assert [order["number"] for order in stage.orders(person)] == [placed]


def test_a_page_loaded_again_after_a_lost_answer_still_books_once(stage: Stage, visit: Callable[..., Visit]) -> None:
    person = stage.person()
    me = visit("phone", "en", who=person)
    me.witness.excuse(r"ERR_CONNECTION_RESET", "the answer is lost on purpose")
    document = fill_in_signed_in(me, stage)
    lose_the_answer(me, "/checkout")
    book_button(me).click()
    expect(me.page.locator("[data-toast=lost]")).to_be_visible()
    me.page.unroute_all()
    me.page.reload()
    expect(person_fields(me, 0)[2]).to_have_value(document)
    book_button(me).click()
    placed = number_of(me)
    assert [order["number"] for order in stage.orders(person)] == [placed]


def test_a_guest_whose_answer_got_lost_finds_the_order_and_does_not_book_twice(
    stage: Stage, visit: Callable[..., Visit]
) -> None:
    me = visit("phone", "en")
    me.witness.excuse(r"ERR_CONNECTION_RESET", "the answer is lost on purpose")
    me.page.goto(stage.slot(PAID).checkout())
    statuses = lose_the_answer(me, "/checkout")
    fill_in(me, world.phone_number(), [world.identity_number()])
    expect(me.page.locator("[data-toast=lost]")).to_be_visible()
    assert statuses == [303]
    me.page.unroute_all()
    me.page.locator("[data-again]").click()
    me.page.locator("#problem, [data-pay]").first.wait_for()
    assert "/orders/" in me.page.url, me.page.locator("#problem").inner_text()
    me.page.goto("/orders")
    expect(me.page.locator("a.order-link")).to_have_count(1)
