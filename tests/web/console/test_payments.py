"""The console's payments: found by any number, told whole, asked about, refunded, handed over."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from holdfast import accounts, orders, payments
from holdfast.kit import clock, ids
from holdfast.kit.db import Db, Tx
from holdfast.kit.money import Money
from holdfast.payments import refunds_store
from holdfast.payments.providers.base import RefundState
from tests import invariants, world
from tests.payments.conftest import SimulatorProcess
from tests.web.conftest import hidden, text_of
from tests.web.test_looks import is_well_made

from .ground import attempt_of, begun, come_as, paid, told

pytestmark = pytest.mark.anyio
BASE = "/console/payments"


async def refunds_of(db: Db, intent_id: UUID) -> list[tuple[int, str, str]]:
    found = await db.read(refunds_store.of_intent, intent_id)
    return [(one.amount_minor, one.reason, one.state) for one in found]


# Search


async def test_any_number_leads_to_the_payment(db: Db, sim: SimulatorProcess, reader: httpx2.AsyncClient) -> None:
    _mei, order, intent_id = await paid(db, sim)
    await come_as(reader, db, "support")
    ours = await world.value(db, "select merchant_ref from payments.attempts")
    theirs = await world.value(db, "select provider_txn from payments.attempts")
    for typed in (order.number, ids.show_code(order.number).lower(), str(intent_id)):
        answer = await reader.get(BASE, params={"q": typed})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{BASE}/{intent_id}"), typed
    for typed in (ours, ours.lower(), theirs, str(order.row.id)):
        page = await reader.get(BASE, params={"q": typed})
        assert f'href="{BASE}/{intent_id}"' in page.text, typed
        assert order.number[:5] in text_of(page)
    assert "Nothing fits this search." in text_of(await reader.get(BASE, params={"q": "HF0"}))


async def test_an_order_without_a_payment_is_said_to_be_there(db: Db, reader: httpx2.AsyncClient) -> None:
    _mei, order = await world.held_order(db, await world.open_slot(db))
    await come_as(reader, db, "finance")
    page = text_of(await reader.get(BASE, params={"q": order.number}))
    assert f"The order {order.number} is there; its payment was never begun." in page


async def test_filters_narrow_and_keep_what_was_typed(
    db: Db,
    sim: SimulatorProcess,
    reader: httpx2.AsyncClient,
) -> None:
    _mei, _order, good = await paid(db, sim)
    sim.script({"fault": "lost_response", "match": "create", "count": 1, "provider": "alipay"})
    _jun, _other, view = await begun(db, "alipay")
    await come_as(reader, db, "finance")

    async def found(**asked: str) -> set[UUID]:
        answer = await reader.get(BASE, params=asked)
        assert answer.status_code == 200
        return {UUID(one) for one in re.findall(rf'href="{BASE}/([0-9a-f-]{{36}})"', answer.text)}

    both = {good, view.intent_id}
    assert await found() == both
    assert await found(state="paid") == {good}
    assert await found(state="open") == {view.intent_id}
    assert await found(provider="alipay") == {view.intent_id}
    assert await found(only="doubt") == {view.intent_id}
    assert await found(only="conflicted") == set()
    today = f"{clock.now() + timedelta(hours=8):%Y-%m-%d}"
    assert await found(since=today, until=today) == both
    assert await found(until="2020-01-01") == set()
    assert await found(state="nonsense", provider="x", only="y", before="z") == both
    wrong = await reader.get(BASE, params={"since": "yesterday", "q": "HF1", "state": "paid"})
    assert (wrong.status_code, "Write a day as 2026-11-23." in text_of(wrong)) == (422, True)
    for kept in ('value="yesterday"', 'value="HF1"', '<option value="paid" selected>'):
        assert kept in wrong.text


async def test_a_long_list_is_paged_by_its_last_payment(db: Db, reader: httpx2.AsyncClient) -> None:
    async def many(tx: Tx) -> None:
        for at in range(85):
            await payments.want(tx, f"thing:{at}", Money(100 + at), f"Thing {at}", clock.now() + timedelta(hours=1))

    await db.run(many)
    await come_as(reader, db, "support")
    seen: list[str] = []
    path = f"{BASE}?state=open"
    for _ in range(4):
        page = await reader.get(path)
        seen += re.findall(r">(Thing \d+)<", page.text)
        older = re.search(rf'href="({BASE}\?[^"]*before=[^"]+)">Older', page.text)
        if older is None:
            break
        path = older[1].replace("&amp;", "&")
    assert sorted(seen) == sorted(f"Thing {at}" for at in range(85))
    assert "Newest" in text_of(page)


# One payment


async def test_the_story_has_every_fact_and_nobody_s_data(
    db: Db,
    sim: SimulatorProcess,
    reader: httpx2.AsyncClient,
) -> None:
    mei, order, intent_id = await paid(db, sim)
    attempt = await attempt_of(db, await world.value(db, "select merchant_ref from payments.attempts"))
    told_of = {
        "state": "succeeded", "source": "callback", "merchant_ref": attempt.merchant_ref, "amount_minor": 6000, "currency": "CNY",
        "provider_txn": attempt.provider_txn,
    }  # fmt: skip
    await db.run(world.lay_in_inbox, "wechatpay", "once", {"payment": told_of, "refund": None})
    await world.until_quiet(db)
    lin = await come_as(reader, db, "finance", name="Lin Wen")
    await db.run(orders.refund, lin.actor, intent_id, 2000, "one visitor fell ill")
    await world.until_quiet(db)
    answer = await reader.get(f"{BASE}/{intent_id}")
    page = text_of(answer)
    for said in (
        "What the traveller reads now", "Paid. Your visit is confirmed.", "¥20 was returned to WeChat Pay.", "Attempt begun: WeChat Pay · code to scan",
        "Charge placed at WeChat Pay: waits for its payer", "Asked about at WeChat Pay", "The attempt: waits for its payer → paid.",
        "Callback from WeChat Pay came", "Callback applied: paid", "Refund of ¥20 promised", "Reason: one visitor fell ill", "Begun by Lin Wen.",
        "Refund of ¥20: given back", "In the books: Money received, booked", "In the books: Refund, promised", "In the books: Refund, carried out",
        "1010 provider owes us", "2010 order money", "By staff: Lin Wen", "The order was confirmed", "¥40 is left.",
        attempt.merchant_ref, str(attempt.provider_txn), order.row.phone_masked, "apiv3.1", "The channel was: well.",
    ):  # fmt: skip
        assert said in page, said
    for kept_back in ("王小明", mei.phone, mei.phone[-8:], str(order.row.account_id)):
        assert kept_back not in answer.text


async def test_a_doubt_shows_its_error_in_a_sentence_and_repeats_in_one_line(
    db: Db,
    sim: SimulatorProcess,
    reader: httpx2.AsyncClient,
) -> None:
    sim.script({"fault": "html_502", "provider": "wechatpay"})
    _mei, _order, view = await begun(db)
    for _ in range(3):
        await world.work_once(db)
    await come_as(reader, db, "support")
    page = text_of(await reader.get(f"{BASE}/{view.intent_id}"))
    assert "in doubt" in page
    assert "We are asking WeChat Pay whether money came." in page
    assert "It answered with the HTTP status 502, and not as its protocol says." in page
    assert "3 times, until" in page
    assert "Give money back" not in page


async def test_asking_now_applies_what_the_provider_says(
    db: Db,
    sim: SimulatorProcess,
    reader: httpx2.AsyncClient,
) -> None:
    mei, order, view = await begun(db)
    sim.pay(view.merchant_ref or "")
    lin = await come_as(reader, db, "support")
    path = f"{BASE}/{view.intent_id}"
    short = await reader.post(f"{path}/asking", data={"reason": "x"})
    assert (short.status_code, "Say why" in text_of(short), 'value="x"' in short.text) == (422, True, True)
    assert (await world.payment_of(db, mei, order)).state == "open"
    answer = await reader.post(f"{path}/asking", data={"reason": "the traveller stands here"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert (await world.payment_of(db, mei, order)).state == "paid"
    [entry] = await db.read(accounts.trail, action="payment.ask")
    assert (entry.actor, entry.details["reason"]) == (str(lin.actor), "the traveller stands here")
    assert "By staff: Lin Wen" in text_of(await reader.get(path))


# Giving money back


async def test_a_part_goes_back_and_the_order_stays(
    db: Db,
    sim: SimulatorProcess,
    reader: httpx2.AsyncClient,
) -> None:
    mei, order, intent_id = await paid(db, sim)
    await come_as(reader, db, "finance")
    path = f"{BASE}/{intent_id}"
    page = await reader.get(path)
    typed = {**hidden(page), "how": "part", "amount": "¥20.50", "reason": "one visitor fell ill"}
    assert (await reader.post(f"{path}/refunds", data=typed)).headers["location"] == path
    again = await reader.post(f"{path}/refunds", data=typed)
    assert (again.status_code, "has changed since you opened the page" in text_of(again)) == (422, True)
    assert 'value="¥20.50"' in again.text
    assert await refunds_of(db, intent_id) == [(2050, "one visitor fell ill", "requested")]
    await world.until_quiet(db)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CONFIRMED
    assert await refunds_of(db, intent_id) == [(2050, "one visitor fell ill", "succeeded")]
    await invariants.require(db)


async def test_all_goes_back_and_the_order_ends_as_the_page_says(
    db: Db,
    sim: SimulatorProcess,
    reader: httpx2.AsyncClient,
) -> None:
    mei, order, intent_id = await paid(db, sim)
    await come_as(reader, db, "finance")
    path = f"{BASE}/{intent_id}"
    page = await reader.get(path)
    assert "All of it: ¥60 It ends the order and releases its places." in text_of(page)
    await reader.post(f"{path}/refunds", data={**hidden(page), "how": "all", "reason": "the museum is closed"})
    await world.until_quiet(db)
    assert (await world.order_of(db, mei, order.number)).state is orders.State.CANCELLED
    assert await refunds_of(db, intent_id) == [(6000, "the museum is closed", "succeeded")]
    after = text_of(await reader.get(path))
    assert "Give money back" not in after
    assert "The order was cancelled, its places went back on sale" in after


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("", "Write an amount such as 20 or 20.50."), ("twenty", "Write an amount such as"), ("0", "Write an amount such as"),
        ("20.505", "Write an amount such as"), ("-5", "Write an amount such as"), ("60.01", "At most ¥60 is left of this payment."),
    ],
)  # fmt: skip
async def test_a_wrong_amount_is_said_and_stays_typed(
    db: Db,
    sim: SimulatorProcess,
    reader: httpx2.AsyncClient,
    amount: str,
    said: str,
) -> None:
    _mei, _order, intent_id = await paid(db, sim)
    await come_as(reader, db, "finance")
    path = f"{BASE}/{intent_id}/refunds"
    answer = await reader.post(path, data={"how": "part", "amount": amount, "reason": "as agreed"})
    assert (answer.status_code, said in text_of(answer)) == (422, True)
    assert f'value="{amount}"' in answer.text
    assert 'value="as agreed"' in answer.text
    assert await refunds_of(db, intent_id) == []


async def test_a_refund_that_its_provider_cannot_give_is_given_by_bank(
    db: Db,
    sim: SimulatorProcess,
    reader: httpx2.AsyncClient,
) -> None:
    _mei, _order, intent_id = await paid(db, sim)
    lin = await come_as(reader, db, "finance")
    sim.script({"fault": "refund_processing"})
    refund_id = await db.run(orders.refund, lin.actor, intent_id, 2000, "as agreed")
    path = f"{BASE}/{intent_id}"
    early = await reader.post(f"{path}/refunds/{refund_id}/handing", data={"reason": "by bank"})
    assert (early.status_code, "The provider still works on this refund" in text_of(early)) == (422, True)
    await told(db, refund_id, RefundState.ABNORMAL, "ABNORMAL")
    page = text_of(await reader.get(path))
    assert "To be handed over: ¥20" in page
    short = await reader.post(f"{path}/refunds/{refund_id}/handing", data={"reason": ""})
    assert (short.status_code, "Say why" in text_of(short)) == (422, True)
    done = await reader.post(f"{path}/refunds/{refund_id}/handing", data={"reason": "bank transfer 4711"})
    assert done.status_code == 303
    assert await refunds_of(db, intent_id) == [(2000, "as agreed", "succeeded")]
    story = text_of(await reader.get(path))
    assert "In the books: Refund by bank transfer, booked" in story
    assert "Reason: bank transfer 4711" in story
    await invariants.require(db)


async def test_what_is_not_there_is_not_found(db: Db, reader: httpx2.AsyncClient) -> None:
    await come_as(reader, db, "finance")
    for path in (f"{BASE}/nonsense", f"{BASE}/{ids.uuid7()}"):
        assert (await reader.get(path)).status_code == 404
        for act in ("asking", "refunds", f"refunds/{ids.uuid7()}/handing"):
            answer = await reader.post(f"{path}/{act}", data={"reason": "as agreed"})
            assert answer.status_code == 404, act


# All pages


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_pages_are_well_made_in_both_languages(
    db: Db,
    sim: SimulatorProcess,
    reader: httpx2.AsyncClient,
    language: str,
) -> None:
    _mei, _order, intent_id = await paid(db, sim)
    await come_as(reader, db, "finance")
    reader.cookies.set("hf_lang", language)
    for path in (BASE, f"{BASE}?q=nothing&since=x", f"{BASE}/{intent_id}"):
        answer = await reader.get(path)
        is_well_made(answer.text)
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in answer.text
    is_well_made((await reader.post(f"{BASE}/{intent_id}/refunds", data={"how": "part"})).text)
