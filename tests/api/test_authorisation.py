"""Who may do what: every endpoint of the table, asked by nobody, by the owner and by another traveller."""

from __future__ import annotations

import httpx2
import pytest

from holdfast import api
from tests import world

from .conftest import bearer, book, order_body, problem

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(shared):
    """These tests share a database: none of them disturbs another."""
    return shared


ALL = api.endpoints()
GUARDED = [endpoint for endpoint in ALL if endpoint.who == "traveller"]
OPEN = [endpoint for endpoint in ALL if endpoint.who == "anyone"]
OF_ONE_ORDER = [endpoint for endpoint in ALL if "{number}" in endpoint.path]


def label(endpoint: api.Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


async def ask(
    client: httpx2.AsyncClient, endpoint: api.Endpoint, headers: dict[str, str], number: str = "7K3QF90XMA"
) -> httpx2.Response:
    """A request in good form, as far as the table knows it."""
    known = {"number": number, "venue_id": "no-such-venue"}
    address = endpoint.path.format(**{name: known.get(name, "no-such-thing") for name in endpoint.parameters})
    query = {"venue-calendar": {"month": "2026-12"}, "slots": {"date": "2026-12-01"}}.get(endpoint.name, {})
    return await client.request(
        endpoint.method, address, params=query, json=endpoint.example, headers={"Idempotency-Key": "k", **headers}
    )


def test_the_table_says_who_may_do_what():
    """Read this list when it changes: it is what strangers can reach."""
    assert sorted(label(endpoint) for endpoint in OPEN) == [
        "GET /.well-known/holdfast-ticket-keys.json",
        "GET /api/v1/cases/{case}",
        "GET /api/v1/cities",
        "GET /api/v1/openapi.json",
        "GET /api/v1/ticket-keys",
        "GET /api/v1/venues",
        "GET /api/v1/venues/{venue_id}",
        "GET /api/v1/venues/{venue_id}/calendar",
        "GET /api/v1/venues/{venue_id}/slots",
        "POST /api/v1/cases",
        "POST /api/v1/cases/codes",
        "POST /api/v1/codes",
        "POST /api/v1/lookups",
        "POST /api/v1/sessions",
    ]


@pytest.mark.parametrize("endpoint", GUARDED, ids=label)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic bWVpOg=="}])
async def test_nobody_gets_nothing_that_is_someones(client, db, endpoint, headers):
    answer = await ask(client, endpoint, headers)
    problem(answer, 401, "sign-in-needed")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("endpoint", OPEN, ids=label)
async def test_strangers_reach_what_is_open(client, db, endpoint):
    answer = await ask(client, endpoint, {})
    assert answer.status_code not in (401, 403), answer.text
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("endpoint", OF_ONE_ORDER, ids=label)
async def test_an_order_is_there_for_its_owner_alone(client, db, endpoint):
    slot, mei, jun = await world.open_slot(db, price_minor=0), await world.traveller(db), await world.traveller(db)
    number = (await book(client, mei, order_body(slot))).json()["number"]
    problem(await ask(client, endpoint, bearer(jun), number), 404, "order-unknown")
    assert (await client.get(f"/api/v1/orders/{number}", headers=bearer(mei))).json()["state"] == "confirmed"
    answer = await ask(client, endpoint, bearer(mei), number)
    refused = {
        "POST payment": (409, "not-payable"),
        "POST change": (404, "slot-unknown"),
        "DELETE change": (404, "change-unknown"),
        "POST change-payment": (404, "change-unknown"),
        "POST invoices": (409, "nothing-to-invoice"),
    }
    if found := refused.get(f"{endpoint.method} {endpoint.name}"):
        problem(answer, *found)
    else:
        assert answer.status_code == endpoint.status, answer.text


@pytest.mark.parametrize("endpoint", OF_ONE_ORDER, ids=label)
async def test_an_order_that_never_was_looks_like_one_of_somebody_else(client, db, endpoint):
    mei = await world.traveller(db)
    for number in ("7K3QF90XMA", "nonsense", "0" * 300, "%00", "ﾊﾟ"):
        answer = await ask(client, endpoint, bearer(mei), number)
        problem(answer, 404, "endpoint-unknown" if number == "%00" else "order-unknown")


async def test_the_other_account_of_the_same_person_sees_the_order(client, db):
    slot, mei, again = await world.open_slot(db), await world.traveller(db), await world.traveller(db)
    number = (await book(client, mei, order_body(slot))).json()["number"]
    await world.same_person(db, mei, again)
    assert (await client.get(f"/api/v1/orders/{number}", headers=bearer(again))).status_code == 200
