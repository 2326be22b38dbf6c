"""The OpenAPI document: it describes all there is, and what it describes is true."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import hypothesis
import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.python import asgi
from starlette.applications import Starlette

from holdfast import accounts, api, orders
from holdfast.api import openapi
from holdfast.api.endpoint import problems_of
from holdfast.kit.db import Db
from tests import world
from tests.conftest import clone

DOCUMENT = json.loads(openapi.document(api.endpoints()))
EXAMPLES_PER_ENDPOINT = 12
TRUTHS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
]
checks.load_all_checks()


def operations():
    """Every method of every path."""
    return [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


def references(value):
    """Every $ref below a value."""
    if isinstance(value, dict):
        return {value["$ref"]} if "$ref" in value else set().union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_every_endpoint_is_described_with_its_problems():
    assert len(operations()) == len(api.endpoints())
    for endpoint in api.endpoints():
        described = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
        assert described["description"], endpoint.name
        assert bool(described["security"]) == (endpoint.who != "anyone")
        assert ("Idempotency-Key" in [parameter["name"] for parameter in described["parameters"]]) == endpoint.needs_key
        for found in problems_of(endpoint):
            examples = described["responses"][str(found.status)]["content"]["application/problem+json"]["examples"]
            assert examples[found.code]["value"]["title"] == found.title


def test_operations_have_names_of_their_own():
    names = [DOCUMENT["paths"][path][method]["operationId"] for path, method in operations()]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere_and_every_schema_is_one():
    schemas = DOCUMENT["components"]["schemas"]
    assert references(DOCUMENT) == {f"#/components/schemas/{name}" for name in schemas}
    for schema in schemas.values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_every_body_has_an_example_that_fits():
    for endpoint in api.endpoints():
        assert (endpoint.example is not None) == (endpoint.body is not None), endpoint.name
        if endpoint.body:
            msgspec.json.decode(msgspec.json.encode(endpoint.example), type=endpoint.body)


@pytest.fixture(scope="module")
def running(server, template):
    """The API with a database of its own, opened in the event loop that schemathesis keeps; and who is signed in there."""

    @asynccontextmanager
    async def lifespan(app):
        db = await Db(url, size=4).open()
        app.state.db = db
        app.state.place = orders.group_commit(db, lanes=2)
        app.state.doorkeeper = accounts.Doorkeeper(db)
        app.state.owner, app.state.leaver = await world.traveller(db), await world.traveller(db)
        yield
        await db.close()

    with clone(server, template) as url:
        yield Starlette(routes=api.routes, lifespan=lifespan)
        asgi.shutdown_lifespans()


@pytest.mark.parametrize(("path", "method"), operations())
def test_whatever_is_sent_the_answer_is_one_the_document_describes(running, path, method):
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", running)
    operation = schema[path][method]
    person = running.state.leaver if method == "delete" else running.state.owner
    truths = checks.CHECKS.get_by_names(TRUTHS)
    cases = st.one_of(operation.as_strategy(mode) for mode in GenerationMode)

    @hypothesis.seed(20261122)
    @hypothesis.settings(
        max_examples=EXAMPLES_PER_ENDPOINT, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(cases)
    def search(case):
        case.call_and_validate(headers={"Authorization": f"Bearer {person.token}"}, checks=truths)

    search()
