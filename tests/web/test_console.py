"""The console: who may open what, signing in and out, setting up, managing staff, reading the trail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from holdfast import accounts, web
from holdfast.accounts import Role, staff_passwords
from holdfast.kit import clock, i18n, settings
from holdfast.kit.db import Db
from holdfast.web.console import access, sections
from tests import staff, world

from .conftest import HOST, sign_in, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
OPEN_TO_NOBODY_IN_PARTICULAR = {
    ("GET", "/console/session"),
    ("POST", "/console/session"),
    ("POST", "/console/session/passkey"),
    ("POST", "/console/session/end"),
    ("GET", "/console/setup/{code}"),
    ("POST", "/console/setup/{code}"),
}
"""Read this list when it changes: it is what strangers can reach. A set-up page needs the code of a link."""


def console_routes() -> Iterator[tuple[str, str]]:
    for route in web.routes:
        if isinstance(route, Route) and route.path.startswith("/console"):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, route.path


ALL = sorted(set(console_routes()))
GUARDED = [one for one in ALL if one not in OPEN_TO_NOBODY_IN_PARTICULAR]


def address_of(path: str) -> str:
    """An address that fits a path; nothing is there."""
    path = re.sub(r"{(id|token)}", "0192d2c0-0000-7000-8000-000000000000", path)
    return re.sub(r"{\w+(:\w+)?}", "nothing", path)


@pytest.fixture(scope="module")
async def of_each_role(shared: Db) -> dict[str, staff.Colleague]:
    """One colleague for each role."""
    return {role.value: await staff.colleague(shared, role.value) for role in Role}


def come_as(client: httpx2.AsyncClient, person: staff.Colleague) -> None:
    """Gives the browser a colleague's session."""
    client.cookies.set(access.COOKIE, person.token)


# Who may open what


def test_the_lists_name_routes_that_exist() -> None:
    assert set(ALL) >= OPEN_TO_NOBODY_IN_PARTICULAR


async def test_nobody_gets_in(db: Db, reader: httpx2.AsyncClient) -> None:
    """Which role opens what is in `tests/authorisation`; here, what those are told who have no session at all."""
    mei = await world.traveller(db)
    for method, path in GUARDED:
        for cookies in ({}, {access.COOKIE: "nonsense"}, {access.COOKIE: mei.token}):
            reader.cookies = httpx2.Cookies(cookies)
            sign_in(reader, mei)
            answer = await reader.request(method, address_of(path))
            if method == "GET":
                assert answer.status_code == 303, path
                assert answer.headers["location"].startswith("/console/session?next=%2Fconsole"), path
            else:
                assert answer.status_code == 401, path
                assert "This is for staff who are signed in." in text_of(answer), path


async def test_a_refusal_is_in_the_trail_once_a_minute(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await staff.colleague(db, "desk")
    come_as(reader, person)
    for _ in range(3):
        assert (await reader.get("/console/staff")).status_code == 403
    found = await db.read(accounts.trail, actor=str(person.actor), action="staff.role-missing")
    assert [entry.details for entry in found] == [{"place": "/console/staff", "needed": ["engineer"]}]


@pytest.mark.parametrize("role", [role.value for role in Role])
async def test_menu_and_start_page_show_what_the_roles_open_and_what_is_served(
    db: Db, reader: httpx2.AsyncClient, of_each_role: dict[str, staff.Colleague], role: str
) -> None:
    come_as(reader, of_each_role[role])
    page = (await reader.get("/console")).text
    served = {path for _method, path in ALL}
    for section in sections.SECTIONS:
        assert (f'href="{section.path}"' in page) == (role in section.roles and section.path in served), section.path


# The door


async def test_signing_in_takes_three_fields_and_leads_back(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await staff.colleague(db, "engineer")
    asked = await reader.get("/console/staff?x=1")
    assert asked.headers["location"] == "/console/session?next=%2Fconsole%2Fstaff%3Fx%3D1"
    wide = "".join(chr(0xFF10 + int(digit)) for digit in staff.next_code(person))
    typed = {"login": person.login.upper(), "password": staff.PASSWORD, "code": wide, "next": "/console/staff?x=1"}
    answer = await reader.post("/console/session", data=typed)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/staff?x=1")
    cookie = answer.headers["set-cookie"].lower()
    for part in ("hf_staff=", "path=/console", "httponly", "samesite=strict"):
        assert part in cookie
    assert "max-age" not in cookie
    assert (await reader.get("/console/staff")).status_code == 200
    assert (await reader.get("/console/session")).headers["location"] == "/console"


async def test_the_cookie_is_secure_where_the_site_is(
    db: Db, reader: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await staff.colleague(db)
    secure = msgspec.structs.replace(settings.current(), base_url="https://holdfast.test")
    monkeypatch.setattr(settings, "current", lambda: secure)
    typed = {"login": person.login, "password": staff.PASSWORD, "code": staff.next_code(person)}
    answer = await reader.post("/console/session", data=typed)
    assert "; secure" in answer.headers["set-cookie"].lower()


async def test_what_is_wrong_is_not_told_and_no_secret_comes_back(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await staff.colleague(db)
    for changes in ({"password": "not the password"}, {"code": "000000"}, {"login": "nobody@example.org"}):
        typed = {"login": person.login, "password": staff.PASSWORD, "code": staff.next_code(person), **changes}
        answer = await reader.post("/console/session", data=typed)
        assert answer.status_code == 401
        assert "Login, password and code do not fit together." in text_of(answer)
        for secret in (typed["password"], typed["code"]):
            assert secret not in answer.text
        assert "set-cookie" not in answer.headers
    empty = await reader.post("/console/session", data={"login": person.login})
    assert (empty.status_code, "Fill in all three fields." in text_of(empty)) == (422, True)


async def test_a_pause_says_until_when(db: Db, site: Starlette) -> None:
    person = await staff.colleague(db)
    transport = httpx2.ASGITransport(app=site, client=(staff.address(), 40000))
    async with httpx2.AsyncClient(transport=transport, base_url=HOST, headers={"Accept-Language": "en"}) as stranger:
        for _ in range(6):
            typed = {"login": person.login, "password": "guess", "code": "123456"}
            answer = await stranger.post("/console/session", data=typed)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= 60
    assert "The account is not locked" in text_of(answer)
    assert "It makes sense to try again in" in text_of(answer)


@pytest.mark.parametrize(
    ("typed", "led"),
    [
        ("/console/staff", "/console/staff"), ("/console?a=b", "/console?a=b"), ("/orders", "/console"), ("", "/console"),
        ("//elsewhere.example/console", "/console"), ("https://elsewhere.example/console", "/console"),
        ("/consoles", "/console"),
    ],
)  # fmt: skip
async def test_the_door_leads_into_the_console_only(typed: str, led: str) -> None:
    assert access.local_path(typed) == led


async def test_signing_out_here_and_everywhere(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await staff.colleague(db)
    come_as(reader, person)
    page = text_of(await reader.get("/console/account"))
    assert "this device" in page
    answer = await reader.post("/console/session/end")
    assert answer.headers["location"] == "/console/session"
    assert "hf_staff=" in answer.headers["set-cookie"]
    come_as(reader, person)
    assert (await reader.get("/console")).status_code == 303
    again = await accounts.staff_sign_in(
        db, person.login, staff.PASSWORD, staff.next_code(person), device="", source=staff.address()
    )
    reader.cookies.set(access.COOKIE, again.token)
    assert (await reader.post("/console/account/sessions/end")).status_code == 303
    reader.cookies.set(access.COOKIE, again.token)
    assert (await reader.get("/console")).status_code == 303


async def test_a_form_sent_from_elsewhere_is_refused(db: Db, reader: httpx2.AsyncClient) -> None:
    come_as(reader, await staff.colleague(db))
    answer = await reader.post("/console/session/end", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert (await reader.get("/console")).status_code == 200


async def test_pages_of_the_console_are_kept_nowhere(db: Db, reader: httpx2.AsyncClient) -> None:
    come_as(reader, await staff.colleague(db, "engineer"))
    for path in ("/console", "/console/session", "/console/staff", "/console/nothing"):
        answer = await reader.get(path)
        if answer.status_code != 303:
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-robots-tag"].startswith("noindex")
            assert "unsafe" not in answer.headers["content-security-policy"]


# Setting up


async def test_a_new_colleague_sets_up_and_is_signed_in(db: Db, reader: httpx2.AsyncClient) -> None:
    link = await staff.invited(db, "finance", name="Mei Zhang")
    path = link.url.removeprefix(settings.current().base_url)
    page = await reader.get(path)
    assert "Welcome, Mei Zhang" in text_of(page)
    secret = re.search(r"secret=([A-Z2-7]{32})", page.text)[1]
    assert secret in "".join(re.findall(r"[A-Z2-7]{4}", text_of(page)))
    code = staff_passwords.code_at(secret, clock.now())
    for typed, said in (
        ({"password": staff.PASSWORD, "again": "another", "code": code}, "The two passwords differ."),
        ({"password": "short", "again": "short", "code": code}, "at least 12 characters"),
        ({"password": staff.PASSWORD, "again": staff.PASSWORD, "code": "000000"}, "This is not the code"),
    ):
        wrong = await reader.post(path, data=typed)
        assert (wrong.status_code, said in text_of(wrong)) == (422, True)
        assert staff.PASSWORD not in wrong.text
        assert secret in wrong.text, "the picture stays the same"
    done = await reader.post(path, data={"password": staff.PASSWORD, "again": staff.PASSWORD, "code": code})
    assert (done.status_code, done.headers["location"]) == (303, "/console")
    assert "Good to see you, Mei Zhang" in text_of(await reader.get("/console"))
    over = await reader.get(path)
    assert (over.status_code, "This set-up link is used up or too old." in text_of(over)) == (404, True)


# Staff


async def test_an_engineer_adds_a_colleague_and_hands_the_link_over(db: Db, reader: httpx2.AsyncClient) -> None:
    engineer = await staff.colleague(db, "engineer")
    come_as(reader, engineer)
    login = staff.new_login()
    typed = {"login": login, "name": "Jun Li", "role.desk": "1", "role.support": "1", "reason": "new at the desk"}
    answer = await reader.post("/console/staff", data=typed)
    assert answer.status_code == 200
    assert f"{settings.current().base_url}/console/setup/" in answer.text
    member = await db.read(accounts.staff_named, login)
    assert (member.name, member.roles, member.ready) == ("Jun Li", ("support", "desk"), False)
    assert "Jun Li" in text_of(await reader.get("/console/staff"))
    [entry] = await db.read(accounts.trail, subject=f"staff:{login}")
    assert (entry.actor, entry.details["reason"]) == (str(engineer.actor), "new at the desk")
    again = await reader.post("/console/staff", data=typed)
    assert (again.status_code, "already is a staff account" in text_of(again)) == (422, True)
    assert 'value="Jun Li"' in again.text
    wrong = await reader.post("/console/staff", data={"login": "x", "name": "", "reason": "test"})
    for said in ("looks like an e-mail address", "A name has 2 to 60 characters.", "Choose at least one role."):
        assert said in text_of(wrong)


@pytest.mark.parametrize("act", ["roles", "setup", "disabling", "enabling"])
@pytest.mark.parametrize("reason", ["", "  x ", "x" * 501])
async def test_a_dangerous_act_needs_a_reason(
    db: Db, reader: httpx2.AsyncClient, of_each_role: dict[str, staff.Colleague], act: str, reason: str
) -> None:
    come_as(reader, of_each_role["engineer"])
    person = of_each_role["desk"]
    answer = await reader.post(f"/console/staff/{person.id}/{act}", data={"reason": reason, "role.support": "1"})
    assert (answer.status_code, "Say why" in text_of(answer)) == (422, True)
    member = await db.read(accounts.staff_member, person.id)
    assert (member.active, member.ready, member.roles) == (True, True, ("desk",))


async def test_an_engineer_changes_roles_switches_off_and_on_and_resets(db: Db, reader: httpx2.AsyncClient) -> None:
    come_as(reader, await staff.colleague(db, "engineer"))
    person = await staff.colleague(db, "desk", name="Anna Okafor")
    base = f"/console/staff/{person.id}"

    async def done(act: str, **typed: str) -> accounts.Member:
        answer = await reader.post(f"{base}/{act}", data={"reason": "as agreed", **typed})
        assert answer.status_code in (200, 303), text_of(answer)
        if answer.status_code == 303:
            assert answer.headers["location"] == base
            assert "Anna Okafor" in text_of(await reader.get(base))
        return await db.read(accounts.staff_member, person.id)

    assert (await done("roles", **{"role.finance": "1"})).roles == ("finance",)
    token = await staff.api_token(db, person, "finance")
    [listed] = await db.read(accounts.api_tokens, person.id)
    assert "test program" in text_of(await reader.get(base))
    assert (await done(f"tokens/{listed.id}/end")).tokens == 0
    assert await accounts.staff_of_api_token(db, token) is None
    off = await done("disabling")
    assert (off.active, off.inactive_reason) == (False, "as agreed")
    assert (await done("enabling")).active
    assert not (await done("setup")).ready
    acts = [entry.action for entry in await db.read(accounts.trail, subject=f"staff:{person.login}")]
    assert acts[:6] == [
        "staff.reset",
        "staff.enable",
        "staff.disable",
        "staff.token-ended",
        "staff.token-made",
        "staff.roles",
    ]


async def test_refusals_of_acts_are_said_on_the_page(db: Db, reader: httpx2.AsyncClient) -> None:
    come_as(reader, await staff.colleague(db, "engineer"))
    person = await staff.colleague(db, "desk")
    base = f"/console/staff/{person.id}"
    none = await reader.post(f"{base}/roles", data={"reason": "as agreed"})
    assert (none.status_code, "Choose at least one role." in text_of(none)) == (422, True)
    await db.run(accounts.disable_staff, staff.TEST, person.id, reason="left")
    off = await reader.post(f"{base}/setup", data={"reason": "as agreed"})
    assert (off.status_code, "This staff account is switched off." in text_of(off)) == (422, True)
    for missing in ("nonsense", "0192d2c0-0000-7000-8000-000000000000"):
        assert (await reader.get(f"/console/staff/{missing}")).status_code == 404


# The trail


async def test_the_trail_is_searched_and_paged(db: Db, reader: httpx2.AsyncClient) -> None:
    engineer = await staff.colleague(db, "engineer", name="Trail Reader")
    come_as(reader, engineer)
    for _ in range(52):
        await db.run(accounts.enable_staff, engineer.actor, engineer.id, reason="paging <b>")
    first = await reader.get("/console/audit?actor=trail+reader&action=staff.enable")
    assert first.text.count("<tr>") == 51
    assert "paging &lt;b&gt;" in first.text
    older = re.search(r'href="(/console/audit\?[^"]*before=\d+)"', first.text)[1].replace("&amp;", "&")
    second = await reader.get(older)
    assert second.text.count("<tr>") == 3
    assert "Newest" in text_of(second)
    today = clock.now() + timedelta(hours=8)
    on_day = await reader.get(f"/console/audit?actor=trail+reader&since={today:%Y-%m-%d}&until={today:%Y-%m-%d}")
    assert on_day.text.count("<tr>") > 1
    past = await reader.get("/console/audit?actor=trail+reader&until=2020-01-01")
    assert "Nothing fits this search." in text_of(past)


@pytest.mark.parametrize(
    "asked",
    ["since=yesterday", "until=9999-12-31", "until=0001-01-01", "before=x", f"before={9 * 10**17}", "actor=%00%25"],
)
async def test_any_search_is_answered(
    db: Db, reader: httpx2.AsyncClient, of_each_role: dict[str, staff.Colleague], asked: str
) -> None:
    come_as(reader, of_each_role["finance"])
    assert (await reader.get(f"/console/audit?{asked}")).status_code in (200, 422)


# All pages


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_page_is_well_made_in_both_languages(
    db: Db, reader: httpx2.AsyncClient, of_each_role: dict[str, staff.Colleague], language: str
) -> None:
    link = await staff.invited(db)
    person = of_each_role["engineer"]
    reader.cookies.set("hf_lang", language)
    door = [await reader.get("/console/session"), await reader.get(f"/console/setup/{link.code}")]
    come_as(reader, person)
    await staff.api_token(db, person, "engineer")
    paths = [
        "/console",
        "/console/account",
        "/console/staff",
        f"/console/staff/{person.id}",
        "/console/audit",
        "/console/nothing",
    ]
    inside = [await reader.get(path) for path in paths]
    inside.append(await reader.post("/console/staff", data={"login": "x"}))
    for answer in [*door, *inside]:
        is_well_made(answer.text)
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in answer.text


def test_all_words_of_sections_and_roles_speak_chinese() -> None:
    said = {text for section in sections.SECTIONS for text in (section.title, section.blurb)}
    said |= {*sections.ROLE_NAMES.values(), *sections.ROLE_BLURBS.values(), "Write a day as 2026-11-23."}
    assert not sorted(text for text in said if text not in i18n.catalogue())
    assert set(sections.ROLE_NAMES) == set(sections.ROLE_BLURBS) == set(Role)
