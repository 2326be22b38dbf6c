"""Around every page: headers, refusal of forms from other sites, language, static files."""

from __future__ import annotations

import httpx2
import pytest

from holdfast.kit.db import Db
from holdfast.web import assets, sessions
from tests import world

from .conftest import HOST, sign_in, text_of

pytestmark = pytest.mark.anyio
ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "http://holdfast.test.elsewhere.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": HOST},
]
HERE = [{}, {"Origin": HOST}, {"Sec-Fetch-Site": "same-origin", "Origin": HOST}, {"Sec-Fetch-Site": "none"}]


@pytest.mark.parametrize("headers", ELSEWHERE)
async def test_a_form_sent_from_elsewhere_is_refused(
    db: Db, reader: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    sign_in(reader, await world.traveller(db))
    answer = await reader.post("/session/end", headers=headers)
    assert answer.status_code == 403
    assert "This form was sent from another site." in text_of(answer)
    assert (await reader.get("/account")).status_code == 200


@pytest.mark.parametrize("headers", HERE)
async def test_a_form_sent_from_here_is_taken(db: Db, reader: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    sign_in(reader, await world.traveller(db))
    assert (await reader.post("/session/end", headers=headers)).status_code == 303


@pytest.mark.parametrize("path", ["/", "/nowhere", "/session", "/orders/lookup", assets.url("site.css")])
async def test_every_answer_has_the_security_headers(reader: httpx2.AsyncClient, path: str) -> None:
    answer = await reader.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_language_comes_from_the_browser_until_it_is_chosen(reader: httpx2.AsyncClient) -> None:
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
    assert '<html lang="zh-CN">' in (await reader.get("/session", headers=chinese)).text
    switched = await reader.get("/session?next=%2Faccount&lang=en")
    assert switched.status_code == 303
    assert switched.headers["location"] == "/session?next=%2Faccount"
    assert '<html lang="en">' in (await reader.get("/session", headers=chinese)).text


@pytest.mark.parametrize("path", ["//elsewhere.example/?lang=en", "/\\elsewhere.example?lang=en"])
async def test_the_language_switch_leads_to_no_other_site(reader: httpx2.AsyncClient, path: str) -> None:
    answer = await reader.get(HOST + path)
    assert not answer.headers.get("location", "").startswith(("//", "/\\"))


async def test_a_static_file_is_kept_for_a_year_under_its_hash_only(reader: httpx2.AsyncClient) -> None:
    exact = await reader.get(assets.url("site.css"))
    assert exact.headers["content-type"].startswith("text/css")
    assert "immutable" in exact.headers["cache-control"]
    again = await reader.get(assets.url("site.css"), headers={"If-None-Match": exact.headers["etag"]})
    assert again.status_code == 304
    old = await reader.get("/static/site.000000000000.css")
    assert old.text == exact.text
    assert "immutable" not in old.headers["cache-control"]
    assert (await reader.get("/static/site.py")).status_code == 404


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/orders/7K3QF90XMA?token=a", "/orders/7K3QF90XMA?token=a"),
        ("https://elsewhere.example/", "/orders"),
        ("//elsewhere.example/", "/orders"),
        ("/\\elsewhere.example/", "/orders"),
        ("/a\r\nSet-Cookie: x=y", "/orders"),
        ("javascript:alert(1)", "/orders"),
        ("", "/orders"),
    ],
)
async def test_signing_in_leads_to_this_site_only(asked: str, led: str) -> None:
    assert sessions.local_path(asked) == led


async def test_a_huge_form_is_refused_before_it_is_read(reader: httpx2.AsyncClient) -> None:
    answer = await reader.post("/orders/lookup", data={"number": "7" * 400_000})
    assert answer.status_code == 422
    assert "larger than any of ours" in text_of(answer)
