"""The page for checking messages, one's own messages, and the console: positions by two people, heaps of reports."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import pytest

from holdfast import accounts, notices, support
from holdfast.kit import clock, i18n
from holdfast.kit.db import Db
from holdfast.notices import stamps
from holdfast.web.console import access
from tests import staff, world

from .conftest import hidden, text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
SCAM = "如您使用了2025年1月16日下午14:00出现的政府补贴bug,产生的优惠费用后续将从您的支付宝里扣回,敬请谅解!!"
SAYS_ZH, SAYS_EN = "昨天的八折优惠归您所有，不会扣回。", "Yesterday's 20% is yours; nothing is taken back."


@pytest.fixture
def db(its_own: Db) -> Db:
    """Limits count by address: each test has its own database."""
    return its_own


@pytest.mark.parametrize("language", i18n.LOCALES)
async def test_the_page_is_well_made_and_says_what_we_stand_by(db, reader: httpx2.AsyncClient, language):
    reader.cookies.set("hf_lang", language)
    for path in ("/", "/help"):
        assert 'href="/messages"' in (await reader.get(path)).text
    answer = await reader.get("/messages")
    is_well_made(answer.text)
    for one in await db.read(notices.positions.standing):
        assert one.says[language] in text_of(answer)
    is_well_made((await reader.post("/messages", data={"text": SCAM})).text)


async def test_a_genuine_text_a_copied_code_and_the_false_text(db, reader: httpx2.AsyncClient):
    reader.cookies.set("hf_lang", "en")
    mei = await world.traveller(db)
    body = (await world.messages(db, mei.phone))[0].body
    seen = text_of(await reader.post("/messages", data={"text": body}))
    assert "We sent this text." in seen
    assert f"ends in {mei.phone[-4:]}" in seen
    assert re.search(r"\b\d{6}\b", body)[0] not in seen
    copied = text_of(await reader.post("/messages", data={"text": body + " 请转账"}))
    assert "a real code was copied" in copied
    false = text_of(await reader.post("/messages", data={"text": SCAM, "sender": "106900001234"}))
    assert "We did not send this." in false
    assert "We never take back a discount that was granted" in false
    assert "106900001234 is not on the list" in false
    assert "We sent this text." not in copied + false


async def test_its_recipient_sees_it_whole_and_in_the_list_of_their_messages(db, reader: httpx2.AsyncClient):
    mei = await world.traveller(db)
    await db.run(notices.send, mei.phone, "138****0000", "order-expired", "en", number="8N4RG-A1YMB")
    code = stamps.show(stamps.within((await world.messages(db, mei.phone))[0].body)[0])
    assert "8N4RG-A1YMB" not in text_of(await reader.post("/messages", data={"text": code}))
    assert (await reader.get("/account/messages")).status_code == 303
    reader.cookies.set("hf_session", mei.token)
    assert "Order 8N4RG-A1YMB was not paid" in text_of(await reader.post("/messages", data={"text": code}))
    mine = text_of(await reader.get("/account/messages"))
    assert "8N4RG-A1YMB" in mine
    assert code in mine
    assert "••••••" in mine  # the code that signed her in


async def test_guessing_is_answered_with_what_was_typed_still_there(reader: httpx2.AsyncClient):
    for _ in range(support.checking.MISSES):
        assert (await reader.post("/messages", data={"text": stamps.show(stamps.new())})).status_code == 200
    code = stamps.show(stamps.new())
    answer = await reader.post("/messages", data={"text": code})
    assert (answer.status_code, code in answer.text) == (429, True)
    assert int(answer.headers["retry-after"]) > 0
    empty = await reader.post("/messages", data={"text": " "})
    assert empty.status_code == 422


async def test_three_reports_are_raised_and_answered_by_a_position_of_two_people(db, reader: httpx2.AsyncClient):
    reader.cookies.set("hf_lang", "en")
    for text in (SCAM, SCAM.replace("14:00", "15:00"), SCAM.replace("支付宝", "Holdfast")):
        answer = await reader.post("/messages/reports", data={"text": text})
        assert answer.headers["location"] == "/messages?reported=1"
    assert "Thank you" in text_of(await reader.get("/messages?reported=1"))
    lin, qiao = (
        await staff.colleague(db, "operations", name="Lin Wen"),
        await staff.colleague(db, "marketing", name="Qiao An"),
    )
    await db.run(_ripen)
    reader.cookies.set(access.COOKIE, lin.token)
    assert "Raised: 1" in text_of(await reader.get("/console"))
    heaps = await reader.get("/console/reports")
    assert "raised" in text_of(heaps)
    [heap] = set(re.findall(r"/console/reports/([0-9a-f-]{36})", heaps.text))
    one = await reader.get(f"/console/reports/{heap}")
    assert "3 reports from 1 networks" in text_of(one)
    form = await reader.get(f"/console/positions?about={heap}")
    assert SCAM in form.text
    for page in (heaps, one, form):
        is_well_made(page.text)
    wrong = await reader.post(
        "/console/positions", data={"says_zh": SAYS_ZH, "keywords": "a", "until": "soon", "reason": ""}
    )
    assert wrong.status_code == 422
    assert SAYS_ZH in wrong.text
    typed = {
        "says_zh": SAYS_ZH,
        "says_en": SAYS_EN,
        "keywords": "扣回\n补贴，优惠",
        "urgent": "1",
        "reason": "false texts go round",
    }
    proposal = (await reader.post("/console/positions", data=typed)).headers["location"]
    page = await reader.get(proposal)
    is_well_made(page.text)
    assert "a colleague must approve it" in text_of(page)
    shown = (await db.read(_shown)).hex()
    assert (await reader.post(f"{proposal}/approval", data={"shown": shown})).status_code == 422
    assert SAYS_EN not in text_of(await reader.get("/"))

    reader.cookies.set(access.COOKIE, qiao.token)
    assert hidden(await reader.get(proposal))["shown"] == shown
    assert (await reader.post(f"{proposal}/approval", data={"shown": shown})).status_code == 303
    for public in ("/", "/help", "/messages"):
        assert SAYS_EN in text_of(await reader.get(public))
    assert SAYS_EN in text_of(await reader.post("/messages", data={"text": SCAM}))
    done = await reader.post(
        f"/console/reports/{heap}/handling", data={"state": "answered", "reason": "a position was published"}
    )
    assert done.status_code == 303
    assert "answered by a position" in text_of(await reader.get("/console/reports"))
    assert (await reader.post(f"/console/reports/{heap}/handling", data={"state": "", "reason": ""})).status_code == 422

    [position] = await db.read(notices.positions.urgent)
    until = (clock.now() + timedelta(days=2)).astimezone(world.ZONE).strftime("%Y-%m-%dT%H:%M")
    assert (
        await reader.post(f"/console/positions/{position.id}/ending", data={"until": "", "reason": "over"})
    ).status_code == 422
    ending = (
        await reader.post(f"/console/positions/{position.id}/ending", data={"until": until, "reason": "it is over"})
    ).headers["location"]
    is_well_made((await reader.get(ending)).text)
    is_well_made((await reader.get(f"/console/positions/{position.id}")).text)
    assert (await reader.post(f"{ending}/withdrawal", data={"reason": "not yet"})).status_code == 303
    assert "withdrawn" in text_of(await reader.get(ending))


async def test_a_proposal_of_another_kind_is_not_decided_here(db, reader: httpx2.AsyncClient):
    lin = await staff.colleague(db, "operations", "support")
    mei, old = await world.traveller(db), await world.traveller(db)
    other = await accounts.propose_merge(
        db, lin.actor, mei.account_id, old.account_id, "passport, Mei", "lost the phone"
    )
    reader.cookies.set(access.COOKIE, lin.token)
    assert (await reader.get(f"/console/positions/proposals/{other.id}")).status_code == 404
    for verb in ("approval", "rejection", "withdrawal"):
        answer = await reader.post(
            f"/console/positions/proposals/{other.id}/{verb}", data={"reason": "not mine", "shown": other.shown}
        )
        assert answer.status_code == 404


async def _shown(tx):
    return bytes(await tx.value("select preview_hash from changes.proposals where kind = 'official-position'"))


async def _ripen(tx):
    """Everybody has had their roles for two days."""
    await tx.execute(
        """update accounts.staff s set roles_since = (
             select jsonb_object_agg(r, to_jsonb(now() - interval '2 days')) from unnest(s.roles) r)"""
    )
