"""Partners at the console: who is fresh, whom to call, what they say by telephone and file, links, tokens, prices, switching off."""

from __future__ import annotations

import re

import httpx2
import pytest

from holdfast import catalogue, partners
from holdfast.kit import actor
from holdfast.kit.db import Db
from holdfast.partners import News
from holdfast.web.console import access, partners_words
from tests import staff, world
from tests.conftest import clone
from tests.partners import octo_supplier
from tests.partners.conftest import noon
from tests.partners.suppliers import book, booked, later, sale, say, supplier

from .conftest import text_of
from .test_looks import is_well_made
from .test_translations import texts

pytestmark = pytest.mark.anyio
HERE = "/console/partners"


@pytest.fixture(autouse=True)
def _noon():
    noon()


async def come_as(db: Db, reader: httpx2.AsyncClient, role: str) -> staff.Colleague:
    person = await staff.colleague(db, role)
    reader.cookies.set(access.COOKIE, person.token)
    return person


async def manage(reader, who, act, **fields):
    return await reader.post(f"{HERE}/{who.id}", data={"act": act} | fields)


async def test_a_partner_is_registered_with_its_products_and_mistakes_keep_what_was_typed(db, reader):
    await come_as(db, reader, "operations")
    slot = await world.open_slot(db)
    wrong = await reader.post(HERE, data={"partner_id": "No Spaces", "name_en": "", "phone": "13800000000"})
    assert wrong.status_code == 422
    assert 'value="No Spaces"' in wrong.text
    assert "The short name has 2 to 63 small letters" in text_of(wrong)
    made = await reader.post(
        HERE, data={"partner_id": f"inn-{slot.venue_id}", "name_en": "The inn", "phone": "13800000000"}
    )
    assert made.status_code == 303
    here = made.headers["location"]
    assert "Nothing yet. Add a product below" in text_of(await reader.get(here))
    wrong = await reader.post(here, data={"act": "supply", "product_id": "nothing", "minutes": "many"})
    assert wrong.status_code == 422
    assert "Enter whole minutes" in text_of(wrong)
    fine = await reader.post(here, data={"act": "supply", "product_id": slot.product_id, "day_minutes": "60"})
    assert fine.status_code == 303
    page = await reader.get(here)
    assert "not heard of yet, not sold" in text_of(page)
    assert "60 min on the day, 1,440 before" in text_of(page)
    is_well_made(page.text)
    again = await reader.post(HERE, data={"partner_id": f"inn-{slot.venue_id}", "name_en": "Another"})
    assert again.status_code == 422


async def test_the_list_says_whom_to_call_and_what_is_said_on_the_telephone_is_entered(db, reader):
    who = await supplier(db)
    later(hours=3)
    await partners.freshness.watch(db)
    await come_as(db, reader, "support")
    listed = await reader.get(HERE)
    is_well_made(listed.text)
    assert who.phone in listed.text
    assert "silent, sale rests" in text_of(listed)
    call = re.search(r'action="(/console/partners/calls/[^"]+)"', listed.text)[1]
    assert (await reader.post(call, data={"reason": ""})).status_code == 422
    assert (await reader.post(call, data={"reason": "nobody picks up"})).status_code == 303
    assert call not in (await reader.get(HERE)).text
    answer = await reader.post(f"{HERE}/{who.id}/news", data={"act": "news", "kind": "heartbeat", "key": "k1"})
    assert answer.status_code == 303
    page = text_of(await reader.get(f"{HERE}/{who.id}"))
    assert "told by telephone" in page
    assert "sale rests, we have not heard from you" in page
    assert await booked(db, who)
    day = str(who.slot.starts_at.astimezone(world.ZONE).date())
    wrong = await reader.post(
        f"{HERE}/{who.id}/news",
        data={"act": "news", "kind": "places", "product_id": who.product_id, "from": "soon", "left": "x"},
    )
    assert wrong.status_code == 422
    assert "Write a day as 2026-11-23." in text_of(wrong)
    fine = {"act": "news", "kind": "places", "product_id": who.product_id, "from": day, "left": "2", "key": "k2"}
    assert (await reader.post(f"{HERE}/{who.id}/news", data=fine)).status_code == 303
    assert (await sale(db, who)).places_left == 2
    await reader.post(
        f"{HERE}/{who.id}/news",
        data={"act": "turned-away", "product_id": who.product_id, "reason": "guest at the door"},
    )
    assert await book(db, who) == "sale-unconfirmed"


async def test_answers_are_taken_and_a_refused_booking_is_settled(db, reader):
    who = await supplier(db, answer_minutes=60)
    placed = await booked(db, who)
    await come_as(db, reader, "desk")
    here = f"{HERE}/{who.id}"
    data = {"act": "answer", "order": placed.number, "answer": "cannot", "key": "a"}
    assert (await reader.post(f"{here}/news", data=data)).status_code == 303
    page = await reader.get(here)
    assert "Somebody has to settle it with the traveller" in text_of(page)
    ask = re.search(r'name="ask" value="([^"]+)"', page.text)[1]
    assert (await reader.post(f"{here}/news", data={"act": "settle", "ask": ask})).status_code == 303
    assert "Somebody has to settle it" not in text_of(await reader.get(here))
    assert (await reader.post(here, data={"act": "switch", "reason": "not mine to do"})).status_code == 403


async def test_a_file_of_news_counts_as_a_whole_and_lists_its_mistakes(db, reader):
    who = await supplier(db, slot=await world.open_slot(db, price_minor=10_000))
    await come_as(db, reader, "operations")
    day = str(who.slot.starts_at.astimezone(world.ZONE).date())

    async def send(text: str, encoding: str = "utf-8"):
        return await reader.post(
            f"{HERE}/{who.id}/upload",
            data={"key": text[-20:]},
            files={"file": ("news.csv", text.encode(encoding), "text/csv")},
        )

    head = "kind;product_id;from;to;code;places;left;price_id;amount;note\n"
    bad = await send(
        head
        + f"stop;{who.product_id};{day};;;;;;;\nplaces;{who.product_id};{day};;;x;;;;\nprice;;;;;;;{who.slot.price_id};12,5x;\nclose;;;;;;;;;\n"
    )
    assert bad.status_code == 422
    page = text_of(bad)
    assert "3 mistakes in the file; nothing was changed" in page
    assert "Row 3" in page
    assert (await sale(db, who)).sale == "open"
    good = await send(
        head + f"stop;{who.product_id};{day};;;;;;;装修\nprice;;;;;;;{who.slot.price_id};110;\n", "gb18030"
    )
    assert good.status_code == 303, text_of(good)
    view = await sale(db, who)
    assert (view.sale, view.reason["zh"]) == ("paused", "供应商已停售：装修")
    assert view.prices[0].amount_minor == 11_000
    for nothing in ("", "\x00\x01", "a,b\n1,2\n"):
        assert (await send(nothing)).status_code == 422


async def test_links_tokens_and_secrets_are_shown_once_and_can_be_ended(db, reader):
    who = await supplier(db)
    await come_as(db, reader, "engineer")
    token = await manage(reader, who, "token", token_name="channel manager")
    secret = re.search(r"hfp_[\w-]+", token.text)[0]
    assert (await partners.of_token(db, secret)).id == who.id
    page = (await reader.get(f"{HERE}/{who.id}")).text
    assert secret not in page
    [known] = await db.read(partners.tokens, who.id)
    assert (await manage(reader, who, "end-token", token=str(known.id), reason="x")).status_code == 422
    await manage(reader, who, "end-token", token=str(known.id), reason="left us")
    assert await partners.of_token(db, secret) is None
    assert "whsec_" in (await manage(reader, who, "secret")).text
    wrong = await manage(reader, who, "subscribe", url="nowhere")
    assert wrong.status_code == 422
    assert "This is no address" in text_of(wrong)
    assert "whsec_" in (await manage(reader, who, "subscribe", url="http://127.0.0.1:1/hooks")).text
    before = await db.read(partners.links.link, who.id)
    await manage(reader, who, "link", reason="a phone was lost")
    assert await db.read(partners.links.link, who.id) != before
    await manage(reader, who, "language", locale="en")
    assert (await db.read(partners.freshness.feed, who.id)).locale == "en"


async def test_prices_wait_for_a_decision_and_a_product_or_partner_is_stopped_with_a_reason(db, reader):
    who = await supplier(db, slot=await world.open_slot(db, price_minor=10_000, real_name=False))
    await come_as(db, reader, "operations")
    await say(db, who, News("price", price_id=who.slot.price_id, amount_minor=20_000))
    [waiting] = await db.read(partners.feeds.price_news, who.id)
    assert (await manage(reader, who, "price", news=str(waiting.id), decision="apply", reason="")).status_code == 422
    assert (
        await manage(reader, who, "price", news=str(waiting.id), decision="apply", reason="season")
    ).status_code == 303
    assert (await sale(db, who)).prices[0].amount_minor == 20_000
    assert (
        await manage(reader, who, "price", news=str(waiting.id), decision="apply", reason="again")
    ).status_code == 422
    await manage(reader, who, "bar", product_id=who.product_id, reason="complaints")
    assert (await sale(db, who)).sale == "unconfirmed"
    assert "stopped by staff" in text_of(await reader.get(f"{HERE}/{who.id}"))
    await manage(reader, who, "bar", product_id=who.product_id, on="1", reason="mended")
    assert (await sale(db, who)).sale == "open"
    assert (await manage(reader, who, "switch", reason="contract over")).status_code == 303
    assert (await sale(db, who)).sale == "unconfirmed"
    assert "switched off" in text_of(await reader.get(HERE))
    await manage(reader, who, "switch", on="1", reason="contract again")
    assert (await sale(db, who)).sale == "open"


async def test_the_demonstration_can_be_silenced_on_the_page(its_own, site, reader):
    site.state.db = its_own
    await its_own.run(catalogue.apply, actor.system("test"), catalogue.demo())
    assert await partners.demo.furnish(its_own) == 16
    assert await partners.demo.furnish(its_own) == 0
    await come_as(its_own, reader, "operations")
    page = await reader.get(f"{HERE}/rest-01")
    assert "Let it fall silent" in page.text
    await reader.post(f"{HERE}/rest-01", data={"act": "demo"})
    assert await partners.demo.beat(its_own) == 15
    await reader.post(f"{HERE}/rest-01", data={"act": "demo", "on": "1"})
    assert await partners.demo.beat(its_own) == 16
    later(hours=1)
    states = {one.partner.id: one.state for one in await its_own.read(partners.health.overview)}
    assert set(states.values()) == {"fresh"}


async def test_what_is_not_there_is_said_to_be_so(db, reader):
    await come_as(db, reader, "operations")
    who = await supplier(db)
    for address in (f"{HERE}/nobody", f"{HERE}/{who.id}?before=x"):
        assert (await reader.get(address)).status_code == 404
    assert (await manage(reader, who, "price", news="x", decision="apply", reason="why not")).status_code == 422
    assert (await manage(reader, who, "nothing")).status_code == 303
    assert (await reader.post(f"{HERE}/calls/x", data={"reason": "called"})).status_code == 404


def test_the_words_of_these_pages_exist_in_chinese():
    from holdfast.kit import i18n

    tables = (partners_words.TOLD, partners_words.WAYS, partners_words.OUTCOMES, partners_words.PRICES, {state: word for state, (_tone, word) in partners_words.OCTO.items()}, partners.BAR_WORDS,
              partners.freshness.WORDS, partners.feeds_model.SAID)  # fmt: skip
    missing = [text for table in tables for text in texts(table) if text not in i18n.catalogue()]
    assert not missing


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_pages_are_well_made_in_both_languages(db, reader, language):
    who = await supplier(db, answer_minutes=60)
    await booked(db, who)
    later(hours=3)
    await partners.freshness.watch(db)
    await come_as(db, reader, "operations")
    reader.headers["Accept-Language"] = language
    for address in (
        HERE,
        f"{HERE}/{who.id}",
        "/supply/" + (await db.read(partners.links.link, who.id)).rpartition("/")[2],
    ):
        is_well_made((await reader.get(address)).text)


async def test_an_octo_interface_is_connected_and_what_does_not_answer_is_said(db, reader, server, template):
    with clone(server, template) as url, octo_supplier.served(url) as running:
        theirs = await Db(url, size=3).open()
        their_slot = await world.open_slot(theirs, places=10, price_minor=0, real_name=False)
        await theirs.run(partners.register, actor.system("test"), partner_id="holdfast", name={"en": "Holdfast"})
        terms = partners.Terms(selling=True)
        await theirs.run(partners.limits.set_terms, actor.system("test"), "holdfast", terms, reason="test")
        _made, secret = await theirs.run(partners.make_token, actor.system("test"), "holdfast", name="client")
        await theirs.close()
        who = await supplier(db, places=50)
        await come_as(db, reader, "operations")
        wrong = await manage(reader, who, "octo", octo_url=running.url, octo_token="nonsense")
        assert wrong.status_code == 422
        assert "There is no OCTO interface at this address" in text_of(wrong)
        assert (await manage(reader, who, "octo", octo_url=running.url, octo_token=secret)).status_code == 303
        wrong = await manage(reader, who, "octo-item", octo_ours=who.product_id, octo_product="nothing")
        assert wrong.status_code == 422
        fine = await manage(reader, who, "octo-item", octo_ours=who.product_id, octo_product=their_slot.product_id)
        assert fine.status_code == 303
        page = await reader.get(f"{HERE}/{who.id}")
        is_well_made(page.text)
        assert "last answer" in text_of(page)
        assert (await sale(db, who)).places_left == 10
        running.faults.strike("down")
        await manage(reader, who, "octo-pull")
        assert "did not answer" in text_of(await reader.get(f"{HERE}/{who.id}"))
