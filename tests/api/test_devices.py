"""Identifiers and devices over the API."""

from __future__ import annotations

import pytest

from tests import world

from .conftest import bearer, problem

pytestmark = pytest.mark.anyio


async def test_identifiers_are_listed_and_never_in_full(client, db):
    mei = await world.traveller(db)
    [only] = (await client.get("/api/v1/identifiers", headers=bearer(mei))).json()["items"]
    assert (only["kind"], only["masked"]) == ("phone", f"139****{mei.phone[-4:]}")


async def test_a_device_is_seen_and_signed_out_by_its_owner_alone(client, db):
    mei, li = await world.traveller(db), await world.traveller(db)
    [mine] = (await client.get("/api/v1/devices", headers=bearer(mei))).json()["items"]
    assert (mine["current"], mine["device"], mine["methods"]) == (True, "test", ["code"])
    path = f"/api/v1/devices/{mine['id']}"
    problem(await client.delete(path, headers=bearer(li)), 404, "device-unknown")
    assert (await client.delete(path, headers=bearer(mei))).status_code == 204
    problem(await client.get("/api/v1/devices", headers=bearer(mei)), 401, "sign-in-needed")
