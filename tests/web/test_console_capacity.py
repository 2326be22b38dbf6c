"""Capacity at the console: a rule is shown before it is made, a cut stops sale and needs a second person, a file can be undone."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import httpx2
import pytest

from holdfast import orders
from holdfast.kit import i18n
from holdfast.kit.db import Db
from holdfast.orders import displacement_links, displacement_run
from holdfast.web.console import access, capacity_words
from tests import staff, world
from tests.catalogue.samples import garden
from tests.orders import cuts

from .conftest import hidden, sign_in, text_of
from .test_looks import is_well_made
from .test_translations import texts

pytestmark = pytest.mark.anyio
HERE = "/console/capacity"


def come_as(reader: httpx2.AsyncClient, person: staff.Colleague) -> None:
    reader.cookies.set(access.COOKIE, person.token)


def form_of(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 200, text_of(answer)
    return hidden(answer)


def typed(slot: world.SlotWorld, **more: str) -> dict[str, str]:
    day = str(cuts.day_of(slot))
    return {
        "venue": slot.venue_id, "kind": "percent", "value": "50", "first": day, "last": day, "ground_zh": "限流",
        "ground_en": "Fewer people", "authority": "Bureau of Culture", "document_no": "2027-15", "reason": "ordered today",
    } | more  # fmt: skip


def test_every_word_of_these_pages_exists_in_chinese() -> None:
    said = {text for table in capacity_words.EVERY for text in texts(table)} - {"ok", "warn", "bad", "info", ""}
    assert not sorted(text for text in said if text not in i18n.catalogue())


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_harmless_rule_is_shown_made_and_lifted_by_one_person(
    db: Db, reader: httpx2.AsyncClient, language: str
) -> None:
    reader.cookies.set("hf_lang", language)
    slot = await world.open_slot(db, places=10, real_name=False)
    come_as(reader, await staff.colleague(db, "operations"))
    shown = await reader.post(f"{HERE}/effect", data=typed(slot))
    is_well_made(shown.text)
    done = await reader.post(f"{HERE}/changes", data=form_of(shown))
    assert (done.status_code, done.headers["location"]) == (303, f"{HERE}/venues/{slot.venue_id}")
    page = await reader.get(done.headers["location"])
    is_well_made(page.text)
    assert "Bureau of Culture" in page.text
    assert await world.value(db, "select capacity from inventory.slots where id = %(id)s", id=slot.slot_id) == 5
    lift = re.search(r'name="lift" value="([^"]+)"', page.text)
    assert lift is not None
    raised = await reader.post(f"{HERE}/effect", data={"lift": lift[1], "venue": slot.venue_id, "reason": "it is over"})
    assert "act" in form_of(raised)
    assert hidden(raised)["act"] == "propose"  # twice as many places as there were: a colleague looks at it


async def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    slot = await world.open_slot(db)
    come_as(reader, await staff.colleague(db, "operations"))
    answer = await reader.post(f"{HERE}/effect", data=typed(slot, value="many", reason="x", last="2020-01-01"))
    assert answer.status_code == 422
    assert "Enter a whole number." in text_of(answer)
    assert 'value="many"' in answer.text
    answer = await reader.post(f"{HERE}/effect", data=typed(slot, last="2020-01-01", ground_zh="", ground_en=""))
    assert answer.status_code == 422
    assert {
        "The last day lies before the first.",
        "Say on what ground: travellers read it where sale is stopped.",
    } <= set(re.findall(r"[^.>]*\.(?=\s*<)", answer.text.replace("\n", "")))
    for field in ("supersedes", "lift"):
        assert (await reader.post(f"{HERE}/effect", data=typed(slot, **{field: "nonsense"}))).status_code in (200, 422)


async def test_a_cut_is_stopped_proposed_approved_watched_and_reported(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, places=4, real_name=False)
    numbers = await cuts.many_paid(db, [slot], 4, most=1)
    lin, anna = await staff.colleague(db, "operations"), await staff.colleague(db, "operations")
    come_as(reader, lin)
    shown = await reader.post(f"{HERE}/effect", data=typed(slot))
    assert "2 booked places too many. 4 places are booked there, by 4 orders, paid with ¥240." in text_of(shown)
    begun = await reader.post(f"{HERE}/changes", data=form_of(shown) | {"hours": "6"})
    cut = begun.headers["location"]
    page = await reader.get(cut)
    is_well_made(page.text)
    proposal = re.search(rf"{HERE}/proposals/[0-9a-f-]+", page.text)
    assert proposal is not None
    assert await world.value(db, "select state from inventory.slots where id = %(id)s", id=slot.slot_id) == "paused"
    mine = await reader.get(proposal[0])
    assert "You proposed this: a colleague must approve it." in text_of(mine)
    come_as(reader, anna)
    approved = await reader.post(f"{proposal[0]}/approval", data=form_of(await reader.get(proposal[0])))
    assert approved.headers["location"] == cut
    await displacement_run.sweep(db)
    order = await _order(db, numbers[-1])
    await _chooses(reader, order)
    held = await reader.post(f"{cut}/holding", data={"reason": "wait a moment"})
    assert held.status_code == 303
    assert "stopped where it stands" in text_of(await reader.get(cut))
    await reader.post(f"{cut}/going-on", data={"reason": "all is well"})
    cuts.clock.move(timedelta(hours=7))
    await displacement_run.sweep(db)
    come_as(reader, await staff.colleague(db, "operations"))
    done = await reader.get(cut)
    is_well_made(done.text)
    assert "Done" in text_of(done)
    report = await reader.get(f"{cut}/report")
    is_well_made(report.text)
    assert "2 orders with 2 places : keep their places" in text_of(report).replace(":", " :").replace("  ", " ")
    table = await reader.get(f"{cut}/report.csv")
    assert table.text.splitlines()[1].split(",")[4:8] == ["4", "2", "4", "2"]
    is_well_made((await reader.get(HERE)).text)


async def _order(db: Db, number: str) -> orders.Order:
    async with db.reading() as tx:
        return await orders.lookup.whole(tx, await orders.store.by_number(tx, number))


async def _chooses(reader: httpx2.AsyncClient, order: orders.Order) -> None:
    """Whoever got the message moves with one press, without signing in."""
    link = f"/orders/{order.number}/choice?token={displacement_links.choice_token(order.number)}"
    for language in ("zh", "en"):
        reader.cookies.set("hf_lang", language)
        page = await reader.get(link)
        is_well_made(page.text)
    assert "As things stand you would not keep your places." in text_of(page)
    to = re.search(r'name="to" value="([^"]+)"', page.text)
    assert to is not None
    moved = await reader.post(link, data={"visit": str(order.lines[0].slot_id), "to": to[1]})
    assert moved.status_code == 303, text_of(moved)
    assert "You moved to" in text_of(await reader.get(link))
    again = await reader.post(link, data={"visit": str(order.lines[0].slot_id), "end": "1"})
    assert again.status_code == 409
    wrong = await reader.get(f"/orders/{order.number}/choice?token={orders.link_token(order.number)}")
    assert wrong.status_code in (303, 401, 404)


async def test_an_owner_sees_on_the_orders_page_that_there_is_a_choice(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db, places=2, price_minor=0, real_name=False)
    mei = await world.traveller(db)
    await cuts.many_paid(db, [slot], 1)
    placed = await world.place(db, world.request(mei, orders.Basket([world.line(slot, 1, visitors=[])], mei.phone)))
    cut = await cuts.stopped(db, slot, 50, hours=6)
    await cuts.approved(db, cut)
    await displacement_run.run(db, cut.id)
    sign_in(reader, mei)
    page = await reader.get(f"/orders/{placed.number}")
    assert f"/orders/{placed.number}/choice" in page.text
    is_well_made((await reader.get(f"/orders/{placed.number}/choice")).text)


async def test_a_file_is_proposed_with_its_effect_applied_and_taken_back(db: Db, reader: httpx2.AsyncClient) -> None:
    lin, anna = await staff.colleague(db, "operations"), await staff.colleague(db, "operations")
    first = {"format": "holdfast-catalogue/1", "venues": [garden()]}
    dearer = json.loads(json.dumps(first))
    dearer["venues"][0]["products"][0]["prices"][0]["amount"] = "99"
    before = None
    for content in (first, dearer):
        come_as(reader, lin)
        sent = await reader.post(
            f"{HERE}/catalogue", data={"reason": "new prices"}, files={"file": ("garden.json", json.dumps(content))}
        )
        assert sent.status_code == 303, text_of(sent)
        come_as(reader, anna)
        page = await reader.get(sent.headers["location"])
        is_well_made(page.text)
        applied = await reader.post(f"{sent.headers['location']}/approval", data=form_of(page))
        assert applied.status_code == 303, text_of(applied)
        price = await world.value(db, "select max(amount_minor) from catalogue.prices where product_id like 'garden%%'")
        before = before or price
    assert (before != price, price) == (True, 9900)
    assert "It changes what tickets cost." in text_of(page)
    back = await reader.post(f"{sent.headers['location']}/reverting", data={"reason": "too dear"})
    assert back.status_code == 303, text_of(back)
    assert (
        await world.value(db, "select max(amount_minor) from catalogue.prices where product_id like 'garden%%'")
        == before
    )


async def test_a_file_with_mistakes_has_all_of_them_listed(db: Db, reader: httpx2.AsyncClient) -> None:
    come_as(reader, await staff.colleague(db, "operations"))
    for content in ("{", '{"format": "holdfast-catalogue/1", "venues": [{"id": "x"}]}', ""):
        answer = await reader.post(
            f"{HERE}/catalogue", data={"reason": "new prices"}, files={"file": ("a.json", content)}
        )
        assert answer.status_code == 422
    assert (await reader.post(f"{HERE}/catalogue", data={"reason": "none"})).status_code == 422
    is_well_made((await reader.get(f"{HERE}/catalogue")).text)
