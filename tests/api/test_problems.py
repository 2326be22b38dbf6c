"""Problems: their form, their languages, and that nothing a client sends becomes a fault of ours."""

from __future__ import annotations

import json

import httpx2
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from holdfast import api
from holdfast.kit.db import Db
from holdfast.kit.problems import DatabaseUnavailable
from tests import world

from .conftest import ORDERS, bearer, client_of, fields, mounted, order_body, problem

pytestmark = pytest.mark.anyio


@pytest.fixture
def db(shared):
    """These tests share a database: none of them disturbs another."""
    return shared


@pytest.fixture
async def signed(client, db):
    """A client that is signed in and brings a key."""
    client.headers.update(bearer(await world.traveller(db)) | {"Idempotency-Key": "k"})
    return client


async def test_a_problem_speaks_the_language_asked_for(client):
    english = await client.get("/api/v1/session")
    assert english.headers["content-language"] == "en"
    body = problem(english, 401, "sign-in-needed")
    assert body["title"] == "Please sign in first."
    assert body["detail"].startswith("Nothing is lost by signing in. Sign in with the code")
    assert body["instance"] == "/api/v1/session"
    for wanted in ("zh-CN,en;q=0.5", "fr", "", "x" * 5000):
        chinese = await client.get("/api/v1/session", headers={"Accept-Language": wanted})
        assert chinese.headers["content-language"] == "zh"
        assert problem(chinese, 401, "sign-in-needed")["title"] == "请先登录。"


@pytest.mark.parametrize(
    ("raw", "at", "code"),
    [
        (b"", "", "JSON_ENDS_EARLY"),
        (b"{", "", "JSON_ENDS_EARLY"),
        (b"{]", "", "JSON_MALFORMED"),
        (b'{"phone": "a\x00b"}', "", "JSON_MALFORMED"),
        (b'{"phone": "\xff"}', "", "NOT_UTF8"),
        (b'{"phone": "\\ud800"}', "", "JSON_SURROGATE"),
        (b'{"phone": "\\udc00\\ud800"}', "", "JSON_SURROGATE"),
    ],
)
async def test_a_body_that_is_not_json_says_why(signed, raw, at, code):
    answer = await signed.post(ORDERS, content=raw, headers={"Content-Type": "application/json"})
    assert fields(problem(answer, 400, "body-not-json")) == [(at, code)]


@pytest.mark.parametrize(
    ("change", "at", "code"),
    [
        ({"phone": 13800138000}, "phone", "TYPE"),
        ({"phone": None}, "phone", "TYPE"),
        ({"lines": {}}, "lines", "TYPE"),
        ({"lines": [1]}, "lines[0]", "TYPE"),
        ({"locale": "fr"}, "locale", "CHOICE"),
        ({"note": "x"}, "note", "FIELD_UNKNOWN"),
        ({"é" * 9999: 1}, "é" * 100, "FIELD_UNKNOWN"),
        ({"a` - at `$." + "y" * 9999: 1}, "y" * 100 + ".a", "FIELD_UNKNOWN"),
        ({"slot_id": "x"}, "lines[0].slot_id", "UUID"),
        ({"price_id": ""}, "lines[0].price_id", "TOO_SHORT"),
        ({"price_id": "x" * 96}, "lines[0].price_id", "TOO_LONG"),
        ({"price_id": "a\0b"}, "lines[0].price_id", "NUL"),
        ({"quantity": "2"}, "lines[0].quantity", "TYPE"),
        ({"quantity": 1.5}, "lines[0].quantity", "TYPE"),
        ({"quoted_minor": -1}, "lines[0].quoted_minor", "TOO_SMALL"),
        ({"quoted_minor": 2**63}, "lines[0].quoted_minor", "TOO_LARGE"),
        ({"quoted": 1}, "lines[0].quoted", "FIELD_UNKNOWN"),
        ({"travellers": [{"name": "王小明"}]}, "lines[0].travellers[0].document_type", "FIELD_MISSING"),
    ],
)
async def test_a_body_of_another_shape_names_the_field(signed, db, change, at, code):
    body = order_body(await world.open_slot(db))
    [(name, value)] = change.items()
    into = body["lines"][0] if at.startswith("lines[0].") else body
    into[name] = value
    answer = problem(await signed.post(ORDERS, json=body), 422, "body-mismatch")
    assert fields(answer) == [(at, code)]


async def test_a_type_that_does_not_fit_is_told_in_both_languages(signed):
    answer = problem(await signed.post(ORDERS, json={"lines": "x", "phone": ""}), 422, "body-mismatch")
    assert answer["errors"][0]["message"] == {
        "zh": "此处应为列表，收到的是文字。",
        "en": "Give a list here; what came is text.",
    }


async def test_the_escape_of_an_escape_is_no_nul(signed, db):
    body = json.dumps(order_body(await world.open_slot(db))).replace("王", "x").encode()
    raw = body.replace(b'"quantity"', b'"price_id": "\\\\u0000", "quantity"')
    answer = await signed.post(ORDERS, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code != 500
    assert answer.json()["code"] != "body-not-json"


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "application/json; charset=gbk"],
)
async def test_another_content_type_is_refused(signed, kind):
    answer = await signed.post(ORDERS, content=b"{}", headers={"Content-Type": kind})
    problem(answer, 415, "content-type-unknown")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
async def test_json_may_name_its_charset(signed, kind):
    answer = await signed.post(ORDERS, content=b"{}", headers={"Content-Type": kind})
    problem(answer, 422, "body-mismatch")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(signed):
    problem(await signed.post(ORDERS, content=b" " * (256 * 1024 + 1)), 413, "body-too-large")

    async def endless():
        for _ in range(100):
            yield b" " * 8192

    problem(await signed.post(ORDERS, content=endless()), 413, "body-too-large")


async def test_a_body_in_pieces_is_one_body(signed, db):
    raw = json.dumps(order_body(await world.open_slot(db))).encode()

    async def pieces():
        for at in range(0, len(raw), 7):
            yield raw[at : at + 7]

    headers = {"Content-Type": "application/json", "Idempotency-Key": "pieces"}
    assert (await signed.post(ORDERS, content=pieces(), headers=headers)).status_code == 201


async def test_who_hangs_up_gets_no_answer_and_makes_no_fault(app, client, db, logged):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    for path in ("/api/v1/lookups", "/webhooks/wechatpay"):
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": [], "app": app}
        await app(scope, receive, send)
    assert not sent
    assert "unexpected" not in str(logged)


@pytest.mark.parametrize(
    ("address", "at", "code"),
    [
        ("/api/v1/venues?town=x", "town", "FIELD_UNKNOWN"),
        ("/api/v1/venues?people=0&date=2026-12-01", "people", "TOO_SMALL"),
        ("/api/v1/venues?people=51", "people", "TOO_LARGE"),
        ("/api/v1/venues?people=x", "people", "TYPE"),
        ("/api/v1/venues?date=tomorrow", "date", "DATE"),
        ("/api/v1/venues?date=9999-12-31", "date", "DATE"),
        ("/api/v1/venues?text=a%00b", "text", "NUL"),
        ("/api/v1/venues?text=a&text=b", "text", "REPEATED"),
        ("/api/v1/venues?text=" + "x" * 201, "text", "TOO_LONG"),
        ("/api/v1/venues?" + "&".join(f"a{n}=1" for n in range(60)), "", "TOO_MANY"),
        ("/api/v1/venues/x/calendar", "month", "FIELD_MISSING"),
        ("/api/v1/venues/x/calendar?month=2026-13", "month", "MONTH"),
        ("/api/v1/venues/x/calendar?month=9999-12", "month", "MONTH"),
        ("/api/v1/venues/x/slots?date=2026-02-30", "date", "DATE"),
    ],
)
async def test_a_query_that_does_not_fit_names_the_parameter(client, address, at, code):
    answer = problem(await client.get(address), 422, "query-mismatch")
    assert fields(answer) == [(at, code)]


@pytest.mark.parametrize(
    "address", ["/api/", "/api/v2/orders", "/api/v1/orders/", "/api/v1/nothing", "/api/v1/venues/a%00b"]
)
async def test_an_address_that_is_none_is_a_problem_too(client, address):
    problem(await client.get(address), 404, "endpoint-unknown")


async def test_a_method_that_does_not_fit_names_those_that_do(client):
    answer = await client.put(ORDERS)
    assert problem(answer, 405, "method-not-allowed")["allow"] == ["GET", "HEAD", "POST"]
    assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_head_is_get_without_its_body(client):
    whole = await client.get("/api/v1/openapi.json")
    head = await client.head("/api/v1/openapi.json")
    assert head.content == b""
    assert head.headers["content-length"] == whole.headers["content-length"]


async def test_what_nobody_foresaw_is_a_problem_with_its_request_id(app, client, db, logged):
    async def broken(request):
        raise RuntimeError("secret")

    app.state.place = broken
    mei, slot = await world.traveller(db), await world.open_slot(db)
    answer = await client.post(ORDERS, json=order_body(slot), headers=bearer(mei) | {"Idempotency-Key": "k"})
    body = problem(answer, 500, "internal-fault")
    assert "request_id" in body
    assert "secret" not in answer.text
    assert "RuntimeError: secret" in str(logged)


async def test_an_absent_database_is_told_and_when_to_come_back():
    absent = await Db("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1", size=1).open()
    absent._pool.timeout = 0.3
    try:
        async with client_of(mounted(absent)) as client:
            answer = await client.get("/api/v1/cities")
    finally:
        await absent.close()
    problem(answer, 503, "database-unavailable")
    assert answer.headers["retry-after"] == "2"


async def test_handlers_for_the_program_around_render_the_same_way():
    scope = {
        "type": "http",
        "path": "/api/x",
        "method": "GET",
        "query_string": b"",
        "headers": [(b"host", b"holdfast.test")],
    }
    request = Request({**scope, "request_id": "r-1"})
    cases = [
        (await api.problem_response(request, DatabaseUnavailable(retry_after_s=2)), 503, "database-unavailable"),
        (await api.unexpected_response(request, ValueError()), 500, "internal-fault"),
        (await api.missing_response(request, HTTPException(404)), 404, "endpoint-unknown"),
        (await api.missing_response(request, HTTPException(405, headers={"Allow": "GET"})), 405, "method-not-allowed"),
    ]
    for response, status, code in cases:
        problem(
            httpx2.Response(response.status_code, headers=response.raw_headers, content=response.body), status, code
        )
    assert cases[3][0].headers["allow"] == "GET"
    assert json.loads(cases[1][0].body)["request_id"] == "r-1"
