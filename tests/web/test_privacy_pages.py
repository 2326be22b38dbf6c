"""The page of one's data: consents, a copy, an erasure step by step, who looked; and the terms under the button that books."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from holdfast import accounts, orders
from holdfast.accounts import Purpose, consents, erasure
from holdfast.kit import clock, jobs
from holdfast.kit.db import Db, Tx
from holdfast.orders.reveal import Field, reveal
from tests import staff, world
from tests.rights.scenes import Visited, booked

from .conftest import checkout_url, hidden, person, sign_in, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
PAGE = "/account/privacy"


@pytest.fixture(autouse=True)
def _clock_back() -> Iterator[None]:
    yield
    clock.reset()


async def comes(db: Db, reader: httpx2.AsyncClient) -> Visited:
    """Somebody with a visit to come, signed in, who has just proven who they are."""
    mei = await booked(db)
    sign_in(reader, mei.person)
    return mei


async def grown_old(db: Db, one: world.Person) -> None:
    """The last proof is an hour old."""

    async def age(tx: Tx) -> None:
        await tx.execute(
            "update accounts.sessions set proven_at = proven_at - interval '1 hour' where account_id = %(id)s",
            id=one.account_id,
        )

    await db.run(age)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_pages_are_well_made_in_both_languages(db: Db, reader: httpx2.AsyncClient, language: str) -> None:
    mei = await comes(db, reader)
    again = await world.traveller(db)
    await world.same_person(db, mei.person, again)
    lin = await staff.colleague(db, "support")
    await reveal(db, lin.actor, mei.order.number, Field.NAME, 1, "a call about the name", ["support"])
    await reader.post(f"{PAGE}/exports")
    await jobs.drain(db)
    reader.cookies.set("hf_lang", language)
    for path in (PAGE, f"{PAGE}/erasure", f"{PAGE}/erasure?scope=person", "/terms"):
        answer = await reader.get(path)
        assert answer.status_code == 200
        is_well_made(answer.text)
        assert ("个人信息" in answer.text) == (language == "zh")


async def test_offers_are_off_switched_on_and_off_again(db: Db, reader: httpx2.AsyncClient) -> None:
    mei = await comes(db, reader)
    assert "not agreed" in text_of(await reader.get(PAGE))
    answer = await reader.post(f"{PAGE}/consents", data={"purpose": "marketing", "agreed": "1"})
    assert answer.headers["location"] == f"{PAGE}#consents"
    assert await db.read(consents.stands, mei.person.account_id, Purpose.MARKETING)
    await reader.post(f"{PAGE}/consents", data={"purpose": "marketing"})
    page = text_of(await reader.get(PAGE))
    assert "taken back today" in page
    assert "not agreed" in page
    refused = await reader.post(f"{PAGE}/consents", data={"purpose": "terms"})
    assert (refused.status_code, "cannot be taken back alone" in text_of(refused)) == (409, True)
    for nonsense in ({}, {"purpose": "everything", "agreed": "1"}):
        assert (await reader.post(f"{PAGE}/consents", data=nonsense)).status_code == 303


async def test_a_copy_is_asked_for_made_and_downloaded(db: Db, reader: httpx2.AsyncClient) -> None:
    mei = await comes(db, reader)
    assert (await reader.post(f"{PAGE}/exports")).headers["location"] == f"{PAGE}#copies"
    assert "being made" in text_of(await reader.get(PAGE))
    await jobs.drain(db)
    page = await reader.get(PAGE)
    path = page.text.partition(f'href="{PAGE}/exports/')[2].partition('"')[0]
    answer = await reader.get(f"{PAGE}/exports/{path}")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert mei.visitors[0].document in archive.read("data.json").decode()
    assert (await reader.get(f"{PAGE}/exports/nonsense")).status_code == 404


async def test_a_copy_and_an_erasure_need_a_fresh_proof(db: Db, reader: httpx2.AsyncClient) -> None:
    mei = await comes(db, reader)
    await reader.post(f"{PAGE}/exports")
    await jobs.drain(db)
    page = await reader.get(PAGE)
    path = page.text.partition(f'href="{PAGE}/exports/')[2].partition('"')[0]
    await grown_old(db, mei.person)
    led = await reader.get(f"{PAGE}/exports/{path}")
    assert (led.status_code, led.headers["location"].startswith("/account/confirm?next=")) == (303, True)
    for act in ("exports", "erasure"):
        answer = await reader.post(f"{PAGE}/{act}", data={"understood": "1"})
        assert (answer.status_code, "Please confirm that it is you" in text_of(answer)) == (403, True)
    assert await db.read(erasure.current, mei.person.account_id) is None
    page = await reader.get(PAGE)
    assert "first confirm that it is you" in text_of(page)
    assert f'action="{PAGE}/exports"' not in page.text


async def test_the_erasure_says_what_stands_in_its_way_and_is_asked_for_afterwards(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    mei = await comes(db, reader)
    page = await reader.get(f"{PAGE}/erasure")
    assert "A visit is still to come. Cancel the order, or ask again after the visit." in text_of(page)
    assert f'href="/orders/{mei.order.number}"' in page.text
    assert f'action="{PAGE}/erasure" class="card stack"' not in page.text
    blocked = await reader.post(f"{PAGE}/erasure", data={"scope": "account", "understood": "1"})
    assert (blocked.status_code, "This has to be over first" in text_of(blocked)) == (409, True)
    clock.move(timedelta(days=2))
    fresh = await _signed_in_again(db, reader, mei.person)
    page = text_of(await reader.get(f"{PAGE}/erasure"))
    for said in ("Names, phones and document numbers in your orders go. (2)", "E-commerce Law, article 31", "Until "):
        assert said in page
    unticked = await reader.post(f"{PAGE}/erasure", data={"scope": "account"})
    assert (unticked.status_code, "Tick this to go on" in text_of(unticked)) == (422, True)
    asked = await reader.post(f"{PAGE}/erasure", data={"scope": "account", "understood": "1"})
    assert asked.headers["location"] == f"{PAGE}#erasure"
    assert "Your data will be erased" in text_of(await reader.get(PAGE))
    assert (await reader.get(f"{PAGE}/erasure")).status_code == 303
    kept = await reader.post(f"{PAGE}/erasure/end")
    assert kept.status_code == 303
    assert await db.read(erasure.current, fresh) is None
    again = await reader.post(f"{PAGE}/erasure/end")
    assert (again.status_code, "no erasure that could be taken back" in text_of(again)) == (409, True)


async def _signed_in_again(db: Db, reader: httpx2.AsyncClient, one: world.Person) -> object:
    fresh = await world.traveller(db, one.phone)
    sign_in(reader, fresh)
    return fresh.account_id


async def test_who_has_several_accounts_chooses_one_or_all(db: Db, reader: httpx2.AsyncClient) -> None:
    mei = await comes(db, reader)
    again = await world.traveller(db)
    await world.same_person(db, mei.person, again)
    sign_in(reader, again)
    own = await reader.get(f"{PAGE}/erasure?scope=account")
    assert "A visit is still to come" not in text_of(own)
    whole = await reader.get(f"{PAGE}/erasure?scope=person")
    assert "A visit is still to come" in text_of(whole)
    assert 'value="person" checked' in whole.text


async def test_the_person_reads_who_looked_and_why(db: Db, reader: httpx2.AsyncClient) -> None:
    mei = await comes(db, reader)
    assert "Nobody so far." in text_of(await reader.get(PAGE))
    lin = await staff.colleague(db, "desk", name="Lin Wen")
    await reveal(db, lin.actor, mei.order.number, Field.DOCUMENT, 2, "<b>lost ticket</b>", ["desk"])
    page = await reader.get(PAGE)
    assert "Document number (Visitor 2)" in text_of(page)
    assert "&lt;b&gt;lost ticket&lt;/b&gt;" in page.text
    assert "Desk" in text_of(page)
    assert "Lin Wen" not in page.text
    assert mei.visitors[1].document not in page.text


async def test_whoever_books_agrees_to_the_terms_that_were_shown(db: Db, reader: httpx2.AsyncClient) -> None:
    slot, jun = await world.open_slot(db), await world.traveller(db)
    sign_in(reader, jun)
    form = await reader.get(checkout_url(slot))
    assert 'href="/terms"' in form.text
    version = consents.TEXTS[Purpose.TERMS].version
    assert hidden(form)["terms"] == version
    for number in range(2):
        typed = hidden(await reader.get(checkout_url(slot))) | person()
        assert (await reader.post("/checkout", data=typed)).status_code == 303
        [given] = await db.read(consents.log, jun.account_id)
        assert (given.purpose, given.version, given.place) == ("terms", version, "checkout"), number
    assert not await db.read(consents.stands, jun.account_id, Purpose.MARKETING)


async def test_a_guest_who_is_not_signed_in_is_led_to_the_door(reader: httpx2.AsyncClient) -> None:
    for path in (PAGE, f"{PAGE}/erasure"):
        answer = await reader.get(path)
        assert answer.headers["location"].startswith("/session?next=%2Faccount%2Fprivacy")


async def test_after_an_erasure_the_link_shows_an_order_without_anybody(db: Db, reader: httpx2.AsyncClient) -> None:
    mei = await booked(db)
    clock.move(timedelta(days=2))
    await db.run(erasure.ask, mei.person.actor, accounts.Scope.ACCOUNT)
    for days in (8, 1, 1):
        clock.move(timedelta(days=days))
        await erasure.run(db)
    link = f"/orders/{mei.order.number}?token={orders.link_token(mei.order.number)}"
    for path in (link, link.replace("?", "/tickets?")):
        page = await reader.get(path)
        assert page.status_code == 200
        for secret in mei.secrets:
            assert secret not in page.text
