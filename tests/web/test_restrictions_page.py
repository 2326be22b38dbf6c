"""The console's page of restrictions and breakers, and passkeys of staff."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest
from starlette.applications import Starlette

import holdfast
from holdfast import accounts, web
from holdfast.accounts import Method, breaker, restrictions
from holdfast.kit.db import Db
from holdfast.web import console
from holdfast.web.console import access
from tests import staff, world
from tests.authenticator import Authenticator

from .conftest import text_of
from .test_looks import is_well_made
from .test_sign_in_pages import options_of

pytestmark = pytest.mark.anyio
PAGE = "/console/restrictions"


@pytest.fixture
def site(site: Starlette) -> Starlette:
    """With the console, wherever the program mounts it."""
    if not any(getattr(route, "path", "") == PAGE for route in web.routes):
        site.router.routes[:0] = console.routes
    return site


@pytest.fixture
async def lin(db: Db, reader: httpx2.AsyncClient) -> staff.Colleague:
    """An engineer at the console."""
    found = await staff.colleague(db, "engineer")
    reader.cookies.set(access.COOKIE, found.token)
    return found


async def restrict(db: Db, count: int, reason: str) -> None:
    for n in range(count):
        await db.run(
            restrictions.restrict, Method.PASSWORD, n.to_bytes(32), None, reason=reason, ttl=timedelta(hours=1)
        )


async def test_a_release_is_looked_at_and_voided(db: Db, reader: httpx2.AsyncClient, lin: staff.Colleague) -> None:
    await restrict(db, 3, "bad release")
    everything = await reader.get(PAGE)
    is_well_made(everything.text)
    assert "3 restrictions not voided, 3 of them in force now." in text_of(everything)
    assert "/voiding" not in everything.text, "everything is no choice"
    chosen = {"release": holdfast.__version__, "since": "", "until": ""}
    preview = await reader.get(PAGE, params=chosen)
    assert "Void all 3 at once" in text_of(preview)
    for wrong in (
        {"most": "3", "reason": ""},
        {"most": "2", "reason": "bad release"},
        {"most": "x", "reason": "bad release"},
    ):
        assert "restrictions not voided" in text_of(await reader.post(PAGE + "/voiding", data=chosen | wrong))
    done = await reader.post(PAGE + "/voiding", data=chosen | {"most": "3", "reason": "release 1 was broken"})
    assert done.headers["location"] == PAGE + "?voided=3"
    assert "3 restrictions were voided." in text_of(await reader.get(done.headers["location"]))
    line = await world.value(db, "select actor from kit.audit where action = 'restrictions.void'")
    assert line == str(lin.actor)


@pytest.mark.parametrize(
    "query", ["since=x", "until=2026-99-99", "release=" + "x" * 300, "since=0001-01-01T00:00", "voided=x"]
)
async def test_strange_choices_are_explained(reader: httpx2.AsyncClient, lin: staff.Colleague, query: str) -> None:
    assert (await reader.get(f"{PAGE}?{query}")).status_code in (200, 422)


async def test_an_open_breaker_shows_its_evidence_and_is_closed_with_a_reason(
    db: Db, reader: httpx2.AsyncClient, lin: staff.Colleague
) -> None:
    await db.run(breaker.trip, Method.CODE, breaker.FAILS, {"tries": 200, "successes": 3})
    said = text_of(await reader.get(PAGE))
    assert "breaker open" in said
    assert "it fails for everybody" in said
    assert "tries 200" in said
    path = f"{PAGE}/breakers/code/closing"
    assert (await reader.post(path, data={"reason": ""})).status_code == 422
    assert (await reader.post(path, data={"reason": "it is an attack"})).status_code == 303
    assert not await db.read(breaker.is_open, Method.CODE)
    assert (await reader.post(path, data={"reason": "it is an attack"})).status_code == 409
    assert (await reader.post(f"{PAGE}/breakers/nothing/closing", data={"reason": "test test"})).status_code == 404


async def test_support_may_look_and_not_act(db: Db, reader: httpx2.AsyncClient) -> None:
    mei = await staff.colleague(db, "support")
    reader.cookies.set(access.COOKIE, mei.token)
    page = await reader.get(PAGE, params={"release": holdfast.__version__})
    assert page.status_code == 200
    assert "/voiding" not in page.text
    assert (await reader.post(PAGE + "/voiding", data={"most": "1", "reason": "test test"})).status_code == 403
    assert (await reader.post(f"{PAGE}/breakers/code/closing", data={"reason": "test"})).status_code == 403


async def test_a_colleague_adds_a_passkey_and_signs_in_with_it(
    db: Db, reader: httpx2.AsyncClient, lin: staff.Colleague
) -> None:
    phone, path = Authenticator(), "/console/account/passkeys"
    asked = await reader.get(path)
    is_well_made(asked.text)
    answer = phone.create(options_of(asked, path))
    wrong = await reader.post(path, data={"answer": answer, "name": "laptop", "code": "1"})
    assert wrong.status_code == 422
    added = await reader.post(path, data={"answer": answer, "name": "laptop", "code": staff.next_code(lin)})
    assert added.headers["location"] == "/console/account"
    assert "laptop" in text_of(await reader.get("/console/account"))
    reader.cookies.clear()
    door = await reader.get("/console/session")
    entered = await reader.post(
        "/console/session/passkey",
        data={"answer": phone.get(options_of(door, "/console/session/passkey")), "next": "/console/account"},
    )
    assert entered.headers["location"] == "/console/account"
    assert (await reader.get("/console/account")).status_code == 200
    [kept] = await db.read(accounts.staff_passkeys, lin.id)
    assert (await reader.post(f"{path}/{kept.id}/removal")).status_code == 303
    assert (await reader.post(f"{path}/x/removal")).status_code == 404
    reader.cookies.clear()
    refused = await reader.post("/console/session/passkey", data={"answer": "{}"})
    assert refused.status_code == 401
