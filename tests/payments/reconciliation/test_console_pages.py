"""Reconciliation at the console: days, the queue, one difference from three sides, and what finance does about it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette

from holdfast import web
from holdfast.kit import i18n
from holdfast.kit.problems import Problem
from holdfast.payments import reconciliation
from holdfast.payments.reconciliation_model import KINDS
from holdfast.web.console import access
from holdfast.web.console import reconciliation as pages
from tests import staff, world
from tests.web.conftest import HOST, text_of
from tests.web.test_looks import is_well_made

from . import days

pytestmark = pytest.mark.anyio
BASE = "/console/reconciliation"


@pytest.fixture
async def console(db) -> AsyncIterator[httpx2.AsyncClient]:
    """The console, and somebody who reads English."""
    app = Starlette(
        routes=web.routes,
        middleware=web.middleware,
        exception_handlers={Problem: web.problem_page, 404: web.missing_page, 405: web.missing_page},
    )
    app.state.db = db
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=HOST, headers={"Accept-Language": "en"}) as client:
        yield client


async def sign_in(db, console: httpx2.AsyncClient, role: str = "finance") -> None:
    """A colleague takes the seat; sessions do not survive a night."""
    console.cookies.set(access.COOKIE, (await staff.colleague(db, role)).token)


@pytest.fixture
async def missing(db, sim, day):
    """A payment that the bill lacks, and one on which all agree."""
    await days.paid(db, sim)
    await days.paid(db, sim)
    days.to_bill(sim, day)
    sim.script({"fault": "bill_missing_row"})
    [item] = await days.compared(db, day)
    sim.script()
    return item


async def test_days_the_queue_and_a_difference_are_shown_in_both_languages(db, console, missing, day):
    await sign_in(db, console)
    for path in (BASE, f"{BASE}/wechatpay/{day}", f"{BASE}/queue", f"{BASE}/items/{missing.id}"):
        for locale in ("en", "zh"):
            shown = await console.get(path, headers={"Accept-Language": locale})
            assert shown.status_code == 200, path
            is_well_made(shown.text)
    calendar = text_of(await console.get(BASE))
    assert "One difference stands open" in calendar
    assert "1 unsettled" in calendar
    assert "1 of 1 rows" in calendar
    one = text_of(await console.get(f"{BASE}/wechatpay/{day}"))
    for said in ("Paid here, missing in the bill", "¥60", "¥120", missing.merchant_ref, "Compare again"):
        assert said in one
    item = text_of(await console.get(f"{BASE}/items/{missing.id}"))
    for said in (
        "WeChat Pay says that it was paid", "No bill that we have names it.", "¥60 received", "payment.received", "debit 1010", "credit 2010",
        "−¥60", "Book it to suspense",
    ):  # fmt: skip
        assert said in item, said


async def test_finance_settles_a_difference_with_a_reason(db, console, missing):
    await sign_in(db, console)
    address = f"{BASE}/items/{missing.id}"
    refused = await console.post(f"{address}/suspense", data={"reason": "?"})
    assert refused.status_code == 422
    assert 'value="?"' in refused.text
    done = await console.post(f"{address}/suspense", data={"reason": "claimed from the provider"})
    assert (done.status_code, done.headers["location"]) == (303, address)
    shown = text_of(await console.get(address))
    assert "booked" in shown
    assert "claimed from the provider" in shown
    assert await days.balance(db, "1090") == 6000
    again = await console.post(f"{address}/acceptance", data={"reason": "a second opinion"})
    assert again.status_code == 422
    assert "This difference is settled already." in text_of(again)
    assert "No difference stands open." in text_of(await console.get(f"{BASE}/queue"))
    assert missing.merchant_ref in text_of(await console.get(f"{BASE}/queue?state=resolved"))
    await console.post(f"{address}/reopening", data={"reason": "the provider has found it"})
    assert await days.balance(db, "1090") == 0
    assert (await db.read(reconciliation.require, missing.id)).is_open


async def test_a_large_sum_is_not_written_off_and_a_note_leaves_it_open(db, console, missing):
    await sign_in(db, console)
    address = f"{BASE}/items/{missing.id}"
    refused = await console.post(f"{address}/write-off", data={"reason": "too much to bear"})
    assert refused.status_code == 422
    assert "This is more than one person may write off." in text_of(refused)
    await console.post(f"{address}/note", data={"reason": "they answer until Friday"})
    assert "they answer until Friday" in text_of(await console.get(address))
    asked = (await db.read(reconciliation.require, missing.id)).asked_at
    await console.post(f"{address}/asking")
    item = await db.read(reconciliation.require, missing.id)
    assert item.is_open
    assert item.asked_at > asked
    await console.post(f"{address}/acceptance", data={"reason": "explained by the provider"})
    assert (await db.read(reconciliation.require, missing.id)).resolution == "manual"


async def test_a_day_is_compared_at_a_press(db, sim, console, day):
    await days.paid(db, sim)
    await sign_in(db, console)
    assert (await console.get(f"{BASE}/wechatpay/{day}")).status_code == 404
    early = await console.post(f"{BASE}/wechatpay/{day}")
    assert early.status_code == 409
    assert "The bill of this day is not made yet." in text_of(early)
    days.to_bill(sim, day)
    await sign_in(db, console)
    done = await console.post(f"{BASE}/wechatpay/{day}")
    assert (done.status_code, done.headers["location"]) == (303, f"{BASE}/wechatpay/{day}")
    assert "Everything agrees." in text_of(await console.get(f"{BASE}/wechatpay/{day}"))


async def test_support_reads_and_does_not_act(db, console, missing, day):
    await sign_in(db, console, "support")
    shown = await console.get(f"{BASE}/items/{missing.id}")
    assert shown.status_code == 200
    assert "Book it to suspense" not in shown.text
    assert (await console.post(f"{BASE}/items/{missing.id}/acceptance", data={"reason": "because"})).status_code == 403
    assert (await console.post(f"{BASE}/wechatpay/{day}")).status_code == 403


async def test_odd_addresses_are_no_pages(db, console):
    await sign_in(db, console)
    for path in (
        "items/nothing",
        f"items/{world.ids.uuid7()}",
        "paypal/2026-11-23",
        "wechatpay/yesterday",
        "wechatpay/0001-01-01",
    ):
        assert (await console.get(f"{BASE}/{path}")).status_code == 404, path
    for odd in ("?until=tomorrow", "?until=0001-01-01", "/queue?kind=x&from=999999", "/queue?from=-1&provider=%00"):
        assert (await console.get(f"{BASE}{odd}")).status_code == 200, odd


def test_all_words_of_differences_exist_in_chinese() -> None:
    said = {text for kind in KINDS.values() for text in (kind.title, kind.advice)}
    said |= (
        set(pages.SETTLED.values())
        | set(pages.REFUND_SAID.values())
        | set(pages.SAID.values())
        | set(pages.PROVIDERS.values())
    )
    said |= {
        "no longer differs",
        "the bill has come",
        "a second payment: goes back",
        "the provider says the same as we",
    }
    said |= {f"taken over: {role}" for role in ("winner", "late", "duplicate", "conflicted")}
    said |= set(pages.STANDING.values())
    missing = sorted(text for text in said if text not in i18n.catalogue())
    assert not missing
    assert not re.search("[一-鿿]", "".join(said))
