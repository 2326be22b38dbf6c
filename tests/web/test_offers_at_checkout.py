"""Offers at checkout: shown by their label with why, booked at what was shown, and refused with the new price to go on at."""

from __future__ import annotations

import httpx2
import pytest

from holdfast import orders
from holdfast.campaigns import conditions
from holdfast.kit import clock
from holdfast.kit.db import Db, Tx
from tests import world
from tests.orders import discounting

from .conftest import hidden, sign_in, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
EVERYBODY = conditions.Everything()


async def offered(db: Db, slot: world.SlotWorld, **content: object) -> discounting.Running:
    """A tenth off the tickets of one venue."""
    return await discounting.campaign(db, scope=conditions.Eq("venue_id", slot.venue_id), when=EVERYBODY, **content)


def address(slot: world.SlotWorld, count: int = 2) -> str:
    day = slot.starts_at.astimezone(world.ZONE).date()
    return f"/checkout?venue={slot.venue_id}&date={day}&slot={slot.slot_id}&price.{slot.price_id}={count}"


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_an_offer_is_shown_with_why_and_charged_as_it_was_shown(
    db: Db, reader: httpx2.AsyncClient, language: str
) -> None:
    reader.cookies.set("hf_lang", language)
    slot, mei = await world.open_slot(db, real_name=False), await world.traveller(db)
    ten = await offered(db, slot)
    sign_in(reader, mei)
    page = await reader.get(address(slot))
    is_well_made(page.text)
    said = text_of(page)
    assert ten.label[language] in said
    assert "−¥12" in said
    assert "¥108" in said
    typed = hidden(page)
    assert typed["quoted_total"] == "10800"
    booked = await reader.post("/checkout", data=typed)
    assert booked.status_code == 303, text_of(booked)
    number = booked.headers["location"].split("/")[2]
    order = await world.order_of(db, mei, number)
    assert (order.row.amount_minor, order.lines[0].discount_minor) == (10_800, 1200)
    assert ten.label[language] in text_of(await reader.get(f"/orders/{number}"))


async def test_a_benefit_that_ends_meanwhile_is_told_with_the_new_price_and_one_press_goes_on(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot, mei = await world.open_slot(db, real_name=False), await world.traveller(db)
    ten = await offered(db, slot)
    sign_in(reader, mei)
    typed = hidden(await reader.get(address(slot)))
    await discounting.trip(db, ten)
    await db.run(_moved)
    refused = await reader.post("/checkout", data=typed)
    assert refused.status_code == 409
    said = text_of(refused)
    assert "Nothing was booked and nothing was charged." in said
    assert "Book at the new price" in said
    assert "¥120" in said
    typed = hidden(refused)
    assert typed["quoted_total"] == "12000"
    booked = await reader.post("/checkout", data=typed)
    assert booked.status_code == 303, text_of(booked)
    assert (await world.order_of(db, mei, booked.headers["location"].split("/")[2])).row.amount_minor == 12_000


async def _moved(tx: Tx) -> None:
    await tx.execute("update campaigns.epoch set epoch = epoch + 1")


async def test_a_code_is_kept_as_typed_and_each_refusal_is_clear(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, mei = await world.open_slot(db, real_name=False), await world.traveller(db)
    other = await world.open_slot(db, real_name=False)
    ten = await offered(db, slot, codes=discounting.model.BulkCodes())
    await db.run(_code, ten, "SPRNG234", 5)
    await db.run(_code, ten, "SPENT234", 0)
    sign_in(reader, mei)
    typed = hidden(await reader.get(address(slot)))
    assert typed["quoted_total"] == "12000"

    async def look(code: str, **more: str) -> httpx2.Response:
        return await reader.post("/checkout/form", data=typed | more | {"benefit_code": code})

    for code, says in (("NOSUCH99", "We do not know this code."), ("SPENT234", "This code has been used already")):
        page = await look(code)
        assert page.status_code == 422
        assert says in text_of(page)
        assert f'value="{code}"' in page.text
    elsewhere = hidden(await reader.get(address(other)))
    page = await reader.post("/checkout/form", data=elsewhere | {"benefit_code": "SPRNG234"})
    assert "This code gives nothing for these tickets." in text_of(page)
    page = await look("sprng234")
    assert page.status_code == 200, text_of(page)
    assert 'value="sprng234"' in page.text
    assert "¥108" in text_of(page)
    refused = await reader.post("/checkout", data=typed | {"benefit_code": "NOSUCH99"})
    assert refused.status_code in (409, 422)
    assert 'value="NOSUCH99"' in refused.text
    booked = await reader.post("/checkout", data=hidden(page) | {"benefit_code": "sprng234"})
    assert booked.status_code == 303, text_of(booked)
    order = await world.order_of(db, mei, booked.headers["location"].split("/")[2])
    assert order.row.amount_minor == 10_800
    [shown] = await db.read(orders.discounts.of_order, order.row.id)
    assert shown.code
    assert shown.code in shown.reason["en"]


async def _code(tx: Tx, running: discounting.Running, code: str, uses: int) -> None:
    await tx.execute(
        """insert into campaigns.codes (code, campaign_id, batch, uses_max, uses, made_at)
           values (%(code)s, %(campaign)s, 'test', 5, 5 - %(uses)s::int, %(at)s)""",
        code=code, campaign=running.campaign_id, uses=uses, at=clock.now(),
    )  # fmt: skip
