"""Joining accounts on the pages: both codes, the preview, the way back, and the link of the message."""

from __future__ import annotations

import re

import httpx2
import pytest

from holdfast import accounts
from holdfast.kit import i18n, settings
from holdfast.kit.db import Db
from holdfast.web import tallies
from tests import world

from .conftest import hidden, sign_in, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
HERE = "/account/merging"


async def code_of(db: Db, phone: str) -> str:
    message = next(m for m in await world.messages(db, phone) if m.template == "merge-code")
    return re.search(r"\b\d{6}\b", message.body)[0]


async def previewed(db: Db, reader: httpx2.AsyncClient, mei: world.Person, old: world.Person) -> httpx2.Response:
    """The preview, after both codes."""
    sign_in(reader, mei)
    codes = await reader.post(f"{HERE}/codes", data={"phone": old.phone, "region": "CN"})
    assert codes.status_code == 200
    is_well_made(codes.text)
    typed = {**hidden(codes), "own_code": await code_of(db, mei.phone), "other_code": await code_of(db, old.phone)}
    led = await reader.post(f"{HERE}/proofs", data=typed)
    assert led.status_code == 303, text_of(led)
    return await reader.get(led.headers["location"])


async def joined(db: Db, reader: httpx2.AsyncClient, mei: world.Person, old: world.Person) -> accounts.Link:
    page = await previewed(db, reader, mei, old)
    done = await reader.post(HERE, data=hidden(page))
    assert done.headers["location"] == f"{HERE}?done=joined"
    [link] = await db.read(accounts.joined, mei.account_id)
    return link


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_two_phones_become_one_person_and_two_again(db: Db, reader: httpx2.AsyncClient, language: str) -> None:
    reader.cookies.set("hf_lang", language)
    mei, old = await world.traveller(db), await world.traveller(db)
    slot = await world.open_slot(db)
    [mine, other] = [await world.place(db, world.request(person, world.basket(slot))) for person in (mei, old)]
    page = await previewed(db, reader, mei, old)
    is_well_made(page.text)
    for said in ("Held for you", "What will be different", "Places held, not paid yet"):
        assert i18n.translate(said, language) in text_of(page)
    assert accounts.mask_phone(old.phone) in text_of(page)
    assert other.number not in page.text, "numbers are seen after joining"
    done = await reader.post(HERE, data=hidden(page))
    assert done.status_code == 303
    again = await reader.post(HERE, data=hidden(page))
    assert again.headers["location"] == f"{HERE}?done=joined", "the same press, sent again"
    assert i18n.translate("Undo this", language) in text_of(await reader.get(done.headers["location"]))
    listed = (await reader.get("/orders")).text
    assert mine.number in listed
    assert other.number in listed
    [link] = await db.read(accounts.joined, mei.account_id)
    part = await reader.get(f"{HERE}/links/{link.id}")
    is_well_made(part.text)
    ended = await reader.post(f"{HERE}/links/{link.id}/ending", data=hidden(part))
    assert ended.headers["location"] == f"{HERE}?done=parted"
    assert (await reader.post(f"{HERE}/links/{link.id}/ending", data=hidden(part))).status_code == 303
    listed = (await reader.get("/orders")).text
    assert mine.number in listed
    assert other.number not in listed


async def test_a_right_code_counts_when_the_other_is_wrong_and_nothing_typed_is_lost(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    mei, old = await world.traveller(db), await world.traveller(db)
    sign_in(reader, mei)
    codes = await reader.post(f"{HERE}/codes", data={"phone": old.phone})
    right = await code_of(db, old.phone)
    wrong = "000000" if right != "000000" else "111111"
    typed = {**hidden(codes), "own_code": await code_of(db, mei.phone), "other_code": wrong}
    answer = await reader.post(f"{HERE}/proofs", data=typed)
    assert answer.status_code == 422
    assert "This code is not the one we sent." in text_of(answer)
    assert "Tries left for this code: 4." in text_of(answer)
    assert 'name="own_code"' not in answer.text, "proven already"
    led = await reader.post(f"{HERE}/proofs", data={**hidden(answer), "other_code": right})
    assert led.headers["location"] == f"{HERE}/preview?with={old.account_id}"


@pytest.mark.parametrize(
    ("phone", "said"),
    [("", "Enter"), ("12", "digits"), ("mine", "This is a phone of the account you are signed in with.")],
)
async def test_a_phone_that_cannot_be_the_other_is_explained(
    db: Db, reader: httpx2.AsyncClient, phone: str, said: str
) -> None:
    mei = await world.traveller(db)
    sign_in(reader, mei)
    answer = await reader.post(f"{HERE}/codes", data={"phone": mei.phone if phone == "mine" else phone})
    assert (answer.status_code, said in text_of(answer)) == (422, True), text_of(answer)
    is_well_made(answer.text)


async def test_without_proof_nothing_of_the_other_is_shown(db: Db, reader: httpx2.AsyncClient) -> None:
    mei, old = await world.traveller(db), await world.traveller(db)
    assert (await reader.get(HERE)).headers["location"].startswith("/session?next=")
    sign_in(reader, mei)
    for answer in (
        await reader.get(f"{HERE}/preview?with={old.account_id}"),
        await reader.post(HERE, data={"with": str(old.account_id), "shown": ""}),
    ):
        assert answer.headers["location"] == f"{HERE}?done=late"
    assert "Nothing was changed" in text_of(await reader.get(f"{HERE}?done=late"))
    for missing in ("preview?with=nonsense", "links/nonsense", "links/0192d2c0-0000-7000-8000-000000000000"):
        assert (await reader.get(f"{HERE}/{missing}")).status_code == 404


async def test_what_came_since_the_preview_is_shown_before_anything_is_done(db: Db, reader: httpx2.AsyncClient) -> None:
    mei, old = await world.traveller(db), await world.traveller(db)
    page = await previewed(db, reader, mei, old)
    await world.place(db, world.request(old, world.basket(await world.open_slot(db))))
    moved = await reader.post(HERE, data=hidden(page))
    assert (moved.status_code, "Something has changed since you looked" in text_of(moved)) == (409, True)
    is_well_made(moved.text)
    assert (await reader.post(HERE, data=hidden(moved))).headers["location"] == f"{HERE}?done=joined"


async def test_not_me_is_one_press_without_signing_in(db: Db, reader: httpx2.AsyncClient) -> None:
    mei, old = await world.traveller(db), await world.traveller(db)
    link = await joined(db, reader, mei, old)
    told = next(m for m in await world.messages(db, old.phone) if m.template == "accounts-joined")
    address = re.search(r"https?://\S+", told.body)[0].removeprefix(settings.current().base_url)
    reader.cookies = httpx2.Cookies()
    asked = await reader.get(address)
    is_well_made(asked.text)
    assert "Not me: undo it now" in text_of(asked)
    assert await db.read(accounts.same_person, mei.account_id, old.account_id), "opening the link does nothing"
    for _ in range(2):
        done = await reader.post(address)
        assert (done.status_code, "Undone" in text_of(done)) == (200, True)
    assert not await db.read(accounts.same_person, mei.account_id, old.account_id)
    assert "Undone" in text_of(await reader.get(address))
    assert (await reader.get(address[:-3])).status_code == 404
    assert str(link.id) in address


def test_all_words_of_tallies_and_differences_speak_chinese() -> None:
    tables = (tallies.KINDS, tallies.REFUNDS, tallies.IDENTIFIERS, tallies.LIMITS, tallies.DONE, accounts.DIFFERENCES)
    said = {text for table in tables for text in table.values()}
    assert not sorted(text for text in said if text not in i18n.catalogue())
