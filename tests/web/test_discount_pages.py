"""Discounts on the pages of an order: by their label, with why, and the same after one of two has left."""

from __future__ import annotations

import re

import httpx2
import pytest
from starlette.requests import Request

from holdfast import changes, orders
from holdfast.campaigns import model as _model  # noqa: F401 - whoever imports it knows its problems
from holdfast.kit.db import Db
from holdfast.kit.i18n import translate
from holdfast.kit.problems import from_code
from holdfast.orders import displacement_run
from holdfast.web import offer_words
from holdfast.web.traveller import checkout
from tests import world
from tests.orders import cuts, discounting

from .conftest import sign_in, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_an_order_shows_each_discount_by_its_label_and_why(
    db: Db, reader: httpx2.AsyncClient, language: str
) -> None:
    reader.cookies.set("hf_lang", language)
    ten, five = await discounting.campaign(db, "merchant"), await discounting.campaign(db, "government")
    mei, order = await discounting.paid(db, [ten.grant(1000), five.grant(500)], await world.open_slot(db), people=2)
    sign_in(reader, mei)
    page = await reader.get(f"/orders/{order.number}")
    is_well_made(page.text)
    said = text_of(page)
    for label, amount in ((ten.label, "−¥10"), (five.label, "−¥5")):
        assert label[language] in said
        assert amount in said
    assert "¥120" in said
    assert "¥105" in said
    assert ("为什么我会得到这份优惠" if language == "zh" else "Why did I get this?") in said


async def test_what_is_offered_for_one_of_two_is_what_was_paid_for_them(db: Db, reader: httpx2.AsyncClient) -> None:
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(1000)], await world.open_slot(db), people=2)
    sign_in(reader, mei)
    shown = await reader.get(f"/orders/{order.number}/cancellation?traveller=1")
    assert "¥55" in text_of(shown)
    await orders.cancel(db, mei.actor, order, [1], 5500)
    said = text_of(await reader.get(f"/orders/{order.number}"))
    assert "−¥5" in said
    assert "¥55" in said


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_places_that_come_back_show_their_price_before_they_are_taken(
    db: Db, reader: httpx2.AsyncClient, language: str
) -> None:
    reader.cookies.set("hf_lang", language)
    slot, ten = await world.open_slot(db, places=10), await discounting.campaign(db, "government")
    limited = await discounting.campaign(db, "merchant")
    await discounting.change(db, limited, per_person=1)
    mei, order = await discounting.paid(db, [ten.grant(1000), limited.grant(500)], slot, people=2)
    proposal = await cuts.approved(db, made := await cuts.stopped(db, slot, 0))
    await displacement_run.run(db, made.id)
    await discounting.place(db, world.request(mei, world.basket(await world.open_slot(db))), limited.grant(100))
    await db.run(changes.revert, cuts.LIN, proposal.id, "the authority took it back")
    sign_in(reader, mei)
    page = await reader.get(f"/orders/{order.number}/choice")
    is_well_made(page.text)
    said = text_of(page)
    for part in (ten.label[language], "−¥10", "¥120", "¥110", translate("What they cost", language)):
        assert part in said
    assert "−¥5" not in said
    assert (
        translate("This discount does not come along, because you have used it for another order since.", language)
        in said
    )
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    form = {name: value for name, value in hidden if name in ("visit", "back", "quoted_total")}
    assert form["quoted_total"] == "11000"
    dearer = await reader.post(page.url.path, data={**form, "quoted_total": "10000"})
    assert dearer.status_code == 409
    is_well_made(dearer.text)
    assert "¥110" in text_of(dearer)
    taken = await reader.post(page.url.path, data=form)
    assert taken.status_code == 303
    assert "¥110" in text_of(await reader.get(taken.headers["location"]))


async def test_who_finds_an_order_without_signing_in_is_not_told_why(db: Db, reader: httpx2.AsyncClient) -> None:
    ten = await discounting.campaign(db)
    mei, order = await discounting.paid(db, [ten.grant(1000)], await world.open_slot(db))
    phone = await db.read(orders.store.phone, order.row.id)
    found = await orders.look_up(db, order.number, phone, "192.0.2.77")
    assert [(one.label, one.amount_minor, one.reason) for one in found.discounts] == [(ten.label, 1000, {})]
    sign_in(reader, mei)
    assert "Why did I get this?" in text_of(await reader.get(f"/orders/{order.number}"))


@pytest.mark.parametrize("reason", sorted(offer_words.BENEFIT_OVER))
@pytest.mark.parametrize("locale", ["en", "zh"])
def test_a_benefit_that_is_over_says_why_and_what_it_costs_now(reason: str, locale: str) -> None:
    request = Request({"type": "http", "headers": [(b"cookie", f"hf_lang={locale}".encode())], "path": "/checkout"})
    said = checkout.says_more(request, from_code("benefit-over", {"reason": reason, "total_minor": 12_000}))
    assert "¥120" in said
    assert translate(offer_words.BENEFIT_OVER[reason], locale) in said
    assert "¥" not in checkout.says_more(request, from_code("benefit-over", {"reason": reason}))
