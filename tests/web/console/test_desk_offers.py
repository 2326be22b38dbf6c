"""Booking for somebody with offers: the price that the desk says, by phone and code, is the price that is taken."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from holdfast import inventory, orders
from holdfast.campaigns import codes, codes_store, conditions, model
from holdfast.kit import clock
from holdfast.kit.db import Db
from tests import invariants, staff, world
from tests.orders import desks, discounting
from tests.web.conftest import hidden, text_of
from tests.web.test_looks import is_well_made

from .ground import come_as

pytestmark = pytest.mark.anyio
BOOKING = "/console/desk/booking"
EVERYBODY = conditions.Everything()
_codes = iter(f"{first}{second}" for first in "FGHJK" for second in "ABCDEFGH")


async def offered(db: Db, slot: world.SlotWorld, **content: Any) -> discounting.Running:
    """A tenth off the tickets of one venue, wherever they are booked unless `content` says otherwise."""
    return await discounting.campaign(db, scope=conditions.Eq("venue_id", slot.venue_id), when=EVERYBODY, **content)


async def form_at(reader: httpx2.AsyncClient, slot: world.SlotWorld, desk: str = "") -> dict[str, str]:
    """The last step's form as it is sent: two tickets, cash in hand, no phone."""
    day = slot.starts_at.astimezone(world.ZONE).date()
    asked = {
        "venue": slot.venue_id,
        "date": str(day),
        "slot": str(slot.slot_id),
        f"price.{slot.price_id}": "2",
        "desk": desk,
    }
    page = await reader.get(BOOKING, params=asked)
    is_well_made(page.text)
    return {
        **hidden(page),
        "region": "CN",
        "phone": "",
        "locale": "en",
        "payment": "cash",
        "taken": "1",
        "said": text_of(page),
    }


async def made(db: Db, answer: httpx2.Response) -> tuple[int, int]:
    """What the order that was made costs, and what its first line was reduced by."""
    assert answer.status_code == 303, text_of(answer)
    found = re.search(r"/booking/(\w+)", answer.headers["location"])
    assert found
    order = await db.read(orders.assisted.slip, found[1])
    return order.row.amount_minor, order.lines[0].discount_minor


@pytest.mark.parametrize(("language", "why"), [("en", "Your order fits the campaign."), ("zh", "−¥12")])
async def test_a_campaign_of_the_counter_is_shown_with_why_and_charged(
    db: Db, reader: httpx2.AsyncClient, language: str, why: str
) -> None:
    reader.headers["Accept-Language"] = language
    slot = await world.open_slot(db, real_name=False)
    ten = await offered(db, slot, channels=["desk"], sentence={"zh": "", "en": ""})
    await come_as(reader, db, "desk")
    typed = await form_at(reader, slot)
    said = typed.pop("said")
    assert ten.label[language] in said
    assert why in said
    assert "¥108" in said
    assert typed["quoted_total"] == "10800"
    booked = await reader.post(BOOKING, data=typed)
    assert await made(db, booked) == (10_800, 1200)
    assert ten.label[language] in text_of(await reader.get(booked.headers["location"]))
    await world.until_quiet(db)
    await invariants.require(db)


async def test_a_campaign_of_the_website_is_not_for_the_counter(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, real_name=False)
    await offered(db, slot, channels=["web"])
    await come_as(reader, db, "desk")
    typed = await form_at(reader, slot)
    assert typed["quoted_total"] == "12000"
    assert await made(db, await reader.post(BOOKING, data=typed)) == (12_000, 0)


async def test_an_offer_for_each_person_needs_a_phone_and_counts_by_it(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, real_name=False)
    once = await offered(db, slot, limits=model.Limits(budget_minor=1_000_000, per_person=1))
    await discounting.change(db, once, per_person=1)
    await come_as(reader, db, "desk")
    typed = await form_at(reader, slot)
    assert typed["quoted_total"] == "12000"
    phone = world.phone_number().removeprefix("+86")
    looked = await reader.post(BOOKING, data=typed | {"phone": phone, "act": "price"})
    assert (looked.status_code, hidden(looked)["quoted_total"]) == (200, "10800")
    is_well_made(looked.text)
    assert 'name="taken" value="1" checked' not in looked.text, "it was counted for another price"
    short = await reader.post(BOOKING, data=typed | {"phone": phone})
    assert (short.status_code, "The price of this order has changed" in text_of(short)) == (409, True)
    assert hidden(short)["quoted_total"] == "10800"
    assert await made(db, await reader.post(BOOKING, data=typed | {"phone": phone} | hidden(short))) == (10_800, 1200)
    again = await form_at(reader, slot)
    second = await reader.post(BOOKING, data=again | {"phone": phone, "act": "price"})
    assert hidden(second)["quoted_total"] == "12000"
    assert await made(db, await reader.post(BOOKING, data=again)) == (12_000, 0)


async def test_a_code_is_tried_used_up_and_told_of(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, real_name=False)
    coupon = await offered(db, slot, codes=model.BulkCodes())
    await codes.make(db, staff.TEST, coupon.campaign_id, "DESK-####-####", 1, batch="desk")
    async with db.reading() as tx:
        [row] = [one async for one in codes_store.of_batch(tx, coupon.campaign_id, "desk")]
    await come_as(reader, db, "desk")
    typed = await form_at(reader, slot)
    assert typed["quoted_total"] == "12000"
    wrong = await reader.post(BOOKING, data=typed | {"benefit_code": "NOSUCHCODE", "act": "price"})
    assert (wrong.status_code, "We do not know this code." in text_of(wrong)) == (422, True)
    assert 'value="NOSUCHCODE"' in wrong.text
    refused = await reader.post(BOOKING, data=typed | {"benefit_code": "NOSUCHCODE"})
    assert (refused.status_code, "This code gives nothing" in text_of(refused)) == (409, True)
    tried = await reader.post(BOOKING, data=typed | {"benefit_code": codes.show(row.code).lower(), "act": "price"})
    assert (tried.status_code, hidden(tried)["quoted_total"]) == (200, "10800")
    with_code = typed | {"benefit_code": row.code} | hidden(tried)
    assert await made(db, await reader.post(BOOKING, data=with_code)) == (10_800, 1200)
    [used] = await db.read(codes_store.find, [row.code])
    assert used.state == "used"
    late = await reader.post(BOOKING, data=await form_at(reader, slot) | {"benefit_code": row.code, "act": "price"})
    assert "This code has been used already" in text_of(late)


async def test_a_guard_that_trips_at_the_desk_has_stopped_the_campaign_and_the_desk_keeps_its_places(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot, code = await world.open_slot(db, real_name=False, places=4), next(_codes)
    await desks.desk(db, slot, 3, code)
    ten = await offered(db, slot)
    await discounting.change(db, ten, max_minor=1000)
    await come_as(reader, db, "desk")
    typed = await form_at(reader, slot, code)
    refused = await reader.post(BOOKING, data=typed)
    said = text_of(refused)
    assert (refused.status_code, "This offer was stopped." in said, "¥120" in said) == (409, True, True)
    state = await world.value(db, "select state from campaigns.running where version_id = %(id)s", id=ten.version_id)
    assert state == "tripped"
    assert await db.read(inventory.allotments.left, code, [slot.slot_id]) == {slot.slot_id: 3}
    assert 'name="taken" value="1" checked' not in refused.text
    assert await made(db, await reader.post(BOOKING, data=typed | hidden(refused))) == (12_000, 0)
    assert await db.read(inventory.allotments.left, code, [slot.slot_id]) == {slot.slot_id: 1}
    await world.until_quiet(db)
    await invariants.require(db)


async def test_what_a_link_asks_for_may_become_less_and_never_more(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, mei = await world.open_slot(db, real_name=False), await world.traveller(db)
    await come_as(reader, db, "desk")
    link = {"phone": mei.phone.removeprefix("+86"), "payment": "link"}
    typed = await form_at(reader, slot) | link
    ten = await offered(db, slot)
    assert await made(db, await reader.post(BOOKING, data=typed)) == (10_800, 1200)
    typed = await form_at(reader, slot) | link
    assert typed["quoted_total"] == "10800"
    await discounting.trip(db, ten)
    await discounting.change(db, ten, used_count=1)
    dearer = await reader.post(BOOKING, data=typed)
    assert (dearer.status_code, hidden(dearer)["quoted_total"]) == (409, "12000")
    assert await made(db, await reader.post(BOOKING, data=typed | hidden(dearer))) == (12_000, 0)
    clock.reset()
