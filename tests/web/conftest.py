"""The site mounted as the program mounts it, and somebody who opens its pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from holdfast import accounts, orders, payments, web
from holdfast.kit import settings
from holdfast.kit.db import Db
from holdfast.kit.problems import Problem
from tests import world
from tests.payments.conftest import SimulatorProcess, sim, simulator_process  # noqa: F401 - fixtures

HOST = "http://holdfast.test"
OURS = "http://127.0.0.1:9"
"""Where providers would call back: nobody listens there, so all news comes by asking."""


@pytest.fixture(scope="module")
def db(shared: Db) -> Db:
    """The tests of one module share a database: they do not disturb each other."""
    return shared


@pytest.fixture
async def its_own(database_url: str) -> AsyncIterator[Db]:
    """A database for one test alone."""
    opened = await Db(database_url, size=10).open()
    yield opened
    await opened.close()


@pytest.fixture
async def channels(sim: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatorProcess]:  # noqa: F811
    """The simulator as the provider of this test's payments."""
    monkeypatch.setenv("HOLDFAST_SIMULATOR_URL", sim.url)
    monkeypatch.setenv("HOLDFAST_BASE_URL", OURS)
    monkeypatch.setenv("HOLDFAST_PROVIDER_PATIENCE_S", "0.7")
    settings.current.cache_clear()
    yield sim
    await payments.close_channels()
    monkeypatch.undo()
    settings.current.cache_clear()


@pytest.fixture
def site(db: Db) -> Starlette:
    """The pages on this test's database."""
    app = Starlette(
        routes=web.routes,
        middleware=web.middleware,
        exception_handlers={Problem: web.problem_page, 404: web.missing_page, 405: web.missing_page},
    )
    app.state.db = db
    app.state.place = orders.group_commit(db, lanes=1)
    app.state.doorkeeper = accounts.Doorkeeper(db)
    return app


@pytest.fixture
async def reader(site: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody with a browser who reads English and is not signed in."""
    transport = httpx2.ASGITransport(app=site, client=("192.0.2.9", 40000))
    async with httpx2.AsyncClient(transport=transport, base_url=HOST, headers={"Accept-Language": "en"}) as client:
        yield client


def sign_in(reader: httpx2.AsyncClient, person: world.Person) -> None:
    """Gives the browser the person's session."""
    reader.cookies.set("hf_session", person.token)


def text_of(answer: httpx2.Response) -> str:
    """What one reads, without tags."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def checkout_url(slot: world.SlotWorld, tickets: int = 1) -> str:
    day = slot.starts_at.astimezone(world.ZONE).date()
    return f"/checkout?venue={slot.venue_id}&date={day}&slot={slot.slot_id}&price.{slot.price_id}={tickets}"


def hidden(answer: httpx2.Response, *, foot: bool = False) -> dict[str, str]:
    """The hidden fields of a page's own forms, or of the one at the foot of every page."""
    own, _foot, below = answer.text.partition("<footer")
    return {
        unescape(name): unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', below if foot else own)
    }


def person(at: int = 0, **changes: str) -> dict[str, str]:
    """The typed fields of one visitor."""
    prefix = f"lines[0].travellers[{at}]"
    visitor = world.visitor()
    typed: dict[str, Any] = {"name": visitor.name, "document_type": visitor.document_type, "document": visitor.document}
    return {f"{prefix}.{name}": value for name, value in (typed | changes).items()}
