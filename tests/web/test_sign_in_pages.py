"""Signing in with anything but a phone code, the page of security, and confirming: as forms send them."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import httpx2
import pytest

from holdfast import accounts
from holdfast.accounts import Method, breaker, identifiers
from holdfast.kit import clock
from holdfast.kit.db import Db
from tests import world
from tests.accounts import people
from tests.authenticator import Authenticator

from .conftest import HOST, sign_in, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
SECURITY = "/account/security"


def options_of(answer: httpx2.Response, action: str) -> str:
    """What a page asks a passkey with."""
    found = re.search(rf'action="{action}"[^>]*data-options="([^"]+)"', answer.text)
    assert found is not None
    return html.unescape(found[1])


async def post(reader: httpx2.AsyncClient, path: str, **fields: str) -> httpx2.Response:
    return await reader.post(path, data=fields)


async def test_an_e_mail_address_opens_an_account_in_two_steps(db: Db, reader: httpx2.AsyncClient) -> None:
    address = people.address()
    asked = await reader.get("/session?with=email&next=/account")
    assert "E-mail address" in text_of(asked)
    sent = await post(reader, "/session/code", way="email", email=address.upper(), next="/account")
    assert "t***@example.org" in text_of(sent)
    begun = await post(
        reader, "/session", way="email", email=address, code=await people.code_to(db, address), next="/account"
    )
    assert begun.headers["location"] == "/account"
    assert "t***@example.org" in text_of(await reader.get("/account"))


async def test_an_address_that_cannot_be_one_is_explained_and_kept(reader: httpx2.AsyncClient) -> None:
    answer = await post(reader, "/session/code", way="email", email="mei@example")
    assert answer.status_code == 422
    assert 'value="mei@example"' in answer.text
    assert "This is no e-mail address a message can reach" in text_of(answer)


async def test_a_password_signs_in_and_a_wrong_one_says_the_same_for_everybody(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    person, _session = await people.with_password(db)
    wrong = [
        await post(reader, "/session/password", name=name, password="wrong wrong wrong")
        for name in (person.phone, world.phone_number(), people.address())
    ]
    assert {answer.status_code for answer in wrong} == {422}
    said = {text_of(answer) for answer in wrong}
    assert len(said) == 1
    assert "Name and password do not fit together." in said.pop()
    assert "wrong wrong" not in wrong[0].text
    begun = await post(
        reader, "/session/password", name=person.phone, password=people.PASSWORD, kept="1", next="/orders"
    )
    assert begun.status_code == 303
    assert {"hf_session", "hf_device"} <= set(begun.cookies)


async def test_a_device_that_stayed_signed_in_is_offered_what_was_used_on_it(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    person, _session = await people.with_password(db)
    await post(reader, "/session/password", name=person.phone, password=people.PASSWORD, kept="1")
    await reader.post("/session/end")
    offered = await reader.get("/session")
    assert 'action="/session/password"' in offered.text
    assert person.phone not in offered.text
    assert accounts.mask_phone(person.phone) not in offered.text


async def test_a_passkey_signs_in(db: Db, reader: httpx2.AsyncClient) -> None:
    phone = Authenticator()
    person, session = await people.signed_in(db)
    await db.run(
        accounts.add_passkey, session, phone.create(await db.read(accounts.passkey_creation_options, session)), "Pixel"
    )
    asked = await reader.get("/session?next=/account")
    begun = await post(
        reader, "/session/passkey", answer=phone.get(options_of(asked, "/session/passkey")), next="/account"
    )
    assert begun.headers["location"] == "/account"
    refused = await post(reader, "/session/passkey", answer="{}")
    assert refused.status_code == 422
    assert "This passkey did not open anything." in text_of(refused)
    assert person.account_id == session.account_id


async def test_a_way_that_fails_for_everybody_is_said_to_and_another_offered(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    await db.run(breaker.trip, Method.PASSWORD, "test", {})
    said = text_of(await reader.get("/session?with=password"))
    assert "Passwords do not work well right now. Sign in with a code instead; nothing is locked." in said
    clock.move(timedelta(minutes=16))
    await breaker.watch(db)
    assert "do not work well" not in text_of(await reader.get("/session"))


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_pages_are_well_made(db: Db, reader: httpx2.AsyncClient, language: str) -> None:
    person, session = await people.with_password(db)
    await db.run(
        accounts.add_passkey, session,
        Authenticator().create(await db.read(accounts.passkey_creation_options, session)), "Pixel",
    )  # fmt: skip
    for path in ("/session", "/session?with=email", "/session?with=password"):
        is_well_made((await reader.get(path, headers={"Accept-Language": language})).text)
    sign_in(reader, person)
    for _ in range(2):
        for path in (SECURITY, "/account", "/account/confirm?next=/account"):
            answer = await reader.get(path, headers={"Accept-Language": language})
            if answer.status_code == 200:
                is_well_made(answer.text)
        clock.move(timedelta(minutes=6))


async def test_security_lists_ways_devices_and_recent_sign_ins(db: Db, reader: httpx2.AsyncClient) -> None:
    person, _session = await people.with_password(db)
    sign_in(reader, person)
    said = text_of(await reader.get(SECURITY))
    for words in (
        accounts.mask_phone(person.phone),
        "••••••••",
        "this device",
        "Recent sign-ins",
        "signed in",
        "Add a passkey",
    ):
        assert words in said
    assert (await reader.get(SECURITY, headers={"Cookie": ""})).status_code in (200, 303)


async def test_strangers_see_none_of_it(reader: httpx2.AsyncClient) -> None:
    for path in (SECURITY, "/account/confirm"):
        assert (await reader.get(path)).headers["location"].startswith("/session?next=")
    for path in ("/codes", "/identifiers", "/passkeys", "/password", "/password/removal"):
        assert (await post(reader, SECURITY + path)).status_code == 401


async def test_an_address_is_added_with_a_code_and_a_phone_removed(db: Db, reader: httpx2.AsyncClient) -> None:
    person, session = await people.signed_in(db)
    sign_in(reader, person)
    address = people.address()
    assert "t***@example.org" in text_of(await post(reader, SECURITY + "/codes", way="email", email=address))
    code = await people.code_to(db, address)
    wrong = await post(
        reader, SECURITY + "/identifiers", way="email", email=address, code="000000" if code != "000000" else "1"
    )
    assert wrong.status_code == 422
    assert "Tries left for this code: 4." in text_of(wrong)
    added = await post(reader, SECURITY + "/identifiers", way="email", email=address, code=code)
    assert added.headers["location"] == SECURITY
    [phone, _email] = (await db.read(identifiers.credentials, session.account_id)).identifiers
    assert (await post(reader, f"{SECURITY}/identifiers/{phone.id}/removal")).status_code == 303
    last = (await db.read(identifiers.credentials, session.account_id)).identifiers[0]
    refused = await post(reader, f"{SECURITY}/identifiers/{last.id}/removal")
    assert refused.status_code == 409
    assert "This is the last way into your account." in text_of(refused)


async def test_what_belongs_to_another_account_leads_to_joining(db: Db, reader: httpx2.AsyncClient) -> None:
    (mei, _), (li, _theirs) = await people.signed_in(db), await people.signed_in(db)
    sign_in(reader, mei)
    clock.move(timedelta(seconds=40))
    await post(reader, SECURITY + "/codes", way="phone", phone=li.phone)
    answer = await post(
        reader, SECURITY + "/identifiers", way="phone", phone=li.phone, code=await people.code_to(db, li.phone)
    )
    assert answer.status_code == 409
    assert 'href="/account/merging"' in answer.text


async def test_a_passkey_and_a_password_are_added_and_removed(db: Db, reader: httpx2.AsyncClient) -> None:
    person, session = await people.signed_in(db)
    sign_in(reader, person)
    made = Authenticator().create(options_of(await reader.get(SECURITY), SECURITY + "/passkeys"))
    assert (await post(reader, SECURITY + "/passkeys", answer=made, name="Pixel")).status_code == 303
    weak = await post(reader, SECURITY + "/password", password="password")
    assert weak.status_code == 422
    assert "among the first that strangers try" in text_of(weak)
    assert (await post(reader, SECURITY + "/password", password=people.PASSWORD)).status_code == 303
    credentials = await db.read(identifiers.credentials, session.account_id)
    assert ([one.name for one in credentials.passkeys], credentials.password_set_at is None) == (["Pixel"], False)
    assert (await post(reader, f"{SECURITY}/passkeys/{credentials.passkeys[0].id}/removal")).status_code == 303
    assert (await post(reader, SECURITY + "/password/removal")).status_code == 303


async def test_after_five_minutes_changes_ask_for_a_proof_and_lead_back(db: Db, reader: httpx2.AsyncClient) -> None:
    person, session = await people.with_password(db)
    sign_in(reader, person)
    clock.move(timedelta(minutes=6))
    assert "first confirm that it is you" in text_of(await reader.get(SECURITY))
    refused = await post(reader, SECURITY + "/password/removal")
    assert refused.status_code == 403
    assert 'href="/account/confirm"' in refused.text
    [phone] = (await db.read(identifiers.credentials, session.account_id)).identifiers
    sent = await post(reader, "/account/confirm/code", identifier=str(phone.id), next=SECURITY)
    assert "We sent a code to" in text_of(sent)
    wrong = await post(reader, "/account/confirm", identifier=str(phone.id), code="", next=SECURITY)
    assert wrong.status_code == 422
    code = await people.code_to(db, person.phone)
    confirmed = await post(reader, "/account/confirm", identifier=str(phone.id), code=code, next=SECURITY)
    assert confirmed.headers["location"] == SECURITY
    assert (await post(reader, SECURITY + "/password/removal")).status_code == 303


async def test_a_password_and_a_passkey_confirm_too(db: Db, reader: httpx2.AsyncClient) -> None:
    phone = Authenticator()
    person, session = await people.with_password(db)
    await db.run(
        accounts.add_passkey, session, phone.create(await db.read(accounts.passkey_creation_options, session)), "Pixel"
    )
    sign_in(reader, person)
    clock.move(timedelta(minutes=6))
    assert (await post(reader, "/account/confirm", password="wrong wrong wrong")).status_code == 422
    assert (await post(reader, "/account/confirm", password=people.PASSWORD, next="/account")).status_code == 303
    clock.move(timedelta(minutes=6))
    asked = await reader.get("/account/confirm?next=/orders")
    answer = phone.get(options_of(asked, "/account/confirm/passkey"))
    confirmed = await post(reader, "/account/confirm/passkey", answer=answer, next="/orders")
    assert confirmed.headers["location"] == "/orders"
    assert (await reader.get("/account/confirm?next=/orders")).headers["location"] == "/orders"
    assert (await post(reader, "/account/confirm/passkey", answer=answer)).status_code == 422
    elsewhere = await post(reader, "/account/confirm", password=people.PASSWORD, next="https://evil.example/")
    assert elsewhere.headers["location"] == SECURITY


async def test_one_device_is_signed_out_from_another(db: Db, reader: httpx2.AsyncClient) -> None:
    person, session = await people.with_password(db)
    there = await people.try_password(db, person.phone, people.PASSWORD)
    sign_in(reader, person)
    page = await reader.get(SECURITY)
    [end] = re.findall(r'action="(/account/sessions/[0-9a-f]{32}/end)"', page.text)
    assert (await reader.post(end)).status_code == 303
    assert await db.read(accounts.session, there.token) is None
    assert await db.read(accounts.session, person.token) is not None
    assert session.account_id == person.account_id


@pytest.mark.parametrize("path", ["/identifiers/x/removal", "/passkeys/x/removal"])
async def test_an_address_of_nothing_is_not_found(db: Db, reader: httpx2.AsyncClient, path: str) -> None:
    sign_in(reader, (await people.signed_in(db))[0])
    assert (await post(reader, SECURITY + path)).status_code == 404


async def test_a_provider_is_reached_and_a_return_without_its_cookie_opens_nothing(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    away = await reader.get("/session/external/demo-plain?next=/account")
    assert away.status_code == 303
    assert "/oidc/plain/authorize?" in away.headers["location"]
    assert "hf_external=" in away.headers["set-cookie"]
    assert (await reader.get("/session/external/nobody")).status_code == 404
    reader.cookies.clear()
    back = await reader.get("/session/external/demo-plain/return?code=x&state=y")
    assert back.status_code == 422
    assert "The other site did not say who you are." in text_of(back)
    assert HOST
