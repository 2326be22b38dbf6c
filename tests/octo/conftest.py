"""The OCTO surface mounted as the program mounts it, and resellers that ask it over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from holdfast import octo, partners
from holdfast.kit import actor, jobs
from holdfast.kit.db import Db
from tests import invariants, world

from . import specification

TEST = actor.system("test")
_numbers = itertools.count(1)
PATHS = {
    "supplier": "/supplier/", "products": "/products/", "availability": "/availability/",
    "availability/calendar": "/availability/calendar", "bookings": "/bookings/", "capabilities": "/capabilities/",
}  # fmt: skip


def mounted(db: Db) -> Starlette:
    app = Starlette(routes=octo.routes)
    app.state.db = db
    return app


class Reseller:
    """A partner's program: it asks, and holds every answer against the document of the standard."""

    def __init__(self, client: httpx2.AsyncClient, db: Db, partner_id: str, token: str) -> None:
        self.client, self.db, self.partner_id, self.token = client, db, partner_id, token
        self.headers = {"Authorization": f"Bearer {token}", "Octo-Capabilities": ""}

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            return await self.client.request(method, f"/octo/{path}", json=body, headers=given)
        return await self.client.request(method, f"/octo/{path}", headers=given)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What was answered with 200, in the form that the document says."""
        answer = await self.send(method, path, body, **headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert "octo-capabilities" in answer.headers
        specification.validate(method.lower(), written(path), 200, answer.json())
        return answer.json()

    async def refused(self, code: str, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """The error, in the form that the document says, where it names this error for this operation."""
        answer = await self.send(method, path, body, **headers)
        assert answer.status_code == 400, (answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/json"
        found: dict[str, Any] = answer.json()
        assert found["error"] == code, found
        assert found["errorMessage"]
        if schema(code) in specification.error_codes(method.lower(), written(path)):
            specification.validate(method.lower(), written(path), 400, found)
        return found

    async def availability(self, slot: world.SlotWorld, **more: Any) -> dict[str, Any]:
        """The one availability of a slot's day that begins when the slot does."""
        local = slot.starts_at.astimezone(world.ZONE)
        body = {"productId": slot.product_id, "optionId": "DEFAULT", "localDate": local.date().isoformat(), **more}
        found = await self.ask("POST", "availability", body)
        return next(one for one in found if one["allDay"] or one["localDateTimeStart"] == local.isoformat())

    async def wish(self, slot: world.SlotWorld, people: int = 1, **more: Any) -> dict[str, Any]:
        """The body of a reservation."""
        one = await self.availability(slot)
        return {
            "productId": slot.product_id, "optionId": "DEFAULT", "availabilityId": one["id"],
            "unitItems": [{"unitId": "adult"} for _ in range(people)], **more,
        }  # fmt: skip

    async def reserve(self, slot: world.SlotWorld, people: int = 1, **more: Any) -> Any:
        return await self.ask("POST", "bookings", await self.wish(slot, people, **more))

    async def book(self, slot: world.SlotWorld, people: int = 1, **more: Any) -> Any:
        held = await self.reserve(slot, people, **more)
        return await self.ask("POST", f"bookings/{held['uuid']}/confirm", {"contact": {}})

    async def terms(self, **changes: Any) -> None:
        """Other terms from now on."""
        now = await self.db.read(partners.limits.terms_of, self.partner_id)
        terms = msgspec.structs.replace(now, **changes)
        await self.db.run(partners.limits.set_terms, TEST, self.partner_id, terms, reason="test")

    async def owed(self, currency: str = "CNY") -> int:
        return await self.db.read(partners.statements.owed_minor, self.partner_id, currency)


def written(path: str) -> str:
    """A path as the document writes it."""
    parts = path.partition("?")[0].strip("/").split("/")
    if parts[0] == "products" and len(parts) == 2:
        return "/products/{id}"
    if parts[0] == "bookings" and len(parts) > 1:
        return "/".join(["", "bookings", "{uuid}", *parts[2:]])
    return PATHS["/".join(parts)]


def schema(code: str) -> str:
    """The schema of an error's code."""
    return "Error" + "".join(part if part in ("ID", "UUID") else part.capitalize() for part in code.split("_"))


async def partner_of(db: Db) -> tuple[str, str]:
    """A new partner and the secret of its program."""
    partner_id = f"reseller-{next(_numbers)}"
    await db.run(partners.register, TEST, partner_id=partner_id, name={"en": f"Reseller {partner_id}"})
    _token, secret = await db.run(partners.make_token, TEST, partner_id, name="their program")
    return partner_id, secret


@pytest.fixture
async def client(db: Db) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=mounted(db))
    async with httpx2.AsyncClient(transport=transport, base_url="http://holdfast.test") as client:
        yield client


@pytest.fixture
async def reseller(db: Db, client: httpx2.AsyncClient) -> AsyncIterator[Reseller]:
    """A partner on the usual terms; afterwards all that was promised to everybody holds."""
    yield Reseller(client, db, *await partner_of(db))
    await jobs.drain(db)
    await invariants.require(db)


@pytest.fixture
async def slot(db: Db) -> world.SlotWorld:
    """Ten places that ask for no names, the day after tomorrow."""
    return await world.open_slot(db, places=10, real_name=False, once_per_document=False, starts_in=timedelta(days=2))


def fresh_uuid() -> str:
    return str(uuid4())
