"""Who may do what: every endpoint of the table, asked by nobody, by the owner, by another traveller, by programs of staff."""

from __future__ import annotations

import dataclasses

import httpx2
import msgspec
import pytest

from holdfast import accounts, api
from holdfast.api import openapi
from holdfast.api.endpoint import Call, Endpoint, problems_of, routes_of
from tests import staff, world

from .conftest import bearer, book, mounted, order_body, problem

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(shared):
    """These tests share a database: none of them disturbs another."""
    return shared


class Whose(msgspec.Struct):
    """Who a program acts for."""

    actor: str
    login: str


async def whose(call: Call) -> Whose:
    """Who answers for the token."""
    return Whose(str(call.actor), call.staff.login)


FOR_FINANCE = Endpoint(
    method="GET", path="/api/v1/test/staff/{number}", name="test-staff", summary="For programs of finance or support",
    who=("finance", "support"), answer=Whose, handler=whose,
)  # fmt: skip
"""An endpoint of these tests alone, so that the rule is tested whatever the table holds."""
ALL = api.endpoints()
FOR_STAFF = [*(endpoint for endpoint in ALL if endpoint.roles), FOR_FINANCE]
GUARDED = [endpoint for endpoint in ALL if endpoint.who == "traveller"]
OPEN = [endpoint for endpoint in ALL if endpoint.who == "anyone"]
OF_ONE_ORDER = [endpoint for endpoint in GUARDED if "{number}" in endpoint.path]


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


@pytest.fixture
async def app(db):
    """The API and the endpoint of these tests."""
    made = mounted(db)
    made.router.routes[:0] = routes_of([FOR_FINANCE])
    return made


@pytest.fixture(scope="module")
async def programs(shared):
    """A program's token for each role, of a colleague who has that role alone."""
    people = {role.value: await staff.colleague(shared, role.value) for role in accounts.Role}
    return {role: await staff.api_token(shared, person, role) for role, person in people.items()}


def test_the_table_says_who_may_do_what():
    """Read this list when it changes: it is what strangers can reach."""
    assert sorted(label(endpoint) for endpoint in OPEN) == [
        "GET /.well-known/holdfast-ticket-keys.json",
        "GET /api/v1/card-offers",
        "GET /api/v1/cases/{case}",
        "GET /api/v1/cities",
        "GET /api/v1/messages/positions",
        "GET /api/v1/openapi.json",
        "GET /api/v1/ticket-keys",
        "GET /api/v1/venues",
        "GET /api/v1/venues/{venue_id}",
        "GET /api/v1/venues/{venue_id}/calendar",
        "GET /api/v1/venues/{venue_id}/slots",
        "POST /api/v1/cases",
        "POST /api/v1/cases/codes",
        "POST /api/v1/codes",
        "POST /api/v1/gate/devices",
        "POST /api/v1/lookups",
        "POST /api/v1/messages/check",
        "POST /api/v1/sessions",
    ]


@pytest.mark.parametrize("endpoint", GUARDED, ids=label)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic bWVpOg=="}])
async def test_nobody_gets_nothing_that_is_someones(client, db, endpoint, headers):
    answer = await ask(client, endpoint, headers)
    problem(answer, 401, "sign-in-needed")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("endpoint", [one for one in ALL if one.who == "gate"], ids=label)
async def test_what_is_for_gates_needs_the_token_of_a_device(client, db, endpoint):
    mei = await world.traveller(db)
    for headers in ({}, {"Authorization": "Bearer hfg_nonsense"}, bearer(mei)):
        problem(await ask(client, endpoint, headers), 401, "gate-sign-in-needed")


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
        "POST promise": (409, "not-payable"),
        "POST change": (404, "slot-unknown"),
        "DELETE change": (404, "change-unknown"),
        "POST change-payment": (404, "change-unknown"),
        "GET change-payment-ways": (404, "change-unknown"),
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


# Programs of staff


@pytest.mark.parametrize("endpoint", FOR_STAFF, ids=label)
async def test_strangers_and_travellers_get_nothing_that_is_for_staff(client, db, endpoint):
    mei, lin = await world.traveller(db), await staff.colleague(db, *endpoint.roles)
    for headers in (
        {}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Bearer hfs_nonsense"}, {"Authorization": "Basic bWVpOg=="},
        bearer(mei), {"Authorization": f"Bearer {lin.token}"}, {"Cookie": f"hf_staff={lin.token}"},
    ):  # fmt: skip
        answer = await ask(client, endpoint, headers)
        problem(answer, 401, "staff-sign-in-needed")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("role", [role.value for role in accounts.Role])
@pytest.mark.parametrize("endpoint", FOR_STAFF, ids=label)
async def test_a_program_needs_one_of_the_roles(client, db, programs, endpoint, role):
    answer = await ask(client, endpoint, {"Authorization": f"Bearer {programs[role]}"})
    if role in endpoint.roles:
        assert answer.status_code not in (401, 403), answer.text
        assert answer.status_code < 500, answer.text
    else:
        assert problem(answer, 403, "role-missing")["roles"] == list(endpoint.roles)


@pytest.mark.parametrize("endpoint", GUARDED, ids=label)
async def test_a_program_of_staff_is_no_traveller(client, db, programs, endpoint):
    problem(await ask(client, endpoint, {"Authorization": f"Bearer {programs['engineer']}"}), 401, "sign-in-needed")


async def test_an_act_of_a_program_is_its_owners(client, db):
    lin = await staff.colleague(db, "finance")
    token = await staff.api_token(db, lin, "finance")
    answer = await ask(client, FOR_FINANCE, {"Authorization": f"Bearer {token}"})
    assert answer.json() == {"actor": f"staff:{lin.id}", "login": lin.login}
    await db.run(accounts.disable_staff, staff.TEST, lin.id, reason="left")
    problem(await ask(client, FOR_FINANCE, {"Authorization": f"Bearer {token}"}), 401, "staff-sign-in-needed")


def test_an_endpoint_for_a_role_that_does_not_exist_is_refused():
    for roles in (("boss",), (), ("finance", "boss")):
        with pytest.raises(ValueError, match="roles of staff"):
            dataclasses.replace(FOR_FINANCE, who=roles)


def test_the_description_names_the_token_and_the_roles():
    described = openapi.document((FOR_FINANCE,))
    document = msgspec.json.decode(described)
    operation = document["paths"][FOR_FINANCE.path]["get"]
    assert operation["security"] == [{"staff": ["finance"]}, {"staff": ["support"]}]
    assert document["components"]["securitySchemes"]["staff"]["scheme"] == "bearer"
    assert {accounts.StaffSignInNeeded, accounts.RoleMissing} <= set(problems_of(FOR_FINANCE))
