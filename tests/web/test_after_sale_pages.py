"""The pages after the sale: the refund and the rule before the press, some visitors, another day, an invoice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from holdfast import orders, payments
from holdfast.kit import clock, i18n, jobs, settings
from holdfast.kit.db import Db
from holdfast.web.traveller import after_sale, cancellation
from tests import world
from tests.orders.after_sale import HALF_LATER, held_minor, other_day, paid, promised, rule, take

from .conftest import hidden, sign_in, text_of

pytestmark = pytest.mark.anyio


def test_every_reason_has_its_chinese() -> None:
    said = [*after_sale.REASONS.values(), *cancellation.WHY.values()]
    assert not [text for text in said if text not in i18n.catalogue()]


async def test_the_refund_and_the_rule_are_shown_before_a_paid_order_is_cancelled(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot = await world.open_slot(db, starts_in=timedelta(hours=20))
    await rule(db, slot, **HALF_LATER, text={"en": "Half until the start.", "zh": "扣一半。"})
    owner, order = await paid(db, slot, people=2)
    sign_in(reader, owner)
    assert "Half until the start." in text_of(await reader.get(f"/orders/{order.number}"))
    page = await reader.get(f"/orders/{order.number}/cancellation")
    said = text_of(page)
    for words in ("Kept by the rule ¥60", "Comes back to you ¥60", "A part is kept by the rule.", "we keep 50% of it"):
        assert words in said
    assert hidden(page) == {"quoted": "6000"}
    done = await reader.post(f"/orders/{order.number}/cancellation", data={"quoted": "6000"})
    assert done.status_code == 303
    said = text_of(await reader.get(done.headers["location"]))
    assert "This order is cancelled" in said
    assert "¥60.00 was kept, as the rule for cancelling says." in said


async def test_a_sum_that_has_changed_is_shown_anew_and_nothing_happens(db: Db, reader: httpx2.AsyncClient) -> None:
    owner, order = await paid(db, await world.open_slot(db))
    sign_in(reader, owner)
    answer = await reader.post(f"/orders/{order.number}/cancellation", data={"quoted": "5999"})
    assert answer.status_code == 409
    assert "The sum is not the one you were shown any more." in text_of(answer)
    assert hidden(answer) == {"quoted": "6000"}
    answer = await reader.post(f"/orders/{order.number}/cancellation", data={"quoted": "x"})
    assert answer.status_code == 409
    assert (await world.order_of(db, owner, order.number)).state is orders.State.CONFIRMED


async def test_one_visitor_is_taken_off_and_the_others_stay(db: Db, reader: httpx2.AsyncClient) -> None:
    owner, order = await paid(db, await world.open_slot(db), people=3)
    sign_in(reader, owner)
    page = await reader.get(f"/orders/{order.number}/cancellation?traveller=2")
    assert "Take visitors off this order?" in text_of(page)
    assert hidden(page) == {"travellers": "2", "quoted": "6000"}
    assert page.text.count(" checked") == 1
    done = await reader.post(f"/orders/{order.number}/cancellation", data=hidden(page))
    said = text_of(await reader.get(done.headers["location"]))
    assert "Some visitors were taken off the order." in said
    assert said.count("王**") == 2
    again = await reader.post(f"/orders/{order.number}/cancellation", data=hidden(page))
    assert again.status_code == 422
    assert "Some of these visitors are not in this order." in text_of(again)
    for nonsense in ("?traveller=x", "?traveller=99999", "?traveller=1&traveller=1"):
        assert (await reader.get(f"/orders/{order.number}/cancellation{nonsense}")).status_code in (200, 422)


async def test_a_visit_is_moved_to_a_cheaper_day_and_the_difference_is_shown_first(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=4000)
    owner, order = await paid(db, slot)
    sign_in(reader, owner)
    day = there.starts_at.astimezone(world.ZONE).date()
    assert f'href="/orders/{order.number}/change"' in (await reader.get(f"/orders/{order.number}")).text
    calendar = await reader.get(f"/orders/{order.number}/change?date={day}")
    assert str(there.slot_id) in calendar.text
    assert str(slot.slot_id) not in calendar.text
    page = await reader.get(f"/orders/{order.number}/change?date={day}&slot={there.slot_id}")
    assert "Comes back to you ¥20" in text_of(page)
    typed = dict(re.findall(r'<input type="hidden" name="(slot|quoted)" value="([^"]*)"', page.text))
    assert typed == {"slot": str(there.slot_id), "quoted": "-2000"}
    done = await reader.post(f"/orders/{order.number}/change", data=typed)
    assert done.headers["location"] == f"/orders/{order.number}"
    assert "Changed to another time." in text_of(await reader.get(done.headers["location"]))
    assert await held_minor(db, order) == 4000


async def test_a_dearer_day_is_paid_on_a_page_of_its_own_or_given_up(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    there = await other_day(db, slot, price_minor=9000)
    owner, order = await paid(db, slot)
    sign_in(reader, owner)
    typed = {"slot": str(there.slot_id), "quoted": "3000"}
    begun = await reader.post(f"/orders/{order.number}/change", data=typed)
    assert begun.headers["location"] == f"/orders/{order.number}/change/payment"
    assert "Pay ¥30" in text_of(await reader.get(begun.headers["location"]))
    status = (await reader.get(f"{begun.headers['location']}/status")).json()
    assert (status["stage"], status["moves"]) == ("choose", False)
    assert "Until the difference of ¥30 is paid" in text_of(await reader.get(f"/orders/{order.number}"))
    ended = await reader.post(f"/orders/{order.number}/change/end")
    assert ended.status_code == 303
    assert "This change did not take place." in text_of(await reader.get(begun.headers["location"]))
    await reader.post(f"/orders/{order.number}/change", data=typed)
    await take(db, await world.value(db, "select intent_id from orders.changes where state = 'awaiting_payment'"))
    assert "Paid. Your visit is changed." in text_of(await reader.get(begun.headers["location"]))


async def test_what_stands_in_the_way_of_a_change_is_said_on_its_page(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    full = await other_day(db, slot, places=1)
    owner, order = await paid(db, slot, people=2)
    sign_in(reader, owner)
    page = await reader.get(f"/orders/{order.number}/change?slot={full.slot_id}")
    assert page.status_code == 409
    assert "There are not enough places left in this slot." in text_of(page)
    await rule(db, slot, minutes_before_start=0, change_allowed=False)
    page = await reader.get(f"/orders/{order.number}/change")
    assert "The attraction does not allow changes of this ticket." in text_of(page)
    assert "<table" not in page.text
    assert "does not allow changes" in text_of(await reader.get(f"/orders/{order.number}"))
    for nonsense in ("?slot=x", "?date=2999-99-99&month=x", "/payment", "/from/x", f"/from/{full.slot_id}"):
        assert (await reader.get(f"/orders/{order.number}/change{nonsense}")).status_code in (200, 303, 409)
    assert (await reader.post(f"/orders/{order.number}/change", data={"slot": "x", "quoted": "-"})).status_code == 303


async def test_each_visit_of_an_order_is_changed_by_itself(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    other = await world.open_slot(db)
    there = await other_day(db, other)
    owner, order = await paid(db, slot, other)
    sign_in(reader, owner)
    page = await reader.get(f"/orders/{order.number}")
    url = f"/orders/{order.number}/change/from/{other.slot_id}"
    assert url in page.text
    await reader.post(url, data={"slot": str(there.slot_id), "quoted": "0"})
    after = await world.order_of(db, owner, order.number)
    assert {line.slot_id for line in after.lines} == {slot.slot_id, there.slot_id}


async def test_an_invoice_is_asked_for_with_what_is_wrong_beside_its_field(db: Db, reader: httpx2.AsyncClient) -> None:
    owner, order = await paid(db, await world.open_slot(db))
    sign_in(reader, owner)
    here = f"/orders/{order.number}/invoice"
    assert "Ask for an invoice over ¥60" in text_of(await reader.get(here))
    typed = {"kind": "company", "title": "Acme <b>", "code": "91350100M000100Y44", "email": "books@example.com"}
    wrong = await reader.post(here, data=typed)
    assert wrong.status_code == 422
    assert "One character of the unified social credit code is wrong" in text_of(wrong)
    assert 'value="Acme &lt;b&gt;"' in wrong.text
    done = await reader.post(here, data=typed | {"code": "91350100M000100Y43"})
    assert done.status_code == 303
    assert "being issued" in text_of(await reader.get(here))
    await jobs.drain(db)
    assert "b***@example.com" in text_of(await reader.get(here))
    file = await reader.get(f"{here}/1.html")
    assert file.headers["content-disposition"].startswith("attachment")
    assert "Acme &lt;b&gt;" in file.text
    assert (await reader.get(f"{here}/2.html")).status_code == 404


@pytest.fixture
def promises(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everybody may pay later."""
    monkeypatch.setenv("HOLDFAST_DEFERRAL", "always")
    settings.current.cache_clear()
    yield
    monkeypatch.undo()
    settings.current.cache_clear()


async def test_a_visit_to_be_paid_later_says_how_it_is_cancelled_and_that_it_costs_nothing(
    db: Db, reader: httpx2.AsyncClient, promises: None
) -> None:
    slot = await world.open_slot(db)
    await rule(db, slot, **HALF_LATER)
    owner, order = await promised(db, slot, people=2)
    sign_in(reader, owner)
    page = await reader.get(f"/orders/{order.number}")
    said = text_of(page)
    assert "You can cancel here. Nothing is charged, and nothing is to pay any more." in said
    assert "This visit is not paid yet. Pay it first; then it can be changed." in said
    assert "goes back" not in said, "nothing was paid"
    assert f'href="/orders/{order.number}/cancellation"' in page.text
    assert f'href="/orders/{order.number}/change"' not in page.text
    assert "This visit is not paid yet." in text_of(await reader.get(f"/orders/{order.number}/change"))
    asked = await reader.get(f"/orders/{order.number}/cancellation")
    assert "the tickets become void. You have not paid, so nothing is charged." in text_of(asked)
    assert "Who does not come?" not in text_of(asked), "some alone cannot leave before it is paid"
    assert hidden(asked) == {}
    done = await reader.post(f"/orders/{order.number}/cancellation")
    assert done.status_code == 303
    said = text_of(await reader.get(done.headers["location"]))
    assert "This order is cancelled" in said
    assert "Nothing was charged." in said
    assert "Nothing more is charged for it." in text_of(await reader.get(f"/orders/{order.number}/payment"))
    assert (await world.payment_of(db, owner, order)).state is payments.IntentState.CANCELLED


async def test_some_visitors_of_a_visit_to_be_paid_later_are_not_taken_off_and_the_page_says_what_to_do(
    db: Db, reader: httpx2.AsyncClient, promises: None
) -> None:
    owner, order = await promised(db, await world.open_slot(db), people=2)
    sign_in(reader, owner)
    answer = await reader.post(f"/orders/{order.number}/cancellation", data={"travellers": "1"})
    assert answer.status_code == 409
    assert "Pay it first, or finish the change that is under way" in text_of(answer)
    assert (await world.order_of(db, owner, order.number)).state is orders.State.CONFIRMED


async def test_a_visit_to_be_paid_later_that_has_begun_cannot_be_cancelled_and_says_so(
    db: Db, reader: httpx2.AsyncClient, promises: None
) -> None:
    owner, order = await promised(db, await world.open_slot(db, starts_in=timedelta(minutes=30)))
    sign_in(reader, owner)
    clock.move(timedelta(minutes=31))
    page = await reader.get(f"/orders/{order.number}")
    assert "This visit has begun, so it cannot be cancelled any more." in text_of(page)
    assert "then it can be changed" not in text_of(page), "it could not"
    assert f'href="/orders/{order.number}/cancellation"' not in page.text
    answer = await reader.post(f"/orders/{order.number}/cancellation")
    assert answer.status_code == 409
    assert "This visit has begun" in text_of(answer)


@pytest.mark.parametrize(
    "part",
    [
        "/change", "/change/payment", "/change/payment/card", "/change/payment/status", "/cancellation", "/invoice",
        "/invoice/1.html",
    ],
)  # fmt: skip
async def test_neither_strangers_nor_a_passed_on_link_change_or_see_it(
    db: Db, reader: httpx2.AsyncClient, part: str
) -> None:
    _owner, order = await paid(db, await world.open_slot(db))
    link = f"token={orders.link_token(order.number)}"
    assert (await reader.get(f"/orders/{order.number}{part}?{link}")).status_code == 303
    sign_in(reader, await world.traveller(db))
    assert (await reader.get(f"/orders/{order.number}{part}")).status_code == 404
    assert (await reader.get(f"/orders/{order.number}{part}?{link}")).status_code == 404
