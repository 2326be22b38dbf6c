"""Joined accounts at the console: proposed by one, approved by another, taken back; links of travellers undone."""

from __future__ import annotations

import re

import httpx2
import pytest
from starlette.routing import Route

from holdfast import accounts
from holdfast.kit import i18n
from holdfast.kit.db import Db
from holdfast.web.console import access, merges
from tests import staff, world

from .conftest import hidden, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
HERE = "/console/merges"


def come_as(reader: httpx2.AsyncClient, person: staff.Colleague) -> None:
    reader.cookies.set(access.COOKIE, person.token)


async def proposed(db: Db, reader: httpx2.AsyncClient, lin: staff.Colleague) -> tuple[world.Person, world.Person, str]:
    """Two people, and the address of the proposal to join them."""
    mei, old = await world.traveller(db), await world.traveller(db)
    await world.place(db, world.request(old, world.basket(await world.open_slot(db))))
    come_as(reader, lin)
    typed = {"first": mei.phone, "second": old.phone, "document": "passport, Mei Zhang", "reason": "lost the old phone"}
    made = await reader.post(HERE, data=typed)
    assert made.status_code == 303, text_of(made)
    return mei, old, made.headers["location"]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_one_proposes_another_approves_and_it_can_be_taken_back(
    db: Db, reader: httpx2.AsyncClient, language: str
) -> None:
    reader.cookies.set("hf_lang", language)
    lin, anna = await staff.colleague(db, "support"), await staff.colleague(db, "support")
    mei, old, address = await proposed(db, reader, lin)
    own = await reader.get(address)
    is_well_made(own.text)
    assert i18n.translate("You proposed this: a colleague must approve it.", language) in text_of(own)
    refused = await reader.post(f"{address}/approval", data={"shown": "x"})
    assert (refused.status_code, "cannot approve" in text_of(refused) or "不能自己审批" in text_of(refused)) == (
        422,
        True,
    )
    come_as(reader, anna)
    page = await reader.get(address)
    assert "passport, Mei Zhang" in text_of(page)
    assert address in (await reader.get(HERE)).text
    done = await reader.post(f"{address}/approval", data=hidden(page))
    assert done.status_code == 303, text_of(done)
    assert await db.read(accounts.same_person, mei.account_id, old.account_id)
    is_well_made((await reader.get(HERE)).text)
    assert (await reader.post(f"{address}/reverting", data={"reason": ""})).status_code == 422
    assert (await reader.post(f"{address}/reverting", data={"reason": "the wrong Mei"})).status_code == 303
    assert not await db.read(accounts.same_person, mei.account_id, old.account_id)
    is_well_made((await reader.get(address)).text)


async def test_an_approval_of_what_has_changed_shows_it_again(db: Db, reader: httpx2.AsyncClient) -> None:
    lin, anna = await staff.colleague(db, "support"), await staff.colleague(db, "support")
    _mei, old, address = await proposed(db, reader, lin)
    come_as(reader, anna)
    page = await reader.get(address)
    await world.place(db, world.request(old, world.basket(await world.open_slot(db))))
    stale = await reader.post(f"{address}/approval", data=hidden(page))
    assert (stale.status_code, "than the preview showed" in text_of(stale)) == (422, True)
    assert "Together: 2 orders." in text_of(stale)
    assert (await reader.post(f"{address}/approval", data=hidden(stale))).status_code == 303


async def test_refusing_needs_another_person_and_withdrawing_does_not(db: Db, reader: httpx2.AsyncClient) -> None:
    lin, anna = await staff.colleague(db, "support"), await staff.colleague(db, "support")
    _mei, _old, address = await proposed(db, reader, lin)
    assert (await reader.post(f"{address}/rejection", data={"reason": "not mine"})).status_code == 422
    assert (await reader.post(f"{address}/withdrawal", data={"reason": "a mistake"})).status_code == 303
    _mei, _old, second = await proposed(db, reader, lin)
    come_as(reader, anna)
    assert (await reader.post(f"{second}/rejection", data={"reason": "the photo differs"})).status_code == 303
    over = await reader.post(f"{second}/approval", data={"shown": "x"})
    assert (over.status_code, "has been decided already" in text_of(over)) == (422, True)
    assert "refused" in text_of(await reader.get(HERE))


async def test_what_is_wrong_with_a_proposal_stands_beside_its_field(db: Db, reader: httpx2.AsyncClient) -> None:
    come_as(reader, await staff.colleague(db, "support"))
    mei = await world.traveller(db)
    answer = await reader.post(
        HERE, data={"first": mei.phone, "second": world.phone_number(), "document": "id", "reason": ""}
    )
    assert answer.status_code == 422
    for said in ("There is no such account.", "Say which document", "Say why"):
        assert said in text_of(answer)
    assert f'value="{mei.phone}"' in answer.text
    typed = {"first": mei.phone, "second": mei.phone, "document": "passport", "reason": "the same"}
    same = await reader.post(HERE, data=typed)
    assert (same.status_code, "are one person already" in text_of(same)) == (422, True)
    for missing in ("nonsense", "0192d2c0-0000-7000-8000-000000000000", "links/0192d2c0-0000-7000-8000-000000000000"):
        assert (await reader.get(f"{HERE}/{missing}")).status_code == 404


async def test_a_link_of_travellers_is_undone_with_a_reason(db: Db, reader: httpx2.AsyncClient) -> None:
    come_as(reader, await staff.colleague(db, "support"))
    mei, old = await world.traveller(db), await world.traveller(db)
    await world.same_person(db, mei, old)
    [found] = await db.read(accounts.joined, mei.account_id)
    assert f"{HERE}/links/{found.id}" in (await reader.get(HERE)).text
    page = await reader.get(f"{HERE}/links/{found.id}")
    is_well_made(page.text)
    address = f"{HERE}/links/{found.id}/ending"
    assert (await reader.post(address, data=hidden(page))).status_code == 422
    await world.place(db, world.request(old, world.basket(await world.open_slot(db))))
    stale = await reader.post(address, data={**hidden(page), "reason": "asked by phone"})
    assert (stale.status_code, "than the preview showed" in text_of(stale)) == (422, True)
    done = await reader.post(address, data={**hidden(stale), "reason": "asked by phone"})
    assert done.status_code == 303
    assert not await db.read(accounts.same_person, mei.account_id, old.account_id)


@pytest.mark.parametrize("role", ["desk", "finance", "marketing", "engineer", ""])
async def test_only_support_gets_in(db: Db, reader: httpx2.AsyncClient, role: str) -> None:
    if role:
        come_as(reader, await staff.colleague(db, role))
    for route in merges.routes:
        assert isinstance(route, Route)
        address = re.sub(r"{id}", "0192d2c0-0000-7000-8000-000000000000", route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            answer = await reader.request(method, address)
            assert answer.status_code == (403 if role else 303 if method == "GET" else 401), (method, address)


def test_all_states_speak_chinese() -> None:
    said = {word for _tone, word in merges.STATES.values()} | set(accounts.merging.REVIEWS.values())
    assert not sorted(text for text in said if text not in i18n.catalogue())
