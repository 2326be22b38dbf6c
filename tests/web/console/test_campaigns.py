"""The pages of campaigns: written in a form that keeps everything, tried, proposed, typed again blind, started, stopped."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import msgspec
import pytest

from holdfast import changes
from holdfast.campaigns import catalogued, drafts, envelopes, start
from holdfast.campaigns.model import Content
from holdfast.campaigns.nodes import Condition
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.web.console import access, campaigns_form
from holdfast.web.forms import Form
from tests import staff, world
from tests.campaigns import proposing
from tests.web.conftest import hidden, text_of
from tests.web.test_looks import is_well_made

pytestmark = pytest.mark.anyio
HERE = "/console/campaigns"


@pytest.fixture
def db(its_own: Db) -> Db:
    """These pages need no provider of payments."""
    return its_own


def come_as(reader: httpx2.AsyncClient, person: staff.Colleague) -> None:
    reader.cookies.set(access.COOKIE, person.token)


@pytest.fixture
async def people(db):
    return [await proposing.person(db, role) for role in ("marketing", "finance", "marketing")]


def local(moment) -> str:
    return (moment + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M")


def form_of(envelope_id, slot: world.SlotWorld) -> dict[str, str]:
    """`proposing.content` as somebody types it: 10 percent of museums from 50 yuan, at most 20."""
    typed = {
        "campaign": "spring", "name_zh": "春到博物馆", "name_en": "Spring at the museum", "sentence_zh": "博物馆门票九折，最多减20元。",
        "sentence_en": "10% off museum tickets, at most 20 yuan.", "envelope": str(envelope_id), "effect": "percent", "amount": "10",
        "cap": "20", "scope.mode": "rows", "scope.0.field": "kind", "scope.0.op": "in", "scope.0.value": "museum",
        "when.mode": "rows", "when.0.field": "scope_minor", "when.0.op": "gte", "when.0.value": "50", "budget": "5000", "per_day": "1000",
        "per_person": "2", "from": local(clock.now() - timedelta(hours=1)), "until": local(clock.now() + timedelta(days=20)),
        "channel.web": "on", "combines": "alone", "group": "general", "priority": "100", "codes": "none",
    }  # fmt: skip
    for n, (name, quantity, channel, expected) in enumerate((
        ("one", "1", "web", "10"), ("two", "2", "web", "20"), ("three, capped", "3", "web", "20"),
        ("by the app", "1", "api", "0"), ("at the counter", "1", "desk", "0"), ("two by the app", "2", "api", "0"),
    )):  # fmt: skip
        typed |= {
            f"case.{n}.name": name, f"case.{n}.price": slot.price_id, f"case.{n}.quantity": quantity, f"case.{n}.channel": channel,
            f"case.{n}.expected": expected, f"case.{n}.earlier": "0", f"case.{n}.ahead": "2",
        }  # fmt: skip
    return typed


async def written(reader, db, people) -> str:
    """The address of a complete draft."""
    lin, wu, _chen = people
    slot = await world.open_slot(db, price_minor=10_000)
    envelope_id = await proposing.envelope(db, lin, wu)
    come_as(reader, lin)
    answer = await reader.post(f"{HERE}/drafts", data=form_of(envelope_id, slot))
    assert answer.status_code == 303, text_of(answer)
    return answer.headers["location"]


async def proposed(reader, db, people) -> changes.Proposal:
    await proposing.orders_of_the_past(db, 10_000, 4000)
    address = await written(reader, db, people)
    await reader.post(f"{address}/backtest", data={"days": "30"})
    answer = await reader.post(f"{address}/proposal", data={"reason": "spring in Nanjing"})
    assert answer.status_code == 303, text_of(answer)
    return await db.read(changes.require, answer.headers["location"].rsplit("/", 1)[1])


async def test_a_form_becomes_the_content_and_the_content_becomes_the_form_again(reader, db, people):
    address = await written(reader, db, people)
    draft = await db.read(drafts.require, address.rsplit("/", 1)[1])
    content = drafts.content_of(draft)
    assert (content.effect.share_bp, content.effect.cap_minor, content.limits.budget_minor) == (1000, 2000, 500_000)
    assert [case.expected_minor for case in content.cases] == [1000, 2000, 2000, 0, 0, 0]
    again = Form({**campaigns_form.typed(content), "campaign": "spring"})
    assert campaigns_form.read(again, await db.read(catalogued.tickets)) == content
    page = await reader.get(address)
    is_well_made(page.text)
    assert "10% off the tickets, at most ¥20.00 an order" in text_of(page)


async def test_what_is_typed_wrong_is_kept_with_what_to_do_and_more_rows_need_no_script(reader, db, people):
    come_as(reader, people[0])
    typed = {
        "campaign": "spring", "name_zh": "春", "amount": "lots", "effect": "percent", "scope.0.field": "city", "scope.0.op": "gte",
        "scope.0.value": "杭州", "when.0.field": "visit_date", "act": "save", "budget": "-5", "from": "soon", "case.0.name": "half a case",
    }  # fmt: skip
    answer = await reader.post(f"{HERE}/drafts", data=typed)
    assert answer.status_code == 303
    page = await reader.get(answer.headers["location"])
    said = text_of(page)
    for value in ("lots", "-5", "杭州", "half a case"):
        assert f'value="{value}"' in page.text
    assert "Write an amount in yuan" in said
    assert "Choose an envelope" in said
    is_well_made(page.text)
    before = page.text.count('name="scope.')
    more = await reader.post(answer.headers["location"], data={**typed, "act": "add-scope", "revision": "1"})
    assert more.text.count('name="scope.') > before
    assert 'value="lots"' in more.text
    [draft] = await db.read(drafts.open_ones)
    assert (draft.revision, draft.content) == (1, None)


async def test_two_editors_of_one_draft_lose_nothing(reader, db, people):
    address = await written(reader, db, people)
    page = await reader.get(address)
    typed = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', page.text))
    assert hidden(page)["revision"] == "1"
    assert (await reader.post(address, data={**typed, "name_en": "First of two"})).status_code == 303
    second = await reader.post(address, data={**typed, "revision": "1", "name_en": "Second of two"})
    assert second.status_code == 422
    assert 'value="Second of two"' in second.text
    assert "A colleague has changed this draft" in text_of(second)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_backtest_shows_what_it_would_have_done_and_the_proposal_all_that_a_reviewer_needs(
    reader, db, people, language
):
    proposal = await proposed(reader, db, people)
    spoken = {"Accept-Language": language}
    back = await reader.get(f"{HERE}/drafts/{proposal.payload['draft']}/backtest", headers=spoken)
    shown = await reader.get(f"{HERE}/proposals/{proposal.id}", headers=spoken)
    for page in (back, shown):
        assert page.status_code == 200
        is_well_made(page.text)
        assert page.text.count("<svg") >= 3
    said = text_of(shown)
    for figure in ("50%", "¥10", "¥20", "¥5,000"):
        assert figure in said, figure
    if language == "en":
        assert "10% off the tickets, at most ¥20.00 an order" in said
        assert "10% off museum tickets, at most 20 yuan." in said
        assert "price of the tickets it is for is at least ¥50.00" in said
    else:
        assert "博物馆门票九折" in said
        assert "Which tickets" not in said


async def test_the_approval_page_shows_none_of_the_figures_anywhere(reader, db, people):
    proposal = await proposed(reader, db, people)
    come_as(reader, people[2])
    page = (await reader.get(f"{HERE}/proposals/{proposal.id}/approval")).text
    is_well_made(page)
    body = page.replace(proposal.shown, "").replace(str(proposal.id), "")
    body = body[body.index("<main") : body.index("</main>")]
    assert re.findall(r"(?<![\w.#-])\d+(?:\.\d+)?(?![\w-])", re.sub(r'(maxlength|tabindex)="\d+"', "", body)) == []
    for word in ("10%", "2000", "Spring", "museum", "selected"):
        assert word not in body, word


async def test_a_slip_rejects_and_the_right_figures_approve_and_start_and_one_press_stops(reader, db, people):
    lin, wu, chen = people
    first = await proposed(reader, db, people)
    come_as(reader, chen)
    address = f"{HERE}/proposals/{first.id}"
    figures = {"amount": "10", "unit": "percent", "cap": "20", "payer": "platform"}
    slip = await reader.post(f"{address}/approval", data={**figures, "cap": "200", "shown": first.shown})
    assert slip.status_code == 409
    assert "the proposal has been rejected" in text_of(slip)
    assert (await db.read(changes.require, first.id)).state is changes.State.REJECTED
    come_as(reader, lin)
    again = (await reader.post(f"{address}/again")).headers["location"]
    made = await reader.post(f"{again}/proposal", data={"reason": "typed wrong by the reviewer"})
    second = await db.read(changes.require, made.headers["location"].rsplit("/", 1)[1])
    address = f"{HERE}/proposals/{second.id}"
    own = await reader.post(f"{address}/approval", data={**figures, "shown": second.shown})
    assert "cannot approve it" in text_of(own)
    for person in (chen, wu):
        come_as(reader, person)
        typed = await reader.post(f"{address}/approval", data={**figures, "shown": second.shown})
        assert typed.status_code == 303
    begun = await reader.post(f"{address}/start")
    assert begun.headers["location"] == f"{HERE}/spring"
    page = await reader.get(begun.headers["location"])
    is_well_made(page.text)
    assert "first stage" in text_of(page)
    assert "spring" in (await reader.get(HERE)).text
    stopped = await reader.post(f"{HERE}/spring/stop")
    assert stopped.status_code == 303
    assert "Stop this campaign" not in (await reader.get(f"{HERE}/spring")).text
    twice = await reader.post(f"{HERE}/spring/stop")
    assert twice.status_code == 409
    assert (await db.read(start.running, "spring")).state == "tripped"


async def test_an_envelope_is_asked_for_in_a_form_that_keeps_everything(reader, db, people):
    lin, wu, _chen = people
    come_as(reader, lin)
    typed = {
        "name_zh": "春季额度", "name_en": "Spring envelope", "payer": "government", "label_zh": "政府补贴", "label_en": "Government subsidy",
        "max_minor": "30", "max_bp": "20", "budget_minor": "50000", "valid_until": local(clock.now() + timedelta(days=30)),
        "kind.museum": "on", "channel.web": "on", "reason": "agreed with the city",
    }  # fmt: skip
    wrong = await reader.post(f"{HERE}/envelopes", data=typed)
    assert wrong.status_code == 422
    assert 'value="Government subsidy"' in wrong.text
    assert "Public money needs the agreement" in text_of(wrong)
    asked = await reader.post(f"{HERE}/envelopes", data={**typed, "agreement": "宁文旅〔2026〕7号"})
    address = asked.headers["location"]
    shown = hidden(await reader.get(f"{address}/approval"))["shown"]
    come_as(reader, wu)
    page = await reader.get(address)
    is_well_made(page.text)
    figures = {"amount": "30", "unit": "most", "cap": "20", "payer": "government", "shown": shown}
    assert (await reader.post(f"{address}/approval", data=figures)).status_code == 303
    assert (await reader.post(f"{address}/start")).headers["location"] == f"{HERE}/envelopes"
    [made] = await db.read(envelopes.usable)
    assert (made.agreement, made.max_minor) == ("宁文旅〔2026〕7号", 3000)
    listed = await reader.get(f"{HERE}/envelopes")
    is_well_made(listed.text)
    assert "宁文旅〔2026〕7号" in text_of(listed)


async def test_a_colleague_of_another_trade_reads_and_stops_and_does_nothing_else(reader, db, people):
    lin, wu, chen = people
    await proposing.orders_of_the_past(db, 10_000)
    await proposing.started(db, lin, [chen, wu], proposing.content(await proposing.envelope(db, lin, wu)))
    come_as(reader, await proposing.person(db, "operations"))
    assert (await reader.get(HERE)).status_code == 200
    assert (await reader.get(f"{HERE}/new")).status_code == 403
    assert (await reader.post(f"{HERE}/drafts", data={"campaign": "mine"})).status_code == 403
    assert (await reader.post(f"{HERE}/spring/stop", data={"reason": "money flows out"})).status_code == 303


async def test_conditions_too_deep_for_rows_stand_as_json_and_survive(db, people):
    deep = '{"op":"any_of","parts":[{"op":"all_of","parts":[{"op":"in","field":"kind","values":["museum"]},{"op":"gte","field":"unit_minor","value":5000}]},{"op":"in","field":"city","values":["南京"]}]}'
    said = proposing.content(
        await proposing.envelope(db, *people[:2]), scope=msgspec.json.decode(deep, type=Condition), cases=[]
    )
    typed = campaigns_form.typed(said)
    assert typed["scope.mode"] == "json"
    again = campaigns_form.read(Form({**typed, "campaign": "spring"}), {})
    assert isinstance(again, Content)
    assert (again.scope, again.when, len(again.cases)) == (said.scope, said.when, len(said.cases))
