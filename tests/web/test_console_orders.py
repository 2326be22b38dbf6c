"""Orders at the console: found by number, people masked, one field in clear with a reason."""

from __future__ import annotations

import httpx2
import pytest

from holdfast import accounts
from holdfast.kit.db import Db
from holdfast.orders import reveal
from holdfast.web.console import access
from tests import staff
from tests.rights.scenes import Visited, booked

from .conftest import text_of
from .test_looks import is_well_made

pytestmark = pytest.mark.anyio
BASE = "/console/orders"


async def at_the_desk(db: Db, reader: httpx2.AsyncClient) -> tuple[Visited, staff.Colleague]:
    lin = await staff.colleague(db, "desk")
    reader.cookies.set(access.COOKIE, lin.token)
    return await booked(db), lin


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_an_order_is_found_and_nobody_in_it_is_shown(db: Db, reader: httpx2.AsyncClient, language: str) -> None:
    mei, _lin = await at_the_desk(db, reader)
    reader.cookies.set("hf_lang", language)
    number = mei.order.number
    led = await reader.get(BASE, params={"number": f" {number[:5].lower()}-{number[5:]} "})
    assert led.headers["location"] == f"{BASE}/{number}"
    for path in (BASE, f"{BASE}/{number}"):
        page = await reader.get(path)
        is_well_made(page.text)
        assert page.headers["cache-control"] == "no-store"
        for secret in mei.secrets:
            assert secret not in page.text


@pytest.mark.parametrize("typed", ["7K3QF90XMA", "nonsense", "'; --", "0" * 300])
async def test_a_wrong_number_stays_in_the_field(db: Db, reader: httpx2.AsyncClient, typed: str) -> None:
    await at_the_desk(db, reader)
    page = await reader.get(BASE, params={"number": typed})
    assert (page.status_code, "There is no order with this number." in text_of(page)) == (422, True)
    assert (await reader.get(f"{BASE}/7K3QF90XMA")).status_code == 404


async def test_one_field_is_shown_once_with_a_reason(db: Db, reader: httpx2.AsyncClient) -> None:
    mei, lin = await at_the_desk(db, reader)
    page = f"{BASE}/{mei.order.number}"
    shown = await reader.post(f"{page}/reveal", data={"what": "document:1", "reason": "reads it to us on the phone"})
    assert shown.status_code == 200
    assert mei.visitors[0].document in shown.text
    assert mei.visitors[1].document not in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert mei.visitors[0].document not in (await reader.get(page)).text
    [entry] = await db.read(accounts.trail, subject=f"order:{mei.order.number}", action="order.reveal")
    assert (entry.actor, entry.details["reason"]) == (str(lin.actor), "reads it to us on the phone")
    assert entry.details["roles"] == ["desk"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"what": "name:1", "reason": ""}, "Say why"), ({"what": "name:1", "reason": "abc"}, "Say why"),
        ({"what": "", "reason": "needed here"}, "Choose what you need"), ({"what": "name:x", "reason": "needed here"}, "Choose what you need"),
        ({"what": "everything", "reason": "needed here"}, "Choose what you need"), ({}, "Say why"),
    ],
)  # fmt: skip
async def test_without_a_reason_nothing_is_shown_and_nothing_typed_is_lost(
    db: Db, reader: httpx2.AsyncClient, typed: dict[str, str], said: str
) -> None:
    mei, _lin = await at_the_desk(db, reader)
    answer = await reader.post(f"{BASE}/{mei.order.number}/reveal", data=typed)
    assert (answer.status_code, said in text_of(answer)) == (422, True)
    for secret in mei.secrets:
        assert secret not in answer.text
    assert f'value="{typed.get("reason", "")}"' in answer.text
    assert await db.read(accounts.trail, subject=f"order:{mei.order.number}", action="order.reveal") == []


async def test_what_is_gone_is_said_and_what_is_too_much_too(
    db: Db, reader: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei, _lin = await at_the_desk(db, reader)
    page = f"{BASE}/{mei.order.number}/reveal"
    gone = await reader.post(page, data={"what": "name:9", "reason": "needed here"})
    assert (gone.status_code, "This is no longer kept." in text_of(gone)) == (409, True)
    monkeypatch.setattr(reveal, "REVEALS", 1)
    much = await reader.post(page, data={"what": "name:1", "reason": "needed here"})
    assert (much.status_code, "many people" in text_of(much)) == (429, True)
    assert int(much.headers["retry-after"]) <= reveal.WINDOW_S
    assert mei.visitors[0].name not in much.text
