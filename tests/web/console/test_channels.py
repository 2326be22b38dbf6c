"""The console's channels: how each does, why, what people switched, and new versions."""

from __future__ import annotations

import re

import httpx2
import pytest

from holdfast import accounts, orders, payments
from holdfast.kit import clock
from holdfast.kit.db import Db
from holdfast.payments import health, health_store
from holdfast.payments.model import ChannelResting
from tests import world
from tests.payments.conftest import SimulatorProcess
from tests.web.conftest import text_of
from tests.web.test_looks import is_well_made

from .ground import begun, come_as, paid

pytestmark = pytest.mark.anyio
BASE = "/console/channels"


async def break_down(db: Db, sim: SimulatorProcess, provider: str = "wechatpay") -> None:
    """So many charges fail in a row that the channel is down."""
    sim.script({"fault": "html_502", "match": "create", "provider": provider})
    for _ in range(health.IN_A_ROW):
        await begun(db, provider)


async def test_a_channel_that_went_down_says_since_when_why_and_with_what_evidence(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient
) -> None:
    await paid(db, sim)
    await break_down(db, sim)
    await come_as(reader, db, "finance")
    overview = await reader.get(BASE)
    page = text_of(overview)
    for said in (
        "WeChat Pay · code to scan", "down like this since today", "Several calls in a row failed.", "nobody", "Alipay · payment page", "well", "everybody",
        "Cards (Stripe) · card", "begun, shown, paid", "What changed in the last day", "well → down", "of the last", "http-502",
    ):  # fmt: skip
        assert said in page, said
    assert overview.text.count('<svg class="columns"') == 1
    assert re.search(r"8 calls, 5 failed|\d+ calls, 5 failed", page)
    one = text_of(await reader.get(f"{BASE}/wechatpay"))
    for said in (
        "It answered with the HTTP status 502, and not as its protocol says.",
        "Charge placed",
        "Calls a minute in the last hour",
    ):
        assert said in one, said
    assert "Switch it off" not in one, "finance may read"


async def test_a_live_page_is_opened_again_by_the_browser_until_it_is_stopped(
    db: Db, reader: httpx2.AsyncClient
) -> None:
    await come_as(reader, db, "operations")
    live = await reader.get(BASE)
    assert live.headers["refresh"].startswith(f"20; url={BASE}?until=")
    assert "Looks again every 20 seconds" in text_of(live)
    still = await reader.get(f"{BASE}?until=0")
    assert "refresh" not in still.headers
    assert "Look again by itself" in text_of(still)
    assert "refresh" not in (await reader.get(f"{BASE}/alipay")).headers, "a page with forms stays"


async def test_switching_off_works_for_the_next_payer_and_is_lifted(db: Db, reader: httpx2.AsyncClient) -> None:
    lin = await come_as(reader, db, "operations")
    path = f"{BASE}/wechatpay"
    short = await reader.post(f"{path}/switches", data={"method": "h5", "hours": "8", "reason": "no"})
    assert (short.status_code, "Say why" in text_of(short)) == (422, True)
    for kept in ('<option value="h5" selected>', '<option value="8" selected>', 'value="no"'):
        assert kept in short.text
    for wrong in ({"hours": "9999"}, {"hours": "1", "method": "carrier pigeon"}):
        answer = await reader.post(f"{path}/switches", data={"reason": "as agreed", **wrong})
        assert answer.status_code == 422, wrong
    done = await reader.post(f"{path}/switches", data={"method": "", "hours": "2", "reason": "announced maintenance"})
    assert (done.status_code, done.headers["location"]) == (303, path)
    mei, order = await world.held_order(db, await world.open_slot(db))
    with pytest.raises(ChannelResting):
        await orders.pay(db, mei.actor, order, payments.Wish("wechatpay"))
    page = await reader.get(path)
    assert "Switched off: WeChat Pay announced maintenance" in text_of(page)
    assert text_of(await reader.get(BASE)).count("switched off") == 2, "by either method"
    assert "Not well: 2" in text_of(await reader.get("/console"))
    lifting = re.search(rf'action="({path}/switches/\d+/lifting)"', page.text)
    assert lifting
    assert (await reader.post(lifting[1])).status_code == 303
    gone = await reader.post(lifting[1])
    assert (gone.status_code, "This switch is lifted already." in text_of(gone)) == (409, True)
    await orders.pay(db, mei.actor, order, payments.Wish("wechatpay"))
    acts = [one.action for one in await db.read(accounts.trail, actor=str(lin.actor), action="payments.")]
    assert acts == ["payments.switch_on", "payments.switch_off"]


async def test_a_new_version_is_rolled_out_and_its_trip_is_seen_and_cleared(db: Db, reader: httpx2.AsyncClient) -> None:
    await come_as(reader, db, "engineer")
    path = f"{BASE}/wechatpay"
    typed = {"version": "apiv3.2", "mode": "canary", "percent": "5", "reason": "first payments"}
    for wrong in (
        {"percent": "0"},
        {"percent": "101"},
        {"percent": "many"},
        {"mode": "sideways"},
        {"version": "apiv9"},
    ):
        answer = await reader.post(f"{path}/rollouts", data=typed | wrong)
        assert (answer.status_code, "a canary needs a share" in text_of(answer)) == (422, True), wrong
        assert 'value="first payments"' in answer.text
    assert (await reader.post(f"{path}/rollouts", data=typed)).status_code == 303
    page = text_of(await reader.get(BASE))
    assert "apiv3.2 : canary: it serves a share (5%)" in page
    assert "5%" in page
    assert "95%" in page
    await db.run(health_store.trip_rollout, "wechatpay", "apiv3.2", clock.now(), "create: in-a-row")
    tripped = text_of(await reader.get(path))
    assert "went back by itself" in tripped
    assert "create: in-a-row" in tripped
    await reader.post(f"{path}/rollouts", data=typed | {"mode": "off", "percent": "", "reason": "mended first"})
    assert "off: the old version serves all" in text_of(await reader.get(path))
    only = text_of(await reader.get(f"{BASE}/stripe"))
    assert "There is no other version." in only


async def test_only_known_providers_have_pages(db: Db, reader: httpx2.AsyncClient) -> None:
    await come_as(reader, db, "engineer")
    for path in (f"{BASE}/desk", f"{BASE}/nothing"):
        assert (await reader.get(path)).status_code == 404
    for number in ("x", "1" * 30, "7"):
        answer = await reader.post(f"{BASE}/wechatpay/switches/{number}/lifting")
        assert answer.status_code in (404, 409), number


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_pages_are_well_made_in_both_languages(
    db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient, language: str
) -> None:
    await break_down(db, sim)
    await come_as(reader, db, "engineer")
    reader.cookies.set("hf_lang", language)
    await reader.post(f"{BASE}/wechatpay/switches", data={"method": "", "hours": "1", "reason": "announced"})
    for path in (BASE, *(f"{BASE}/{name}" for name in ("wechatpay", "alipay", "stripe"))):
        is_well_made((await reader.get(path)).text)
    is_well_made((await reader.post(f"{BASE}/wechatpay/switches", data={})).text)
    is_well_made((await reader.post(f"{BASE}/wechatpay/rollouts", data={})).text)
