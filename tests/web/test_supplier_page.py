"""A supplier's own page: one tap, covers left, answers; and what travellers see of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast import partners
from tests import world
from tests.partners.conftest import noon
from tests.partners.suppliers import BY, beat, book, booked, later, sale, supplier

from .conftest import text_of

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _noon():
    noon()


async def page_of(db, who):
    return "/supply/" + (await db.read(partners.links.link, who.id)).rpartition("/")[2]


async def tap(reader, address, act, **more):
    return await reader.post(address, data={"act": act, "key": world.phone_number()} | more)


async def test_one_tap_says_still_open_and_the_sale_goes_on(db, reader):
    who = await supplier(db, starts_in=timedelta(hours=30))
    address = await page_of(db, who)
    later(hours=25)
    assert await book(db, who) == "sale-unconfirmed"
    text = text_of(await reader.get(address))
    assert "not sold: we have not heard from you" in text
    answer = await tap(reader, address, "beat")
    assert answer.status_code == 303
    text = text_of(await reader.get(answer.headers["location"]))
    assert "Noted: you are open." in text
    assert "on sale" in text
    assert await booked(db, who)


async def test_stop_today_open_again_and_covers_left(db, reader):
    who = await supplier(db, starts_in=timedelta(hours=6), places=10)
    await booked(db, who, 2)
    address = await page_of(db, who)
    await tap(reader, address, "stop")
    assert await book(db, who) == "slot-closed"
    assert "Sell again" in (await reader.get(address)).text
    await tap(reader, address, "open")
    day = who.slot.starts_at.astimezone(world.ZONE).date()
    field = f"left.{who.product_id}.{day}.{who.slot.code}"
    text = (await reader.get(address)).text
    assert f'name="{field}"' in text
    assert f'name="known.{field}" value="8-2"' in text
    wrong = await tap(reader, address, "left", **{field: "many", f"known.{field}": "8-2"})
    assert wrong.status_code == 422
    assert "Enter a whole number from 0 to 99,999." in wrong.text
    assert 'value="many"' in wrong.text
    await booked(db, who)  # meanwhile, and unknown to the supplier
    await tap(reader, address, "left", **{field: "5", f"known.{field}": "8-2"})
    assert (await sale(db, who)).places_left == 4


async def test_bookings_are_answered_on_the_page_in_both_languages(db, reader):
    who = await supplier(db, answer_minutes=60)
    placed = await booked(db, who, 3)
    address = await page_of(db, who)
    reader.headers["Accept-Language"] = "zh"
    assert "3位" in text_of(await reader.get(address))
    assert (
        (await tap(reader, address, "answer", order=placed.number, answer="have"))
        .headers["location"]
        .endswith("done=answer")
    )
    assert "等待您答复的预订" not in (await reader.get(address)).text
    again = await tap(reader, address, "answer", order=placed.number, answer="cannot")
    assert again.status_code == 422


async def test_a_wrong_or_old_link_opens_nothing(db, reader):
    who = await supplier(db)
    address = await page_of(db, who)
    for wrong in ("/supply/nobody", "/supply/" + who.id, address[:-1], "/supply/..AAAA"):
        assert (await reader.get(wrong)).status_code == 404, wrong
        assert (await tap(reader, wrong, "stop")).status_code == 404
    await db.run(partners.disable, BY, who.id, reason="contract over")
    assert (await reader.get(address)).status_code == 404


async def test_travellers_read_that_a_supplier_was_silent_and_when_it_confirmed(db, reader):
    who = await supplier(db)
    day = who.slot.starts_at.astimezone(world.ZONE).date()
    here = f"/venues/{who.slot.venue_id}?date={day}"
    assert "Confirmed by the supplier" in text_of(await reader.get(here))
    later(hours=12, minutes=1)
    text = text_of(await reader.get(here))
    assert "not confirmed by the supplier" in text
    await beat(db, who)
    assert "places left" in text_of(await reader.get(here))
