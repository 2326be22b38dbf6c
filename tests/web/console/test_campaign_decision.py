"""The page on which a mistake is decided: proposed by one, approved by finance, told to people, single accounts apart."""

from __future__ import annotations

import re
from datetime import datetime

import httpx2
import pytest

from holdfast import orders
from holdfast.kit import jobs
from holdfast.kit.db import Db
from holdfast.orders import abuse, honour
from holdfast.web.console import access
from tests import staff, world
from tests.orders import discounting
from tests.web.conftest import hidden, sign_in, text_of
from tests.web.test_looks import is_well_made

pytestmark = pytest.mark.anyio
WHY = {"reason": "a wrong template was used"}


def come_as(reader: httpx2.AsyncClient, person: staff.Colleague) -> None:
    reader.cookies.set(access.COOKIE, person.token)


async def incident(db: Db) -> tuple[world.Person, orders.Order, str]:
    """Somebody who got a wrong discount, and the page of its decision."""
    wrong = await discounting.campaign(db, "government")
    mei, order = await discounting.paid(db, [wrong.grant(1200)], await world.open_slot(db))
    trip_id = await discounting.trip(db, wrong)
    await honour.run(db)
    return mei, order, f"/console/campaigns/incidents/{trip_id}/decision"


def acts(page: str) -> list[str]:
    return re.findall(r'action="(/console/campaigns/incidents/[^"]+)"', page)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_one_proposes_finance_approves_and_everybody_keeps_what_they_got(
    db: Db, reader: httpx2.AsyncClient, language: str
) -> None:
    reader.cookies.set("hf_lang", language)
    mei, order, here = await incident(db)
    come_as(reader, await discounting.colleague(db, "marketing"))
    page = await reader.get(here)
    is_well_made(page.text)
    assert "¥12" in text_of(page)
    made = await reader.post(here, data={"verdict": "honour", "false_label": "1", **WHY})
    assert made.status_code == 303, text_of(made)
    page = await reader.get(here)
    is_well_made(page.text)
    assert not [act for act in acts(page.text) if act.endswith("/approval")]
    come_as(reader, await discounting.colleague(db, "finance"))
    page = await reader.get(here)
    [approval] = [act for act in acts(page.text) if act.endswith("/approval")]
    done = await reader.post(approval, data={"shown": hidden(page)["shown"]})
    assert done.status_code == 303, text_of(done)
    await honour.run(db)
    await honour.run(db)
    await jobs.drain(db)
    page = await reader.get(here)
    is_well_made(page.text)
    assert not [act for act in acts(page.text) if act.endswith(("/approval", "/decision"))]
    sign_in(reader, mei)
    shown = text_of(await reader.get(f"/orders/{order.number}"))
    assert ("平台承担" if language == "zh" else "Borne by the platform") in shown
    assert ("这份优惠归您所有" if language == "zh" else "This discount is yours to keep.") in shown
    assert ("政府补贴" if language == "zh" else "Government subsidy") not in shown


async def test_nothing_typed_is_lost_and_each_mistake_is_named(db: Db, reader: httpx2.AsyncClient) -> None:
    _mei, _order, here = await incident(db)
    come_as(reader, await discounting.colleague(db, "marketing"))
    page = await reader.post(here, data={"verdict": "forgive", "since": "yesterday, two o'clock", "reason": "no"})
    assert page.status_code == 422
    said = text_of(page)
    assert "Choose what becomes of these discounts." in said
    assert "Write the time as 2026-12-31 14:40, or leave it empty." in said
    assert "Say why, in 4 to 500 characters" in said
    assert 'value="yesterday, two o&#39;clock"' in page.text
    page = await reader.post(f"{here}/accounts", data={"account": "Mei", "evidence": "odd", **WHY})
    assert page.status_code == 422
    assert 'value="Mei"' in page.text
    assert ">odd</textarea>" in page.text


async def test_the_time_when_it_began_is_read_on_the_clocks_of_the_house(db: Db, reader: httpx2.AsyncClient) -> None:
    _mei, _order, here = await incident(db)
    come_as(reader, await discounting.colleague(db, "operations"))
    made = await reader.post(here, data={"verdict": "honour", "since": "2026-01-16 14:40", **WHY})
    assert made.status_code == 303, text_of(made)
    [found] = await db.read(honour.of_incident, world.UUID(here.split("/")[4]))
    assert datetime.fromisoformat(found.payload["since"]) == datetime.fromisoformat("2026-01-16T06:40:00+00:00")


async def test_whoever_proposed_it_or_is_not_of_finance_does_not_approve_it(db: Db, reader: httpx2.AsyncClient) -> None:
    _mei, _order, here = await incident(db)
    fin = await discounting.colleague(db, "finance")
    come_as(reader, fin)
    await reader.post(here, data={"verdict": "honour", **WHY})
    [found] = await db.read(honour.of_incident, world.UUID(here.split("/")[4]))
    mine = await reader.post(f"{here}/{found.id}/approval", data={"shown": found.shown})
    assert mine.status_code == 422
    assert "Whoever proposed a change cannot approve it." in text_of(mine)
    come_as(reader, await discounting.colleague(db, "marketing", "operations", "support"))
    theirs = await reader.post(f"{here}/{found.id}/approval", data={"shown": found.shown})
    assert theirs.status_code == 403
    come_as(reader, await discounting.colleague(db, "finance"))
    refused = await reader.post(f"{here}/{found.id}/rejection", data={"reason": "the label was right"})
    assert refused.status_code == 303
    assert (await reader.post(f"{here}/{found.id}/reverting", data=WHY)).status_code == 404


async def test_bad_faith_is_proposed_with_evidence_and_cancels_with_all_money_back(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    mei, order, here = await incident(db)
    come_as(reader, await discounting.colleague(db, "operations"))
    typed = {"account": str(mei.account_id), "evidence": "forty orders within a minute, made by a program", **WHY}
    made = await reader.post(f"{here}/accounts", data=typed)
    assert made.status_code == 303, text_of(made)
    come_as(reader, await discounting.colleague(db, "finance"))
    page = await reader.get(here)
    is_well_made(page.text)
    [approval] = [act for act in acts(page.text) if act.endswith("/approval")]
    assert (await reader.post(approval, data={"shown": hidden(page)["shown"]})).status_code == 303
    await abuse.run(db)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CANCELLED
    is_well_made((await reader.get(here)).text)


async def test_an_incident_that_is_none_and_a_proposal_of_another_are_not_found(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    _mei, _order, here = await incident(db)
    _li, _other, there = await incident(db)
    come_as(reader, await discounting.colleague(db, "finance"))
    await reader.post(here, data={"verdict": "honour", **WHY})
    [found] = await db.read(honour.of_incident, world.UUID(here.split("/")[4]))
    assert (await reader.post(f"{there}/{found.id}/approval", data={"shown": found.shown})).status_code == 404
    assert (await reader.get("/console/campaigns/incidents/nothing/decision")).status_code == 404
    assert (await reader.get(f"/console/campaigns/incidents/{order_id()}/decision")).status_code == 404


def order_id() -> str:
    """An id that names nothing."""
    return "00000000-0000-7000-8000-000000000000"
