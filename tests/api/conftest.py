"""The API mounted as the program mounts it, a client for it, and what a test asks of every problem."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from structlog.processors import format_exc_info
from structlog.testing import capture_logs

from holdfast import accounts, api, orders
from holdfast.kit.db import Db
from tests import world

ORDERS = "/api/v1/orders"


def mounted(db: Db) -> Starlette:
    """An application that holds the API and the state it needs."""
    app = Starlette(routes=api.routes)
    app.state.db = db
    app.state.place = orders.group_commit(db, lanes=2)
    app.state.doorkeeper = accounts.Doorkeeper(db)
    return app


@asynccontextmanager
async def client_of(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, client=("192.0.2.7", 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://holdfast.test") as client:
        yield client


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged from here on, with tracebacks as they are printed, wherever this process was told to write it."""
    with capture_logs(processors=[format_exc_info]) as entries:
        yield entries


@pytest.fixture
async def app(db: Db) -> Starlette:
    return mounted(db)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody with no session who reads English."""
    async with client_of(app) as client:
        client.headers["Accept-Language"] = "en"
        yield client


def bearer(person: world.Person) -> dict[str, str]:
    """The header of somebody who is signed in."""
    return {"Authorization": f"Bearer {person.token}"}


def order_body(slot: world.SlotWorld, people: int = 1, **changes: Any) -> dict[str, Any]:
    """A booking for new visitors."""
    visitors = [world.visitor() for _ in range(people)]
    line = {
        "slot_id": str(slot.slot_id),
        "price_id": slot.price_id,
        "quantity": people,
        "travellers": [
            {"name": one.name, "document_type": one.document_type, "document": one.document} for one in visitors
        ],
    }
    return {"lines": [line], "phone": world.phone_number(), "locale": "en", **changes}


async def book(
    client: httpx2.AsyncClient, person: world.Person, body: dict[str, Any], key: str | None = None
) -> httpx2.Response:
    """A booking under a new key unless one is given."""
    return await client.post(
        ORDERS, json=body, headers={**bearer(person), "Idempotency-Key": key or world.phone_number()}
    )


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The problem an answer is; an AssertionError when it is another, or not in the form of RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["type"].endswith(f"/problems/{code}")
    assert body["title"]
    assert body["instance"].startswith("/")
    for error in body.get("errors", []):
        assert set(error["message"]) == {"zh", "en"}, error
        assert all(error["message"].values())
        assert error["code"]
    return body


def fields(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong where."""
    return [(error["field"], error["code"]) for error in answer["errors"]]
