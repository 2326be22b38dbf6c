"""Help: the figures, opening a case as a guest and signed in, reading and adding to it, and the console where it is answered."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import pytest

from holdfast import accounts, orders, support
from holdfast.accounts import Role
from holdfast.kit import clock, i18n
from holdfast.kit.db import Db
from holdfast.support import priorities
from holdfast.web import help_words
from holdfast.web.console import access, cases
from tests import staff, world

from .conftest import hidden, sign_in, text_of
from .test_finding_pages import placed, search
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio


async def ask_as_guest(db: Db, reader: httpx2.AsyncClient, phone: str, **typed: str) -> httpx2.Response:
    """A case by somebody who is not signed in, with the code that came to the phone."""
    form = await reader.get("/help/cases/new")
    given = hidden(form) | {"kind": "charged", "words": "Paid, and no order.", "phone": phone, "region": "CN", **typed}
    sent = await reader.post("/help/cases/code", data=given)
    assert "A code is on its way." in text_of(sent)
    assert "Paid, and no order." in sent.text
    return await reader.post("/help/cases", data=given | {"code": await world.code_sent_to(db, phone)})


# Travellers


async def test_a_guest_opens_a_case_and_reads_adds_closes_and_rates_it(db: Db, reader: httpx2.AsyncClient) -> None:
    phone = world.phone_number()
    answer = await ask_as_guest(db, reader, phone)
    assert answer.status_code == 303, text_of(answer)
    path = answer.headers["location"]
    page = await reader.get(path)
    said = text_of(page)
    assert "waits for our answer" in said
    assert "Paid, and no order." in said
    number, token = re.search(r"/help/cases/(\w+)\?token=(\S+)", path).groups()
    for stranger in (f"/help/cases/{number}?token=x", f"/help/cases/{number}"):
        assert (await reader.get(stranger)).status_code in (303, 404)
    more = await reader.post(
        f"/help/cases/{number}/messages?token={token}", data=hidden(page) | {"words": "It was 60 <b>yuan."}
    )
    assert more.status_code == 303
    assert "It was 60 &lt;b&gt;yuan." in (await reader.get(path)).text
    empty = await reader.post(f"/help/cases/{number}/messages?token={token}", data={"words": " "})
    assert (empty.status_code, "a sentence is enough" in text_of(empty)) == (422, True)
    lin = await staff.colleague(db, "support")
    case = await db.read(support.desk.require, number)
    await db.run(support.desk.answer, lin.actor, case, "Found:\nit is on its way back.", key="k")
    assert "it is on its way back." in text_of(await reader.get(path))
    assert "Lin Wen" not in (await reader.get(path)).text, "colleagues stay anonymous"
    none = await reader.post(f"/help/cases/{number}/rating?token={token}", data={})
    assert (none.status_code, "Choose 1 to 5." in text_of(none)) == (422, True)
    await reader.post(f"/help/cases/{number}/rating?token={token}", data={"score": "4", "why": "quick"})
    await reader.post(f"/help/cases/{number}/closing?token={token}")
    closed = text_of(await reader.get(path))
    assert "settled and closed" in closed
    assert "Write again: that opens the case anew" in closed


async def test_pressing_twice_opens_one_case_and_other_words_another(db: Db, reader: httpx2.AsyncClient) -> None:
    person = await world.traveller(db)
    sign_in(reader, person)
    given = hidden(await reader.get("/help/cases/new")) | {"words": "Once.", "kind": "other"}
    places = [(await reader.post("/help/cases", data=given)).headers["location"] for _ in range(2)]
    assert places[0] == places[1]
    other = await reader.post("/help/cases", data=given | {"words": "Something else."})
    assert other.headers["location"] != places[0]
    listed = (await reader.get("/help")).text
    assert listed.count('href="/help/cases/') == 3


async def test_a_guest_without_a_right_code_opens_nothing_and_loses_nothing(db: Db, reader: httpx2.AsyncClient) -> None:
    phone = world.phone_number()
    given = hidden(await reader.get("/help/cases/new")) | {
        "words": "Kept.",
        "phone": phone,
        "region": "CN",
        "people": "12",
    }
    for more in ({}, {"code": "123456"}, {"code": "x"}, {"people": "many"}, {"phone": "12"}):
        answer = await reader.post("/help/cases", data=given | more)
        assert answer.status_code == 422
        assert "Kept." in answer.text
        assert not [one for one in await world.messages(db, phone) if one.template == "case-opened"]


async def test_the_order_page_hands_over_what_it_knows(db: Db, reader: httpx2.AsyncClient) -> None:
    person, order, basket, _visitor = await placed(db, price_minor=0, starts_in=timedelta(hours=3))
    token = orders.link_token(order.number)
    page = await reader.get(f"/orders/{order.number}?token={token}")
    path = re.search(r'href="(/help/cases/new\?[^"]+)"', page.text)[1].replace("&amp;", "&")
    form = await reader.get(path)
    assert f'value="{order.number}"' in form.text
    given = hidden(form) | {"kind": "tickets", "words": "No code on my phone.", "order": order.number}
    phone = world.phone_number()
    await reader.post("/help/cases/code", data=given | {"phone": phone, "region": "CN"})
    code = await world.code_sent_to(db, phone)
    opened = await reader.post("/help/cases", data=given | {"phone": phone, "region": "CN", "code": code})
    case = await db.read(support.desk.require, opened.headers["location"].split("/")[3].split("?")[0])
    assert (case.order_number, case.reasons[0]) == (order.number, priorities.Reason.VISIT_TODAY)
    evidence = (await db.read(support.cases.story, case)).evidence
    assert [one.kind for one in evidence] == ["page", "order"]
    assert evidence[0].content["page"] == f"/orders/{order.number}"
    assert evidence[0].content["request_now"]
    assert person.account_id != case.account_id
    assert basket.phone not in form.text


async def test_problem_pages_lead_to_help_with_their_number(db: Db, reader: httpx2.AsyncClient) -> None:
    missing = await reader.get("/no/such/page")
    path = re.search(r'href="(/help/cases/new\?[^"]+)"', missing.text)[1].replace("&amp;", "&")
    assert missing.headers.get("x-request-id", "") in path
    form = hidden(await reader.get(path))
    assert form["page"] == "/no/such/page"
    assert form["problem"]
    assert form["request"]


async def test_a_search_goes_along_into_a_case_and_is_seen_by_staff_only(db: Db, reader: httpx2.AsyncClient) -> None:
    _person, order, basket, visitor = await placed(db)
    found = await search(reader, document=visitor.document, reference="4200001234", phone=world.phone_number())
    forms = re.findall(r'<form method="post" action="/help/cases/form".*?</form>', found.text, re.DOTALL)
    form = await reader.post("/help/cases/form", data=hidden(httpx2.Response(200, text=forms[0])))
    assert "What you searched for and what we found goes with it." in text_of(form)
    phone = world.phone_number()
    given = hidden(form) | {"words": "Where is it?", "phone": phone, "region": "CN"}
    await reader.post("/help/cases/code", data=given)
    opened = await reader.post("/help/cases", data=given | {"code": await world.code_sent_to(db, phone)})
    path = opened.headers["location"]
    mine = await reader.get(path)
    for secret in (order.number, basket.phone[-4:], order.lines[0].venue_name["en"]):
        assert secret not in mine.text
    case = await db.read(support.desk.require, path.split("/")[3].split("?")[0])
    story = await db.read(support.cases.story, case)
    by_kind = {one.kind: one.content for one in story.evidence}
    assert by_kind["matches"]["orders"] == [{"number": order.number, "ways": ["document"]}]
    assert by_kind["typed"]["reference"] == "4200001234"
    assert visitor.document not in str(by_kind)
    assert visitor.document[-4:] in by_kind["typed"]["document"]
    reader.cookies.set(access.COOKIE, (await staff.colleague(db, "support")).token)
    console = await reader.get(f"/console/cases/{case.number}")
    assert order.number in console.text


async def test_a_phone_proven_in_a_search_needs_no_second_code(db: Db, reader: httpx2.AsyncClient) -> None:
    phone = world.phone_number()
    found = await search(reader, phone=phone)
    sent = await reader.post("/orders/missing/code", data=hidden(found) | {"to": "typed"})
    code = await world.code_sent_to(db, phone)
    result = await reader.post("/orders/missing/proof", data=hidden(sent) | {"to": "typed", "code": code})
    assert "No order belongs to this phone" in text_of(result)
    form = await reader.post("/help/cases/form", data=hidden(result))
    assert "The answer comes to the phone you have proven." in text_of(form)
    opened = await reader.post("/help/cases", data=hidden(form) | {"words": "Please look.", "kind": "missing_order"})
    assert opened.status_code == 303, text_of(opened)
    [message] = [one for one in await world.messages(db, phone) if one.template == "case-opened"]
    assert "/help/cases/" in message.body


# Staff


async def test_the_queue_answers_whom_to_help_first_and_why(db: Db, reader: httpx2.AsyncClient) -> None:
    person, order, _basket, _visitor = await placed(db, starts_in=timedelta(hours=1))
    lin = await staff.colleague(db, "support", name="Lin Wen")
    urgent = await support.cases.open_case(db, person.actor, _new(person.phone, kind=support.Kind.CHARGED, order=order))
    calm = await support.cases.open_case(db, person.actor, _new(world.phone_number()))
    reader.cookies.set(access.COOKIE, lin.token)
    page = await reader.get("/console/cases")
    said = text_of(page)
    assert page.text.index(urgent.number) < page.text.index(calm.number)
    assert "the visit begins within two hours or has begun" in said
    assert "urgent" in said
    base = f"/console/cases/{urgent.number}"
    one = await reader.get(f"{base}?template=found")
    assert support.desk.TEMPLATES["found"] in one.text
    assert "Held for you" in text_of(one)
    done = await reader.post(f"{base}/answer", data=hidden(one) | {"answer": "Come to the desk."})
    assert done.headers["location"] == base
    after = text_of(await reader.get(base))
    assert "Come to the desk." in after
    assert "Lin Wen" in after
    assert len([m for m in await world.messages(db, person.phone) if m.template == "case-answered"]) == 1
    assert (await reader.post(f"{base}/assignment", data={"to": ""})).status_code == 303
    assert (await reader.post(f"{base}/assignment", data={"to": "nonsense"})).status_code == 422
    assert (await reader.post(f"{base}/order", data={"order": "nonsense"})).status_code == 422
    assert (await reader.post(f"{base}/closing")).status_code == 303
    closed = await reader.post(f"{base}/answer", data={"answer": "Too late."})
    assert (closed.status_code, "This case is closed." in text_of(closed)) == (422, True)
    empty = await reader.post(f"/console/cases/{calm.number}/answer", data={"answer": " "})
    assert (empty.status_code, "a sentence is enough" in text_of(empty)) == (422, True)
    for query in (
        "state=closed",
        f"text={urgent.number}",
        f"text={order.number}",
        f"text={person.phone}",
        "state=all&mine=1",
    ):
        found = await reader.get(f"/console/cases?{query}")
        assert (urgent.number in found.text) == ("mine" not in query), query
    acts = [entry.action for entry in await db.read(accounts.trail, subject=f"case:{urgent.number}")]
    assert acts == ["case.close", "case.assign", "case.answer", "case.open"]


def _new(phone: str, **more: object) -> support.NewCase:
    given = {
        "kind": support.Kind.OTHER,
        "words": "Help.",
        "locale": "en",
        "channel": "web",
        "key": clock.now().isoformat(),
    }
    return support.NewCase(phone=phone, **(given | more))


async def test_answers_begin_in_the_language_of_the_case(db: Db, reader: httpx2.AsyncClient) -> None:
    case = await support.cases.open_case(db, (await world.traveller(db)).actor, _new(world.phone_number(), locale="zh"))
    reader.cookies.set(access.COOKIE, (await staff.colleague(db, "desk")).token)
    page = await reader.get(f"/console/cases/{case.number}?template=more")
    assert i18n.translate(support.desk.TEMPLATES["more"], "zh") in page.text
    assert (await reader.get(f"/console/cases/{case.number}?template=nothing")).status_code == 200
    assert (await reader.get("/console/cases/nonsense")).status_code == 404


async def test_the_desk_opens_a_case_for_somebody_on_the_telephone(db: Db, reader: httpx2.AsyncClient) -> None:
    _person, order, basket, _visitor = await placed(db)
    lin = await staff.colleague(db, "desk")
    reader.cookies.set(access.COOKIE, lin.token)
    form = hidden(await reader.get("/console/cases/new"))
    given = form | {"channel": "phone", "locale": "zh", "kind": "change", "words": "Wants another day.", "people": "6",
                    "order": order.number, "phone": basket.phone, "region": "CN"}  # fmt: skip
    wrong = await reader.post("/console/cases", data=given | {"phone": "12", "words": "", "people": "x"})
    assert (wrong.status_code, 'value="12"' in wrong.text) == (422, True)
    answer = await reader.post("/console/cases", data=given)
    case = await db.read(support.desk.require, answer.headers["location"].rpartition("/")[2])
    assert (case.channel, case.locale, case.people, case.order_number) == ("phone", "zh", 6, order.number)
    [message] = [one for one in await world.messages(db, basket.phone) if one.template == "case-opened"]
    assert "服务单" in message.body
    assert answer.headers["location"] == (await reader.post("/console/cases", data=given)).headers["location"]


@pytest.mark.parametrize("role", [role.value for role in Role])
async def test_cases_are_open_to_support_and_desk_alone(db: Db, reader: httpx2.AsyncClient, role: str) -> None:
    case = await support.cases.open_case(db, (await world.traveller(db)).actor, _new(world.phone_number()))
    colleague = await staff.colleague(db, role)
    for route in cases.routes:
        path = route.path.replace("{number}", case.number)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            reader.cookies.delete(access.COOKIE)
            stranger = await reader.request(method, path)
            assert stranger.status_code == (303 if method == "GET" else 401), path
            reader.cookies.set(access.COOKIE, colleague.token)
            answer = await reader.request(method, path)
            assert (answer.status_code == 403) == (role not in ("support", "desk")), path
            assert answer.status_code < 500


# All pages


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_page_is_well_made_in_both_languages(db: Db, reader: httpx2.AsyncClient, language: str) -> None:
    person, order, _basket, _visitor = await placed(db)
    lin = await staff.colleague(db, "support")
    reader.cookies.set("hf_lang", language)
    finding = await orders.finding.search(db, orders.Clues(number=order.number), {"phone": "139****0000"}, language)
    new = _new(person.phone, account_id=person.account_id, order=order, finding=finding, page={"page": "/x"})
    case = await support.cases.open_case(db, person.actor, new)
    await db.run(support.desk.answer, lin.actor, await db.read(support.desk.require, case.number), "Yes.", key="k")
    pages = [await reader.get("/help"), await reader.get("/help/cases/new"), await reader.post("/help/cases", data={})]
    sign_in(reader, person)
    reader.cookies.set(access.COOKIE, lin.token)
    pages += [
        await reader.get("/help"), await reader.get("/help/cases/new"), await reader.get(f"/help/cases/{case.number}"),
        await reader.get("/console/cases"), await reader.get(f"/console/cases/{case.number}"), await reader.get("/console/cases/new"),
        await reader.get("/console/cases?state=answered"), await reader.post("/console/cases", data={}),
    ]  # fmt: skip
    for page in pages:
        assert page.status_code in (200, 422)
        is_well_made(page.text)
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page.text


def test_all_words_of_help_speak_chinese() -> None:
    said = {*help_words.KINDS.values(), *help_words.STATES_FOR_STAFF.values(), *help_words.MONEY.values(), *help_words.CHANNELS.values(),
            *help_words.EVIDENCE.values(), *support.desk.TEMPLATES.values(), *priorities.REASONS.values()}  # fmt: skip
    said |= {word for _tone, word in [*help_words.STATES.values(), *help_words.LEVELS.values(), *help_words.SCORES]}
    said |= {
        "The traveller closed this case.",
        "Our staff closed this case.",
        "Write at most 4,000 characters.",
        "Choose 1 to 5.",
    }
    assert not sorted(text for text in said if text not in i18n.catalogue())
    assert set(help_words.KINDS) == set(support.Kind)
    assert set(help_words.STATES) == set(help_words.STATES_FOR_STAFF) == set(support.State)
