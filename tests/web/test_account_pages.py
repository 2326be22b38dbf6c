"""Signing in and out, the list of devices, the development mailbox, and what a page says when records are away."""

from __future__ import annotations

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from holdfast.kit import settings
from holdfast.kit.db import Db
from tests import world

from .conftest import sign_in, text_of

pytestmark = pytest.mark.anyio


async def test_signing_in_takes_two_steps_and_leads_back(db: Db, reader: httpx2.AsyncClient) -> None:
    phone = world.phone_number()
    sent = await reader.post("/session/code", data={"phone": phone, "region": "CN", "next": "/account"})
    assert "Six-digit code" in text_of(sent)
    typed = {"phone": phone, "next": "/account", "code": await world.code_sent_to(db, phone), "kept": "1"}
    answer = await reader.post("/session", data=typed)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/account"
    assert "Max-Age" in answer.headers["set-cookie"]
    assert "Signed in with" in text_of(await reader.get("/account"))
    assert (await reader.get("/session")).headers["location"] == "/orders"


async def test_full_width_digits_and_spaces_in_a_code_are_read(db: Db, reader: httpx2.AsyncClient) -> None:
    phone = world.phone_number()
    await reader.post("/session/code", data={"phone": phone})
    code = await world.code_sent_to(db, phone)
    wide = " ".join(chr(0xFF10 + int(digit)) for digit in code)
    assert (await reader.post("/session", data={"phone": phone, "code": wide})).status_code == 303


async def test_a_second_code_too_soon_says_when(reader: httpx2.AsyncClient) -> None:
    phone = world.phone_number()
    await reader.post("/session/code", data={"phone": phone})
    again = await reader.post("/session/code", data={"phone": phone})
    assert again.status_code == 422
    assert "It makes sense to try again in" in text_of(again)
    assert "Six-digit code" in text_of(again)


@pytest.mark.parametrize("phone", ["", "123", "010-12345678", "<b>"])
async def test_a_phone_that_cannot_be_one_is_explained(reader: httpx2.AsyncClient, phone: str) -> None:
    answer = await reader.post("/session/code", data={"phone": phone})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


async def test_signing_out_takes_effect_at_once(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await world.traveller(db)
    sign_in(reader, person)
    assert (await reader.get("/account")).status_code == 200
    await reader.post("/session/end")
    sign_in(reader, person)
    assert (await reader.get("/account")).status_code == 303


async def test_signing_out_everywhere_ends_every_device(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await world.traveller(db)
    sign_in(reader, person)
    assert "this device" in text_of(await reader.get("/account"))
    assert (await reader.post("/account/sessions/end")).status_code == 303
    sign_in(reader, person)
    assert (await reader.get("/orders")).status_code == 303


async def test_the_mailbox_shows_codes_and_does_not_exist_in_production(
    db: Db, reader: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = world.phone_number()
    await reader.post("/session/code", data={"phone": phone})
    code = await world.code_sent_to(db, phone)
    assert f"<mark>{code}</mark>" in (await reader.get("/mailbox")).text
    given = msgspec.structs.replace(settings.current(), env="prod")
    monkeypatch.setattr(settings, "current", lambda: given)
    assert (await reader.get("/mailbox")).status_code == 404
    assert "/mailbox" not in (await reader.get("/session")).text


async def test_without_the_database_every_page_stays_calm(db: Db, site: Starlette, reader: httpx2.AsyncClient) -> None:
    site.state.db = await Db(db.url, size=1).open()
    await site.state.db.close()
    for path in ("/", "/venues/palace-museum"):
        answer = await reader.get(path)
        assert answer.status_code == 503
        assert "We cannot reach our records right now." in text_of(answer)
        assert "Nothing you did before is lost." in text_of(answer)
    status = await reader.get("/status")
    assert status.status_code == 503
    assert "Orders and payments made before are safe." in text_of(status)
    assert (await reader.get("/session")).status_code == 200
