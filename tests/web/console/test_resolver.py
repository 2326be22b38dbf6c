"""The console's payments in doubt: how many, how fast they are asked about, and which first."""

from __future__ import annotations

import httpx2
import pytest

from holdfast import payments
from holdfast.kit import ids
from holdfast.kit.db import Db
from tests import world
from tests.payments.conftest import SimulatorProcess
from tests.web.conftest import text_of
from tests.web.test_looks import is_well_made

from .ground import begun, come_as

pytestmark = pytest.mark.anyio
BASE = "/console/resolver"


async def test_doubts_are_counted_with_their_pace_and_the_most_urgent_first(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient
) -> None:
    sim.script({"fault": "html_502", "provider": "wechatpay"})
    _mei, order, view = await begun(db)
    await begun(db, "alipay")
    await world.work_once(db)
    await db.run(payments.look, view.intent_id)
    await come_as(reader, db, "engineer")
    answer = await reader.get(BASE)
    page = text_of(answer)
    assert answer.headers["refresh"].startswith("20; ")
    for said in (
        "WeChat Pay answers questions In doubt 1", "oldest", "at most 60 a second", "Each asked about once at once",
        "in doubt and holding places, or somebody waits", "somebody looks at it right now", ids.show_code(order.number),
        "It answered with the HTTP status 502", "Wait for their payer 1", "open, nothing is wrong with it", "nothing to ask about", "asked",
    ):  # fmt: skip
        assert said in page, said
    assert "In doubt: 1" in text_of(await reader.get("/console"))


async def test_a_provider_that_does_not_answer_has_no_time(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient
) -> None:
    sim.script({"fault": "html_502", "provider": "wechatpay"})
    await begun(db)
    for _ in range(7):
        await world.work_once(db)
    await come_as(reader, db, "finance")
    page = text_of(await reader.get(BASE))
    assert "does not answer questions" in page
    assert "not before it answers again" in page
    assert "at most 2 a second" in page


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_page_is_well_made_in_both_languages(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient, language: str
) -> None:
    sim.script({"fault": "lost_response", "match": "create", "provider": "stripe"})
    await begun(db, "stripe")
    await come_as(reader, db, "engineer")
    reader.cookies.set("hf_lang", language)
    is_well_made((await reader.get(BASE)).text)
