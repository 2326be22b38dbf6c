"""Every address for partners' programs, asked by the one whose booking it is, by another, and with keys that are over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import msgspec
import pytest

from holdfast import octo, partners
from holdfast.kit import actor
from holdfast.kit.db import Db, Tx
from tests import world

from . import cast
from .table import OF_PARTNERS, PARTNERS, Row, rows

pytestmark = pytest.mark.anyio
TEST = actor.system("test")
TABLE = rows(PARTNERS, OF_PARTNERS)


class Programs(msgspec.Struct, frozen=True):
    """The secret of each asker, and what the owner has booked."""

    secrets: dict[str, str]
    product_id: str
    uuid: str


async def _partner(tx: Tx, name: str) -> str:
    partner_id = f"{name}-{uuid4().hex[:8]}"
    await partners.register(tx, TEST, partner_id=partner_id, name={"en": name})
    token, secret = await partners.make_token(tx, TEST, partner_id, name="their program")
    if name == "ended":
        await partners.end_token(tx, TEST, partner_id, token.id, reason="test")
    if name == "disabled":
        await partners.disable(tx, TEST, partner_id, reason="test")
    return secret


async def programs(db: Db, client: httpx2.AsyncClient) -> Programs:
    """New with every call: the owner has one booking that is held."""
    secrets = {name: await db.run(_partner, name) for name in PARTNERS}
    slot = await world.open_slot(db, real_name=False, once_per_document=False, starts_in=timedelta(days=2))
    bearer = {"Authorization": f"Bearer {secrets['owner']}"}
    day = slot.starts_at.astimezone(world.ZONE).date().isoformat()
    asked = {"productId": slot.product_id, "optionId": "DEFAULT", "localDate": day}
    [found] = (await client.post("/octo/availability", json=asked, headers=bearer)).json()
    wish = {"productId": slot.product_id, "optionId": "DEFAULT", "availabilityId": found["id"], "unitItems": [{"unitId": "adult"}]}  # fmt: skip
    held = (await client.post("/octo/bookings", json=wish, headers=bearer)).json()
    assert held["status"] == "ON_HOLD", held
    return Programs(secrets, slot.product_id, held["uuid"])


def meaning(answer: httpx2.Response) -> str:
    """The words of the table. A booking of somebody else is one that does not exist."""
    found: Any = answer.json()
    code = found.get("error") if answer.status_code == 400 and isinstance(found, dict) else None
    if answer.status_code == 401 or code == "UNAUTHORIZED":
        return "in"
    if code == "FORBIDDEN":
        return "in" if "API key" in found["errorMessage"] else "no"
    if code in ("INVALID_BOOKING_UUID", "INVALID_PRODUCT_ID"):
        return "404"
    return "ok" if answer.status_code < 500 else str(answer.status_code)


async def _ask(client: httpx2.AsyncClient, row: Row, secret: str, own: Programs) -> str:
    address = row.path.replace("{uuid}", own.uuid).replace("{id}", own.product_id)
    endpoint = cast.ENDPOINTS.get((row.method, row.path))
    body: Any = {"productId": own.product_id, "optionId": "DEFAULT"} if row.method == "POST" else {}
    if endpoint is not None:
        body = endpoint.example
    elif "/bookings/" in address:
        body = {"contact": {}}
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": uuid4().hex}
    content = None if row.method == "GET" else body
    return meaning(await client.request(row.method, address, json=content, headers=headers))


def test_no_address_for_partners_is_missing_and_none_is_stale() -> None:
    served = {(one.method, f"{octo.ROOT}{one.path}") for one in octo.operations()}
    served |= {at for at, endpoint in cast.ENDPOINTS.items() if endpoint.who == "partner"}
    assert {(row.method, row.path) for row in TABLE} == served


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}")
async def test_partners_get_what_the_table_says(shared: Db, row: Row) -> None:
    """What others send leaves the owner's booking as it was."""
    app, _site = cast.program(shared)
    async with cast.client_of(app) as client:
        own = await programs(shared, client)
        bearer = {"Authorization": f"Bearer {own.secrets['owner']}"}
        before = (await client.get(f"/octo/bookings/{own.uuid}", headers=bearer)).json()
        found = {}
        for who in reversed(PARTNERS):
            if who == "owner":
                assert (await client.get(f"/octo/bookings/{own.uuid}", headers=bearer)).json() == before
            found[who] = await _ask(client, row, own.secrets[who], own)
    assert row.with_outcomes(found) == row.with_outcomes(row.expected)
