"""Feedback from pages: the form in every foot, what goes with it by itself, thanks, answers at the console."""

from __future__ import annotations

import re

import httpx2
import pytest

from holdfast import orders
from holdfast.kit.db import Db
from tests import staff, world

from .conftest import hidden, sign_in, text_of

pytestmark = pytest.mark.anyio


async def newest(db: Db, what: str) -> str:
    return str(await world.value(db, f"select ({what})::text from support.feedback order by id desc limit 1"))


async def test_every_page_has_the_form_and_it_knows_the_page(db: Db, reader: httpx2.AsyncClient) -> None:
    slot = await world.open_slot(db)
    path = f"/venues/{slot.venue_id}?people=2"
    page = await reader.get(path)
    fields = hidden(page, foot=True)
    assert (fields["about_page"], fields["about_problem"]) == (path, "")
    sent = await reader.post("/feedback", data={**fields, "words": "The calendar is empty."})
    assert sent.status_code == 303
    thanks = await reader.get(sent.headers["location"])
    assert "The calendar is empty." in text_of(thanks)
    assert re.search(r'id="number">\w{3,4}-\w{3,4}<', thanks.text)
    assert await newest(db, "page") == "/venues/{id}"
    assert await newest(db, "address") == f"/venues/{slot.venue_id}"
    assert await newest(db, "problem || browser || is_offline || locale") == "?falseen"


async def test_a_problem_page_attaches_its_problem_and_request(db: Db, reader: httpx2.AsyncClient) -> None:
    page = await reader.get("/venues/nowhere")
    fields = hidden(page, foot=True)
    assert fields["about_problem"] == "venue-unknown"
    await reader.post("/feedback", data={**fields, "words": "It was there yesterday."})
    assert await newest(db, "problem") == "venue-unknown"
    assert await newest(db, "request") == fields["about_request"] != ""
    missing = hidden(await reader.get("/no/such/page"), foot=True)
    assert missing["about_problem"] == "404"
    await reader.post("/feedback", data={**missing, "words": "A dead link."})
    assert await newest(db, "page") == "elsewhere"


async def test_the_order_is_attached_to_those_who_may_see_it_and_no_token_is_kept(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    person, order = await world.held_order(db, await world.open_slot(db))
    link = f"/orders/{order.number}?token={orders.link_token(order.number)}"
    fields = hidden(await reader.get(link), foot=True)
    await reader.post("/feedback", data={**fields, "words": "Where is the time?"})
    assert await newest(db, "order_id") == str(order.row.id)
    assert await newest(db, "address") == f"/orders/{order.number}"
    await reader.post(
        "/feedback", data={"about_page": f"/orders/{order.number}", "words": "Not mine.", "about_key": "x1"}
    )
    assert await newest(db, "order_id") == "None"
    sign_in(reader, person)
    await reader.post("/feedback", data={"about_page": f"/orders/{order.number}", "words": "Mine.", "about_key": "x2"})
    assert await newest(db, "order_id") == str(order.row.id)
    assert await newest(db, "account_id") == str(person.account_id)


async def test_nothing_typed_is_lost_and_bad_input_is_no_fault(db: Db, reader: httpx2.AsyncClient) -> None:
    empty = await reader.post("/feedback", data={"about_page": "/", "words": "  ", "about_key": "k"})
    assert empty.status_code == 422
    assert "a few words are enough" in text_of(empty)
    long = await reader.post(
        "/feedback", data={"about_page": "https://elsewhere.example/", "words": "y" * 2001, "happened": "soon"}
    )
    assert long.status_code == 422
    assert "y" * 2001 in long.text
    assert (await reader.get("/feedback?page=/venues/x")).status_code == 200
    assert (await reader.get("/feedback/ABC?token=x")).status_code == 404


async def test_too_much_from_one_address_is_said_with_its_words_kept(db: Db, reader: httpx2.AsyncClient) -> None:
    answers = [
        await reader.post("/feedback", data={"about_page": "/", "words": f"Again {at}", "about_key": f"n{at}"})
        for at in range(20)
    ]
    assert answers[-1].status_code == 429
    assert "Again 19" in answers[-1].text
    assert answers[-1].headers["retry-after"]


async def test_a_device_sends_later_what_it_kept_and_it_counts_once(db: Db, site: object) -> None:
    transport = httpx2.ASGITransport(app=site, client=("192.0.2.77", 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://holdfast.test") as device:
        body = {
            "about_page": "/",
            "words": "No connection.",
            "about_key": "device-1",
            "offline": "1",
            "happened": "2026-01-01T00:00:00Z",
        }
        first, second = [
            await device.post("/feedback", data=body, headers={"Accept": "application/json"}) for _ in range(2)
        ]
    assert (first.status_code, second.json()) == (201, first.json())
    assert await newest(db, "is_offline") == "true"


async def test_colleagues_see_it_by_page_and_problem_and_answer_it(db: Db, site: object) -> None:
    transport = httpx2.ASGITransport(app=site, client=("192.0.2.78", 40000))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://holdfast.test", headers={"Accept-Language": "en"}
    ) as reader:
        sent = await reader.post(
            "/feedback",
            data={
                "about_page": "/terms",
                "words": "I cannot find the rule.",
                "about_key": "t1",
                "about_problem": "odd",
            },
        )
        reader.cookies.set("hf_staff", (await staff.colleague(db, "support")).token)
        listed = await reader.get("/console/feedback")
        assert "/terms" in text_of(listed)
        about = "/console/feedback/about?page=%2Fterms&problem=odd"
        assert about.replace("&", "&amp;") in listed.text
        shown = await reader.get(about)
        assert "I cannot find the rule." in text_of(shown)
        path = re.findall(r'action="(/console/feedback/[^"]+/answer)"', shown.text)[0]
        empty = await reader.post(path, data={"page": "/terms", "problem": "odd", "answer": ""})
        assert empty.status_code == 422
        done = await reader.post(path, data={"page": "/terms", "problem": "odd", "answer": "It is the second heading."})
        assert done.headers["location"] == about
        assert "It is the second heading." in text_of(await reader.get(sent.headers["location"]))
        assert (await reader.get("/console/feedback/about?page=x&problem=y")).status_code == 404
        reader.cookies.set("hf_staff", (await staff.colleague(db, "finance")).token)
        assert (await reader.get("/console/feedback")).status_code == 403
