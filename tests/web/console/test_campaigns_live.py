"""The pages of what runs and of what was stopped: figures against the forecast, the button, the evidence, beginning anew by others."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from holdfast import changes
from holdfast.campaigns import incidents, restart, stages, start
from holdfast.campaigns.model import BenefitOver
from holdfast.kit import clock, jobs
from holdfast.kit.db import Db
from holdfast.web.console import access
from tests import staff
from tests.campaigns.running import Ground, book, ground, running, write
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


async def tripped(db: Db, on: Ground) -> str:
    await write(db, "update campaigns.running set stage_count = null")
    with pytest.raises(BenefitOver):
        await book(db, on, 40)
    await jobs.drain(db)
    return str(await db.read(incidents.last_of, on.version_id))


async def test_the_page_shows_spending_watches_and_what_stands_against_the_next_stage(db, reader):
    on = await ground(db)
    come_as(reader, on.lin)
    fresh = await reader.get(f"{HERE}/spring/live")
    assert fresh.status_code == 200, text_of(fresh)
    assert "within half a minute" in text_of(fresh)
    await book(db, on, 12, 12)
    await stages.grow(db)
    answer = await reader.get(f"{HERE}/spring/live")
    is_well_made(answer.text)
    said = text_of(answer)
    assert "¥120" in said
    assert "12 of 24 orders fit" in said
    assert "60% is used" in said
    assert said.count("not yet") == 1, "the five minutes"
    assert "It stops here" in said
    assert "Refresh" in answer.headers
    assert re.search(r'class="curve s3"', answer.text), "spending, forecast and the line where it stops"
    assert "¥120 / ¥500" in said or "¥120 of ¥500" in said


async def test_going_on_by_hand_says_why_not(db, reader):
    on = await ground(db)
    await book(db, on, 12, 12)
    come_as(reader, on.lin)
    early = await reader.post(f"{HERE}/spring/stages")
    assert early.status_code == 409
    assert "This stage cannot be left yet." in text_of(early)
    clock.move(timedelta(minutes=6))
    assert (await reader.post(f"{HERE}/spring/stages")).status_code == 303
    assert (await running(db)).stage == 2
    assert "12 orders were recounted" in text_of(await reader.get(f"{HERE}/spring/live"))


async def test_the_one_button_stops_it_and_leads_to_the_incident(db, reader):
    on = await ground(db)
    await book(db, on, 2, 2)
    come_as(reader, on.wu)
    page = await reader.get(f"{HERE}/spring/live")
    assert page.text.count("Stop this campaign") == 1
    assert (await reader.post(f"{HERE}/spring/stop")).status_code == 303
    await jobs.drain(db)
    stopped = await reader.get(f"{HERE}/spring/live")
    is_well_made(stopped.text)
    assert "Stop this campaign" not in stopped.text
    [link] = set(re.findall(r'href="(/console/campaigns/incidents/[0-9a-f-]{36})"', stopped.text))
    incident = await reader.get(link)
    is_well_made(incident.text)
    said = text_of(incident)
    assert "somebody stopped it" in said
    assert "You stopped it: colleagues decide" in said
    assert "¥20" in said
    listed = await reader.get(f"{HERE}/incidents")
    is_well_made(listed.text)
    assert link in listed.text


@pytest.mark.parametrize(("locale", "words"), [("en", "The line that was crossed"), ("zh", "越过的停止线")])
async def test_an_incident_shows_its_course_and_the_line(db, reader, locale, words):
    on = await ground(db)
    trip = await tripped(db, on)
    come_as(reader, on.chen)
    answer = await reader.get(f"{HERE}/incidents/{trip}", headers={"Accept-Language": locale})
    is_well_made(answer.text)
    assert words in answer.text
    assert 'class="limit"' in answer.text
    assert answer.text.count("/console/orders/") == 29
    assert f"/incidents/{trip}/decision" in answer.text


async def test_others_let_it_begin_anew_by_these_pages(db, reader):
    on = await ground(db)
    trip = await tripped(db, on)
    come_as(reader, on.lin)
    short = await reader.post(f"{HERE}/incidents/{trip}/restart", data={"reason": "no"})
    assert short.status_code == 409
    made = await reader.post(f"{HERE}/incidents/{trip}/restart", data={"reason": "a festival, foreseen too low"})
    address = made.headers["location"]
    shown = await reader.get(address)
    is_well_made(shown.text)
    assert "A stopped campaign begins anew" in text_of(shown)
    assert f"{HERE}/incidents/{trip}" in shown.text
    for person in (on.chen, on.wu):
        come_as(reader, person)
        form = await reader.get(f"{address}/approval")
        typed = {**hidden(form), "amount": "10", "unit": "percent", "cap": "20", "payer": "platform"}
        assert (await reader.post(f"{address}/approval", data=typed)).status_code == 303
    begun = await reader.post(f"{address}/start")
    assert begun.headers["location"] == f"{HERE}/spring"
    assert (await running(db)).state == "canary"
    page = await reader.get(f"{HERE}/incidents/{trip}")
    assert "begun anew after approval" in text_of(page)
    assert "Let it begin anew" not in page.text
    [one] = await db.read(restart.of_stop, UUID(trip))
    assert one.state is changes.State.APPLIED


async def test_what_there_is_not_is_404(db, reader):
    on = await ground(db)
    come_as(reader, on.lin)
    for path in (f"{HERE}/summer/live", f"{HERE}/incidents/{on.version_id}", f"{HERE}/incidents/nothing"):
        assert (await reader.get(path)).status_code == 404
    assert (await db.read(start.running, "spring")).is_live
