"""The console's page of webhooks, used by an engineer, in both languages, with a real receiver behind it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette

from holdfast import notices, web
from holdfast.kit import i18n
from holdfast.kit.problems import Problem
from holdfast.notices import subscriptions
from holdfast.web.console import access
from holdfast.web.console import webhooks as page
from tests import staff, world
from tests.web.conftest import HOST, text_of
from tests.web.test_looks import is_well_made

from .conftest import ACTOR
from .receiver import Reply

pytestmark = pytest.mark.anyio


@pytest.fixture
async def engineer(db) -> AsyncIterator[httpx2.AsyncClient]:
    """An engineer at the console, who reads English."""
    app = Starlette(
        routes=web.routes,
        middleware=web.middleware,
        exception_handlers={Problem: web.problem_page, 404: web.missing_page, 405: web.missing_page},
    )
    app.state.db = db
    person = await staff.colleague(db, "engineer")
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=HOST, headers={"Accept-Language": "en"}) as client:
        client.cookies.set(access.COOKIE, person.token)
        yield client


async def publish(db, kind="payment.paid"):
    return await db.run(notices.publish, kind, {"amount_minor": 1}, subject="intent:1")


async def test_an_address_is_subscribed_and_its_secret_shown_once(db, engineer, receiver):
    typed = {"url": receiver.url(), "description": "the city's <card> office", "event.payment.paid": "1"}
    made = await engineer.post("/console/webhooks", data=typed)
    assert made.status_code == 200
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", text_of(made))[0]
    [one] = await db.read(subscriptions.listed)
    for path in ("/console/webhooks", f"/console/webhooks/{one.id}"):
        shown = await engineer.get(path)
        assert receiver.url() in shown.text
        assert "the city&#39;s &lt;card&gt; office" in shown.text
        assert secret not in shown.text
    await publish(db)
    await notices.webhooks.deliver(db)
    assert len(receiver.got()) == 1


async def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(db, engineer, hook, receiver):
    wrong = await engineer.post("/console/webhooks", data={"url": "https://10.0.0.1/", "contact": "139", "description": "mine"})  # fmt: skip
    assert wrong.status_code == 422
    said = text_of(wrong)
    for text in ("private network", "Choose at least one event.", "with its country code"):
        assert text in said
    assert 'value="mine"' in wrong.text
    again = await engineer.post("/console/webhooks", data={"url": receiver.url(), "event.payment.late": "1"})
    assert (again.status_code, "This address is subscribed already." in text_of(again)) == (422, True)


async def test_health_is_a_picture_and_figures(db, engineer, hook, receiver):
    receiver.will(204, 204, 204, 500)
    for _ in range(4):
        await publish(db)
        await notices.webhooks.deliver(db)
    shown = await engineer.get("/console/webhooks")
    assert "3 of 4" in text_of(shown)
    assert 'class="meter"' in shown.text
    assert "failing from today" in text_of(shown)


async def test_pausing_takes_a_reason_and_resuming_catches_up(db, engineer, hook):
    base = f"/console/webhooks/{hook.id}"
    refused = await engineer.post(f"{base}/pausing", data={"reason": ""})
    assert (refused.status_code, "Say why" in text_of(refused)) == (422, True)
    assert (await engineer.post(f"{base}/pausing", data={"reason": "we move the server"})).status_code == 303
    assert "we move the server" in text_of(await engineer.get(base))
    await publish(db)
    assert (await engineer.post(f"{base}/resuming")).status_code == 303
    assert await notices.webhooks.deliver(db) == 1
    await engineer.post(f"{base}/pausing", data={"reason": "we move the server"})
    await publish(db)
    await engineer.post(f"{base}/resuming", data={"skip": "1"})
    assert await notices.webhooks.deliver(db) == 0


async def test_a_new_secret_is_shown_once_and_a_leaked_one_ends_at_once(db, engineer, hook, receiver):
    path = f"/console/webhooks/{hook.id}/secret"
    assert (await engineer.post(path, data={"reason": ""})).status_code == 422
    assert "whsec_" in text_of(await engineer.post(path, data={"reason": "yearly change"}))
    await engineer.post(path, data={"reason": "sent by mail", "leaked": "1"})
    await publish(db)
    await notices.webhooks.deliver(db)
    [got] = receiver.got()
    assert len(got.headers["webhook-signature"].split(" ")) == 1
    audited = await world.value(
        db,
        "select array_agg(details ->> 'reason' order by id) from kit.audit where action = 'webhooks.rotate' and actor like 'staff:%%'",
    )
    assert audited == ["yearly change", "sent by mail"]


async def test_a_test_leads_to_what_came_of_it(db, engineer, hook, receiver):
    receiver.will(Reply(500, b"<b>broken</b>"))
    answer = await engineer.post(f"/console/webhooks/{hook.id}/test")
    assert answer.status_code == 303
    shown = await engineer.get(answer.headers["location"])
    assert "&lt;b&gt;broken&lt;/b&gt;" in shown.text
    assert "webhook.test" in text_of(shown)
    assert "given up" in text_of(shown)


async def test_a_delivery_is_read_and_sent_again(db, engineer, hook, receiver):
    receiver.will(Reply(307, headers={"Location": "/elsewhere"}))
    event_id = await publish(db)
    await notices.webhooks.deliver(db)
    [delivery] = await db.read(notices.webhooks.deliveries)
    path = f"/console/webhooks/deliveries/{delivery.id}"
    said = text_of(await engineer.get(path))
    for text in ("a redirect, which we do not follow", f"evt_{event_id.hex}", '"amount_minor":1'):
        assert text in said
    assert (await engineer.post(f"{path}/resending")).headers["location"] == path
    await notices.webhooks.deliver(db)
    assert "delivered" in text_of(await engineer.get(path))
    first, second = receiver.got()
    assert first.id == second.id


async def test_deliveries_are_paged_and_filtered(db, engineer, hook):
    for _ in range(page.PAGE + 2):
        await publish(db)
    first = await engineer.get(f"/console/webhooks/{hook.id}?state=waiting")
    assert first.text.count("/console/webhooks/deliveries/") == page.PAGE
    older = re.search(r'href="(/console/webhooks/[^"]*before=\d+)"', first.text)[1].replace("&amp;", "&")
    second = await engineer.get(older)
    assert second.text.count("/console/webhooks/deliveries/") == 2
    assert "None like that." in text_of(await engineer.get(f"/console/webhooks/{hook.id}?state=failed"))
    assert (await engineer.get(f"/console/webhooks/{hook.id}?state=x&before=y")).status_code == 200


async def test_ended_ones_are_shown_on_request_and_take_no_more_acts(db, engineer, hook):
    base = f"/console/webhooks/{hook.id}"
    assert (await engineer.post(f"{base}/ending", data={"reason": "contract over"})).status_code == 303
    assert str(hook.id) not in (await engineer.get("/console/webhooks")).text
    assert str(hook.id) in (await engineer.get("/console/webhooks?ended=1")).text
    assert "/ending" not in (await engineer.get(base)).text
    refused = await engineer.post(f"{base}/resuming")
    assert (refused.status_code, "This subscription has ended." in text_of(refused)) == (409, True)


async def test_what_is_not_there_is_not_found(db, engineer):
    for missing in ("nonsense", "0192d2c0-0000-7000-8000-000000000000", "deliveries/7", "deliveries/x"):
        assert (await engineer.get(f"/console/webhooks/{missing}")).status_code == 404


@pytest.mark.parametrize("tongue", ["zh", "en"])
async def test_every_page_is_well_made_in_both_languages(db, engineer, hook, receiver, tongue):
    engineer.cookies.set("hf_lang", tongue)
    empty = await engineer.get("/console/webhooks")
    receiver.will(410)
    await publish(db)
    await notices.webhooks.deliver(db)
    paused = await engineer.get(f"/console/webhooks/{hook.id}")
    await db.run(subscriptions.resume, ACTOR, hook.id)
    [delivery] = await db.read(notices.webhooks.deliveries)
    pages = [
        empty, paused, await engineer.get("/console/webhooks"), await engineer.get(f"/console/webhooks/{hook.id}"),
        await engineer.get(f"/console/webhooks/deliveries/{delivery.id}"),
        await engineer.post("/console/webhooks", data={}), await engineer.post(f"/console/webhooks/{hook.id}/secret", data={"reason": "yearly"}),
        await engineer.post(f"/console/webhooks/{hook.id}/ending", data={}),
    ]  # fmt: skip
    for answer in pages:
        is_well_made(answer.text)
    assert (subscriptions.GONE in paused.text) == (tongue == "en")


def test_all_words_of_states_and_troubles_speak_chinese() -> None:
    said = {word for _tone, word in page.STATES.values()} | set(page.TROUBLES.values())
    said |= {kind.description for kind in notices.EVENTS.values()} | set(subscriptions.REFUSALS.values())
    said |= {subscriptions.GONE, subscriptions.FAILING, "There is no event {names}.", "Choose at least one event."}
    said.add("Write the phone with its country code: +86 and the number.")
    assert not sorted(text for text in said if text not in i18n.catalogue())
