"""Every address of the program, asked over HTTP by every kind of asker, gives what the table says; and nothing is missing from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2
import msgspec
import pytest
from starlette.routing import Route

from holdfast import api, octo, web
from holdfast.kit.db import Db
from tests import world

from . import cast
from .asking import as_colleague, as_traveller
from .cast import Crew, Owner
from .table import COLLEAGUES, CONSOLE, TRAVELLERS, VISITORS, Row, rows

pytestmark = pytest.mark.anyio
PAGES, DESKS = rows(VISITORS, TRAVELLERS), rows(COLLEAGUES, CONSOLE)
THEIRS = ("owner", "member", "stale", "link")
STRANGERS = ("nobody", "other", "wrong", "staff")


def served() -> Iterator[tuple[str, str]]:
    """Method and path of everything the program serves."""
    endpoints = {(endpoint.method, endpoint.path) for endpoint in api.endpoints()}
    endpoints |= {(one.method, f"{octo.ROOT}{one.path}{slash}") for one in octo.operations() for slash in ("", "/")}
    yield from endpoints
    paths = {path for _method, path in endpoints}
    for route in cast.built().app._site.routes:
        assert isinstance(route, Route), (
            f"{route}: what is mounted is not in the table: teach this test to look into it"
        )
        if route.path not in paths:
            yield from ((method, route.path) for method in (route.methods or {"GET", "POST"}) - {"HEAD"})


def label(row: Row) -> str:
    return f"{row.method} {row.path}"


@pytest.fixture(scope="module")
async def ground(shared: Db) -> tuple[Crew, Owner]:
    """Those who ask without changing anything, and what they ask about."""
    return await cast.crew(shared), await cast.owner(shared)


@pytest.fixture
async def client(shared: Db) -> AsyncIterator[httpx2.AsyncClient]:
    app, _site = cast.program(shared)
    async with cast.client_of(app) as opened:
        yield opened


def test_no_address_is_missing_and_none_is_stale() -> None:
    """A new route needs a line: say who may, then run this file, which shows what it found."""
    written = [(row.method, row.path) for row in (*PAGES, *DESKS)]
    assert len(written) == len(set(written))
    assert sorted(set(served()) - set(written)) == []
    assert sorted(set(written) - set(served())) == []


def test_every_page_of_the_site_is_in_the_program() -> None:
    known = {path for _method, path in served()}
    assert {route.path for route in [*web.routes, *api.routes] if isinstance(route, Route)} <= known


def test_what_is_for_colleagues_is_in_their_table() -> None:
    for row in PAGES:
        endpoint = cast.ENDPOINTS.get((row.method, row.path))
        assert not row.path.startswith("/console"), row.path
        assert endpoint is None or not endpoint.roles, row.path


@pytest.mark.parametrize("row", PAGES, ids=label)
async def test_travellers_get_what_the_table_says(
    shared: Db, client: httpx2.AsyncClient, ground: tuple[Crew, Owner], row: Row
) -> None:
    """What strangers send changes nothing of what the owner has, whatever they are answered."""
    crew, mine = ground
    if row.method != "GET" or "proof" in row.expected.values():  # a proof is good for minutes only
        mine = await cast.owner(shared)
        crew = msgspec.structs.replace(crew, other=await world.traveller(shared))
    before = await cast.belongings(shared, mine)
    found = {}
    for who in sorted(row.expected, key=lambda one: one in THEIRS):
        if row.method != "GET" and who in THEIRS:
            mine = await cast.owner(shared)
        found[who] = await as_traveller(client, who, row.method, row.path, mine, crew)
        if who in STRANGERS and row.method != "GET":
            assert await cast.belongings(shared, mine) == before, f"{who} changed what is the owner's"
    assert row.with_outcomes(found) == row.with_outcomes(row.expected)


@pytest.mark.parametrize("row", DESKS, ids=label)
async def test_colleagues_get_what_the_table_says(
    shared: Db, client: httpx2.AsyncClient, ground: tuple[Crew, Owner], row: Row
) -> None:
    crew, mine = ground
    if row.method != "GET":
        mine = await cast.owner(shared)
    if row.path.endswith("sessions/end") or row.path.endswith("session/end"):
        crew = await cast.crew(shared)
    found = {who: await as_colleague(client, who, row.method, row.path, mine, crew) for who in row.expected}
    assert row.with_outcomes(found) == row.with_outcomes(row.expected)


async def test_a_colleague_is_nobody_to_travellers_pages_and_a_traveller_nobody_at_the_console() -> None:
    """The table itself is held to this, so that nobody writes down an exception in passing."""
    for row in PAGES:
        assert row.expected["staff"] == row.expected["nobody"], label(row)
    for row in DESKS:
        assert row.expected["traveller"] == row.expected["nobody"], label(row)


async def test_a_member_may_what_the_owner_may() -> None:
    """One person is one person, whichever of their accounts they signed in to; but for what belongs to one account alone."""
    of_one_account = {("POST", "/account/confirm/code")}
    for row in PAGES:
        if (row.method, row.path) not in of_one_account:
            assert row.expected["member"] == row.expected["owner"], label(row)
